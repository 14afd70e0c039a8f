//! The task that owns the swarm: one loop over its events, the commands of the node and the verdicts on announcements.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt;
use libp2p::gossipsub::MessageAcceptance;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId, Swarm};
use libp2p_stream::IncomingStreams;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::config::schema::DhtServerMode;

use super::super::bus::EventBus;
use super::super::peers::{Order, PeerBook};
use super::behaviour::Behaviour;
use super::command::{Command, Snapshot};
use super::dht::Dht;
use super::dial::Dials;
use super::inbox::{Inbox, SyncDue, Verdict};
use super::keeper::Keeper;
use super::listen::Listeners;
use super::nat::{Reachability, Relays, Upgrades};

/// How often what nothing else triggers is looked after: redialling, ends of bans, DHT renewal.
const CARE_EVERY: Duration = Duration::from_secs(2);

/// How long connections may take to close when the node stops.
const GOODBYE: Duration = Duration::from_millis(500);

/// A standing connection.
pub struct Remote {
    pub peer: PeerId,
    /// Of the other side.
    pub addr: Multiaddr,
    pub since: std::time::Instant,
    pub dialled: bool,
    pub relayed: bool,
}

/// All that the swarm task owns.
pub struct Task {
    pub(super) swarm: Swarm<Behaviour>,
    pub(super) book: PeerBook,
    pub(super) bus: EventBus,
    pub(super) listeners: Listeners,
    pub(super) dials: Dials,
    pub(super) dht: Dht,
    pub(super) inbox: Inbox,
    /// As many as the connection limits allow.
    pub(super) remotes: HashMap<ConnectionId, Remote>,
    pub(super) reachability: Reachability,
    pub(super) relays: Relays,
    pub(super) upgrades: Upgrades,
    /// Writes what is kept for others to disk; none: it is forgotten with this run.
    pub(super) keeper: Option<Keeper>,
    /// Whether this node relays for others.
    pub(super) relays_for_others: bool,
    pub(super) topic: String,
    /// The network's name: heads of others are not stored.
    pub(super) network: String,
    /// As long as it is here, identify tells the network's name.
    pub(super) _tells_network: Option<IncomingStreams>,
    pub(super) mode: DhtServerMode,
    pub(super) ephemeral: bool,
    pub(super) min_peers: usize,
    pub(super) max_peers: usize,
    /// Catalogue syncs that are due.
    pub(super) syncs: mpsc::Sender<SyncDue>,
    /// For commands that the task sends itself later; weak, so that it does not keep its own channel open.
    pub(super) own: mpsc::WeakSender<Command>,
    /// Told once every listener has said where it listens.
    pub(super) settled: Option<oneshot::Sender<()>>,
}

/// The ends of the task's channels.
pub struct Channels {
    pub commands: mpsc::Receiver<Command>,
    pub verdicts: mpsc::Receiver<Verdict>,
}

impl Task {
    /// Runs until `stop`, then closes all connections.
    pub async fn run(mut self, mut channels: Channels, stop: CancellationToken) {
        let mut care = interval_at(Instant::now() + CARE_EVERY, CARE_EVERY);
        care.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let book = self.book.clone();
        self.obey();
        self.judge_reach();
        self.dial_at_start();
        self.settle();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                event = self.swarm.select_next_some() => self.on_event(event),
                Some(command) = channels.commands.recv() => {
                    // Who lifts a ban and connects next must not meet the block that is about to go.
                    self.obey();
                    self.on_command(command);
                }
                Some(verdict) = channels.verdicts.recv() => self.on_verdict(verdict),
                () = book.ordered() => self.obey(),
                _ = care.tick() => self.care(),
            }
        }
        self.say_goodbye().await;
        self.finish_keeping().await;
    }

    /// Tells who waits for it that this node listens.
    pub(super) fn settle(&mut self) {
        if self.listeners.is_settled()
            && let Some(settled) = self.settled.take()
        {
            let _ = settled.send(());
        }
    }

    fn care(&mut self) {
        self.book.expire_bans();
        self.make_room();
        self.score_peers();
        self.redial();
        self.care_for_table();
        self.renew();
        self.look_for_relays();
        self.leave_relays();
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Dial { addr, reply } => self.dial_by_hand(addr, reply),
            Command::Ensure { peer, reply } => self.ensure(peer, reply),
            Command::Direct { peer, reply } => self.make_direct(peer, reply),
            Command::Disconnect { peer, reply } => drop(reply.send(self.disconnect_by_hand(peer))),
            Command::Providers { key, found, left } => self.look_for_providers(&key, found, left),
            Command::Closest { peer, reply, left } => self.look_for_closest(peer, reply, left),
            Command::Provide { key, reply } => drop(reply.send(self.provide(key))),
            Command::StopProviding { package } => self.stop_providing(package),
            Command::ProvideAll(keys) => self.provide_all(keys),
            Command::PutHeads(heads) => self.put_heads(heads),
            Command::FindHead { key, found, left } => self.look_for_head(&key, found, left),
            Command::Announce { envelope, reply } => drop(reply.send(self.announce(envelope))),
            Command::Bootstrap { finished, reply } => self.bootstrap(finished, reply),
            Command::Snapshot { reply } => drop(reply.send(self.snapshot())),
            Command::EndQuery(id) => self.end_query(id),
        }
    }

    pub(super) fn on_verdict(&mut self, verdict: Verdict) {
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        if matches!(verdict.acceptance, MessageAcceptance::Reject) {
            tracing::debug!(peer = %verdict.source, "announcement rejected");
        }
        gossip.report_message_validation_result(&verdict.id, &verdict.source, verdict.acceptance);
    }

    /// Does what the peer book wants done.
    fn obey(&mut self) {
        for order in self.book.take_orders() {
            match order {
                Order::Block(peer) => {
                    let behaviour = self.swarm.behaviour_mut();
                    behaviour.blocked.block_peer(peer);
                    behaviour.kad.remove_peer(&peer);
                }
                Order::Unblock(peer) => {
                    self.swarm.behaviour_mut().blocked.unblock_peer(peer);
                }
                Order::BlockNetwork(network) => self.swarm.behaviour_mut().gate.block(network, true),
                Order::UnblockNetwork(network) => self.swarm.behaviour_mut().gate.block(network, false),
            }
        }
    }

    fn snapshot(&mut self) -> Snapshot {
        Snapshot {
            listen_addrs: self.listen_addrs(),
            topics: vec![self.topic.clone()],
            notices: self.listeners.notices(),
            reachability: self.reachability.info(),
            dht: self.dht_info(),
        }
    }

    /// TCP first, as most can dial it.
    fn listen_addrs(&self) -> Vec<Multiaddr> {
        let mut addrs: Vec<Multiaddr> = self.swarm.listeners().cloned().collect();
        addrs.sort_by_key(|addr| (addr.iter().any(|part| matches!(part, Protocol::QuicV1)), addr.to_string()));
        addrs
    }

    async fn say_goodbye(&mut self) {
        let peers: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        let closed = async {
            while self.swarm.connected_peers().next().is_some() {
                let event = self.swarm.select_next_some().await;
                self.on_event(event);
            }
        };
        if tokio::time::timeout(GOODBYE, closed).await.is_err() {
            tracing::debug!("some connections did not close in time");
        }
    }
}
