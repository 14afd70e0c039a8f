//! What this node keeps of the DHT for others: a bounded store in memory, what of it the disk does not have yet, and which
//! keys may be in it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, hash_map, hash_set};
use std::time::{Duration, Instant};

use libp2p::PeerId;
use libp2p::kad::store::{Error, RecordStore, Result};
use libp2p::kad::{ProviderRecord, Record, RecordKey};

use crate::market::{Head, PackageName};

use super::address::is_dialable;
use super::command::DhtKey;
use super::keeper::{Change, Found};
use super::values::{self, Values};

/// Keys with provider records, those of this node included. A record of one provider takes some 500 bytes, so that the worst
/// case of 65,536 keys with one provider each stays near 32 MiB.
pub const MAX_KEYS: usize = 65_536;

/// Provider records of all keys together.
pub const MAX_RECORDS: usize = 131_072;

/// Providers kept for one key: Kademlia's replication factor. Later ones are left out, against floods of made-up ones.
pub const MAX_PER_KEY: usize = 20;

/// Keys that one other peer may be provider of here.
pub const MAX_PER_PEER: usize = 4_096;

/// Addresses kept in a provider record.
pub const MAX_ADDRESSES: usize = 4;

/// A record without an end of its own; Kademlia's time for provider records.
const LIFETIME: Duration = Duration::from_secs(48 * 3600);

const BLOB: &str = "/ggen/blob/";
const NAME: &str = "/ggen/name/";
const HEAD: &str = "/ggen/head/";

impl DhtKey {
    pub fn to_key(&self) -> RecordKey {
        let text = match self {
            Self::Blob(package) => format!("{BLOB}{package}"),
            Self::Name(name) => format!("{NAME}{name}"),
            Self::Head(publisher, name) => format!("{HEAD}{publisher}/{name}"),
        };
        RecordKey::from(text.into_bytes())
    }

    /// Where the head of a package is.
    pub fn of(head: &Head) -> Self {
        Self::Head(head.publisher, head.name.clone())
    }

    /// `None`: not in one of the forms of this network.
    pub fn from_key(key: &RecordKey) -> Option<Self> {
        let text = std::str::from_utf8(key.as_ref()).ok()?;
        if let Some(package) = text.strip_prefix(BLOB) {
            let lower = package.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            return package.parse().ok().filter(|_| lower).map(Self::Blob);
        }
        if let Some(name) = text.strip_prefix(NAME) {
            return PackageName::new(name).ok().map(Self::Name);
        }
        let (publisher, name) = text.strip_prefix(HEAD)?.split_once('/')?;
        // A key has one spelling: base58 of the same bytes could not be read back otherwise.
        let key = Self::Head(publisher.parse().ok()?, PackageName::new(name).ok()?);
        (key.to_key().as_ref() == text.as_bytes()).then_some(key)
    }

    /// The key for people.
    pub fn describe(&self) -> String {
        match self {
            Self::Blob(package) => format!("blob {package}"),
            Self::Name(name) => format!("name {name}"),
            Self::Head(publisher, name) => format!("head {name} by {publisher}"),
        }
    }
}

/// Implements what Kademlia needs of a store. What others send is verified before it is put in.
pub struct DhtStore {
    local: PeerId,
    values: Values,
    providers: HashMap<RecordKey, Vec<ProviderRecord>>,
    provided: HashSet<ProviderRecord>,
    /// How many records each other peer has here.
    by_peer: HashMap<PeerId, usize>,
    records: usize,
    /// Of others, changed since the disk heard of them. At most one entry for each record that is, or was just, kept.
    changed_values: HashSet<RecordKey>,
    changed_providers: HashSet<(RecordKey, PeerId)>,
}

impl DhtStore {
    pub fn new(local: PeerId) -> Self {
        Self {
            local,
            values: Values::new(local),
            providers: HashMap::new(),
            provided: HashSet::new(),
            by_peer: HashMap::new(),
            records: 0,
            changed_values: HashSet::new(),
            changed_providers: HashSet::new(),
        }
    }

    /// Takes up what the disk has.
    pub fn restore(&mut self, found: Found) {
        for record in found.values {
            let _ = self.values.put(record);
        }
        for record in found.providers {
            let _ = self.add_provider(record);
        }
        self.changed_providers.clear();
    }

    /// What the disk should know, `limit` records at most; `unix` is `now` in Unix seconds.
    pub fn take_changes(&mut self, limit: usize, now: Instant, unix: u64) -> Vec<Change> {
        let end = |expires: Option<Instant>| {
            unix.saturating_add(expires.map_or(LIFETIME, |end| end.saturating_duration_since(now)).as_secs())
        };
        let values: Vec<RecordKey> = self.changed_values.iter().take(limit).cloned().collect();
        let rest = limit.saturating_sub(values.len());
        let providers: Vec<(RecordKey, PeerId)> = self.changed_providers.iter().take(rest).cloned().collect();
        let mut changes = Vec::with_capacity(values.len() + providers.len());
        for key in values {
            self.changed_values.remove(&key);
            let kept = self.values.get(&key).filter(|record| record.publisher != Some(self.local));
            changes.push(match kept {
                Some(record) => Change::Value { expires_at: end(record.expires), record: record.clone() },
                None => Change::NoValue(key),
            });
        }
        for entry in providers {
            self.changed_providers.remove(&entry);
            let (key, provider) = entry;
            let of_key = self.providers.get(&key);
            let kept = of_key.and_then(|records| records.iter().find(|record| record.provider == provider));
            changes.push(match kept {
                Some(record) => Change::Provider { expires_at: end(record.expires), record: record.clone() },
                None => Change::NoProvider(key, provider),
            });
        }
        changes
    }

    /// These were not written after all.
    pub fn give_back(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Value { record, .. } => drop(self.changed_values.insert(record.key)),
                Change::NoValue(key) => drop(self.changed_values.insert(key)),
                Change::Provider { record, .. } => {
                    self.changed_providers.insert((record.key, record.provider));
                }
                Change::NoProvider(key, provider) => drop(self.changed_providers.insert((key, provider))),
            }
        }
    }

    /// Provider records kept for others.
    pub fn kept_for_others(&self) -> usize {
        self.records - self.provided.len()
    }

    /// Value records kept, those of this node included.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Keys that this node provides.
    pub fn provided_keys(&self) -> usize {
        self.provided.len()
    }

    /// Drops the records of others whose time is over. Kademlia by itself only leaves out those that somebody asks for, so
    /// that the store would be full of dead ones some day and take no more.
    pub fn drop_expired(&mut self, now: Instant) {
        self.changed_values.extend(self.values.drop_expired(now));
        let expired: Vec<(RecordKey, PeerId)> = self
            .providers
            .values()
            .flatten()
            .filter(|record| record.is_expired(now))
            .map(|record| (record.key.clone(), record.provider))
            .collect();
        for (key, provider) in expired {
            self.remove_provider(&key, &provider);
        }
    }

    fn has_room_for(&self, record: &ProviderRecord) -> Result<()> {
        let new_key = !self.providers.contains_key(&record.key);
        let of_peer = self.by_peer.get(&record.provider).copied().unwrap_or(0);
        let own = record.provider == self.local;
        if (new_key && self.providers.len() >= MAX_KEYS)
            || self.records >= MAX_RECORDS
            || (!own && of_peer >= MAX_PER_PEER)
        {
            return Err(Error::MaxProvidedKeys);
        }
        Ok(())
    }
}

impl RecordStore for DhtStore {
    type RecordsIter<'a> = values::Iter<'a>;
    type ProvidedIter<'a> =
        std::iter::Map<hash_set::Iter<'a, ProviderRecord>, fn(&'a ProviderRecord) -> Cow<'a, ProviderRecord>>;

    fn get(&self, key: &RecordKey) -> Option<Cow<'_, Record>> {
        self.values.get(key).map(Cow::Borrowed)
    }

    fn put(&mut self, record: Record) -> Result<()> {
        let key = record.key.clone();
        self.values.put(record)?;
        self.changed_values.insert(key);
        Ok(())
    }

    fn remove(&mut self, key: &RecordKey) {
        self.values.remove(key);
        self.changed_values.insert(key.clone());
    }

    fn records(&self) -> Self::RecordsIter<'_> {
        self.values.iter()
    }

    fn add_provider(&mut self, mut record: ProviderRecord) -> Result<()> {
        record.addresses.retain(is_dialable);
        record.addresses.truncate(MAX_ADDRESSES);
        let own = record.provider == self.local;
        if let Some(known) = self.providers.get_mut(&record.key) {
            if let Some(renewed) = known.iter_mut().find(|known| known.provider == record.provider) {
                if own {
                    self.provided.replace(record.clone());
                } else {
                    self.changed_providers.insert((record.key.clone(), record.provider));
                }
                *renewed = record;
                return Ok(());
            }
            // This node's own record always has a place: it is what is republished.
            if known.len() >= MAX_PER_KEY && !own {
                return Ok(());
            }
        }
        self.has_room_for(&record)?;
        self.records += 1;
        if own {
            self.provided.insert(record.clone());
        } else {
            *self.by_peer.entry(record.provider).or_default() += 1;
            self.changed_providers.insert((record.key.clone(), record.provider));
        }
        self.providers.entry(record.key.clone()).or_default().push(record);
        Ok(())
    }

    fn providers(&self, key: &RecordKey) -> Vec<ProviderRecord> {
        self.providers.get(key).cloned().unwrap_or_default()
    }

    fn provided(&self) -> Self::ProvidedIter<'_> {
        self.provided.iter().map(Cow::Borrowed)
    }

    fn remove_provider(&mut self, key: &RecordKey, provider: &PeerId) {
        let hash_map::Entry::Occupied(mut entry) = self.providers.entry(key.clone()) else { return };
        let Some(index) = entry.get().iter().position(|record| record.provider == *provider) else { return };
        let record = entry.get_mut().swap_remove(index);
        if entry.get().is_empty() {
            entry.remove();
        }
        self.records -= 1;
        if *provider == self.local {
            self.provided.remove(&record);
            return;
        }
        self.changed_providers.insert((key.clone(), *provider));
        if let hash_map::Entry::Occupied(mut count) = self.by_peer.entry(*provider) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::PackageId;
    use proptest::prelude::*;

    fn blob(n: u64) -> RecordKey {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&n.to_le_bytes());
        DhtKey::Blob(PackageId(id)).to_key()
    }

    fn record(key: &RecordKey, provider: PeerId) -> ProviderRecord {
        ProviderRecord::new(key.clone(), provider, vec!["/ip4/0.0.0.0/tcp/1".parse().unwrap()])
    }

    #[test]
    fn keys_read_back_and_others_are_refused() {
        let name = DhtKey::Name(PackageName::new("knowledge-graph-cli").unwrap());
        assert_eq!(name.to_key().as_ref(), b"/ggen/name/knowledge-graph-cli");
        let head = DhtKey::Head(crate::market::PublisherKey([5; 32]), PackageName::new("tool").unwrap());
        for key in [name, head, DhtKey::Blob(PackageId([0xab; 32]))] {
            assert_eq!(DhtKey::from_key(&key.to_key()), Some(key));
        }
        let upper = format!("/ggen/blob/{}", "AB".repeat(32));
        for bad in [
            "",
            "/ggen/blob/",
            "/ggen/blob/12",
            "/ggen/name/../x",
            "/ggen/name/A",
            "/ipfs/x",
            "/ggen/head/x/tool",
            upper.as_str(),
        ] {
            assert_eq!(DhtKey::from_key(&RecordKey::from(bad.as_bytes().to_vec())), None, "{bad}");
        }
    }

    #[test]
    fn providers_of_a_key_are_bounded_and_renewed_in_place() {
        let local = PeerId::random();
        let (mut store, key) = (DhtStore::new(local), blob(1));
        let first = PeerId::random();
        for peer in std::iter::once(first).chain((0..40).map(|_| PeerId::random())) {
            store.add_provider(record(&key, peer)).unwrap();
        }
        store.add_provider(record(&key, first)).unwrap();
        assert_eq!(store.providers(&key).len(), MAX_PER_KEY);
        assert!(store.providers(&key).iter().all(|record| record.addresses.is_empty()));
        store.add_provider(record(&key, local)).unwrap();
        assert_eq!((store.kept_for_others(), store.provided_keys()), (MAX_PER_KEY, 1));
        store.remove_provider(&key, &local);
        store.remove_provider(&key, &first);
        assert_eq!((store.kept_for_others(), store.provided_keys()), (MAX_PER_KEY - 1, 0));
    }

    #[test]
    fn one_peer_cannot_fill_the_store() {
        let (mut store, greedy) = (DhtStore::new(PeerId::random()), PeerId::random());
        let taken = (0..MAX_PER_PEER as u64 + 100).filter(|n| store.add_provider(record(&blob(*n), greedy)).is_ok());
        assert_eq!(taken.count(), MAX_PER_PEER);
        assert!(store.add_provider(record(&blob(1 << 40), PeerId::random())).is_ok());
        store.remove_provider(&blob(0), &greedy);
        assert!(store.add_provider(record(&blob(1 << 41), greedy)).is_ok());
    }

    #[test]
    fn records_whose_time_is_over_make_room() {
        let (local, now) = (PeerId::random(), Instant::now());
        let (mut store, peer) = (DhtStore::new(local), PeerId::random());
        for n in 0..MAX_PER_PEER as u64 {
            let expires = Some(now + std::time::Duration::from_secs(n % 2 * 100 + 1));
            store.add_provider(ProviderRecord { expires, ..record(&blob(n), peer) }).unwrap();
        }
        store.add_provider(record(&blob(0), local)).unwrap();
        let one_more = || record(&blob(1 << 40), peer);
        assert!(store.add_provider(one_more()).is_err());
        store.drop_expired(now + std::time::Duration::from_secs(50));
        assert_eq!((store.kept_for_others(), store.provided_keys()), (MAX_PER_PEER / 2, 1));
        assert!(store.add_provider(one_more()).is_ok());
    }

    #[test]
    fn the_disk_hears_of_each_change_once_and_of_others_records_only() {
        let (local, now, peer) = (PeerId::random(), Instant::now(), PeerId::random());
        let mut store = DhtStore::new(local);
        for _ in 0..3 {
            store.add_provider(record(&blob(1), peer)).unwrap();
        }
        store.add_provider(record(&blob(2), peer)).unwrap();
        store.add_provider(record(&blob(1), local)).unwrap();
        let first = store.take_changes(1, now, 100);
        assert_eq!(first.len(), 1);
        store.give_back(first);
        let changes = store.take_changes(10, now, 100);
        assert!(matches!(
            changes.as_slice(),
            [Change::Provider { expires_at: 172_900, .. }, Change::Provider { expires_at: 172_900, .. }]
        ));
        assert!(store.take_changes(10, now, 100).is_empty());
        store.remove_provider(&blob(2), &peer);
        store.remove_provider(&blob(1), &local);
        assert!(matches!(store.take_changes(10, now, 100).as_slice(), [Change::NoProvider(_, of)] if *of == peer));
    }

    proptest! {
        #[test]
        fn any_key_is_read_without_a_panic_and_what_is_read_writes_back(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let key = RecordKey::from(bytes);
            if let Some(read) = DhtKey::from_key(&key) {
                prop_assert_eq!(read.to_key(), key);
            }
        }

        #[test]
        fn a_key_has_one_spelling(name in "/ggen/(blob|name)/[0-9a-fA-F._-]{1,66}") {
            let key = RecordKey::from(name.into_bytes());
            if let Some(read) = DhtKey::from_key(&key) {
                prop_assert_eq!(read.to_key(), key);
            }
        }
    }

    #[test]
    fn values_that_are_no_heads_are_not_stored() {
        let mut store = DhtStore::new(PeerId::random());
        assert!(store.put(Record::new(blob(1), vec![1])).is_err());
        assert!(store.get(&blob(1)).is_none());
    }
}
