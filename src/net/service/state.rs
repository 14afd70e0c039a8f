//! What the protocols and services of one node remember while it runs.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use libp2p::PeerId;
use tokio::sync::{OwnedMutexGuard, Semaphore, SemaphorePermit};
use tokio_util::task::TaskTracker;

use crate::config::Settings;
use crate::market::{MarketError, PackageId, PackageName, PublisherKey, ReleaseId};

use super::super::api::RefusedReleases;

use super::central::Central;
use super::fetch::Downloads;
use super::heads::Looked;
use super::holders::Holders;
use super::mirror::MirrorQueue;
use super::progress::Progress;
use super::rate::{PeerRates, Rate};
use super::refused::{Refused, Why};
use super::slots::{PeerSlots, Slot};
use super::throttle::Throttle;
use super::turns::Turns;
use super::withheld::Withheld;

/// The share of `max_uploads` that one peer may have.
const UPLOAD_SHARE: usize = 4;
/// Syncs served at a time: in all, and to one peer.
const SYNCS: (usize, usize) = (8, 2);
/// Searches served to one peer at once, in seconds of its rate: search as you type asks often.
const SEARCH_BURST: f64 = 3.0;
/// Syncs begun by one peer: a second, and at once. Each reads the whole catalogue.
const SYNC_RATE: Rate = Rate { per_second: 0.5, at_once: 10.0 };
/// Messages within the syncs of one peer, many of them of 64 releases: an honest catalogue of 20,000 takes 313.
const BATCH_RATE: Rate = Rate { per_second: 20.0, at_once: 1000.0 };
/// Searches of peers that wait for the database at a time, so that this node's own never wait behind many of them.
const SEARCHES_AT_ONCE: usize = 2;
/// Refusals of which the reason is remembered.
const MAX_REFUSALS: usize = 32;
/// Things told to the user until the node ends.
const MAX_NOTICES: usize = 8;

/// Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Services {
    inner: Arc<Inner>,
}

struct Inner {
    tasks: TaskTracker,
    holders: Holders,
    uploads: PeerSlots,
    withheld: Withheld,
    upload_rate: Throttle,
    download_rate: Throttle,
    syncs: PeerSlots,
    sync_rate: PeerRates,
    batch_rate: PeerRates,
    searches: PeerRates,
    searching: Semaphore,
    vetting: Semaphore,
    mirror: MirrorQueue,
    central: Central,
    publishing: tokio::sync::Mutex<()>,
    installing: Turns<PackageName>,
    downloading: Turns<PackageId>,
    downloads: Downloads,
    refused: Mutex<Refused>,
    looked: Looked,
    /// Why the last releases, heads and key statements were refused, newest last.
    refusals: Mutex<VecDeque<String>>,
    notices: Mutex<BTreeSet<String>>,
    progress: Progress,
    /// Unix seconds; 0 is never.
    last_sync_at: AtomicU64,
    /// How the last sync failed, if none has ended well since.
    sync_failure: Mutex<Option<String>>,
}

impl Services {
    /// Nothing known yet.
    pub fn new(settings: &Settings) -> Self {
        let uploads = settings.performance.max_uploads as usize;
        let searches = f64::from(settings.performance.searches_per_second);
        Self {
            inner: Arc::new(Inner {
                tasks: TaskTracker::new(),
                holders: Holders::default(),
                uploads: PeerSlots::new(uploads, (uploads / UPLOAD_SHARE).max(1)),
                withheld: Withheld::default(),
                upload_rate: Throttle::new(settings.performance.upload_limit.0),
                download_rate: Throttle::new(settings.performance.download_limit.0),
                syncs: PeerSlots::new(SYNCS.0, SYNCS.1),
                sync_rate: PeerRates::new(SYNC_RATE),
                batch_rate: PeerRates::new(BATCH_RATE),
                searching: Semaphore::new(SEARCHES_AT_ONCE),
                vetting: Semaphore::new(1),
                searches: PeerRates::new(Rate { per_second: searches, at_once: SEARCH_BURST * searches }),
                mirror: MirrorQueue::new(settings.storage.mirror),
                central: Central::new(&settings.registry),
                publishing: tokio::sync::Mutex::default(),
                installing: Turns::default(),
                downloading: Turns::default(),
                downloads: Downloads::default(),
                refused: Mutex::default(),
                looked: Looked::default(),
                refusals: Mutex::default(),
                notices: Mutex::default(),
                progress: Progress::default(),
                last_sync_at: AtomicU64::new(0),
                sync_failure: Mutex::default(),
            }),
        }
    }

    /// What a stopping node waits for.
    pub(in crate::net) fn tasks(&self) -> &TaskTracker {
        &self.inner.tasks
    }

    /// Runs `work` to its end, also when whoever asked for it leaves meanwhile.
    pub(in crate::net) async fn unbroken<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, MarketError> {
        self.inner.tasks.spawn(work).await.map_err(|_| MarketError::Failed("a worker stopped".into()))
    }

    /// Who is known to hold what.
    pub fn holders(&self) -> &Holders {
        &self.inner.holders
    }

    pub(in crate::net) fn uploads(&self) -> &PeerSlots {
        &self.inner.uploads
    }

    pub(in crate::net) fn withheld(&self) -> &Withheld {
        &self.inner.withheld
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

    /// How far this node's own syncs have come.
    pub fn progress(&self) -> &Progress {
        &self.inner.progress
    }

    /// Whether `peer` may ask, or give, once more within a sync.
    pub(in crate::net) fn may_batch(&self, peer: PeerId) -> bool {
        self.inner.batch_rate.allow(peer, Instant::now())
    }

    /// Held while a peer's search is in the database.
    pub(in crate::net) async fn searching(&self) -> Option<SemaphorePermit<'_>> {
        self.inner.searching.acquire().await.ok()
    }

    /// Held while a blob is read through: one at a time, so that the disk is free for others.
    pub(in crate::net) async fn vetting(&self) -> Option<SemaphorePermit<'_>> {
        self.inner.vetting.acquire().await.ok()
    }

    pub(in crate::net) fn searches(&self) -> &PeerRates {
        &self.inner.searches
    }

    pub(in crate::net) fn mirror(&self) -> &MirrorQueue {
        &self.inner.mirror
    }

    /// The central indexes.
    pub(in crate::net) fn central(&self) -> &Central {
        &self.inner.central
    }

    /// Held while a release is made: two at once would take the same sequence number.
    pub(in crate::net) async fn publishing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.inner.publishing.lock().await
    }

    /// Held while something is installed or removed under `name`.
    pub(in crate::net) async fn installing(&self, name: &PackageName) -> OwnedMutexGuard<()> {
        self.inner.installing.take(name).await
    }

    /// Held while the bytes of `package` are downloaded, until they are stored or dropped.
    pub(in crate::net) async fn downloading(&self, package: PackageId) -> OwnedMutexGuard<()> {
        self.inner.downloading.take(&package).await
    }

    /// What is being downloaded.
    pub(in crate::net) fn downloads(&self) -> &Downloads {
        &self.inner.downloads
    }

    /// Remembers for a while that `release` is validly signed and yet not taken.
    pub(in crate::net) fn refuse(&self, release: ReleaseId, publisher: PublisherKey, why: Why) {
        self.refused().add(release, publisher, why, Instant::now());
    }

    /// What was refused before is taken now.
    pub(in crate::net) fn take(&self, release: ReleaseId) {
        self.refused().forget(release);
    }

    /// How many releases of peers are refused here, by why.
    pub(in crate::net) fn refused_counts(&self) -> Vec<RefusedReleases> {
        self.refused().counts(Instant::now())
    }

    pub(in crate::net) fn is_refused(&self, release: ReleaseId) -> bool {
        self.refused().has(release, Instant::now())
    }

    fn refused(&self) -> MutexGuard<'_, Refused> {
        self.inner.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::net) fn looked(&self) -> &Looked {
        &self.inner.looked
    }

    /// Remembers why something that others signed was not taken.
    pub(in crate::net) fn note_refusal(&self, why: &str) {
        let mut refusals = self.inner.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.push_back(why.to_owned());
        if refusals.len() > MAX_REFUSALS {
            refusals.pop_front();
        }
    }

    /// What the user should know until the node ends; whether it is new.
    pub(in crate::net) fn notice(&self, text: &str) -> bool {
        let mut notices = self.inner.notices.lock().unwrap_or_else(PoisonError::into_inner);
        notices.len() < MAX_NOTICES && notices.insert(text.to_owned())
    }

    pub(in crate::net) fn notices(&self) -> Vec<String> {
        self.inner.notices.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Why releases, heads and key statements were refused lately, oldest first.
    pub fn refusals(&self) -> Vec<String> {
        let refusals = self.inner.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.iter().cloned().collect()
    }

    /// Unix seconds of the last finished sync with a peer.
    pub fn last_sync_at(&self) -> Option<u64> {
        Some(self.inner.last_sync_at.load(Ordering::Relaxed)).filter(|at| *at > 0)
    }

    pub(in crate::net) fn synced(&self, now: u64) {
        self.inner.last_sync_at.fetch_max(now, Ordering::Relaxed);
        *self.sync_failed() = None;
    }

    /// How the last sync failed, if none has ended well since.
    pub(in crate::net) fn sync_failed(&self) -> MutexGuard<'_, Option<String>> {
        self.inner.sync_failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
