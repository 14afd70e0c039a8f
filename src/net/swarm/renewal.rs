//! What this node does again and again for the DHT: renewing what it has told, spread over the time, and giving to disk what
//! it keeps for others.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use libp2p::kad;
use libp2p::kad::store::RecordStore;

use super::super::clock::unix_now;
use super::command::DhtKey;
use super::task::Task;

/// Each provider record and head of this node is told again this often. Others keep them for two days.
const RENEW_EVERY: Duration = Duration::from_secs(12 * 3600);

/// Dropping records whose time is over.
const TIDY_EVERY: Duration = Duration::from_secs(600);

/// Giving changes to disk, so many records at once. A crash costs what came since.
const WRITE_EVERY: Duration = Duration::from_secs(10);
const WRITE_AT_ONCE: usize = 4096;

/// For the disk to take the last of it when the node stops.
const LAST_WRITE: Duration = Duration::from_millis(500);

/// While the routing table is smaller than the replication factor, each newcomer is one who should have our provider
/// records; they are sent again, but at most once in this time.
const REPROVIDE_EVERY: Duration = Duration::from_secs(30);

/// … and no oftener than this for each record, so that a node with thousands of packages is not busy with it all the time.
const REPROVIDE_EACH: Duration = Duration::from_millis(20);

/// How long newcomers are collected before records are sent again.
const REPROVIDE_AFTER: Duration = Duration::from_secs(1);

/// What was done when.
pub struct Renewal {
    tidied: Instant,
    written: Instant,
    reprovided: Option<Instant>,
    reprovide_at: Option<Instant>,
    round: Round,
}

/// One round of telling everything again.
struct Round {
    left: VecDeque<DhtKey>,
    /// Between two of them.
    pause: Duration,
    due: Instant,
}

impl Round {
    /// The next one that is due. `all`: what there is to tell, for a new round.
    fn next(&mut self, now: Instant, all: impl FnOnce() -> Vec<DhtKey>) -> Option<DhtKey> {
        if now < self.due {
            return None;
        }
        if self.left.is_empty() {
            self.left = all().into();
            self.pause = RENEW_EVERY / u32::try_from(self.left.len().max(1)).unwrap_or(u32::MAX);
        }
        // From now and not from when it was due: a machine that slept does not make up for it all at once.
        self.due = now + self.pause;
        self.left.pop_front()
    }
}

impl Renewal {
    pub fn new(now: Instant) -> Self {
        // Everything is told once at the start.
        let round = Round { left: VecDeque::new(), pause: RENEW_EVERY, due: now + RENEW_EVERY };
        Self { tidied: now, written: now, reprovided: None, reprovide_at: None, round }
    }
}

impl Task {
    /// The DHT has got a peer: this node's provider records should reach it.
    pub(super) fn on_newcomer(&mut self) {
        let known = self.routing_table_size();
        if known > kad::K_VALUE.get() || self.dht.renewal.reprovide_at.is_some() {
            return;
        }
        let keys = self.swarm.behaviour_mut().kad.store_mut().provided_keys();
        let pause = REPROVIDE_EVERY.max(REPROVIDE_EACH * u32::try_from(keys).unwrap_or(u32::MAX));
        let earliest = self.dht.renewal.reprovided.map(|last| last + pause);
        let soon = Instant::now() + REPROVIDE_AFTER;
        self.dht.renewal.reprovide_at = Some(earliest.map_or(soon, |earliest| earliest.max(soon)));
    }

    /// Does what is due.
    pub(super) fn renew(&mut self) {
        let now = Instant::now();
        if self.dht.renewal.reprovide_at.is_some_and(|due| due <= now) {
            (self.dht.renewal.reprovide_at, self.dht.renewal.reprovided) = (None, Some(now));
            let queued: HashSet<DhtKey> = self.dht.queued.iter().cloned().collect();
            let keys = self.own_keys();
            self.provide_all(keys.into_iter().filter(|key| !queued.contains(key)).collect());
        }
        if now >= self.dht.renewal.round.due {
            let all = self.own_keys();
            let next = self.dht.renewal.round.next(now, || all.clone());
            // It may have been taken back since the round began.
            self.provide_all(next.into_iter().filter(|key| all.contains(key)).collect());
        }
        if now.duration_since(self.dht.renewal.tidied) >= TIDY_EVERY {
            self.dht.renewal.tidied = now;
            self.swarm.behaviour_mut().kad.store_mut().drop_expired(now);
        }
        if now.duration_since(self.dht.renewal.written) >= WRITE_EVERY {
            self.dht.renewal.written = now;
            self.write_changes(now);
        }
    }

    /// What this node tells the DHT.
    fn own_keys(&mut self) -> Vec<DhtKey> {
        let store = self.swarm.behaviour_mut().kad.store_mut();
        let provided = store.provided().filter_map(|record| DhtKey::from_key(&record.key));
        provided.chain(store.values().own().filter_map(DhtKey::from_key)).collect()
    }

    fn write_changes(&mut self, now: Instant) {
        let Some(keeper) = &self.keeper else { return };
        let store = self.swarm.behaviour_mut().kad.store_mut();
        let changes = store.take_changes(WRITE_AT_ONCE, now, unix_now());
        if !changes.is_empty()
            && let Err(changes) = keeper.keep(changes)
        {
            store.give_back(changes);
        }
    }

    /// Has the rest written.
    pub(super) async fn finish_keeping(&mut self) {
        let Some(keeper) = self.keeper.take() else { return };
        let store = self.swarm.behaviour_mut().kad.store_mut();
        let changes = store.take_changes(usize::MAX, Instant::now(), unix_now());
        let finishing = tokio::task::spawn_blocking(move || keeper.finish(changes));
        if tokio::time::timeout(LAST_WRITE, finishing).await.is_err() {
            tracing::debug!("DHT records of others are still being written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::PackageId;

    #[test]
    fn everything_is_told_again_once_a_round_and_evenly() {
        let keys: Vec<DhtKey> = (0..100).map(|n| DhtKey::Blob(PackageId([n; 32]))).collect();
        let start = Instant::now();
        let mut round = Renewal::new(start).round;
        let minute = Duration::from_secs(60);
        let mut told = Vec::new();
        for minutes in 0..=(2 * 12 * 60) {
            let now = start + minute * minutes;
            told.extend(round.next(now, || keys.clone()).map(|key| (minutes, key)));
        }
        assert!(told.iter().all(|(minutes, _)| *minutes >= 12 * 60), "the start has told it already");
        assert!(told.len() >= 80 && told.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 7));
        let different: HashSet<_> = told.iter().map(|(_, key)| key).collect();
        assert_eq!(different.len(), told.len());
    }

    #[test]
    fn nothing_to_tell_is_looked_at_once_a_round_and_sleep_is_not_made_up_for() {
        let start = Instant::now();
        let mut round = Renewal::new(start).round;
        let later = start + RENEW_EVERY * 10;
        assert!(round.next(later, Vec::new).is_none());
        assert!(round.next(later, || panic!("asked again")).is_none());
        let key = DhtKey::Blob(PackageId([1; 32]));
        let after = later + RENEW_EVERY;
        assert_eq!(round.next(after, || vec![key.clone(), key.clone()]), Some(key.clone()));
        assert_eq!(round.next(after, Vec::new), None);
        assert_eq!(round.next(after + RENEW_EVERY / 2, Vec::new), Some(key));
    }
}
