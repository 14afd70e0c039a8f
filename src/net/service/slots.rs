//! Places for work that strangers ask for: so many in all, so many for one peer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libp2p::PeerId;

/// A bounded number of places. Cheap to clone.
#[derive(Clone)]
pub struct PeerSlots {
    total: usize,
    per_peer: usize,
    /// Places taken by each peer; peers with none are not in it, so it has at most `total` entries.
    taken: Arc<Mutex<HashMap<PeerId, usize>>>,
}

/// A place; given back when dropped.
pub struct Slot {
    slots: PeerSlots,
    peer: PeerId,
}

impl PeerSlots {
    /// At most `total` places, at most `per_peer` of them for one peer.
    pub fn new(total: usize, per_peer: usize) -> Self {
        Self { total, per_peer, taken: Arc::default() }
    }

    /// A place for `peer`, when one is free.
    pub fn take(&self, peer: PeerId) -> Option<Slot> {
        let mut taken = self.lock();
        let own = taken.get(&peer).copied().unwrap_or(0);
        if own >= self.per_peer || taken.values().sum::<usize>() >= self.total {
            return None;
        }
        taken.insert(peer, own + 1);
        Some(Slot { slots: self.clone(), peer })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PeerId, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.lock();
        match taken.get_mut(&self.peer) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                taken.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_in_all_and_for_each_and_come_back() {
        let slots = PeerSlots::new(3, 2);
        let (one, two) = (PeerId::random(), PeerId::random());
        let first = slots.take(one).unwrap();
        let _second = slots.take(one).unwrap();
        assert!(slots.take(one).is_none());
        let _third = slots.take(two).unwrap();
        assert!(slots.take(two).is_none());
        drop(first);
        assert!(slots.take(two).is_some());
    }
}
