//! Search as you type: local answers at once, the peers' merged in without moving what is selected.

use tui_input::Input;

use super::ListView;
use crate::market::trust::Assessment;
use crate::market::{PackageName, PublisherKey};
use crate::net::NodeError;
use crate::net::api::{CentralInfo, ReleaseInfo, SearchAnswer, SearchHit};

/// Results asked for and kept.
pub const MAX_RESULTS: usize = 100;
/// From the last key to the local search, milliseconds.
pub const LOCAL_DELAY_MS: u64 = 30;
/// From the last key to asking the peers, milliseconds.
pub const REMOTE_DELAY_MS: u64 = 250;
/// From the last move of the selection to asking for its detail, milliseconds.
pub const DETAIL_DELAY_MS: u64 = 80;

/// What the peers say to the query on screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Remote {
    #[default]
    Idle,
    /// Will be asked, or has been.
    Asking,
    Answered {
        asked: usize,
        answered: usize,
        elapsed_ms: f64,
    },
    Failed(NodeError),
}

/// Releases of one (publisher, name).
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    pub name: PackageName,
    pub publisher: PublisherKey,
    pub releases: Result<Vec<ReleaseInfo>, NodeError>,
}

/// Why one release is trusted, or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    pub name: PackageName,
    pub version: semver::Version,
    pub publisher: PublisherKey,
    pub assessment: Result<Assessment, NodeError>,
}

#[derive(Clone, Debug, Default)]
pub struct Search {
    pub input: Input,
    pub focused: bool,
    /// Counts queries up; answers to older ones are thrown away.
    pub seq: u64,
    /// The query of `seq`; an empty one is answered with what is installed and what is newest.
    pub query: String,
    /// Unix ms at which to ask.
    pub local_due: Option<u64>,
    pub remote_due: Option<u64>,
    pub detail_due: Option<u64>,
    pub results: Vec<SearchHit>,
    /// Whether `results` answer `query`.
    pub answered: bool,
    pub local_ms: Option<f64>,
    pub remote: Remote,
    /// How the central indexes were doing then.
    pub central: Vec<CentralInfo>,
    pub error: Option<NodeError>,
    pub view: ListView,
    /// Whether the user chose a line: then it stays selected.
    pub touched: bool,
    pub detail_seq: u64,
    pub detail: Option<Detail>,
    pub why: Option<Why>,
    /// Whether the detail shows only why it is trusted, or not.
    pub why_only: bool,
}

impl Search {
    pub fn selected(&self) -> Option<&SearchHit> {
        self.results.get(self.view.selected)
    }

    /// The loaded detail, if it is of the selected line.
    pub fn selected_detail(&self) -> Option<&Detail> {
        let hit = self.selected()?;
        self.detail.as_ref().filter(|detail| detail.name == hit.name && Some(detail.publisher) == hit.publisher)
    }

    /// Why the selected line is trusted, if it was asked.
    pub fn selected_why(&self) -> Option<&Result<Assessment, NodeError>> {
        let hit = self.selected()?;
        let fits =
            |why: &&Why| (&why.name, &why.version, Some(why.publisher)) == (&hit.name, &hit.version, hit.publisher);
        self.why.as_ref().filter(fits).map(|why| &why.assessment)
    }

    /// Takes an answer to the query on screen.
    pub fn merge(&mut self, answer: SearchAnswer, remote: bool, rows: usize) {
        let selected = self.selected().filter(|_| self.touched).map(key);
        if remote {
            let SearchAnswer { peers_asked: asked, peers_answered: answered, elapsed_ms, central, .. } = answer;
            self.central = central;
            self.remote = Remote::Answered { asked, answered, elapsed_ms };
            let mut merged = answer.results;
            merged.truncate(MAX_RESULTS);
            // The peers' answer holds the local one; what only came before it stays, after it.
            let left: Vec<_> = std::mem::take(&mut self.results);
            for hit in left {
                if self.answered && merged.len() < MAX_RESULTS && !merged.iter().any(|known| key(known) == key(&hit)) {
                    merged.push(hit);
                }
            }
            self.results = merged;
        } else {
            self.local_ms = Some(answer.elapsed_ms);
            self.results = answer.results;
            self.results.truncate(MAX_RESULTS);
            if self.query.is_empty() {
                // The newest of all, with what is installed at hand.
                self.results.sort_by_key(|hit| hit.installed.is_none());
            }
        }
        self.answered = true;
        let len = self.results.len();
        match selected.and_then(|wanted| self.results.iter().position(|hit| key(hit) == wanted)) {
            Some(index) => self.view.follow(index, len, rows),
            None => {
                self.touched = false;
                self.view.select(0, len, rows);
            }
        }
    }
}

fn key(hit: &SearchHit) -> (Option<PublisherKey>, PackageName) {
    (hit.publisher, hit.name.clone())
}
