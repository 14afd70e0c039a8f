//! The bytes kept for others: room for more, and whether they are still what they were.

use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::market::store::{self, BlobInfo, CacheRules, CacheUse, Condition};
use crate::market::{MarketError, PackageId, Release, keys};

use super::super::context::Context;
use super::super::error::{ErrorKind, NodeError};

/// An asker waits so long for a blob to be read through before it is told to come again.
const SOON: Duration = Duration::from_millis(1500);

/// What the settings and this node's key say of the cache.
pub fn rules(context: &Context) -> CacheRules {
    let storage = &context.settings.storage;
    // Keys used before have left their files.
    let before = keys::key_files(&context.home.identity_file()).unwrap_or_default();
    let own = before.iter().map(|file| file.identity.public()).chain([context.identity.public()]).collect();
    CacheRules { quota: storage.max_cache_size.0, keep_versions: storage.keep_versions as usize, own }
}

/// Whether the cache can make room for `size` bytes more.
///
/// # Errors
/// Disk: not even when everything that is kept for others goes.
pub async fn check_room(context: &Context, size: u64) -> Result<(), NodeError> {
    let rules = rules(context);
    let quota = rules.quota;
    let CacheUse { bound, .. } = context.store.run(move |db| db.cache_use(&rules)).await?;
    if bound.saturating_add(size) <= quota {
        return Ok(());
    }
    let message = format!(
        "the cache has no room: {size} bytes do not fit beside the {bound} of installed and own packages within {quota}"
    );
    Err(NodeError::new(ErrorKind::Disk, message).hint("raise storage.max_cache_size"))
}

/// Whether so many newer versions of the package are here that this one would not be kept.
pub async fn is_superseded(context: &Context, release: &Release) -> Result<bool, NodeError> {
    let (name, publisher, version) = (release.name.clone(), release.publisher, release.version.clone());
    let keep = context.settings.storage.keep_versions as usize;
    let newer = context.store.run(move |db| {
        let mut newer = 0;
        for other in db.versions(&name, Some(publisher))? {
            let other = other.release();
            newer += usize::from(other.version > version && db.blob(other.package_id)?.is_some());
        }
        Ok(newer)
    });
    Ok(newer.await? >= keep)
}

/// Takes away what is beyond the settings, and as much more as makes room for `wanted` bytes.
pub async fn collect(context: &Context, wanted: u64) -> Result<(), NodeError> {
    let rules = rules(context);
    let quota = rules.quota;
    let collected = context.store.run(move |db| db.collect_garbage(&rules, wanted)).await?;
    if !collected.removed.is_empty() {
        tracing::info!(blobs = collected.removed.len(), bytes = collected.freed, "removed from the cache");
    }
    for id in collected.removed {
        context.swarm.stop_providing(id).await?;
    }
    if collected.now.bound > quota {
        let bound = collected.now.bound;
        tracing::warn!("installed and own packages alone take {bound} bytes, storage.max_cache_size is {quota}");
    }
    Ok(())
}

/// The blob, for giving it away: read through before that once in each run of the node, since others ban who serves them
/// what is not what was signed, and a crash or a failing disk is no lie.
///
/// # Errors
/// Failed: it is being read through, which takes longer than the asker should wait.
pub async fn sound(context: &Context, id: PackageId) -> Result<Option<BlobInfo>, NodeError> {
    let vetting = context.services.unbroken(vet(context.clone(), id));
    match timeout(SOON, vetting).await {
        Ok(vetted) => match vetted?? {
            Condition::Sound => Ok(context.store.run(move |db| db.blob(id)).await?),
            Condition::Torn | Condition::Gone => Ok(None),
        },
        Err(_) => Err(NodeError::new(ErrorKind::Failed, "the blob is being checked").hint("try again in a moment")),
    }
}

/// Reads the blob through, unless that was done in this run. A damaged one is put into quarantine and no longer offered.
pub async fn vet(context: Context, id: PackageId) -> Result<Condition, MarketError> {
    let _turn = context.services.vetting().await;
    let path = context.store.run(move |db| Ok((!db.is_vetted(id)).then(|| db.blob_path(id)))).await?;
    let Some(path) = path else { return Ok(Condition::Sound) };
    let digest = spawn_blocking(move || store::digest(&path)).await;
    let digest = digest.map_err(|_| MarketError::Failed("a worker stopped".into()))?;
    let condition = match digest {
        Ok(digest) => context.store.run(move |db| db.judge_blob(id, digest)).await?,
        Err(_) => match context.store.run(move |db| db.blob(id)).await? {
            None => Condition::Gone,
            // It is there and cannot be read.
            Some(_) => {
                context.store.run(move |db| db.quarantine(id)).await?;
                Condition::Torn
            }
        },
    };
    if condition != Condition::Sound
        && let Err(error) = context.swarm.stop_providing(id).await
    {
        tracing::debug!(%error, "still announced");
    }
    Ok(condition)
}
