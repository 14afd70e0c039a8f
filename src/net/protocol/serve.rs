//! Accepting streams of our protocols.

use std::future::Future;

use futures::StreamExt;
use libp2p::{PeerId, Stream, StreamProtocol};
use tokio::task::JoinSet;

use super::super::context::Context;
use super::super::error::{ErrorKind, NodeError};
use super::super::limits::Limit;
use super::super::service::mirror;
use super::super::service::slots::PeerSlots;
use super::frame::Framed;
use super::{BLOB_PROTOCOL, ProtocolError, SEARCH_PROTOCOL, SYNC_PROTOCOL, blob, open, search, sync};

/// The share of `max_streams` that one peer may have.
const SHARE: usize = 8;

/// The accept loops and all that they serve, and the mirror's workers; dropped, everything ends.
pub struct Serving {
    _loops: JoinSet<()>,
}

/// Starts accepting streams of all our protocols, and the mirror's workers. Must be called within a tokio runtime, once for each node.
pub fn serve(context: &Context) -> Result<Serving, NodeError> {
    let mut loops = JoinSet::new();
    accept(&mut loops, context, BLOB_PROTOCOL, blob::serve)?;
    accept(&mut loops, context, SYNC_PROTOCOL, sync::serve)?;
    accept(&mut loops, context, SEARCH_PROTOCOL, search::serve)?;
    mirror::start(context, &mut loops);
    Ok(Serving { _loops: loops })
}

fn accept<H, F>(
    loops: &mut JoinSet<()>,
    context: &Context,
    protocol: StreamProtocol,
    handler: H,
) -> Result<(), NodeError>
where
    H: Fn(Context, PeerId, Framed<Stream>) -> F + Send + 'static,
    F: Future<Output = Result<(), ProtocolError>> + Send + 'static,
{
    let incoming = context.streams.clone().accept(protocol.clone());
    let mut incoming =
        incoming.map_err(|error| NodeError::new(ErrorKind::Failed, format!("cannot serve {protocol}: {error}")))?;
    let context = context.clone();
    let streams = context.settings.performance.max_streams as usize;
    let slots = PeerSlots::new(streams, (streams / SHARE).max(1));
    loops.spawn(async move {
        // A set of its own, so that streams end with the loop.
        let mut served = JoinSet::new();
        while let Some((peer, stream)) = incoming.next().await {
            while served.try_join_next().is_some() {}
            let Some(slot) = (!context.peers.is_banned(peer)).then(|| slots.take(peer)).flatten() else {
                context.peers.limits().hit(Limit::Streams);
                tracing::debug!(%peer, %protocol, "stream refused");
                continue;
            };
            let serving = handler(context.clone(), peer, open::metered(&context, peer, stream));
            let (context, protocol) = (context.clone(), protocol.clone());
            served.spawn(async move {
                let _slot = slot;
                if let Err(error) = serving.await {
                    tracing::debug!(%peer, %protocol, %error, "stream ended");
                    context.services.note_refusal(&format!("{protocol}: {error}"));
                    // Asking badly is not held against a peer, except for what it provably cannot have believed itself.
                    if let ProtocolError::Lie(detail) = error {
                        context.peers.record(peer, super::super::peers::Outcome::Lie(detail));
                    }
                }
            });
        }
    });
    Ok(())
}
