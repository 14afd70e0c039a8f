//! What the node tells.

use super::{ask, installed, publish, search};
use crate::app::effect::Effect;
use crate::app::event::Tag;
use crate::app::state::{State, Tab, ToastKind, is_by_hand};
use crate::net::NodeEvent;
use crate::net::api::{Direction, NoticeLevel, Status, TransferInfo, TransferState};

/// From an announcement to asking for the list of what is known, milliseconds.
const BROWSE_DELAY_MS: u64 = 500;

/// What is shown from the announced end to the real one.
pub const STOPPING: &str = "the node is shutting down";

/// Rows of the list on screen if it is `tab`'s; of one that is not on screen nothing needs to be in view.
fn rows(state: &State, tab: Tab) -> usize {
    if state.tab == tab { state.list_rows } else { 1 }
}

/// While the screen stands still, what would move on it is only counted; once it goes on, all of it is asked for.
fn is_held_back(state: &mut State, event: &NodeEvent) -> bool {
    let Some(frozen) = &mut state.frozen else { return false };
    frozen.events = frozen.events.saturating_add(1);
    if let NodeEvent::Lagged { dropped } = event {
        state.lost = state.lost.saturating_add(*dropped);
    }
    !matches!(event, NodeEvent::Publish { .. } | NodeEvent::Notice { .. } | NodeEvent::Stopping)
}

pub fn event(state: &mut State, event: NodeEvent) -> Vec<Effect> {
    if is_held_back(state, &event) {
        return Vec::new();
    }
    let now = state.now;
    match event {
        NodeEvent::Status(status) => set_status(state, status),
        NodeEvent::Peer(peer) => {
            let rows = rows(state, Tab::Peers);
            let was_banned = state.peers.rows().iter().any(|row| row.info.peer_id == peer.peer_id && row.info.banned);
            if peer.banned && !was_banned {
                let why = peer.ban_reason.as_deref().unwrap_or("no reason given");
                state.toast(ToastKind::Warning, format!("banned {}: {why}", short(&peer.peer_id)), None);
            }
            state.peers.put(peer, now, rows);
        }
        NodeEvent::PeerGone { peer_id, .. } => {
            let rows = rows(state, Tab::Peers);
            state.peers.gone(&peer_id, rows);
        }
        NodeEvent::Dht(info) => {
            let rows = rows(state, Tab::Dht);
            state.dht.set(info, rows);
        }
        NodeEvent::Feed(item) => {
            let rows = rows(state, Tab::Feed);
            let is_installed = state.installed.get(&item.name).is_some();
            state.feed.arrivals.count(now);
            state.feed.push(item, rows);
            search::browse(state, BROWSE_DELAY_MS);
            if is_installed {
                // Something newer, or the installed version is withdrawn: that stands with the installed ones.
                return installed::heard_of();
            }
        }
        NodeEvent::Heard(counts) => state.feed.heard(&counts),
        NodeEvent::Transfer(info) => transfer(state, info),
        NodeEvent::Publish { job, stage, seen_by } => publish::progressed(state, job, stage, seen_by),
        NodeEvent::InstalledChanged => {
            return installed::changed();
        }
        NodeEvent::Log(line) => {
            let rows = rows(state, Tab::Logs);
            state.logs.push(line, rows);
        }
        NodeEvent::Notice { level, text } => state.toast(toast_kind(level), text.to_string(), None),
        NodeEvent::Lagged { dropped } => {
            state.lost = state.lost.saturating_add(dropped);
            return ask::everything();
        }
        NodeEvent::Stopping => state.toast(ToastKind::Warning, STOPPING, None),
    }
    Vec::new()
}

/// How a notice looks.
pub fn toast_kind(level: NoticeLevel) -> ToastKind {
    match level {
        NoticeLevel::Info => ToastKind::Info,
        NoticeLevel::Warning => ToastKind::Warning,
        NoticeLevel::Error => ToastKind::Error,
    }
}

pub fn set_status(state: &mut State, status: Status) {
    state.traffic.record(status.traffic, state.now);
    state.status_at = state.now.secs();
    state.status = Some(status);
}

fn transfer(state: &mut State, info: TransferInfo) {
    let before = state.transfers.rows().iter().find(|row| row.info.id == info.id).map(|row| row.info.state);
    let failed = info.state == TransferState::Failed && before != Some(TransferState::Failed);
    // What was asked for here is answered to here; an upload that ends early is the other side's matter.
    let asked = state.pending.iter().any(|pending| matches!(pending.tag, Tag::Install { .. }));
    if failed && info.direction == Direction::Inbound && !asked && !state.says(&info.note) {
        let about = format!("{}: ", info.name);
        let why = info.note.strip_prefix(about.as_str()).unwrap_or(&info.note);
        let kind = if is_by_hand(&info.name, &info.note) { ToastKind::Info } else { ToastKind::Error };
        state.toast(kind, format!("{about}{why}"), None);
    }
    let rows = rows(state, Tab::Transfers);
    state.transfers.put(info, state.now, rows);
}

/// The end of a peer id, which differs from peer to peer.
pub fn short(peer_id: &str) -> String {
    let count = peer_id.chars().count();
    peer_id.chars().skip(count.saturating_sub(8)).collect()
}
