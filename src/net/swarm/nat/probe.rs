//! Asking peers whether they can reach this node: AutoNAT's client, which by itself would take up any address that a stranger
//! claims to have seen, without bound.

use std::collections::HashSet;
use std::task::{Context, Poll};
use std::time::Duration;

use libp2p::autonat::v2::client;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};

use super::super::address::{Reach, is_dialable, is_relayed, reach};

/// Addresses tried while this node runs. Each can cost 100 KB, which a peer wants that is to dial elsewhere than to where it
/// sees us.
const MAX_CANDIDATES: usize = 16;

/// Addresses tried at once, so often.
const AT_ONCE: usize = 2;
const EVERY: Duration = Duration::from_secs(5);

/// Has its addresses tried by the peers it is connected to.
pub struct Probe {
    inner: client::Behaviour,
    /// Which addresses are worth trying.
    worth: fn(&Multiaddr) -> bool,
    candidates: HashSet<Multiaddr>,
}

/// Whether `addr` may be one of this node as the whole internet sees it.
pub fn is_public(addr: &Multiaddr) -> bool {
    reach(addr) == Reach::Global && !is_relayed(addr) && is_dialable(addr)
}

impl Probe {
    pub fn new(worth: fn(&Multiaddr) -> bool) -> Self {
        let config = client::Config::default().with_max_candidates(AT_ONCE).with_probe_interval(EVERY);
        let inner = client::Behaviour::new(rand::make_rng::<rand::rngs::StdRng>(), config);
        Self { inner, worth, candidates: HashSet::new() }
    }

    fn takes(&mut self, addr: &Multiaddr) -> bool {
        if self.candidates.contains(addr) {
            return true;
        }
        let takes = self.candidates.len() < MAX_CANDIDATES && (self.worth)(addr);
        if takes {
            self.candidates.insert(addr.clone());
        }
        takes
    }
}

impl NetworkBehaviour for Probe {
    type ConnectionHandler = <client::Behaviour as NetworkBehaviour>::ConnectionHandler;
    type ToSwarm = client::Event;

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner.handle_established_inbound_connection(id, peer, local, remote)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        addr: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        if is_relayed(addr) {
            // As one that is only dialled back: a trial would use up what a relay carries.
            return self.inner.handle_established_inbound_connection(id, peer, addr, addr);
        }
        self.inner.handle_established_outbound_connection(id, peer, addr, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        if let FromSwarm::NewExternalAddrCandidate(candidate) = &event
            && !self.takes(candidate.addr)
        {
            return;
        }
        self.inner.on_swarm_event(event);
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, id: ConnectionId, event: THandlerOutEvent<Self>) {
        self.inner.on_connection_handler_event(peer, id, event);
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.inner.poll(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_claim_to_see_is_bounded_and_public() {
        let mut probe = Probe::new(is_public);
        let relayed = format!("/ip4/8.8.8.8/tcp/1/p2p/{}/p2p-circuit", PeerId::random());
        for useless in ["/ip4/127.0.0.1/tcp/1", "/ip4/192.168.1.2/tcp/1", "/ip4/8.8.8.8/tcp/0", relayed.as_str()] {
            assert!(!probe.takes(&useless.parse().unwrap()), "{useless}");
        }
        let claimed = |n: usize| format!("/ip4/8.8.8.8/tcp/{}", n + 1).parse().unwrap();
        assert_eq!((0..1000).filter(|n| probe.takes(&claimed(*n))).count(), MAX_CANDIDATES);
        assert!(probe.takes(&claimed(0)), "one that is known stays");
    }
}
