//! When to reconcile catalogues, and with whom: with each peer that comes, and every minute with one of the connected.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use libp2p::PeerId;
use rand::seq::IndexedRandom;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::super::context::Context;
use super::super::service::rate::{PeerRates, Rate};
use super::super::service::sync;

const EVERY: Duration = Duration::from_secs(60);

/// Syncs that this node runs at once.
const AT_ONCE: usize = 4;

/// Syncs with one newcomer: one that comes and goes does not make this node read its catalogue again and again.
const NEWCOMER_RATE: Rate = Rate { per_second: 0.1, at_once: 4.0 };

/// Peers waiting for theirs. Who does not fit has its turn within the coming minutes.
const WAITING: usize = 128;

struct Syncing {
    context: Context,
    running: JoinSet<PeerId>,
    partners: HashSet<PeerId>,
    waiting: VecDeque<PeerId>,
    newcomers: PeerRates,
}

/// Runs until `stop`.
pub async fn run(context: Context, mut newcomers: mpsc::Receiver<PeerId>, stop: CancellationToken) {
    let mut syncing = Syncing {
        context,
        running: JoinSet::new(),
        partners: HashSet::new(),
        waiting: VecDeque::new(),
        newcomers: PeerRates::new(NEWCOMER_RATE),
    };
    let mut every = interval_at(Instant::now() + EVERY, EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(peer) = newcomers.recv() => syncing.on_newcomer(peer),
            _ = every.tick() => syncing.ask_for_any(),
            Some(done) = syncing.running.join_next(), if !syncing.running.is_empty() => syncing.on_done(done.ok()),
        }
        syncing.start_waiting();
    }
}

impl Syncing {
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
        if let Some(peer) = self.context.peers.sync_partners().choose(&mut rand::rng()) {
            self.ask_for(*peer);
        }
    }

    fn on_done(&mut self, peer: Option<PeerId>) {
        match peer {
            Some(peer) => drop(self.partners.remove(&peer)),
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
                // What it came to is in the peer book and the log.
                let _ = sync::with_peer(&context, peer).await;
                peer
            });
        }
    }
}
