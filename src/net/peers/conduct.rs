//! What dealings with a peer do to its standing, and bans.

use libp2p::PeerId;

use crate::market::SafeText;

use super::entry::Ban;
use super::table::{Order, Table};

/// Longest reason of a ban, in terminal cells.
const MAX_REASON: usize = 200;

/// What a dealing with a peer led to.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A verified download, a finished sync, an answered search.
    Success(&'static str),
    /// It went away in the middle, or was slow. Lowers its rank, never bans.
    Broken(String),
    /// Could be bad luck: time-out, refused, stalled. Counts towards `ban_threshold`.
    SoftFailure(String),
    /// Provably wrong, e.g. a leaf that does not match its signed hash: banned at once.
    Lie(String),
}

/// The settings that decide on bans.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Soft failures, less the successes since, that lead to a ban; 0: they never do.
    pub ban_threshold: u32,
    /// Seconds; 0: until unbanned by hand.
    pub ban_duration: u64,
}

impl Table {
    /// Whether it led to a ban.
    pub fn judge(&mut self, peer: PeerId, outcome: Outcome, rules: Rules, now: u64) -> bool {
        let entry = self.entry(peer);
        let ban = match outcome {
            Outcome::Success(what) => {
                entry.successes = entry.successes.saturating_add(1);
                entry.strikes = entry.strikes.saturating_sub(1);
                entry.note(&format!("+ {what}"));
                None
            }
            Outcome::Broken(why) => {
                entry.failures = entry.failures.saturating_add(1);
                entry.note(&format!("- {why}"));
                None
            }
            Outcome::SoftFailure(why) => {
                entry.failures = entry.failures.saturating_add(1);
                entry.strikes = entry.strikes.saturating_add(1);
                entry.note(&format!("- {why}"));
                let struck_out = rules.ban_threshold > 0 && entry.strikes >= rules.ban_threshold;
                struck_out.then(|| format!("{} failures, the last: {why}", entry.strikes))
            }
            Outcome::Lie(why) => {
                entry.failures = entry.failures.saturating_add(1);
                entry.note(&format!("- lied: {why}"));
                Some(why)
            }
        };
        let banned = ban.is_some();
        if let Some(reason) = ban {
            let until = (rules.ban_duration > 0).then(|| now.saturating_add(rules.ban_duration));
            self.ban(peer, &reason, until, now);
        }
        self.changed(peer);
        self.unsaved.insert(peer);
        banned
    }

    /// `until` in Unix seconds. A standing ban is never shortened by another.
    pub fn ban(&mut self, peer: PeerId, reason: &str, until: Option<u64>, now: u64) {
        let entry = self.entry(peer);
        let forever = u64::MAX;
        if let Some(standing) = entry.ban.as_ref().filter(|_| entry.is_banned(now))
            && standing.until.unwrap_or(forever) > until.unwrap_or(forever)
        {
            return;
        }
        entry.ban = Some(Ban { until, reason: SafeText::capped(reason, MAX_REASON) });
        entry.strikes = 0;
        entry.note(&format!("banned: {reason}"));
        self.orders.push(Order::Block(peer));
        self.changed(peer);
        self.unsaved.insert(peer);
    }

    /// `false`: it was not banned.
    pub fn unban(&mut self, peer: PeerId, why: &str) -> bool {
        let Some(entry) = self.entries.get_mut(&peer).filter(|entry| entry.ban.is_some()) else { return false };
        entry.ban = None;
        entry.note(why);
        self.orders.push(Order::Unblock(peer));
        self.changed(peer);
        self.unsaved.insert(peer);
        true
    }

    /// Ends the bans whose time is over.
    pub fn expire_bans(&mut self, now: u64) {
        let over: Vec<PeerId> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.ban.is_some() && !entry.is_banned(now))
            .map(|(peer, _)| *peer)
            .collect();
        for peer in over {
            self.unban(peer, "ban is over");
        }
    }
}
