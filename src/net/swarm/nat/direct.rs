//! From a relayed connection to a direct one. A relay carries 128 KiB, so that whoever moves content waits here until there is
//! a direct connection, or it is clear why there is none.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use libp2p::swarm::ConnectionId;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId, dcutr};

use super::super::super::error::{ErrorKind, NodeError};
use super::super::address::is_relayed;
use super::super::command::Reply;
use super::super::task::Task;

/// How long a relayed connection stays beside a direct one, for what is under way on it.
const GRACE: Duration = Duration::from_secs(5);

/// Dials after which DCUtR gives up.
const TRIES: u8 = 3;

/// Who waits for direct connections, and which attempts have failed.
#[derive(Default)]
pub struct Upgrades {
    waiting: HashMap<PeerId, Vec<Reply<Result<(), NodeError>>>>,
    /// Of peers that are connected through a relay.
    failed: HashMap<PeerId, String>,
    /// Dials that failed, of the same. Only the side that proposed the attempt hears of its end.
    tries: HashMap<PeerId, u8>,
    /// Dials of this node to peers that have come to it through a relay.
    returned: HashSet<ConnectionId>,
    /// Relayed connections that are being closed.
    closing: HashSet<ConnectionId>,
}

impl Upgrades {
    fn answer(&mut self, peer: PeerId, result: &Result<(), NodeError>) {
        for reply in self.waiting.remove(&peer).unwrap_or_default() {
            let _ = reply.send(result.clone());
        }
    }
}

impl Task {
    /// Answers when the connection with `peer` is direct, and no other, or cannot become so.
    pub(in super::super) fn make_direct(&mut self, peer: PeerId, reply: Reply<Result<(), NodeError>>) {
        let waiting = self.upgrades.waiting.entry(peer).or_default();
        // Who has given up waiting makes room.
        waiting.retain(|reply| !reply.is_closed());
        waiting.push(reply);
        self.settle_direct(peer);
    }

    /// Tells those who wait what has become of the connections with `peer`.
    pub(in super::super) fn settle_direct(&mut self, peer: PeerId) {
        self.upgrades.returned.retain(|id| !self.remotes.contains_key(id));
        let of_peer = || self.remotes.iter().filter(|(_, remote)| remote.peer == peer);
        let direct = of_peer().any(|(_, remote)| !remote.relayed);
        let relayed: Vec<ConnectionId> = of_peer().filter(|(_, remote)| remote.relayed).map(|(id, _)| *id).collect();
        if direct || relayed.is_empty() {
            self.upgrades.failed.remove(&peer);
            self.upgrades.tries.remove(&peer);
        }
        if !self.upgrades.waiting.contains_key(&peer) {
            return;
        }
        match (direct, relayed.as_slice()) {
            (true, []) => self.upgrades.answer(peer, &Ok(())),
            // A stream is opened on any of the connections of a peer.
            (true, relayed) => self.close(relayed),
            (false, []) => self.upgrades.answer(peer, &Err(gone(peer))),
            (false, _) => {
                if let Some(why) = self.upgrades.failed.get(&peer) {
                    let error = Err(relayed_only(peer, why));
                    self.upgrades.answer(peer, &error);
                }
            }
        }
    }

    /// Dials a peer that came through a relay and says where it is: it may be one that everybody can reach. DCUtR does not try
    /// that, and by TCP it cannot succeed with one that listens where it is dialled, since both sides then take themselves for
    /// the one that was called.
    pub(in super::super) fn return_call(&mut self, peer: PeerId, claimed: &[Multiaddr]) {
        let mut connections = self.remotes.values().filter(|remote| remote.peer == peer).peekable();
        if connections.peek().is_none() || connections.any(|remote| !remote.relayed) {
            return;
        }
        let addrs: Vec<Multiaddr> = claimed.iter().filter(|addr| !is_relayed(addr)).cloned().collect();
        if addrs.is_empty() {
            return;
        }
        let options = DialOpts::peer_id(peer).addresses(addrs).condition(PeerCondition::NotDialing).build();
        let id = options.connection_id();
        if self.swarm.dial(options).is_ok() {
            self.upgrades.returned.insert(id);
        }
    }

    pub(in super::super) fn on_upgrade(&mut self, event: dcutr::Event) {
        let peer = event.remote_peer_id;
        match event.result {
            Ok(_) => tracing::info!(%peer, "a direct connection takes the relay's place"),
            Err(error) => {
                tracing::info!(%peer, %error, "no direct connection");
                self.give_up_upgrade(peer, error.to_string());
            }
        }
        self.settle_direct(peer);
    }

    /// A dial of `peer` has failed; where it is connected through a relay, that was an attempt to do without.
    pub(in super::super) fn on_upgrade_dial_failed(&mut self, peer: PeerId, id: ConnectionId, why: &str) {
        if self.upgrades.returned.remove(&id)
            || !self.remotes.values().any(|remote| remote.peer == peer && remote.relayed)
        {
            return;
        }
        let tries = self.upgrades.tries.entry(peer).or_default();
        *tries = tries.saturating_add(1);
        if *tries >= TRIES {
            self.give_up_upgrade(peer, why.to_owned());
            self.settle_direct(peer);
        }
    }

    fn give_up_upgrade(&mut self, peer: PeerId, why: String) {
        if self.remotes.values().any(|remote| remote.peer == peer && remote.relayed) {
            self.upgrades.failed.insert(peer, why);
        }
    }

    /// Closes relayed connections whose peers have been connected directly for a while.
    pub(in super::super) fn leave_relays(&mut self) {
        let now = Instant::now();
        let settled = |remote: &&super::super::task::Remote| !remote.relayed && now - remote.since >= GRACE;
        let direct: HashSet<PeerId> = self.remotes.values().filter(settled).map(|remote| remote.peer).collect();
        let over = self.remotes.iter().filter(|(_, remote)| remote.relayed && direct.contains(&remote.peer));
        let over: Vec<ConnectionId> = over.map(|(id, _)| *id).collect();
        self.close(&over);
    }

    fn close(&mut self, ids: &[ConnectionId]) {
        self.upgrades.closing.retain(|id| self.remotes.contains_key(id));
        for id in ids {
            if self.upgrades.closing.insert(*id) {
                self.swarm.close_connection(*id);
            }
        }
    }
}

fn gone(peer: PeerId) -> NodeError {
    NodeError::new(ErrorKind::Network, format!("{peer} is not connected"))
}

/// Why content does not come from `peer`.
fn relayed_only(peer: PeerId, why: &str) -> NodeError {
    NodeError::new(
        ErrorKind::Network,
        format!("{peer} can be reached through a relay only, which carries 128 KiB at most: {why}"),
    )
    .hint("let it forward its port, or try again when a node that can be reached has the package")
}
