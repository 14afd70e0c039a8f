//! What the node tells without being asked.

use serde::{Deserialize, Serialize};

use crate::market::{PackageId, ReleaseId, SafeText};

use super::network::{DhtInfo, Direction, PeerInfo};
use super::package::FeedItem;
use super::status::Status;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransferState {
    /// Looking for providers.
    Finding,
    /// A person wants it to wait.
    Paused,
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
    /// The other side; of a download from several, the one that has given most.
    pub peer: Option<String>,
    pub bytes_done: u64,
    pub bytes_total: u64,
    pub leaves_done: u64,
    pub leaves_total: u64,
    /// Of the leaves done, those that an earlier attempt had left.
    #[serde(default)]
    pub leaves_resumed: u64,
    /// How much of each part of it is here, from 0 to 8, at most 64 parts in order; empty where that is not known.
    #[serde(default)]
    pub map: Vec<u8>,
    /// Whether it can be paused, resumed and cancelled.
    #[serde(default)]
    pub can_wait: bool,
    /// The providers of a download: those at work, then the last ones that ended (at most 12).
    #[serde(default)]
    pub lanes: Vec<LaneInfo>,
    pub state: TransferState,
    /// Why it failed, or what it waits for.
    pub note: SafeText,
    pub started_at: u64,
    pub elapsed_ms: u64,
}

/// One provider of a download.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaneInfo {
    pub peer: String,
    pub state: LaneState,
    /// That have come, verified or not.
    pub bytes: u64,
    /// Verified leaves that came from it first.
    pub leaves: u64,
    /// Bytes a second, smoothed; none while not known, or ended.
    pub rate: Option<u64>,
    /// Why it is in this state, where that is not plain.
    pub why: SafeText,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LaneState {
    /// No byte yet.
    Opening,
    Running,
    /// Nothing more to draw from it.
    Done,
    /// It made room for another one.
    Dismissed,
    /// It lied, stalled, went away or does not have it.
    Failed,
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
    /// More peers have passed these announcements on; at most once a second.
    Heard(Vec<(ReleaseId, u32)>),
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
