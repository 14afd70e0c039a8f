//! What people look up in the DHT by hand: who is closest to a peer id.

use libp2p::PeerId;
use libp2p::kad::{GetClosestPeersError, QueryId, QueryResult};

use super::command::Reply;
use super::task::Task;

/// Peers told of one answer.
const MAX_PEERS: usize = 20;

/// Look-ups waited for at once; of more, nobody is told the end.
const MAX_WAITING: usize = 16;

/// Askers by their queries.
#[derive(Default)]
pub struct Lookups(Vec<(QueryId, Reply<Vec<PeerId>>)>);

impl Task {
    /// Answers when the query has ended, with the closest first; what was heard of where they are is kept for dialling them.
    pub(super) fn look_for_closest(&mut self, peer: PeerId, reply: Reply<Vec<PeerId>>) {
        let id = self.swarm.behaviour_mut().kad.get_closest_peers(peer);
        let waiting = &mut self.dht.lookups.0;
        if waiting.len() < MAX_WAITING {
            waiting.push((id, reply));
        }
    }

    /// Tells who waits for this query what it found.
    pub(super) fn on_lookup_end(&mut self, id: QueryId, result: &QueryResult) {
        let QueryResult::GetClosestPeers(result) = result else { return };
        let Some(at) = self.dht.lookups.0.iter().position(|(waiting, _)| *waiting == id) else { return };
        let (_, reply) = self.dht.lookups.0.swap_remove(at);
        let found = match result {
            Ok(ok) => &ok.peers,
            Err(GetClosestPeersError::Timeout { peers, .. }) => peers,
        };
        for one in found.iter().take(MAX_PEERS) {
            self.dials.hear(one.peer_id, one.addrs.clone());
        }
        drop(reply.send(found.iter().take(MAX_PEERS).map(|one| one.peer_id).collect()));
    }
}
