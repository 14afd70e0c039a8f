//! Getting the bytes of a release: from this node's blobs, else from one provider after the other.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use libp2p::PeerId;
use tokio::time::{Instant, sleep, timeout_at};

use crate::market::{MarketError, PackageId, VerifiedRelease};

use super::super::api::Direction;
use super::super::context::Context;
use super::super::error::{ErrorKind, NodeError};
use super::super::peers::Outcome;
use super::super::protocol::blob::{self, Fetched};
use super::super::protocol::{ProtocolError, sync};
use super::cache;
use super::transfers::Transfer;

/// How long connected peers are asked whether they have it.
const ASK_LIMIT: Duration = Duration::from_millis(1500);
/// How long the others are waited for once one has it.
const GRACE: Duration = Duration::from_millis(100);
/// How long the DHT is asked for providers; whoever waits for an install hears soon that there are none.
const LOOKUP: Duration = Duration::from_secs(3);
/// How long providers that the DHT names are dialled, and how long the others are waited for once one stands.
const DIALLING: Duration = Duration::from_secs(3);
/// Connected peers asked.
const MAX_ASKED: usize = 32;
/// Providers tried.
const MAX_TRIED: usize = 24;
/// Providers that are busy are tried again so often, after so long.
const BUSY_TRIES: u32 = 20;
const BUSY_PAUSE: Duration = Duration::from_millis(500);
/// Bytes of a package that are fetched through a relay: half of what one carries, as all else goes the same way.
const MOST_RELAYED: u64 = 64 * 1024;

/// The bytes of a release.
#[derive(Debug)]
pub enum Bytes {
    /// In the blob folder already.
    Stored(PathBuf),
    /// Fetched and verified, not yet stored.
    Fresh(Fetched, PeerId),
}

impl Bytes {
    /// Where they are.
    pub fn path(&self) -> &Path {
        match self {
            Self::Stored(path) => path,
            Self::Fresh(fetched, _) => fetched.file.path(),
        }
    }
}

/// A provider that did not serve, and why.
struct Failure {
    peer: PeerId,
    error: ProtocolError,
}

/// The bytes of `release`.
///
/// # Errors
/// `Verification` when a provider's bytes contradicted the signature and no other had them; `Network` when nobody had.
pub async fn obtain(context: &Context, release: &VerifiedRelease) -> Result<Bytes, NodeError> {
    let id = release.release().package_id;
    let stored = context.store.run(move |db| {
        db.touch_blob(id)?;
        Ok(db.blob(id)?.map(|_| db.blob_path(id)))
    });
    let stored = stored.await?;
    match stored {
        Some(path) => Ok(Bytes::Stored(path)),
        None => download(context, release).await,
    }
}

/// Puts a stored blob that is no longer what was signed into quarantine.
pub async fn forget(context: &Context, release: &VerifiedRelease) -> Result<(), NodeError> {
    let id = release.release().package_id;
    context.store.run(move |db| db.quarantine(id)).await?;
    context.swarm.stop_providing(id).await
}

/// Fetches from the providers, the best first.
pub async fn download(context: &Context, release: &VerifiedRelease) -> Result<Bytes, NodeError> {
    let signed = release.release();
    let title = crate::market::SafeText::new(&format!("{} {}", signed.name.as_str(), signed.version));
    let transfer = context.transfers.begin(Direction::Inbound, title, signed.package_id, signed.size);
    let result = from_any(context, release, &transfer).await;
    match &result {
        Ok(_) => transfer.done(),
        Err(error) => transfer.failed(&error.message),
    }
    result
}

async fn from_any(context: &Context, release: &VerifiedRelease, transfer: &Transfer) -> Result<Bytes, NodeError> {
    let mut tried = Vec::new();
    let mut failures = Vec::new();
    let (near, silent) = near(context, release).await;
    if let Some(bytes) = try_each(context, release, transfer, near, &mut tried, &mut failures).await? {
        return Ok(bytes);
    }
    transfer.note("asking the DHT");
    let mut far = far(context, release).await;
    // Who has just left a question open would leave the next one open for as long.
    far.retain(|peer| !silent.contains(peer));
    if let Some(bytes) = try_each(context, release, transfer, far, &mut tried, &mut failures).await? {
        return Ok(bytes);
    }
    for _ in 0..BUSY_TRIES {
        let Some(busy) = take_busy(&mut tried, &mut failures) else { break };
        transfer.note("waiting for a busy peer");
        sleep(BUSY_PAUSE).await;
        if let Some(bytes) = try_each(context, release, transfer, busy, &mut tried, &mut failures).await? {
            return Ok(bytes);
        }
    }
    Err(all_failed(release, &failures))
}

/// The providers that were only busy, to be tried again.
fn take_busy(tried: &mut Vec<PeerId>, failures: &mut Vec<Failure>) -> Option<Vec<PeerId>> {
    let is_busy = |failure: &mut Failure| matches!(failure.error, ProtocolError::Busy);
    let busy: Vec<_> = failures.extract_if(.., is_busy).map(|failure| failure.peer).collect();
    tried.retain(|peer| !busy.contains(peer));
    (!busy.is_empty()).then_some(busy)
}

/// Asks the connected peers: who says that it holds it, and who says nothing.
async fn near(context: &Context, release: &VerifiedRelease) -> (Vec<PeerId>, Vec<PeerId>) {
    let package = release.release().package_id;
    let mut silent = context.peers.rank(context.swarm.connected());
    silent.truncate(MAX_ASKED);
    let mut answers: FuturesUnordered<_> = silent
        .iter()
        .map(|peer| {
            let peer = *peer;
            // Longer than it is waited for: an error that comes in time is not silence.
            async move { (peer, sync::have(context, peer, &[], &[package], 2 * ASK_LIMIT).await) }
        })
        .collect();
    let mut deadline = Instant::now() + ASK_LIMIT;
    let mut holders = Vec::new();
    while let Ok(Some((peer, answer))) = timeout_at(deadline, answers.next()).await {
        silent.retain(|known| *known != peer);
        if answer.is_ok_and(|holdings| holdings.packages.contains(&package)) {
            holders.push(peer);
            deadline = deadline.min(Instant::now() + GRACE);
        }
    }
    // Cut short, it says nothing of those who had no time left.
    if holders.is_empty() { (holders, silent) } else { (holders, Vec::new()) }
}

/// Who is known to hold it, or is said to by the DHT, and can be connected to.
async fn far(context: &Context, release: &VerifiedRelease) -> Vec<PeerId> {
    let package = release.release().package_id;
    let mut known = context.services.holders().of(package);
    known.extend(context.swarm.providers(package, LOOKUP).await.unwrap_or_default());
    known.sort_unstable();
    known.dedup();
    // All at once: one after another, each dial into the void would take its seconds.
    let dials = context.peers.rank(known).into_iter().take(MAX_TRIED);
    let mut dials: FuturesUnordered<_> =
        dials.map(|peer| async move { (peer, context.swarm.ensure_connected(peer).await) }).collect();
    let mut deadline = Instant::now() + DIALLING;
    let mut reached = Vec::new();
    while let Ok(Some((peer, dialled))) = timeout_at(deadline, dials.next()).await {
        if dialled.is_ok() {
            reached.push(peer);
            deadline = deadline.min(Instant::now() + GRACE);
        }
    }
    reached
}

async fn try_each(
    context: &Context,
    release: &VerifiedRelease,
    transfer: &Transfer,
    peers: Vec<PeerId>,
    tried: &mut Vec<PeerId>,
    failures: &mut Vec<Failure>,
) -> Result<Option<Bytes>, NodeError> {
    let local = context.swarm.local_peer();
    let fresh: Vec<_> = peers.into_iter().filter(|peer| *peer != local && !tried.contains(peer)).collect();
    let mut ranked = context.peers.rank(fresh);
    // Who is connected answers at once; a dial into the void takes seconds.
    let connected = context.swarm.connected();
    ranked.sort_by_key(|peer| (context.peers.distrust(*peer).is_some(), !connected.contains(peer)));
    for peer in ranked {
        if tried.len() >= MAX_TRIED {
            break;
        }
        tried.push(peer);
        if let Some(why) = context.peers.distrust(peer) {
            transfer.note(&format!("{peer} comes last, and no other has it: {why}"));
        }
        if let Err(error) = fit_for(context, peer, release.release().size).await {
            failures.push(failed(context, release, transfer, peer, error));
            continue;
        }
        match blob::fetch(context, peer, release, transfer).await {
            Ok(fetched) => {
                context.peers.record(peer, Outcome::Success("download"));
                context.services.holders().add(release.release().package_id, peer);
                return Ok(Some(Bytes::Fresh(fetched, peer)));
            }
            Err(ProtocolError::Local(error)) => return Err(error.into()),
            Err(ProtocolError::Signed(detail)) => return Err(signed_wrong(release, &detail)),
            Err(error) => failures.push(failed(context, release, transfer, peer, error)),
        }
    }
    Ok(None)
}

/// Sees to it that the connection with `peer` can carry `size` bytes: a relay's only few, also where it stands.
async fn fit_for(context: &Context, peer: PeerId, size: u64) -> Result<(), ProtocolError> {
    if size <= MOST_RELAYED {
        return Ok(());
    }
    let direct = async {
        context.swarm.ensure_connected(peer).await?;
        context.swarm.direct(peer).await
    };
    direct.await.map_err(|error| ProtocolError::Unreachable(error.to_string()))
}

fn failed(
    context: &Context,
    release: &VerifiedRelease,
    transfer: &Transfer,
    peer: PeerId,
    error: ProtocolError,
) -> Failure {
    tracing::debug!(%peer, %error, "provider failed");
    transfer.note(&format!("{peer}: {error}"));
    if !matches!(error, ProtocolError::Busy) {
        context.services.holders().remove(release.release().package_id, peer);
    }
    if let Some(outcome) = error.outcome() {
        context.peers.record(peer, about(release, outcome));
    }
    Failure { peer, error }
}

/// A lie with what it was about, for whoever asks later why the peer is banned.
fn about(release: &VerifiedRelease, outcome: Outcome) -> Outcome {
    let signed = release.release();
    match outcome {
        Outcome::Lie(detail) => {
            Outcome::Lie(format!("{} {}: bytes that are not what was signed: {detail}", signed.name, signed.version))
        }
        other => other,
    }
}

fn all_failed(release: &VerifiedRelease, failures: &[Failure]) -> NodeError {
    let signed = release.release();
    let what = format!("{} {}", signed.name.as_str(), signed.version);
    let lie = failures.iter().find(|failure| matches!(failure.error, ProtocolError::Lie(_)));
    if let Some(Failure { peer, error }) = lie {
        return NodeError::new(
            ErrorKind::Verification,
            format!("{what}: peer {peer} sent bytes that are not what the publisher signed: {error}"),
        )
        .hint("the peer is banned and nothing was installed; try again when another peer has the package");
    }
    match failures.last() {
        None => NodeError::new(ErrorKind::Network, format!("{what}: no peer that has it can be reached")),
        Some(Failure { peer, error }) => NodeError::new(
            ErrorKind::Network,
            format!("{what}: none of {} peers could deliver it; the last was {peer}: {error}", failures.len()),
        ),
    }
    .hint("try again when a node that has it is online")
}

fn signed_wrong(release: &VerifiedRelease, detail: &str) -> NodeError {
    let signed = release.release();
    let message = format!("{} {}: {detail}", signed.name.as_str(), signed.version);
    NodeError::new(ErrorKind::Verification, message)
        .hint("ask the publisher to publish it again; nothing was installed")
}

/// Whether an error says that bytes are not what was signed.
pub fn is_mismatch(error: &MarketError) -> bool {
    matches!(error, MarketError::Mismatch { .. })
}

/// Keeps fetched bytes for others, where the cache has room. That they cannot be kept, or told of, is no reason for
/// whatever they were fetched for to fail.
pub async fn keep(context: &Context, fetched: Fetched) {
    let id = fetched.blob.package_id;
    let size = fetched.blob.size;
    let room = async {
        cache::check_room(context, size).await?;
        cache::collect(context, size).await
    };
    if let Err(error) = room.await {
        return tracing::warn!(%error, "the bytes are not kept for others");
    }
    match context.store.run(move |db| db.store_blob(fetched.file, fetched.blob)).await {
        Ok(()) => provide(context, id).await,
        Err(error) => tracing::warn!(%error, "the bytes could not be kept for others"),
    }
}

/// Tells the DHT that the bytes are here.
pub async fn provide(context: &Context, id: PackageId) {
    if let Err(error) = context.swarm.provide(id).await {
        tracing::warn!(%error, "the bytes are here, but the DHT does not know");
    }
}
