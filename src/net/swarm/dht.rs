//! Kademlia: what this node asks of it and provides in it, what it stores for others, and how it stays in touch.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use libp2p::core::Endpoint;
use libp2p::kad::store::RecordStore;
use libp2p::kad::{self, InboundRequest, ProviderRecord, QueryId, QueryResult, Quorum, Record, RecordKey};
use libp2p::swarm::{ConnectionId, NetworkBehaviour};
use libp2p::{Multiaddr, PeerId};
use tokio::sync::{mpsc, oneshot};

use crate::market::PackageId;

use super::super::clock::unix_now;
use super::super::error::{ErrorKind, NodeError};
use super::super::limits::Limit;
use super::super::peers::Outcome;
use super::super::service::rate::{PeerRates, Rate};
use super::address::{is_dialable, without_peer};
use super::command::{Command, DhtKey, Reply};
use super::lookup::Lookups;
use super::mode;
use super::queries::Queries;
use super::renewal::Renewal;
use super::table::Table;
use super::task::Task;
use super::values;

/// Provider announcements under way at once; the rest waits.
const PROVIDING_AT_ONCE: usize = 8;

/// Keys waiting to be provided. Beyond it nothing is lost for long: the next start provides all again.
const MAX_QUEUED: usize = 65_536;

/// Addresses of one provider that are tried.
pub(super) const MAX_ROUTES: usize = 16;

/// Providers of one answer whose addresses are kept.
const MAX_PROVIDERS: usize = 20;

/// Provider records one peer may bring: a second, and at once.
const RECORD_RATE: Rate = Rate { per_second: 16.0, at_once: 1024.0 };

/// Heads one peer may bring: a second, and at once. Each costs a signature check in the swarm task, some 50 microseconds.
const HEAD_RATE: Rate = Rate { per_second: 8.0, at_once: 128.0 };

/// What this node remembers of its dealings with the DHT.
pub struct Dht {
    pub(super) queries: Queries,
    providers: HashMap<QueryId, mpsc::Sender<HashSet<PeerId>>>,
    heads: HashMap<QueryId, mpsc::Sender<Vec<u8>>>,
    pub(super) lookups: Lookups,
    bootstraps: HashMap<QueryId, Reply<Result<(), NodeError>>>,
    providing: HashSet<QueryId>,
    pub(super) queued: VecDeque<DhtKey>,
    rates: PeerRates,
    head_rates: PeerRates,
    pub(super) last_bootstrap: Instant,
    pub(super) renewal: Renewal,
    pub(super) table: Table,
    pub(super) mode_reason: String,
}

impl Dht {
    pub fn new() -> Self {
        Self {
            queries: Queries::default(),
            providers: HashMap::new(),
            heads: HashMap::new(),
            lookups: Lookups::default(),
            bootstraps: HashMap::new(),
            providing: HashSet::new(),
            queued: VecDeque::new(),
            rates: PeerRates::new(RECORD_RATE),
            head_rates: PeerRates::new(HEAD_RATE),
            last_bootstrap: Instant::now(),
            renewal: Renewal::new(Instant::now()),
            table: Table::default(),
            mode_reason: "not listening yet".into(),
        }
    }
}

impl Task {
    pub(super) fn on_kad(&mut self, event: kad::Event) {
        match event {
            kad::Event::InboundRequest { request: InboundRequest::AddProvider { record: Some(record) } } => {
                self.on_provider_record(record);
            }
            kad::Event::InboundRequest { request: InboundRequest::PutRecord { source, record: Some(record), .. } } => {
                self.on_value_record(source, record);
            }
            kad::Event::OutboundQueryProgressed { id, result, stats, step } => {
                self.dht.queries.progressed(id, &result);
                self.on_progress(id, &result);
                if step.last {
                    let hops = self.swarm.behaviour_mut().kad.watch().end(id);
                    self.dht.queries.finished(id, &result, &stats, hops);
                    self.on_query_end(id, &result);
                }
            }
            kad::Event::RoutingUpdated { is_new_peer: true, .. } => self.on_newcomer(),
            _ => {}
        }
    }

    /// Kademlia has seen to it that the provider is the peer that sent the record.
    fn on_provider_record(&mut self, record: ProviderRecord) {
        let peer = record.provider;
        if self.book.is_banned(peer) {
            return;
        }
        if !self.dht.rates.allow(peer, Instant::now()) {
            return self.book.limits().hit(Limit::DhtRecords);
        }
        if DhtKey::from_key(&record.key).is_none() {
            let why = "sent a provider record for a key that is not of this network";
            return self.book.record(peer, Outcome::SoftFailure(why.into()));
        }
        if let Err(error) = self.swarm.behaviour_mut().kad.store_mut().add_provider(record) {
            tracing::debug!(%peer, %error, "provider record not stored");
        }
    }

    /// Keeps a head that somebody wants kept, when it is one.
    fn on_value_record(&mut self, source: PeerId, mut record: Record) {
        if self.book.is_banned(source) || !self.dht.head_rates.allow(source, Instant::now()) {
            return;
        }
        let now = unix_now();
        match values::check(&record, &self.network, now) {
            Ok(head) => {
                let left = Duration::from_secs(head.head().expires_at.saturating_sub(now));
                let over = Instant::now().checked_add(left);
                record.expires = record.expires.into_iter().chain(over).min();
                if let Err(error) = self.swarm.behaviour_mut().kad.store_mut().put(record) {
                    tracing::debug!(peer = %source, %error, "head not stored");
                }
            }
            Err((why, true)) => tracing::debug!(peer = %source, why, "head not stored"),
            // Every node checks before it keeps one or passes it on.
            Err((why, false)) => self.book.record(source, Outcome::Lie(format!("DHT record: {why}"))),
        }
    }

    fn on_progress(&mut self, id: QueryId, result: &QueryResult) {
        if let QueryResult::GetRecord(Ok(kad::GetRecordOk::FoundRecord(found))) = result
            && let Some(asker) = self.dht.heads.get(&id)
        {
            let _ = asker.try_send(found.record.value.clone());
        }
        let QueryResult::GetProviders(Ok(kad::GetProvidersOk::FoundProviders { key, providers })) = result else {
            return;
        };
        if !self.dht.providers.contains_key(&id) {
            return;
        }
        for provider in providers.iter().take(MAX_PROVIDERS) {
            let addrs = self.provider_addresses(key, *provider);
            self.dials.hear(*provider, addrs);
        }
        if let Some(found) = self.dht.providers.get(&id) {
            // Full: the asker has more than it needs already. Closed: it has left, and the query is about to be ended.
            let _ = found.try_send(providers.clone());
        }
    }

    /// What Kademlia knows now: it forgets the addresses of providers with the query that found them, and those in its own
    /// store it does not look at.
    fn provider_addresses(&mut self, key: &RecordKey, provider: PeerId) -> Vec<Multiaddr> {
        let kad = &mut self.swarm.behaviour_mut().kad;
        let asked = kad.handle_pending_outbound_connection(
            ConnectionId::new_unchecked(0),
            Some(provider),
            &[],
            Endpoint::Dialer,
        );
        let stored = kad.store_mut().providers(key).into_iter().filter(|record| record.provider == provider);
        let stored = stored.flat_map(|record| record.addresses);
        asked
            .unwrap_or_default()
            .into_iter()
            .chain(stored)
            .map(without_peer)
            .filter(is_dialable)
            .take(MAX_ROUTES)
            .collect()
    }

    fn on_query_end(&mut self, id: QueryId, result: &QueryResult) {
        self.dht.providers.remove(&id);
        self.dht.heads.remove(&id);
        self.on_lookup_end(id, result);
        if self.dht.providing.remove(&id) {
            self.provide_queued();
        }
        if let Some(reply) = self.dht.bootstraps.remove(&id) {
            let failed = matches!(result, QueryResult::Bootstrap(Err(_)));
            drop(reply.send(if failed { Err(bootstrap_timed_out()) } else { Ok(()) }));
        }
    }

    /// Whoever waits for its answers hears that there are no more.
    pub(super) fn end_query(&mut self, id: QueryId) {
        self.dht.providers.remove(&id);
        self.dht.heads.remove(&id);
        self.dht.lookups.forget(id);
        if let Some(mut query) = self.swarm.behaviour_mut().kad.query_mut(&id) {
            query.finish();
        }
    }

    pub(super) fn look_for_providers(
        &mut self,
        key: &DhtKey,
        found: mpsc::Sender<HashSet<PeerId>>,
        left: oneshot::Receiver<()>,
    ) {
        let key = key.to_key();
        let id = self.swarm.behaviour_mut().kad.get_providers(key.clone());
        self.dht.queries.seeks(id, &key);
        self.end_when_left(id, left);
        self.dht.providers.insert(id, found);
    }

    pub(super) fn look_for_head(&mut self, key: &DhtKey, found: mpsc::Sender<Vec<u8>>, left: oneshot::Receiver<()>) {
        let key = key.to_key();
        let id = self.swarm.behaviour_mut().kad.get_record(key.clone());
        self.dht.queries.seeks(id, &key);
        self.end_when_left(id, left);
        self.dht.heads.insert(id, found);
    }

    /// The asker leaves when it has enough; the query would go on for nobody.
    pub(super) fn end_when_left(&self, id: QueryId, left: oneshot::Receiver<()>) {
        let own = self.own.clone();
        tokio::spawn(async move {
            let _ = left.await;
            if let Some(own) = own.upgrade() {
                let _ = own.send(Command::EndQuery(id)).await;
            }
        });
    }

    /// Keeps this node's own heads, and gives them to the peers closest to their keys when there is room for it.
    pub(super) fn put_heads(&mut self, heads: Vec<(DhtKey, Vec<u8>)>) {
        let local = *self.swarm.local_peer_id();
        let store = self.swarm.behaviour_mut().kad.store_mut();
        let mut kept = Vec::new();
        for (key, value) in heads {
            let record = Record { publisher: Some(local), ..Record::new(key.to_key(), value) };
            match store.put(record) {
                Ok(()) => kept.push(key),
                Err(error) => tracing::warn!(%error, key = key.describe(), "no room for a head of this node"),
            }
        }
        self.provide_all(kept);
    }

    pub(super) fn provide(&mut self, key: DhtKey) -> Result<(), NodeError> {
        if matches!(key, DhtKey::Head(..)) {
            self.put(&key.to_key());
            return Ok(());
        }
        match self.swarm.behaviour_mut().kad.start_providing(key.to_key()) {
            Ok(id) => {
                self.dht.providing.insert(id);
                Ok(())
            }
            Err(_) => Err(NodeError::new(ErrorKind::Failed, format!("no room left to provide {}", key.describe()))
                .hint("remove packages that this node need not offer")),
        }
    }

    /// Gives the record kept under `key` to the peers closest to it.
    fn put(&mut self, key: &RecordKey) {
        let kad = &mut self.swarm.behaviour_mut().kad;
        let Some(record) = kad.store_mut().get(key).map(Cow::into_owned) else { return };
        match kad.put_record(record, Quorum::One) {
            Ok(id) => drop(self.dht.providing.insert(id)),
            Err(error) => tracing::debug!(%error, "head not published"),
        }
    }

    pub(super) fn provide_all(&mut self, keys: Vec<DhtKey>) {
        let room = MAX_QUEUED.saturating_sub(self.dht.queued.len());
        self.dht.queued.extend(keys.into_iter().take(room));
        self.provide_queued();
    }

    fn provide_queued(&mut self) {
        while self.dht.providing.len() < PROVIDING_AT_ONCE {
            let Some(key) = self.dht.queued.pop_front() else { return };
            if let Err(error) = self.provide(key) {
                tracing::warn!(%error, "not provided");
            }
        }
    }

    pub(super) fn stop_providing(&mut self, package: PackageId) {
        let key = DhtKey::Blob(package);
        self.dht.queued.retain(|queued| *queued != key);
        self.swarm.behaviour_mut().kad.stop_providing(&key.to_key());
    }

    pub(super) fn bootstrap(&mut self, finished: bool, reply: Reply<Result<(), NodeError>>) {
        self.dht.last_bootstrap = Instant::now();
        self.dial_bootstrap_now();
        match self.swarm.behaviour_mut().kad.bootstrap() {
            Ok(id) if finished => drop(self.dht.bootstraps.insert(id, reply)),
            Ok(_) => drop(reply.send(Ok(()))),
            Err(_) => drop(reply.send(Err(nobody_known()))),
        }
    }

    pub(super) fn decide_mode(&mut self) {
        let listening: Vec<_> = self.swarm.listeners().cloned().collect();
        let (mode, reason) = mode::decide(self.mode, self.ephemeral, &listening, &self.reachability);
        self.dht.mode_reason = reason;
        let kad = &mut self.swarm.behaviour_mut().kad;
        if kad.mode() != mode || listening.is_empty() {
            tracing::debug!(mode = mode::name(mode), reason = self.dht.mode_reason, "DHT mode");
            kad.set_mode(Some(mode));
        }
    }
}

fn nobody_known() -> NodeError {
    NodeError::new(ErrorKind::Network, "no peer is known to bootstrap from")
        .hint("connect to one (connect ADDRESS) or name one in network.bootstrap_nodes")
}

fn bootstrap_timed_out() -> NodeError {
    NodeError::new(ErrorKind::Network, "the DHT bootstrap got no answer in time")
        .hint("check the connection, then try again")
}
