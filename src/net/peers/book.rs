//! The peer book: bounded, persistent, shared.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use tokio::sync::Notify;

use crate::config::Settings;
use crate::market::SafeText;
use crate::market::store::PeerRecord;

use super::super::api::{Direction, NodeEvent, PeerInfo, Traffic};
use super::super::bus::EventBus;
use super::super::clock::unix_now;
use super::super::limits::Limits;
use super::bans::Rules;
use super::conduct::Outcome;
use super::entry::{Connection, Entry, PeerSource};
use super::history::event;
use super::kept;
use super::table::{MAX_PEERS, Order, Table, step};

/// Longest pause between two dials that this node makes by itself.
const MAX_BACKOFF: Duration = Duration::from_secs(600);

/// A connected peer that came by itself.
#[derive(Clone, Copy, Debug)]
pub struct Guest {
    pub peer: PeerId,
    pub stayed: Duration,
    /// The step that its estimate is in.
    pub standing: u32,
}

/// What this node knows of its peers. Cheap to clone; its lock is never held across an await.
#[derive(Clone)]
pub struct PeerBook {
    shared: Arc<Shared>,
}

struct Shared {
    table: Mutex<Table>,
    rules: Rules,
    bus: EventBus,
    limits: Limits,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    /// Orders wait for the swarm task.
    ordered: Notify,
    /// Changes wait for subscribers or store.
    changed: Notify,
}

impl PeerBook {
    pub fn new(settings: &Settings, bus: EventBus) -> Self {
        let rules = Rules {
            ban_threshold: settings.security.ban_threshold,
            ban_duration: settings.security.ban_duration.0,
            min_reputation: settings.security.min_peer_reputation,
        };
        Self {
            shared: Arc::new(Shared {
                table: Mutex::default(),
                rules,
                bus,
                limits: Limits::default(),
                bytes_in: AtomicU64::new(0),
                bytes_out: AtomicU64::new(0),
                ordered: Notify::new(),
                changed: Notify::new(),
            }),
        }
    }

    /// Counts what limits refused peers.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Takes over what was remembered, the most recently seen first where there is too much.
    pub fn load(&self, mut records: Vec<PeerRecord>) {
        let now = unix_now();
        records.sort_by_key(|record| std::cmp::Reverse((record.banned_until > now, record.last_seen)));
        let mut table = self.lock();
        for (peer, entry) in records.into_iter().take(MAX_PEERS).filter_map(|record| Entry::from_record(record, now)) {
            if entry.ban.is_some() {
                table.orders.push(Order::Block(peer));
            }
            table.entries.insert(peer, entry);
        }
        table.settle_networks(now);
        drop(table);
        self.shared.ordered.notify_one();
    }

    /// Records and, where it leads there, bans (and has the swarm drop the connection).
    pub fn record(&self, peer: PeerId, outcome: Outcome) {
        tracing::debug!(%peer, ?outcome, "peer judged");
        let mut table = self.lock();
        let banned = table.judge(peer, &outcome, self.shared.rules, unix_now());
        let ban = table.get(peer).and_then(|entry| entry.ban.as_ref()).map(|ban| ban.reason.clone());
        drop(table);
        if let Some(reason) = ban.filter(|_| banned) {
            tracing::warn!(%peer, "banned: {reason}");
        }
        self.wake(banned);
    }

    pub fn is_banned(&self, peer: PeerId) -> bool {
        self.lock().get(peer).is_some_and(|entry| entry.is_banned(unix_now()))
    }

    /// Best first: those below `security.min_peer_reputation` last, else by the estimate of how far each can be relied on, then
    /// by latency. Banned ones are left out.
    pub fn rank(&self, peers: Vec<PeerId>) -> Vec<PeerId> {
        let (now, least) = (unix_now(), self.shared.rules.min_reputation);
        let unknown = Entry::default();
        let table = self.lock();
        let mut ranked: Vec<_> = peers
            .into_iter()
            .map(|peer| (peer, table.get(peer).unwrap_or(&unknown)))
            .filter(|(_, entry)| !entry.is_banned(now))
            .map(|(peer, entry)| {
                let conduct = &entry.conduct;
                let latency = conduct.latency.get().unwrap_or(f64::INFINITY);
                ((conduct.distrust(least, now).is_some(), Reverse(step(conduct.estimate(now)))), latency, peer)
            })
            .collect();
        drop(table);
        ranked.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        ranked.into_iter().map(|(.., peer)| peer).collect()
    }

    /// Why `peer` is chosen only where there is no other, if it is so.
    pub fn distrust(&self, peer: PeerId) -> Option<String> {
        self.lock().get(peer)?.conduct.distrust(self.shared.rules.min_reputation, unix_now())
    }

    /// Those of `peers` that are trusted, or all where none is.
    pub fn trusted(&self, mut peers: Vec<PeerId>) -> Vec<PeerId> {
        if peers.iter().any(|peer| self.distrust(*peer).is_none()) {
            peers.retain(|peer| self.distrust(*peer).is_none());
        }
        peers
    }

    /// What gossipsub should think of each connected peer.
    pub fn opinions(&self) -> Vec<(PeerId, f64)> {
        let (now, least) = (unix_now(), self.shared.rules.min_reputation);
        let table = self.lock();
        let connected = table.entries.iter().filter(|(_, entry)| entry.is_connected());
        connected.map(|(peer, entry)| (*peer, entry.conduct.opinion(least, now))).collect()
    }

    /// What gossipsub makes of `peer`. Told with the next change: it moves all the time.
    pub fn on_score(&self, peer: PeerId, score: Option<f64>) {
        if let Some(entry) = self.lock().entries.get_mut(&peer) {
            entry.gossip_score = score;
        }
    }

    /// Connected peers that came by themselves.
    pub fn guests(&self) -> Vec<Guest> {
        let now = unix_now();
        let table = self.lock();
        let inbound = |entry: &Entry| {
            let first =
                entry.connections.first().filter(|first| first.direction == Direction::Inbound && !entry.kept)?;
            Some((first.since.elapsed(), step(entry.conduct.estimate(now))))
        };
        let guests = table.entries.iter().filter_map(|(peer, entry)| Some((*peer, inbound(entry)?)));
        guests.map(|(peer, (stayed, standing))| Guest { peer, stayed, standing }).collect()
    }

    /// Adds to the average of how fast bytes come from `peer`.
    pub fn count_throughput(&self, peer: PeerId, bytes: u64, took: Duration) {
        if !took.is_zero() {
            self.update(peer, |entry| entry.conduct.throughput.add(bytes as f64 / took.as_secs_f64()));
            self.save_later(peer);
        }
    }

    /// Adds to the byte counts of a peer and of the node.
    pub fn count_bytes(&self, peer: PeerId, received: u64, sent: u64) {
        self.shared.bytes_in.fetch_add(received, Ordering::Relaxed);
        self.shared.bytes_out.fetch_add(sent, Ordering::Relaxed);
        self.update(peer, |entry| {
            entry.bytes_in = entry.bytes_in.saturating_add(received);
            entry.bytes_out = entry.bytes_out.saturating_add(sent);
        });
    }

    /// Bytes of our own protocols since start.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            bytes_in: self.shared.bytes_in.load(Ordering::Relaxed),
            bytes_out: self.shared.bytes_out.load(Ordering::Relaxed),
        }
    }

    /// Bans by hand; `duration_s`: none is until unbanned.
    pub fn ban(&self, peer: PeerId, reason: &str, duration_s: Option<u64>) {
        let now = unix_now();
        let mut table = self.lock();
        // A person's word replaces whatever stands, also where that lasts longer.
        table.entry(peer, now).ban = None;
        table.ban(peer, reason, duration_s.map(|seconds| now.saturating_add(seconds)), now);
        drop(table);
        self.wake(true);
    }

    /// `false`: it was not banned.
    pub fn unban(&self, peer: PeerId) -> bool {
        let changed = self.lock().unban(peer, "unbanned by hand", unix_now());
        if changed {
            self.gone_unless_connected(peer, "unbanned");
            self.wake(true);
        }
        changed
    }

    /// Ends the bans whose time is over.
    pub fn expire_bans(&self) {
        let mut table = self.lock();
        table.expire_bans(unix_now());
        let ordered = !table.orders.is_empty();
        drop(table);
        if ordered {
            self.wake(true);
        }
    }

    pub fn connected(&self) -> Vec<PeerId> {
        self.lock().entries.iter().filter(|(_, entry)| entry.is_connected()).map(|(peer, _)| *peer).collect()
    }

    pub fn is_connected(&self, peer: PeerId) -> bool {
        self.lock().get(peer).is_some_and(Entry::is_connected)
    }

    /// Connected peers that speak our catalogue sync; those below `security.min_peer_reputation` only where there are no others.
    pub fn sync_partners(&self) -> Vec<PeerId> {
        let table = self.lock();
        let partners = table.entries.iter().filter(|(_, entry)| entry.is_connected() && entry.speaks_sync);
        let partners = partners.map(|(peer, _)| *peer).collect();
        drop(table);
        self.trusted(partners)
    }

    pub fn info(&self, peer: PeerId) -> Option<PeerInfo> {
        self.lock().get(peer).map(|entry| self.info_of(peer, entry, unix_now()))
    }

    fn info_of(&self, peer: PeerId, entry: &Entry, now: u64) -> PeerInfo {
        entry.info(peer, self.shared.rules.min_reputation, now)
    }

    /// All that are connected, banned or kept; connected first, then by peer id.
    pub fn list(&self) -> Vec<PeerInfo> {
        let now = unix_now();
        self.list_of(|entry| entry.is_connected() || entry.is_banned(now) || entry.kept)
    }

    /// All that are remembered; connected first, then by peer id.
    pub fn list_known(&self) -> Vec<PeerInfo> {
        self.list_of(|_| true)
    }

    fn list_of(&self, shown: impl Fn(&Entry) -> bool) -> Vec<PeerInfo> {
        let now = unix_now();
        let table = self.lock();
        let shown = table.entries.iter().filter(|(_, entry)| shown(entry));
        let mut peers: Vec<PeerInfo> = shown.map(|(peer, entry)| self.info_of(*peer, entry, now)).collect();
        drop(table);
        peers.sort_by(|a, b| (b.connected, &a.peer_id).cmp(&(a.connected, &b.peer_id)));
        peers
    }

    /// Known addresses, best first.
    pub fn addresses(&self, peer: PeerId) -> Vec<Multiaddr> {
        self.lock().get(peer).map(|entry| entry.addrs.clone()).unwrap_or_default()
    }

    /// Remembered peers worth dialling now, most recently seen first.
    pub fn dial_candidates(&self, limit: usize) -> Vec<(PeerId, Vec<Multiaddr>)> {
        let (now, instant) = (unix_now(), Instant::now());
        let table = self.lock();
        let mut candidates: Vec<(&PeerId, &Entry)> = table
            .entries
            .iter()
            .filter(|(_, entry)| !entry.is_connected() && !entry.is_banned(now) && !entry.addrs.is_empty())
            .filter(|(_, entry)| entry.next_dial.is_none_or(|due| due <= instant))
            .collect();
        candidates.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.last_seen));
        candidates.into_iter().take(limit).map(|(peer, entry)| (*peer, entry.addrs.clone())).collect()
    }

    /// A dial that this node made by itself begins: the next one waits, longer each time it fails.
    pub fn on_dialing(&self, peer: PeerId) {
        let mut table = self.lock();
        let Some(entry) = table.entries.get_mut(&peer) else { return };
        entry.failed_dials = entry.failed_dials.saturating_add(1);
        let longest = if entry.kept { kept::MAX_BACKOFF } else { MAX_BACKOFF };
        let pause = Duration::from_secs(2u64 << entry.failed_dials.min(10)).min(longest);
        entry.next_dial = Some(Instant::now() + pause);
    }

    /// `network`: the address, or /64 network, that stands for whoever is behind it.
    pub fn on_connected(
        &self,
        peer: PeerId,
        id: ConnectionId,
        direction: Direction,
        addr: Option<Multiaddr>,
        source: PeerSource,
        network: Option<IpAddr>,
    ) {
        let mut learnt = false;
        self.update(peer, |entry| {
            if !entry.is_connected() {
                entry.source = source;
                entry.failed_dials = 0;
                entry.next_dial = None;
            }
            entry.last_seen = unix_now();
            let since = Instant::now();
            entry.connections.push(Connection { id, direction, since, transport: "", relayed: false });
            if let Some(addr) = addr {
                learnt = !entry.addrs.contains(&addr);
                entry.learn_addr(addr);
            }
            entry.network = network;
            entry.away = None;
        });
        self.lock().unsaved_addr |= learnt;
        self.save_later(peer);
    }

    /// The last connection gone, subscribers hear of it with `reason`.
    pub fn on_disconnected(&self, peer: PeerId, id: ConnectionId, reason: &str) {
        let mut table = self.lock();
        let Some(entry) = table.entries.get_mut(&peer) else { return };
        entry.connections.retain(|connection| connection.id != id);
        entry.last_seen = unix_now();
        if entry.is_connected() {
            table.changed(peer);
        } else {
            entry.latency = None;
            entry.speaks_sync = false;
            entry.away = Some(event(reason, unix_now()));
            let (banned, kept) = (entry.is_banned(unix_now()), entry.kept);
            table.unreported.remove(&peer);
            table.unsaved.insert(peer);
            if banned || kept {
                table.changed(peer);
            }
            // Told under the lock, so that no report of the peer as connected can come after it.
            self.emit_gone(peer, reason);
        }
        drop(table);
        self.wake(false);
    }

    /// Whether this is the first time since it connected that it is seen to speak our catalogue sync.
    pub fn on_identified(&self, peer: PeerId, agent: &str, addrs: Vec<Multiaddr>, speaks_sync: bool) -> bool {
        let (mut met, mut learnt) = (false, false);
        self.update(peer, |entry| {
            let known = entry.addrs.len();
            entry.set_agent(agent);
            met = speaks_sync && !entry.speaks_sync;
            entry.speaks_sync = speaks_sync;
            entry.last_seen = unix_now();
            addrs.into_iter().for_each(|addr| entry.hear_of_addr(addr));
            learnt = entry.addrs.len() > known;
        });
        self.lock().unsaved_addr |= learnt;
        self.save_later(peer);
        met
    }

    /// How this node came to know `peer`.
    pub fn source(&self, peer: PeerId) -> Option<PeerSource> {
        self.lock().get(peer).map(|entry| entry.source)
    }

    /// The oldest standing connection.
    pub fn first_connection(&self, peer: PeerId) -> Option<ConnectionId> {
        self.lock().get(peer)?.connections.first().map(|connection| connection.id)
    }

    pub fn on_ping(&self, peer: PeerId, rtt: Duration) {
        self.update(peer, |entry| {
            entry.latency = Some(rtt);
            entry.conduct.on_ping(rtt);
        });
    }

    /// A dial of a peer in the book failed.
    pub fn on_dial_failed(&self, peer: PeerId, why: &str) {
        let mut table = self.lock();
        if let Some(entry) = table.entries.get_mut(&peer).filter(|entry| !entry.is_connected()) {
            entry.away = Some(event(&format!("cannot connect: {why}"), unix_now()));
            let kept = entry.kept;
            table.unsaved.insert(peer);
            if kept {
                table.changed(peer);
            }
        }
    }

    /// Someone says `peer` can be reached at `addr`. Kept for peers already in the book only: others' words fill no memory.
    pub fn on_hearsay(&self, peer: PeerId, addr: Multiaddr) {
        if let Some(entry) = self.lock().entries.get_mut(&peer) {
            entry.hear_of_addr(addr);
        }
    }

    /// Orders that have come up since the last call.
    pub fn take_orders(&self) -> Vec<Order> {
        std::mem::take(&mut self.lock().orders)
    }

    /// Returns when there may be orders.
    pub async fn ordered(&self) {
        self.shared.ordered.notified().await;
    }

    /// Returns when something changed that subscribers or the store should know.
    pub async fn changed(&self) {
        self.shared.changed.notified().await;
    }

    /// Whether a change waits for the store.
    pub fn has_unsaved(&self) -> bool {
        !self.lock().unsaved.is_empty()
    }

    /// Whether one of them is an address that the store does not have.
    pub fn has_unsaved_addr(&self) -> bool {
        self.lock().unsaved_addr
    }

    /// Has these stored with the next ones.
    pub fn keep_unsaved(&self, peers: Vec<PeerId>) {
        self.lock().unsaved.extend(peers);
    }

    /// Records that differ from what was stored.
    pub fn take_unsaved(&self) -> Vec<PeerRecord> {
        let now = unix_now();
        let mut table = self.lock();
        let unsaved = std::mem::take(&mut table.unsaved);
        table.unsaved_addr = false;
        unsaved.into_iter().filter_map(|peer| table.get(peer).map(|entry| entry.to_record(peer, now))).collect()
    }

    /// Tells subscribers of each peer that changed since the last call.
    pub fn report(&self) {
        let now = unix_now();
        let mut table = self.lock();
        for peer in std::mem::take(&mut table.unreported) {
            let Some(entry) = table.get(peer) else { continue };
            if entry.is_connected() || entry.is_banned(now) || entry.kept {
                self.shared.bus.emit(NodeEvent::Peer(self.info_of(peer, entry, now)));
            }
        }
    }

    pub(super) fn gone_unless_connected(&self, peer: PeerId, reason: &str) {
        let mut table = self.lock();
        if table.get(peer).is_none_or(|entry| !entry.is_connected()) {
            table.unreported.remove(&peer);
            self.emit_gone(peer, reason);
        }
    }

    fn emit_gone(&self, peer: PeerId, reason: &str) {
        self.shared.bus.emit(NodeEvent::PeerGone { peer_id: peer.to_string(), reason: SafeText::capped(reason, 200) });
    }

    pub(super) fn update(&self, peer: PeerId, change: impl FnOnce(&mut Entry)) {
        let mut table = self.lock();
        change(table.entry(peer, unix_now()));
        table.changed(peer);
        drop(table);
        self.wake(false);
    }

    pub(super) fn save_later(&self, peer: PeerId) {
        self.lock().unsaved.insert(peer);
        self.wake(false);
    }

    pub(super) fn wake(&self, ordered: bool) {
        self.shared.changed.notify_one();
        if ordered {
            self.shared.ordered.notify_one();
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Table> {
        self.shared.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
