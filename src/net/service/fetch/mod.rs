//! Getting the bytes of a release: from this node's blobs, else from up to four providers at once.
//!
//! `find` looks for providers, `conduct` gives them lanes, a `lane` speaks with one of them, and `schedule` decides which leaf is
//! asked of whom. What they fill is a `sharing`: a file that outlives a crash, of which others may already have what is verified.

mod conduct;
mod find;
mod lane;
mod report;
mod schedule;
mod sharing;

pub use sharing::{Downloads, Sharing};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use libp2p::PeerId;
use tempfile::NamedTempFile;
use tokio::sync::OwnedMutexGuard;

use crate::market::store::{BlobInfo, PartialLock};
use crate::market::{MarketError, PackageId, VerifiedRelease};

use super::super::api::Direction;
use super::super::context::Context;
use super::super::error::{ErrorKind, NodeError};
use super::super::protocol::ProtocolError;
use super::cache;
use super::transfers::{Transfer, Wish};
use lane::blocking;

/// The bytes of a release.
#[derive(Debug)]
pub enum Bytes {
    /// In the blob folder already.
    Stored(PathBuf),
    /// Fetched and verified, not yet stored; and who delivered, the one that gave most first.
    Fresh(Fetched, Vec<PeerId>),
}

/// A package whose every byte was verified.
#[derive(Debug)]
pub struct Fetched {
    /// In the store's directory for incoming files. Until it is stored it outlives a crash.
    pub file: NamedTempFile,
    pub blob: BlobInfo,
    /// Others may draw from it.
    _sharing: Arc<Sharing>,
    /// No tidying takes it away.
    _lock: PartialLock,
    /// Nobody else begins to download the same.
    _turn: OwnedMutexGuard<()>,
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

/// The bytes of `release`.
///
/// # Errors
/// `Verification` when a provider's bytes contradicted the signature and no other had them; `Network` when nobody had.
pub async fn obtain(context: &Context, release: &VerifiedRelease) -> Result<Bytes, NodeError> {
    let id = release.release().package_id;
    if let Some(path) = stored(context, id).await? {
        return Ok(Bytes::Stored(path));
    }
    let turn = context.services.downloading(id).await;
    // Whoever had the turn before may have stored it.
    match stored(context, id).await? {
        Some(path) => Ok(Bytes::Stored(path)),
        None => download_in_turn(context, release, turn).await,
    }
}

/// Does `work` with the bytes of `release`. Where this node's own blob turns out to be damaged, it is done again with bytes from
/// others.
///
/// # Errors
/// As for [`obtain`], and what `work` says.
pub async fn with_bytes<T, W>(
    context: &Context,
    release: &VerifiedRelease,
    mut work: impl FnMut(Bytes) -> W,
) -> Result<T, NodeError>
where
    W: Future<Output = Result<T, MarketError>>,
{
    let bytes = obtain(context, release).await?;
    let stored = matches!(bytes, Bytes::Stored(_));
    match work(bytes).await {
        Err(error) if stored && is_mismatch(&error) => {
            forget(context, release).await?;
            Ok(work(download(context, release).await?).await?)
        }
        done => Ok(done?),
    }
}

async fn stored(context: &Context, id: PackageId) -> Result<Option<PathBuf>, MarketError> {
    let stored = context.store.run(move |db| {
        db.touch_blob(id)?;
        Ok(db.blob(id)?.map(|_| db.blob_path(id)))
    });
    stored.await
}

/// Puts a stored blob that is no longer what was signed into quarantine.
pub async fn forget(context: &Context, release: &VerifiedRelease) -> Result<(), NodeError> {
    let id = release.release().package_id;
    context.store.run(move |db| db.quarantine(id)).await?;
    context.swarm.stop_providing(id).await
}

/// Fetches the bytes of `release` from others, whatever is stored. Goes on where an earlier attempt ended.
///
/// # Errors
/// As for [`obtain`].
pub async fn download(context: &Context, release: &VerifiedRelease) -> Result<Bytes, NodeError> {
    let turn = context.services.downloading(release.release().package_id).await;
    download_in_turn(context, release, turn).await
}

async fn download_in_turn(
    context: &Context,
    release: &VerifiedRelease,
    turn: OwnedMutexGuard<()>,
) -> Result<Bytes, NodeError> {
    let signed = release.release();
    let title = crate::market::SafeText::new(&format!("{} {}", signed.name.as_str(), signed.version));
    let transfer = Arc::new(context.transfers.begin(Direction::Inbound, title, signed.package_id, signed.size));
    transfer.can_wait();
    let result = until_ended(context, release, &transfer, turn).await;
    match &result {
        Ok(_) => transfer.done(),
        Err(error) => transfer.failed(&error.message),
    }
    result
}

/// Fetches, with pauses where a person wants them: what has come stays on disk meanwhile.
async fn until_ended(
    context: &Context,
    release: &VerifiedRelease,
    transfer: &Arc<Transfer>,
    turn: OwnedMutexGuard<()>,
) -> Result<Bytes, NodeError> {
    let id = release.release().package_id;
    let mut turn = Some(turn);
    loop {
        let turn = match turn.take() {
            Some(turn) => turn,
            None => {
                let turn = context.services.downloading(id).await;
                // Another download of the same may have brought it during the pause.
                if let Some(path) = stored(context, id).await? {
                    return Ok(Bytes::Stored(path));
                }
                turn
            }
        };
        let mut wish = tokio::select! {
            result = fetch(context, release, transfer, turn) => return result,
            wish = transfer.wished() => wish,
        };
        if wish == Wish::Wait {
            wish = transfer.wait().await;
        }
        if let Wish::End { keep } = wish {
            return Err(cancelled(context, release, keep).await);
        }
    }
}

/// Ends a download as a person wants it.
async fn cancelled(context: &Context, release: &VerifiedRelease, keep: bool) -> NodeError {
    let what = format!("{} {}", release.release().name, release.release().version);
    let (end, hint) = match keep {
        true => ("cancelled; what has come is kept", "install it again to go on where it was"),
        false => ("cancelled; nothing of it is kept", "install it again to begin anew"),
    };
    if !keep && let Err(error) = drop_partial(context, release).await {
        tracing::warn!(%error, "what had come of a cancelled download stays until the cache is tidied");
    }
    NodeError::new(ErrorKind::Failed, format!("{what}: {end}")).hint(hint)
}

async fn drop_partial(context: &Context, release: &VerifiedRelease) -> Result<(), MarketError> {
    let (id, size) = (release.release().package_id, release.release().size);
    let quota = context.settings.storage.max_cache_size.0;
    context.store.run(move |db| db.open_partial(id, size, quota)?.0.remove()).await
}

async fn fetch(
    context: &Context,
    release: &VerifiedRelease,
    transfer: &Arc<Transfer>,
    turn: OwnedMutexGuard<()>,
) -> Result<Bytes, NodeError> {
    let (sharing, lock) = open(context, release).await?;
    let (bytes, here) = sharing.progress();
    transfer.resumed(bytes, here);
    context.services.downloads().add(&sharing);
    let providers = match conduct::conduct(context, release, &sharing, transfer).await {
        Ok(providers) => providers,
        Err(error) => {
            give_up(&sharing).await;
            return Err(error);
        }
    };
    transfer.verifying();
    let checked = sharing.clone();
    match blocking(move || checked.check_whole()).await {
        Ok(()) => {}
        Err(ProtocolError::Signed(detail)) => {
            sharing.partial().remove()?;
            return Err(report::signed_wrong(release, &detail));
        }
        Err(ProtocolError::Local(error)) => return Err(error.into()),
        Err(error) => return Err(MarketError::Failed(error.to_string()).into()),
    }
    let (file, leaves) = (sharing.partial().finish()?, sharing.leaves().unwrap_or_default().to_vec());
    let blob = BlobInfo { package_id: sharing.package_id(), size: sharing.size(), leaves };
    Ok(Bytes::Fresh(Fetched { file, blob, _sharing: sharing, _lock: lock, _turn: turn }, providers))
}

/// What there is of the download already, or a new one.
async fn open(context: &Context, release: &VerifiedRelease) -> Result<(Arc<Sharing>, PartialLock), NodeError> {
    let (id, size) = (release.release().package_id, release.release().size);
    let quota = context.settings.storage.max_cache_size.0;
    let partial = context.store.run(move |db| db.open_partial(id, size, quota)).await?;
    let release = release.clone();
    let resuming = tokio::task::spawn_blocking(move || Sharing::resume(&release, partial, rand::random()));
    let (sharing, lock) = resuming.await.map_err(|_| MarketError::Failed("a worker stopped".into()))??;
    Ok((Arc::new(sharing), lock))
}

/// A file without a single leaf is of no use to the next attempt.
async fn give_up(sharing: &Arc<Sharing>) {
    let sharing = sharing.clone();
    let removing =
        blocking(move || if sharing.here().contains(&true) { Ok(()) } else { Ok(sharing.partial().remove()?) });
    if let Err(error) = removing.await {
        tracing::debug!(%error, "an empty download stays");
    }
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
