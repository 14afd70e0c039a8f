//! What the node can be asked, what it answers and what it tells: plain serde types, the same in process and over the
//! control socket. Field names are what scripts rely on.
//!
//! Units: sizes in bytes; `*_ms` milliseconds; `*_s` seconds; `*_at` Unix seconds.

use serde::{Deserialize, Serialize};

use crate::market::archive::FileEntry;
use crate::market::{Dependency, Finding, PackageId, PackageName, PublisherKey, ReleaseId, SafeText};

/// A request to the node. Each is answered by the [`NodeReply`] of the same name, or by `Done`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum NodeCommand {
    Status,
    Peers,
    Dht,
    /// Newest announcements, newest first.
    Feed {
        limit: usize,
    },
    Transfers,
    /// The last log lines, oldest first.
    Logs {
        limit: usize,
    },
    Search(SearchRequest),
    /// All that is known of one name.
    Detail {
        name: PackageName,
        publisher: Option<PublisherKey>,
    },
    /// What publishing `path` would do; changes nothing.
    Inspect {
        path: String,
    },
    Publish(PublishRequest),
    Install(InstallRequest),
    Installed,
    Remove {
        name: PackageName,
    },
    /// `addr` is a multiaddr; waits for the connection to stand (or fail).
    Connect {
        addr: String,
    },
    /// One peer, or all.
    Disconnect {
        peer: Option<String>,
    },
    /// With `wait`, answers when the DHT bootstrap query has ended.
    Bootstrap {
        wait: bool,
    },
    /// `duration_s`: none is until unbanned.
    Ban {
        peer: String,
        reason: String,
        duration_s: Option<u64>,
    },
    Unban {
        peer: String,
    },
    /// Graceful shutdown.
    Stop,
}

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchRequest {
    pub query: String,
    pub limit: usize,
    /// Ask connected peers too (`search_timeout_ms` at most), else only the local catalogue.
    pub remote: bool,
}

/// `path` is absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishRequest {
    pub path: String,
    /// Chosen by the asker; the [`NodeEvent::Publish`] events of this job carry it.
    pub job: u64,
    /// Answer only when this many other peers have the package's bytes.
    pub wait_for: usize,
    /// Seconds to wait for `wait_for`; 0 is no limit.
    pub wait_timeout_s: u64,
}

/// `requirement` in semver syntax; none is the newest version that is no pre-release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallRequest {
    pub name: PackageName,
    pub requirement: Option<semver::VersionReq>,
    /// Needed where several publishers use the name and none is pinned.
    pub publisher: Option<PublisherKey>,
}

/// The answer to a [`NodeCommand`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", content = "data", rename_all = "snake_case")]
pub enum NodeReply {
    Done,
    Status(Status),
    Peers(Vec<PeerInfo>),
    Dht(DhtInfo),
    Feed(Vec<FeedItem>),
    Transfers(Vec<TransferInfo>),
    Logs(Vec<LogLine>),
    Search(SearchAnswer),
    Detail(Vec<ReleaseInfo>),
    Inspect(PublishPlan),
    Publish(PublishAnswer),
    Install(InstallAnswer),
    Installed(Vec<InstalledInfo>),
    /// Whether there was something to remove / disconnect / unban.
    Changed(bool),
    Connected {
        peer_id: String,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    pub peer_id: String,
    pub agent: String,
    pub network: String,
    pub uptime_s: u64,
    pub listen_addrs: Vec<String>,
    pub connected_peers: usize,
    pub dht: DhtStatus,
    pub topics: Vec<String>,
    pub catalog: CatalogStatus,
    pub storage: StorageStatus,
    pub traffic: Traffic,
    /// The home directory of the node.
    pub home: String,
    /// Process id of the node.
    pub pid: u32,
    /// Unix seconds of the last finished catalogue sync with a peer.
    pub last_sync_at: Option<u64>,
    /// Things the user should know, e.g. that port 4001 was taken.
    pub notices: Vec<String>,
}

impl Status {
    /// The listening addresses with the peer id at their end, as others dial them.
    pub fn dialable_addrs(&self) -> impl Iterator<Item = String> {
        let id = format!("/p2p/{}", self.peer_id);
        self.listen_addrs.iter().map(move |addr| if addr.ends_with(&id) { addr.clone() } else { format!("{addr}{id}") })
    }
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
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StorageStatus {
    pub blobs: u64,
    pub bytes: u64,
}

/// Bytes of our own protocols (blob, sync, search) since start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    pub bytes_in: u64,
    pub bytes_out: u64,
}

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

/// How a release reached this node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    #[default]
    Gossip,
    Sync,
    Search,
    /// Published here.
    Own,
}

/// A release as it came in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeedItem {
    pub release_id: ReleaseId,
    pub package_id: PackageId,
    pub name: PackageName,
    pub version: semver::Version,
    pub publisher: PublisherKey,
    pub description: SafeText,
    pub category: SafeText,
    pub size: u64,
    pub published_at: u64,
    pub received_at: u64,
    pub via: Via,
    /// Peer id it came from; none when published here.
    pub from: Option<String>,
    pub yanked: bool,
}

/// One search result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchHit {
    pub name: PackageName,
    pub version: semver::Version,
    pub publisher: PublisherKey,
    pub package_id: PackageId,
    pub category: SafeText,
    pub tags: Vec<SafeText>,
    pub description: SafeText,
    pub size: u64,
    /// `local`: from this node's catalogue; `peer`: a peer answered it; `central`: a central index.
    pub source: Source,
    pub score: f64,
    /// Peers known to have the bytes, this node included.
    pub providers: usize,
    pub licence: SafeText,
    pub published_at: u64,
    pub installed: Option<semver::Version>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    Local,
    Peer,
    Central,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchAnswer {
    /// Best first.
    pub results: Vec<SearchHit>,
    pub elapsed_ms: f64,
    pub peers_asked: usize,
    pub peers_answered: usize,
}

/// One release in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReleaseInfo {
    pub name: PackageName,
    pub version: semver::Version,
    pub publisher: PublisherKey,
    pub release_id: ReleaseId,
    pub package_id: PackageId,
    pub size: u64,
    pub file_count: u32,
    pub description: SafeText,
    pub category: SafeText,
    pub tags: Vec<SafeText>,
    pub keywords: Vec<SafeText>,
    pub licence: SafeText,
    pub repository: SafeText,
    pub dependencies: Vec<Dependency>,
    pub sequence: u64,
    pub published_at: u64,
    pub first_seen: u64,
    pub yank_reason: Option<SafeText>,
    pub have_blob: bool,
    pub installed: bool,
    /// The key pinned for this name, if any.
    pub pinned: Option<PublisherKey>,
}

/// What publishing a directory would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishPlan {
    pub path: String,
    pub name: PackageName,
    pub version: semver::Version,
    pub description: SafeText,
    pub category: SafeText,
    pub tags: Vec<SafeText>,
    pub licence: SafeText,
    pub publisher: PublisherKey,
    pub package_id: PackageId,
    /// Archive bytes.
    pub size: u64,
    pub files: Vec<FileEntry>,
    pub findings: Vec<Finding>,
    /// Newest version this publisher has out under the name.
    pub previous: Option<semver::Version>,
    /// Whether it can be published: no finding of severity `error`.
    pub publishable: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishAnswer {
    pub name: PackageName,
    pub version: semver::Version,
    pub publisher: PublisherKey,
    pub package_id: PackageId,
    pub release_id: ReleaseId,
    pub size: u64,
    /// How many files.
    pub files: usize,
    /// Peers that confirmed the release is in their catalogue.
    pub seen_by: usize,
    /// Peers that confirmed they hold the bytes.
    pub held_by: usize,
    pub findings: Vec<Finding>,
    /// What to give to others: `ggen:<name>@<version>?publisher=<key>`.
    pub share: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InstallAnswer {
    pub installed: Vec<InstalledPackage>,
    /// E.g. dependencies that were not found.
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstalledPackage {
    pub name: PackageName,
    pub version: semver::Version,
    pub publisher: PublisherKey,
    pub package_id: PackageId,
    pub path: String,
    /// Archive bytes fetched from others; 0 when the blob was here.
    pub bytes: u64,
    /// Peer ids that gave leaves.
    pub providers: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstalledInfo {
    pub name: PackageName,
    pub version: semver::Version,
    pub publisher: PublisherKey,
    pub package_id: PackageId,
    pub path: String,
    pub installed_at: u64,
    pub files: u32,
    pub bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransferState {
    /// Looking for providers.
    Finding,
    Running,
    /// All bytes here; checking and placing.
    Verifying,
    Done,
    Failed,
}

/// A download or an upload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransferInfo {
    pub id: u64,
    pub direction: Direction,
    pub name: SafeText,
    pub package_id: PackageId,
    /// The other side.
    pub peer: Option<String>,
    pub bytes_done: u64,
    pub bytes_total: u64,
    pub leaves_done: u64,
    pub leaves_total: u64,
    pub state: TransferState,
    /// Why it failed, or what it waits for.
    pub note: SafeText,
    pub started_at: u64,
    pub elapsed_ms: u64,
}

/// Stages of a publish, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PublishStage {
    Reading,
    Packing,
    Signing,
    Storing,
    Announcing,
    /// Waiting for peers to confirm.
    Confirming,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// Unix milliseconds.
    pub at_ms: u64,
    /// `ERROR` … `TRACE`.
    pub level: String,
    pub target: SafeText,
    pub message: SafeText,
}

/// What the node tells without being asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum NodeEvent {
    /// At most once a second, and only when something in it (other than uptime) changed.
    Status(Status),
    /// Connected, changed, or banned.
    Peer(PeerInfo),
    /// Gone, with the reason.
    PeerGone {
        peer_id: String,
        reason: SafeText,
    },
    /// At most once a second, when it changed.
    Dht(DhtInfo),
    Feed(FeedItem),
    /// At most ten a second for one transfer, and always at its end.
    Transfer(TransferInfo),
    Publish {
        job: u64,
        stage: PublishStage,
        seen_by: usize,
    },
    /// What is installed changed.
    InstalledChanged,
    Log(LogLine),
    /// Something the user should see now.
    Notice {
        level: NoticeLevel,
        text: SafeText,
    },
    /// This subscriber was too slow: so many events were dropped.
    Lagged {
        dropped: u64,
    },
    /// The node is shutting down.
    Stopping,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeLevel {
    Info,
    Warning,
    Error,
}
