//! How the node as a whole is doing.

use serde::{Deserialize, Serialize};

use super::central::CentralInfo;
use crate::market::SafeText;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    pub peer_id: String,
    pub agent: String,
    pub network: String,
    pub uptime_s: u64,
    pub listen_addrs: Vec<String>,
    pub connected_peers: usize,
    #[serde(default)]
    pub reachability: ReachInfo,
    pub dht: DhtStatus,
    pub topics: Vec<String>,
    pub catalog: CatalogStatus,
    pub storage: StorageStatus,
    pub traffic: Traffic,
    #[serde(default)]
    pub rates: RateLimits,
    /// The home directory of the node.
    pub home: String,
    /// Process id of the node.
    pub pid: u32,
    /// Unix seconds of the last finished catalogue sync with a peer.
    pub last_sync_at: Option<u64>,
    /// The catalogue syncs that this node runs now.
    #[serde(default)]
    pub syncing: Vec<SyncProgress>,
    /// Why the catalogue may be behind that of others; none: it is fresh.
    #[serde(default)]
    pub stale: Option<SafeText>,
    /// The central indexes of the settings; none where `registry.mode` is `p2p`.
    #[serde(default)]
    pub central: Vec<CentralInfo>,
    /// The limits that were hit since the node started.
    #[serde(default)]
    pub limits: Vec<LimitHit>,
    /// Things the user should know, e.g. that port 4001 was taken.
    pub notices: Vec<String>,
}

/// How other nodes can reach this one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReachInfo {
    /// `reachable` from everywhere, `relayed` (through peers only), `unreachable`, or `unknown`.
    pub state: String,
    /// Why.
    pub reason: String,
    /// Unix seconds since when it is in this state.
    pub since: u64,
}

impl Status {
    /// The listening addresses with the peer id at their end, as others dial them.
    pub fn dialable_addrs(&self) -> impl Iterator<Item = String> {
        let id = format!("/p2p/{}", self.peer_id);
        self.listen_addrs.iter().map(move |addr| if addr.ends_with(&id) { addr.clone() } else { format!("{addr}{id}") })
    }
}

/// A catalogue sync that this node runs with a peer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncProgress {
    pub peer_id: String,
    /// Releases that the peer has and this node had not, as far as they have been compared.
    pub expected: u64,
    /// Of them, what has come.
    pub received: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DhtStatus {
    /// `server` or `client`.
    pub mode: String,
    /// Peers in the routing table.
    pub routing_table: usize,
    pub records: usize,
    pub providers: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CatalogStatus {
    pub packages: u64,
    pub releases: u64,
    /// The most releases that a connected peer says it has.
    #[serde(default)]
    pub elsewhere: Option<u64>,
    /// Unix seconds: the catalogue is full (`catalog_limit`), and has everything since then only.
    #[serde(default)]
    pub full_since: Option<u64>,
    /// Of `releases`, those that nobody takes from this node any more: their key was revoked, or replaced before.
    #[serde(default)]
    pub retired: u64,
    /// Releases of peers that were refused here lately, by why.
    #[serde(default)]
    pub refused: Vec<RefusedReleases>,
}

/// Releases of peers that are validly signed, and refused here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedReleases {
    /// `future`, `expired`, `network`, `key` (revoked, or replaced before), `conflict`, or `other`.
    pub why: String,
    pub releases: u64,
    /// Of so many publishers.
    pub publishers: u64,
}

impl RefusedReleases {
    pub fn is_for(&self, why: &str) -> bool {
        self.why == why
    }
}

impl CatalogStatus {
    /// How much of the largest catalogue that a peer told of is here, from 0 to 1; `None`: nobody has told yet.
    pub fn coverage(&self) -> Option<f64> {
        let elsewhere = self.elsewhere.filter(|releases| *releases > 0)?;
        // What nobody takes from this node is not among what peers say they have.
        let here = self.releases.saturating_sub(self.retired);
        Some((here as f64 / elsewhere as f64).min(1.0))
    }

    /// How many releases of peers were refused here, and of how many publishers, for this reason.
    pub fn refused_for(&self, why: &str) -> (u64, u64) {
        let refused = self.refused.iter().find(|refused| refused.is_for(why));
        refused.map_or((0, 0), |refused| (refused.releases, refused.publishers))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StorageStatus {
    pub blobs: u64,
    pub bytes: u64,
    /// Bytes that all blobs may take.
    #[serde(default)]
    pub quota: u64,
    /// Of `bytes`, what is never removed: installed packages and the user's own.
    #[serde(default)]
    pub bound: u64,
}

/// A limit for what others may have of this node, and how often it was hit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LimitHit {
    pub name: String,
    /// What it limits, for people.
    pub what: String,
    pub hits: u64,
    /// Unix seconds.
    pub first_at: u64,
    pub last_at: u64,
}

/// Limits for all transfers together, bytes a second; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimits {
    pub upload: u64,
    pub download: u64,
}

/// Bytes of our own protocols (blob, sync, search) since start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    pub bytes_in: u64,
    pub bytes_out: u64,
}
