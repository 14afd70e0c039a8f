//! Which peers are known to hold which bytes: fed by who announced, answered or served. A hint for choosing providers.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use libp2p::PeerId;

use crate::market::PackageId;

const MAX_PACKAGES: usize = 4096;
const MAX_HOLDERS: usize = 16;

/// Bounded: the package longest in it makes room for a new one, and so does a package's first holder.
#[derive(Default)]
pub struct Holders {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    peers: HashMap<PackageId, VecDeque<PeerId>>,
    order: VecDeque<PackageId>,
}

impl Holders {
    /// `peer` holds `package`.
    pub fn add(&self, package: PackageId, peer: PeerId) {
        let mut guard = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *guard;
        if !inner.peers.contains_key(&package) {
            if inner.order.len() >= MAX_PACKAGES
                && let Some(oldest) = inner.order.pop_front()
            {
                inner.peers.remove(&oldest);
            }
            inner.order.push_back(package);
        }
        let peers = inner.peers.entry(package).or_default();
        if peers.contains(&peer) {
            return;
        }
        if peers.len() >= MAX_HOLDERS {
            peers.pop_front();
        }
        peers.push_back(peer);
    }

    /// `peer` does not hold `package` (any more).
    pub fn remove(&self, package: PackageId, peer: PeerId) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(peers) = inner.peers.get_mut(&package) {
            peers.retain(|known| *known != peer);
        }
    }

    /// Who is known to hold `package`.
    pub fn of(&self, package: PackageId) -> Vec<PeerId> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.peers.get(&package).map(|peers| peers.iter().copied().collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_are_remembered_once_and_forgotten() {
        let (holders, peer, package) = (Holders::default(), PeerId::random(), PackageId([1; 32]));
        holders.add(package, peer);
        holders.add(package, peer);
        assert_eq!(holders.of(package), [peer]);
        holders.remove(package, peer);
        assert!(holders.of(package).is_empty());
    }

    #[test]
    fn packages_and_holders_are_bounded() {
        let holders = Holders::default();
        for index in 0..MAX_PACKAGES as u64 + 5 {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&index.to_le_bytes());
            holders.add(PackageId(id), PeerId::random());
        }
        assert_eq!(holders.inner.lock().unwrap().peers.len(), MAX_PACKAGES);
        for _ in 0..MAX_HOLDERS + 3 {
            holders.add(PackageId([9; 32]), PeerId::random());
        }
        assert_eq!(holders.of(PackageId([9; 32])).len(), MAX_HOLDERS);
    }
}
