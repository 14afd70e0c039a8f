//! How dealings with one peer went: counts for people, evidence for decisions.

use std::time::Duration;

use crate::market::store::{PeerConduct, PeerFailures};
use crate::market::when::span;

use super::estimate::{Evidence, NEUTRAL};
use super::history::{Average, History};

/// Dealings, by weight, before `security.min_peer_reputation` says anything of a peer.
pub const ENOUGH: f64 = 20.0;

/// Seconds for which a lie and a ban are remembered: a liar comes after every other peer until then, and the next ban is longer.
pub const MEMORY: u64 = 30 * 24 * 3600;

/// What a failure weighs against a dealing that went well: links break by themselves, and a peer may have removed what others
/// still say that it has; a lie is no accident.
const BROKEN: f64 = 0.5;
const REFUSED: f64 = 0.25;
const FAILED: f64 = 1.0;
const LIE: f64 = 8.0;

/// What a dealing with a peer led to.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A verified download, a finished sync, an answered search.
    Success(&'static str),
    /// It went away in the middle, or was slow. Lowers its rank, never bans.
    Broken(String),
    /// It said nothing for too long. Counts towards `ban_threshold`.
    Stalled(String),
    /// It did not give what it says that it has. Lowers its rank a little, never bans.
    Refused(String),
    /// It broke the protocol or a rate, which could be another version or bad luck. Counts towards `ban_threshold`.
    SoftFailure(String),
    /// Provably wrong, e.g. a leaf that does not match its signed hash: banned at once.
    Lie(String),
}

/// What is remembered of dealings with a peer.
#[derive(Clone, Debug, Default)]
pub struct Conduct {
    pub successes: u64,
    pub failures: u64,
    pub failed: PeerFailures,
    evidence: Evidence,
    /// Failures that count towards a ban and that no success has made good since.
    pub strikes: u32,
    /// Unix seconds; 0: never.
    lied_at: u64,
    /// Bans that this node made by itself, and until when they count.
    bans: u32,
    bans_count_until: u64,
    /// When the last ban began.
    pub banned_at: u64,
    /// Round trip in milliseconds, and bytes a second of downloads from it.
    pub latency: Average,
    pub throughput: Average,
    pub history: History,
}

impl Conduct {
    /// successes / (successes + failures), which is what people are shown; 0.5 without any.
    pub fn reputation(&self) -> f64 {
        match self.dealings() {
            0 => 0.5,
            all => self.successes as f64 / all as f64,
        }
    }

    pub fn dealings(&self) -> u64 {
        self.successes.saturating_add(self.failures)
    }

    /// How far it can be relied on, for decisions; 0 to 1, [`NEUTRAL`] for who is new. A liar is below whoever is new.
    pub fn estimate(&self, now: u64) -> f64 {
        let estimate = self.evidence.faded(now).estimate();
        if self.has_lied(now) { estimate * NEUTRAL / 2.0 } else { estimate }
    }

    /// Why it is chosen only where there is no other; `least` is `security.min_peer_reputation`.
    pub fn distrust(&self, least: f64, now: u64) -> Option<String> {
        if self.has_lied(now) {
            return Some(format!("it lied {} ago", span(now - self.lied_at)));
        }
        let evidence = self.evidence.faded(now);
        let estimate = evidence.estimate();
        (evidence.amount() >= ENOUGH && estimate < least).then(|| {
            format!(
                "by its last {:.0} dealings it may be good for {estimate:.2} of them, and security.min_peer_reputation is {least}",
                evidence.amount()
            )
        })
    }

    /// What gossipsub adds to its score of the peer: up to 10 for who can be relied on, 0 for who is new. Below 0 it is not asked to
    /// pass announcements on, below -10 (who lied) nothing is told to it either.
    pub fn opinion(&self, least: f64, now: u64) -> f64 {
        match self.distrust(least, now) {
            Some(_) if self.has_lied(now) => -20.0,
            Some(_) => -5.0,
            None => 10.0 * ((self.estimate(now) - NEUTRAL) / (1.0 - NEUTRAL)).max(0.0),
        }
    }

    fn has_lied(&self, now: u64) -> bool {
        self.lied_at > 0 && now < self.lied_at.saturating_add(MEMORY)
    }

    /// Takes an outcome in. Why it is to be banned for that, if it is.
    pub fn judge(&mut self, outcome: &Outcome, ban_threshold: u32, now: u64) -> Option<String> {
        match outcome {
            Outcome::Success(what) => {
                self.successes = self.successes.saturating_add(1);
                self.evidence = self.evidence.and_good(1.0, now);
                self.strikes = self.strikes.saturating_sub(1);
                self.history.note(&format!("+ {what}"), now);
                None
            }
            Outcome::Broken(why) => self.fail(why, BROKEN, now, |failed| &mut failed.broken),
            Outcome::Refused(why) => self.fail(why, REFUSED, now, |failed| &mut failed.refused),
            Outcome::Stalled(why) => {
                self.fail(why, FAILED, now, |failed| &mut failed.stalled);
                self.strike(why, ban_threshold)
            }
            Outcome::SoftFailure(why) => {
                self.fail(why, FAILED, now, |failed| &mut failed.misbehaved);
                self.strike(why, ban_threshold)
            }
            Outcome::Lie(why) => {
                self.lied_at = now;
                self.fail(&format!("lied: {why}"), LIE, now, |failed| &mut failed.lies);
                Some(why.clone())
            }
        }
    }

    fn fail(&mut self, why: &str, weight: f64, now: u64, kind: fn(&mut PeerFailures) -> &mut u64) -> Option<String> {
        self.failures = self.failures.saturating_add(1);
        let count = kind(&mut self.failed);
        *count = count.saturating_add(1);
        self.evidence = self.evidence.and_bad(weight, now);
        self.history.note(&format!("- {why}"), now);
        None
    }

    fn strike(&mut self, why: &str, ban_threshold: u32) -> Option<String> {
        self.strikes = self.strikes.saturating_add(1);
        let struck_out = ban_threshold > 0 && self.strikes >= ban_threshold;
        struck_out.then(|| format!("{} failures, the last: {why}", self.strikes))
    }

    /// Bans that still make the next one longer.
    pub fn bans(&self, now: u64) -> u32 {
        if now < self.bans_count_until { self.bans } else { 0 }
    }

    /// Counts a ban that this node makes by itself until `until`.
    pub fn count_ban(&mut self, until: Option<u64>, now: u64) {
        self.bans = self.bans(now).saturating_add(1);
        self.bans_count_until = until.unwrap_or(now).saturating_add(MEMORY);
    }

    pub fn on_ping(&mut self, rtt: Duration) {
        self.latency.add(rtt.as_secs_f64() * 1e3);
    }

    pub fn to_kept(&self) -> PeerConduct {
        let (good, bad, weighed_at) = self.evidence.parts();
        PeerConduct {
            failed: self.failed,
            good,
            bad,
            weighed_at,
            strikes: self.strikes,
            lied_at: self.lied_at,
            bans: self.bans,
            bans_count_until: self.bans_count_until,
            banned_at: self.banned_at,
            latency_ms: self.latency.get(),
            throughput: self.throughput.get(),
            network: None,
            kept: false,
            history: self.history.to_vec(),
            away: None,
        }
    }

    /// As it was kept, with counts; `last_seen` dates those that were never weighed. Times to come are `now`.
    pub fn from_kept(kept: PeerConduct, successes: u64, failures: u64, last_seen: u64, now: u64) -> Self {
        let (good, bad, at) = match kept.weighed_at {
            0 => (successes as f64, failures as f64, last_seen),
            at => (kept.good, kept.bad, at),
        };
        Self {
            successes,
            failures,
            failed: kept.failed,
            evidence: Evidence::new(good, bad, at.min(now)),
            strikes: kept.strikes,
            lied_at: kept.lied_at.min(now),
            bans: kept.bans,
            bans_count_until: kept.bans_count_until,
            banned_at: kept.banned_at,
            latency: Average::new(kept.latency_ms),
            throughput: Average::new(kept.throughput),
            history: History::new(kept.history),
        }
    }
}
