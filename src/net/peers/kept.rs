//! Peers that a person wants to stay connected with: dialled again whenever the connection is lost, also after a restart.

use std::time::{Duration, Instant};

use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};

use super::super::clock::unix_now;
use super::super::error::{ErrorKind, NodeError};
use super::book::PeerBook;
use super::history::event;

/// Peers kept at most: each is dialled again for as long as it is away.
pub const MAX_KEPT: usize = 64;

/// Longest pause between two dials of a kept peer.
pub const MAX_BACKOFF: Duration = Duration::from_secs(60);

impl PeerBook {
    /// Keeps `peer` from now on. `false`: it was kept already.
    ///
    /// # Errors
    /// Not found: nothing is known of it, so that it could not be dialled. Failed: too many are kept.
    pub fn keep(&self, peer: PeerId) -> Result<bool, NodeError> {
        let mut table = self.lock();
        let kept = table.entries.values().filter(|entry| entry.kept).count();
        let Some(entry) = table.entries.get_mut(&peer) else {
            return Err(NodeError::new(ErrorKind::NotFound, format!("nothing is known of {peer}"))
                .hint("connect to it first: connect ADDRESS"));
        };
        if entry.kept {
            return Ok(false);
        }
        if kept >= MAX_KEPT {
            return Err(NodeError::new(ErrorKind::Failed, format!("{MAX_KEPT} peers are kept already"))
                .hint("let go of one first: unkeep PEER"));
        }
        entry.kept = true;
        (entry.failed_dials, entry.next_dial) = (0, None);
        if !entry.is_connected() && entry.addrs.is_empty() {
            entry.away = Some(event("no address of it is known yet", unix_now()));
        }
        table.changed(peer);
        table.unsaved.insert(peer);
        drop(table);
        self.wake(false);
        Ok(true)
    }

    /// `false`: it was not kept.
    pub fn unkeep(&self, peer: PeerId) -> bool {
        let mut table = self.lock();
        let Some(entry) = table.entries.get_mut(&peer).filter(|entry| entry.kept) else { return false };
        entry.kept = false;
        let shown = entry.is_connected() || entry.is_banned(unix_now());
        table.changed(peer);
        table.unsaved.insert(peer);
        drop(table);
        if !shown {
            self.gone_unless_connected(peer, "not kept any more");
        }
        self.wake(false);
        true
    }

    /// Kept peers that are away and may be dialled now, with their addresses.
    pub fn kept_to_dial(&self) -> Vec<(PeerId, Vec<Multiaddr>)> {
        let (now, instant) = (unix_now(), Instant::now());
        let table = self.lock();
        let away = table.entries.iter().filter(|(_, entry)| {
            entry.kept
                && !entry.is_connected()
                && !entry.is_banned(now)
                && !entry.addrs.is_empty()
                && entry.next_dial.is_none_or(|due| due <= instant)
        });
        away.map(|(peer, entry)| (*peer, entry.addrs.clone())).collect()
    }

    /// What carries a connection.
    pub fn on_link(&self, peer: PeerId, id: ConnectionId, transport: &'static str, relayed: bool) {
        self.update(peer, |entry| {
            for link in entry.connections.iter_mut().filter(|link| link.id == id) {
                (link.transport, link.relayed) = (transport, relayed);
            }
        });
    }

    /// It says that it has so many releases.
    pub fn on_extent(&self, peer: PeerId, releases: u64) {
        self.update(peer, |entry| entry.releases = Some(releases));
    }
}
