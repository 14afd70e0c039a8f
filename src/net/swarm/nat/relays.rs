//! Slots at peers that relay, for a node that cannot be reached by itself.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use libp2p::core::transport::ListenerId;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId, autonat, relay, upnp};

use crate::market::SafeText;

use super::super::super::api::{NodeEvent, NoticeLevel};
use super::super::super::clock::unix_now;
use super::super::address::{is_dialable, is_relayed, without_peer};
use super::super::task::Task;
use super::probe::is_public;
use super::reachability::Verdict;

/// Relays that this node has a slot at: one may leave at any time.
const WANTED: usize = 2;

/// Before a relay that refused, or went, is asked again; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const MAX_PAUSE: Duration = Duration::from_secs(600);

/// A connected peer that offers to relay.
#[derive(Default)]
struct Offer {
    failures: u32,
    due: Option<Instant>,
}

/// A slot that was asked for.
struct Slot {
    relay: PeerId,
    granted: bool,
}

/// Where this node has slots, and where it could have them.
#[derive(Default)]
pub struct Relays {
    wanted: bool,
    /// As many as are connected.
    offers: HashMap<PeerId, Offer>,
    slots: HashMap<ListenerId, Slot>,
}

impl Relays {
    pub fn new(wanted: bool) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// `peer` is connected and offers to relay.
    pub fn on_offer(&mut self, peer: PeerId) {
        self.offers.entry(peer).or_default();
    }

    pub fn on_gone(&mut self, peer: PeerId) {
        self.offers.remove(&peer);
    }

    /// Peers at which this node has a slot.
    pub fn granted(&self) -> Vec<PeerId> {
        let mut relays: Vec<_> = self.slots.values().filter(|slot| slot.granted).map(|slot| slot.relay).collect();
        relays.sort_unstable();
        relays.dedup();
        relays
    }

    fn on_granted(&mut self, relay: PeerId) {
        self.slots.values_mut().filter(|slot| slot.relay == relay).for_each(|slot| slot.granted = true);
        if let Some(offer) = self.offers.get_mut(&relay) {
            offer.failures = 0;
        }
    }

    /// `false`: the listener is none of these.
    fn on_closed(&mut self, id: ListenerId, now: Instant) -> bool {
        let Some(slot) = self.slots.remove(&id) else { return false };
        if let Some(offer) = self.offers.get_mut(&slot.relay) {
            offer.due = Some(now + MAX_PAUSE.min(FIRST_PAUSE * (1 << offer.failures.min(6))));
            offer.failures = offer.failures.saturating_add(1);
        }
        true
    }

    /// Who to ask for a slot now.
    fn next(&self, now: Instant) -> Vec<PeerId> {
        let missing = if self.wanted { WANTED.saturating_sub(self.slots.len()) } else { 0 };
        let mut free: Vec<(&PeerId, &Offer)> = self
            .offers
            .iter()
            .filter(|(peer, offer)| {
                offer.due.is_none_or(|due| due <= now) && self.slots.values().all(|slot| slot.relay != **peer)
            })
            .collect();
        free.sort_by_key(|(peer, offer)| (offer.failures, **peer));
        free.into_iter().take(missing).map(|(peer, _)| *peer).collect()
    }
}

impl Task {
    /// Asks relays for slots while this node cannot be reached otherwise. Slots are kept when it can be, until their relay
    /// goes: they cost nothing, and libp2p's client does not bear a slot given back while it is being renewed.
    pub(in super::super) fn look_for_relays(&mut self) {
        if self.reachability.verdict() != Verdict::Unreachable {
            return;
        }
        for relay in self.relays.next(Instant::now()) {
            let Some(addr) = self.direct_address(relay) else { continue };
            let circuit = addr.with(Protocol::P2p(relay)).with(Protocol::P2pCircuit);
            match self.swarm.listen_on(circuit) {
                Ok(id) => drop(self.relays.slots.insert(id, Slot { relay, granted: false })),
                Err(error) => tracing::debug!(%relay, %error, "no slot asked for"),
            }
        }
    }

    /// Where `peer` is, as far as this node has dialled it or it said so.
    fn direct_address(&self, peer: PeerId) -> Option<Multiaddr> {
        let dialled = self.remotes.values().filter(|remote| remote.peer == peer && remote.dialled);
        let known = dialled.map(|remote| remote.addr.clone()).chain(self.book.addresses(peer));
        known.map(without_peer).find(|addr| is_dialable(addr) && !is_relayed(addr))
    }

    /// `false`: the listener is none at a relay.
    pub(in super::super) fn on_slot_closed(&mut self, id: ListenerId, why: &str) -> bool {
        let relay = self.relays.slots.get(&id).map(|slot| slot.relay);
        let ours = self.relays.on_closed(id, Instant::now());
        if let Some(relay) = relay {
            tracing::info!(%relay, why, "no longer reached through this relay");
            self.judge_reach();
        }
        ours
    }

    pub(in super::super) fn on_relay_client(&mut self, event: relay::client::Event) {
        match event {
            relay::client::Event::ReservationReqAccepted { relay_peer_id, renewal, .. } => {
                if !renewal {
                    tracing::info!(relay = %relay_peer_id, "reached through a relay");
                }
                self.relays.on_granted(relay_peer_id);
                self.judge_reach();
            }
            other => tracing::debug!(?other, "relay"),
        }
    }

    pub(in super::super) fn on_probe(&mut self, event: autonat::v2::client::Event) {
        let reached = event.result.is_ok();
        tracing::debug!(addr = %event.tested_addr, server = %event.server, reached, "a peer tried to reach this node");
        self.reachability.on_tried(event.tested_addr, event.server, reached);
        self.judge_reach();
    }

    /// Somebody on the internet who dials a public address that this node listens on has tried it as well as any other. One that
    /// is connected through a relay may have come through a hole that this node made.
    pub(in super::super) fn on_visitor(&mut self, peer: PeerId, local: &Multiaddr, from: &Multiaddr) {
        let invited = self.remotes.values().any(|remote| remote.peer == peer && (remote.relayed || remote.dialled));
        if !invited && is_public(local) && is_public(from) {
            self.reachability.on_tried(local.clone(), peer, true);
            self.judge_reach();
        }
    }

    pub(in super::super) fn on_upnp(&mut self, event: upnp::Event) {
        match event {
            upnp::Event::NewExternalAddr { external_addr, .. } => self.reachability.on_mapped(external_addr),
            upnp::Event::ExpiredExternalAddr { external_addr, .. } => self.reachability.on_lost(&external_addr),
            upnp::Event::GatewayNotFound => tracing::debug!("no router opens ports (UPnP)"),
            upnp::Event::NonRoutableGateway => tracing::debug!("the router is itself behind a NAT: no use of UPnP"),
        }
        self.judge_reach();
    }

    /// Judges anew how this node can be reached, tells of it, and lets the DHT follow.
    pub(in super::super) fn judge_reach(&mut self) {
        if !self.listeners.is_settled() {
            return;
        }
        let listening: Vec<_> = self.swarm.listeners().cloned().collect();
        let before = self.reachability.info().state;
        if self.reachability.judge(&listening, &self.relays.granted(), unix_now()) {
            let info = self.reachability.info();
            tracing::info!(state = info.state, reason = info.reason, "reachability");
            // How it begins is no news.
            if !before.is_empty() && before != info.state {
                let text = SafeText::capped(&format!("{}: {}", info.state, info.reason), 300);
                self.bus.emit(NodeEvent::Notice { level: NoticeLevel::Info, text });
            }
        }
        self.decide_mode();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(relay: PeerId) -> Slot {
        Slot { relay, granted: false }
    }

    #[test]
    fn two_slots_are_kept_and_a_lost_one_is_asked_for_elsewhere_first() {
        let (mut relays, now) = (Relays::new(true), Instant::now());
        let peers: Vec<PeerId> = (0..3).map(|_| PeerId::random()).collect();
        peers.iter().for_each(|peer| relays.on_offer(*peer));
        let asked = relays.next(now);
        assert_eq!(asked.len(), WANTED);
        let ids: Vec<ListenerId> = asked.iter().map(|_| ListenerId::next()).collect();
        for (id, relay) in ids.iter().zip(&asked) {
            relays.slots.insert(*id, slot(*relay));
            relays.on_granted(*relay);
        }
        assert!(relays.next(now).is_empty());
        assert_eq!(relays.granted().len(), WANTED);
        assert!(relays.on_closed(ids[0], now) && !relays.on_closed(ids[0], now));
        let third = peers.iter().find(|peer| !asked.contains(peer)).unwrap();
        assert_eq!(relays.next(now), [*third]);
        relays.on_gone(*third);
        assert!(relays.next(now).is_empty(), "the one that was lost has to wait");
        assert_eq!(relays.next(now + FIRST_PAUSE), [asked[0]]);
    }

    #[test]
    fn a_relay_that_refuses_again_and_again_is_asked_less_and_less_and_none_when_unwanted() {
        let (mut relays, now, peer) = (Relays::new(true), Instant::now(), PeerId::random());
        relays.on_offer(peer);
        for _ in 0..50 {
            let id = ListenerId::next();
            relays.slots.insert(id, slot(peer));
            relays.on_closed(id, now);
        }
        assert!(relays.next(now + MAX_PAUSE - Duration::from_secs(1)).is_empty());
        assert_eq!(relays.next(now + MAX_PAUSE), [peer]);
        relays.wanted = false;
        assert!(relays.next(now + MAX_PAUSE).is_empty());
    }
}
