//! Refuses connections that the limits of libp2p do not know of: peers held away for a while, and too many from one ip
//! address.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::net::IpAddr;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
    dummy,
};
use libp2p::{Multiaddr, PeerId};

use super::address::{ip_of, network};

/// How long a peer is held away, whoever dials. Without it the other side, or a DHT query, would have it back within a second.
const HOLD: Duration = Duration::from_secs(300);

/// Why a peer is held away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Held {
    #[error("disconnected by hand")]
    ByHand,
    #[error("it is no node of this network")]
    Stranger,
    #[error("it made room for others")]
    MadeRoom,
}

/// Why a connection was refused.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("{0}; connect to it by hand to have it at once")]
    Held(Held),
    #[error("too many connections from {0}")]
    TooMany(IpAddr),
    #[error("many peers of {0} are banned")]
    Banned(IpAddr),
}

pub struct Gate {
    /// Only peers that were connected get here, and only for minutes: bounded by the connection limits.
    held: HashMap<PeerId, (Instant, Held)>,
    per_ip: usize,
    /// Inbound connections, pending and established; loopback is not counted, as a machine's own nodes share it.
    inbound: HashMap<ConnectionId, IpAddr>,
    /// Networks that nobody is let in from: at most one for several banned peers.
    blocked: HashSet<IpAddr>,
}

impl Gate {
    pub fn new(per_ip: u32) -> Self {
        Self { held: HashMap::new(), per_ip: per_ip as usize, inbound: HashMap::new(), blocked: HashSet::new() }
    }

    /// Keeps `peer` away for some minutes.
    pub fn hold(&mut self, peer: PeerId, why: Held) {
        let now = Instant::now();
        self.held.retain(|_, (until, _)| *until > now);
        self.held.insert(peer, (now + HOLD, why));
    }

    pub fn release(&mut self, peer: PeerId) {
        self.held.remove(&peer);
    }

    /// Lets nobody in from `network` (`false`: again).
    pub fn block(&mut self, network: IpAddr, blocked: bool) {
        if blocked {
            self.blocked.insert(network);
        } else {
            self.blocked.remove(&network);
        }
    }

    /// Why `peer` is held away, if it is.
    pub fn holds(&self, peer: PeerId) -> Option<Held> {
        self.held.get(&peer).filter(|(until, _)| *until > Instant::now()).map(|(_, why)| *why)
    }

    fn check(&self, peer: PeerId) -> Result<(), ConnectionDenied> {
        self.holds(peer).map_or(Ok(()), |why| Err(ConnectionDenied::new(Refused::Held(why))))
    }

    fn admit(&mut self, id: ConnectionId, remote: &Multiaddr) -> Result<(), Refused> {
        let Some(ip) = ip_of(remote).filter(|ip| !ip.is_loopback()).map(network) else { return Ok(()) };
        if self.blocked.contains(&ip) {
            return Err(Refused::Banned(ip));
        }
        if self.inbound.values().filter(|known| **known == ip).count() >= self.per_ip {
            return Err(Refused::TooMany(ip));
        }
        self.inbound.insert(id, ip);
        Ok(())
    }
}

impl NetworkBehaviour for Gate {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.admit(id, remote).map_err(ConnectionDenied::new)
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.check(peer).map(|()| dummy::ConnectionHandler)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: Option<PeerId>,
        _: &[Multiaddr],
        _: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        peer.map_or(Ok(()), |peer| self.check(peer)).map(|()| Vec::new())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.check(peer).map(|()| dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionClosed(closed) => drop(self.inbound.remove(&closed.connection_id)),
            FromSwarm::ListenFailure(failed) => drop(self.inbound.remove(&failed.connection_id)),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_gets_so_many_connections_and_loopback_any() {
        let mut gate = Gate::new(2);
        let (far, here) = ("/ip4/9.9.9.9/tcp/1".parse().unwrap(), "/ip4/127.0.0.1/tcp/1".parse().unwrap());
        let id = ConnectionId::new_unchecked;
        assert!(gate.admit(id(1), &far).is_ok());
        assert!(gate.admit(id(2), &far).is_ok());
        assert!(matches!(gate.admit(id(3), &far), Err(Refused::TooMany(_))));
        assert!((4..50).all(|n| gate.admit(id(n), &here).is_ok()));
        gate.inbound.remove(&id(1));
        assert!(gate.admit(id(60), &far).is_ok());
    }

    #[test]
    fn nobody_comes_in_from_a_network_that_is_blocked() {
        let (mut gate, far) = (Gate::new(2), "/ip6/2001:db8::1/tcp/1".parse().unwrap());
        gate.block("2001:db8::".parse().unwrap(), true);
        assert!(matches!(gate.admit(ConnectionId::new_unchecked(1), &far), Err(Refused::Banned(_))));
        gate.block("2001:db8::".parse().unwrap(), false);
        assert!(gate.admit(ConnectionId::new_unchecked(1), &far).is_ok());
    }

    #[test]
    fn a_whole_ipv6_network_counts_as_one_address() {
        let mut gate = Gate::new(2);
        let id = ConnectionId::new_unchecked;
        for (n, addr) in ["/ip6/2001:db8::1/tcp/1", "/ip6/2001:db8::ffff:2/tcp/1"].into_iter().enumerate() {
            assert!(gate.admit(id(n), &addr.parse().unwrap()).is_ok());
        }
        assert!(gate.admit(id(7), &"/ip6/2001:db8::3/tcp/1".parse().unwrap()).is_err());
        assert!(gate.admit(id(8), &"/ip6/2001:db8:0:1::3/tcp/1".parse().unwrap()).is_ok());
    }

    #[test]
    fn held_peers_stay_away_until_released() {
        let (mut gate, peer) = (Gate::new(1), PeerId::random());
        gate.hold(peer, Held::ByHand);
        assert_eq!(gate.holds(peer), Some(Held::ByHand));
        assert!(gate.check(peer).is_err() && gate.check(PeerId::random()).is_ok());
        gate.release(peer);
        assert!(gate.check(peer).is_ok());
    }
}
