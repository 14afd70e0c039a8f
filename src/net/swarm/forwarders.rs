//! Which peers passed an announcement on: gossipsub itself tells of the first one only. Bounded, whatever is sent.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libp2p::PeerId;
use libp2p::swarm::THandlerOutEvent;

use super::gossip::Gossipsub;
use super::watched::Watch;
use crate::market::ReleaseId;

/// Messages remembered that are not known to be releases: what is being judged, and floods.
const MAX_NEW: usize = 2_048;

/// Releases of which further forwarders are counted.
const MAX_RELEASES: usize = 512;

/// Peers counted for one message.
const MAX_PEERS: usize = 64;

/// Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub struct Forwarders(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// Keyed by chance, so that nobody can make two messages one.
    hasher: RandomState,
    new: Bounded<Vec<PeerId>>,
    releases: Bounded<(ReleaseId, Vec<PeerId>)>,
    /// Releases whose count has grown.
    changed: HashSet<ReleaseId>,
}

/// A map that forgets what came first.
struct Bounded<V> {
    map: HashMap<u64, V>,
    order: VecDeque<u64>,
}

impl<V> Default for Bounded<V> {
    fn default() -> Self {
        Self { map: HashMap::new(), order: VecDeque::new() }
    }
}

impl<V> Bounded<V> {
    fn insert(&mut self, key: u64, value: V, limit: usize) {
        if self.map.insert(key, value).is_none() {
            self.order.push_back(key);
        }
        while self.map.len() > limit {
            let Some(oldest) = self.order.pop_front() else { return };
            self.map.remove(&oldest);
        }
        // What was taken out leaves its place in the order for a while. What has stayed so long is forgotten with it: without a
        // place it would never make room.
        while self.order.len() > 2 * limit {
            let oldest = self.order.pop_front();
            oldest.map(|oldest| self.map.remove(&oldest));
        }
    }
}

/// What a connection hands gossipsub.
type Received = THandlerOutEvent<Gossipsub>;

impl Watch<Gossipsub> for Forwarders {
    fn received(&mut self, _: &mut Gossipsub, peer: PeerId, event: &Received) {
        if let Received::Message { rpc, .. } = event {
            self.heard(peer, rpc.messages.iter().map(|message| message.data.as_slice()));
        }
    }
}

impl Forwarders {
    /// `peer` has sent these messages.
    pub fn heard<'a>(&self, peer: PeerId, messages: impl Iterator<Item = &'a [u8]>) {
        let inner = &mut *self.lock();
        for message in messages {
            let key = inner.hasher.hash_one(message);
            if let Some((release, peers)) = inner.releases.map.get_mut(&key) {
                if add(peers, peer) {
                    inner.changed.insert(*release);
                }
            } else if let Some(peers) = inner.new.map.get_mut(&key) {
                add(peers, peer);
            } else {
                inner.new.insert(key, vec![peer], MAX_NEW);
            }
        }
    }

    /// `message` is the announcement of a release that is new here, and came from `from`. How many peers have passed it on so far;
    /// of further ones [`Self::take_grown`] tells.
    pub fn is_release(&self, message: &[u8], release: ReleaseId, from: Option<PeerId>) -> u32 {
        let inner = &mut *self.lock();
        let key = inner.hasher.hash_one(message);
        let mut peers = inner.new.map.remove(&key).unwrap_or_default();
        if let Some(from) = from {
            add(&mut peers, from);
        }
        let count = count(&peers);
        inner.releases.insert(key, (release, peers), MAX_RELEASES);
        count
    }

    /// Releases whose forwarders have become more since the last call, and how many they are now.
    pub fn take_grown(&self) -> Vec<(ReleaseId, u32)> {
        let inner = &mut *self.lock();
        let changed = std::mem::take(&mut inner.changed);
        if changed.is_empty() {
            return Vec::new();
        }
        let grown = inner.releases.map.values().filter(|(release, _)| changed.contains(release));
        grown.map(|(release, peers)| (*release, count(peers))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(peers: &[PeerId]) -> u32 {
    u32::try_from(peers.len()).unwrap_or(u32::MAX)
}

/// Whether it was not among them.
fn add(peers: &mut Vec<PeerId>, peer: PeerId) -> bool {
    let new = peers.len() < MAX_PEERS && !peers.contains(&peer);
    if new {
        peers.push(peer);
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(forwarders: &Forwarders, peer: PeerId, message: &[u8]) {
        forwarders.heard(peer, std::iter::once(message));
    }

    #[test]
    fn each_peer_counts_once_before_and_after_it_is_known_to_be_a_release() {
        let forwarders = Forwarders::default();
        let [one, two, three] = [0; 3].map(|_| PeerId::random());
        heard(&forwarders, one, b"release");
        heard(&forwarders, one, b"release");
        heard(&forwarders, two, b"release");
        heard(&forwarders, three, b"another");
        let id = ReleaseId([1; 32]);
        assert_eq!(forwarders.is_release(b"release", id, Some(one)), 2);
        assert_eq!(forwarders.take_grown(), []);
        heard(&forwarders, two, b"release");
        assert_eq!(forwarders.take_grown(), []);
        heard(&forwarders, three, b"release");
        assert_eq!(forwarders.take_grown(), [(id, 3)]);
        assert_eq!(forwarders.take_grown(), []);
    }

    #[test]
    fn what_is_never_judged_does_not_take_room_for_ever() {
        let mut bounded = Bounded::default();
        bounded.insert(0, (), 4);
        for key in 1..20 {
            bounded.insert(key, (), 4);
            bounded.map.remove(&key);
        }
        assert!(bounded.map.is_empty() && bounded.order.len() <= 8, "{:?}", bounded.order);
    }

    #[test]
    fn floods_take_no_more_than_there_is_room_for_and_spare_what_is_known() {
        let forwarders = Forwarders::default();
        let peer = PeerId::random();
        let id = ReleaseId([1; 32]);
        assert_eq!(forwarders.is_release(b"release", id, None), 0);
        for n in 0..3 * MAX_NEW as u32 {
            heard(&forwarders, peer, &n.to_be_bytes());
            heard(&forwarders, PeerId::random(), b"one for all");
        }
        let inner = forwarders.lock();
        assert!(inner.new.map.len() <= MAX_NEW && inner.new.order.len() <= 2 * MAX_NEW);
        assert!(inner.new.map.values().all(|peers| peers.len() <= MAX_PEERS));
        drop(inner);
        heard(&forwarders, peer, b"release");
        assert_eq!(forwarders.take_grown(), [(id, 1)]);
    }
}
