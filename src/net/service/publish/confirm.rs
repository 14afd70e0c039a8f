//! Waiting until other peers have seen a release, or hold its bytes.

use std::collections::HashSet;
use std::time::Duration;

use futures::future::join_all;
use libp2p::PeerId;
use tokio::time::{Instant, sleep};

use crate::market::VerifiedRelease;

use super::super::super::api::PublishRequest;
use super::super::super::context::Context;
use super::super::super::protocol::sync::{self, Holdings};

/// How long an ordinary publish waits to be seen.
const PATIENCE: Duration = Duration::from_millis(1500);
/// How long one peer may take to answer.
const ASK_LIMIT: Duration = Duration::from_millis(700);
/// Between two rounds of questions: while an ordinary publish waits, and while it waits for holders.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));

/// Peers named in the answer.
const MAX_NAMED: usize = 16;

/// How many peers confirmed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confirmed {
    pub seen_by: usize,
    /// Some of those that have seen it.
    pub peers: Vec<PeerId>,
    pub held_by: usize,
}

#[derive(Default)]
struct Tally {
    seen: HashSet<PeerId>,
    held: HashSet<PeerId>,
}

/// Asks the connected peers until all have seen it (1.5 s at most) and `wait_for` hold the bytes (`wait_timeout_s` at
/// most). `told` hears how many have seen it whenever that changes, and once at the beginning.
pub async fn wait(
    context: &Context,
    release: &VerifiedRelease,
    request: &PublishRequest,
    told: impl Fn(usize),
) -> Confirmed {
    let started = Instant::now();
    let mut tally = Tally::default();
    told(0);
    loop {
        let before = tally.seen.len();
        let left = if request.wait_for > 0 { ASK_LIMIT } else { PATIENCE.saturating_sub(started.elapsed()) };
        let everyone_saw_it = ask_all(context, release, request.wait_for > 0, left.min(ASK_LIMIT), &mut tally).await;
        if tally.seen.len() != before {
            told(tally.seen.len());
        }
        let seen = everyone_saw_it || started.elapsed() >= PATIENCE;
        if seen && held_enough(request, &tally, started) {
            let peers = tally.seen.iter().copied().take(MAX_NAMED).collect();
            return Confirmed { seen_by: tally.seen.len(), peers, held_by: tally.held.len() };
        }
        sleep(if seen { PAUSE.1 } else { PAUSE.0 }).await;
    }
}

fn held_enough(request: &PublishRequest, tally: &Tally, started: Instant) -> bool {
    let time_is_over = request.wait_timeout_s > 0 && started.elapsed() >= Duration::from_secs(request.wait_timeout_s);
    tally.held.len() >= request.wait_for || time_is_over
}

/// One round; whether every connected peer has seen it.
async fn ask_all(
    context: &Context,
    release: &VerifiedRelease,
    holders_too: bool,
    limit: Duration,
    tally: &mut Tally,
) -> bool {
    let connected = context.swarm.connected();
    let known = if holders_too { &tally.held } else { &tally.seen };
    let open: Vec<_> = connected.iter().copied().filter(|peer| !known.contains(peer)).collect();
    let answers =
        join_all(open.into_iter().map(|peer| async move { (peer, ask(context, peer, release, limit).await) })).await;
    for (peer, answer) in answers {
        if answer.releases.contains(&release.id()) {
            tally.seen.insert(peer);
        }
        if answer.packages.contains(&release.release().package_id) {
            tally.held.insert(peer);
        }
    }
    connected.iter().all(|peer| tally.seen.contains(peer))
}

async fn ask(context: &Context, peer: PeerId, release: &VerifiedRelease, limit: Duration) -> Holdings {
    let asked = sync::have(context, peer, &[release.id()], &[release.release().package_id], limit).await;
    asked.unwrap_or_else(|error| {
        tracing::debug!(%peer, %error, "holdings unanswered");
        Holdings::default()
    })
}
