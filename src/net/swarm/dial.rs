//! Dialling: by hand, to the configured bootstrap nodes, and to remembered peers while there are too few.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, DialError};
use libp2p::{Multiaddr, PeerId};

use super::super::error::{ErrorKind, NodeError};
use super::super::peers::PeerSource;
use super::address::{parse_dial, peer_of};
use super::command::Reply;
use super::gate::{Held, Refused};
use super::scores::limit_out;
use super::task::Task;
use super::waiting::{Waiter, Waiting};

/// Remembered peers dialled at start.
const AT_START: usize = 16;

/// Remembered peers dialled at once while there are fewer than `min_peers`.
const AT_ONCE: usize = 4;

/// Longest pause between two dials of a bootstrap node.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// Peers whose source is kept until they connect.
const MAX_EXPECTED: usize = 1024;

/// Peers that the DHT named, with addresses kept for dialling them soon.
const MAX_HEARD: usize = 64;

/// A configured bootstrap node.
struct Bootstrap {
    addr: Multiaddr,
    /// Known from the address, or once it has answered.
    peer: Option<PeerId>,
    failures: u32,
    due: Instant,
    dialing: Option<ConnectionId>,
}

/// Dials under way and to come.
pub struct Dials {
    bootstrap: Vec<Bootstrap>,
    pub(super) waiting: Waiting,
    /// How we know the peers that are being dialled.
    expected: HashMap<PeerId, PeerSource>,
    /// Where the DHT says that providers are, oldest first.
    heard: VecDeque<(PeerId, Vec<Multiaddr>)>,
}

impl Dials {
    /// # Errors
    /// Usage: a bootstrap address that cannot be dialled.
    pub fn new(bootstrap: &[String]) -> Result<Self, NodeError> {
        let now = Instant::now();
        let node = |text: &String| {
            let addr = parse_dial(text)?;
            Ok(Bootstrap { peer: peer_of(&addr), addr, failures: 0, due: now, dialing: None })
        };
        Ok(Self {
            bootstrap: bootstrap.iter().map(node).collect::<Result<_, NodeError>>()?,
            waiting: Waiting::default(),
            expected: HashMap::new(),
            heard: VecDeque::new(),
        })
    }

    /// The DHT says that `peer` is at `addrs`.
    pub fn hear(&mut self, peer: PeerId, addrs: Vec<Multiaddr>) {
        self.heard.retain(|(known, _)| *known != peer);
        self.heard.push_back((peer, addrs));
        if self.heard.len() > MAX_HEARD {
            self.heard.pop_front();
        }
    }

    fn heard_of(&self, peer: PeerId) -> impl Iterator<Item = &Multiaddr> {
        self.heard.iter().filter(move |(known, _)| *known == peer).flat_map(|(_, addrs)| addrs)
    }

    pub fn expect(&mut self, peer: PeerId, source: PeerSource) {
        if self.expected.len() < MAX_EXPECTED {
            self.expected.entry(peer).or_insert(source);
        }
    }

    /// How we came to know a peer that has just connected by our dial. Nothing else expected: a DHT query dialled it.
    pub fn source_of(&self, peer: PeerId, id: ConnectionId) -> PeerSource {
        let expected = self.expected.get(&peer).copied();
        let bootstrap = self.bootstrap.iter().any(|node| node.dialing == Some(id) || node.peer == Some(peer));
        match (bootstrap, expected) {
            (true, _) => PeerSource::Bootstrap,
            (_, Some(source)) => source,
            _ if self.waiting.contains(id) => PeerSource::Manual,
            _ => PeerSource::Dht,
        }
    }

    pub fn on_connected(&mut self, peer: PeerId, id: ConnectionId) {
        // Also where the peer was faster than our dial.
        self.expected.remove(&peer);
        self.waiting.on_connected(peer, id);
        for node in self.bootstrap.iter_mut().filter(|node| node.dialing == Some(id) || node.peer == Some(peer)) {
            (node.peer, node.dialing) = (Some(peer), None);
        }
    }

    /// `stood`: how long the connection stood that has now ended.
    pub fn on_disconnected(&mut self, peer: PeerId, stood: Duration) {
        self.waiting.on_disconnected(peer);
        for node in self.bootstrap.iter_mut().filter(|node| node.peer == Some(peer)) {
            // One that refuses us as soon as it knows us counts as failed.
            node.failures = if stood > MAX_PAUSE / 2 { 0 } else { node.failures.saturating_add(1) };
            node.due = Instant::now() + pause(node.failures);
        }
    }

    pub fn on_failed(&mut self, id: ConnectionId, peer: Option<PeerId>, error: &DialError) {
        if let Some(peer) = peer {
            self.expected.remove(&peer);
        }
        for node in self.bootstrap.iter_mut().filter(|node| node.dialing == Some(id)) {
            node.dialing = None;
            node.failures = node.failures.saturating_add(1);
            node.due = Instant::now() + pause(node.failures);
            tracing::debug!(addr = %node.addr, error = describe(error), "bootstrap node not reached");
        }
        if let Some((wanted, waiter)) = self.waiting.on_failed(id) {
            let who = wanted.or(peer).map_or_else(|| "the peer".to_string(), |peer| peer.to_string());
            waiter.answer(Err(unreached(&who, error)));
        }
    }
}

impl Task {
    /// Dials the bootstrap nodes and the peers of earlier runs.
    pub(super) fn dial_at_start(&mut self) {
        self.dial_bootstrap();
        self.dial_remembered(AT_START);
    }

    /// Dials what is due while too few peers are connected.
    pub(super) fn redial(&mut self) {
        self.dial_bootstrap();
        for (peer, addrs) in self.book.kept_to_dial() {
            self.dial_known(peer, addrs, PeerSource::Remembered);
        }
        if self.swarm.network_info().num_peers() < self.min_peers {
            self.dial_remembered(AT_ONCE);
        }
    }

    /// Dials the bootstrap nodes without waiting for the end of their pauses.
    pub(super) fn dial_bootstrap_now(&mut self) {
        self.dials.bootstrap.iter_mut().for_each(|node| node.due = Instant::now());
        self.dial_bootstrap();
    }

    fn dial_bootstrap(&mut self) {
        let now = Instant::now();
        for index in 0..self.dials.bootstrap.len() {
            let Some(node) = self.dials.bootstrap.get(index) else { break };
            let connected = node.peer.is_some_and(|peer| self.swarm.is_connected(&peer));
            let unwanted = node.peer.is_some_and(|peer| !self.may_dial(peer));
            if connected || unwanted || node.dialing.is_some() || node.due > now {
                continue;
            }
            let options = options(node.peer, vec![node.addr.clone()], PeerCondition::DisconnectedAndNotDialing);
            let id = options.connection_id();
            let started = self.swarm.dial(options);
            if let (Err(error), peer) = (&started, self.dials.bootstrap.get(index).and_then(|node| node.peer)) {
                self.on_dial_failed(peer, error);
            }
            if let Some(node) = self.dials.bootstrap.get_mut(index) {
                match started {
                    Ok(()) => node.dialing = Some(id),
                    Err(_) => node.due = now + pause(1),
                }
            }
        }
    }

    fn dial_remembered(&mut self, limit: usize) {
        for (peer, addrs) in self.book.dial_candidates(limit) {
            self.dial_known(peer, addrs, PeerSource::Remembered);
        }
    }

    /// Dials a peer of which this node has heard, unless it is connected, unwanted, or there are enough.
    pub(super) fn dial_known(&mut self, peer: PeerId, addrs: Vec<Multiaddr>, source: PeerSource) {
        self.book.on_dialing(peer);
        if !self.may_dial(peer) {
            return;
        }
        let options = options(Some(peer), addrs, PeerCondition::DisconnectedAndNotDialing);
        match self.swarm.dial(options) {
            Ok(()) => self.dials.expect(peer, source),
            Err(error) => self.on_dial_failed(Some(peer), &error),
        }
    }

    /// A dial failed, or was refused here before it began: what libp2p then reports by its return only.
    pub(super) fn on_dial_failed(&mut self, peer: Option<PeerId>, error: &DialError) {
        let why = describe(error);
        tracing::debug!(?peer, error = why, "dial failed");
        if let Some(limit) = limit_out(error) {
            self.book.limits().hit(limit);
        }
        // Dialled already: that says nothing.
        if let Some(peer) = peer.filter(|_| !matches!(error, DialError::DialPeerConditionFalse(_))) {
            self.book.on_dial_failed(peer, &why);
        }
    }

    fn may_dial(&self, peer: PeerId) -> bool {
        peer != *self.swarm.local_peer_id()
            && self.swarm.behaviour().gate.holds(peer).is_none()
            && !self.book.is_banned(peer)
    }

    pub(super) fn dial_by_hand(&mut self, addr: Multiaddr, reply: Reply<Result<PeerId, NodeError>>) {
        let peer = peer_of(&addr);
        if let Some(refusal) = peer.and_then(|peer| self.refusal(peer)) {
            return drop(reply.send(Err(refusal)));
        }
        if let Some(peer) = peer {
            // A person's wish ends what their earlier disconnect began.
            self.swarm.behaviour_mut().gate.release(peer);
            if self.swarm.is_connected(&peer) {
                return drop(reply.send(Ok(peer)));
            }
            self.dials.expect(peer, PeerSource::Manual);
        }
        self.dial_for(peer, vec![addr], Waiter::Dial(reply));
    }

    pub(super) fn ensure(&mut self, peer: PeerId, reply: Reply<Result<(), NodeError>>) {
        if let Some(refusal) = self.refusal(peer) {
            return drop(reply.send(Err(refusal)));
        }
        if self.swarm.is_connected(&peer) {
            return drop(reply.send(Ok(())));
        }
        let mut addrs = self.book.addresses(peer);
        addrs.extend(self.dials.heard_of(peer).cloned());
        self.dial_for(Some(peer), addrs, Waiter::Ensure(reply));
    }

    fn refusal(&self, peer: PeerId) -> Option<NodeError> {
        if peer == *self.swarm.local_peer_id() {
            return Some(NodeError::new(ErrorKind::Usage, format!("{peer} is this node itself")));
        }
        let banned = self.book.info(peer).filter(|info| info.banned)?;
        let reason = banned.ban_reason.unwrap_or_default();
        Some(
            NodeError::new(ErrorKind::Network, format!("{peer} is banned: {reason}"))
                .hint(format!("end the ban first: unban {peer}")),
        )
    }

    fn dial_for(&mut self, peer: Option<PeerId>, addrs: Vec<Multiaddr>, waiter: Waiter) {
        let options = options(peer, addrs, PeerCondition::Always);
        let id = options.connection_id();
        match self.swarm.dial(options) {
            Ok(()) => self.dials.waiting.insert(id, peer, waiter),
            Err(error) => {
                self.on_dial_failed(peer, &error);
                let who = peer.map_or_else(|| "the peer".to_string(), |peer| peer.to_string());
                waiter.answer(Err(unreached(&who, &error)));
            }
        }
    }

    /// One peer, or all; they are then kept away for some minutes. Returns how many were connected.
    pub(super) fn disconnect_by_hand(&mut self, peer: Option<PeerId>) -> usize {
        let connected: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
        let leaving: Vec<PeerId> =
            connected.into_iter().filter(|known| peer.is_none_or(|peer| peer == *known)).collect();
        for peer in &leaving {
            let behaviour = self.swarm.behaviour_mut();
            behaviour.gate.hold(*peer, Held::ByHand);
            behaviour.kad.remove_peer(peer);
            let _ = self.swarm.disconnect_peer_id(*peer);
        }
        leaving.len()
    }
}

/// To `peer` at `addrs` and whatever else the protocols know of it, or to whoever answers at the first of `addrs`.
fn options(peer: Option<PeerId>, addrs: Vec<Multiaddr>, condition: PeerCondition) -> DialOpts {
    match peer {
        Some(peer) => {
            DialOpts::peer_id(peer).addresses(addrs).condition(condition).extend_addresses_through_behaviour().build()
        }
        None => {
            let addr = addrs.into_iter().next().unwrap_or_else(Multiaddr::empty);
            DialOpts::unknown_peer_id().address(addr).build()
        }
    }
}

/// Doubles from a second on.
fn pause(failures: u32) -> Duration {
    let whole = Duration::from_secs(1u64 << failures.min(6)).min(MAX_PAUSE);
    // Nodes that lost the same bootstrap node do not all come back in the same moment.
    whole.mul_f64(rand::random_range(0.75..1.25))
}

fn unreached(who: &str, error: &DialError) -> NodeError {
    NodeError::new(ErrorKind::Network, format!("cannot connect to {who}: {}", describe(error))).hint(remedy(error))
}

fn remedy(error: &DialError) -> &'static str {
    let DialError::Denied { cause } = error else {
        return "check that the other node runs and that its address can be reached from here";
    };
    match cause.downcast_ref::<Refused>() {
        Some(Refused::Memory(_)) => "raise performance.max_memory (0 is no limit) and start the node again",
        Some(Refused::Dials) => "the limit is performance.dials_per_second",
        Some(Refused::Held(_) | Refused::TooMany(_) | Refused::Banned(_)) => "it is this node that refuses",
        None => "a limit of this node is reached: `status` says which",
    }
}

/// One line for people; libp2p's own text lists every layer.
pub fn describe(error: &DialError) -> String {
    match error {
        DialError::LocalPeerId { .. } => "that is this node itself".into(),
        DialError::NoAddresses => "none of its addresses is known".into(),
        DialError::DialPeerConditionFalse(_) => "it is being dialled already".into(),
        DialError::Aborted => "the attempt was broken off".into(),
        DialError::WrongPeerId { obtained, address } => format!("at {address} is another peer, {obtained}"),
        DialError::Denied { cause } => innermost(cause),
        DialError::Transport(errors) => {
            let each = errors.iter().map(|(addr, error)| format!("{addr}: {}", innermost(error)));
            each.take(3).collect::<Vec<_>>().join("; ")
        }
    }
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    let text = inner.to_string();
    // The resolver shows its whole query, as the code has it.
    match text.strip_prefix("no records found for Query { name: Name(\"").and_then(|rest| rest.split_once('"')) {
        Some((name, _)) => format!("no address is known for {}", name.trim_end_matches('.')),
        None => text,
    }
}
