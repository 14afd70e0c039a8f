//! What the swarm reports.

use std::time::{Duration, Instant};

use libp2p::core::ConnectedPoint;
use libp2p::swarm::{ConnectionId, SwarmEvent};
use libp2p::{Multiaddr, PeerId, identify, mdns, relay};

use crate::market::SafeText;

use super::super::api::{Direction, NodeEvent, NoticeLevel};
use super::super::peers::PeerSource;
use super::super::protocol::SYNC_PROTOCOL;
use super::address::{is_dialable, is_relayed, network_of, transport, useful, without_peer};
use super::behaviour::BehaviourEvent;
use super::dial::describe;
use super::gate::Held;
use super::inbox::SyncDue;
use super::network;
use super::scores::limit_in;
use super::task::{Remote, Task};
use super::{IDENTIFY_PROTOCOL, KAD_PROTOCOL};

/// Addresses taken from one identify message.
const MAX_CLAIMED: usize = 8;

impl Task {
    pub(super) fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            SwarmEvent::NewListenAddr { listener_id, address } => {
                if let Some(notice) = self.listeners.on_address(listener_id, &address) {
                    let text = SafeText::new(&notice);
                    self.bus.emit(NodeEvent::Notice { level: NoticeLevel::Warning, text });
                }
                tracing::info!(%address, "listening");
                if self.relays_for_others && !is_relayed(&address) {
                    // A relay has to tell where it is; what its guests make of it they find out.
                    self.swarm.add_external_address(address);
                }
                self.judge_reach();
                self.settle();
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                if self.relays_for_others {
                    self.swarm.remove_external_address(&address);
                }
                self.judge_reach();
            }
            SwarmEvent::ExternalAddrExpired { address } => {
                self.reachability.on_lost(&address);
                self.judge_reach();
            }
            SwarmEvent::ListenerClosed { listener_id, reason, .. } => {
                let why = reason.map_or_else(|error| error.to_string(), |()| "ended".into());
                if !self.on_slot_closed(listener_id, &why) {
                    self.listeners.on_closed(listener_id, &why);
                    self.judge_reach();
                    self.settle();
                }
            }
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.on_connected(peer_id, connection_id, &endpoint);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, endpoint, num_established, cause } => {
                let why = cause.map(|cause| cause.to_string());
                self.on_disconnected(peer_id, connection_id, &endpoint, num_established, why);
            }
            SwarmEvent::OutgoingConnectionError { connection_id, peer_id, error } => {
                self.on_dial_failed(peer_id, &error);
                self.dials.on_failed(connection_id, peer_id, &error);
                if let Some(peer) = peer_id {
                    self.on_upgrade_dial_failed(peer, connection_id, &describe(&error));
                }
            }
            SwarmEvent::IncomingConnectionError { send_back_addr, error, .. } => {
                tracing::debug!(from = %send_back_addr, %error, "inbound connection refused");
                if let Some(limit) = limit_in(&error) {
                    self.book.limits().hit(limit);
                }
            }
            // From mDNS.
            SwarmEvent::NewExternalAddrOfPeer { peer_id, address } => {
                let address = without_peer(address);
                if is_dialable(&address) {
                    self.book.on_hearsay(peer_id, address);
                }
            }
            _ => {}
        }
    }

    fn on_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Kad(event) => self.on_kad(event),
            BehaviourEvent::Gossip(event) => self.on_gossip(event),
            BehaviourEvent::Identify(identify::Event::Received { connection_id: _, peer_id, info }) => {
                self.on_identified(peer_id, info);
            }
            BehaviourEvent::Ping(ping) => {
                if let Ok(rtt) = ping.result {
                    self.book.on_ping(ping.peer, rtt);
                }
            }
            BehaviourEvent::Mdns(mdns::Event::Discovered(found)) => self.on_discovered(found),
            BehaviourEvent::Probe(event) => self.on_probe(event),
            BehaviourEvent::Upnp(event) => self.on_upnp(event),
            BehaviourEvent::RelayClient(event) => self.on_relay_client(event),
            BehaviourEvent::Dcutr(event) => self.on_upgrade(event),
            BehaviourEvent::Relay(event) => tracing::debug!(?event, "relaying for others"),
            _ => {}
        }
    }

    fn on_connected(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let (direction, addr, source) = match endpoint {
            ConnectedPoint::Dialer { address, .. } => {
                (Direction::Outbound, Some(without_peer(address.clone())), self.dials.source_of(peer, id))
            }
            // The address it came from has a port of the moment: of no use to dial it.
            ConnectedPoint::Listener { .. } => (Direction::Inbound, None, PeerSource::Inbound),
        };
        tracing::debug!(%peer, ?direction, addr = %endpoint.get_remote_address(), "connected");
        self.dials.on_connected(peer, id);
        let remote = Remote {
            peer,
            addr: match endpoint {
                // Where the relay is: the address of who came through it says nothing.
                ConnectedPoint::Listener { local_addr, .. } if endpoint.is_relayed() => local_addr.clone(),
                _ => endpoint.get_remote_address().clone(),
            },
            since: Instant::now(),
            dialled: endpoint.is_dialer(),
            relayed: endpoint.is_relayed(),
        };
        if let ConnectedPoint::Listener { local_addr, send_back_addr } = endpoint {
            self.on_visitor(peer, local_addr, send_back_addr);
        }
        self.remotes.insert(id, remote);
        self.book.on_connected(peer, id, direction, addr, source, network_of(endpoint.get_remote_address()));
        self.book.on_link(peer, id, transport(endpoint.get_remote_address()), endpoint.is_relayed());
        self.settle_direct(peer);
        self.make_room();
    }

    fn on_disconnected(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        endpoint: &ConnectedPoint,
        left: u32,
        cause: Option<String>,
    ) {
        let stood = self.remotes.remove(&id).map_or(Duration::ZERO, |remote| remote.since.elapsed());
        let reason = self.reason_of(peer, cause);
        tracing::debug!(%peer, addr = %endpoint.get_remote_address(), reason, "disconnected");
        self.book.on_disconnected(peer, id, &reason);
        if left == 0 {
            self.dials.on_disconnected(peer, stood);
            self.relays.on_gone(peer);
            self.on_server_gone(peer);
        }
        self.settle_direct(peer);
    }

    fn reason_of(&self, peer: PeerId, cause: Option<String>) -> String {
        if let Some(info) = self.book.info(peer).filter(|info| info.banned) {
            return format!("banned: {}", info.ban_reason.unwrap_or_default());
        }
        if let Some(held) = self.swarm.behaviour().gate.holds(peer) {
            return held.to_string();
        }
        cause.unwrap_or_else(|| "closed".into())
    }

    fn on_identified(&mut self, peer: PeerId, info: identify::Info) {
        let unwanted = match network::other(&info.protocols, &self.network) {
            Some(other) => Some(Held::OtherNetwork(other)),
            None if !is_ours(&info) && self.found_by_itself(peer) => Some(Held::Stranger),
            None => None,
        };
        if let Some(why) = unwanted {
            tracing::debug!(%peer, agent = %SafeText::new(&info.agent_version), %why, "not wanted");
            self.dials.waiting.on_unwanted(peer, &why);
            self.swarm.behaviour_mut().gate.hold(peer, why);
            let _ = self.swarm.disconnect_peer_id(peer);
            return;
        }
        self.dials.waiting.on_welcomed(peer);
        let remote = self.remote_of(peer);
        let addrs = useful(info.listen_addrs, remote.as_ref(), MAX_CLAIMED);
        let speaks_sync = info.protocols.contains(&SYNC_PROTOCOL);
        if info.protocols.contains(&relay::HOP_PROTOCOL_NAME) && !remote.as_ref().is_some_and(is_relayed) {
            self.relays.on_offer(peer);
        }
        if info.protocols.contains(&KAD_PROTOCOL) {
            self.learn_route(peer, &addrs);
        }
        self.return_call(peer, &addrs);
        let met = self.book.on_identified(peer, &info.agent_version, addrs, speaks_sync);
        if met && self.syncs.try_send(SyncDue::Met(peer)).is_err() {
            tracing::debug!(%peer, "too many new peers at once: sync waits for its turn");
        }
    }

    /// Whether this node dialled `peer` of its own accord: mDNS finds every libp2p program of the local network. One that
    /// comes to us, or that a person named, wants something of this network, whatever it says of itself.
    fn found_by_itself(&self, peer: PeerId) -> bool {
        use PeerSource::{Dht, Mdns, Remembered};
        matches!(self.book.source(peer), Some(Mdns | Remembered | Dht))
    }

    /// The address of the oldest connection with `peer`.
    fn remote_of(&self, peer: PeerId) -> Option<Multiaddr> {
        let id = self.book.first_connection(peer)?;
        self.remotes.get(&id).map(|remote| remote.addr.clone())
    }

    fn on_discovered(&mut self, found: Vec<(PeerId, Multiaddr)>) {
        for (peer, addr) in found {
            if !self.swarm.is_connected(&peer) && is_dialable(&addr) {
                self.dial_known(peer, vec![without_peer(addr)], PeerSource::Mdns);
            }
        }
    }
}

/// Whether identify shows a node of this network, of whatever make.
fn is_ours(info: &identify::Info) -> bool {
    let speaks_ours = info.protocols.iter().any(|protocol| protocol.as_ref().starts_with("/ggen/"));
    speaks_ours || info.protocol_version == IDENTIFY_PROTOCOL
}

#[cfg(test)]
mod tests {
    use super::*;
    use libp2p::StreamProtocol;
    use libp2p::identity::Keypair;

    #[test]
    fn a_node_is_ours_by_its_version_or_by_what_it_speaks() {
        let info = |version: &str, protocol: &'static str| identify::Info {
            public_key: Keypair::generate_ed25519().public(),
            protocol_version: version.into(),
            agent_version: "someone".into(),
            listen_addrs: Vec::new(),
            protocols: vec![StreamProtocol::new(protocol)],
            observed_addr: "/ip4/127.0.0.1/tcp/1".parse().unwrap(),
            signed_peer_record: None,
        };
        assert!(is_ours(&info("/ggen/1.0.0", "/ipfs/ping/1.0.0")));
        assert!(is_ours(&info("ipfs/0.1.0", "/ggen/kad/1.0.0")));
        assert!(!is_ours(&info("ipfs/0.1.0", "/ipfs/kad/1.0.0")));
    }
}
