//! What is known of a name, and what is installed.

use std::time::Duration;

use libp2p::PeerId;
use tokio::sync::OwnedMutexGuard;
use tokio::task::spawn_blocking;

use crate::market::install::Removal;
use crate::market::{MarketError, PackageName, PublisherKey, install};

use super::super::api::{FileList, HolderInfo, InstalledInfo, NodeEvent, NodeReply, ReleaseInfo, RemoveAnswer};
use super::super::context::Context;
use super::super::error::{ErrorKind, NodeError};
use super::heads;

/// How long showing a package may wait for its head.
const HEAD_PATIENCE: Duration = Duration::from_millis(400);

/// Holders of one release that are told.
const MAX_HOLDERS: usize = 8;

/// Answers [`NodeCommand::Detail`](super::super::api::NodeCommand::Detail): all releases of a name, newest first; empty when
/// the catalogue has none.
pub async fn detail(
    context: &Context,
    name: PackageName,
    publisher: Option<PublisherKey>,
) -> Result<NodeReply, NodeError> {
    heads::look_for_all(context, &name, publisher, HEAD_PATIENCE).await;
    let mut infos = context.store.run(move |db| ReleaseInfo::all_of(db, &name, publisher)).await?;
    for info in &mut infos {
        let holders = context.services.holders().of(info.package_id);
        info.providers += holders.len();
        info.holders =
            context.peers.rank(holders).into_iter().take(MAX_HOLDERS).map(|peer| holder(context, peer)).collect();
    }
    Ok(NodeReply::Detail(infos))
}

fn holder(context: &Context, peer: PeerId) -> HolderInfo {
    let known = context.peers.info(peer);
    HolderInfo {
        peer_id: peer.to_string(),
        connected: known.as_ref().is_some_and(|info| info.connected),
        reputation: known.filter(|info| info.evidence > 0).map(|info| info.reputation),
    }
}

/// Answers [`NodeCommand::Installed`](super::super::api::NodeCommand::Installed).
pub async fn installed(context: &Context) -> Result<NodeReply, NodeError> {
    let packs = context.home.packs_dir();
    Ok(NodeReply::Installed(context.store.run(move |db| InstalledInfo::all_of(db, &packs)).await?))
}

/// Answers [`NodeCommand::InstalledFiles`](super::super::api::NodeCommand::InstalledFiles).
pub async fn installed_files(context: &Context, name: PackageName) -> Result<NodeReply, NodeError> {
    Ok(NodeReply::Files(context.store.run(move |db| FileList::installed(db, &name)).await?))
}

/// Answers [`NodeCommand::Verify`](super::super::api::NodeCommand::Verify). An install of the name under way is waited for.
pub async fn verify(context: &Context, name: PackageName) -> Result<NodeReply, NodeError> {
    let _lock = context.services.installing(&name).await;
    let (store, packs) = (context.store.clone(), context.home.packs_dir());
    let work = spawn_blocking(move || install::verify(&store, &packs, &name));
    let found = work.await.map_err(|_| MarketError::Failed("a worker stopped".into()))??;
    Ok(NodeReply::Verified(found))
}

/// Answers [`NodeCommand::Remove`](super::super::api::NodeCommand::Remove): takes the files away and forgets the installs.
/// The bytes stay among this node's blobs, for others.
pub async fn remove(context: &Context, removal: Removal) -> Result<NodeReply, NodeError> {
    let wanted = removal.clone();
    let plan = context.store.run(move |db| wanted.plan(&db.installed()?)).await?;
    let mut answer = RemoveAnswer { removed: Vec::new(), unused: plan.unused };
    for name in plan.remove {
        let lock = context.services.installing(&name).await;
        let removing = take_away(context.clone(), name.clone(), lock);
        if context.services.unbroken(removing).await?? {
            answer.removed.push(name);
            context.bus.emit(NodeEvent::InstalledChanged);
        } else if removal.name == Some(name.clone()) {
            return Err(not_installed(&name));
        }
    }
    Ok(NodeReply::Removed(answer))
}

/// Nothing is installed under a name.
fn not_installed(name: &PackageName) -> NodeError {
    NodeError::new(ErrorKind::NotFound, format!("{name} is not installed")).hint("see what is with: ggen-p2p-tui list")
}

/// Not to be broken off, so it holds the name's lock itself.
async fn take_away(context: Context, name: PackageName, _lock: OwnedMutexGuard<()>) -> Result<bool, MarketError> {
    let (store, packs) = (context.store.clone(), context.home.packs_dir());
    let removing = spawn_blocking(move || install::remove(&store, &name, &packs));
    removing.await.map_err(|_| MarketError::Failed("a worker stopped".into()))?
}
