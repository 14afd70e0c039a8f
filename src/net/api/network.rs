//! Peers and the DHT.

use serde::{Deserialize, Serialize};

use crate::market::SafeText;
pub use crate::market::store::{PeerEvent, PeerFailures};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Inbound,
    #[default]
    Outbound,
}

/// A peer that is connected, banned, or remembered.
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
    /// Averages in which older values count less: round trip, and bytes a second of downloads from it.
    #[serde(default)]
    pub latency_avg_ms: Option<f64>,
    #[serde(default)]
    pub throughput: Option<u64>,
    /// successes / (successes + failures); 0.5 while there is no evidence (`evidence` is 0).
    pub reputation: f64,
    /// successes + failures.
    pub evidence: u64,
    /// What decides on its rank: how often dealings with it go well at least, with 90 % certainty; 0.1 for who is new. Evidence
    /// halves in a week.
    #[serde(default)]
    pub estimate: f64,
    /// What gossipsub makes of it: below 0 it is not asked to pass announcements on, below -80 it is not listened to.
    #[serde(default)]
    pub gossip_score: Option<f64>,
    /// Why it is chosen only where there is no other.
    #[serde(default)]
    pub distrust: Option<SafeText>,
    pub successes: u64,
    pub failures: u64,
    #[serde(default)]
    pub failed: PeerFailures,
    pub banned: bool,
    pub ban_reason: Option<SafeText>,
    /// Unix seconds; none: not banned, or until unbanned by hand.
    pub banned_until: Option<u64>,
    /// Unix seconds; none: not banned.
    #[serde(default)]
    pub banned_at: Option<u64>,
    /// Bans of this node's own making so far that make the next one longer.
    #[serde(default)]
    pub bans: u32,
    /// A person wants the connection with it kept: it is dialled again whenever it is lost.
    #[serde(default)]
    pub kept: bool,
    /// What carries the oldest connection: `tcp`, `quic`; empty while not connected.
    #[serde(default)]
    pub transport: String,
    /// Whether that leads through a third node.
    #[serde(default)]
    pub relayed: bool,
    /// Releases that it says it has.
    #[serde(default)]
    pub releases: Option<u64>,
    pub connected_s: Option<u64>,
    pub bytes_in: u64,
    pub bytes_out: u64,
    /// How we came to know it: `bootstrap`, `mdns`, `remembered`, `dht`, `inbound`, `manual`.
    pub source: String,
    /// Unix seconds.
    #[serde(default)]
    pub last_seen: u64,
    /// Why it is not connected, and since when: how the last connection ended, or what the last dial met.
    #[serde(default)]
    pub away: Option<PeerEvent>,
    /// The last events that changed its reputation, newest first, at most 16: what, why, when, how often.
    pub history: Vec<PeerEvent>,
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
    /// Where this node is in the key space: the first bits of its key.
    #[serde(default)]
    pub position: u32,
    /// Where peers of the routing table are, and keys that this node provides; some of them where there are many.
    #[serde(default)]
    pub points: Vec<DhtPoint>,
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
    /// Steps to the farthest peer that has answered: 1 where all were in this node's routing table, 0 while nobody has.
    #[serde(default)]
    pub hops: u32,
    pub elapsed_ms: u64,
    /// None while it runs.
    pub outcome: Option<SafeText>,
}

/// Something in the key space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DhtPoint {
    /// The first bits of its key.
    pub at: u32,
    /// A key that this node provides; otherwise a peer.
    pub key: bool,
}

/// What was looked up in the DHT by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LookupKind {
    /// Who carries a package of this name.
    Name,
    /// Who has the bytes of a package.
    Bytes,
    /// Who is closest to a peer id.
    Peer,
}

/// What the DHT answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LookupAnswer {
    pub kind: LookupKind,
    /// Those most worth asking first.
    pub peers: Vec<LookupPeer>,
    pub elapsed_ms: u64,
}

/// A peer that was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LookupPeer {
    pub peer_id: String,
    /// Where it is known to be.
    pub addrs: Vec<String>,
    pub connected: bool,
}
