//! Bytes a second over the last minute, from the node's running totals.

use std::collections::VecDeque;

use crate::app::age::Now;
use crate::net::api::Traffic;

/// Seconds shown.
pub const WINDOW_S: u64 = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample {
    at: u64,
    bytes_in: u64,
    bytes_out: u64,
}

/// How much moved in each second.
#[derive(Clone, Debug, Default)]
pub struct TrafficHistory {
    last: Option<Traffic>,
    samples: VecDeque<Sample>,
}

impl TrafficHistory {
    /// Takes a new total. One that is below the last is another node's: counting starts again.
    pub fn record(&mut self, total: Traffic, now: Now) {
        if let Some(last) = self.last.replace(total) {
            let bytes_in = total.bytes_in.saturating_sub(last.bytes_in);
            let bytes_out = total.bytes_out.saturating_sub(last.bytes_out);
            let at = now.secs();
            match self.samples.back_mut() {
                Some(sample) if sample.at == at => {
                    sample.bytes_in = sample.bytes_in.saturating_add(bytes_in);
                    sample.bytes_out = sample.bytes_out.saturating_add(bytes_out);
                }
                _ if bytes_in > 0 || bytes_out > 0 => self.samples.push_back(Sample { at, bytes_in, bytes_out }),
                _ => {}
            }
        }
        self.forget(now);
    }

    /// Drops what is older than the window.
    pub fn forget(&mut self, now: Now) {
        while self.samples.front().is_some_and(|sample| now.since(sample.at) >= WINDOW_S) {
            self.samples.pop_front();
        }
    }

    /// Whether the picture still moves.
    pub fn is_quiet(&self) -> bool {
        self.samples.is_empty()
    }

    /// Bytes in and out for each of the last `seconds` seconds, oldest first.
    pub fn series(&self, now: Now, seconds: usize) -> Vec<(u64, u64)> {
        let mut series = vec![(0u64, 0u64); seconds];
        for sample in &self.samples {
            let age = usize::try_from(now.since(sample.at)).unwrap_or(usize::MAX);
            if let Some(slot) = seconds.checked_sub(age + 1).and_then(|index| series.get_mut(index)) {
                *slot = (slot.0.saturating_add(sample.bytes_in), slot.1.saturating_add(sample.bytes_out));
            }
        }
        series
    }

    /// Bytes a second in and out over the last three seconds.
    pub fn rate(&self, now: Now) -> (u64, u64) {
        let series = self.series(now, 3);
        let sum = series
            .iter()
            .fold((0, 0), |sum: (u64, u64), one| (sum.0.saturating_add(one.0), sum.1.saturating_add(one.1)));
        (sum.0 / 3, sum.1 / 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_become_seconds_and_fade() {
        let mut history = TrafficHistory::default();
        let at = |secs: u64| Now { unix_ms: secs * 1000 };
        history.record(Traffic { bytes_in: 100, bytes_out: 0 }, at(1_000));
        assert!(history.is_quiet(), "the first total is where counting begins");
        history.record(Traffic { bytes_in: 400, bytes_out: 30 }, at(1_001));
        assert_eq!(history.rate(at(1_001)), (100, 10));
        assert_eq!(history.series(at(1_002), 3), vec![(0, 0), (300, 30), (0, 0)]);
        history.forget(at(1_061));
        assert!(history.is_quiet());
    }
}
