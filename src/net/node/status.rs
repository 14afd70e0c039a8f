//! The status of a node, on request and as an event.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::market::SafeText;
use crate::market::store::{CacheUse, Counts};

use super::super::api::{CatalogStatus, DhtInfo, DhtStatus, NodeEvent, RateLimits, Status, StorageStatus};
use super::super::clock::unix_now;
use super::super::error::NodeError;
use super::super::service::cache;
use super::super::service::refused::Why;
use super::super::swarm::{AGENT, Snapshot};
use super::core::Core;

/// Between two looks at what changed, while there are subscribers.
const EVERY: Duration = Duration::from_secs(1);

/// Seconds after a sync for which the catalogue counts as fresh: one is due every minute.
const FRESH: u64 = 180;

/// Counts older than this are taken anew even if no event said that they changed.
const COUNTS_AGE: Duration = Duration::from_secs(30);

/// The last counts of the store, so that nothing is counted while nothing changes.
#[derive(Default)]
pub struct Counting {
    last: Mutex<Option<(u64, Instant, Figures)>>,
}

/// The status now.
pub async fn status(core: &Core) -> Result<Status, NodeError> {
    let snapshot = core.context.swarm.snapshot().await?;
    let figures = figures(core).await?;
    Ok(assemble(core, &snapshot, &figures))
}

/// Tells subscribers of changes until the node stops; sleeps while there are none.
pub async fn run(core: Arc<Core>) {
    let (mut last_status, mut last_dht) = (Status::default(), DhtInfo::default());
    loop {
        tokio::select! {
            () = core.stop.cancelled() => return,
            () = core.context.bus.subscribed() => {}
        }
        tokio::select! {
            () = core.stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        core.context.bus.prune();
        if !core.context.bus.has_subscribers() {
            continue;
        }
        let heard = core.context.swarm.forwarders().take_grown();
        if !heard.is_empty() {
            core.context.bus.emit(NodeEvent::Heard(heard));
        }
        let Ok(snapshot) = core.context.swarm.snapshot().await else { return };
        let Ok(figures) = recent_figures(&core).await else { continue };
        let status = assemble(&core, &snapshot, &figures);
        if differs(&status, &last_status) {
            core.context.bus.emit(NodeEvent::Status(status.clone()));
            last_status = status;
        }
        if snapshot.dht != last_dht {
            core.context.bus.emit(NodeEvent::Dht(snapshot.dht.clone()));
            last_dht = snapshot.dht;
        }
    }
}

/// Everything but the uptime, which always differs.
fn differs(now: &Status, before: &Status) -> bool {
    Status { uptime_s: before.uptime_s, ..now.clone() } != *before
}

/// What the store says of itself.
#[derive(Clone, Default)]
struct Figures {
    counts: Counts,
    horizon: u64,
    cache: CacheUse,
    repairs: Vec<String>,
}

async fn figures(core: &Core) -> Result<Figures, NodeError> {
    let rules = cache::rules(&core.context);
    let (limit, own) = (core.context.settings.performance.catalog_limit, core.context.identity.public());
    let figures = core.context.store.run(move |db| {
        let horizon = db.horizon(limit, own)?;
        Ok(Figures { counts: db.counts()?, horizon, cache: db.cache_use(&rules)?, repairs: db.repairs().to_vec() })
    });
    Ok(figures.await?)
}

async fn recent_figures(core: &Core) -> Result<Figures, NodeError> {
    let changes = core.context.bus.changes();
    let last = core.counting.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((at, when, figures)) = last
        && at == changes
        && when.elapsed() < COUNTS_AGE
    {
        return Ok(figures);
    }
    let figures = figures(core).await?;
    let seen = (changes, Instant::now(), figures.clone());
    *core.counting.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
    Ok(figures)
}

fn assemble(core: &Core, snapshot: &Snapshot, figures: &Figures) -> Status {
    let context = &core.context;
    let dht = &snapshot.dht;
    let Figures { counts, horizon, cache, repairs } = figures;
    let catalog = CatalogStatus {
        packages: counts.packages,
        releases: counts.releases,
        elsewhere: context.services.progress().most(&context.swarm.connected()),
        full_since: Some(*horizon).filter(|since| *since > 0),
        retired: counts.retired,
        refused: context.services.refused_counts(),
    };
    let unwanted = unwanted(context.services.progress().unwanted(&context.swarm.connected()));
    let notices = snapshot.notices.iter().chain(repairs).cloned().chain(context.services.notices()).chain(unwanted);
    Status {
        peer_id: context.swarm.local_peer().to_string(),
        agent: AGENT.into(),
        network: context.settings.network.name.clone(),
        uptime_s: core.started.elapsed().as_secs(),
        listen_addrs: snapshot.listen_addrs.iter().map(ToString::to_string).collect(),
        connected_peers: context.swarm.connected().len(),
        reachability: snapshot.reachability.clone(),
        dht: DhtStatus {
            mode: dht.mode.clone(),
            routing_table: dht.buckets.iter().map(|bucket| bucket.peers).sum(),
            records: dht.records,
            providers: dht.providers,
        },
        topics: snapshot.topics.clone(),
        storage: StorageStatus {
            blobs: counts.blobs,
            bytes: counts.blob_bytes,
            quota: context.settings.storage.max_cache_size.0,
            bound: cache.bound,
        },
        traffic: context.peers.traffic(),
        rates: RateLimits {
            upload: context.services.upload_rate().rate(),
            download: context.services.download_rate().rate(),
        },
        home: context.home.root().display().to_string(),
        pid: std::process::id(),
        stale: refused_for_time(&catalog).or_else(|| stale(core)).map(|why| SafeText::new(&why)),
        catalog,
        last_sync_at: context.services.last_sync_at(),
        syncing: context.services.progress().list(),
        central: context.services.central().infos(),
        limits: context.peers.limits().hits(),
        notices: notices.collect(),
    }
}

/// What is published here and refused elsewhere is refused for its time most often.
fn unwanted((releases, peers): (usize, usize)) -> Option<String> {
    let releases = match releases {
        0 => return None,
        1 => "a release published here is".to_owned(),
        many => format!("{many} releases published here are"),
    };
    let peers = if peers == 1 { "a connected peer".to_owned() } else { format!("{peers} connected peers") };
    Some(format!("{releases} not taken by {peers}: check this computer's clock, which may be ahead of theirs"))
}

/// Releases of peers that this computer's clock speaks against: not taken, however often this node is in step with peers.
fn refused_for_time(catalog: &CatalogStatus) -> Option<String> {
    let (ahead, publishers) = catalog.refused_for(Why::Future.name());
    let (expired, _) = catalog.refused_for(Why::Expired.name());
    let of = catalog.elsewhere.map_or_else(String::new, |elsewhere| format!(" of {}", elsewhere.max(ahead)));
    // Of all who publish, one may have a clock that is wrong.
    let whose =
        if publishers > 1 { "check this computer's clock" } else { "their publisher's clock or this one is wrong" };
    match (ahead, catalog.elsewhere) {
        (1.., _) => {
            Some(format!("{ahead}{of} releases that peers have are refused here: signed in the future; {whose}"))
        }
        // Peers drop what has expired within the hour: a few are no sign.
        (0, Some(elsewhere)) if expired.saturating_mul(2) > elsewhere => Some(format!(
            "{expired}{of} releases that peers have are refused here: expired, by this computer's clock; check it"
        )),
        _ => None,
    }
}

/// Why the catalogue may be behind, if it may.
fn stale(core: &Core) -> Option<String> {
    let (services, peers) = (&core.context.services, &core.context.peers);
    if services.last_sync_at().is_some_and(|at| unix_now().saturating_sub(at) < FRESH) {
        return None;
    }
    let connected = peers.connected().len();
    Some(match (connected, peers.sync_partners().is_empty()) {
        (0, _) => "no peer is connected".into(),
        (_, true) => format!("of {connected} connected peers none speaks catalogue sync"),
        _ => match services.sync_failed().as_deref() {
            Some(failure) => format!("the last sync failed, {failure}"),
            None => "a sync is under way, or due within a minute".into(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::api::RefusedReleases;
    use super::*;

    #[test]
    fn what_only_the_clock_speaks_against_is_no_catalogue_in_step() {
        let catalog = |why: Why, releases, publishers| CatalogStatus {
            elsewhere: Some(86),
            refused: vec![RefusedReleases { why: why.name().into(), releases, publishers }],
            ..CatalogStatus::default()
        };
        let said =
            "61 of 86 releases that peers have are refused here: signed in the future; check this computer's clock";
        assert_eq!(refused_for_time(&catalog(Why::Future, 61, 5)).as_deref(), Some(said));
        assert!(refused_for_time(&catalog(Why::Future, 1, 1)).unwrap().contains("their publisher's clock or this one"));
        assert!(refused_for_time(&catalog(Why::Expired, 80, 9)).unwrap().contains("check it"));
        assert_eq!(refused_for_time(&catalog(Why::Expired, 3, 1)), None);
        assert_eq!(refused_for_time(&catalog(Why::Key, 67, 1)), None);
    }
}
