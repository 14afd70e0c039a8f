//! Everything that can happen to the dashboard. A recorded list of these replays to the same screens.

use serde::{Deserialize, Serialize};

use super::hit::Target;
use super::key::Key;
use super::looks::{Background, Looks};
use super::settings::Sheet;
use crate::market::{PackageName, PublisherKey};
use crate::net::api::NoticeLevel;
use crate::net::{NodeError, NodeEvent, NodeReply};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum Event {
    Key(Key),
    /// Pasted text, as it came.
    Paste(String),
    Mouse {
        action: MouseAction,
        target: Option<Target>,
    },
    /// The terminal's size in cells.
    Resized {
        width: u16,
        height: u16,
    },
    /// How many rows the list on screen shows, and how far its detail and the open dialog can be scrolled.
    Viewport {
        rows: u16,
        #[serde(default)]
        detail_end: u16,
        #[serde(default)]
        dialog_end: u16,
    },
    /// The node is up; `remote`: in another process, through its control socket.
    NodeReady {
        remote: bool,
    },
    StartFailed(NodeError),
    Node(NodeEvent),
    /// The node's event stream ended.
    NodeGone,
    /// The answer to [`super::effect::Effect::Request`].
    Reply {
        tag: Tag,
        result: Result<NodeReply, NodeError>,
    },
    /// The answer to [`super::effect::Effect::ReadDir`]; `path` as it was asked.
    Directory {
        path: String,
        listing: Result<Listing, String>,
    },
    /// The answer to [`super::effect::Effect::ReadSettings`] and [`super::effect::Effect::WriteSetting`], or what has
    /// become of the file; `wrote`: the setting that was to be changed.
    Settings {
        wrote: Option<String>,
        result: Result<Sheet, NodeError>,
    },
    /// Theme and key map files, after one of them changed.
    Looks(Looks),
    /// The terminal's answer to [`super::effect::Effect::AskBackground`].
    Background(Background),
    /// The time that [`super::state::State::next_wake`] named has come.
    Tick,
    Signal(Signal),
    /// Something of this program itself that the user should see: a recording that ended, a task that broke down.
    Notice {
        level: NoticeLevel,
        text: String,
        hint: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MouseAction {
    Click,
    WheelUp,
    WheelDown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// SIGTERM or SIGINT.
    Terminate,
    /// SIGHUP, or the terminal is gone.
    HangUp,
}

/// What a directory holds, for path completion.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Sub-directories, by name.
    pub entries: Vec<DirEntry>,
    /// Left out because there were too many.
    pub omitted: usize,
    /// Whether the directory itself holds a manifest.
    pub package: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirEntry {
    pub name: String,
    /// It holds a `gpack.toml` or `package.toml`.
    pub package: bool,
}

/// What a request was for, so that its answer finds its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "tag", rename_all = "snake_case")]
pub enum Tag {
    Status,
    Peers,
    Dht,
    Feed,
    Transfers,
    Logs,
    Installed,
    Search {
        seq: u64,
        remote: bool,
    },
    Detail {
        seq: u64,
    },
    /// Why the release that is shown is trusted, or not.
    Why {
        seq: u64,
    },
    /// The files of a release that need not be installed.
    Contents {
        name: PackageName,
        version: semver::Version,
        publisher: PublisherKey,
    },
    Inspect {
        seq: u64,
    },
    /// The version in the manifest is being changed.
    SetVersion,
    Publish {
        job: u64,
    },
    Install {
        what: String,
    },
    /// Whether the release that is offered for installation is to be trusted.
    Offer {
        what: String,
    },
    /// What the installation that is offered would do.
    Plan {
        what: String,
    },
    /// What of the installed packages there is newer.
    Outdated,
    Pins,
    InstalledFiles {
        seq: u64,
    },
    /// Why an installed package is trusted, or not.
    InstalledWhy {
        seq: u64,
    },
    Verify {
        name: PackageName,
    },
    /// What updating would do; none: everything.
    UpdatePlan {
        name: Option<PackageName>,
    },
    RemoveUnused,
    /// What the node goes by.
    Settings,
    Remove {
        name: String,
    },
    Connect {
        addr: String,
    },
    Disconnect {
        peer: String,
    },
    Bootstrap,
    Lookup {
        what: String,
    },
    Transfer {
        id: u64,
    },
    Limits,
    Ban {
        peer: String,
    },
    Unban {
        peer: String,
    },
    Keep {
        peer: String,
    },
    Unkeep {
        peer: String,
    },
}
