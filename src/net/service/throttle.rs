//! Bytes a second, for all transfers of one direction together.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Lets bytes through at a rate.
pub struct Throttle {
    /// Bytes a second; 0 is no limit.
    rate: u64,
    /// When all that was let through so far has had its time.
    paid_until: Mutex<Instant>,
}

impl Throttle {
    /// `rate` in bytes a second; 0 is no limit.
    pub fn new(rate: u64) -> Self {
        Self { rate, paid_until: Mutex::new(Instant::now()) }
    }

    /// Returns when `bytes` more may pass.
    pub async fn pass(&self, bytes: usize) {
        if let Some(until) = self.book(bytes, Instant::now()) {
            sleep_until(until).await;
        }
    }

    fn book(&self, bytes: usize, now: Instant) -> Option<Instant> {
        if self.rate == 0 {
            return None;
        }
        let mut paid_until = self.paid_until.lock().unwrap_or_else(PoisonError::into_inner);
        *paid_until = (*paid_until).max(now) + Duration::from_secs_f64(bytes as f64 / self.rate as f64);
        Some(*paid_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_their_time_one_after_another() {
        let throttle = Throttle::new(1000);
        let now = Instant::now();
        assert_eq!(throttle.book(500, now), Some(now + Duration::from_millis(500)));
        assert_eq!(throttle.book(500, now), Some(now + Duration::from_millis(1000)));
        let later = now + Duration::from_secs(9);
        assert_eq!(throttle.book(1000, later), Some(later + Duration::from_secs(1)));
    }

    #[test]
    fn no_limit_is_no_wait() {
        assert_eq!(Throttle::new(0).book(1 << 40, Instant::now()), None);
    }
}
