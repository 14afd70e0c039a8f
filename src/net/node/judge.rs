//! Judges announcements off the swarm task: decode, verify, store; then forward, ignore or reject.

use libp2p::gossipsub::MessageAcceptance;
use tokio::sync::mpsc;

use crate::market::VerifiedRelease;
use crate::market::store::Accepted;

use super::super::api::{NodeEvent, Via};
use super::super::clock::unix_now;
use super::super::context::Context;
use super::super::peers::Outcome;
use super::super::service::{intake, mirror};
use super::super::swarm::{Incoming, Verdict};

/// Announcements judged together, so that a burst is one transaction.
const BATCH: usize = 64;

/// Runs until the swarm task is gone.
pub async fn run(context: Context, mut incoming: mpsc::Receiver<Incoming>, verdicts: mpsc::Sender<Verdict>) {
    let mut batch = Vec::with_capacity(BATCH);
    while incoming.recv_many(&mut batch, BATCH).await > 0 {
        for verdict in judge(&context, std::mem::take(&mut batch)).await {
            if verdicts.send(verdict).await.is_err() {
                return;
            }
        }
    }
}

async fn judge(context: &Context, batch: Vec<Incoming>) -> Vec<Verdict> {
    let (mut verdicts, mut valid) = (Vec::new(), Vec::new());
    for mut announcement in batch {
        match verify(context, std::mem::take(&mut announcement.data)).await {
            Ok(release) => valid.push((announcement, release)),
            Err(None) => verdicts.push(announcement.verdict(MessageAcceptance::Ignore)),
            // Every node checks before it passes on: it is the forwarder's doing.
            Err(Some(outcome)) => {
                context.peers.record(announcement.source, outcome);
                verdicts.push(announcement.verdict(MessageAcceptance::Reject));
            }
        }
    }
    verdicts.extend(keep(context, valid).await);
    verdicts
}

/// `Err`: not to be taken, and what that says of who passed it on.
async fn verify(context: &Context, envelope: Vec<u8>) -> Result<VerifiedRelease, Option<Outcome>> {
    let sorted = intake::verify(context, vec![envelope]).await.map_err(|error| {
        tracing::warn!(%error, "an announcement could not be looked at");
        None
    })?;
    if let Some(lie) = sorted.lie {
        return Err(Some(Outcome::Lie(format!("announcement: {lie}"))));
    }
    let untimely = || Outcome::SoftFailure("announcement of another network or time".into());
    sorted.verified.into_iter().next().ok_or_else(|| Some(untimely()))
}

/// Stores what is valid; what is new is told to subscribers and forwarded.
async fn keep(context: &Context, valid: Vec<(Incoming, VerifiedRelease)>) -> Vec<Verdict> {
    if valid.is_empty() {
        return Vec::new();
    }
    let (incoming, releases): (Vec<Incoming>, Vec<VerifiedRelease>) = valid.into_iter().unzip();
    let now = unix_now();
    let stored = context.store.run(move |db| Ok((db.accept_all(&releases, now)?, releases))).await;
    let (outcomes, releases) = match stored {
        Ok(stored) => stored,
        Err(error) => {
            tracing::warn!(%error, "announcements could not be stored");
            return incoming.into_iter().map(|one| one.verdict(MessageAcceptance::Ignore)).collect();
        }
    };
    let each = incoming.into_iter().zip(outcomes).zip(releases);
    each.map(|((incoming, outcome), release)| decide(context, incoming, outcome, &release, now)).collect()
}

fn decide(context: &Context, incoming: Incoming, outcome: Accepted, release: &VerifiedRelease, now: u64) -> Verdict {
    match outcome {
        Accepted::New => {
            let from = Some(incoming.source);
            context.bus.emit(NodeEvent::Feed(intake::feed_item(release, Via::Gossip, from, now)));
            mirror::consider(context, release, from);
            incoming.verdict(MessageAcceptance::Accept)
        }
        Accepted::Known => incoming.verdict(MessageAcceptance::Ignore),
        // A publisher that contradicts itself is not the fault of who passed it on.
        Accepted::Conflict => {
            context.services.refuse(release.id());
            incoming.verdict(MessageAcceptance::Ignore)
        }
    }
}
