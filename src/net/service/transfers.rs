//! Downloads and uploads under way and the last ones done (bounded), for the screen.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use libp2p::PeerId;
use tokio::sync::watch;

use crate::market::{PackageId, SafeText};

use super::super::api::{Direction, LaneInfo, NodeEvent, TransferInfo, TransferState, TransferWish};
use super::super::bus::EventBus;
use super::super::clock::unix_now;
use super::super::error::{ErrorKind, NodeError};

/// Ended transfers that are still shown.
const MAX_ENDED: usize = 64;
/// Running transfers that are shown; more than the slots for them allow.
const MAX_RUNNING: usize = 256;
/// Parts of the map of what is here.
const MAP_PARTS: usize = 64;
/// Between two events of one transfer.
const PAUSE: Duration = Duration::from_millis(100);

/// All transfers of a node. Cheap to clone.
#[derive(Clone)]
pub struct TransferBoard {
    inner: Arc<Mutex<Inner>>,
    bus: EventBus,
}

#[derive(Default)]
struct Inner {
    next_id: u64,
    entries: VecDeque<Entry>,
}

struct Entry {
    info: TransferInfo,
    wish: watch::Sender<Wish>,
    started: Instant,
    told: Instant,
}

/// What a person wants of a transfer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    #[default]
    Go,
    Wait,
    /// With what has come kept, or not.
    End {
        keep: bool,
    },
}

/// A transfer under way. Dropped before its end (the task was cancelled), it counts as failed.
pub struct Transfer {
    board: TransferBoard,
    id: u64,
    wish: watch::Receiver<Wish>,
    ended: AtomicBool,
}

impl TransferBoard {
    /// Tells of its transfers on `bus`.
    pub fn new(bus: EventBus) -> Self {
        Self { inner: Arc::default(), bus }
    }

    /// All that are known, newest first.
    pub fn list(&self) -> Vec<TransferInfo> {
        self.lock().entries.iter().rev().map(Entry::now).collect()
    }

    /// A new transfer: `Inbound` is a download, `Outbound` an upload.
    pub(in crate::net) fn begin(
        &self,
        direction: Direction,
        name: SafeText,
        package_id: PackageId,
        bytes_total: u64,
    ) -> Transfer {
        let now = Instant::now();
        let info = TransferInfo {
            id: 0,
            direction,
            name,
            package_id,
            peer: None,
            bytes_done: 0,
            bytes_total,
            leaves_done: 0,
            leaves_total: crate::market::merkle::leaf_count(bytes_total),
            leaves_resumed: 0,
            map: Vec::new(),
            can_wait: false,
            lanes: Vec::new(),
            state: TransferState::Finding,
            note: SafeText::default(),
            started_at: unix_now(),
            elapsed_ms: 0,
        };
        let (sender, wish) = watch::channel(Wish::Go);
        let (id, told) = self.lock().add(Entry { info, wish: sender, started: now, told: now });
        self.bus.emit(NodeEvent::Transfer(told));
        Transfer { board: self.clone(), id, wish, ended: AtomicBool::new(false) }
    }

    /// Notes what a person wants of a transfer. `false`: so it is already, or it has ended.
    ///
    /// # Errors
    /// Not found: there is no such transfer. Usage: it is none that can wait; an upload can only be ended.
    pub fn wish(&self, id: u64, wanted: TransferWish) -> Result<bool, NodeError> {
        let inner = self.lock();
        let Some(entry) = inner.entries.iter().find(|entry| entry.info.id == id) else {
            return Err(NodeError::new(ErrorKind::NotFound, format!("there is no transfer {id}")));
        };
        if ended(&entry.info) {
            return Ok(false);
        }
        let upload = entry.info.direction == Direction::Outbound;
        if upload && !matches!(wanted, TransferWish::Cancel { .. }) {
            return Err(NodeError::new(ErrorKind::Usage, "an upload cannot be paused: the other side would give up")
                .hint("it can be cancelled; performance.upload_limit slows all of them"));
        }
        if !upload && !entry.info.can_wait {
            return Err(NodeError::new(
                ErrorKind::Usage,
                format!("{} can neither be paused nor cancelled", entry.info.name),
            )
            .hint("only downloads of signed packages can"));
        }
        let wish = match wanted {
            TransferWish::Pause => Wish::Wait,
            TransferWish::Resume => Wish::Go,
            TransferWish::Cancel { keep } => Wish::End { keep },
        };
        Ok(entry.wish.send_if_modified(|before| {
            // What is to end does not go on.
            let changes = *before != wish && !matches!(before, Wish::End { .. });
            if changes {
                *before = wish;
            }
            changes
        }))
    }

    fn change(&self, id: u64, always: bool, change: impl FnOnce(&mut TransferInfo)) {
        let told = {
            let mut inner = self.lock();
            let Some(entry) = inner.entries.iter_mut().rev().find(|entry| entry.info.id == id) else { return };
            if ended(&entry.info) {
                return;
            }
            change(&mut entry.info);
            if ended(&entry.info) {
                entry.info.elapsed_ms = elapsed(entry.started);
            }
            if !always && entry.told.elapsed() < PAUSE {
                return;
            }
            entry.told = Instant::now();
            entry.now()
        };
        self.bus.emit(NodeEvent::Transfer(told));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn add(&mut self, mut entry: Entry) -> (u64, TransferInfo) {
        self.next_id += 1;
        entry.info.id = self.next_id;
        let told = entry.now();
        self.entries.push_back(entry);
        self.forget(MAX_ENDED, ended);
        self.forget(MAX_RUNNING, |info| !ended(info));
        (self.next_id, told)
    }

    /// Drops the oldest of those that `which` says until at most `keep` are left.
    fn forget(&mut self, keep: usize, which: impl Fn(&TransferInfo) -> bool) {
        let mut surplus = self.entries.iter().filter(|entry| which(&entry.info)).count().saturating_sub(keep);
        self.entries.retain(|entry| {
            let drop = surplus > 0 && which(&entry.info);
            surplus -= usize::from(drop);
            !drop
        });
    }
}

impl Entry {
    fn now(&self) -> TransferInfo {
        let mut info = self.info.clone();
        if !ended(&info) {
            info.elapsed_ms = elapsed(self.started);
        }
        info
    }
}

/// How much of each part is here, in eighths.
fn map_of(here: &[bool]) -> Vec<u8> {
    let parts = here.len().min(MAP_PARTS);
    let bounds = |part: usize| part * here.len() / parts.max(1);
    let eighths = |part: usize| {
        let leaves = here.get(bounds(part)..bounds(part + 1)).unwrap_or_default();
        let there = leaves.iter().filter(|leaf| **leaf).count();
        u8::try_from(there * 8 / leaves.len().max(1)).unwrap_or(8)
    };
    (0..parts).map(eighths).collect()
}

fn ended(info: &TransferInfo) -> bool {
    matches!(info.state, TransferState::Done | TransferState::Failed)
}

fn elapsed(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Transfer {
    /// With this peer now, too.
    pub(in crate::net) fn running(&self, peer: PeerId) {
        self.board.change(self.id, false, |info| {
            info.peer.get_or_insert_with(|| peer.to_string());
            info.state = TransferState::Running;
        });
    }

    /// One more leaf of `bytes` is across.
    pub(in crate::net) fn leaf(&self, bytes: usize) {
        self.board.change(self.id, false, |info| {
            info.bytes_done = info.bytes_done.saturating_add(bytes as u64).min(info.bytes_total);
            info.leaves_done = info.leaves_done.saturating_add(1).min(info.leaves_total);
        });
    }

    /// So much was here before it began.
    pub(in crate::net) fn resumed(&self, bytes: u64, leaves: u64) {
        self.board.change(self.id, false, |info| {
            (info.bytes_done, info.leaves_done, info.leaves_resumed) = (bytes, leaves, leaves);
        });
    }

    /// So much is here. Several lanes tell it, and one may be told late: what is here does not become less.
    pub(in crate::net) fn progress(&self, bytes: u64, leaves: u64) {
        self.board.change(self.id, false, |info| {
            (info.bytes_done, info.leaves_done) = (info.bytes_done.max(bytes), info.leaves_done.max(leaves));
        });
    }

    /// The providers it draws from, those at work first; who gave most is the transfer's peer.
    pub(in crate::net) fn lanes(&self, lanes: Vec<LaneInfo>) {
        self.board.change(self.id, false, |info| {
            let best = lanes.iter().max_by_key(|lane| lane.leaves).filter(|lane| lane.leaves > 0);
            info.peer = best.map(|lane| lane.peer.clone()).or(info.peer.take());
            info.lanes = lanes;
        });
    }

    /// So many bytes of a file that has no leaves are here; `total`, where that is known.
    pub(in crate::net) fn received(&self, done: u64, total: Option<u64>) {
        self.board.change(self.id, false, |info| {
            info.state = TransferState::Running;
            info.bytes_done = done;
            info.bytes_total = total.unwrap_or(0).max(done);
        });
    }

    /// A person may have it wait or end: whoever carries it out heeds [`Self::wished`].
    pub(in crate::net) fn can_wait(&self) {
        self.board.change(self.id, true, |info| info.can_wait = true);
    }

    /// Returns what a person wants as soon as that is not to go on as before.
    pub(in crate::net) async fn wished(&self) -> Wish {
        let mut wish = self.wish.clone();
        let wished = wish.wait_for(|wish| *wish != Wish::Go).await.map(|wish| *wish).ok();
        match wished {
            Some(wish) => wish,
            // Forgotten by the board: nobody can want anything of it any more.
            None => std::future::pending().await,
        }
    }

    /// Whether a person wants it to end.
    pub(in crate::net) fn is_to_end(&self) -> bool {
        matches!(*self.wish.borrow(), Wish::End { .. })
    }

    /// It waits; returns when it is to go on, or to end.
    pub(in crate::net) async fn wait(&self) -> Wish {
        self.board.change(self.id, true, |info| {
            info.state = TransferState::Paused;
            info.lanes.clear();
        });
        let mut wish = self.wish.clone();
        let wanted = wish.wait_for(|wish| *wish != Wish::Wait).await.map_or(Wish::Go, |wish| *wish);
        self.board.change(self.id, true, |info| info.state = TransferState::Finding);
        wanted
    }

    /// Which leaves are here.
    pub(in crate::net) fn map(&self, here: &[bool]) {
        let map = map_of(here);
        self.board.change(self.id, false, |info| info.map = map);
    }

    /// What it waits for, or what went wrong with one provider.
    pub(in crate::net) fn note(&self, note: &str) {
        self.board.change(self.id, false, |info| info.note = SafeText::new(note));
    }

    /// All bytes are here.
    pub(in crate::net) fn verifying(&self) {
        self.board.change(self.id, false, |info| info.state = TransferState::Verifying);
    }

    /// It is through.
    pub(in crate::net) fn done(&self) {
        self.end(TransferState::Done, "");
    }

    /// It is through although not all is across, and why.
    pub(in crate::net) fn done_with(&self, why: &str) {
        self.end(TransferState::Done, why);
    }

    /// It failed, and why.
    pub(in crate::net) fn failed(&self, why: &str) {
        self.end(TransferState::Failed, why);
    }

    fn end(&self, state: TransferState, note: &str) {
        self.ended.store(true, Ordering::Relaxed);
        self.board.change(self.id, true, |info| {
            info.state = state;
            info.note = SafeText::new(note);
        });
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        if !self.ended.load(Ordering::Relaxed) {
            self.end(TransferState::Failed, "stopped");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::merkle::LEAF_SIZE;

    fn begin(board: &TransferBoard, name: &str) -> Transfer {
        board.begin(Direction::Inbound, SafeText::new(name), PackageId([1; 32]), 3 * LEAF_SIZE as u64)
    }

    #[tokio::test]
    async fn events_are_few_and_the_end_is_always_told() {
        let bus = EventBus::new();
        let mut events = bus.subscribe();
        let board = TransferBoard::new(bus.clone());
        let transfer = begin(&board, "tool 1.0.0");
        transfer.running(PeerId::random());
        for _ in 0..3 {
            transfer.leaf(LEAF_SIZE);
        }
        transfer.done();
        bus.close();
        let mut told = Vec::new();
        while let Some(NodeEvent::Transfer(info)) = events.next().await {
            told.push(info);
        }
        assert!(told.len() < 5, "{} events within {PAUSE:?}", told.len());
        let last = told.last().unwrap();
        assert_eq!((last.state, last.leaves_done, last.leaves_total), (TransferState::Done, 3, 3));
        assert_eq!(last.bytes_done, last.bytes_total);
    }

    #[test]
    fn a_dropped_transfer_has_failed_and_nothing_moves_after_its_end() {
        let board = TransferBoard::new(EventBus::new());
        let transfer = begin(&board, "tool 1.0.0");
        transfer.resumed(LEAF_SIZE as u64, 1);
        transfer.running(PeerId::random());
        transfer.leaf(LEAF_SIZE);
        assert_eq!((board.list()[0].leaves_done, board.list()[0].leaves_resumed), (2, 1));
        drop(transfer);
        assert_eq!(board.list()[0].state, TransferState::Failed);
        let transfer = begin(&board, "tool 1.0.0");
        transfer.done();
        transfer.leaf(LEAF_SIZE);
        assert_eq!((board.list()[0].state, board.list()[0].leaves_done), (TransferState::Done, 0));
    }

    #[test]
    fn the_map_says_how_much_of_each_part_is_here() {
        assert_eq!(map_of(&[]), [0u8; 0]);
        assert_eq!(map_of(&[true, false, true]), [8, 0, 8]);
        let map = map_of(&(0..1000).map(|leaf| leaf < 508).collect::<Vec<_>>());
        assert_eq!((map.len(), map[0], map[31], map[32], map[63]), (MAP_PARTS, 8, 8, 4, 0));
    }

    #[tokio::test]
    async fn a_download_waits_goes_on_and_ends_as_it_is_wanted() {
        let board = TransferBoard::new(EventBus::new());
        assert_eq!(board.wish(9, TransferWish::Pause).unwrap_err().kind, ErrorKind::NotFound);
        let transfer = begin(&board, "tool 1.0.0");
        let id = transfer.id;
        assert_eq!(board.wish(id, TransferWish::Pause).unwrap_err().kind, ErrorKind::Usage);
        transfer.can_wait();
        assert!(board.wish(id, TransferWish::Pause).unwrap() && !board.wish(id, TransferWish::Pause).unwrap());
        assert_eq!(transfer.wished().await, Wish::Wait);
        let (waited, _) = tokio::join!(transfer.wait(), async {
            tokio::task::yield_now().await;
            assert_eq!(board.list()[0].state, TransferState::Paused);
            board.wish(id, TransferWish::Resume).unwrap()
        });
        assert_eq!((waited, board.list()[0].state), (Wish::Go, TransferState::Finding));
        assert!(board.wish(id, TransferWish::Cancel { keep: true }).unwrap());
        assert!(!board.wish(id, TransferWish::Resume).unwrap(), "what is to end does not go on");
        assert_eq!(transfer.wished().await, Wish::End { keep: true });
        transfer.failed("cancelled");
        assert!(!board.wish(id, TransferWish::Pause).unwrap());
    }

    #[test]
    fn ended_transfers_are_forgotten_first_in_first_out() {
        let board = TransferBoard::new(EventBus::new());
        let running = begin(&board, "running");
        for n in 0..MAX_ENDED + 5 {
            begin(&board, &n.to_string()).done();
        }
        let names: Vec<_> = board.list().into_iter().map(|info| info.name.to_string()).collect();
        assert_eq!(names.first().map(String::as_str), Some("68"));
        assert_eq!(names.last().map(String::as_str), Some("running"));
        assert!(names.len() <= MAX_ENDED + 2 && !names.contains(&"1".to_owned()));
        running.failed("why not");
        assert!(board.list().iter().any(|info| &*info.note == "why not"));
    }
}
