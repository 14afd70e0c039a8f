//! The DHT queries as people see them: running ones from Kademlia itself, and the last ones that ended.

use std::collections::{HashMap, VecDeque};

use libp2p::PeerId;
use libp2p::kad::store::RecordStore;
use libp2p::kad::{
    AddProviderContext, GetProvidersOk, GetRecordError, GetRecordOk, KBucketKey, PutRecordError, QueryId, QueryInfo,
    QueryRef, QueryResult, QueryStats, RecordKey,
};

use crate::market::SafeText;

use super::super::api::{BucketInfo, DhtInfo, DhtPoint, DhtQuery};
use super::command::DhtKey;
use super::mode;
use super::task::Task;

/// Queries shown, running ones first.
const SHOWN: usize = 32;

/// Peers, and keys, told of the key space.
const MAX_POINTS: usize = 64;

/// Longest key and outcome, in terminal cells.
const MAX_TEXT: usize = 100;

/// Numbers queries, remembers what they were about and how the last ones ended.
#[derive(Default)]
pub struct Queries {
    numbers: HashMap<QueryId, u64>,
    /// Providers, or heads, found by queries that still run.
    found: HashMap<QueryId, usize>,
    /// What running queries look for: their last word does not say.
    sought: HashMap<QueryId, String>,
    next: u64,
    /// Newest first.
    ended: VecDeque<DhtQuery>,
}

impl Queries {
    /// `hops`: how far it has come.
    pub fn finished(&mut self, id: QueryId, result: &QueryResult, stats: &QueryStats, hops: u32) {
        let number = self.number(id);
        let found = self.found.remove(&id).unwrap_or_default();
        self.numbers.remove(&id);
        let (kind, mut key) = subject(result);
        if let Some(sought) = self.sought.remove(&id) {
            key = sought;
        }
        let outcome = outcome(result, found);
        self.ended.push_front(DhtQuery { hops, ..query(number, kind, &key, stats, Some(&outcome)) });
        self.ended.truncate(SHOWN);
    }

    /// A query for what is under `key` has begun.
    pub fn seeks(&mut self, id: QueryId, key: &RecordKey) {
        self.sought.insert(id, describe(key));
    }

    /// Counts what a query has found so far.
    pub fn progressed(&mut self, id: QueryId, result: &QueryResult) {
        if let QueryResult::GetProviders(Ok(GetProvidersOk::FoundProviders { providers, .. })) = result {
            *self.found.entry(id).or_default() += providers.len();
        }
        if let QueryResult::GetRecord(Ok(GetRecordOk::FoundRecord(_))) = result {
            *self.found.entry(id).or_default() += 1;
        }
    }

    fn number(&mut self, id: QueryId) -> u64 {
        let next = &mut self.next;
        *self.numbers.entry(id).or_insert_with(|| {
            *next += 1;
            *next
        })
    }

    fn running(&mut self, running: QueryRef<'_>) -> DhtQuery {
        let (kind, key) = about(running.info());
        query(self.number(running.id()), kind, &key, running.stats(), None)
    }

    fn shown(&mut self, mut running: Vec<DhtQuery>) -> Vec<DhtQuery> {
        running.sort_by_key(|query| query.id);
        running.extend(self.ended.iter().cloned());
        running.truncate(SHOWN);
        running
    }
}

impl Task {
    pub(super) fn dht_info(&mut self) -> DhtInfo {
        let mode_reason = self.dht.mode_reason.clone();
        let position = place(KBucketKey::from(*self.swarm.local_peer_id()).hashed_bytes());
        let kad = &mut self.swarm.behaviour_mut().kad;
        let (mut buckets, mut points) = (Vec::new(), Vec::new());
        for bucket in kad.kbuckets().filter(|bucket| !bucket.is_empty()) {
            let index = bucket.range().0.ilog2().unwrap_or_default();
            buckets.push(BucketInfo { index, peers: bucket.num_entries() });
            let peers = bucket.iter().map(|entry| DhtPoint { at: place(entry.node.key.hashed_bytes()), key: false });
            points.extend(peers.take(MAX_POINTS.saturating_sub(points.len())));
        }
        let keys = kad.store_mut().provided().take(MAX_POINTS).map(|record| {
            let key = KBucketKey::new(record.key.clone());
            DhtPoint { at: place(key.hashed_bytes()), key: true }
        });
        points.extend(keys);
        // In one order: what has not changed is not told again.
        points.sort_unstable();
        let mode = mode::name(kad.mode()).into();
        let (providers, provided) = (kad.store_mut().kept_for_others(), kad.store_mut().provided_keys());
        let records = kad.store_mut().values().len();
        let queries = &mut self.dht.queries;
        let mut running: Vec<(QueryId, DhtQuery)> =
            kad.iter_queries().take(SHOWN).map(|one| (one.id(), queries.running(one))).collect();
        for (id, query) in &mut running {
            query.hops = kad.watch().of(*id);
        }
        let running = running.into_iter().map(|(_, query)| query).collect();
        DhtInfo {
            mode,
            mode_reason,
            buckets,
            records,
            providers,
            provided,
            position,
            points,
            queries: queries.shown(running),
        }
    }
}

/// The first bits of a key.
fn place(hashed: &[u8]) -> u32 {
    hashed.iter().take(4).fold(0, |bits, byte| bits << 8 | u32::from(*byte))
}

fn query(id: u64, kind: &str, key: &str, stats: &QueryStats, outcome: Option<&str>) -> DhtQuery {
    DhtQuery {
        id,
        kind: kind.into(),
        key: SafeText::capped(key, MAX_TEXT),
        requests: stats.num_requests(),
        successes: stats.num_successes(),
        failures: stats.num_failures(),
        hops: 0,
        elapsed_ms: stats.duration().map_or(0, |elapsed| elapsed.as_millis() as u64),
        outcome: outcome.map(|outcome| SafeText::capped(outcome, MAX_TEXT)),
    }
}

/// Kind and subject of a running query.
fn about(info: &QueryInfo) -> (&'static str, String) {
    match info {
        QueryInfo::Bootstrap { peer, .. } => ("bootstrap", peer.to_string()),
        QueryInfo::GetClosestPeers { key, .. } => ("find_peer", describe_peer(key)),
        QueryInfo::GetProviders { key, .. } => ("get_providers", describe(key)),
        QueryInfo::AddProvider { key, context: AddProviderContext::Publish, .. } => ("provide", describe(key)),
        QueryInfo::AddProvider { key, .. } => ("provide", format!("{} (renewal)", describe(key))),
        QueryInfo::PutRecord { record, .. } => ("put_record", describe(&record.key)),
        QueryInfo::GetRecord { key, .. } => ("get_record", describe(key)),
    }
}

/// Kind and subject of a query by its last result.
fn subject(result: &QueryResult) -> (&'static str, String) {
    match result {
        QueryResult::Bootstrap(Ok(ok)) => ("bootstrap", ok.peer.to_string()),
        QueryResult::Bootstrap(Err(_)) => ("bootstrap", String::new()),
        QueryResult::GetClosestPeers(Ok(ok)) => ("find_peer", describe_peer(&ok.key)),
        QueryResult::GetClosestPeers(Err(error)) => ("find_peer", describe_peer(error.key())),
        QueryResult::GetProviders(Ok(GetProvidersOk::FoundProviders { key, .. })) => ("get_providers", describe(key)),
        QueryResult::GetProviders(Ok(_)) => ("get_providers", String::new()),
        QueryResult::GetProviders(Err(error)) => ("get_providers", describe(error.key())),
        QueryResult::StartProviding(Ok(ok)) => ("provide", describe(&ok.key)),
        QueryResult::StartProviding(Err(error)) => ("provide", describe(error.key())),
        QueryResult::RepublishProvider(Ok(ok)) => ("provide", format!("{} (renewal)", describe(&ok.key))),
        QueryResult::RepublishProvider(Err(error)) => ("provide", format!("{} (renewal)", describe(error.key()))),
        QueryResult::GetRecord(_) => ("get_record", String::new()),
        QueryResult::PutRecord(Ok(ok)) => ("put_record", describe(&ok.key)),
        QueryResult::PutRecord(Err(error)) => ("put_record", describe(error.key())),
        QueryResult::RepublishRecord(Ok(ok)) => ("put_record", format!("{} (renewal)", describe(&ok.key))),
        QueryResult::RepublishRecord(Err(error)) => ("put_record", format!("{} (renewal)", describe(error.key()))),
    }
}

fn outcome(result: &QueryResult, found: usize) -> String {
    let timed_out = match result {
        QueryResult::Bootstrap(result) => result.is_err(),
        QueryResult::GetClosestPeers(result) => result.is_err(),
        QueryResult::GetProviders(result) => result.is_err(),
        QueryResult::StartProviding(result) | QueryResult::RepublishProvider(result) => result.is_err(),
        QueryResult::GetRecord(result) => result.is_err(),
        QueryResult::PutRecord(result) | QueryResult::RepublishRecord(result) => result.is_err(),
    };
    match result {
        QueryResult::GetProviders(_) if found == 1 => "1 provider".into(),
        QueryResult::GetProviders(_) if found > 0 || !timed_out => format!("{found} providers"),
        QueryResult::GetRecord(_) if found == 1 => "1 record".into(),
        QueryResult::GetRecord(_) if found > 0 || !timed_out => format!("{found} records"),
        QueryResult::GetRecord(Err(GetRecordError::NotFound { .. })) => "not found".into(),
        QueryResult::PutRecord(Err(PutRecordError::QuorumFailed { .. })) => "nobody took it".into(),
        QueryResult::GetClosestPeers(Ok(ok)) => format!("{} peers", ok.peers.len()),
        _ if timed_out => "timed out".into(),
        _ => "done".into(),
    }
}

fn describe(key: &RecordKey) -> String {
    DhtKey::from_key(key).map_or_else(|| String::from_utf8_lossy(key.as_ref()).into_owned(), |key| key.describe())
}

fn describe_peer(key: &[u8]) -> String {
    PeerId::from_bytes(key).map_or_else(|_| "random".into(), |peer| peer.to_string())
}
