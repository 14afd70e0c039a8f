//! How many announcements came in each of the last moments.

use std::collections::VecDeque;

use crate::app::age::Now;

/// Seconds of one bar.
pub const STEP_S: u64 = 5;

/// Bars kept: two minutes.
pub const BARS: usize = 24;

/// Counts by time, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Arrivals(VecDeque<(u64, u64)>);

impl Arrivals {
    /// One more has come.
    pub fn count(&mut self, now: Now) {
        let step = now.secs() / STEP_S;
        match self.0.back_mut() {
            Some((at, count)) if *at == step => *count = count.saturating_add(1),
            _ => self.0.push_back((step, 1)),
        }
        self.forget(now);
    }

    /// Drops what is older than the window.
    pub fn forget(&mut self, now: Now) {
        let oldest = (now.secs() / STEP_S).saturating_sub(BARS as u64 - 1);
        while self.0.front().is_some_and(|(at, _)| *at < oldest) || self.0.len() > BARS {
            self.0.pop_front();
        }
    }

    /// Whether the picture still moves.
    pub fn is_quiet(&self) -> bool {
        self.0.is_empty()
    }

    /// One count for each bar, the newest last.
    pub fn bars(&self, now: Now) -> [f64; BARS] {
        let newest = now.secs() / STEP_S;
        let mut bars = [0.0; BARS];
        for (at, count) in &self.0 {
            let age = usize::try_from(newest.saturating_sub(*at)).unwrap_or(usize::MAX);
            if let Some(bar) = BARS.checked_sub(age.saturating_add(1)).and_then(|index| bars.get_mut(index)) {
                *bar += *count as f64;
            }
        }
        bars
    }

    /// Announcements of the last minute.
    pub fn last_minute(&self, now: Now) -> u64 {
        let oldest = (now.secs() / STEP_S).saturating_sub(60 / STEP_S - 1);
        self.0.iter().filter(|(at, _)| *at >= oldest).map(|(_, count)| *count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_is_counted_and_forgotten() {
        let at = |secs: u64| Now { unix_ms: secs * 1000 };
        let mut arrivals = Arrivals::default();
        for secs in [1000, 1001, 1004, 1005] {
            arrivals.count(at(secs));
        }
        let bars = arrivals.bars(at(1009));
        assert_eq!(bars[BARS - 2..], [3.0, 1.0]);
        assert_eq!((arrivals.last_minute(at(1009)), arrivals.last_minute(at(1062))), (4, 1));
        arrivals.forget(at(1120));
        assert!(!arrivals.is_quiet());
        arrivals.forget(at(1130));
        assert!(arrivals.is_quiet());
    }
}
