//! Downloads and uploads, running ones first.

use std::collections::BTreeSet;

use super::ListView;
use crate::app::age::Now;
use crate::market::PackageId;
use crate::market::merkle::LEAF_SIZE;
use crate::net::api::{Direction, TransferInfo, TransferState};

/// Transfers kept; the oldest ended ones fall off and are counted.
pub const MAX_TRANSFERS: usize = 256;

/// A transfer and how fast it goes.
#[derive(Clone, Debug, PartialEq)]
pub struct TransferRow {
    pub info: TransferInfo,
    /// Bytes a second, smoothed; none while not known.
    pub rate: Option<f64>,
    /// When this was last heard of.
    heard: Now,
}

/// A running transfer that is silent for so long stands still, milliseconds. It is heard of with every piece of 256 KiB.
const STALLS_AFTER_MS: u64 = 10_000;

/// How a transfer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it is across.
    Whole,
    /// An upload of which the other side wanted or took only a part.
    Partly,
    /// A person ended it.
    Cancelled,
    Failed,
}

impl Outcome {
    /// None while it is under way.
    pub fn of(info: &TransferInfo) -> Option<Self> {
        match info.state {
            TransferState::Failed if is_by_hand(&info.name, &info.note) => Some(Self::Cancelled),
            TransferState::Failed => Some(Self::Failed),
            TransferState::Done if info.direction == Direction::Outbound && info.bytes_done < info.bytes_total => {
                Some(Self::Partly)
            }
            TransferState::Done => Some(Self::Whole),
            _ => None,
        }
    }
}

/// Whether a node's word on why `what` (its name) ended says that a person wanted it.
pub fn is_by_hand(what: &str, why: &str) -> bool {
    let why = why.strip_prefix(what).and_then(|why| why.strip_prefix(": ")).unwrap_or(why);
    why == "cancelled" || why.starts_with("cancelled;") || why == "ended by hand"
}

impl TransferRow {
    fn new(info: TransferInfo, heard: Now) -> Self {
        let rate = average(&info);
        Self { info, rate, heard }
    }

    /// When this counts as standing still, unless something comes; none for one that does not run.
    pub fn stalls_at(&self) -> Option<Now> {
        (self.info.state == TransferState::Running).then(|| self.heard.plus(STALLS_AFTER_MS))
    }

    /// Whether it should move and does not: then its last speed says nothing.
    pub fn is_stalled(&self, now: Now) -> bool {
        self.stalls_at().is_some_and(|at| at <= now)
    }

    pub fn is_over(&self) -> bool {
        matches!(self.info.state, TransferState::Done | TransferState::Failed)
    }

    /// Seconds left at the present rate.
    pub fn left_s(&self) -> Option<u64> {
        let rate = self.rate.filter(|rate| *rate > 0.0)?;
        (self.info.state == TransferState::Running)
            .then(|| (self.info.bytes_total.saturating_sub(self.info.bytes_done) as f64 / rate).ceil() as u64)
    }

    /// 0 to 1; none while the size is not known.
    pub fn fraction(&self) -> Option<f64> {
        let total = Some(self.info.bytes_total).filter(|total| *total > 0)?;
        Some((self.info.bytes_done as f64 / total as f64).min(1.0))
    }

    fn update(&mut self, info: TransferInfo, now: Now) {
        self.heard = now;
        let bytes = come(&info).saturating_sub(come(&self.info)) as f64;
        let ms = info.elapsed_ms.saturating_sub(self.info.elapsed_ms) as f64;
        let latest = (ms > 0.0).then(|| bytes * 1000.0 / ms);
        self.rate = match (self.rate, latest) {
            (Some(before), Some(latest)) => Some(before * 0.7 + latest * 0.3),
            (before, latest) => latest.or(before),
        };
        self.info = info;
        if self.is_over() {
            self.rate = average(&self.info);
        }
    }
}

fn average(info: &TransferInfo) -> Option<f64> {
    let bytes = come(info);
    (bytes > 0 && info.elapsed_ms > 0).then(|| bytes as f64 * 1000.0 / info.elapsed_ms as f64)
}

/// Bytes of this attempt: what an earlier one had left took no time in it.
fn come(info: &TransferInfo) -> u64 {
    info.bytes_done.saturating_sub(info.leaves_resumed.saturating_mul(LEAF_SIZE as u64))
}

#[derive(Clone, Debug, Default)]
pub struct Transfers {
    rows: Vec<TransferRow>,
    pub view: ListView,
    pub known: bool,
    pub dropped: u64,
}

impl Transfers {
    pub fn rows(&self) -> &[TransferRow] {
        &self.rows
    }

    pub fn selected(&self) -> Option<&TransferRow> {
        self.rows.get(self.view.selected)
    }

    /// Transfers under way in a direction.
    pub fn running(&self, direction: Direction) -> usize {
        self.rows.iter().filter(|row| !row.is_over() && row.info.direction == direction).count()
    }

    /// Peers that have had the whole of a package from this node.
    pub fn given_whole(&self, package: &PackageId) -> usize {
        let whole = |info: &&TransferInfo| {
            info.direction == Direction::Outbound && info.leaves_total > 0 && info.leaves_done == info.leaves_total
        };
        let uploads = self.rows.iter().map(|row| &row.info).filter(|info| info.package_id == *package).filter(whole);
        uploads.filter_map(|info| info.peer.as_ref()).collect::<BTreeSet<_>>().len()
    }

    pub fn set(&mut self, transfers: Vec<TransferInfo>, now: Now, rows: usize) {
        self.known = true;
        self.keeping_selection(rows, |list| {
            list.rows = transfers.into_iter().map(|info| TransferRow::new(info, now)).collect();
        });
    }

    pub fn put(&mut self, info: TransferInfo, now: Now, rows: usize) {
        self.keeping_selection(rows, |list| match list.rows.iter_mut().find(|row| row.info.id == info.id) {
            Some(row) => row.update(info, now),
            None => list.rows.push(TransferRow::new(info, now)),
        });
    }

    /// Takes ended ones off the list.
    pub fn clear_done(&mut self, rows: usize) {
        self.keeping_selection(rows, |list| list.rows.retain(|row| !row.is_over()));
    }

    fn keeping_selection(&mut self, rows: usize, change: impl FnOnce(&mut Self)) {
        let selected = self.selected().map(|row| row.info.id);
        change(self);
        self.rows.sort_by_key(|row| (row.is_over(), std::cmp::Reverse((row.info.started_at, row.info.id))));
        self.dropped += self.rows.len().saturating_sub(MAX_TRANSFERS) as u64;
        self.rows.truncate(MAX_TRANSFERS);
        let len = self.rows.len();
        match selected.and_then(|id| self.rows.iter().position(|row| row.info.id == id)) {
            Some(index) => self.view.follow(index, len, rows),
            None => self.view.select(self.view.selected, len, rows),
        }
    }
}
