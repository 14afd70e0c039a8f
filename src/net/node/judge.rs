//! Judges announcements off the swarm task: decode, verify, store; then forward, ignore or reject.

use libp2p::gossipsub::MessageAcceptance;
use tokio::sync::mpsc;

use crate::market::store::Accepted;
use crate::market::{VerifiedKeyStatement, VerifiedRelease};

use super::super::api::Via;
use super::super::context::Context;
use super::super::peers::Outcome;
use super::super::service::{intake, mirror};
use super::super::swarm::{Incoming, Verdict};

/// Announcements judged together, so that a burst is one transaction.
const BATCH: usize = 1024;

/// Runs until the swarm task is gone.
pub async fn run(context: Context, mut incoming: mpsc::UnboundedReceiver<Incoming>, verdicts: mpsc::Sender<Verdict>) {
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
    // The rest of a flood, once its first one has been judged.
    let (late, mut batch): (Vec<_>, Vec<_>) =
        batch.into_iter().partition(|announcement| context.peers.is_banned(announcement.source));
    let mut verdicts: Vec<_> = late.into_iter().map(|late| late.verdict(MessageAcceptance::Reject)).collect();
    let envelopes = batch.iter_mut().map(|announcement| std::mem::take(&mut announcement.data)).collect();
    let mut valid = Vec::new();
    let mut statements = Vec::new();
    for (announcement, found) in batch.into_iter().zip(verify(context, envelopes).await) {
        match announced(found) {
            Ok(Some(Announced::Release(release))) => valid.push((announcement, *release)),
            Ok(Some(Announced::Statement(statement))) => statements.push((announcement, *statement)),
            Ok(None) => verdicts.push(announcement.verdict(MessageAcceptance::Ignore)),
            // Every node checks before it passes on: it is the forwarder's doing.
            Err(lie) => {
                context.peers.record(announcement.source, Outcome::Lie(format!("announcement: {lie}")));
                verdicts.push(announcement.verdict(MessageAcceptance::Reject));
            }
        }
    }
    // First: what a key said of itself decides on its releases.
    for (announcement, statement) in statements {
        verdicts.push(keep_statement(context, announcement, statement).await);
    }
    verdicts.extend(keep(context, valid).await);
    verdicts
}

/// What is told on the topic.
enum Announced {
    Release(Box<VerifiedRelease>),
    Statement(Box<VerifiedKeyStatement>),
}

async fn keep_statement(context: &Context, incoming: Incoming, statement: VerifiedKeyStatement) -> Verdict {
    let new = intake::admit_statements(context, vec![statement]).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "a key statement could not be stored");
        Vec::new()
    });
    let acceptance = if new.is_empty() { MessageAcceptance::Ignore } else { MessageAcceptance::Accept };
    incoming.verdict(acceptance)
}

/// What each of the announcements is; nothing of any where they could not be looked at.
async fn verify(context: &Context, envelopes: Vec<Vec<u8>>) -> Vec<intake::Sorted> {
    let nothing = std::iter::repeat_with(intake::Sorted::default).take(envelopes.len());
    intake::verify_each(context, envelopes).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "announcements could not be looked at");
        nothing.collect()
    })
}

/// `None`: nothing for this node now, which says nothing of who passed it on: its clock, network or version may differ.
/// `Err`: what nobody can have believed who passed it on.
fn announced(sorted: intake::Sorted) -> Result<Option<Announced>, String> {
    match sorted.lie {
        Some(lie) => Err(lie),
        None => {
            let release = sorted.verified.into_iter().next().map(|release| Announced::Release(Box::new(release)));
            let mut statements = sorted.statements.into_iter();
            Ok(release.or_else(|| statements.next().map(|said| Announced::Statement(Box::new(said)))))
        }
    }
}

/// Stores what is valid; what is new is told to subscribers and forwarded.
async fn keep(context: &Context, valid: Vec<(Incoming, VerifiedRelease)>) -> Vec<Verdict> {
    let (incoming, releases): (Vec<Incoming>, Vec<VerifiedRelease>) = valid.into_iter().unzip();
    let stored = intake::store(context, releases).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "announcements could not be stored");
        Vec::new()
    });
    let mut stored = stored.into_iter();
    let each = incoming.into_iter().map(|incoming| match stored.next() {
        Some((release, Some(Accepted::New))) => {
            let from = Some(incoming.source);
            intake::tell(context, &release, Via::Gossip, from);
            mirror::consider(context, &release, from);
            incoming.verdict(MessageAcceptance::Accept)
        }
        // Known, no room for it, or a publisher that contradicts itself: not the fault of who passed it on.
        _ => incoming.verdict(MessageAcceptance::Ignore),
    });
    each.collect()
}
