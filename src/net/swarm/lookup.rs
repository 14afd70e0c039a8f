//! Who is closest to a peer id: what people look up by hand, and how a peer is found that only others know.

use libp2p::PeerId;
use libp2p::kad::{GetClosestPeersError, GetClosestPeersOk, QueryId, QueryResult};
use tokio::sync::oneshot;

use super::address::{is_dialable, without_peer};
use super::command::Reply;
use super::dht::MAX_ROUTES;
use super::task::Task;

/// Peers told of one answer.
const MAX_PEERS: usize = 20;

/// Look-ups waited for at once; of more, nobody is told the end.
const MAX_WAITING: usize = 64;

/// Askers by their queries.
#[derive(Default)]
pub struct Lookups(Vec<(QueryId, Reply<Vec<PeerId>>)>);

impl Lookups {
    fn take(&mut self, id: QueryId) -> Option<Reply<Vec<PeerId>>> {
        let at = self.0.iter().position(|(waiting, _)| *waiting == id)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Nobody waits for this query any more.
    pub(super) fn forget(&mut self, id: QueryId) {
        self.take(id);
    }
}

impl Task {
    /// Answers when the query has ended, with the closest first; what was heard of where they are is kept for dialling them.
    pub(super) fn look_for_closest(&mut self, peer: PeerId, reply: Reply<Vec<PeerId>>, left: oneshot::Receiver<()>) {
        if self.dht.lookups.0.len() >= MAX_WAITING {
            return;
        }
        let id = self.swarm.behaviour_mut().kad.get_closest_peers(peer);
        self.end_when_left(id, left);
        self.dht.lookups.0.push((id, reply));
    }

    /// Tells who waits for this query what it found.
    pub(super) fn on_lookup_end(&mut self, id: QueryId, result: &QueryResult) {
        let QueryResult::GetClosestPeers(result) = result else { return };
        let Some(reply) = self.dht.lookups.take(id) else { return };
        let (Ok(GetClosestPeersOk { peers, .. }) | Err(GetClosestPeersError::Timeout { peers, .. })) = result;
        for found in peers.iter().take(MAX_PEERS) {
            let addrs = found.addrs.iter().cloned().map(without_peer).filter(is_dialable).take(MAX_ROUTES);
            self.dials.hear(found.peer_id, addrs.collect());
        }
        let _ = reply.send(peers.iter().take(MAX_PEERS).map(|found| found.peer_id).collect());
    }
}
