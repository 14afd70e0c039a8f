//! A UDP socket that takes connections, and the addresses it has.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::stream::BoxStream;
use futures::{FutureExt, Stream, StreamExt};
use if_watch::IfEvent;
use if_watch::tokio::IfWatcher;
use libp2p::core::transport::{ListenerId, TransportEvent};
use socket2::{Domain, Socket, Type};

use super::config::Config;
use super::{Error, Event, address, connection};

/// Tells what happens to it; never ends.
pub struct Listener {
    id: ListenerId,
    endpoint: quinn::Endpoint,
    at: SocketAddr,
    incoming: BoxStream<'static, quinn::Incoming>,
    /// Tells which addresses the machine has, where it listens on all of them.
    interfaces: Option<IfWatcher>,
    addresses: HashSet<IpAddr>,
    /// The one address it was given, until told.
    untold: Option<IpAddr>,
}

impl Listener {
    pub fn new(id: ListenerId, at: SocketAddr, config: &Config) -> Result<Self, Error> {
        let socket = bind(at)?;
        let at = socket.local_addr()?;
        let (endpoint, server) = (config.endpoint.clone(), Some(config.server.clone()));
        let endpoint = quinn::Endpoint::new(endpoint, server, socket, Arc::new(quinn::TokioRuntime))?;
        let incoming = futures::stream::unfold(endpoint.clone(), async |endpoint| {
            let incoming = endpoint.accept().await?;
            Some((incoming, endpoint))
        });
        let everywhere = at.ip().is_unspecified();
        Ok(Self {
            id,
            endpoint,
            at,
            incoming: incoming.boxed(),
            interfaces: everywhere.then(IfWatcher::new).transpose()?,
            addresses: if everywhere { HashSet::new() } else { HashSet::from([at.ip()]) },
            untold: (!everywhere).then_some(at.ip()),
        })
    }

    pub fn id(&self) -> ListenerId {
        self.id
    }

    pub fn endpoint(&self) -> quinn::Endpoint {
        self.endpoint.clone()
    }

    /// Whether `ip` can be dialled from here: of the same family, and loopback from loopback only and the other way round.
    pub fn reaches(&self, ip: IpAddr) -> bool {
        let everywhere = self.at.ip().is_unspecified();
        self.is_of_family(ip)
            && (everywhere && !ip.is_loopback()
                || self.addresses.iter().any(|own| own.is_loopback() == ip.is_loopback()))
    }

    /// Ends its connections too.
    pub fn close(&self) {
        self.endpoint.close(quinn::VarInt::from_u32(0), &[]);
    }

    fn accept(&self, incoming: quinn::Incoming) -> Event {
        let from = incoming.remote_address();
        match incoming.accept() {
            Ok(connecting) => TransportEvent::Incoming {
                listener_id: self.id,
                upgrade: connection::establish(connecting).boxed(),
                local_addr: address::multiaddr(self.at),
                send_back_addr: address::multiaddr(from),
            },
            Err(error) => TransportEvent::ListenerError { listener_id: self.id, error: error.into() },
        }
    }

    /// The next change of the machine's addresses of this listener's family.
    fn poll_interfaces(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        loop {
            let Some(interfaces) = &mut self.interfaces else { return Poll::Pending };
            let event = std::task::ready!(interfaces.poll_if_event(context));
            match event {
                Ok(IfEvent::Up(net)) if self.is_of_family(net.addr()) && self.addresses.insert(net.addr()) => {
                    return Poll::Ready(self.new_address(net.addr()));
                }
                Ok(IfEvent::Down(net)) if self.addresses.remove(&net.addr()) => {
                    let listen_addr = address::multiaddr(SocketAddr::new(net.addr(), self.at.port()));
                    return Poll::Ready(TransportEvent::AddressExpired { listener_id: self.id, listen_addr });
                }
                Ok(_) => {}
                Err(error) => {
                    return Poll::Ready(TransportEvent::ListenerError { listener_id: self.id, error: error.into() });
                }
            }
        }
    }

    fn is_of_family(&self, ip: IpAddr) -> bool {
        self.at.is_ipv4() == ip.is_ipv4()
    }

    fn new_address(&self, ip: IpAddr) -> Event {
        let listen_addr = address::multiaddr(SocketAddr::new(ip, self.at.port()));
        TransportEvent::NewAddress { listener_id: self.id, listen_addr }
    }
}

impl Stream for Listener {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Some(ip) = self.untold.take() {
            return Poll::Ready(Some(self.new_address(ip)));
        }
        if let Poll::Ready(event) = self.poll_interfaces(context) {
            return Poll::Ready(Some(event));
        }
        match self.incoming.poll_next_unpin(context) {
            Poll::Ready(Some(incoming)) => Poll::Ready(Some(self.accept(incoming))),
            // The endpoint ends only by `close`.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

/// An IPv6 socket takes IPv6 only, so that IPv4 can have the same port.
fn bind(at: SocketAddr) -> Result<UdpSocket, Error> {
    let socket = Socket::new(Domain::for_address(at), Type::DGRAM, None)?;
    if at.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&at.into())?;
    Ok(socket.into())
}
