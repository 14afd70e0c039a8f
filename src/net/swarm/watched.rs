//! A behaviour of libp2p with somebody who sees what its connections hand it: libp2p itself tells less than people want to know.

use std::ops::{Deref, DerefMut};
use std::task::{Context, Poll};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};

/// Sees what a behaviour receives.
pub trait Watch<B: NetworkBehaviour> {
    /// `peer` has sent this; `behaviour` gets it next.
    fn received(&mut self, behaviour: &mut B, peer: PeerId, event: &THandlerOutEvent<B>);
}

/// The behaviour as it is, and what sees what it receives.
pub struct Watched<B, W> {
    behaviour: B,
    watch: W,
}

impl<B, W: Default> Watched<B, W> {
    pub fn new(behaviour: B) -> Self {
        Self { behaviour, watch: W::default() }
    }

    pub fn watch(&mut self) -> &mut W {
        &mut self.watch
    }
}

impl<B, W> Deref for Watched<B, W> {
    type Target = B;

    fn deref(&self) -> &B {
        &self.behaviour
    }
}

impl<B, W> DerefMut for Watched<B, W> {
    fn deref_mut(&mut self) -> &mut B {
        &mut self.behaviour
    }
}

impl<B: NetworkBehaviour, W: Watch<B> + 'static> NetworkBehaviour for Watched<B, W> {
    type ConnectionHandler = B::ConnectionHandler;
    type ToSwarm = B::ToSwarm;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.behaviour.handle_pending_inbound_connection(id, local, remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.behaviour.handle_established_inbound_connection(id, peer, local, remote)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        self.behaviour.handle_pending_outbound_connection(id, peer, addresses, role)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.behaviour.handle_established_outbound_connection(id, peer, address, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        self.behaviour.on_swarm_event(event);
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, id: ConnectionId, event: THandlerOutEvent<Self>) {
        self.watch.received(&mut self.behaviour, peer, &event);
        self.behaviour.on_connection_handler_event(peer, id, event);
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.behaviour.poll(context)
    }
}
