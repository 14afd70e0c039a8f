//! What is remembered of a peer between runs.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::market::SafeText;

/// A peer as it is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PeerRecord {
    pub peer_id: String,
    /// Multiaddrs that worked, newest first, at most 8.
    pub addrs: Vec<String>,
    pub agent: SafeText,
    pub successes: u64,
    pub failures: u64,
    /// Unix seconds.
    pub last_seen: u64,
    /// Unix seconds; 0 when not banned; u64::MAX: until unbanned by hand.
    pub banned_until: u64,
    pub ban_reason: SafeText,
    /// Whether its record is good enough for it to be kept before strangers.
    pub proven: bool,
    pub conduct: PeerConduct,
}

/// How dealings with a peer went. Kept as JSON; what is missing in it is none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PeerConduct {
    pub failed: PeerFailures,
    /// Weights of the dealings that went well and badly as of `weighed_at` (Unix seconds); 0: never weighed.
    pub good: f64,
    pub bad: f64,
    pub weighed_at: u64,
    /// Failures towards a ban that no success has made good since.
    pub strikes: u32,
    /// Unix seconds; 0: never.
    pub lied_at: u64,
    /// Bans so far, which count until `bans_count_until` (Unix seconds), and when the last one began.
    pub bans: u32,
    pub bans_count_until: u64,
    pub banned_at: u64,
    /// Averages: round trip in milliseconds, bytes a second of downloads.
    pub latency_ms: Option<f64>,
    pub throughput: Option<f64>,
    /// A person wants the connection with it kept.
    pub kept: bool,
    /// The address, or /64 network, that it last connected from.
    pub network: Option<IpAddr>,
    /// Newest first.
    pub history: Vec<PeerEvent>,
    /// Why it is not connected, and since when.
    pub away: Option<PeerEvent>,
}

/// Failures by kind; the rest of a peer's failures is from before kinds were kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PeerFailures {
    /// It went away in the middle, or came to no end.
    pub broken: u64,
    /// It said nothing for too long.
    pub stalled: u64,
    /// It did not give what it says that it has.
    pub refused: u64,
    /// It broke the protocol, or a rate.
    pub misbehaved: u64,
    /// It sent what is provably wrong.
    pub lies: u64,
}

/// Something that happened with a peer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerEvent {
    /// Unix seconds; the last time.
    pub at: u64,
    /// How often in a row.
    pub times: u32,
    pub text: SafeText,
}
