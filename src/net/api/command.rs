//! What the node can be asked, and the shape of its answers.

use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::market::install::{Removal, Verification};
use crate::market::store::Pin;
use crate::market::trust::Assessment;
use crate::market::{PackageName, PublisherKey};

use super::central::CentralInfo;
use super::change::{KeyChange, KeyInfo, YankAnswer};
use super::event::{LogLine, TransferInfo};
use super::files::FileList;
use super::install::{InstallAnswer, InstallPlan, InstallRequest, OutdatedPackage};
use super::installed::{InstalledInfo, RemoveAnswer};
use super::network::{DhtInfo, LookupAnswer, PeerInfo};
use super::package::{FeedItem, Inspection, PublishAnswer, ReleaseInfo, SearchAnswer};
use super::status::Status;

/// A request to the node. Each is answered by the [`NodeReply`] of the same name, or by `Done`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum NodeCommand {
    Status,
    /// Connected or banned ones.
    Peers,
    /// All that are remembered.
    KnownPeers,
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
    /// Why a release is trusted, or not.
    Why {
        name: PackageName,
        version: semver::Version,
        publisher: PublisherKey,
    },
    /// The files that a release has. Its bytes are fetched and verified where they are not here; nothing is installed.
    Contents {
        name: PackageName,
        version: semver::Version,
        publisher: PublisherKey,
    },
    /// Which key each name is pinned to.
    Pins,
    /// Pins a name to a key, in place of another.
    Pin {
        name: PackageName,
        publisher: PublisherKey,
    },
    /// Takes the pin of a name away.
    Unpin {
        name: PackageName,
    },
    /// What publishing `path` would do; changes nothing.
    Inspect {
        path: String,
        /// As in [`PublishRequest`].
        #[serde(default)]
        allow: Vec<String>,
    },
    Publish(PublishRequest),
    /// Writes another version into the manifest of the package in `path`, and changes nothing else of it.
    SetVersion {
        path: String,
        version: semver::Version,
    },
    /// What installing would do; fetches and changes nothing.
    Plan(InstallRequest),
    Install(InstallRequest),
    /// What of the installed packages there is newer.
    Outdated,
    /// Withdraws a version of this home's, or takes that back.
    Yank(YankRequest),
    /// The keys of this home, the one in use first.
    Keys,
    /// A new key takes the place of this home's.
    RotateKey,
    /// Nothing new of the key is to be believed; none: the one in use.
    RevokeKey {
        key: Option<PublisherKey>,
        reason: String,
    },
    Installed,
    /// Whether the files of what is installed under a name are still what was put in place; reads every one.
    Verify {
        name: PackageName,
    },
    /// The files that were put in place under a name.
    InstalledFiles {
        name: PackageName,
    },
    Remove(Removal),
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
    /// Connect to it whenever the connection is lost, also after a restart.
    Keep {
        peer: String,
    },
    Unkeep {
        peer: String,
    },
    /// How the central indexes are doing; with `refresh`, after asking their servers anew.
    Central {
        refresh: bool,
    },
    /// The settings that the node started with.
    Settings,
    /// Has a download wait, go on, or end.
    Transfer {
        id: u64,
        wish: TransferWish,
    },
    /// Other limits for all transfers together from now on, until the node ends: bytes a second, 0 is none. The settings stay as
    /// they are.
    SetLimits {
        upload: Option<u64>,
        download: Option<u64>,
    },
    /// Looks a package name, a package id or a peer id up in the DHT.
    Lookup {
        what: String,
    },
    /// Graceful shutdown.
    Stop,
}

/// What a person wants of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferWish {
    Pause,
    Resume,
    /// It ends; what has come stays for another try, or goes.
    Cancel {
        keep: bool,
    },
}

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchRequest {
    /// Words and filters, as [`Query::parse`](crate::market::search::Query::parse) reads them.
    pub query: String,
    /// 0 is the usual number.
    #[serde(default)]
    pub limit: usize,
    /// Ask connected peers too (`search_timeout_ms` at most), else only the local catalogue.
    #[serde(default)]
    pub remote: bool,
    /// Count by category, licence, tag and publisher what fits.
    #[serde(default)]
    pub facets: bool,
}

/// `path` is absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishRequest {
    pub path: String,
    /// Chosen by the asker; the [`NodeEvent::Publish`](super::NodeEvent::Publish) events of this job carry it.
    pub job: u64,
    /// Answer only when this many other peers have the package's bytes.
    pub wait_for: usize,
    /// Seconds to wait for `wait_for`; 0 is no limit.
    pub wait_timeout_s: u64,
    /// Paths and globs that may be published although they look like secrets.
    #[serde(default)]
    pub allow: Vec<String>,
}

/// No reason: the yank is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct YankRequest {
    pub name: PackageName,
    pub version: semver::Version,
    pub reason: Option<String>,
}

/// The answer to a [`NodeCommand`].
// One exists at a time, for as long as it takes to answer.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", content = "data", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "one is made for an answer and given away at once")]
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
    Why(Assessment),
    Pins(Vec<Pin>),
    Inspect(Inspection),
    Publish(PublishAnswer),
    Plan(InstallPlan),
    Install(InstallAnswer),
    Outdated(Vec<OutdatedPackage>),
    Yank(YankAnswer),
    Keys(Vec<KeyInfo>),
    KeyChange(KeyChange),
    Installed(Vec<InstalledInfo>),
    Verified(Verification),
    Files(FileList),
    Removed(RemoveAnswer),
    /// Whether there was something to remove / disconnect / unban / unpin / keep / unkeep.
    Changed(bool),
    Connected {
        peer_id: String,
    },
    Central(Vec<CentralInfo>),
    Settings(Box<Settings>),
    Lookup(LookupAnswer),
}
