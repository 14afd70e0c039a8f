//! Bans: of peers, and of networks from which many peers were banned.

use std::collections::HashMap;
use std::net::IpAddr;

use libp2p::PeerId;

use crate::market::SafeText;
use crate::market::when::span;

use super::conduct::Outcome;
use super::entry::{Ban, Entry};
use super::table::{Order, Table};

/// Longest reason of a ban, in terminal cells.
const MAX_REASON: usize = 200;

/// Each ban of a peer within [`MEMORY`](super::conduct::MEMORY) after the last one lasts so many times longer.
const LONGER: u64 = 4;

/// Seconds that a ban of this node's own making lasts at most, unless `security.ban_duration` is more.
const LONGEST: u64 = 30 * 24 * 3600;

/// Banned peers of one network that are borne; with one more, nobody is let in from there while their bans last. Many share
/// an address behind a NAT, so few are no reason.
const BORNE: usize = 5;

/// The settings that decide on bans and trust.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Soft failures, less the successes since, that lead to a ban; 0: they never do.
    pub ban_threshold: u32,
    /// Seconds of a first ban; 0: until unbanned by hand.
    pub ban_duration: u64,
    /// Below this estimate a peer is chosen only where there is no other.
    pub min_reputation: f64,
}

impl Rules {
    /// Seconds of a ban after so many others.
    fn duration(self, bans: u32) -> Option<u64> {
        let longer = self.ban_duration.saturating_mul(LONGER.saturating_pow(bans));
        (self.ban_duration > 0).then(|| longer.min(LONGEST.max(self.ban_duration)))
    }
}

impl Table {
    /// Whether it led to a ban.
    pub fn judge(&mut self, peer: PeerId, outcome: &Outcome, rules: Rules, now: u64) -> bool {
        let entry = self.entry(peer, now);
        // What was still on its way when it was banned makes the ban no longer.
        let ban = entry.conduct.judge(outcome, rules.ban_threshold, now).filter(|_| !entry.is_banned(now));
        let banned = ban.is_some();
        if let Some(reason) = ban {
            let before = entry.conduct.bans(now);
            let duration = rules.duration(before);
            let until = duration.map(|seconds| now.saturating_add(seconds));
            entry.conduct.count_ban(until, now);
            self.ban(peer, &reason, until, now);
        }
        self.changed(peer);
        self.unsaved.insert(peer);
        banned
    }

    /// `until` in Unix seconds. A standing ban is never shortened by another.
    pub fn ban(&mut self, peer: PeerId, reason: &str, until: Option<u64>, now: u64) {
        let entry = self.entry(peer, now);
        let forever = u64::MAX;
        if let Some(standing) = entry.ban.as_ref().filter(|_| entry.is_banned(now))
            && standing.until.unwrap_or(forever) > until.unwrap_or(forever)
        {
            return;
        }
        entry.ban = Some(Ban { until, reason: SafeText::capped(reason, MAX_REASON) });
        entry.conduct.strikes = 0;
        entry.conduct.banned_at = now;
        let time = until.map_or("until lifted".to_owned(), |until| format!("for {}", span(until.saturating_sub(now))));
        entry.conduct.history.note(&format!("banned {time}: {reason}"), now);
        self.orders.push(Order::Block(peer));
        self.changed(peer);
        self.unsaved.insert(peer);
        self.settle_networks(now);
    }

    /// `false`: it was not banned.
    pub fn unban(&mut self, peer: PeerId, why: &str, now: u64) -> bool {
        let Some(entry) = self.entries.get_mut(&peer).filter(|entry| entry.ban.is_some()) else { return false };
        entry.ban = None;
        entry.conduct.history.note(why, now);
        self.orders.push(Order::Unblock(peer));
        self.changed(peer);
        self.unsaved.insert(peer);
        self.settle_networks(now);
        true
    }

    /// Ends the bans whose time is over.
    pub fn expire_bans(&mut self, now: u64) {
        let is_over = |entry: &Entry| entry.ban.is_some() && !entry.is_banned(now);
        let over: Vec<PeerId> =
            self.entries.iter().filter(|(_, entry)| is_over(entry)).map(|(peer, _)| *peer).collect();
        for peer in over {
            self.unban(peer, "ban is over", now);
        }
    }

    /// Has the networks blocked from which more peers were banned than are borne, and the others let in.
    pub fn settle_networks(&mut self, now: u64) {
        let mut banned: HashMap<IpAddr, usize> = HashMap::new();
        for entry in self.entries.values().filter(|entry| entry.is_banned(now)) {
            if let Some(network) = entry.network {
                *banned.entry(network).or_default() += 1;
            }
        }
        banned.retain(|_, peers| *peers > BORNE);
        let over: Vec<IpAddr> = self.blocked.iter().filter(|known| !banned.contains_key(known)).copied().collect();
        for network in over {
            self.blocked.remove(&network);
            self.orders.push(Order::UnblockNetwork(network));
        }
        for (network, peers) in banned {
            if self.blocked.insert(network) {
                tracing::warn!(%network, "nobody is let in from there: {peers} peers of it are banned");
                self.orders.push(Order::BlockNetwork(network));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ban_is_longer_than_the_one_before_up_to_a_month() {
        let rules = Rules { ban_threshold: 3, ban_duration: 3600, min_reputation: 0.7 };
        let hours: Vec<u64> = (0..7).filter_map(|bans| rules.duration(bans)).map(|seconds| seconds / 3600).collect();
        assert_eq!(hours, [1, 4, 16, 64, 256, 720, 720]);
        assert_eq!(rules.duration(u32::MAX), Some(LONGEST));
        assert_eq!(Rules { ban_duration: 0, ..rules }.duration(1), None);
        assert_eq!(Rules { ban_duration: 2 * LONGEST, ..rules }.duration(3), Some(2 * LONGEST));
    }
}
