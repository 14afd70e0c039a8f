//! The peers on screen.

use std::cmp::Ordering;
use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::{Filter, ListView};
use crate::app::age::Now;
use crate::net::api::{Direction, PeerInfo};

/// Peers kept; more are counted.
pub const MAX_PEERS: usize = 1_000;

/// Round trips kept of each.
pub const MAX_LATENCIES: usize = 32;

/// A peer and when that was so.
#[derive(Clone, Debug, PartialEq)]
pub struct PeerRow {
    pub info: PeerInfo,
    /// Unix seconds.
    pub as_of: u64,
    /// The last round trips in milliseconds, oldest first.
    pub latencies: VecDeque<f64>,
}

impl PeerRow {
    fn new(info: PeerInfo, as_of: u64) -> Self {
        let latencies = info.latency_ms.into_iter().collect();
        Self { info, as_of, latencies }
    }

    fn update(&mut self, info: PeerInfo, as_of: u64) {
        if let Some(ms) = info.latency_ms.filter(|_| info.latency_ms != self.info.latency_ms) {
            if self.latencies.len() >= MAX_LATENCIES {
                self.latencies.pop_front();
            }
            self.latencies.push_back(ms);
        }
        (self.info, self.as_of) = (info, as_of);
    }

    /// Seconds it has been connected.
    pub fn connected_s(&self, now: Now) -> Option<u64> {
        self.info.connected.then_some(())?;
        self.info.connected_s.map(|then| then.saturating_add(now.since(self.as_of)))
    }

    /// What is special about it, in words.
    pub fn flags(&self) -> Vec<&'static str> {
        let info = &self.info;
        let flags = [(info.banned, "banned"), (info.kept, "kept"), (info.relayed, "relayed")];
        flags.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect()
    }
}

/// The column that orders the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    #[default]
    Reputation,
    Latency,
    Flags,
    In,
    Out,
    Releases,
    Direction,
    Transport,
    Age,
    Agent,
}

impl SortBy {
    pub const ALL: [Self; 10] = [
        Self::Reputation,
        Self::Latency,
        Self::Flags,
        Self::In,
        Self::Out,
        Self::Releases,
        Self::Direction,
        Self::Transport,
        Self::Age,
        Self::Agent,
    ];

    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|one| *one == self).unwrap_or(0);
        Self::ALL.get((at + 1) % Self::ALL.len()).copied().unwrap_or_default()
    }
}

/// What each column of the list sorts by, in the order of the columns.
pub const PEER_COLUMNS: [Option<SortBy>; 13] = [
    None,
    Some(SortBy::Reputation),
    Some(SortBy::Latency),
    Some(SortBy::Latency),
    Some(SortBy::Flags),
    Some(SortBy::In),
    Some(SortBy::Out),
    Some(SortBy::Releases),
    Some(SortBy::Direction),
    Some(SortBy::Transport),
    Some(SortBy::Age),
    Some(SortBy::Agent),
    None,
];

/// Connected, banned and kept peers, ordered.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    rows: Vec<PeerRow>,
    pub view: ListView,
    pub filter: Filter,
    pub sort: SortBy,
    pub reversed: bool,
    /// Whether the node has answered yet.
    pub known: bool,
    /// Peers that found no room in the list.
    pub dropped: u64,
}

impl Peers {
    pub fn rows(&self) -> &[PeerRow] {
        &self.rows
    }

    /// Those the filter shows.
    pub fn visible(&self) -> Vec<&PeerRow> {
        let shown = |row: &&PeerRow| {
            let info = &row.info;
            let fields = [info.peer_id.as_str(), info.agent.as_str(), info.source.as_str(), info.transport.as_str()];
            self.filter.matches(fields.into_iter().chain(row.flags()).chain(info.addrs.iter().map(String::as_str)))
        };
        self.rows.iter().filter(shown).collect()
    }

    pub fn selected_row(&self) -> Option<&PeerRow> {
        self.visible().get(self.view.selected).copied()
    }

    pub fn selected(&self) -> Option<&PeerInfo> {
        self.selected_row().map(|row| &row.info)
    }

    pub fn connected(&self) -> usize {
        self.rows.iter().filter(|row| row.info.connected).count()
    }

    pub fn banned(&self) -> usize {
        self.rows.iter().filter(|row| row.info.banned).count()
    }

    /// Replaces all.
    pub fn set(&mut self, peers: Vec<PeerInfo>, now: Now, rows: usize) {
        self.keeping_selection(rows, |list| {
            list.known = true;
            list.dropped = peers.len().saturating_sub(MAX_PEERS) as u64;
            let mut before: HashMap<String, PeerRow> =
                std::mem::take(&mut list.rows).into_iter().map(|row| (row.info.peer_id.clone(), row)).collect();
            let rows = peers.into_iter().take(MAX_PEERS).map(|info| match before.remove(&info.peer_id) {
                Some(mut row) => {
                    row.update(info, now.secs());
                    row
                }
                None => PeerRow::new(info, now.secs()),
            });
            list.rows = rows.collect();
        });
    }

    /// Adds or replaces one.
    pub fn put(&mut self, info: PeerInfo, now: Now, rows: usize) {
        self.keeping_selection(rows, |list| {
            let full = list.rows.len() >= MAX_PEERS;
            match list.rows.iter_mut().find(|row| row.info.peer_id == info.peer_id) {
                Some(row) => row.update(info, now.secs()),
                None if full => list.dropped += 1,
                None => list.rows.push(PeerRow::new(info, now.secs())),
            }
        });
    }

    /// A peer is gone: off the list, unless its ban is to be seen, or it is kept.
    pub fn gone(&mut self, peer_id: &str, rows: usize) {
        self.keeping_selection(rows, |list| {
            list.rows.retain(|row| row.info.peer_id != peer_id || row.info.banned || row.info.kept);
            for row in list.rows.iter_mut().filter(|row| row.info.peer_id == peer_id) {
                row.info.connected = false;
                row.info.direction = None;
                row.info.latency_ms = None;
            }
        });
    }

    /// Orders by another column, or the other way round.
    pub fn order(&mut self, sort: SortBy, reversed: bool, rows: usize) {
        self.keeping_selection(rows, |list| (list.sort, list.reversed) = (sort, reversed));
    }

    fn keeping_selection(&mut self, rows: usize, change: impl FnOnce(&mut Self)) {
        let selected = self.selected().map(|peer| peer.peer_id.clone());
        change(self);
        let (sort, reversed) = (self.sort, self.reversed);
        self.rows.sort_by(|a, b| {
            let order = compare(a, b, sort);
            (if reversed { order.reverse() } else { order }).then_with(|| a.info.peer_id.cmp(&b.info.peer_id))
        });
        let visible = self.visible();
        let len = visible.len();
        let at = selected.and_then(|id| visible.iter().position(|row| row.info.peer_id == id));
        match at {
            Some(index) => self.view.follow(index, len, rows),
            None => self.view.select(self.view.selected, len, rows),
        }
    }
}

/// The best first; what is unknown comes last.
fn compare(a: &PeerRow, b: &PeerRow, sort: SortBy) -> Ordering {
    let (x, y) = (&a.info, &b.info);
    match sort {
        SortBy::Reputation => {
            x.banned.cmp(&y.banned).then(y.reputation.total_cmp(&x.reputation)).then(y.evidence.cmp(&x.evidence))
        }
        SortBy::Latency => known_first(x.latency_ms, y.latency_ms, f64::total_cmp),
        SortBy::Direction => {
            let rank = |peer: &PeerInfo| match peer.direction {
                Some(Direction::Outbound) => 0,
                Some(Direction::Inbound) => 1,
                None => 2,
            };
            rank(x).cmp(&rank(y))
        }
        SortBy::Age => {
            let since = |row: &PeerRow| row.info.connected_s.map(|s| row.as_of.saturating_sub(s));
            known_first(since(a), since(b), u64::cmp)
        }
        SortBy::In => y.bytes_in.cmp(&x.bytes_in),
        SortBy::Out => y.bytes_out.cmp(&x.bytes_out),
        SortBy::Releases => known_first(x.releases, y.releases, |x, y| y.cmp(x)),
        SortBy::Flags => b.flags().len().cmp(&a.flags().len()).then_with(|| a.flags().cmp(&b.flags())),
        SortBy::Transport => {
            x.transport.is_empty().cmp(&y.transport.is_empty()).then_with(|| x.transport.cmp(&y.transport))
        }
        SortBy::Agent => x.agent.is_empty().cmp(&y.agent.is_empty()).then_with(|| x.agent.cmp(&y.agent)),
    }
}

fn known_first<T>(a: Option<T>, b: Option<T>, order: impl Fn(&T, &T) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => order(&a, &b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}
