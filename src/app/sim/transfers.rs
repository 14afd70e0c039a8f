//! Simulated downloads and uploads: how they go, and what a person wants of them.

use super::acts::{Act, LEAF};
use super::{Sim, answers, peers};
use crate::app::age::Now;
use crate::market::SafeText;
use crate::net::api::{
    Direction, LaneInfo, LaneState, RateLimits, ReleaseInfo, TransferInfo, TransferState, TransferWish,
};
use crate::net::{ErrorKind, NodeError, NodeEvent, NodeReply};

/// Between two words about a running transfer, milliseconds.
const PROGRESS_MS: u64 = 250;

/// Begins a transfer; its number. None while nobody is connected.
pub fn begin(sim: &mut Sim, release: &ReleaseInfo, direction: Direction, at: Now) -> Option<u64> {
    let world = &mut sim.world;
    let peer = world.connected_id()?;
    let lane = |peer: String, rate| LaneInfo {
        peer,
        state: LaneState::Running,
        bytes: 0,
        leaves: 0,
        rate: Some(rate),
        why: SafeText::default(),
    };
    let mut lanes = Vec::new();
    if direction == Direction::Inbound {
        for _ in 0..world.random.range(1, 4) {
            let rate = world.random.range(200_000, 2_600_000);
            let from = world.connected_id().filter(|id| lanes.iter().all(|lane: &LaneInfo| lane.peer != *id));
            lanes.extend(from.map(|id| lane(id, rate)));
        }
    }
    let id = world.next_id();
    let transfer = TransferInfo {
        id,
        direction,
        name: SafeText::new(&format!("{} {}", release.name, release.version)),
        package_id: release.package_id,
        peer: lanes.first().map(|lane| lane.peer.clone()).or(Some(peer)),
        bytes_done: 0,
        bytes_total: release.size,
        leaves_done: 0,
        leaves_total: release.size.div_ceil(LEAF),
        leaves_resumed: 0,
        map: Vec::new(),
        can_wait: direction == Direction::Inbound,
        lanes,
        state: TransferState::Running,
        note: SafeText::default(),
        started_at: at.secs(),
        elapsed_ms: 0,
    };
    world.put_transfer(transfer.clone());
    sim.tell(at, NodeEvent::Transfer(transfer));
    sim.plan(at.plus(PROGRESS_MS), Act::Progress(id));
    Some(id)
}

/// A piece of it moves, as far as it goes on.
pub fn progress(sim: &mut Sim, id: u64, at: Now) {
    let Some(mut transfer) = sim.world.transfers.iter().find(|one| one.id == id).cloned() else { return };
    match transfer.state {
        TransferState::Done | TransferState::Failed => return,
        TransferState::Paused => return sim.plan(at.plus(PROGRESS_MS), Act::Progress(id)),
        _ => {}
    }
    transfer.elapsed_ms += PROGRESS_MS;
    let before = transfer.bytes_done;
    let share = share(sim, transfer.direction);
    if transfer.lanes.is_empty() {
        transfer.bytes_done += sim.world.random.range(60_000, 400_000).min(share);
    }
    let lanes = transfer.lanes.len().max(1) as u64;
    for lane in &mut transfer.lanes {
        let part = lane.rate.unwrap_or(0) * PROGRESS_MS / 1_000 * sim.world.random.range(70, 130) / 100;
        let part = part.min(share / lanes);
        lane.bytes += part;
        lane.leaves = lane.bytes / LEAF;
        transfer.bytes_done += part;
    }
    transfer.bytes_done = transfer.bytes_done.min(transfer.bytes_total);
    transfer.leaves_done = transfer.bytes_done / LEAF;
    let moved = transfer.bytes_done - before;
    match transfer.direction {
        Direction::Inbound => sim.world.traffic.bytes_in += moved,
        Direction::Outbound => sim.world.traffic.bytes_out += moved,
    }
    let done = transfer.bytes_done == transfer.bytes_total;
    if done {
        transfer.leaves_done = transfer.leaves_total;
        transfer.state = TransferState::Done;
        for lane in &mut transfer.lanes {
            (lane.state, lane.rate) = (LaneState::Done, None);
        }
    }
    sim.world.put_transfer(transfer.clone());
    sim.tell(at, NodeEvent::Transfer(transfer.clone()));
    if done { ended(sim, &transfer, at) } else { sim.plan(at.plus(PROGRESS_MS), Act::Progress(id)) }
}

/// All bytes are here or there: who gave them did well, and what waited for them goes on.
fn ended(sim: &mut Sim, transfer: &TransferInfo, at: Now) {
    let what = if transfer.direction == Direction::Inbound { "download" } else { "upload" };
    let given = transfer.lanes.iter().map(|lane| (lane.peer.clone(), lane.bytes));
    let dealt: Vec<_> =
        given.chain(transfer.peer.clone().filter(|_| transfer.lanes.is_empty()).map(|id| (id, 0))).collect();
    for (id, bytes) in dealt {
        let Some(peer) = sim.world.peer_mut(&id) else { continue };
        peer.bytes_in += bytes;
        peers::deed(peer, true, what, at);
        let info = peers::told(peer, at);
        sim.tell(at, NodeEvent::Peer(info));
    }
    if transfer.direction == Direction::Inbound {
        for release in sim.world.releases.iter_mut().filter(|one| one.package_id == transfer.package_id) {
            release.have_blob = true;
        }
        answers::downloaded(sim, transfer, at);
    }
}

/// Bytes that the limit leaves to each of the running transfers of a direction until the next word.
fn share(sim: &Sim, direction: Direction) -> u64 {
    let RateLimits { upload, download } = sim.world.rates;
    let limit = if direction == Direction::Inbound { download } else { upload };
    let runs = |one: &&TransferInfo| one.direction == direction && one.state == TransferState::Running;
    let running = sim.world.transfers.iter().filter(runs).count().max(1) as u64;
    if limit == 0 { u64::MAX } else { limit * PROGRESS_MS / 1_000 / running }
}

/// Has a transfer wait, go on or end, as the node does.
pub fn wish(sim: &mut Sim, id: u64, wish: TransferWish, now: Now) -> Result<NodeReply, NodeError> {
    let found = sim.world.transfers.iter().find(|one| one.id == id).cloned();
    let missing = || NodeError::new(ErrorKind::NotFound, format!("there is no transfer {id}"));
    let mut transfer = found.ok_or_else(missing)?;
    let before = transfer.state;
    match wish {
        _ if matches!(before, TransferState::Done | TransferState::Failed) => {}
        TransferWish::Pause if !transfer.can_wait => {
            return Err(NodeError::new(ErrorKind::Usage, "an upload cannot be paused: the other side would give up"));
        }
        TransferWish::Pause => transfer.state = TransferState::Paused,
        TransferWish::Resume => transfer.state = TransferState::Running,
        TransferWish::Cancel { keep } => {
            transfer.state = TransferState::Failed;
            transfer.note = SafeText::new(match (transfer.direction, keep) {
                (Direction::Outbound, _) => "ended by hand",
                (Direction::Inbound, true) => "cancelled; what has come is kept",
                (Direction::Inbound, false) => "cancelled; nothing of it is kept",
            });
            answers::not_downloaded(sim, &transfer, now);
        }
    }
    let changed = transfer.state != before;
    if changed {
        sim.world.put_transfer(transfer.clone());
        sim.tell(now, NodeEvent::Transfer(transfer));
    }
    Ok(NodeReply::Changed(changed))
}
