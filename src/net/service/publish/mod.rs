//! Publishing a directory: read, pack, sign, store, announce, and wait for others to confirm.
//!
//! When nobody is connected the announcement reaches no one; peers that come later learn of the release by catalogue
//! sync, so nothing needs to be repeated.

pub(super) mod confirm;
mod prepare;

use std::path::Path;

use semver::Version;
use tokio::task::spawn_blocking;

use crate::market::archive::{self, FileChange, Packed};
use crate::market::check::Checked;
use crate::market::release::DEFAULT_VALIDITY;
use crate::market::{Manifest, MarketError, PackageId, PackageName, PublisherKey, Release, ReleaseId, VerifiedRelease};

use super::super::api::{
    Already, Inspection, NodeEvent, NodeReply, PublishAnswer, PublishPlan, PublishRequest, PublishStage, Via,
};
use super::super::clock::unix_now;
use super::super::context::Context;
use super::super::error::{ErrorKind, NodeError};
use super::intake::feed_item;
use super::{cache, fetch, heads};
use confirm::Confirmed;
use prepare::Prepared;

/// Published again with less than this many seconds to its expiry, a release is renewed: 30 days.
const RENEWAL: u64 = 30 * 24 * 60 * 60;

/// Files told that are another than before.
const MAX_CHANGES: usize = 2_000;

/// No release is older than this network: 2025, in Unix seconds.
const EARLIEST: u64 = 1_735_689_600;

/// Answers [`NodeCommand::Inspect`](super::super::api::NodeCommand::Inspect).
pub async fn inspect(context: &Context, path: String, allow: Vec<String>) -> Result<NodeReply, NodeError> {
    let (path, Checked { manifest, packed, findings }) = prepare::check(context, &path, &allow).await?;
    let (Some(manifest), Some(packed)) = (manifest, packed) else {
        return Ok(NodeReply::Inspect(Inspection::Unreadable(findings)));
    };
    let own = own_versions(context, &manifest.name).await?;
    let newest = own.iter().map(VerifiedRelease::release).max_by(|a, b| a.version.cmp(&b.version));
    let (previous, before) = newest.map(|release| (release.version.clone(), release.package_id)).unzip();
    let changes = changes(context, before, &packed).await;
    let publisher = context.identity.public();
    let plan = PublishPlan::of(&path, manifest, packed, findings, Some(publisher), previous);
    let out = own.iter().map(|one| (one.release().version.clone(), one.release().package_id));
    let already = Already::of(out, &plan.version, plan.package_id);
    Ok(NodeReply::Inspect(PublishPlan { changes, already, ..plan }.into()))
}

/// What is another than in the version before; none where that is not here, or cannot be read any more.
async fn changes(context: &Context, before: Option<PackageId>, packed: &Packed) -> Option<Vec<FileChange>> {
    let before = before?;
    let path = context.store.run(move |db| Ok(db.blob(before)?.map(|_| db.blob_path(before)))).await.ok()??;
    let now = packed.archive.path().to_owned();
    let compared = spawn_blocking(move || archive::changes(&path, &now)).await.ok()?;
    let mut changes =
        compared.inspect_err(|error| tracing::warn!(%error, "the version before cannot be compared with")).ok()?;
    changes.truncate(MAX_CHANGES);
    Some(changes)
}

/// Answers [`NodeCommand::SetVersion`](super::super::api::NodeCommand::SetVersion).
pub async fn set_version(path: String, version: Version) -> Result<NodeReply, NodeError> {
    let writing = spawn_blocking(move || Manifest::set_version(Path::new(&path), &version));
    writing.await.map_err(|_| MarketError::Failed("a worker stopped".into()))??;
    Ok(NodeReply::Done)
}

/// Answers [`NodeCommand::Publish`](super::super::api::NodeCommand::Publish).
///
/// Publishing the same bytes under the same version again announces the same release again. The answer's `held_by` may be
/// less than `wait_for` when the time was over first.
pub async fn publish(context: &Context, request: PublishRequest) -> Result<NodeReply, NodeError> {
    let stage = |stage, seen_by| context.bus.emit(NodeEvent::Publish { job: request.job, stage, seen_by });
    stage(PublishStage::Reading, 0);
    let packing = || stage(PublishStage::Packing, 0);
    let prepared = prepare::prepare(context, &request.path, &request.allow, packing).await?;
    prepare::refuse_errors(&prepared)?;
    let findings = prepared.findings.clone();
    let files = prepared.packed.files.len();
    let (release, again) = sign_and_store(context, prepared, &stage).await?;
    stage(PublishStage::Announcing, 0);
    if let Err(error) = heads::renew(context, false).await {
        tracing::warn!(%error, "the package's head was not renewed");
    }
    announce(context, &release).await;
    let confirmed =
        confirm::wait(context, &release, &request, |seen_by| stage(PublishStage::Confirming, seen_by)).await;
    Ok(NodeReply::Publish(PublishAnswer { again, ..answer(&release, files, findings, confirmed) }))
}

/// One at a time, so that each release has a sequence number of its own. Also tells whether it was out already.
async fn sign_and_store(
    context: &Context,
    prepared: Prepared,
    stage: &impl Fn(PublishStage, usize),
) -> Result<(VerifiedRelease, bool), NodeError> {
    let _lock = context.services.publishing().await;
    stage(PublishStage::Signing, 0);
    let known = own_versions(context, &prepared.manifest.name).await?;
    let release = match last_word(&known, &prepared.manifest.version) {
        Some(published) if still_good(published, &prepared, unix_now())? => published.clone(),
        _ => sign(context, &prepared).await?,
    };
    stage(PublishStage::Storing, 0);
    let is_new = !known.iter().any(|known| known.id() == release.id());
    let (packed, stored, now) = (prepared.packed, release.clone(), unix_now());
    context.store.run(move |db| db.store_published(packed, &stored, now)).await?;
    if let Err(error) = cache::collect(context, 0).await {
        tracing::warn!(%error, "the cache could not be tidied");
    }
    if is_new {
        context.bus.emit(NodeEvent::Feed(feed_item(&release, Via::Own, None, now)));
    }
    Ok((release, !is_new))
}

async fn own_versions(context: &Context, name: &PackageName) -> Result<Vec<VerifiedRelease>, MarketError> {
    let (name, publisher) = (name.clone(), context.identity.public());
    context.store.run(move |db| db.versions(&name, Some(publisher))).await
}

/// The last release of `version`.
fn last_word<'a>(known: &'a [VerifiedRelease], version: &Version) -> Option<&'a VerifiedRelease> {
    let of_version = known.iter().filter(|release| release.release().version == *version);
    of_version.max_by_key(|release| release.release().sequence)
}

/// Whether the release of this version does for publishing it again; else it is renewed (it expires soon, or was
/// withdrawn).
fn still_good(published: &VerifiedRelease, prepared: &Prepared, now: u64) -> Result<bool, NodeError> {
    let version = &prepared.manifest.version;
    if published.release().package_id != prepared.packed.package_id {
        return Err(NodeError::new(
            ErrorKind::Failed,
            format!("version {version} is already published with other content; raise the version"),
        )
        .hint("published versions never change: raise the version in the manifest and publish again"));
    }
    let lasts = published.release().expires_at > now.saturating_add(RENEWAL);
    Ok(lasts && published.release().yank_reason.is_none())
}

async fn sign(context: &Context, prepared: &Prepared) -> Result<VerifiedRelease, NodeError> {
    check_clock(unix_now())?;
    let (name, publisher) = (prepared.manifest.name.clone(), context.identity.public());
    let last = context.store.run(move |db| db.last_of(publisher, &name)).await?;
    let release = to_release(context, prepared, publisher, last);
    Ok(release.sign(&context.identity)?)
}

/// What a clock that was never set says would be signed and expired for everybody else.
fn check_clock(now: u64) -> Result<(), NodeError> {
    if now >= EARLIEST {
        return Ok(());
    }
    let message =
        format!("this machine's clock is wrong: it says {now} s after 1970; others would take the release for expired");
    Err(NodeError::new(ErrorKind::Failed, message).hint("set the clock (see: date), then publish again"))
}

fn to_release(
    context: &Context,
    prepared: &Prepared,
    publisher: PublisherKey,
    last: Option<(u64, ReleaseId)>,
) -> Release {
    let (manifest, packed, now) = (&prepared.manifest, &prepared.packed, unix_now());
    Release {
        network: context.settings.network.name.clone(),
        publisher,
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        package_id: packed.package_id,
        size: packed.size,
        merkle_root: packed.merkle_root,
        description: manifest.description.clone(),
        category: manifest.category.clone(),
        tags: manifest.tags.clone(),
        keywords: manifest.keywords.clone(),
        licence: manifest.licence.clone(),
        repository: manifest.repository.clone(),
        dependencies: manifest.dependencies.clone(),
        file_count: u32::try_from(packed.files.len()).unwrap_or(u32::MAX),
        sequence: last.map_or(1, |(sequence, _)| sequence.saturating_add(1)),
        previous: last.map(|(_, id)| id),
        published_at: now,
        expires_at: now.saturating_add(DEFAULT_VALIDITY),
        yank_reason: None,
    }
}

async fn announce(context: &Context, release: &VerifiedRelease) {
    fetch::provide(context, release.release().package_id).await;
    if let Err(error) = context.swarm.provide_name(&release.release().name).await {
        tracing::warn!(%error, "published, but the DHT does not know the name");
    }
    announce_envelope(context, release.envelope().to_bytes()).await;
}

/// Tells it on the topic; how many peers were there to take it.
pub(super) async fn announce_envelope(context: &Context, envelope: Vec<u8>) -> usize {
    // Refused by gossipsub when the very same message was sent a moment ago: then it has reached whom it can.
    context.swarm.announce(envelope).await.unwrap_or_else(|error| {
        tracing::debug!(%error, "announcement not taken");
        0
    })
}

fn answer(
    release: &VerifiedRelease,
    files: usize,
    findings: Vec<crate::market::Finding>,
    confirmed: Confirmed,
) -> PublishAnswer {
    let signed = release.release();
    PublishAnswer {
        name: signed.name.clone(),
        version: signed.version.clone(),
        publisher: signed.publisher,
        package_id: signed.package_id,
        release_id: release.id(),
        size: signed.size,
        files,
        seen_by: confirmed.seen_by,
        seen_by_peers: confirmed.peers.iter().map(ToString::to_string).collect(),
        held_by: confirmed.held_by,
        findings,
        again: false,
        share: format!("ggen:{}@{}?publisher={}", signed.name.as_str(), signed.version, signed.publisher),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_is_noticed() {
        assert!(check_clock(unix_now()).is_ok());
        let error = check_clock(3600).unwrap_err();
        assert!(error.message.contains("clock") && error.hint.is_some(), "{error}");
    }
}
