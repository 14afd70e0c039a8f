//! The one state store. Only `update` changes it, only `render` draws it. Every list in it is bounded and counts what
//! it dropped.

mod arrivals;
mod concerns;
mod dht;
mod entries;
mod feed;
mod filter;
mod hints;
mod inside;
mod installed;
mod list;
mod logs;
mod look;
mod marks;
mod messages;
mod options;
mod overlay;
mod peers;
mod publish;
mod queries;
mod rates;
mod search;
mod settings;
mod tab;
mod traffic;
mod transfers;
mod wake;

use std::collections::VecDeque;

pub use arrivals::{Arrivals, BARS, STEP_S};
pub use concerns::{Concern, Weight};
pub use dht::{Dht, Lookup};
pub use entries::{Entry, HelpLine, help_lines};
pub use feed::{Feed, MAX_FEED};
pub use filter::{Filter, MAX_INPUT, edit, paste};
pub use hints::Hint;
pub use inside::{Inside, Shown};
pub use installed::{Check, Extras, FILES_DELAY_MS, Installed, Round, Standing, source};
pub use list::ListView;
pub use logs::{Level, Logs, MAX_LOGS};
pub use look::AUTO;
pub use marks::{KnownNames, Mark};
pub use messages::{MAX_MESSAGES, Message, Messages};
pub use options::DashboardOptions;
pub use overlay::{
    Action, Cancel, Checking, Confirm, Edit, MAX_TOASTS, Overlay, Picker, Prompt, Purpose, Toast, ToastKind, Typed,
    short_ids,
};
pub use peers::{MAX_LATENCIES, MAX_PEERS, PEER_COLUMNS, PeerRow, Peers, SortBy};
pub use publish::{Progress, Publish, Step};
pub use queries::DetailPlace;
pub use rates::{lower, raise};
pub use search::{
    DETAIL_DELAY_MS, Detail, LOCAL_DELAY_MS, MAX_HISTORY, MAX_RESULTS, Narrowing, REMOTE_DELAY_MS, Remote, Search, Why,
};
pub use settings::SettingsPane;
pub use tab::{Tab, digit};
pub use traffic::{TrafficHistory, WINDOW_S};
pub use transfers::{MAX_TRANSFERS, Outcome, TransferRow, Transfers, is_by_hand};

use super::age::Now;
use super::event::Tag;
use super::keymap::Keymap;
use crate::net::NodeError;
use crate::net::api::Status;

/// Where the node is in its life.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Phase {
    #[default]
    Starting,
    Ready {
        /// It runs in another process.
        remote: bool,
    },
    Failed(NodeError),
    /// It stopped, or its process went away.
    Gone {
        /// It ran in another process: once it runs again, it is asked again.
        remote: bool,
    },
}

/// Something asked of the node that has not answered yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    pub tag: Tag,
    /// `connecting to …`
    pub text: String,
}

/// A screen that stands still: since when, and what the node has told meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frozen {
    pub at: Now,
    pub events: u64,
}

/// All that is on screen.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub options: DashboardOptions,
    pub keymap: Keymap,
    pub now: Now,
    /// Cells: width, height.
    pub size: (u16, u16),
    /// Rows that the list on screen has.
    pub list_rows: usize,
    pub mouse: bool,
    pub phase: Phase,
    pub tab: Tab,
    /// The detail covers the list.
    pub detail_open: bool,
    /// Lines of it that are scrolled away above, and how many can be.
    pub detail_scroll: usize,
    pub detail_end: usize,
    pub status: Option<Status>,
    /// Unix seconds of `status`.
    pub status_at: u64,
    pub traffic: TrafficHistory,
    pub peers: Peers,
    pub dht: Dht,
    pub feed: Feed,
    pub search: Search,
    pub publish: Publish,
    pub transfers: Transfers,
    pub logs: Logs,
    pub installed: Installed,
    /// Of pins and what is installed.
    pub known_names: KnownNames,
    pub settings: SettingsPane,
    pub overlay: Option<Overlay>,
    /// Lines of the open dialog that are scrolled away above, and how many can be.
    pub dialog_scroll: usize,
    pub dialog_end: usize,
    pub toasts: VecDeque<Toast>,
    /// All that toasts have said.
    pub messages: Messages,
    /// The screen stands still.
    pub frozen: Option<Frozen>,
    pub pending: Vec<Pending>,
    /// Events the node had to drop because this program was too slow.
    pub lost: u64,
    /// When to leave by itself after a failed start, Unix ms.
    pub leave_at: Option<u64>,
}

impl State {
    /// The state before anything happened. What is wrong in the user's key map and themes becomes a toast.
    pub fn new(options: DashboardOptions, now: Now) -> Self {
        let tab = options.panes.first().copied().unwrap_or_default();
        let mut state = Self { now, tab, mouse: options.mouse, options, list_rows: 1, ..Self::default() };
        state.apply_looks(state.options.looks.clone());
        let dir = state.options.current_dir.trim_end_matches('/').to_owned();
        paste(&mut state.publish.input, &format!("{dir}/"));
        state.options.session.clone().restore(&mut state);
        state
    }

    /// Shows a short message for a while.
    pub fn toast(&mut self, kind: ToastKind, text: impl Into<String>, hint: Option<String>) {
        let text = short_ids(&text.into());
        self.messages.push(Message { at: self.now, kind, text: text.clone(), hint: hint.clone(), times: 1 });
        self.toasts.retain(|toast| toast.text != text);
        if self.toasts.len() >= MAX_TOASTS {
            self.toasts.pop_front();
        }
        let until = self.now.unix_ms.saturating_add(kind.stay_ms());
        self.toasts.push_back(Toast { kind, text, hint, until });
    }

    /// Shows an error of the node, in place of a message that says the same.
    pub fn toast_error(&mut self, what: &str, error: &NodeError) {
        let message = short_ids(&error.message);
        self.toasts.retain(|toast| !toast.text.contains(&message));
        self.toast(ToastKind::Error, format!("{what}: {message}"), error.hint.clone());
    }

    /// Whether a message on screen says this already.
    pub fn says(&self, text: &str) -> bool {
        let text = short_ids(text);
        self.toasts.iter().any(|toast| toast.text.contains(&text))
    }
}
