//! One peer: what is known of it, and how that is shown and stored.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};

use crate::market::SafeText;
use crate::market::store::PeerRecord;

use super::super::api::{Direction, PeerInfo};

/// Addresses kept of one peer, newest first.
pub const MAX_ADDRS: usize = 8;

/// Events kept of one peer, newest first.
const MAX_HISTORY: usize = 8;

/// Longest agent string and reason, in terminal cells.
const MAX_TEXT: usize = 120;

/// `PeerRecord::banned_until` of a ban that only a person ends.
const FOREVER: u64 = u64::MAX;

/// How we came to know a peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PeerSource {
    Bootstrap,
    Mdns,
    Remembered,
    Dht,
    #[default]
    Inbound,
    Manual,
}

impl PeerSource {
    fn as_str(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Mdns => "mdns",
            Self::Remembered => "remembered",
            Self::Dht => "dht",
            Self::Inbound => "inbound",
            Self::Manual => "manual",
        }
    }
}

/// A ban; `until` in Unix seconds, none: until unbanned by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Ban {
    pub until: Option<u64>,
    pub reason: SafeText,
}

/// A standing connection.
#[derive(Clone, Debug)]
pub struct Connection {
    pub id: ConnectionId,
    pub direction: Direction,
    pub since: Instant,
}

#[derive(Clone, Debug, Default)]
pub struct Entry {
    pub addrs: Vec<Multiaddr>,
    pub agent: SafeText,
    pub successes: u64,
    pub failures: u64,
    /// Soft failures that no success has made good since.
    pub strikes: u32,
    /// Unix seconds.
    pub last_seen: u64,
    pub ban: Option<Ban>,
    /// Oldest first.
    pub connections: Vec<Connection>,
    pub latency: Option<Duration>,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub source: PeerSource,
    pub history: VecDeque<SafeText>,
    /// Whether identify said that it speaks our catalogue sync.
    pub speaks_sync: bool,
    /// When this node may dial it by itself again, and how often that failed in a row.
    pub next_dial: Option<Instant>,
    pub failed_dials: u32,
}

impl Entry {
    pub fn is_connected(&self) -> bool {
        !self.connections.is_empty()
    }

    pub fn is_banned(&self, now: u64) -> bool {
        self.ban.as_ref().is_some_and(|ban| ban.until.is_none_or(|until| until > now))
    }

    /// successes / (successes + failures); 0.5 without evidence.
    pub fn reputation(&self) -> f64 {
        match self.evidence() {
            0 => 0.5,
            all => self.successes as f64 / all as f64,
        }
    }

    pub fn evidence(&self) -> u64 {
        self.successes.saturating_add(self.failures)
    }

    /// What it is ranked by: the expected rate of success, which little evidence leaves near the middle (Laplace's rule
    /// of succession), so that one lucky download does not outrank a hundred.
    pub fn standing(&self) -> f64 {
        (self.successes as f64 + 1.0) / (self.evidence() as f64 + 2.0)
    }

    /// Puts `addr` first among the known addresses; the oldest ones fall out.
    pub fn learn_addr(&mut self, addr: Multiaddr) {
        self.addrs.retain(|known| *known != addr);
        self.addrs.insert(0, addr);
        self.addrs.truncate(MAX_ADDRS);
    }

    /// Adds `addr` last, where there is room: what others say of a peer never pushes out what worked.
    pub fn hear_of_addr(&mut self, addr: Multiaddr) {
        if self.addrs.len() < MAX_ADDRS && !self.addrs.contains(&addr) {
            self.addrs.push(addr);
        }
    }

    /// Adds to the history. What only happened once more is not told twice: it would push out what matters.
    pub fn note(&mut self, text: &str) {
        let text = SafeText::capped(text, MAX_TEXT);
        if self.history.front() == Some(&text) {
            return;
        }
        self.history.push_front(text);
        self.history.truncate(MAX_HISTORY);
    }

    pub fn set_agent(&mut self, agent: &str) {
        self.agent = SafeText::capped(agent, MAX_TEXT);
    }

    pub fn info(&self, peer: PeerId, now: u64) -> PeerInfo {
        let banned = self.is_banned(now);
        let ban = self.ban.as_ref().filter(|_| banned);
        let oldest = self.connections.first();
        PeerInfo {
            peer_id: peer.to_string(),
            addrs: self.addrs.iter().map(Multiaddr::to_string).collect(),
            agent: self.agent.clone(),
            connected: oldest.is_some(),
            direction: oldest.map(|connection| connection.direction),
            latency_ms: self.latency.filter(|_| oldest.is_some()).map(|rtt| rtt.as_secs_f64() * 1e3),
            reputation: self.reputation(),
            evidence: self.evidence(),
            successes: self.successes,
            failures: self.failures,
            banned,
            ban_reason: ban.map(|ban| ban.reason.clone()),
            banned_until: ban.and_then(|ban| ban.until),
            connected_s: oldest.map(|connection| connection.since.elapsed().as_secs()),
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            source: self.source.as_str().into(),
            history: self.history.iter().cloned().collect(),
        }
    }

    pub fn to_record(&self, peer: PeerId) -> PeerRecord {
        PeerRecord {
            peer_id: peer.to_string(),
            addrs: self.addrs.iter().map(Multiaddr::to_string).collect(),
            agent: self.agent.clone(),
            successes: self.successes,
            failures: self.failures,
            last_seen: self.last_seen,
            banned_until: self.ban.as_ref().map_or(0, |ban| ban.until.unwrap_or(FOREVER)),
            ban_reason: self.ban.as_ref().map(|ban| ban.reason.clone()).unwrap_or_default(),
        }
    }

    /// `None` when the record does not name a peer. What else cannot be read in it is left out.
    pub fn from_record(record: PeerRecord, now: u64) -> Option<(PeerId, Self)> {
        let peer = record.peer_id.parse().ok()?;
        let ban = match record.banned_until {
            FOREVER => Some(Ban { until: None, reason: record.ban_reason }),
            until if until > now => Some(Ban { until: Some(until), reason: record.ban_reason }),
            _ => None,
        };
        let entry = Self {
            addrs: record.addrs.iter().take(MAX_ADDRS).filter_map(|addr| addr.parse().ok()).collect(),
            agent: record.agent,
            successes: record.successes,
            failures: record.failures,
            last_seen: record.last_seen,
            ban,
            source: PeerSource::Remembered,
            ..Self::default()
        };
        Some((peer, entry))
    }
}
