//! Token buckets, one for each peer.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use libp2p::PeerId;

/// Peers remembered at most; one more takes the place of the longest unseen.
const MAX_PEERS: usize = 1024;

/// How often each peer may ask.
pub struct PeerRates {
    /// Requests a second.
    rate: f64,
    /// Requests at once.
    burst: f64,
    buckets: Mutex<HashMap<PeerId, Bucket>>,
}

struct Bucket {
    tokens: f64,
    at: Instant,
}

impl PeerRates {
    /// `rate` requests a second, `burst` at once.
    pub fn new(rate: f64, burst: f64) -> Self {
        Self { rate, burst, buckets: Mutex::default() }
    }

    /// Whether `peer` may ask once more at `now`.
    pub fn allow(&self, peer: PeerId, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_PEERS && !buckets.contains_key(&peer) {
            let oldest = buckets.iter().min_by_key(|(_, bucket)| bucket.at).map(|(peer, _)| *peer);
            oldest.map(|peer| buckets.remove(&peer));
        }
        let bucket = buckets.entry(peer).or_insert(Bucket { tokens: self.burst, at: now });
        let waited = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.tokens = (bucket.tokens + waited * self.rate).min(self.burst);
        bucket.at = now;
        let allowed = bucket.tokens >= 1.0;
        if allowed {
            bucket.tokens -= 1.0;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_is_allowed_then_the_rate() {
        let rates = PeerRates::new(2.0, 3.0);
        let (peer, start) = (PeerId::random(), Instant::now());
        assert_eq!((0..5).filter(|_| rates.allow(peer, start)).count(), 3);
        assert!(rates.allow(PeerId::random(), start));
        assert!(rates.allow(peer, start + Duration::from_millis(500)));
        assert!(!rates.allow(peer, start + Duration::from_millis(500)));
    }

    #[test]
    fn the_number_of_peers_is_bounded() {
        let rates = PeerRates::new(1.0, 1.0);
        for _ in 0..MAX_PEERS + 10 {
            assert!(rates.allow(PeerId::random(), Instant::now()));
        }
        assert_eq!(rates.buckets.lock().unwrap().len(), MAX_PEERS);
    }
}
