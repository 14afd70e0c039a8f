//! Conducts one download: takes providers as they are found, keeps up to four lanes at work, replaces those that fail, lie, stall
//! or hold up the others, and knows when it is over.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use libp2p::PeerId;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::market::{MarketError, SafeText, VerifiedRelease};

use super::super::super::api::{LaneInfo, LaneState};
use super::super::super::context::Context;
use super::super::super::error::NodeError;
use super::super::super::peers::Outcome;
use super::super::super::protocol::ProtocolError;
use super::super::super::protocol::frame::FrameError;
use super::super::transfers::Transfer;
use super::find::{self, Candidate, Found};
use super::lane::{Lane, LaneEnd};
use super::report::{self, Failure};
use super::schedule::LaneId;
use super::sharing::Sharing;

/// Providers drawn from at a time.
const LANES: usize = 4;
/// Providers tried.
const MAX_TRIED: usize = 24;
/// A provider that is busy is tried again so often, after so long.
const BUSY_TRIES: u32 = 20;
const BUSY_PAUSE: Duration = Duration::from_millis(500);
/// One that stalled is asked again so often, after so long, when nobody else waits.
const STALL_TRIES: u32 = 3;
const STALL_PAUSE: Duration = Duration::from_secs(2);
/// Between two measurements of the lanes.
const TICK: Duration = Duration::from_millis(250);
/// Lanes that have ended and are still shown.
const ENDED_SHOWN: usize = 12;

/// Fills what is missing of `sharing`; returns who delivered, the one that gave most first.
pub async fn conduct(
    context: &Context,
    release: &VerifiedRelease,
    sharing: &Arc<Sharing>,
    transfer: &Arc<Transfer>,
) -> Result<Vec<PeerId>, NodeError> {
    let (sender, found) = mpsc::channel(16);
    let mut conductor = Conductor {
        context,
        release,
        sharing,
        transfer,
        found,
        all_asked: false,
        is_closed: false,
        seen: HashSet::new(),
        waiting: VecDeque::new(),
        later: HashMap::new(),
        set_aside: Vec::new(),
        distrusted: VecDeque::new(),
        lanes: JoinSet::new(),
        running: BTreeMap::new(),
        ended: VecDeque::new(),
        delivered: HashMap::new(),
        failures: Vec::new(),
    };
    // Ends with this function.
    let mut finding = JoinSet::new();
    finding.spawn(find::run(context.clone(), release.clone(), sender));
    conductor.run().await?;
    Ok(conductor.providers())
}

struct Conductor<'a> {
    context: &'a Context,
    release: &'a VerifiedRelease,
    sharing: &'a Arc<Sharing>,
    transfer: &'a Arc<Transfer>,
    found: mpsc::Receiver<Found>,
    all_asked: bool,
    is_closed: bool,
    /// Everybody that was ever taken up.
    seen: HashSet<PeerId>,
    waiting: VecDeque<Candidate>,
    /// Those that said they are busy, or stalled: how often, and when to ask again.
    later: HashMap<PeerId, (u32, Instant)>,
    /// Those that had to make room: better than none.
    set_aside: Vec<PeerId>,
    /// Those with a bad record: for when it is known that there is nobody else.
    distrusted: VecDeque<PeerId>,
    lanes: JoinSet<(LaneId, Option<Result<LaneEnd, ProtocolError>>)>,
    running: BTreeMap<LaneId, Running>,
    ended: VecDeque<LaneInfo>,
    /// Verified leaves that came from each.
    delivered: HashMap<PeerId, u64>,
    failures: Vec<Failure>,
}

struct Running {
    peer: PeerId,
    since: Instant,
    received: Arc<AtomicU64>,
    /// Ends the lane in favour of another one.
    dismissal: CancellationToken,
}

impl Conductor<'_> {
    async fn run(&mut self) -> Result<(), NodeError> {
        while !self.sharing.is_complete() {
            self.take_up();
            if self.is_hopeless() {
                let mut banned = self.context.services.holders().of(self.release.release().package_id);
                banned.retain(|peer| self.context.peers.is_banned(*peer));
                return Err(report::all_failed(self.release, &self.failures, &banned));
            }
            tokio::select! {
                found = self.found.recv(), if !self.is_closed => self.consider(found),
                Some(ended) = self.lanes.join_next() => match ended {
                    Ok((lane, end)) => self.ended(lane, end)?,
                    Err(_) => return Err(MarketError::Failed("a worker stopped".into()).into()),
                },
                () = sleep(TICK) => self.tick(),
            }
        }
        let lanes: Vec<_> = self.running.keys().copied().collect();
        lanes.into_iter().for_each(|lane| self.count(lane));
        self.show();
        Ok(())
    }

    /// Nobody is at it, nobody waits, and nobody is left to be found.
    fn is_hopeless(&self) -> bool {
        let waiting = self.waiting.len() + self.later.len() + self.set_aside.len() + self.distrusted.len();
        self.all_asked && self.running.is_empty() && waiting == 0
    }

    fn consider(&mut self, found: Option<Found>) {
        self.is_closed = found.is_none();
        let Some(Found::Provider(candidate)) = found else {
            self.all_asked = true;
            return;
        };
        let peer = candidate.peer;
        let is_new = peer != self.context.swarm.local_peer() && self.seen.len() < MAX_TRIED && self.seen.insert(peer);
        if !is_new {
            return;
        }
        match self.context.peers.distrust(peer) {
            None => self.waiting.push_back(candidate),
            Some(why) => {
                self.transfer.note(&format!("{peer} is asked only if no other has it: {why}"));
                self.distrusted.push_back(peer);
            }
        }
    }

    /// Gives free lanes to those that wait, the best first.
    fn take_up(&mut self) {
        while self.running.len() < LANES {
            let Some(candidate) = self.next() else { break };
            self.start(candidate);
        }
    }

    fn next(&mut self) -> Option<Candidate> {
        let now = Instant::now();
        let due = self.later.iter().find(|(_, (_, due))| *due <= now).map(|(peer, _)| *peer);
        let ranked = self.context.peers.rank(self.waiting.iter().map(|candidate| candidate.peer).collect());
        // Banned ones are not among the ranked.
        self.waiting.retain(|candidate| ranked.contains(&candidate.peer));
        if let Some(best) = ranked.first() {
            let place = self.waiting.iter().position(|candidate| candidate.peer == *best)?;
            return self.waiting.remove(place);
        }
        let Some(peer) = due else {
            return self.last_resort().map(|peer| Candidate { peer, holds: None });
        };
        // Kept with the number of tries, and far off, until it is known how this one ends.
        if let Some((_, due)) = self.later.get_mut(&peer) {
            *due = now + Duration::from_secs(3600);
        }
        Some(Candidate { peer, holds: None })
    }

    /// Somebody rather than nobody.
    fn last_resort(&mut self) -> Option<PeerId> {
        if !self.running.is_empty() {
            return None;
        }
        let nobody_else = self.all_asked && self.later.is_empty();
        self.set_aside.pop().or_else(|| if nobody_else { self.distrusted.pop_front() } else { None })
    }

    fn start(&mut self, candidate: Candidate) {
        let Candidate { peer, holds } = candidate;
        let (is_part, now) = (holds.is_some(), Instant::now());
        let lane = self.sharing.schedule().join(holds, now);
        let (received, dismissal) = (Arc::<AtomicU64>::default(), CancellationToken::new());
        self.running
            .insert(lane, Running { peer, since: now, received: received.clone(), dismissal: dismissal.clone() });
        let (context, release) = (self.context.clone(), self.release.clone());
        let (sharing, transfer) = (self.sharing.clone(), self.transfer.clone());
        self.lanes.spawn(async move {
            let work = Lane {
                context: &context,
                release: &release,
                sharing: &sharing,
                transfer: &transfer,
                id: lane,
                peer,
                is_part,
                received,
            };
            tokio::select! {
                () = dismissal.cancelled() => (lane, None),
                end = work.run() => (lane, Some(end)),
            }
        });
    }

    /// A lane has ended: what was asked of it is free for others.
    fn ended(&mut self, lane: LaneId, end: Option<Result<LaneEnd, ProtocolError>>) -> Result<(), NodeError> {
        self.count(lane);
        self.sharing.schedule().leave(lane);
        self.sharing.stir();
        let Some(Running { peer, received, .. }) = self.running.remove(&lane) else { return Ok(()) };
        let tries = self.later.remove(&peer).map_or(0, |(tries, _)| tries);
        let (state, why) = match end {
            None => {
                self.set_aside.push(peer);
                (LaneState::Dismissed, "too slow while others wait".to_owned())
            }
            Some(Ok(LaneEnd::Finished)) => (LaneState::Done, String::new()),
            Some(Ok(LaneEnd::Idle)) => {
                // It may come to have more.
                self.seen.remove(&peer);
                (LaneState::Done, "has nothing more that is wanted".to_owned())
            }
            Some(Err(ProtocolError::Local(error))) => return Err(error.into()),
            Some(Err(ProtocolError::Signed(detail))) => return Err(report::signed_wrong(self.release, &detail)),
            Some(Err(ProtocolError::Busy)) if tries < BUSY_TRIES => {
                self.transfer.note("waiting for a busy peer");
                self.later.insert(peer, (tries + 1, Instant::now() + BUSY_PAUSE));
                return Ok(());
            }
            Some(Err(error)) => {
                let why = error.to_string();
                // A line may hang for a moment, and the one that has it may be the only one.
                let gave = received.load(Ordering::Relaxed) > 0 || !self.running.is_empty();
                let stalled = matches!(error, ProtocolError::Frame(FrameError::Stalled(_)));
                self.failed(peer, error);
                if stalled && gave && tries < STALL_TRIES {
                    self.later.insert(peer, (tries + 1, Instant::now() + STALL_PAUSE));
                }
                (LaneState::Failed, why)
            }
        };
        let info = LaneInfo {
            peer: peer.to_string(),
            state,
            bytes: received.load(Ordering::Relaxed),
            leaves: self.delivered.get(&peer).copied().unwrap_or(0),
            rate: None,
            why: SafeText::new(&why),
        };
        self.ended.push_front(info);
        self.ended.truncate(ENDED_SHOWN);
        self.show();
        Ok(())
    }

    fn failed(&mut self, peer: PeerId, error: ProtocolError) {
        tracing::debug!(%peer, %error, "provider failed");
        self.transfer.note(&format!("{peer}: {error}"));
        if !matches!(error, ProtocolError::Busy) {
            self.context.services.holders().remove(self.release.release().package_id, peer);
        }
        if let Some(outcome) = error.outcome() {
            self.context.peers.record(peer, report::about(self.release, outcome));
        }
        self.failures.push(Failure { peer, error });
    }

    /// Measures the lanes, and ends one that holds up those who wait.
    fn tick(&mut self) {
        let now = Instant::now();
        let mut schedule = self.sharing.schedule();
        for (lane, running) in &self.running {
            schedule.measure(*lane, running.received.load(Ordering::Relaxed), now);
        }
        let somebody_waits = !self.waiting.is_empty() && self.running.len() >= LANES;
        let hindrance = schedule.hindrance(now).filter(|_| somebody_waits);
        drop(schedule);
        if let Some(running) = hindrance.and_then(|lane| self.running.get(&lane)) {
            running.dismissal.cancel();
        }
        self.show();
    }

    /// Takes note of what a lane has delivered.
    fn count(&mut self, lane: LaneId) {
        let Some(running) = self.running.get(&lane) else { return };
        let received = running.received.load(Ordering::Relaxed);
        if received > 0 {
            self.context.peers.count_throughput(running.peer, received, running.since.elapsed());
        }
        let delivered = self.sharing.schedule().standing(lane).delivered;
        if delivered > 0 {
            *self.delivered.entry(running.peer).or_default() += delivered;
        }
    }

    fn show(&self) {
        let schedule = self.sharing.schedule();
        let running = self.running.iter().map(|(lane, running)| {
            let standing = schedule.standing(*lane);
            let bytes = running.received.load(Ordering::Relaxed);
            LaneInfo {
                peer: running.peer.to_string(),
                state: if bytes == 0 { LaneState::Opening } else { LaneState::Running },
                bytes,
                leaves: standing.delivered,
                rate: standing.rate.map(|rate| rate as u64),
                why: SafeText::new(if bytes > 0 && standing.asked == 0 { "waits for work" } else { "" }),
            }
        });
        let lanes = running.chain(self.ended.iter().cloned()).collect();
        drop(schedule);
        self.transfer.lanes(lanes);
        self.transfer.map(&self.sharing.here());
        let (bytes, leaves) = self.sharing.progress();
        self.transfer.progress(bytes, leaves);
    }

    fn providers(&self) -> Vec<PeerId> {
        let package = self.release.release().package_id;
        let mut providers: Vec<(PeerId, u64)> = self.delivered.iter().map(|(peer, leaves)| (*peer, *leaves)).collect();
        providers.sort_by_key(|(peer, leaves)| (std::cmp::Reverse(*leaves), *peer));
        providers.retain(|(peer, _)| !self.context.peers.is_banned(*peer));
        for (peer, _) in &providers {
            self.context.peers.record(*peer, Outcome::Success("download"));
            self.context.services.holders().add(package, *peer);
        }
        providers.into_iter().map(|(peer, _)| peer).collect()
    }
}
