//! Setting the swarm up and starting its task.

use std::collections::HashMap;
use std::time::Duration;

use libp2p::identity::Keypair;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::market::Identity;

use super::super::bus::EventBus;
use super::super::error::{ErrorKind, NodeError};
use super::super::peers::PeerBook;
use super::behaviour::Behaviour;
use super::client::SwarmClient;
use super::dht::Dht;
use super::dial::Dials;
use super::inbox::{Inbox, Incoming, SyncDue, Verdict};
use super::keeper::{Found, Keeper};
use super::listen::Listeners;
use super::nat::{Reachability, Relays, Upgrades};
use super::network;
use super::task::{Channels, Task};
use super::transport;

/// Commands waiting for the task.
const COMMANDS: usize = 256;

/// Verdicts waiting for the task.
const VERDICTS: usize = 1024;

/// Syncs that are due, waiting for whoever runs them.
const SYNCS: usize = 64;

/// What the swarm is set up from.
pub struct SwarmOptions<'a> {
    pub settings: &'a Settings,
    pub identity: &'a Identity,
    pub ephemeral: bool,
    pub book: PeerBook,
    pub bus: EventBus,
    /// Where DHT records of others are kept, and what was there.
    pub kept: Option<(Keeper, Found)>,
}

/// What the rest of the node needs of the swarm.
pub struct SwarmParts {
    pub client: SwarmClient,
    pub streams: libp2p_stream::Control,
    /// Announcements to be judged, and where the verdicts go.
    pub incoming: mpsc::UnboundedReceiver<Incoming>,
    pub verdicts: mpsc::Sender<Verdict>,
    /// Catalogue syncs that are due.
    pub syncs: mpsc::Receiver<SyncDue>,
    /// Fires when all listeners have said where they listen.
    pub settled: oneshot::Receiver<()>,
}

/// Sets up a swarm that listens; its task is yet to be spawned. Call it inside a tokio runtime.
///
/// # Errors
/// Usage: an address in the settings that cannot be read. Network: nothing can be listened on.
pub fn prepare(
    options: SwarmOptions<'_>,
    stop: CancellationToken,
) -> Result<(SwarmParts, impl Future<Output = ()> + Send + use<>), NodeError> {
    let settings = options.settings;
    let key = keypair(options.identity)?;
    let dials = Dials::new(&settings.network.bootstrap_nodes)?;
    let mut swarm = transport::build(&key, |client| Behaviour::new(&key, settings, options.ephemeral, client))?;
    let (keeper, found) = options.kept.unzip();
    swarm.behaviour_mut().kad.store_mut().restore(found.unwrap_or_default());
    let mut streams = swarm.behaviour().streams.new_control();
    let tells_network = network::tell(&mut streams, &settings.network.name);
    let listeners = Listeners::open(&mut swarm, &settings.network.listen_addresses, options.ephemeral)?;

    let forwarders = swarm.behaviour_mut().gossip.watch().clone();
    let (commands, asked) = mpsc::channel(COMMANDS);
    let (judge, incoming) = mpsc::unbounded_channel();
    let (verdicts, judged) = mpsc::channel(VERDICTS);
    let (syncs, due) = mpsc::channel(SYNCS);
    let (settled, listening) = oneshot::channel();
    let query_timeout = Duration::from_secs(settings.performance.dht_query_timeout.max(1));
    let task = Task {
        swarm,
        book: options.book.clone(),
        bus: options.bus,
        listeners,
        dials,
        dht: Dht::new(),
        inbox: Inbox::new(judge, settings.performance.announcement_burst),
        remotes: HashMap::new(),
        reachability: Reachability::default(),
        relays: Relays::new(settings.network.relay && !options.ephemeral),
        upgrades: Upgrades::default(),
        keeper,
        relays_for_others: settings.network.relay_server,
        topic: settings.network.packages_topic.clone(),
        network: settings.network.name.clone(),
        _tells_network: tells_network,
        mode: settings.network.dht_server_mode,
        ephemeral: options.ephemeral,
        max_peers: settings.performance.max_peers as usize,
        min_peers: settings.performance.min_peers as usize,
        syncs,
        own: commands.downgrade(),
        settled: Some(settled),
    };
    let parts = SwarmParts {
        client: SwarmClient::new(key.public().to_peer_id(), commands, options.book, query_timeout, forwarders),
        streams,
        incoming,
        verdicts,
        syncs: due,
        settled: listening,
    };
    Ok((parts, task.run(Channels { commands: asked, verdicts: judged }, stop)))
}

fn keypair(identity: &Identity) -> Result<Keypair, NodeError> {
    Keypair::from_protobuf_encoding(&identity.to_protobuf())
        .map_err(|error| NodeError::new(ErrorKind::Failed, format!("this node's key cannot be used: {error}")))
}
