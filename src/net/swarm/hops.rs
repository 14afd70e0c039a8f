//! How far the queries of the DHT go. Kademlia counts requests and answers only, and steps are what shows whether a network is as
//! deep as its size lets expect.

use std::collections::{HashMap, VecDeque};

use libp2p::PeerId;
use libp2p::kad::{self, KadPeer, QueryId};
use libp2p::swarm::THandlerOutEvent;

use super::records::DhtStore;
use super::watched::Watch;

/// Queries followed at a time; one more takes the place of the oldest.
const MAX_QUERIES: usize = 64;

/// Peers remembered for one query. Further ones count as if this node knew them, so that the steps are no fewer than told.
const MAX_PEERS: usize = 512;

type Kademlia = kad::Behaviour<DhtStore>;

/// What a connection hands Kademlia.
type Received = THandlerOutEvent<Kademlia>;

/// The steps of each query that runs.
#[derive(Default)]
pub struct Hops {
    /// The newest last.
    queries: VecDeque<(QueryId, Trail)>,
}

/// Who was heard of through whom.
#[derive(Default)]
struct Trail {
    /// Steps to each peer that others named; those of the routing table are one step away, and not in it.
    steps: HashMap<PeerId, u32>,
    farthest: u32,
}

impl Trail {
    /// `peer` has answered, and named others that this node did not know.
    fn answered(&mut self, peer: PeerId, named: impl Iterator<Item = PeerId>) {
        let here = self.steps.get(&peer).copied().unwrap_or(1);
        self.farthest = self.farthest.max(here);
        for other in named {
            if self.steps.len() < MAX_PEERS {
                self.steps.entry(other).or_insert(here.saturating_add(1));
            }
        }
    }
}

impl Hops {
    /// Steps to the farthest peer that has answered the query: 1 where all were in the routing table, 0 while there is no answer.
    pub fn of(&self, query: QueryId) -> u32 {
        self.queries.iter().find(|(id, _)| *id == query).map_or(0, |(_, trail)| trail.farthest)
    }

    /// The same for a query that has ended, which is forgotten.
    pub fn end(&mut self, query: QueryId) -> u32 {
        let steps = self.of(query);
        self.queries.retain(|(id, _)| *id != query);
        steps
    }

    fn trail(&mut self, query: QueryId) -> Option<&mut Trail> {
        if !self.queries.iter().any(|(id, _)| *id == query) {
            if self.queries.len() >= MAX_QUERIES {
                self.queries.pop_front();
            }
            self.queries.push_back((query, Trail::default()));
        }
        self.queries.iter_mut().find(|(id, _)| *id == query).map(|(_, trail)| trail)
    }
}

impl Watch<Kademlia> for Hops {
    fn received(&mut self, kad: &mut Kademlia, peer: PeerId, event: &Received) {
        let (query, named) = match event {
            Received::FindNodeRes { closer_peers, query_id }
            | Received::GetProvidersRes { closer_peers, query_id, .. }
            | Received::GetRecordRes { closer_peers, query_id, .. } => (*query_id, closer_peers),
            _ => return,
        };
        let Some(trail) = self.trail(query) else { return };
        trail.answered(peer, named.iter().map(|one: &KadPeer| one.node_id).filter(|one| !is_known(kad, *one)));
    }
}

/// Whether the routing table has it.
fn is_known(kad: &mut Kademlia, peer: PeerId) -> bool {
    kad.kbucket(peer).is_some_and(|bucket| bucket.iter().any(|entry| *entry.node.key.preimage() == peer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_counted_from_the_routing_table_by_the_first_that_named_a_peer() {
        let [known, near, far, unknown] = [0; 4].map(|_| PeerId::random());
        let mut trail = Trail::default();
        assert_eq!(trail.farthest, 0);
        trail.answered(known, [near].into_iter());
        assert_eq!(trail.farthest, 1);
        trail.answered(near, [far, near].into_iter());
        trail.answered(far, [near, unknown].into_iter());
        assert_eq!(trail.farthest, 3);
        // Named at once by one that is nearer: what counts is through whom it was found.
        trail.answered(known, [far].into_iter());
        trail.answered(far, [].into_iter());
        assert_eq!(trail.farthest, 3);
    }

    #[test]
    fn what_others_name_takes_bounded_room() {
        let mut trail = Trail::default();
        for _ in 0..MAX_PEERS {
            trail.answered(PeerId::random(), [PeerId::random(), PeerId::random()].into_iter());
        }
        assert_eq!((trail.steps.len(), trail.farthest), (MAX_PEERS, 1));
    }
}
