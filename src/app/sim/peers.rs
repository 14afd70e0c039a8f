//! How simulated peers come, behave and go.

use super::random::Random;
use crate::app::age::Now;
use crate::market::SafeText;
use crate::net::api::{Direction, PeerEvent, PeerInfo};

/// Deeds kept of each.
const MAX_HISTORY: usize = 16;

pub fn connect(peer: &mut PeerInfo, random: &mut Random, now: Now) {
    peer.connected = true;
    peer.direction = Some(if peer.source == "inbound" { Direction::Inbound } else { Direction::Outbound });
    peer.latency_ms = Some(random.range(8, 2_400) as f64 / 10.0);
    peer.last_seen = now.secs();
}

/// As the node tells of it: while it is connected, `last_seen` is when it came.
pub fn told(peer: &PeerInfo, now: Now) -> PeerInfo {
    let connected_s = peer.connected.then(|| now.since(peer.last_seen));
    let last_seen = if peer.connected { now.secs() } else { peer.last_seen };
    PeerInfo { connected_s, last_seen, ..peer.clone() }
}

pub fn disconnect(peer: &mut PeerInfo, now: Now) {
    peer.connected = false;
    (peer.direction, peer.latency_ms, peer.connected_s) = (None, None, None);
    peer.last_seen = now.secs();
}

/// Good or bad, and remembered.
pub fn deed(peer: &mut PeerInfo, good: bool, text: &str, now: Now) {
    if good {
        peer.successes += 1
    } else {
        peer.failures += 1
    }
    let text = SafeText::new(&format!("{} {text}", if good { '+' } else { '-' }));
    match peer.history.first_mut() {
        Some(last) if last.text == text => (last.at, last.times) = (now.secs(), last.times.saturating_add(1)),
        _ => peer.history.insert(0, PeerEvent { at: now.secs(), times: 1, text }),
    }
    peer.history.truncate(MAX_HISTORY);
    judge(peer);
}

/// Its rates, from its deeds.
pub fn judge(peer: &mut PeerInfo) {
    peer.evidence = peer.successes + peer.failures;
    let (good, all) = (peer.successes as f64, peer.evidence as f64);
    peer.reputation = if peer.evidence == 0 { 0.5 } else { good / all };
    peer.estimate = (good + 0.2) / (all + 2.0);
}

pub fn ban(peer: &mut PeerInfo, why: &str, until: Option<u64>, now: Now) {
    disconnect(peer, now);
    peer.banned = true;
    peer.bans += 1;
    peer.ban_reason = Some(SafeText::new(why));
    (peer.banned_at, peer.banned_until) = (Some(now.secs()), until);
}

pub fn unban(peer: &mut PeerInfo) -> bool {
    (peer.ban_reason, peer.banned_at, peer.banned_until) = (None, None, None);
    std::mem::take(&mut peer.banned)
}
