//! Catalogue sync with one peer, as the node starts it: on connecting, and every minute with one of the connected.

use std::time::Instant;

use libp2p::PeerId;

use crate::market::when::time;

use super::super::clock::unix_now;
use super::super::context::Context;
use super::super::error::{ErrorKind, NodeError};
use super::super::peers::Outcome;
use super::super::protocol::sync;

/// What a sync did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncReport {
    /// Releases new to this node.
    pub received: usize,
    /// Releases new to the peer.
    pub sent: usize,
    /// Messages exchanged to find the difference.
    pub rounds: usize,
    pub elapsed_ms: u64,
}

/// Makes this node's catalogue and the peer's one. Releases that arrive are stored and told of as
/// [`NodeEvent::Feed`](super::super::api::NodeEvent::Feed); the outcome goes into the peer book.
///
/// # Errors
/// When the peer cannot be reached, breaks the protocol or sends what is not validly signed; this node goes on as before.
pub async fn with_peer(context: &Context, peer: PeerId) -> Result<SyncReport, NodeError> {
    let started = Instant::now();
    match sync::reconcile(context, peer).await {
        Ok(done) => {
            context.services.synced(unix_now());
            context.services.progress().set_caught_up(!done.cut);
            context.peers.record(peer, Outcome::Success("sync"));
            let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let report = SyncReport { received: done.received, sent: done.sent, rounds: done.rounds, elapsed_ms };
            tracing::debug!(%peer, ?report, "catalogue sync");
            Ok(report)
        }
        Err(error) => {
            tracing::debug!(%peer, %error, "catalogue sync failed");
            *context.services.sync_failed() = Some(format!("with {peer} at {}: {error}", time(unix_now())));
            if let Some(outcome) = error.outcome() {
                context.peers.record(peer, outcome);
            }
            Err(NodeError::new(ErrorKind::Network, format!("catalogue sync with {peer} failed: {error}"))
                .hint("it is tried again with another peer within a minute"))
        }
    }
}
