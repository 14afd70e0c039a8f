//! The protocols of the swarm and their limits.

use std::num::NonZeroUsize;
use std::time::Duration;

use libp2p::allow_block_list::{self, BlockedPeers};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::identity::Keypair;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{PeerId, dcutr, identify, kad, mdns, ping, relay, upnp};

use crate::config::Settings;
use crate::config::schema::Performance;

use super::forwarders::Forwarders;
use super::gate::Gate;
use super::gossip::{self, Gossipsub};
use super::hops::Hops;
use super::listen::may_be_behind_router;
use super::nat::{Answer, Probe, is_public};
use super::records::DhtStore;
use super::watched::Watched;
use super::{AGENT, IDENTIFY_PROTOCOL, KAD_PROTOCOL};

/// Both sides of each connection ask, so that of all an idle node sends most is this.
const PING: Duration = Duration::from_secs(30);

/// Room beyond `max_peers` that only this node's own dials can use, so that strangers cannot shut it in.
const OWN_DIALS: u32 = 8;

/// Room beyond `max_peers` for newcomers, until somebody else has made room for them.
const NEWCOMERS: u32 = 8;

#[derive(NetworkBehaviour)]
pub struct Behaviour {
    // What refuses comes first: the rest then never hears of what was refused.
    pub blocked: allow_block_list::Behaviour<BlockedPeers>,
    pub gate: Gate,
    pub limits: connection_limits::Behaviour,
    pub identify: identify::Behaviour,
    pub ping: ping::Behaviour,
    pub mdns: Toggle<mdns::tokio::Behaviour>,
    pub kad: Watched<kad::Behaviour<DhtStore>, Hops>,
    pub gossip: Watched<Gossipsub, Forwarders>,
    pub streams: libp2p_stream::Behaviour,
    pub probe: Toggle<Probe>,
    pub answer: Toggle<Answer>,
    pub upnp: Toggle<upnp::tokio::Behaviour>,
    pub relay: Toggle<relay::Behaviour>,
    pub relay_client: Toggle<relay::client::Behaviour>,
    pub dcutr: Toggle<dcutr::Behaviour>,
}

impl Behaviour {
    /// All protocols as `settings` want them. One that runs for one command only (`ephemeral`) asks nobody to reach it. Call it
    /// inside a tokio runtime.
    ///
    /// # Errors
    /// What gossipsub does not accept of its configuration.
    pub fn new(
        key: &Keypair,
        settings: &Settings,
        ephemeral: bool,
        relay_client: relay::client::Behaviour,
    ) -> Result<Self, String> {
        let local = key.public().to_peer_id();
        let network = &settings.network;
        let upnp = network.upnp && !ephemeral && may_be_behind_router(&network.listen_addresses);
        Ok(Self {
            blocked: allow_block_list::Behaviour::default(),
            gate: Gate::new(&settings.performance),
            limits: connection_limits::Behaviour::new(limits(&settings.performance)),
            identify: identify(key),
            ping: ping::Behaviour::new(ping::Config::new().with_interval(PING)),
            mdns: mdns_if(settings.network.mdns, local),
            kad: Watched::new(kademlia(local, settings)),
            gossip: Watched::new(gossip::behaviour(&settings.network.packages_topic)?),
            streams: libp2p_stream::Behaviour::new(),
            probe: (!ephemeral).then(|| Probe::new(is_public)).into(),
            answer: (!ephemeral).then(|| Answer::new(settings.performance.max_peers as usize)).into(),
            upnp: upnp.then(upnp::tokio::Behaviour::default).into(),
            relay: (network.relay_server && !ephemeral).then(|| relay_server(local)).into(),
            relay_client: network.relay.then_some(relay_client).into(),
            dcutr: network.relay.then(|| dcutr::Behaviour::new(local)).into(),
        })
    }
}

fn limits(settings: &Performance) -> ConnectionLimits {
    let (max_peers, pending) = (settings.max_peers, settings.max_pending_connections);
    ConnectionLimits::default()
        .with_max_pending_incoming(Some(pending))
        .with_max_pending_outgoing(Some(pending))
        .with_max_established_incoming(Some(max_peers.saturating_add(NEWCOMERS)))
        .with_max_established(Some(max_peers.saturating_add(NEWCOMERS + OWN_DIALS)))
        .with_max_established_per_peer(Some(settings.max_connections_per_peer))
}

/// The plain form of identify: js-libp2p cannot read the one with a signed peer record.
fn identify(key: &Keypair) -> identify::Behaviour {
    let config = identify::Config::new(IDENTIFY_PROTOCOL.into(), key.public())
        .with_agent_version(AGENT.into())
        // The peer book keeps addresses, the useful ones only: this cache would have us dial whatever a stranger claims.
        .with_cache_size(0)
        .with_push_listen_addr_updates(true);
    identify::Behaviour::new(config)
}

/// With libp2p's limits: 128 slots, 16 connections at once, 4 of one peer, each of 128 KiB and two minutes. Who opts in says that
/// others can reach this node, so that the offer does not wait for somebody to find out.
fn relay_server(local: PeerId) -> relay::Behaviour {
    let mut server = relay::Behaviour::new(local, relay::Config::default());
    server.set_status(Some(relay::Status::Enable));
    server
}

fn mdns_if(wanted: bool, local: PeerId) -> Toggle<mdns::tokio::Behaviour> {
    let started = wanted.then(|| mdns::tokio::Behaviour::new(mdns::Config::default(), local));
    started
        .and_then(|mdns| {
            mdns.inspect_err(|error| tracing::warn!(%error, "mDNS is off: peers of the local network are not found"))
                .ok()
        })
        .into()
}

fn kademlia(local: PeerId, settings: &Settings) -> kad::Behaviour<DhtStore> {
    let mut config = kad::Config::new(KAD_PROTOCOL);
    let replication = NonZeroUsize::new(settings.performance.dht_replication as usize).unwrap_or(kad::K_VALUE);
    config
        // A liar on one path does not lead the others astray.
        .disjoint_query_paths(true)
        .set_query_timeout(Duration::from_secs(settings.performance.dht_query_timeout.max(1)))
        .set_replication_factor(replication)
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        .set_kbucket_inserts(kad::BucketInserts::Manual)
        // Done by the swarm task, spread over the interval; what is kept for others is not passed on, as they renew it.
        .set_publication_interval(None)
        .set_replication_interval(None)
        .set_provider_publication_interval(None)
        // Done by the swarm task, which knows when there is anyone to ask.
        .set_periodic_bootstrap_interval(None)
        .set_caching(kad::Caching::Disabled);
    kad::Behaviour::with_config(local, DhtStore::new(local), config)
}
