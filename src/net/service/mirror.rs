//! `storage.mirror = "all"`: fetching every release this node hears of, within `max_cache_size`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use libp2p::PeerId;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::config::schema::Mirror;
use crate::market::VerifiedRelease;

use super::super::context::Context;
use super::super::error::{ErrorKind, NodeError};
use super::cache;
use super::fetch::{self, Bytes};

/// Releases waiting to be fetched; more are left out (a later install fetches them).
const QUEUE: usize = 1024;
/// Fetched at the same time.
const WORKERS: usize = 2;
/// Tries, when nobody could deliver.
const TRIES: u32 = 3;
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(2);

/// What is to be fetched.
pub struct MirrorQueue {
    enabled: bool,
    sender: mpsc::Sender<VerifiedRelease>,
    receiver: Mutex<Option<mpsc::Receiver<VerifiedRelease>>>,
}

impl MirrorQueue {
    /// Empty; takes nothing unless `mirror` is `all`.
    pub fn new(mirror: Mirror) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        Self { enabled: mirror == Mirror::All, sender, receiver: Mutex::new(Some(receiver)) }
    }
}

/// To be called for every release that is new to this node, with the peer it came from. Never waits.
pub fn consider(context: &Context, release: &VerifiedRelease, from: Option<PeerId>) {
    let signed = release.release();
    // Who announces its own release has its bytes.
    if let Some(peer) = from.filter(|peer| peer.to_string() == signed.publisher.to_string()) {
        context.services.holders().add(signed.package_id, peer);
    }
    let queue = context.services.mirror();
    if queue.enabled && signed.yank_reason.is_none() && queue.sender.try_send(release.clone()).is_err() {
        tracing::debug!(package = %signed.package_id, "mirror queue is full");
    }
}

/// Starts the workers, once for each node.
pub(in crate::net) fn start(context: &Context, tasks: &mut JoinSet<()>) {
    let queue = context.services.mirror();
    let receiver = queue.receiver.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(receiver) = receiver.filter(|_| queue.enabled) else { return };
    let receiver = Arc::new(tokio::sync::Mutex::new(receiver));
    for _ in 0..WORKERS {
        let (context, receiver) = (context.clone(), receiver.clone());
        tasks.spawn(async move {
            while let Some(release) = next(&receiver).await {
                mirror(&context, &release).await;
            }
        });
    }
}

async fn next(receiver: &tokio::sync::Mutex<mpsc::Receiver<VerifiedRelease>>) -> Option<VerifiedRelease> {
    // An async lock: whoever waits for the next release holds it, the other workers wait for their turn.
    receiver.lock().await.recv().await
}

async fn mirror(context: &Context, release: &VerifiedRelease) {
    for _ in 1..TRIES {
        match once(context, release).await {
            Err(error) if error.kind == ErrorKind::Network => sleep(PAUSE).await,
            Err(error) => return tracing::info!(%error, "not mirrored"),
            Ok(()) => return,
        }
    }
    if let Err(error) = once(context, release).await {
        tracing::info!(%error, "not mirrored");
    }
}

async fn once(context: &Context, release: &VerifiedRelease) -> Result<(), NodeError> {
    cache::check_room(context, release.release().size).await?;
    if cache::is_superseded(context, release.release()).await? {
        return Ok(());
    }
    if let Bytes::Fresh(fetched, _) = fetch::obtain(context, release).await? {
        fetch::keep(context, fetched).await;
    }
    Ok(())
}
