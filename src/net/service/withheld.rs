//! Uploads that a person has ended: whoever asked is told for a while that this node is busy, or it would begin anew at once.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use libp2p::PeerId;

use crate::market::PackageId;

/// How long a package is not given to a peer after that.
const FOR: Duration = Duration::from_secs(10 * 60);
/// Ended uploads that are remembered; the oldest makes room.
const MAX: usize = 64;

#[derive(Default)]
pub struct Withheld(Mutex<VecDeque<(PeerId, PackageId, Instant)>>);

impl Withheld {
    /// From `now` on, `peer` does not get `package`.
    pub fn add(&self, peer: PeerId, package: PackageId, now: Instant) {
        let mut list = self.lock();
        list.retain(|(who, what, _)| (*who, *what) != (peer, package));
        list.truncate(MAX - 1);
        list.push_front((peer, package, now));
    }

    pub fn has(&self, peer: PeerId, package: PackageId, now: Instant) -> bool {
        let holds = |since: Instant| now.saturating_duration_since(since) < FOR;
        self.lock().iter().any(|(who, what, since)| (*who, *what) == (peer, package) && holds(*since))
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(PeerId, PackageId, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_upload_is_remembered_for_a_while_and_not_for_others() {
        let (withheld, peer, now) = (Withheld::default(), PeerId::random(), Instant::now());
        let package = |n: usize| PackageId([u8::try_from(n).unwrap(); 32]);
        withheld.add(peer, package(0), now);
        assert!(withheld.has(peer, package(0), now) && !withheld.has(peer, package(0), now + FOR));
        assert!(!withheld.has(peer, package(1), now) && !withheld.has(PeerId::random(), package(0), now));
        (1..=MAX).for_each(|n| withheld.add(peer, package(n), now));
        assert!(!withheld.has(peer, package(0), now) && withheld.has(peer, package(MAX), now));
    }
}
