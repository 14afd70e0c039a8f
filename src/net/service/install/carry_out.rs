//! Carrying out one step of a plan: the bytes are fetched, verified and put in place.

use std::path::PathBuf;
use std::sync::Arc;

use libp2p::PeerId;
use tokio::sync::OwnedMutexGuard;
use tokio::task::spawn_blocking;

use crate::config::schema::Mirror;
use crate::market::central::CentralPackage;
use crate::market::install::{self as place, Contents, Placed, Purpose};
use crate::market::resolve::Wanted;
use crate::market::store::Reason;
use crate::market::{MarketError, VerifiedRelease};

use super::super::super::api::{InstallRequest, InstalledPackage, NodeEvent, PlanAction, PlanStep};
use super::super::super::clock::unix_now;
use super::super::super::context::Context;
use super::super::super::error::NodeError;
use super::super::central;
use super::super::fetch::{self, Bytes};
use super::gather::Offer;
use super::plan::{self, Prepare};

/// Does `prepare`. Installs and removals of one name wait for each other.
pub async fn step(
    context: &Context,
    request: &InstallRequest,
    prepare: Prepare,
) -> Result<InstalledPackage, NodeError> {
    let Prepare { step, offer, wanted } = prepare;
    let lock = context.services.installing(&step.name).await;
    if !step.action.changes() {
        note_wish(context, request, &step, wanted.as_ref()).await?;
        return Ok(in_place(context, step));
    }
    let purpose = purpose(context, request, &step, wanted.as_ref()).await?;
    let (placed, from) = match &offer {
        Offer::Installed(_) => return Ok(in_place(context, step)),
        Offer::Release(release) => {
            // Judged again while the lock is held: another install may have pinned the name meanwhile.
            let accepted = request.accept_key.filter(|_| step.asked);
            plan::judge(context, release, accepted, plan::may_be_yanked(request, release, wanted.as_ref())).await?;
            if in_place_meanwhile(context, &step).await? {
                return Ok(in_place(context, step));
            }
            fetch_and_finish(context, release, purpose, Arc::new(lock)).await?
        }
        Offer::Central(package, location) => {
            (from_central(context, package, location, purpose, lock).await?, Vec::new())
        }
    };
    context.bus.emit(NodeEvent::InstalledChanged);
    Ok(answer(context, step, placed, from))
}

/// Two installs of one package at the same time: the second finds it done.
async fn in_place_meanwhile(context: &Context, step: &PlanStep) -> Result<bool, NodeError> {
    let (name, version, publisher) = (step.name.clone(), step.version.clone(), step.publisher);
    if matches!(step.action, PlanAction::Reinstall | PlanAction::Repair) {
        return Ok(false);
    }
    let entry = context.store.run(move |db| db.installed_as(&name)).await?;
    let same = entry.is_some_and(|entry| {
        Some(entry.package_id) == step.package_id && (entry.version, entry.publisher) == (version, publisher)
    });
    let path = path(context, step);
    Ok(same && tokio::fs::metadata(path).await.is_ok_and(|about| about.is_dir()))
}

/// The user asks for what is in place already: it stays also when nothing needs it any more.
async fn note_wish(
    context: &Context,
    request: &InstallRequest,
    step: &PlanStep,
    wanted: Option<&Wanted>,
) -> Result<(), NodeError> {
    if wanted.is_none() || request.from_lock {
        return Ok(());
    }
    let purpose = purpose(context, request, step, wanted).await?;
    let name = step.name.clone();
    let changed = context.store.run(move |db| db.note_asked(&name, purpose.requirement.as_ref())).await?;
    if changed {
        context.bus.emit(NodeEvent::InstalledChanged);
    }
    Ok(())
}

/// Why it is installed from now on.
async fn purpose(
    context: &Context,
    request: &InstallRequest,
    step: &PlanStep,
    wanted: Option<&Wanted>,
) -> Result<Purpose, NodeError> {
    let Some(wanted) = wanted.filter(|_| step.asked) else { return Ok(Purpose::needed()) };
    if !request.chosen && !request.from_lock {
        return Ok(Purpose::asked(wanted.requirement.clone()));
    }
    let (name, version) = (step.name.clone(), step.version.clone());
    let before = context.store.run(move |db| db.installed_as(&name)).await?;
    Ok(match before {
        // What is only put in place anew is there for the reason that it was.
        Some(before) if before.version == version => Purpose { reason: before.reason, requirement: before.requirement },
        Some(before) if before.reason == Reason::Asked => {
            Purpose::asked(before.requirement.filter(|requirement| requirement.matches(&version)))
        }
        _ if request.from_lock && !step.needed_by.is_empty() => Purpose::needed(),
        _ => Purpose::asked(None),
    })
}

/// The peers are those that gave the bytes. A damaged blob of this node's own is fetched anew.
async fn fetch_and_finish(
    context: &Context,
    release: &VerifiedRelease,
    purpose: Purpose,
    lock: Arc<OwnedMutexGuard<()>>,
) -> Result<(Placed, Vec<PeerId>), NodeError> {
    let finish = |bytes| {
        let work = finish(context.clone(), release.clone(), purpose.clone(), bytes, lock.clone());
        async { context.services.unbroken(work).await? }
    };
    fetch::with_bytes(context, release, finish).await
}

/// Puts in place and, as the settings say, keeps the bytes for others. Not to be broken off, so it holds the name's lock itself.
async fn finish(
    context: Context,
    release: VerifiedRelease,
    purpose: Purpose,
    bytes: Bytes,
    _lock: Arc<OwnedMutexGuard<()>>,
) -> Result<(Placed, Vec<PeerId>), MarketError> {
    let (archive, packs, store) = (bytes.path().to_owned(), context.home.packs_dir(), context.store.clone());
    let placing = spawn_blocking(move || {
        let contents = Contents::Archive { path: &archive, release: &release };
        place::put(&store, &contents, purpose, &packs, unix_now())
    });
    let placed = placing.await.map_err(|_| MarketError::Failed("a worker stopped".into()))??;
    Ok((placed, keep(&context, bytes).await))
}

/// Keeps bytes that were fetched for others, where the settings say so. Gives who delivered them.
pub async fn keep(context: &Context, bytes: Bytes) -> Vec<PeerId> {
    let Bytes::Fresh(fetched, peers) = bytes else { return Vec::new() };
    if context.settings.storage.mirror != Mirror::None {
        fetch::keep(context, fetched).await;
    }
    peers
}

/// Fetches the archive of the repository, takes the package out of it and puts that in place.
async fn from_central(
    context: &Context,
    package: &CentralPackage,
    location: &str,
    purpose: Purpose,
    lock: OwnedMutexGuard<()>,
) -> Result<Placed, NodeError> {
    let archive = central::download(context, package).await?;
    let (packs, store) = (context.home.packs_dir(), context.store.clone());
    let (package, location) = (package.clone(), location.to_owned());
    let placing = async move {
        let _lock = lock;
        let placing = spawn_blocking(move || {
            let contents = Contents::Repository { archive: archive.path(), package: &package, location: &location };
            place::put(&store, &contents, purpose, &packs, unix_now())
        });
        placing.await.map_err(|_| MarketError::Failed("a worker stopped".into()))?
    };
    Ok(context.services.unbroken(placing).await??)
}

fn path(context: &Context, step: &PlanStep) -> PathBuf {
    context.home.packs_dir().join(step.name.as_str())
}

fn in_place(context: &Context, step: PlanStep) -> InstalledPackage {
    InstalledPackage {
        path: path(context, &step).display().to_string(),
        action: PlanAction::Keep,
        name: step.name,
        version: step.version,
        from: step.from,
        publisher: step.publisher,
        package_id: step.package_id,
        index: step.index,
        assurance: None,
        bytes: 0,
        providers: Vec::new(),
        asked: step.asked,
        needed_by: step.needed_by,
        dependencies: step.dependencies,
    }
}

fn answer(context: &Context, step: PlanStep, placed: Placed, from: Vec<PeerId>) -> InstalledPackage {
    InstalledPackage {
        action: step.action,
        publisher: placed.entry.publisher,
        package_id: Some(placed.entry.package_id),
        assurance: Some(placed.assurance),
        bytes: if from.is_empty() { 0 } else { step.size },
        providers: from.iter().map(ToString::to_string).collect(),
        ..in_place(context, step)
    }
}
