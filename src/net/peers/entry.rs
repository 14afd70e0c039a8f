//! One peer: what is known of it, and how that is shown and stored.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};

use crate::market::SafeText;
use crate::market::store::{PeerConduct, PeerEvent, PeerRecord};

use super::super::api::{Direction, PeerInfo};
use super::conduct::Conduct;

/// Addresses kept of one peer, newest first.
pub const MAX_ADDRS: usize = 8;

/// An estimate from which a peer is worth keeping before strangers: two good dealings.
const PROVEN: f64 = 0.4;

/// Longest agent string, in terminal cells.
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
    /// `tcp`, `quic` or what else carries it; empty: not told yet.
    pub transport: &'static str,
    /// Through a third node.
    pub relayed: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Entry {
    pub addrs: Vec<Multiaddr>,
    pub agent: SafeText,
    pub conduct: Conduct,
    /// Unix seconds.
    pub last_seen: u64,
    pub ban: Option<Ban>,
    /// Oldest first.
    pub connections: Vec<Connection>,
    /// The last round trip.
    pub latency: Option<Duration>,
    /// The address, or /64 network, that it last connected from. None: one that says nothing of who it is, such as loopback, a
    /// private address, or a relay's.
    pub network: Option<IpAddr>,
    /// Why it is not connected, and since when.
    pub away: Option<PeerEvent>,
    /// Of gossipsub.
    pub gossip_score: Option<f64>,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub source: PeerSource,
    /// Whether identify said that it speaks our catalogue sync.
    pub speaks_sync: bool,
    /// When this node may dial it by itself again, and how often that failed in a row.
    pub next_dial: Option<Instant>,
    pub failed_dials: u32,
    /// A person wants the connection with it kept.
    pub kept: bool,
    /// Releases that it says it has.
    pub releases: Option<u64>,
}

impl Entry {
    pub fn is_connected(&self) -> bool {
        !self.connections.is_empty()
    }

    pub fn is_banned(&self, now: u64) -> bool {
        self.ban.as_ref().is_some_and(|ban| ban.until.is_none_or(|until| until > now))
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

    pub fn set_agent(&mut self, agent: &str) {
        self.agent = SafeText::capped(agent, MAX_TEXT);
    }

    /// As others are told of it; `least` is `security.min_peer_reputation`.
    pub fn info(&self, peer: PeerId, least: f64, now: u64) -> PeerInfo {
        let banned = self.is_banned(now);
        let ban = self.ban.as_ref().filter(|_| banned);
        let oldest = self.connections.first();
        let conduct = &self.conduct;
        PeerInfo {
            peer_id: peer.to_string(),
            addrs: self.addrs.iter().map(Multiaddr::to_string).collect(),
            agent: self.agent.clone(),
            connected: oldest.is_some(),
            direction: oldest.map(|connection| connection.direction),
            latency_ms: self.latency.filter(|_| oldest.is_some()).map(|rtt| rtt.as_secs_f64() * 1e3),
            latency_avg_ms: conduct.latency.get(),
            throughput: conduct.throughput.get().map(|bytes| bytes as u64),
            reputation: conduct.reputation(),
            evidence: conduct.dealings(),
            estimate: conduct.estimate(now),
            gossip_score: self.gossip_score.filter(|_| oldest.is_some()),
            distrust: conduct.distrust(least, now).map(|why| SafeText::new(&why)),
            successes: conduct.successes,
            failures: conduct.failures,
            failed: conduct.failed,
            banned,
            ban_reason: ban.map(|ban| ban.reason.clone()),
            banned_until: ban.and_then(|ban| ban.until),
            banned_at: ban.map(|_| conduct.banned_at),
            bans: conduct.bans(now),
            kept: self.kept,
            transport: oldest.map(|connection| connection.transport.to_owned()).unwrap_or_default(),
            relayed: oldest.is_some_and(|connection| connection.relayed),
            releases: self.releases,
            connected_s: oldest.map(|connection| connection.since.elapsed().as_secs()),
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            source: self.source.as_str().into(),
            last_seen: self.last_seen,
            away: self.away.clone().filter(|_| oldest.is_none()),
            history: conduct.history.to_vec(),
        }
    }

    pub fn to_record(&self, peer: PeerId, now: u64) -> PeerRecord {
        PeerRecord {
            peer_id: peer.to_string(),
            addrs: self.addrs.iter().map(Multiaddr::to_string).collect(),
            agent: self.agent.clone(),
            successes: self.conduct.successes,
            failures: self.conduct.failures,
            last_seen: self.last_seen,
            banned_until: self.ban.as_ref().map_or(0, |ban| ban.until.unwrap_or(FOREVER)),
            ban_reason: self.ban.as_ref().map(|ban| ban.reason.clone()).unwrap_or_default(),
            proven: self.kept || self.conduct.estimate(now) >= PROVEN,
            conduct: PeerConduct {
                network: self.network,
                away: self.away.clone(),
                kept: self.kept,
                ..self.conduct.to_kept()
            },
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
        let (network, away, kept) = (record.conduct.network, record.conduct.away.clone(), record.conduct.kept);
        let entry = Self {
            kept,
            conduct: Conduct::from_kept(record.conduct, record.successes, record.failures, record.last_seen, now),
            addrs: record.addrs.iter().take(MAX_ADDRS).filter_map(|addr| addr.parse().ok()).collect(),
            agent: record.agent,
            last_seen: record.last_seen,
            ban,
            network,
            away,
            source: PeerSource::Remembered,
            ..Self::default()
        };
        Some((peer, entry))
    }
}
