//! Which command goes where.

use libp2p::PeerId;

use super::super::api::{NodeCommand, NodeReply};
use super::super::error::{ErrorKind, NodeError};
use super::super::service;
use super::super::swarm::address::parse_dial;
use super::core::Core;
use super::status;

pub async fn request(core: &Core, command: NodeCommand) -> Result<NodeReply, NodeError> {
    if core.stop.is_cancelled() {
        return Err(stopping());
    }
    tokio::select! {
        biased;
        answer = answer(core, command) => answer,
        // A publish that waits for others, say: whoever asked hears of the end instead of being cut off.
        () = core.stop.cancelled() => Err(stopping()),
    }
}

async fn answer(core: &Core, command: NodeCommand) -> Result<NodeReply, NodeError> {
    let context = &core.context;
    match command {
        NodeCommand::Status => status::status(core).await.map(NodeReply::Status),
        NodeCommand::Peers => Ok(NodeReply::Peers(context.peers.list())),
        NodeCommand::KnownPeers => Ok(NodeReply::Peers(context.peers.list_known())),
        NodeCommand::Dht => context.swarm.snapshot().await.map(|snapshot| NodeReply::Dht(snapshot.dht)),
        NodeCommand::Feed { limit } => Ok(NodeReply::Feed(context.bus.recent_feed(limit))),
        NodeCommand::Transfers => Ok(NodeReply::Transfers(context.transfers.list())),
        NodeCommand::Logs { limit } => Ok(NodeReply::Logs(core.logs.last(limit))),
        NodeCommand::Search(search) => service::search(context, search).await,
        NodeCommand::Detail { name, publisher } => service::detail(context, name, publisher).await,
        NodeCommand::Why { name, version, publisher } => service::why(context, name, version, publisher).await,
        NodeCommand::Contents { name, version, publisher } => {
            service::contents(context, name, version, publisher).await
        }
        NodeCommand::Pins => service::pins(context).await,
        NodeCommand::Pin { name, publisher } => service::pin(context, name, publisher).await,
        NodeCommand::Unpin { name } => service::unpin(context, name).await,
        NodeCommand::Inspect { path, allow } => service::inspect(context, path, allow).await,
        NodeCommand::Publish(publish) => service::publish(context, publish).await,
        NodeCommand::SetVersion { path, version } => service::publish::set_version(path, version).await,
        NodeCommand::Plan(install) => service::install::plan(context, install).await,
        NodeCommand::Install(install) => service::install::install(context, install).await,
        NodeCommand::Outdated => service::install::outdated(context).await,
        NodeCommand::Yank(yank) => service::yank(context, yank).await,
        NodeCommand::Keys => service::keys::list(context).await,
        NodeCommand::RotateKey => service::keys::rotate(context).await,
        NodeCommand::RevokeKey { key, reason } => service::keys::revoke(context, key, &reason).await,
        NodeCommand::Installed => service::installed(context).await,
        NodeCommand::Verify { name } => service::verify(context, name).await,
        NodeCommand::InstalledFiles { name } => service::installed_files(context, name).await,
        NodeCommand::Remove(removal) => service::remove(context, removal).await,
        NodeCommand::Connect { addr } => connect(core, &addr).await,
        NodeCommand::Disconnect { peer } => disconnect(core, peer.as_deref()).await,
        NodeCommand::Bootstrap { wait } => context.swarm.bootstrap(wait).await.map(|()| NodeReply::Done),
        NodeCommand::Ban { peer, reason, duration_s } => ban(core, &peer, &reason, duration_s),
        NodeCommand::Unban { peer } => Ok(NodeReply::Changed(context.peers.unban(parse_peer(&peer)?))),
        NodeCommand::Keep { peer } => keep(core, &peer),
        NodeCommand::Unkeep { peer } => Ok(NodeReply::Changed(context.peers.unkeep(parse_peer(&peer)?))),
        NodeCommand::Central { refresh } => service::central::answer(context, refresh).await,
        NodeCommand::Settings => Ok(NodeReply::Settings(Box::new(context.settings.as_ref().clone()))),
        NodeCommand::Transfer { id, wish } => context.transfers.wish(id, wish).map(NodeReply::Changed),
        NodeCommand::SetLimits { upload, download } => {
            upload.into_iter().for_each(|rate| context.services.upload_rate().set_rate(rate));
            download.into_iter().for_each(|rate| context.services.download_rate().set_rate(rate));
            Ok(NodeReply::Done)
        }
        NodeCommand::Lookup { what } => service::lookup(context, &what).await,
        NodeCommand::Stop => {
            core.stop.cancel();
            Ok(NodeReply::Done)
        }
    }
}

async fn connect(core: &Core, addr: &str) -> Result<NodeReply, NodeError> {
    let peer = core.context.swarm.dial(parse_dial(addr.trim())?).await?;
    Ok(NodeReply::Connected { peer_id: peer.to_string() })
}

async fn disconnect(core: &Core, peer: Option<&str>) -> Result<NodeReply, NodeError> {
    let swarm = &core.context.swarm;
    let changed = match peer {
        Some(peer) => swarm.disconnect(parse_peer(peer)?).await?,
        None => swarm.disconnect_all().await?,
    };
    Ok(NodeReply::Changed(changed))
}

fn ban(core: &Core, peer: &str, reason: &str, duration_s: Option<u64>) -> Result<NodeReply, NodeError> {
    let peer = not_self(core, peer)?;
    core.context.peers.ban(peer, reason, duration_s);
    Ok(NodeReply::Done)
}

fn keep(core: &Core, peer: &str) -> Result<NodeReply, NodeError> {
    let peer = not_self(core, peer)?;
    core.context.peers.keep(peer).map(NodeReply::Changed)
}

fn not_self(core: &Core, peer: &str) -> Result<PeerId, NodeError> {
    let peer = parse_peer(peer)?;
    if peer == core.context.swarm.local_peer() {
        return Err(
            NodeError::new(ErrorKind::Usage, format!("{peer} is this node itself")).hint("`peers` lists the others")
        );
    }
    Ok(peer)
}

fn parse_peer(text: &str) -> Result<PeerId, NodeError> {
    text.trim().parse().map_err(|_| {
        NodeError::new(ErrorKind::Usage, format!("\"{text}\" is no peer id"))
            .hint("it looks like 12D3KooW…; `peers` lists the connected ones")
    })
}

fn stopping() -> NodeError {
    NodeError::new(ErrorKind::NoNode, "the node is stopping").hint("start it again")
}
