//! Token buckets: one, or one for each peer.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use libp2p::PeerId;

/// Peers remembered at most; one more takes the place of the longest unseen.
const MAX_PEERS: usize = 1024;

/// So many a second, and at once.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    pub per_second: f64,
    pub at_once: f64,
}

/// How often something may be done.
pub struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// One that is full.
    pub fn new(rate: Rate, now: Instant) -> Self {
        Self { tokens: rate.at_once, at: now }
    }

    /// Whether it may be done once more at `now`.
    pub fn allow(&mut self, rate: Rate, now: Instant) -> bool {
        let waited = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + waited * rate.per_second).min(rate.at_once);
        self.at = now;
        let allowed = self.tokens >= 1.0;
        if allowed {
            self.tokens -= 1.0;
        }
        allowed
    }
}

/// How often each peer may ask.
pub struct PeerRates {
    rate: Rate,
    buckets: Mutex<HashMap<PeerId, Bucket>>,
}

impl PeerRates {
    pub fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::default() }
    }

    /// Whether `peer` may ask once more at `now`.
    pub fn allow(&self, peer: PeerId, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_PEERS && !buckets.contains_key(&peer) {
            let oldest = buckets.iter().min_by_key(|(_, bucket)| bucket.at).map(|(peer, _)| *peer);
            oldest.map(|peer| buckets.remove(&peer));
        }
        buckets.entry(peer).or_insert_with(|| Bucket::new(self.rate, now)).allow(self.rate, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_is_allowed_then_the_rate() {
        let rates = PeerRates::new(Rate { per_second: 2.0, at_once: 3.0 });
        let (peer, start) = (PeerId::random(), Instant::now());
        assert_eq!((0..5).filter(|_| rates.allow(peer, start)).count(), 3);
        assert!(rates.allow(PeerId::random(), start));
        assert!(rates.allow(peer, start + Duration::from_millis(500)));
        assert!(!rates.allow(peer, start + Duration::from_millis(500)));
    }

    #[test]
    fn the_number_of_peers_is_bounded() {
        let rates = PeerRates::new(Rate { per_second: 1.0, at_once: 1.0 });
        for _ in 0..MAX_PEERS + 10 {
            assert!(rates.allow(PeerId::random(), Instant::now()));
        }
        assert_eq!(rates.buckets.lock().unwrap().len(), MAX_PEERS);
    }
}
