//! QUIC as a libp2p transport (<https://github.com/libp2p/specs/tree/master/quic>), on quinn.
//!
//! It does what the transport of libp2p does, and lets this node choose how fast it sends: that one always takes a lost
//! packet for a full line, which on a long, lossy line leaves a hundredth of what it can carry.

use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::future::BoxFuture;
use futures::stream::SelectAll;
use futures::{FutureExt, StreamExt};
use libp2p::core::transport::{DialOpts, ListenerId, PortUse, TransportError, TransportEvent};
use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId};

mod address;
mod config;
mod congestion;
mod connection;
mod listener;
#[cfg(test)]
mod tests;

use config::Config;
pub use connection::Connection;
use listener::Listener;

/// Why there is no connection, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot open a UDP socket: {0}")]
    Socket(#[from] std::io::Error),
    #[error("cannot set up TLS: {0}")]
    Tls(String),
    #[error("cannot dial: {0}")]
    Dial(#[from] quinn::ConnectError),
    #[error("{0}")]
    Lost(#[from] quinn::ConnectionError),
    #[error("the handshake took more than {} s", config::HANDSHAKE.as_secs())]
    Slow,
    #[error("the other side shows no peer id: {0}")]
    Nobody(String),
}

/// A connection that somebody else opens, as soon as its handshake is over.
type Upgrade = BoxFuture<'static, Result<(PeerId, Connection), Error>>;

type Event = TransportEvent<Upgrade, Error>;

/// Establishes authenticated connections over QUIC version 1. Where it listens, it dials from the same port, which is what
/// routers and peers then know it by.
pub struct Transport {
    config: Config,
    listeners: SelectAll<Listener>,
    /// Where nothing listens: one socket to dial from for each family of addresses, `true` for IPv4.
    dialers: HashMap<bool, quinn::Endpoint>,
    /// Events that have happened and were not told yet.
    events: VecDeque<Event>,
    waker: Option<Waker>,
}

impl Transport {
    /// # Errors
    /// When no certificate can be made for the key.
    pub fn new(key: &Keypair) -> Result<Self, Error> {
        let (listeners, dialers, events) = (SelectAll::new(), HashMap::new(), VecDeque::new());
        Ok(Self { config: Config::new(key)?, listeners, dialers, events, waker: None })
    }

    /// What to dial `to` from.
    fn endpoint(&mut self, to: SocketAddr, port: PortUse) -> Result<quinn::Endpoint, Error> {
        if port == PortUse::New {
            return self.new_dialer(to);
        }
        if let Some(listener) = self.listeners.iter().find(|listener| listener.reaches(to.ip())) {
            return Ok(listener.endpoint());
        }
        if let Some(dialer) = self.dialers.get(&to.is_ipv4()) {
            return Ok(dialer.clone());
        }
        let dialer = self.new_dialer(to)?;
        self.dialers.insert(to.is_ipv4(), dialer.clone());
        Ok(dialer)
    }

    fn new_dialer(&self, to: SocketAddr) -> Result<quinn::Endpoint, Error> {
        let any = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
        let runtime = Arc::new(quinn::TokioRuntime);
        Ok(quinn::Endpoint::new(self.config.endpoint.clone(), None, socket, runtime)?)
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl libp2p::Transport for Transport {
    type Output = (PeerId, Connection);
    type Error = Error;
    type ListenerUpgrade = Upgrade;
    type Dial = BoxFuture<'static, Result<Self::Output, Error>>;

    fn listen_on(&mut self, id: ListenerId, addr: Multiaddr) -> Result<(), TransportError<Error>> {
        let Some(at) = address::socket(&addr) else { return Err(TransportError::MultiaddrNotSupported(addr)) };
        let listener = Listener::new(id, at, &self.config).map_err(TransportError::Other)?;
        self.listeners.push(listener);
        // From now on dials leave from where it listens.
        self.dialers.remove(&at.is_ipv4());
        self.wake();
        Ok(())
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        let Some(listener) = self.listeners.iter().find(|listener| listener.id() == id) else { return false };
        listener.close();
        self.listeners =
            std::mem::take(&mut self.listeners).into_iter().filter(|listener| listener.id() != id).collect();
        self.events.push_back(TransportEvent::ListenerClosed { listener_id: id, reason: Ok(()) });
        self.wake();
        true
    }

    /// Two nodes that punch holes dial each other at the same time, both from where they listen. Whose packet comes first
    /// opens the way for the other's, so that there is nothing to do for it but to dial.
    fn dial(&mut self, addr: Multiaddr, options: DialOpts) -> Result<Self::Dial, TransportError<Error>> {
        let to = address::socket(&addr).filter(|to| to.port() != 0 && !to.ip().is_unspecified());
        let Some(to) = to else { return Err(TransportError::MultiaddrNotSupported(addr)) };
        let endpoint = self.endpoint(to, options.port_use).map_err(TransportError::Other)?;
        let config = self.config.client.clone();
        Ok(async move {
            // TLS wants a name; peers are known by their keys, and what is said here is not looked at.
            let connecting = endpoint.connect_with(config, to, "peer")?;
            connection::establish(connecting).await
        }
        .boxed())
    }

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Event> {
        let this = self.get_mut();
        if let Some(event) = this.events.pop_front() {
            return Poll::Ready(event);
        }
        // Without a listener it has nothing to tell.
        if let Poll::Ready(Some(event)) = this.listeners.poll_next_unpin(context) {
            return Poll::Ready(event);
        }
        this.waker = Some(context.waker().clone());
        Poll::Pending
    }
}
