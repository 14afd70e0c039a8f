//! What the simulated node answers, from what it knows.

use super::acts;
use super::world::Waiting;
use super::{Sim, making, peers, publishing, transfers, trust};
use crate::app::age::Now;
use crate::app::event::Tag;
use crate::market::install::Removal;
use crate::net::api::{Direction, InstallAnswer, InstallRequest, ReleaseInfo, RemoveAnswer, TransferInfo};
use crate::net::{ErrorKind, NodeCommand, NodeError, NodeEvent, NodeReply};

/// Milliseconds in which the node answers what it knows, the peers a search, and the network a connection or query.
const HERE_MS: u64 = 4;
const PEERS_MS: u64 = 260;
const NETWORK_MS: u64 = 700;

pub fn answer(sim: &mut Sim, tag: Tag, command: NodeCommand, now: Now) {
    let soon = now.plus(HERE_MS);
    let result = match command {
        NodeCommand::Search(request) => {
            let at = if request.remote { now.plus(PEERS_MS) } else { soon };
            let answer = super::packages::search(&sim.world, &request);
            return sim.reply(at, tag, Ok(NodeReply::Search(answer)));
        }
        NodeCommand::Install(request) => return install(sim, tag, &request, now),
        NodeCommand::Publish(request) => return publishing::publish(sim, tag, &request, now),
        NodeCommand::Connect { addr } => return connect(sim, tag, &addr, now),
        NodeCommand::Bootstrap { .. } => {
            acts::query(sim, now);
            return sim.reply(now.plus(NETWORK_MS), tag, Ok(NodeReply::Done));
        }
        NodeCommand::Disconnect { peer } => Ok(disconnect(sim, peer.as_deref(), now)),
        NodeCommand::Ban { peer, reason, duration_s } => {
            acts::ban(sim, &peer, &reason, duration_s.map(|s| now.secs().saturating_add(s)), now);
            Ok(NodeReply::Done)
        }
        NodeCommand::Unban { peer } => Ok(unban(sim, &peer, now)),
        NodeCommand::Remove(removal) => remove(sim, &removal, now),
        NodeCommand::Keep { peer } => keep(sim, &peer, true, now),
        NodeCommand::Unkeep { peer } => keep(sim, &peer, false, now),
        NodeCommand::Transfer { id, wish } => transfers::wish(sim, id, wish, now),
        NodeCommand::SetLimits { upload, download } => {
            let rates = &mut sim.world.rates;
            (rates.upload, rates.download) = (upload.unwrap_or(rates.upload), download.unwrap_or(rates.download));
            Ok(NodeReply::Done)
        }
        NodeCommand::SetVersion { version, .. } => {
            sim.world.version = Some(version);
            Ok(NodeReply::Done)
        }
        NodeCommand::Lookup { what } => {
            acts::query(sim, now);
            let answer = super::lookup::lookup(&sim.world, what.trim());
            return sim.reply(now.plus(NETWORK_MS), tag, answer.map(NodeReply::Lookup));
        }
        command => known(sim, &command, now),
    };
    sim.reply(soon, tag, result);
}

/// What is only looked up.
fn known(sim: &Sim, command: &NodeCommand, now: Now) -> Result<NodeReply, NodeError> {
    let world = &sim.world;
    let told = |all: bool| {
        let shown = world.peers.iter().filter(|peer| all || peer.connected || peer.banned || peer.kept);
        NodeReply::Peers(shown.map(|peer| peers::told(peer, now)).collect())
    };
    Ok(match command {
        NodeCommand::Status => NodeReply::Status(world.status(now)),
        NodeCommand::Peers => told(false),
        NodeCommand::KnownPeers => told(true),
        NodeCommand::Dht => NodeReply::Dht(world.dht()),
        NodeCommand::Feed { limit } => NodeReply::Feed(world.feed.iter().take(*limit).cloned().collect()),
        NodeCommand::Transfers => NodeReply::Transfers(world.transfers.iter().cloned().collect()),
        NodeCommand::Logs { limit } => {
            let skip = world.logs.len().saturating_sub(*limit);
            NodeReply::Logs(world.logs.iter().skip(skip).cloned().collect())
        }
        NodeCommand::Installed => NodeReply::Installed(world.installed.clone()),
        NodeCommand::Detail { name, publisher } => {
            NodeReply::Detail(super::packages::releases(world, name.as_str(), *publisher))
        }
        NodeCommand::Why { name, version, publisher } => {
            let found = super::packages::releases(world, name.as_str(), Some(*publisher));
            let release = found.iter().find(|one| one.version == *version).ok_or_else(|| unknown(name.as_str()))?;
            NodeReply::Why(trust::assess(world, release, now))
        }
        NodeCommand::Plan(request) => NodeReply::Plan(super::packages::plan(world, request)?),
        NodeCommand::Inspect { path, .. } => NodeReply::Inspect(publishing::inspect(world, path)),
        NodeCommand::Outdated => NodeReply::Outdated(super::packages::outdated(world)),
        NodeCommand::Pins => NodeReply::Pins(super::packages::pins(world)),
        NodeCommand::Verify { name } => NodeReply::Verified(super::packages::verified(world, name)?),
        NodeCommand::InstalledFiles { name } => NodeReply::Files(super::packages::files(world, name)),
        NodeCommand::Contents { name, version, publisher } => {
            NodeReply::Files(super::packages::contents(world, name, version, *publisher)?)
        }
        NodeCommand::Settings => NodeReply::Settings(Box::default()),
        NodeCommand::Central { .. } => NodeReply::Central(Vec::new()),
        _ => return Err(not_simulated()),
    })
}

pub fn not_simulated() -> NodeError {
    NodeError::new(ErrorKind::Failed, "the simulation does not do this").hint("start without --sim for a real node")
}

pub fn unknown(name: &str) -> NodeError {
    NodeError::new(ErrorKind::NotFound, format!("nobody in this simulation knows {name}"))
}

fn connect(sim: &mut Sim, tag: Tag, addr: &str, now: Now) {
    let at = now.plus(NETWORK_MS);
    if !["/ip4/", "/ip6/", "/dns"].iter().any(|start| addr.starts_with(start)) {
        let error = NodeError::new(ErrorKind::Usage, format!("`{addr}` is no address that can be dialled"));
        return sim.reply(at, tag, Err(error));
    }
    let mut peer = making::peer(&mut sim.world.random);
    peers::connect(&mut peer, &mut sim.world.random, at);
    "manual".clone_into(&mut peer.source);
    let (peer_id, info) = (peer.peer_id.clone(), peers::told(&peer, at));
    sim.world.peers.push(peer);
    sim.tell(at, NodeEvent::Peer(info));
    sim.reply(at, tag, Ok(NodeReply::Connected { peer_id }));
}

fn disconnect(sim: &mut Sim, who: Option<&str>, now: Now) -> NodeReply {
    let fits = |peer: &crate::net::api::PeerInfo| peer.connected && who.is_none_or(|id| id == peer.peer_id);
    let ids: Vec<_> = sim.world.peers.iter().filter(|peer| fits(peer)).map(|peer| peer.peer_id.clone()).collect();
    for id in &ids {
        if let Some(peer) = sim.world.peer_mut(id) {
            peers::disconnect(peer, now);
        }
        sim.tell(now, NodeEvent::PeerGone { peer_id: id.clone(), reason: "disconnected by hand".into() });
    }
    NodeReply::Changed(!ids.is_empty())
}

fn unban(sim: &mut Sim, id: &str, now: Now) -> NodeReply {
    let Some(peer) = sim.world.peer_mut(id) else { return NodeReply::Changed(false) };
    let changed = peers::unban(peer);
    let info = peers::told(peer, now);
    sim.tell(now, NodeEvent::Peer(info));
    NodeReply::Changed(changed)
}

fn keep(sim: &mut Sim, id: &str, kept: bool, now: Now) -> Result<NodeReply, NodeError> {
    let Some(peer) = sim.world.peer_mut(id) else {
        return Err(NodeError::new(ErrorKind::NotFound, format!("{id} is not known here")));
    };
    let changed = std::mem::replace(&mut peer.kept, kept) != kept;
    let info = peers::told(peer, now);
    sim.tell(now, NodeEvent::Peer(info));
    Ok(NodeReply::Changed(changed))
}

fn remove(sim: &mut Sim, removal: &Removal, now: Now) -> Result<NodeReply, NodeError> {
    if removal.name.is_none() {
        // Nothing came only because something else needed it.
        return Ok(NodeReply::Removed(RemoveAnswer::default()));
    }
    let before = sim.world.installed.len();
    sim.world.installed.retain(|one| removal.name.as_ref() != Some(&one.name));
    if sim.world.installed.len() == before {
        return Err(NodeError::new(ErrorKind::NotFound, "it is not installed"));
    }
    sim.tell(now, NodeEvent::InstalledChanged);
    Ok(NodeReply::Removed(RemoveAnswer { removed: removal.name.iter().cloned().collect(), unused: Vec::new() }))
}

/// Fetches what the plan needs, unless it is here; the answer comes with the last byte.
fn install(sim: &mut Sim, tag: Tag, request: &InstallRequest, now: Now) {
    let releases = match super::packages::chosen(&sim.world, request) {
        Ok(releases) => releases,
        Err(error) => return sim.reply(now.plus(HERE_MS), tag, Err(error)),
    };
    let Some(missing) = releases.iter().find(|one| !one.have_blob).cloned() else {
        return finish_install(sim, tag, &releases, &[], now.plus(HERE_MS));
    };
    match transfers::begin(sim, &missing, Direction::Inbound, now) {
        Some(transfer) => sim.world.waiting.push(Waiting { tag, transfer, releases }),
        None => {
            let error = NodeError::new(ErrorKind::Network, format!("nobody who is connected has {}", missing.name));
            sim.reply(now.plus(NETWORK_MS), tag, Err(error));
        }
    }
}

/// A download has ended: what waited for it is installed.
pub fn downloaded(sim: &mut Sim, transfer: &TransferInfo, now: Now) {
    let Some(index) = sim.world.waiting.iter().position(|one| one.transfer == transfer.id) else { return };
    let Waiting { tag, releases, .. } = sim.world.waiting.remove(index);
    let providers: Vec<_> = transfer.lanes.iter().map(|lane| lane.peer.clone()).collect();
    finish_install(sim, tag, &releases, &providers, now.plus(60));
}

/// A download was ended by hand: what waited for it hears of it.
pub fn not_downloaded(sim: &mut Sim, transfer: &TransferInfo, now: Now) {
    let Some(index) = sim.world.waiting.iter().position(|one| one.transfer == transfer.id) else { return };
    let waiting = sim.world.waiting.remove(index);
    let error = NodeError::new(ErrorKind::Failed, format!("{}: {}", transfer.name, transfer.note));
    sim.reply(now.plus(HERE_MS), waiting.tag, Err(error));
}

fn finish_install(sim: &mut Sim, tag: Tag, releases: &[ReleaseInfo], providers: &[String], at: Now) {
    let mut answer = InstallAnswer::default();
    for release in releases {
        answer.installed.push(super::packages::installed(&sim.world, release, providers));
        sim.world.install(release, at.secs());
    }
    sim.tell(at, NodeEvent::InstalledChanged);
    sim.reply(at, tag, Ok(NodeReply::Install(answer)));
}
