//! What is known of each central index while the node runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

use crate::config::schema::{Registry, RegistryMode};
use crate::market::SafeText;
use crate::market::central::{Index, Location};
use crate::market::store::CentralCopy;

use super::super::super::api::CentralInfo;
use super::super::super::clock::unix_now;
use super::super::super::error::NodeError;
use super::Loaded;

/// A server that failed is left alone for so long, unless the user asks.
const AFTER_FAILURE: Duration = Duration::from_secs(30);

/// The central indexes, in the order of the settings. Cheap to clone; all clones are one.
#[derive(Clone)]
pub(in crate::net) struct Central {
    sources: Arc<Mutex<Vec<Source>>>,
    /// Seconds an index counts as fresh.
    ttl: u64,
    /// Set once the copies have been read.
    pub(super) loading: Arc<OnceCell<()>>,
    /// Held while servers are asked.
    pub(super) refreshing: Arc<tokio::sync::Mutex<()>>,
}

struct Source {
    /// As the settings name it.
    name: String,
    /// Why it cannot be fetched at all, where it cannot.
    location: Result<Location, SafeText>,
    index: Option<Arc<Index>>,
    copy: Option<CentralCopy>,
    failed: Option<(Instant, SafeText)>,
    fetching: bool,
}

/// One to ask for.
pub(super) struct Due {
    pub name: String,
    pub location: Location,
    pub copy: Option<CentralCopy>,
}

impl Central {
    /// Those of the settings; none where packages are looked for among peers only.
    pub fn new(registry: &Registry) -> Self {
        let names = if registry.mode == RegistryMode::P2p { &[] } else { registry.central.as_slice() };
        let mut sources: Vec<Source> = Vec::new();
        for name in names {
            if !sources.iter().any(|known| known.name == *name) {
                sources.push(Source::new(name));
            }
        }
        Self {
            sources: Arc::new(Mutex::new(sources)),
            ttl: registry.central_ttl.0,
            loading: Arc::default(),
            refreshing: Arc::default(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Whether there is an index, fresh or not, from each place that has one.
    pub fn has_all(&self) -> bool {
        self.lock().iter().all(|source| source.index.is_some() || source.location.is_err() || source.is_left_alone())
    }

    /// The indexes that are there.
    pub fn loaded(&self) -> Vec<Loaded> {
        self.lock().iter().filter_map(|source| Some((source.name.clone(), source.index.clone()?))).collect()
    }

    /// How each is doing.
    pub fn infos(&self) -> Vec<CentralInfo> {
        self.lock().iter().map(Source::info).collect()
    }

    /// Those that are not fresh; with `force`, all.
    pub(super) fn due(&self, force: bool) -> Vec<Due> {
        let now = unix_now();
        let is_due = |source: &&Source| {
            let fresh = source.copy.as_ref().is_some_and(|copy| {
                // A clock that was set back makes no index fresh for ever.
                copy.checked_at <= now && now - copy.checked_at < self.ttl
            });
            force || (!source.is_left_alone() && (!fresh || source.index.is_none()))
        };
        let due = |source: &Source| {
            let location = source.location.as_ref().ok()?.clone();
            // Without its index, a copy is not worth asking whether it is current.
            let copy = source.copy.clone().filter(|_| source.index.is_some());
            Some(Due { name: source.name.clone(), location, copy })
        };
        self.lock().iter().filter(is_due).filter_map(due).collect()
    }

    /// Takes a copy that was read, at start or from its server.
    pub(super) fn take(&self, copy: CentralCopy, index: Option<Index>) {
        self.change(&copy.location.clone(), |source| {
            source.index = index.map(Arc::new).or(source.index.take());
            source.copy = Some(copy);
            source.failed = None;
        });
    }

    pub(super) fn failed(&self, name: &str, error: &NodeError) {
        let why = SafeText::new(&error.message);
        self.change(name, |source| source.failed = Some((Instant::now(), why)));
    }

    pub(super) fn fetching(&self, name: &str, fetching: bool) {
        self.change(name, |source| source.fetching = fetching);
    }

    /// The copies in use.
    pub(super) fn copies(&self) -> Vec<CentralCopy> {
        self.lock().iter().filter_map(|source| source.copy.clone()).collect()
    }

    /// Whether `name` is one of them.
    pub(super) fn has(&self, name: &str) -> bool {
        self.lock().iter().any(|source| source.name == name)
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Source)) {
        if let Some(source) = self.lock().iter_mut().find(|source| source.name == name) {
            change(source);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Source>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source {
    fn new(name: &str) -> Self {
        let location = Location::named(name).map_err(|error| SafeText::new(&error.to_string()));
        Self { name: name.to_owned(), location, index: None, copy: None, failed: None, fetching: false }
    }

    fn is_left_alone(&self) -> bool {
        self.failed.as_ref().is_some_and(|(since, _)| since.elapsed() < AFTER_FAILURE)
    }

    fn info(&self) -> CentralInfo {
        let index = self.index.as_deref();
        let copy = self.copy.as_ref().filter(|_| index.is_some());
        let named =
            |skipped: &crate::market::central::Skipped| SafeText::new(&format!("{}: {}", skipped.what, skipped.why));
        CentralInfo {
            location: SafeText::new(&self.name),
            packages: index.map_or(0, |index| index.packages.len()),
            skipped: index.map_or(0, |index| index.skipped),
            skipped_first: index.map_or(Vec::new(), |index| index.named.iter().map(named).collect()),
            fetched_at: copy.map(|copy| copy.fetched_at),
            checked_at: copy.map(|copy| copy.checked_at),
            error: self.location.as_ref().err().or(self.failed.as_ref().map(|(_, why)| why)).cloned(),
            fetching: self.fetching,
        }
    }
}
