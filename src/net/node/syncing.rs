//! When to reconcile catalogues, and with whom: with each peer that comes, every minute with one of the connected, and soon
//! again while there is more to come: after announcements that were too many at once, and after a sync that brought something.

use std::collections::{HashSet, VecDeque};
use std::future::pending;
use std::time::Duration;

use libp2p::PeerId;
use rand::seq::IndexedRandom;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;

use super::super::context::Context;
use super::super::service::rate::{Bucket, PeerRates, Rate};
use super::super::service::sync;
use super::super::swarm::SyncDue;

const EVERY: Duration = Duration::from_secs(60);

/// Syncs that this node runs at once.
const AT_ONCE: usize = 4;

/// Syncs with one newcomer: one that comes and goes does not make this node read its catalogue again and again.
const NEWCOMER_RATE: Rate = Rate { per_second: 0.1, at_once: 4.0 };

/// Between the first sign that there is more to come and the sync that brings it: more will have come together by then.
const GATHERING: Duration = Duration::from_secs(2);

/// Syncs because there is more to come, whoever says so.
const MORE_RATE: Rate = Rate { per_second: 0.2, at_once: 12.0 };

/// Syncs that bring nothing, after one that did, before this node takes its catalogue for complete: a partner may lack the same.
const TO_BE_SURE: u32 = 2;

/// Peers waiting for theirs. Who does not fit has its turn within the coming minutes.
const WAITING: usize = 128;

struct Syncing {
    context: Context,
    /// With whom, and how many releases it brought; none: it failed.
    running: JoinSet<(PeerId, Option<usize>)>,
    partners: HashSet<PeerId>,
    waiting: VecDeque<PeerId>,
    newcomers: PeerRates,
    more: More,
    /// The last one, who is not asked twice in a row.
    last: Option<PeerId>,
}

/// There is more to come.
struct More {
    /// When to ask, and whom if possible.
    next: Option<(Option<PeerId>, Instant)>,
    /// Syncs that may yet bring nothing.
    left: u32,
    rate: Bucket,
}

/// Runs until `stop`.
pub async fn run(context: Context, mut due: mpsc::Receiver<SyncDue>, stop: CancellationToken) {
    let mut syncing = Syncing {
        context,
        running: JoinSet::new(),
        partners: HashSet::new(),
        waiting: VecDeque::new(),
        newcomers: PeerRates::new(NEWCOMER_RATE),
        more: More { next: None, left: 0, rate: Bucket::new(MORE_RATE, std::time::Instant::now()) },
        last: None,
    };
    let mut every = interval_at(Instant::now() + EVERY, EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(due) = due.recv() => syncing.on_due(due),
            () = syncing.more.due() => syncing.ask_for_more(),
            _ = every.tick() => syncing.ask_for_any(),
            Some(done) = syncing.running.join_next(), if !syncing.running.is_empty() => syncing.on_done(done.ok()),
        }
        syncing.start_waiting();
    }
}

impl More {
    fn is_to_come(&mut self, from: Option<PeerId>) {
        self.left = TO_BE_SURE;
        self.next.get_or_insert((from, Instant::now() + GATHERING));
    }

    /// A sync brought so many releases; none: it failed.
    fn came(&mut self, brought: Option<usize>) {
        match brought {
            Some(0) => self.left = self.left.saturating_sub(1),
            Some(_) => self.left = TO_BE_SURE,
            None => {}
        }
        if self.left > 0 {
            self.next.get_or_insert((None, Instant::now() + GATHERING));
        }
    }

    /// Returns when it is time to ask for it.
    async fn due(&self) {
        match self.next {
            Some((_, at)) => sleep_until(at).await,
            None => pending().await,
        }
    }
}

impl Syncing {
    fn on_due(&mut self, due: SyncDue) {
        match due {
            SyncDue::Met(peer) => self.on_newcomer(peer),
            SyncDue::Missed(peer) => self.more.is_to_come(Some(peer)),
        }
    }

    fn ask_for_more(&mut self) {
        let Some((peer, _)) = self.more.next.take() else { return };
        // Else what comes every minute brings it.
        if !self.more.rate.allow(MORE_RATE, std::time::Instant::now()) {
            return;
        }
        match peer.filter(|peer| self.context.peers.sync_partners().contains(peer)) {
            Some(peer) => self.ask_for(peer),
            None => self.ask_for_any(),
        }
    }

    fn on_newcomer(&mut self, peer: PeerId) {
        if self.newcomers.allow(peer, std::time::Instant::now()) {
            self.ask_for(peer);
        }
    }

    fn ask_for(&mut self, peer: PeerId) {
        if self.waiting.len() < WAITING && !self.waiting.contains(&peer) && !self.partners.contains(&peer) {
            self.waiting.push_back(peer);
        }
    }

    fn ask_for_any(&mut self) {
        let mut partners = self.context.peers.sync_partners();
        if partners.len() > 1 {
            partners.retain(|peer| self.last != Some(*peer));
        }
        if let Some(peer) = partners.choose(&mut rand::rng()) {
            self.ask_for(*peer);
        }
    }

    fn on_done(&mut self, done: Option<(PeerId, Option<usize>)>) {
        match done {
            Some((peer, brought)) => {
                self.partners.remove(&peer);
                self.last = Some(peer);
                self.more.came(brought);
            }
            // One that panicked does not say whose it was.
            None if self.running.is_empty() => self.partners.clear(),
            None => {}
        }
    }

    fn start_waiting(&mut self) {
        while self.running.len() < AT_ONCE {
            let Some(peer) = self.waiting.pop_front() else { return };
            if !self.context.peers.is_connected(peer) || !self.partners.insert(peer) {
                continue;
            }
            let context = self.context.clone();
            self.running.spawn(async move {
                // An error is in the peer book and the log.
                (peer, sync::with_peer(&context, peer).await.ok().map(|report| report.received))
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sync_that_brought_something_is_followed_by_others_until_two_bring_nothing() {
        let mut more = More { next: None, left: 0, rate: Bucket::new(MORE_RATE, std::time::Instant::now()) };
        let mut follows = |brought| {
            more.came(brought);
            more.next.take().is_some()
        };
        assert_eq!([Some(0), None].map(&mut follows), [false, false]);
        assert_eq!([Some(7), Some(0), None, Some(0), Some(0)].map(&mut follows), [true, true, true, false, false]);
        assert_eq!([Some(1), Some(0), Some(3), Some(0), Some(0)].map(&mut follows), [true, true, true, true, false]);
    }
}
