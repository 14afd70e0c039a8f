//! How far this node has come with reconciling its catalogue.

use std::collections::{HashMap, VecDeque};
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
    /// How many releases peers say they have, by when they said so.
    extents: VecDeque<(PeerId, u64)>,
    /// Who does not take so many of the releases published here, by when that showed.
    unwanted: VecDeque<(PeerId, usize)>,
}

/// Peers whose word on how much they have is remembered: the last ones.
const EXTENTS: usize = 64;

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

    /// How many releases `peer` says it has.
    pub fn extent(&self, peer: PeerId) -> Option<u64> {
        self.lock().extents.iter().find(|(known, _)| *known == peer).map(|(_, releases)| *releases)
    }

    /// The most releases that any of the `peers` says it has.
    pub fn most(&self, peers: &[PeerId]) -> Option<u64> {
        let inner = self.lock();
        inner.extents.iter().filter(|(peer, _)| peers.contains(peer)).map(|(_, releases)| *releases).max()
    }

    /// The most releases published here that one of the `peers` does not take, and how many of them take not all.
    pub fn unwanted(&self, peers: &[PeerId]) -> (usize, usize) {
        let inner = self.lock();
        let counts = || inner.unwanted.iter().filter(|(peer, _)| peers.contains(peer)).map(|(_, releases)| *releases);
        (counts().max().unwrap_or(0), counts().count())
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

    /// The peer says it has so many.
    pub fn told(&self, releases: u64) {
        let mut inner = self.progress.lock();
        inner.extents.retain(|(peer, _)| *peer != self.peer);
        inner.extents.push_front((self.peer, releases));
        inner.extents.truncate(EXTENTS);
    }

    /// The peer was given so many releases of this node's own, and does not have them.
    pub fn unwanted(&self, releases: usize) {
        let mut inner = self.progress.lock();
        inner.unwanted.retain(|(peer, _)| *peer != self.peer);
        if releases > 0 {
            inner.unwanted.push_front((self.peer, releases));
            inner.unwanted.truncate(EXTENTS);
        }
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
        running.told(12);
        drop(running);
        assert!(progress.list().is_empty());
        assert_eq!((progress.extent(peer), progress.most(&[PeerId::random()])), (Some(12), None));
        for _ in 0..EXTENTS {
            progress.begin(PeerId::random()).told(1);
        }
        assert_eq!(progress.extent(peer), None);
    }
}
