//! Search as you type: local answers at once, the peers' merged in without moving what is selected.

use std::collections::VecDeque;

use tui_input::Input;

use super::ListView;
use super::inside::{Inside, Shown};
use crate::market::search::{Facets, Sort};
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

/// Releases of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    pub name: PackageName,
    /// Of the selected line; others may publish under the name too.
    pub publisher: PublisherKey,
    pub releases: Result<Vec<ReleaseInfo>, NodeError>,
}

impl Detail {
    /// Releases of the selected line's publisher, newest first.
    pub fn own(&self) -> impl Iterator<Item = &ReleaseInfo> {
        self.releases.iter().flatten().filter(|one| one.publisher == self.publisher)
    }

    /// Other publishers of the name with their newest version.
    pub fn others(&self) -> Vec<&ReleaseInfo> {
        let mut others: Vec<&ReleaseInfo> = Vec::new();
        for release in self.releases.iter().flatten().filter(|one| one.publisher != self.publisher) {
            if !others.iter().any(|known| known.publisher == release.publisher) {
                others.push(release);
            }
        }
        others
    }
}

/// Queries remembered.
pub const MAX_HISTORY: usize = 50;

/// A value that the results can be narrowed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrowing {
    /// `category`, as the query spells it.
    pub key: &'static str,
    pub value: String,
    pub count: u64,
    /// Whether the query asks for it already.
    pub on: bool,
}

impl Narrowing {
    /// As it stands in a query.
    pub fn filter(&self) -> String {
        let quoted = self.value.contains(char::is_whitespace);
        if quoted { format!("{}:\"{}\"", self.key, self.value) } else { format!("{}:{}", self.key, self.value) }
    }
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
    /// How what fits spreads; of the last answer.
    pub facets: Facets,
    /// What was typed that could not be used.
    pub faults: Vec<String>,
    pub sort: Sort,
    /// Queries that were used, the newest last.
    pub history: VecDeque<String>,
    /// The one of them that is in the field.
    pub recalled: Option<usize>,
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
    pub inside: Option<Inside>,
    pub shown: Shown,
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

    /// The files of the selected line, if somebody wanted to see them.
    pub fn selected_inside(&self) -> Option<&Inside> {
        let hit = self.selected()?;
        self.inside.as_ref().filter(|inside| inside.is_of(hit))
    }

    /// What the results can be narrowed to, by kind, the most frequent first.
    pub fn narrowings(&self) -> Vec<Narrowing> {
        let facets = &self.facets;
        let kinds = [
            ("category", &facets.categories),
            ("tag", &facets.tags),
            ("licence", &facets.licences),
            ("publisher", &facets.publishers),
        ];
        let mut all = Vec::new();
        for (key, values) in kinds {
            for facet in values.iter().filter(|facet| !facet.value.is_empty()) {
                let mut one = Narrowing { key, value: facet.value.to_string(), count: facet.count, on: false };
                one.on = self.input.value().contains(&one.filter());
                all.push(one);
            }
        }
        all
    }

    /// The query as the node gets it.
    pub fn asked(&self) -> String {
        match self.sort {
            Sort::Relevance => self.query.clone(),
            sort => format!("{} sort:{sort}", self.query),
        }
    }

    /// Remembers what was used, once.
    pub fn remember(&mut self) {
        let query = self.input.value().trim().to_owned();
        if query.is_empty() {
            return;
        }
        self.history.retain(|known| *known != query);
        if self.history.len() >= MAX_HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(query);
        self.recalled = None;
    }

    /// Puts an older query into the field, or a newer one; none: nothing that way.
    pub fn recall(&mut self, older: bool) -> bool {
        let at = match (self.recalled, older) {
            (None, true) => self.history.len().checked_sub(1),
            (Some(at), true) => Some(at.saturating_sub(1)),
            (Some(at), false) => Some(at + 1),
            (None, false) => None,
        };
        let Some(at) = at else { return false };
        let query = self.history.get(at).cloned();
        self.recalled = query.is_some().then_some(at);
        self.input = Input::new(query.unwrap_or_default());
        true
    }

    /// Takes an answer to the query on screen.
    pub fn merge(&mut self, answer: SearchAnswer, remote: bool, rows: usize) {
        let selected = self.selected().filter(|_| self.touched).map(key);
        if let Some(facets) = &answer.facets {
            self.facets = facets.clone();
        }
        self.faults.clone_from(&answer.faults);
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
            if self.query.is_empty() && self.sort == Sort::Relevance {
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
