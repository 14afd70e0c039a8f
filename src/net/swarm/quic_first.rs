//! A head start for QUIC. Where a peer is dialled by both, all addresses are dialled at once and the first connection is the
//! one kept; TCP then waits a moment, so that it is used only where QUIC does not get through.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use libp2p::core::Transport;
use libp2p::core::multiaddr::Protocol;
use libp2p::core::transport::{DialOpts, ListenerId, TransportError, TransportEvent};
use libp2p::{Multiaddr, PeerId};

use super::address::peer_of;

/// How long TCP waits for QUIC: a round trip and a half to almost anywhere.
const HEAD_START: Duration = Duration::from_millis(250);

/// Peers just dialled by QUIC, with when.
type Recent = Arc<Mutex<HashMap<PeerId, Instant>>>;

/// A transport for both, of which TCP waits.
pub struct QuicFirst<T> {
    inner: T,
    recent: Recent,
}

impl<T> QuicFirst<T> {
    pub fn new(inner: T) -> Self {
        Self { inner, recent: Recent::default() }
    }

    /// Notes a dial by QUIC, and forgets those that nothing waits for any more.
    fn note(&self, peer: PeerId, now: Instant) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|_, since| now.saturating_duration_since(*since) < HEAD_START);
        recent.insert(peer, now);
    }
}

fn waits(recent: &Recent, peer: PeerId, now: Instant) -> bool {
    let recent = recent.lock().unwrap_or_else(PoisonError::into_inner);
    recent.get(&peer).is_some_and(|since| now.saturating_duration_since(*since) < HEAD_START)
}

impl<T> Transport for QuicFirst<T>
where
    T: Transport + Unpin,
    T::Dial: Send + 'static,
{
    type Output = T::Output;
    type Error = T::Error;
    type ListenerUpgrade = T::ListenerUpgrade;
    type Dial = BoxFuture<'static, Result<T::Output, T::Error>>;

    fn listen_on(&mut self, id: ListenerId, addr: Multiaddr) -> Result<(), TransportError<Self::Error>> {
        self.inner.listen_on(id, addr)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.inner.remove_listener(id)
    }

    fn dial(&mut self, addr: Multiaddr, options: DialOpts) -> Result<Self::Dial, TransportError<Self::Error>> {
        let quic = addr.iter().any(|part| part == Protocol::QuicV1);
        let peer = peer_of(&addr);
        let dial = self.inner.dial(addr, options)?;
        let Some(peer) = peer else { return Ok(dial.boxed()) };
        if quic {
            self.note(peer, Instant::now());
            return Ok(dial.boxed());
        }
        let recent = self.recent.clone();
        Ok(async move {
            // Asked here and not above: all dials of a peer are made before the first of them runs, in any order.
            if waits(&recent, peer, Instant::now()) {
                tokio::time::sleep(HEAD_START).await;
            }
            dial.await
        }
        .boxed())
    }

    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, Self::Error>> {
        Pin::new(&mut self.inner).poll(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_peer_just_dialled_by_quic_waits_and_nothing_piles_up() {
        let (first, now) = (QuicFirst::new(()), Instant::now());
        let (peer, other) = (PeerId::random(), PeerId::random());
        first.note(peer, now);
        assert!(waits(&first.recent, peer, now) && !waits(&first.recent, other, now));
        assert!(!waits(&first.recent, peer, now + HEAD_START));
        (0..100).for_each(|_| first.note(PeerId::random(), now + HEAD_START));
        assert_eq!(first.recent.lock().unwrap().len(), 100);
        first.note(other, now + 2 * HEAD_START);
        assert_eq!(first.recent.lock().unwrap().len(), 1);
    }
}
