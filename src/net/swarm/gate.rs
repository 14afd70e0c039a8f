//! Refuses connections that the limits of libp2p do not know of: peers held away for a while, too many from one ip address,
//! more dials at a time than a router at home takes, and all while memory is short.

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

use crate::config::ByteSize;
use crate::config::schema::Performance;
use crate::market::SafeText;

use super::super::service::rate::{Bucket, Rate};
use super::address::{ip_of, network};

/// How long a peer is held away, whoever dials. Without it the other side, or a DHT query, would have it back within a second.
const HOLD: Duration = Duration::from_secs(300);

/// Dials at once, of those of a second: a node that starts, or searches the DHT, begins many and then none.
const DIALS_AT_ONCE: f64 = 8.0;

/// Between two looks at how much memory is in use.
const MEMORY_EVERY: Duration = Duration::from_millis(200);

/// Why a peer is held away.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Held {
    #[error("disconnected by hand")]
    ByHand,
    #[error("it is no node of this network")]
    Stranger,
    #[error("it is a node of the network \"{0}\"")]
    OtherNetwork(SafeText),
    #[error("it made room for others")]
    MadeRoom,
}

impl Held {
    fn remedy(&self) -> &'static str {
        match self {
            // By hand it would come to the same.
            Self::OtherNetwork(_) => "",
            Self::ByHand | Self::Stranger | Self::MadeRoom => "; connect to it by hand to have it at once",
        }
    }
}

/// Why a connection was refused.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("{0}{remedy}", remedy = .0.remedy())]
    Held(Held),
    #[error("too many connections from {0}")]
    TooMany(IpAddr),
    #[error("many peers of {0} are banned")]
    Banned(IpAddr),
    #[error("this node dials too many at a time (performance.dials_per_second); try again in a moment")]
    Dials,
    #[error("this program has {0} of memory resident (performance.max_memory)")]
    Memory(ByteSize),
}

pub struct Gate {
    /// Only peers that were connected get here, and only for minutes: bounded by the connection limits.
    held: HashMap<PeerId, (Instant, Held)>,
    per_ip: usize,
    /// Inbound connections, pending and established; loopback is not counted, as a machine's own nodes share it.
    inbound: HashMap<ConnectionId, IpAddr>,
    /// Networks that nobody is let in from: at most one for several banned peers.
    blocked: HashSet<IpAddr>,
    rate: Rate,
    dials: Bucket,
    memory: Memory,
}

/// How much memory this program may have resident, and has.
struct Memory {
    /// Bytes; 0: no limit.
    most: u64,
    seen: u64,
    at: Option<Instant>,
}

impl Gate {
    pub fn new(settings: &Performance) -> Self {
        let per_second = f64::from(settings.dials_per_second);
        let rate = Rate { per_second, at_once: per_second * DIALS_AT_ONCE };
        Self {
            held: HashMap::new(),
            per_ip: settings.max_connections_per_ip as usize,
            inbound: HashMap::new(),
            blocked: HashSet::new(),
            rate,
            dials: Bucket::new(rate, Instant::now()),
            memory: Memory { most: settings.max_memory.0, seen: 0, at: None },
        }
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
        self.held.get(&peer).filter(|(until, _)| *until > Instant::now()).map(|(_, why)| why.clone())
    }

    fn check(&self, peer: PeerId) -> Result<(), ConnectionDenied> {
        self.holds(peer).map_or(Ok(()), |why| Err(ConnectionDenied::new(Refused::Held(why))))
    }

    /// Whether one more dial may begin at `now`.
    fn begin(&mut self, now: Instant) -> Result<(), Refused> {
        self.memory.check(now, resident)?;
        if self.dials.allow(self.rate, now) { Ok(()) } else { Err(Refused::Dials) }
    }

    fn admit(&mut self, id: ConnectionId, remote: &Multiaddr) -> Result<(), Refused> {
        self.memory.check(Instant::now(), resident)?;
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

impl Memory {
    /// `resident` is looked at now and then only.
    fn check(&mut self, now: Instant, resident: impl Fn() -> u64) -> Result<(), Refused> {
        if self.most == 0 {
            return Ok(());
        }
        if self.at.is_none_or(|at| now.saturating_duration_since(at) >= MEMORY_EVERY) {
            (self.seen, self.at) = (resident(), Some(now));
        }
        if self.seen > self.most { Err(Refused::Memory(ByteSize(self.seen))) } else { Ok(()) }
    }
}

/// Bytes of memory that this process has resident; 0 where the system does not tell.
fn resident() -> u64 {
    memory_stats::memory_stats().map_or(0, |stats| stats.physical_mem as u64)
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
        peer.map_or(Ok(()), |peer| self.check(peer))?;
        self.begin(Instant::now()).map(|()| Vec::new()).map_err(ConnectionDenied::new)
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

    fn gate(per_ip: u32, dials: u32) -> Gate {
        let performance = Performance {
            max_connections_per_ip: per_ip,
            dials_per_second: dials,
            max_memory: ByteSize(0),
            ..Performance::default()
        };
        Gate::new(&performance)
    }

    #[test]
    fn one_address_gets_so_many_connections_and_loopback_any() {
        let mut gate = gate(2, 16);
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
        let (mut gate, far) = (gate(2, 16), "/ip6/2001:db8::1/tcp/1".parse().unwrap());
        gate.block("2001:db8::".parse().unwrap(), true);
        assert!(matches!(gate.admit(ConnectionId::new_unchecked(1), &far), Err(Refused::Banned(_))));
        gate.block("2001:db8::".parse().unwrap(), false);
        assert!(gate.admit(ConnectionId::new_unchecked(1), &far).is_ok());
    }

    #[test]
    fn a_whole_ipv6_network_counts_as_one_address() {
        let mut gate = gate(2, 16);
        let id = ConnectionId::new_unchecked;
        for (n, addr) in ["/ip6/2001:db8::1/tcp/1", "/ip6/2001:db8::ffff:2/tcp/1"].into_iter().enumerate() {
            assert!(gate.admit(id(n), &addr.parse().unwrap()).is_ok());
        }
        assert!(gate.admit(id(7), &"/ip6/2001:db8::3/tcp/1".parse().unwrap()).is_err());
        assert!(gate.admit(id(8), &"/ip6/2001:db8:0:1::3/tcp/1".parse().unwrap()).is_ok());
    }

    #[test]
    fn while_memory_is_short_nobody_is_let_in() {
        let mut memory = Memory { most: 100, seen: 0, at: None };
        let (now, later) = (Instant::now(), Instant::now() + MEMORY_EVERY);
        assert!(memory.check(now, || 100).is_ok());
        assert!(memory.check(now, || 101).is_ok(), "looked at now and then");
        assert!(matches!(memory.check(later, || 101), Err(Refused::Memory(ByteSize(101)))));
        assert!(memory.check(later + MEMORY_EVERY, || 99).is_ok());
        assert!(Memory { most: 0, seen: 0, at: None }.check(now, || u64::MAX).is_ok());
        assert!(resident() > 1 << 20);
    }

    #[test]
    fn dials_beyond_the_rate_wait() {
        let mut gate = gate(1, 2);
        let now = Instant::now();
        assert_eq!((0..100).filter(|_| gate.begin(now).is_ok()).count(), 16);
        let later = now + Duration::from_secs(3);
        assert_eq!((0..100).filter(|_| gate.begin(later).is_ok()).count(), 6);
    }

    #[test]
    fn held_peers_stay_away_until_released() {
        let (mut gate, peer) = (gate(1, 16), PeerId::random());
        gate.hold(peer, Held::ByHand);
        assert_eq!(gate.holds(peer), Some(Held::ByHand));
        assert!(gate.check(peer).is_err() && gate.check(PeerId::random()).is_ok());
        gate.release(peer);
        assert!(gate.check(peer).is_ok());
    }
}
