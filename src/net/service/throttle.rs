//! Bytes a second, for all transfers of one direction together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Bytes sent at a time where there is no limit.
const FREE_PIECE: usize = 64 * 1024;
/// And at most, and at least, where there is one.
const LIMITED_PIECE: usize = 16 * 1024;
const MIN_PIECE: usize = 64;
/// Pieces a second: all uploads together have their turn within the time after which one counts as stalled.
const PIECES: u64 = 32;

/// Time that went by unused and may be made up for: timers wake somewhat late, each time, and so would be all that passes.
const CREDIT: Duration = Duration::from_millis(50);

/// Lets bytes through at a rate.
pub struct Throttle {
    /// Bytes a second; 0 is no limit.
    rate: AtomicU64,
    /// When all that was let through so far has had its time.
    paid_until: Mutex<Instant>,
    /// There is another rate.
    changed: Notify,
}

impl Throttle {
    /// `rate` in bytes a second; 0 is no limit.
    pub fn new(rate: u64) -> Self {
        Self { rate: AtomicU64::new(rate), paid_until: Mutex::new(Instant::now()), changed: Notify::new() }
    }

    /// Bytes a second; 0 is no limit.
    pub fn rate(&self) -> u64 {
        self.rate.load(Ordering::Relaxed)
    }

    /// Lets through at another rate from now on; who waits because of the old one goes on.
    pub fn set_rate(&self, rate: u64) {
        self.rate.store(rate, Ordering::Relaxed);
        *self.paid_until.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.changed.notify_waiters();
    }

    /// The bytes to send at a time: few where the rate is low, so that several transfers that take turns are all seen to move.
    pub fn piece(&self) -> usize {
        match self.rate() {
            0 => FREE_PIECE,
            rate => usize::try_from(rate / PIECES).unwrap_or(FREE_PIECE).clamp(MIN_PIECE, LIMITED_PIECE),
        }
    }

    /// Returns when `bytes` more may pass.
    pub async fn pass(&self, bytes: usize) {
        if let Some(until) = self.book(bytes, Instant::now()) {
            tokio::select! {
                () = sleep_until(until) => {}
                () = self.changed.notified() => {}
            }
        }
    }

    /// When that is; none: now.
    fn book(&self, bytes: usize, now: Instant) -> Option<Instant> {
        let rate = self.rate();
        if rate == 0 {
            return None;
        }
        let mut paid_until = self.paid_until.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = now.checked_sub(CREDIT).unwrap_or(now);
        *paid_until = (*paid_until).max(earliest) + Duration::from_secs_f64(bytes as f64 / rate as f64);
        Some(*paid_until).filter(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_their_time_one_after_another() {
        let throttle = Throttle::new(1000);
        let begin = Instant::now() + Duration::from_secs(1);
        let after = |ms| Some(begin + Duration::from_millis(ms) - CREDIT);
        assert_eq!(throttle.book(500, begin), after(500));
        assert_eq!(throttle.book(500, begin), after(1000));
        let later = begin + Duration::from_secs(9);
        assert_eq!(throttle.book(1000, later), after(10_000));
    }

    #[test]
    fn who_is_woken_late_makes_up_for_it() {
        let throttle = Throttle::new(1 << 20);
        let (begin, late) = (Instant::now() + Duration::from_secs(1), Duration::from_millis(2));
        let (mut now, mut passed) = (begin, 0);
        while now < begin + Duration::from_secs(10) {
            now = throttle.book(4096, now).map_or(now, |until| until + late);
            passed += 4096;
        }
        let expected = 10 << 20;
        assert!((expected..=expected + expected / 100).contains(&passed), "{passed}");
    }

    #[test]
    fn a_low_rate_makes_small_pieces() {
        for (rate, piece) in [(0, 64 * 1024), (1, 64), (64 * 1024, 2048), (10 << 20, 16 * 1024)] {
            assert_eq!(Throttle::new(rate).piece(), piece, "{rate}");
        }
    }

    #[tokio::test]
    async fn who_waits_goes_on_when_the_limit_is_lifted() {
        let throttle = std::sync::Arc::new(Throttle::new(1));
        let waiting = throttle.clone();
        let waits = tokio::spawn(async move { waiting.pass(1 << 30).await });
        tokio::task::yield_now().await;
        throttle.set_rate(0);
        tokio::time::timeout(Duration::from_secs(20), waits).await.expect("it goes on").expect("no panic");
        assert_eq!((throttle.rate(), throttle.book(5, Instant::now())), (0, None));
    }

    #[test]
    fn no_limit_is_no_wait() {
        assert_eq!(Throttle::new(0).book(1 << 40, Instant::now()), None);
    }
}
