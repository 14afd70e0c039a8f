//! The last things that happened with a peer, and averages of how fast it is.

use std::collections::VecDeque;

use crate::market::SafeText;
use crate::market::store::PeerEvent;

/// Events kept of one peer, newest first.
pub const MAX_HISTORY: usize = 16;

/// Longest text of an event, in terminal cells.
const MAX_TEXT: usize = 120;

/// What happened, newest first.
#[derive(Clone, Debug, Default)]
pub struct History(VecDeque<PeerEvent>);

impl History {
    /// As it was kept.
    pub fn new(kept: Vec<PeerEvent>) -> Self {
        Self(kept.into_iter().take(MAX_HISTORY).collect())
    }

    /// Adds what happened at `now`. What only happened once more is counted: it would push out what matters.
    pub fn note(&mut self, text: &str, now: u64) {
        let new = event(text, now);
        match self.0.front_mut().filter(|last| last.text == new.text) {
            Some(last) => (last.at, last.times) = (now, last.times.saturating_add(1)),
            None => {
                self.0.push_front(new);
                self.0.truncate(MAX_HISTORY);
            }
        }
    }

    pub fn to_vec(&self) -> Vec<PeerEvent> {
        self.0.iter().cloned().collect()
    }
}

/// Something that happened at `now`.
pub fn event(text: &str, now: u64) -> PeerEvent {
    PeerEvent { at: now, times: 1, text: SafeText::capped(text, MAX_TEXT) }
}

/// An average in which older values count less and less.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Average(Option<f64>);

impl Average {
    /// How much of the average a new value is.
    const NEW: f64 = 0.2;

    /// As it was kept; what cannot be is none.
    pub fn new(kept: Option<f64>) -> Self {
        Self(kept.filter(|value| value.is_finite() && *value >= 0.0))
    }

    pub fn add(&mut self, value: f64) {
        let new = self.0.map_or(value, |average| average + Self::NEW * (value - average));
        *self = Self::new(Some(new));
    }

    pub fn get(self) -> Option<f64> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_is_bounded_and_counts_what_repeats() {
        let mut history = History::default();
        for at in 0..3 {
            history.note("- timed out", at);
        }
        assert_eq!(history.to_vec(), [PeerEvent { at: 2, times: 3, text: "- timed out".into() }]);
        for at in 0..40 {
            history.note(&format!("+ {at}"), at);
        }
        let kept = history.to_vec();
        assert_eq!((kept.len(), kept[0].text.as_str(), kept[0].times), (MAX_HISTORY, "+ 39", 1));
        assert_eq!(History::new(vec![PeerEvent::default(); 99]).to_vec().len(), MAX_HISTORY);
    }

    #[test]
    fn averages_follow_and_stay_numbers() {
        let mut average = Average::default();
        average.add(100.0);
        assert_eq!(average.get(), Some(100.0));
        (0..50).for_each(|_| average.add(10.0));
        assert!(average.get().is_some_and(|now| (now - 10.0).abs() < 0.1));
        average.add(f64::NAN);
        assert_eq!((average.get(), Average::new(Some(-1.0)).get()), (None, None));
    }
}
