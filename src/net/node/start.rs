//! From options to a running node.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::Home;
use crate::market::store::PeerRecord;
use crate::market::{Identity, Store, install, keys};

use super::super::bus::EventBus;
use super::super::clock::unix_now;
use super::super::context::Context;
use super::super::control::{self, client::ControlClient};
use super::super::error::{ErrorKind, NodeError};
use super::super::handle::NodeHandle;
use super::super::lock::{NodeLock, is_held};
use super::super::peers::{PeerBook, run_reports};
use super::super::protocol;
use super::super::service;
use super::super::service::state::Services;
use super::super::service::transfers::TransferBoard;
use super::super::swarm::keeper::{Found, Keeper};
use super::super::swarm::{SwarmOptions, SwarmParts, prepare};
use super::core::{Core, Held};
use super::{Node, NodeOptions, judge, logs, providing, status, syncing, upkeep};

/// For the listeners to say where they listen. One that is slower is used all the same.
const LISTENING: Duration = Duration::from_secs(2);

/// For a node that is ending to give the home free: all that it may take, and some.
const ENDING: Duration = Duration::from_secs(4);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What is on disk of a node.
struct Opened {
    lock: NodeLock,
    identity: Identity,
    store: Store,
    peers: Vec<PeerRecord>,
    kept: Option<(Keeper, Found)>,
}

/// Takes the lock, opens identity and store, starts the swarm task and (unless ephemeral) the control server; returns
/// when it is listening.
///
/// # Errors
/// Failed: a node runs on this home already. Permission, disk: the home cannot be used. Usage: an address in the settings
/// that cannot be read. Network: nothing can be listened on. Nothing is left running then.
pub async fn start(options: NodeOptions) -> Result<NodeHandle, NodeError> {
    let started = Instant::now();
    let (home, network) = (options.home.clone(), options.settings.network.name.clone());
    let ephemeral = options.ephemeral;
    let lock = take_lock(&home).await?;
    let opened = spawn_blocking(move || open(lock, &home, &network, ephemeral)).await;
    let opened = opened.map_err(|_| NodeError::new(ErrorKind::Failed, "opening the home failed"))??;

    // Cancelled when this function fails, or is given up, half way.
    let stop = CancellationToken::new();
    let unfinished = stop.clone().drop_guard();
    let settings = Arc::new(options.settings);
    let bus = EventBus::new();
    let peers = PeerBook::new(&settings, bus.clone());
    peers.load(opened.peers);
    let swarm = SwarmOptions {
        settings: &settings,
        identity: &opened.identity,
        ephemeral: options.ephemeral,
        book: peers.clone(),
        bus: bus.clone(),
        kept: opened.kept,
    };
    let (parts, task) = prepare(swarm, stop.clone())?;
    let SwarmParts { client, streams, incoming, verdicts, syncs, settled } = parts;
    let context = Context {
        home: options.home,
        identity: opened.identity,
        store: opened.store,
        swarm: client,
        streams,
        peers,
        transfers: TransferBoard::new(bus.clone()),
        bus,
        services: Services::new(&settings),
        settings,
    };
    let serving = protocol::serve(&context)?;
    let held = Held { serving: Some(serving), control: None, lock: Some(opened.lock) };
    let tasks = context.services.tasks().clone();
    let core = Arc::new(Core::new(context.clone(), stop.clone(), tasks.clone(), held, started));
    let node = Arc::new(Node { core: core.clone() });
    // From here on the node ends itself, whatever happens below.
    unfinished.disarm();
    let ending = core.clone();
    tokio::spawn(async move { ending.end().await });

    let over = stop.clone().drop_guard();
    tasks.spawn(async move {
        task.await;
        drop(over);
    });
    tasks.spawn(judge::run(context.clone(), incoming, verdicts));
    tasks.spawn(run_reports(context.peers.clone(), context.store.clone(), stop.clone()));
    tasks.spawn(syncing::run(context.clone(), syncs, stop.clone()));
    tasks.spawn(status::run(core.clone()));
    tasks.spawn(upkeep::run(context.clone(), stop.clone()));
    tasks.spawn(service::central::warm_up(context.clone()));
    if let Some(lines) = options.logs {
        tasks.spawn(logs::run(core.clone(), lines.subscribe(), stop.clone()));
    }
    if timeout(LISTENING, settled).await.is_err() {
        tracing::warn!("not all listeners have said where they listen");
    }
    if !options.ephemeral
        && let Err(error) = serve_control(&core, &node)
    {
        // The home is free again when the caller hears of it.
        node.shutdown().await;
        return Err(error);
    }
    tasks.spawn(providing::run(context, stop));
    tracing::info!(peer = %core.context.swarm.local_peer(), in_ms = started.elapsed().as_millis() as u64, "node started");
    Ok(NodeHandle::Embedded(node))
}

/// Waits for the node that has the home, if there is one and it does not answer: it is ending, or of a command that does.
async fn take_lock(home: &Home) -> Result<NodeLock, NodeError> {
    let deadline = Instant::now() + ENDING;
    loop {
        match NodeLock::take(home) {
            Err(error) if is_held(&error) && Instant::now() < deadline => {
                if !matches!(ControlClient::connect(home).await, Ok(None)) {
                    return Err(error);
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            taken => return taken,
        }
    }
}

fn open(lock: NodeLock, home: &Home, network: &str, ephemeral: bool) -> Result<Opened, NodeError> {
    let identity = Identity::load_or_create(&home.identity_file())?;
    let store = Store::open(home)?;
    let identity = keys::complete(&home.identity_file(), identity, |old, new| {
        store.run_blocking(move |db| service::keys::is_over(db, old, new))
    })?;
    install::recover(&store, &home.packs_dir())?;
    let peers = store.run_blocking(|db| db.peers())?;
    // One that serves nobody has nothing to keep.
    let kept = (!ephemeral).then(|| Keeper::open(&home.dht_file(), network, unix_now()));
    let kept = kept.transpose().unwrap_or_else(|error| {
        tracing::warn!(%error, "DHT records of others are kept in memory only");
        None
    });
    Ok(Opened { lock, identity, store, peers, kept })
}

fn serve_control(core: &Core, node: &Arc<Node>) -> Result<(), NodeError> {
    let stop = CancellationToken::new();
    let server = control::serve(Arc::downgrade(node), &core.context.home.socket_file(), stop.clone())?;
    core.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner).control = Some((stop, server));
    Ok(())
}
