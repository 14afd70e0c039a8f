//! What the protocols and services of one node remember while it runs.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use libp2p::PeerId;
use tokio::sync::OwnedMutexGuard;

use crate::config::Settings;
use crate::market::{PackageName, ReleaseId};

use super::holders::Holders;
use super::mirror::MirrorQueue;
use super::rate::PeerRates;
use super::slots::{PeerSlots, Slot};
use super::throttle::Throttle;

/// Uploads at a time: in all, and to one peer.
const UPLOADS: (usize, usize) = (16, 4);
/// Syncs served at a time: in all, and to one peer.
const SYNCS: (usize, usize) = (8, 2);
/// Searches served to one peer: a second, and at once (search as you type asks often).
const SEARCH_RATE: (f64, f64) = (10.0, 30.0);
/// Syncs begun by one peer: a second, and at once. Each reads the whole catalogue.
const SYNC_RATE: (f64, f64) = (0.5, 10.0);
/// Releases remembered as not acceptable, so that each sync does not fetch them anew.
const MAX_REFUSED: usize = 4096;

/// Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Services {
    inner: Arc<Inner>,
}

struct Inner {
    holders: Holders,
    uploads: PeerSlots,
    upload_rate: Throttle,
    download_rate: Throttle,
    syncs: PeerSlots,
    sync_rate: PeerRates,
    searches: PeerRates,
    mirror: MirrorQueue,
    publishing: tokio::sync::Mutex<()>,
    installing: Mutex<HashMap<PackageName, Weak<tokio::sync::Mutex<()>>>>,
    refused: Mutex<(HashSet<ReleaseId>, VecDeque<ReleaseId>)>,
    /// Unix seconds; 0 is never.
    last_sync_at: AtomicU64,
}

impl Services {
    /// Nothing known yet.
    pub fn new(settings: &Settings) -> Self {
        Self {
            inner: Arc::new(Inner {
                holders: Holders::default(),
                uploads: PeerSlots::new(UPLOADS.0, UPLOADS.1),
                upload_rate: Throttle::new(settings.performance.upload_limit.0),
                download_rate: Throttle::new(settings.performance.download_limit.0),
                syncs: PeerSlots::new(SYNCS.0, SYNCS.1),
                sync_rate: PeerRates::new(SYNC_RATE.0, SYNC_RATE.1),
                searches: PeerRates::new(SEARCH_RATE.0, SEARCH_RATE.1),
                mirror: MirrorQueue::new(settings.storage.mirror),
                publishing: tokio::sync::Mutex::default(),
                installing: Mutex::default(),
                refused: Mutex::default(),
                last_sync_at: AtomicU64::new(0),
            }),
        }
    }

    /// Who is known to hold what.
    pub fn holders(&self) -> &Holders {
        &self.inner.holders
    }

    pub(in crate::net) fn uploads(&self) -> &PeerSlots {
        &self.inner.uploads
    }

    pub(in crate::net) fn upload_rate(&self) -> &Throttle {
        &self.inner.upload_rate
    }

    pub(in crate::net) fn download_rate(&self) -> &Throttle {
        &self.inner.download_rate
    }

    /// A place for a sync that `peer` begins, when it may.
    pub(in crate::net) fn begin_sync(&self, peer: PeerId) -> Option<Slot> {
        self.inner.syncs.take(peer).filter(|_| self.inner.sync_rate.allow(peer, Instant::now()))
    }

    pub(in crate::net) fn searches(&self) -> &PeerRates {
        &self.inner.searches
    }

    pub(in crate::net) fn mirror(&self) -> &MirrorQueue {
        &self.inner.mirror
    }

    /// Held while a release is made: two at once would take the same sequence number.
    pub(in crate::net) async fn publishing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.inner.publishing.lock().await
    }

    /// Held while something is installed or removed under `name`.
    pub(in crate::net) async fn installing(&self, name: &PackageName) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.inner.installing.lock().unwrap_or_else(PoisonError::into_inner);
            locks.retain(|_, lock| lock.strong_count() > 0);
            match locks.get(name).and_then(Weak::upgrade) {
                Some(lock) => lock,
                None => {
                    let lock = Arc::default();
                    locks.insert(name.clone(), Arc::downgrade(&lock));
                    lock
                }
            }
        };
        lock.lock_owned().await
    }

    /// Remembers that `release` is validly signed and yet not taken.
    pub(in crate::net) fn refuse(&self, release: ReleaseId) {
        let mut refused = self.inner.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, order) = &mut *refused;
        if !known.insert(release) {
            return;
        }
        order.push_back(release);
        if order.len() > MAX_REFUSED
            && let Some(oldest) = order.pop_front()
        {
            known.remove(&oldest);
        }
    }

    pub(in crate::net) fn is_refused(&self, release: ReleaseId) -> bool {
        self.inner.refused.lock().unwrap_or_else(PoisonError::into_inner).0.contains(&release)
    }

    /// Unix seconds of the last finished sync with a peer.
    pub fn last_sync_at(&self) -> Option<u64> {
        Some(self.inner.last_sync_at.load(Ordering::Relaxed)).filter(|at| *at > 0)
    }

    pub(in crate::net) fn synced(&self, now: u64) {
        self.inner.last_sync_at.fetch_max(now, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_releases_are_remembered_and_bounded() {
        let services = Services::new(&Settings::default());
        for index in 0..MAX_REFUSED as u64 + 1 {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&index.to_le_bytes());
            services.refuse(ReleaseId(id));
        }
        assert!(!services.is_refused(ReleaseId([0; 32])));
        let refused = services.inner.refused.lock().unwrap();
        assert_eq!((refused.0.len(), refused.1.len()), (MAX_REFUSED, MAX_REFUSED));
    }
}
