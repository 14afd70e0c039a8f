//! Value records that this node keeps of the DHT. The only ones of this network are signed package heads; what is no head
//! for the key it stands under is not kept.

use std::borrow::Cow;
use std::collections::{HashMap, hash_map};
use std::time::Instant;

use libp2p::PeerId;
use libp2p::kad::store::{Error, Result};
use libp2p::kad::{Record, RecordKey};

use crate::market::head::MAX_HEAD;
use crate::market::{Head, SignedHead, VerifiedHead};

use super::command::DhtKey;

/// Heads kept, those of this node included.
pub const MAX_VALUES: usize = 8_192;

/// Bytes of all of them together.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The head in `record`, if it may be kept under its key: of the package that the key names, signed by its publisher, of
/// this network, and in time. `now` in Unix seconds.
///
/// # Errors
/// Why not, and whether its signature fits: who passes that on may have another clock or network, and has not lied.
pub fn check(record: &Record, network: &str, now: u64) -> std::result::Result<VerifiedHead, (String, bool)> {
    let signed = SignedHead::from_bytes(&record.value).map_err(|error| (error.to_string(), false))?;
    let fits = signed.signature_fits();
    let head = signed.verify(network, now).map_err(|error| (error.to_string(), fits))?;
    if DhtKey::of(head.head()).to_key() != record.key {
        return Err(("a head under the key of another package".into(), false));
    }
    Ok(head)
}

/// Bounded in number and bytes.
pub struct Values {
    local: PeerId,
    records: HashMap<RecordKey, Kept>,
    bytes: usize,
}

/// All records.
pub type Iter<'a> = std::iter::Map<hash_map::Values<'a, RecordKey, Kept>, fn(&'a Kept) -> Cow<'a, Record>>;

/// A record, and when its head was signed.
pub struct Kept {
    record: Record,
    /// Unix seconds.
    signed_at: u64,
}

impl Values {
    pub fn new(local: PeerId) -> Self {
        Self { local, records: HashMap::new(), bytes: 0 }
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn get(&self, key: &RecordKey) -> Option<&Record> {
        self.records.get(key).map(|kept| &kept.record)
    }

    pub fn iter(&self) -> Iter<'_> {
        self.records.values().map(|kept| Cow::Borrowed(&kept.record))
    }

    /// Keys of the heads that this node publishes.
    pub fn own(&self) -> impl Iterator<Item = &RecordKey> {
        self.records.values().filter(|kept| kept.record.publisher == Some(self.local)).map(|kept| &kept.record.key)
    }

    /// Keeps what is newer than what is there. Verified by whoever calls it: [`check`].
    pub fn put(&mut self, record: Record) -> Result<()> {
        if record.value.len() > MAX_HEAD {
            return Err(Error::ValueTooLarge);
        }
        let head = SignedHead::from_bytes(&record.value).and_then(|signed| signed.claims());
        let Some(head) = head.ok().filter(|head: &Head| DhtKey::of(head).to_key() == record.key) else {
            return Err(Error::MaxRecords);
        };
        let before = match self.records.get(&record.key) {
            // A replay of an older one brings nothing back, and nobody takes this node's own over.
            Some(kept) if kept.record.value != record.value && kept.signed_at >= head.signed_at => return Ok(()),
            Some(kept) if kept.record.value == record.value && kept.record.publisher == Some(self.local) => {
                return Ok(());
            }
            Some(kept) => kept.record.value.len(),
            None if self.records.len() >= MAX_VALUES => return Err(Error::MaxRecords),
            None => 0,
        };
        if self.bytes - before + record.value.len() > MAX_BYTES {
            return Err(Error::MaxRecords);
        }
        self.bytes = self.bytes - before + record.value.len();
        self.records.insert(record.key.clone(), Kept { record, signed_at: head.signed_at });
        Ok(())
    }

    pub fn remove(&mut self, key: &RecordKey) {
        if let Some(kept) = self.records.remove(key) {
            self.bytes -= kept.record.value.len();
        }
    }

    /// Makes room of what nobody renews, and says what that was.
    pub fn drop_expired(&mut self, now: Instant) -> Vec<RecordKey> {
        let expired = |kept: &&Kept| kept.record.is_expired(now);
        let keys: Vec<_> = self.records.values().filter(expired).map(|kept| kept.record.key.clone()).collect();
        keys.iter().for_each(|key| self.remove(key));
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::testing::{NOW, identity, release, sign};

    fn record(seed: u8, name: &str, now: u64) -> Record {
        let head = Head::of(&[sign(release(&identity(seed), name, "1.0.0"), &identity(seed))], now).unwrap();
        let key = DhtKey::of(&head).to_key();
        Record::new(key, head.sign(&identity(seed)).unwrap().to_bytes())
    }

    #[test]
    fn a_head_is_kept_under_its_own_key_only() {
        let (mut values, good) = (Values::new(PeerId::random()), record(1, "tool", NOW));
        assert!(check(&good, "ggen", NOW).is_ok());
        values.put(good.clone()).unwrap();
        assert_eq!(values.get(&good.key), Some(&good));
        let moved = Record { key: record(2, "tool", NOW).key, ..good.clone() };
        assert_eq!(check(&moved, "ggen", NOW).unwrap_err(), ("a head under the key of another package".into(), false));
        assert!(values.put(moved).is_err());
        for key in ["/ggen/head/x", "/ggen/name/tool"] {
            let record = Record { key: RecordKey::from(key.as_bytes().to_vec()), ..good.clone() };
            assert!(check(&record, "ggen", NOW).is_err() && values.put(record).is_err(), "{key}");
        }
        assert_eq!(values.len(), 1);
    }

    #[test]
    fn forged_expired_and_foreign_heads_are_told_apart() {
        let good = record(1, "tool", NOW);
        let mut forged = good.clone();
        *forged.value.last_mut().unwrap() ^= 1;
        assert!(matches!(check(&forged, "ggen", NOW), Err((why, false)) if why.contains("signature")));
        assert!(matches!(check(&good, "ggen", NOW * 2), Err((why, true)) if why.contains("expired")));
        assert!(matches!(check(&good, "other", NOW), Err((why, true)) if why.contains("network")));
        let garbage = Record { value: vec![7; 100], ..good.clone() };
        assert!(matches!(check(&garbage, "ggen", NOW), Err((_, false))));
        let endless = Record { value: vec![0x83; MAX_HEAD + 1], ..good };
        assert!(matches!(check(&endless, "ggen", NOW), Err((why, false)) if why.contains("the limit is 8192")));
    }

    #[test]
    fn an_older_head_does_not_replace_a_newer_one() {
        let (mut values, old, new) =
            (Values::new(PeerId::random()), record(1, "tool", NOW), record(1, "tool", NOW + 9));
        values.put(new.clone()).unwrap();
        values.put(old.clone()).unwrap();
        assert_eq!(values.get(&old.key), Some(&new));
        assert_eq!(values.bytes, new.value.len());
        values.remove(&old.key);
        assert_eq!((values.len(), values.bytes), (0, 0));
    }

    #[test]
    fn what_is_over_makes_room_and_own_ones_are_known() {
        let local = PeerId::random();
        let (mut values, now) = (Values::new(local), Instant::now());
        values.put(Record { expires: Some(now), ..record(1, "tool", NOW) }).unwrap();
        values.put(Record { publisher: Some(local), ..record(1, "other", NOW) }).unwrap();
        values.drop_expired(now + std::time::Duration::from_secs(1));
        assert_eq!(values.own().collect::<Vec<_>>(), [&record(1, "other", NOW).key]);
        assert_eq!(values.len(), 1);
    }
}
