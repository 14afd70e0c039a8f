//! Installing a package and what it depends on.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use tokio::sync::OwnedMutexGuard;
use tokio::task::spawn_blocking;

use crate::config::schema::Mirror;
use crate::market::install::{Contents, Placed, Purpose};
use crate::market::search::{Nobody, Query};
use crate::market::store::Reason;
use crate::market::trust::{self, Ground};
use crate::market::{Dependency, MarketError, PackageName, PublisherKey, VerifiedRelease, install as place};

use super::super::api::{InstallAnswer, InstallRequest, InstalledPackage, NodeEvent, NodeReply};
use super::super::clock::unix_now;
use super::super::context::Context;
use super::super::error::{ErrorKind, NodeError};
use super::choose::{Refusal, Rules, Wanted, choose};
use super::fetch::{self, Bytes};
use super::trust::ground;
use super::{heads, search};

/// Packages that one install may bring.
const MAX_PACKAGES: usize = 64;
/// Results asked of peers when the local catalogue does not have a name.
const REMOTE_RESULTS: usize = 50;
/// How long an install may wait for the heads of a name, so that a newer version held back is found.
const HEAD_PATIENCE: Duration = Duration::from_secs(1);
/// Similar names in a hint.
const MAX_SIMILAR: usize = 3;

/// Answers [`NodeCommand::Install`](super::super::api::NodeCommand::Install).
///
/// Dependencies come first, so that a package is in place only when what it needs is. One that nobody has is a warning;
/// one whose bytes do not verify is an error.
pub async fn install(context: &Context, request: InstallRequest) -> Result<NodeReply, NodeError> {
    let accepted = request.accept_key;
    if let (Some(key), Some(publisher)) = (accepted, request.publisher)
        && key != publisher
    {
        return Err(NodeError::new(ErrorKind::Usage, "the key to accept is not the publisher's that was asked for")
            .hint("name one of the two"));
    }
    let publisher = request.publisher.or(accepted);
    let purpose = Purpose::asked(request.requirement.clone());
    let wanted = Wanted { name: request.name, requirement: request.requirement, publisher };
    let mut run = Run { context, visited: HashSet::from([wanted.name.clone()]), answer: InstallAnswer::default() };
    let release = find(context, &wanted).await?;
    run.with_dependencies(release, accepted, purpose).await?;
    Ok(NodeReply::Install(run.answer))
}

/// One install with its dependencies.
struct Run<'a> {
    context: &'a Context,
    /// Names that were looked at, so that a circle of dependencies ends.
    visited: HashSet<PackageName>,
    answer: InstallAnswer,
}

impl Run<'_> {
    /// `accepted` is for the package itself: it says nothing of what that needs.
    fn with_dependencies(
        &mut self,
        release: VerifiedRelease,
        accepted: Option<PublisherKey>,
        purpose: Purpose,
    ) -> BoxFuture<'_, Result<(), NodeError>> {
        async move {
            for dependency in &release.release().dependencies {
                if !self.visited.insert(dependency.name.clone()) {
                    continue;
                }
                if self.visited.len() > MAX_PACKAGES {
                    self.warn(dependency, &format!("more than {MAX_PACKAGES} packages"));
                    break;
                }
                self.dependency(dependency).await?;
            }
            let installed = install_one(self.context, &release, accepted, purpose).await?;
            self.answer.installed.push(installed);
            Ok(())
        }
        .boxed()
    }

    async fn dependency(&mut self, dependency: &Dependency) -> Result<(), NodeError> {
        if self.satisfied(dependency).await? {
            return Ok(());
        }
        let wanted = Wanted {
            name: dependency.name.clone(),
            requirement: Some(dependency.requirement.clone()),
            publisher: dependency.publisher,
        };
        let result = match find(self.context, &wanted).await {
            Ok(release) => self.with_dependencies(release, None, Purpose::needed()).await,
            Err(error) => Err(error),
        };
        match result {
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Network | ErrorKind::Usage) => {
                self.warn(dependency, &error.message);
                Ok(())
            }
            other => other,
        }
    }

    /// Whether what is installed already does.
    async fn satisfied(&self, dependency: &Dependency) -> Result<bool, NodeError> {
        let name = dependency.name.clone();
        let entry = self.context.store.run(move |db| db.installed_as(&name)).await?;
        let Some(entry) = entry.filter(|entry| dependency.requirement.matches(&entry.version)) else {
            return Ok(false);
        };
        let publisher_fits = dependency.publisher.is_none_or(|publisher| Some(publisher) == entry.publisher);
        Ok(publisher_fits && is_directory(self.context.home.packs_dir().join(entry.name.as_str())).await)
    }

    fn warn(&mut self, dependency: &Dependency, why: &str) {
        let name = dependency.name.as_str();
        self.answer.warnings.push(format!("dependency {name} {} was not installed: {why}", dependency.requirement));
    }
}

/// The release to install: from the local catalogue, else with what peers answer.
async fn find(context: &Context, wanted: &Wanted) -> Result<VerifiedRelease, NodeError> {
    heads::look_for_all(context, &wanted.name, wanted.publisher, HEAD_PATIENCE).await;
    let refusal = match local(context, wanted).await? {
        Ok(release) => return Ok(release),
        Err(refusal) => refusal,
    };
    if !refusal.may_be_elsewhere() {
        return Err(refusal.into_error(wanted));
    }
    let asked = search::ask_peers(context, wanted.name.as_str(), REMOTE_RESULTS).await?;
    match local(context, wanted).await? {
        Ok(release) => Ok(release),
        Err(Refusal::Unknown) => Err(unknown(context, wanted, asked.asked).await),
        Err(refusal) => Err(refusal.into_error(wanted)),
    }
}

async fn local(context: &Context, wanted: &Wanted) -> Result<Result<VerifiedRelease, Refusal>, NodeError> {
    let (name, ground) = (wanted.name.clone(), ground(context));
    let known = context.store.run(move |db| {
        let releases = db.versions(&name, None)?;
        let mut rules = Rules { pinned: db.pinned(&name)?, now: ground.now, ..Rules::default() };
        for release in &releases {
            let left = trust::cooling(db, release, &ground)?;
            rules.cooling.extend((left > 0).then_some((release.id(), left)));
        }
        Ok((releases, rules))
    });
    let (releases, rules) = known.await?;
    Ok(choose(&releases, wanted, &rules))
}

async fn unknown(context: &Context, wanted: &Wanted, asked: usize) -> NodeError {
    let name = wanted.name.as_str().to_owned();
    let similar = context.store.run({
        let query = Query::parse(&name).limit(MAX_SIMILAR);
        move |db| db.search(&query, &Nobody)
    });
    let similar: Vec<_> =
        similar.await.unwrap_or_default().hits.into_iter().map(|hit| hit.release.release().name.clone()).collect();
    let whose = wanted.publisher.map(|key| format!(" by {key}")).unwrap_or_default();
    let peers = if asked == 1 { "1 peer".into() } else { format!("{asked} peers") };
    let error = NodeError::new(
        ErrorKind::NotFound,
        format!("no package named {name}{whose} in the local catalogue nor with {peers} asked"),
    );
    if similar.is_empty() {
        return error.hint(format!("check the spelling, or look for it with: ggen-p2p-tui search {name}"));
    }
    error.hint(format!("did you mean {}?", similar.iter().map(PackageName::as_str).collect::<Vec<_>>().join(", ")))
}

/// Puts one release in place, if it is to be trusted. Installs and removals of one name wait for each other.
async fn install_one(
    context: &Context,
    release: &VerifiedRelease,
    accepted: Option<PublisherKey>,
    purpose: Purpose,
) -> Result<InstalledPackage, NodeError> {
    let signed = release.release();
    let lock = context.services.installing(&signed.name).await;
    let path = context.home.packs_dir().join(signed.name.as_str());
    // Judged while the lock is held: another install may have pinned the name meanwhile.
    let (judged, ground) = (release.clone(), Ground { accepted, ..ground(context) });
    let judging = context
        .store
        .run(move |db| Ok((trust::assess(db, &judged, &ground)?, db.installed_as(&judged.release().name)?)));
    let (assessment, current) = judging.await?;
    if let Some(refusal) = assessment.refusal(&format!("{} {}", signed.name, signed.version)) {
        return Err(refusal.into());
    }
    let same = current.is_some_and(|entry| entry.package_id == signed.package_id && entry.version == signed.version);
    if same && is_directory(path.clone()).await {
        // The key can be another than the pinned one all the same, and the user has just accepted it.
        let (name, publisher) = (signed.name.clone(), signed.publisher);
        let settling = context.store.run(move |db| {
            if purpose.reason == Reason::Asked {
                db.note_asked(&name, purpose.requirement.as_ref())?;
            }
            trust::settle(db, &name, publisher, unix_now())
        });
        settling.await?;
        context.bus.emit(NodeEvent::InstalledChanged);
        return Ok(answer(release, path, None));
    }
    let (placed, from) = fetch_and_finish(context, release, purpose, Arc::new(lock)).await?;
    Ok(answer(release, placed.path, from))
}

/// Fetches, puts in place and notes; the peer is the one that gave the bytes. A damaged blob of this node's own is fetched anew.
async fn fetch_and_finish(
    context: &Context,
    release: &VerifiedRelease,
    purpose: Purpose,
    lock: Arc<OwnedMutexGuard<()>>,
) -> Result<(Placed, Option<libp2p::PeerId>), NodeError> {
    let bytes = fetch::obtain(context, release).await?;
    let stored = matches!(bytes, Bytes::Stored(_));
    let finish = |bytes| {
        let work = finish(context.clone(), release.clone(), purpose.clone(), bytes, lock.clone());
        context.services.unbroken(work)
    };
    match finish(bytes).await? {
        Err(error) if stored && fetch::is_mismatch(&error) => {
            fetch::forget(context, release).await?;
            let bytes = fetch::download(context, release).await?;
            Ok(finish(bytes).await??)
        }
        done => Ok(done?),
    }
}

/// Extracts, notes and, as the settings say, keeps the bytes for others. Not to be broken off: the files would be in place
/// and nobody would know of them. So it holds the name's lock itself.
async fn finish(
    context: Context,
    release: VerifiedRelease,
    purpose: Purpose,
    bytes: Bytes,
    _lock: Arc<OwnedMutexGuard<()>>,
) -> Result<(Placed, Option<libp2p::PeerId>), MarketError> {
    let (archive, packs, store) = (bytes.path().to_owned(), context.home.packs_dir(), context.store.clone());
    let placing = spawn_blocking(move || {
        let contents = Contents::Archive { path: &archive, release: &release };
        place::put(&store, &contents, purpose, &packs, unix_now())
    });
    let placed = placing.await.map_err(|_| MarketError::Failed("a worker stopped".into()))??;
    context.bus.emit(NodeEvent::InstalledChanged);
    let Bytes::Fresh(fetched, peer) = bytes else { return Ok((placed, None)) };
    if context.settings.storage.mirror != Mirror::None {
        fetch::keep(&context, fetched).await;
    }
    Ok((placed, Some(peer)))
}

fn answer(release: &VerifiedRelease, path: PathBuf, from: Option<libp2p::PeerId>) -> InstalledPackage {
    let signed = release.release();
    InstalledPackage {
        name: signed.name.clone(),
        version: signed.version.clone(),
        publisher: signed.publisher,
        package_id: signed.package_id,
        path: path.display().to_string(),
        bytes: if from.is_some() { signed.size } else { 0 },
        providers: from.iter().map(ToString::to_string).collect(),
    }
}

async fn is_directory(path: PathBuf) -> bool {
    tokio::fs::metadata(path).await.is_ok_and(|metadata| metadata.is_dir())
}
