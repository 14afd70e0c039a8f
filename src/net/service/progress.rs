//! How far this node has come with reconciling its catalogue.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libp2p::PeerId;

use super::super::api::SyncProgress;

/// Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub struct Progress {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    /// As many as syncs that this node runs at once.
    running: HashMap<PeerId, SyncProgress>,
    caught_up: bool,
}

impl Progress {
    /// A sync with `peer` begins; it ends when what this returns goes.
    pub(in crate::net) fn begin(&self, peer: PeerId) -> Running {
        self.lock().running.insert(peer, SyncProgress { peer_id: peer.to_string(), ..SyncProgress::default() });
        Running { progress: self.clone(), peer }
    }

    /// Whether the last sync brought all that the peer had.
    pub fn has_caught_up(&self) -> bool {
        self.lock().caught_up
    }

    pub(in crate::net) fn set_caught_up(&self, caught_up: bool) {
        self.lock().caught_up = caught_up;
    }

    /// The syncs that run, in the order of their peers.
    pub fn list(&self) -> Vec<SyncProgress> {
        let mut running: Vec<_> = self.lock().running.values().cloned().collect();
        running.sort_by(|a, b| a.peer_id.cmp(&b.peer_id));
        running
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sync that runs.
pub struct Running {
    progress: Progress,
    peer: PeerId,
}

impl Running {
    /// So many more releases are to come.
    pub fn expect(&self, releases: usize) {
        self.change(|progress| progress.expected += releases as u64);
    }

    /// So many have come that are new.
    pub fn received(&self, releases: usize) {
        self.change(|progress| progress.received += releases as u64);
    }

    fn change(&self, change: impl FnOnce(&mut SyncProgress)) {
        if let Some(progress) = self.progress.lock().running.get_mut(&self.peer) {
            change(progress);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.progress.lock().running.remove(&self.peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_is_listed_as_long_as_it_runs() {
        let progress = Progress::default();
        let peer = PeerId::random();
        let running = progress.begin(peer);
        running.expect(10);
        running.received(4);
        let listed = SyncProgress { peer_id: peer.to_string(), expected: 10, received: 4 };
        assert_eq!(progress.list(), [listed]);
        drop(running);
        assert!(progress.list().is_empty());
    }
}
