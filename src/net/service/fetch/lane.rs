//! One lane: asks its provider for the leaves that the schedule gives it, verifies what comes and puts it in its place.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use libp2p::PeerId;
use tokio::task::{JoinSet, spawn_blocking};

use crate::market::{MarketError, VerifiedRelease};

use super::super::super::context::Context;
use super::super::super::protocol::ProtocolError;
use super::super::super::protocol::blob::{self, Answer, Leaf, Provider};
use super::super::transfers::Transfer;
use super::schedule::LaneId;
use super::sharing::Sharing;

/// Without work for so long, a lane ends: others need the upload place at the provider.
const IDLE_LIMIT: Duration = Duration::from_secs(20);
/// Between two looks for work.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Between two questions to one that is still downloading itself.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// Bytes of a package that are fetched through a relay: half of what one carries, as all else goes the same way.
const MOST_RELAYED: u64 = 64 * 1024;
/// Leaves verified and written at once: one lane alone may have all cores.
const MAX_CHECKING: usize = 3;
/// Leaves that a provider may say it has and then not give.
const MAX_LACKING: u32 = 64;

/// Why a lane ended that nothing was wrong with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneEnd {
    /// Every leaf is here.
    Finished,
    /// The provider has nothing that is still wanted.
    Idle,
}

/// What a lane works on.
pub struct Lane<'a> {
    pub context: &'a Context,
    pub release: &'a VerifiedRelease,
    pub sharing: &'a Arc<Sharing>,
    pub transfer: &'a Transfer,
    pub id: LaneId,
    pub peer: PeerId,
    /// Whether the provider is known not to have everything.
    pub is_part: bool,
    /// Bytes that have come, for the speed.
    pub received: Arc<AtomicU64>,
}

/// What the provider is to answer next.
enum Due {
    Leaves(Range<u32>),
    Held,
}

/// Where a lane is with its provider.
struct Course {
    provider: Provider,
    due: VecDeque<Due>,
    /// Leaves that are being verified and written while others are received; each comes back with whether it is new.
    checking: JoinSet<Result<(bool, Leaf), ProtocolError>>,
    idle_since: Option<Instant>,
    /// When it was last asked what it has.
    asked_at: Instant,
    /// Leaves that it did not have.
    lacking: u32,
}

impl Lane<'_> {
    /// Draws leaves from the provider until there is nothing more to draw.
    pub async fn run(mut self) -> Result<LaneEnd, ProtocolError> {
        fit_for(self.context, self.peer, self.release.release().size).await?;
        let mut provider = blob::open(self.context, self.peer, self.release, self.received.clone()).await?;
        let (sharing, leaves) = (self.sharing.clone(), std::mem::take(&mut provider.leaves));
        blocking(move || sharing.begin(leaves)).await?;
        self.transfer.running(self.peer);
        let mut course = Course {
            provider,
            due: VecDeque::new(),
            checking: JoinSet::new(),
            idle_since: None,
            asked_at: Instant::now(),
            lacking: 0,
        };
        if self.is_part {
            course.ask_held().await?;
        }
        let end = self.draw(&mut course).await?;
        course.provider.close().await;
        Ok(end)
    }

    async fn draw(&mut self, course: &mut Course) -> Result<LaneEnd, ProtocolError> {
        loop {
            let wanted = self.sharing.schedule().next(self.id, Instant::now());
            course.due.extend(course.provider.request(&wanted).await?.into_iter().map(Due::Leaves));
            match course.due.pop_front() {
                Some(Due::Held) => {
                    let held = course.provider.receive_held().await?;
                    self.sharing.schedule().holds(self.id, held);
                }
                Some(Due::Leaves(run)) => self.receive(course, run).await?,
                None => {
                    if let Some(end) = self.without_work(course).await? {
                        return Ok(end);
                    }
                }
            }
        }
    }

    async fn receive(&mut self, course: &mut Course, run: Range<u32>) -> Result<(), ProtocolError> {
        course.idle_since = None;
        match course.provider.receive(run.start).await? {
            Answer::Leaf(leaf) => {
                if run.len() > 1 {
                    course.due.push_front(Due::Leaves(run.start + 1..run.end));
                }
                let length = leaf.bytes().len();
                self.check(course, leaf);
                while course.checking.len() >= MAX_CHECKING {
                    self.took(course).await?;
                }
                // What is not read is not sent: the stream's flow control passes the pace on to the provider.
                self.context.services.download_rate().pass(length).await;
            }
            Answer::Lacking => {
                self.gave_up(run);
                self.is_part = true;
                course.lacking += 1;
                if course.lacking > MAX_LACKING {
                    return Err(ProtocolError::Absent);
                }
                course.ask_held().await?;
            }
        }
        Ok(())
    }

    /// Waits for work, or says why there will be none.
    async fn without_work(&self, course: &mut Course) -> Result<Option<LaneEnd>, ProtocolError> {
        while !course.checking.is_empty() {
            self.took(course).await?;
        }
        if self.sharing.is_complete() {
            return Ok(Some(LaneEnd::Finished));
        }
        if course.idle_since.get_or_insert_with(Instant::now).elapsed() > IDLE_LIMIT {
            return Ok(Some(LaneEnd::Idle));
        }
        if self.is_part && course.asked_at.elapsed() > ASK_AGAIN {
            course.ask_held().await?;
        } else {
            self.sharing.changed(LOOK_AGAIN).await;
        }
        Ok(None)
    }

    /// Verifies and writes while the next leaf is received.
    fn check(&self, course: &mut Course, leaf: Leaf) {
        let (sharing, lane) = (self.sharing.clone(), self.id);
        course.checking.spawn_blocking(move || Ok((sharing.take(lane, &leaf)?, leaf)));
    }

    /// Waits for one of those that are being checked.
    async fn took(&self, course: &mut Course) -> Result<(), ProtocolError> {
        let Some(checked) = course.checking.join_next().await else { return Ok(()) };
        let (is_new, leaf) = checked.map_err(|_| stopped())??;
        course.provider.give_back(leaf);
        if is_new {
            let (bytes, leaves) = self.sharing.progress();
            self.transfer.progress(bytes, leaves);
        }
        let received = self.received.load(Ordering::Relaxed);
        self.sharing.schedule().measure(self.id, received, Instant::now());
        Ok(())
    }

    /// The request for these leaves is over, since the provider lacks the first of them.
    fn gave_up(&self, run: Range<u32>) {
        let mut schedule = self.sharing.schedule();
        schedule.lacks(self.id, run.start);
        (run.start + 1..run.end).for_each(|leaf| schedule.withdraw(self.id, leaf));
        drop(schedule);
        self.sharing.stir();
    }
}

impl Course {
    async fn ask_held(&mut self) -> Result<(), ProtocolError> {
        self.provider.ask_held().await?;
        self.asked_at = Instant::now();
        self.due.push_back(Due::Held);
        Ok(())
    }
}

/// Sees to it that the connection with `peer` can carry `size` bytes: a relay's only few, also where it stands.
async fn fit_for(context: &Context, peer: PeerId, size: u64) -> Result<(), ProtocolError> {
    if size <= MOST_RELAYED {
        return Ok(());
    }
    let direct = async {
        context.swarm.ensure_connected(peer).await?;
        context.swarm.direct(peer).await
    };
    direct.await.map_err(|error| ProtocolError::Unreachable(error.to_string()))
}

fn stopped() -> ProtocolError {
    ProtocolError::Local(MarketError::Failed("a worker stopped".into()))
}

/// Runs what reads, writes or hashes away from the async threads.
pub async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, ProtocolError> + Send + 'static,
) -> Result<T, ProtocolError> {
    spawn_blocking(job).await.map_err(|_| stopped())?
}
