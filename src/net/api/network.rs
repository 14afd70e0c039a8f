//! Peers and the DHT.

use serde::{Deserialize, Serialize};

use crate::market::SafeText;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Inbound,
    #[default]
    Outbound,
}

/// A peer that is connected, or banned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PeerInfo {
    pub peer_id: String,
    pub addrs: Vec<String>,
    pub agent: SafeText,
    pub connected: bool,
    /// Of the oldest standing connection; none while not connected.
    pub direction: Option<Direction>,
    /// Round trip of the last ping.
    pub latency_ms: Option<f64>,
    /// successes / (successes + failures); 0.5 while there is no evidence (`evidence` is 0).
    pub reputation: f64,
    /// successes + failures.
    pub evidence: u64,
    pub successes: u64,
    pub failures: u64,
    pub banned: bool,
    pub ban_reason: Option<SafeText>,
    /// Unix seconds; none: not banned, or until unbanned by hand.
    pub banned_until: Option<u64>,
    pub connected_s: Option<u64>,
    pub bytes_in: u64,
    pub bytes_out: u64,
    /// How we came to know it: `bootstrap`, `mdns`, `remembered`, `dht`, `inbound`, `manual`.
    pub source: String,
    /// The last events that changed its reputation, newest first, at most 8: what and why.
    pub history: Vec<SafeText>,
}

/// What the DHT pane shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DhtInfo {
    pub mode: String,
    /// Why this mode.
    pub mode_reason: String,
    /// Non-empty buckets.
    pub buckets: Vec<BucketInfo>,
    pub records: usize,
    /// Provider records kept for others.
    pub providers: usize,
    /// Keys this node provides.
    pub provided: usize,
    /// Running queries first, then the last finished ones, at most 32.
    pub queries: Vec<DhtQuery>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BucketInfo {
    /// 0 to 255: log2 of the distance.
    pub index: u32,
    pub peers: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DhtQuery {
    pub id: u64,
    /// `bootstrap`, `get_providers`, `get_record`, `put_record`, `provide`, `find_peer`.
    pub kind: String,
    /// What it is about, for people.
    pub key: SafeText,
    pub requests: u32,
    pub successes: u32,
    pub failures: u32,
    pub elapsed_ms: u64,
    /// None while it runs.
    pub outcome: Option<SafeText>,
}
