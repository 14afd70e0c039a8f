//! How far a peer can be relied on, said with caution: what decides on rank, room in the table and trust.
//!
//! Each dealing with a peer went well or not, with an unknown probability. Before any dealing every probability is as likely
//! as any other; dealings make of that a Beta distribution. The estimate is the probability that the peer is above with
//! 90 % certainty. So who is new is neutral (0.1), one failure lowers that a little (0.05), and only many dealings lead far up
//! (one: 0.32, ten: 0.81, fifty: 0.96): no new identity ranks above a peer with a good record.

use std::sync::LazyLock;

/// Seconds after which a dealing counts half: a week.
pub const HALF_LIFE: u64 = 7 * 24 * 3600;

/// The estimate of a peer without any dealings.
pub const NEUTRAL: f64 = DOUBT;

/// How likely it may be that a peer is worse than its estimate.
const DOUBT: f64 = 0.1;

/// Dealings that count at most: of a long record the last ones, so that who turns bad does not live on it.
const MOST: f64 = 200.0;

/// Steps of the probability in which the distribution is computed.
const CELLS: usize = 128;

/// Dealings with a peer, each by its weight, as of a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evidence {
    good: f64,
    bad: f64,
    /// Unix seconds.
    at: u64,
}

impl Evidence {
    /// As it was kept; what cannot be is none.
    pub fn new(good: f64, bad: f64, at: u64) -> Self {
        let sane = |weight: f64| if weight.is_finite() { weight.clamp(0.0, MOST) } else { 0.0 };
        Self { good: sane(good), bad: sane(bad), at }.bounded()
    }

    /// The weights and their moment, to be kept.
    pub fn parts(self) -> (f64, f64, u64) {
        (self.good, self.bad, self.at)
    }

    /// With a dealing that went well.
    pub fn and_good(self, weight: f64, now: u64) -> Self {
        let faded = self.faded(now);
        Self { good: faded.good + weight, ..faded }.bounded()
    }

    /// With one that did not.
    pub fn and_bad(self, weight: f64, now: u64) -> Self {
        let faded = self.faded(now);
        Self { bad: faded.bad + weight, ..faded }.bounded()
    }

    /// What it is worth at `now`.
    pub fn faded(self, now: u64) -> Self {
        let left = 0.5f64.powf(now.saturating_sub(self.at) as f64 / HALF_LIFE as f64);
        Self { good: self.good * left, bad: self.bad * left, at: self.at.max(now) }
    }

    /// How many dealings it is worth.
    pub fn amount(self) -> f64 {
        self.good + self.bad
    }

    /// The probability of a good dealing that the peer is above with 90 % certainty; 0 to 1.
    pub fn estimate(self) -> f64 {
        if self.amount() == 0.0 { NEUTRAL } else { lower_bound(self.good, self.bad) }
    }

    fn bounded(self) -> Self {
        let scale = (MOST / self.amount().max(MOST)).min(1.0);
        Self { good: self.good * scale, bad: self.bad * scale, ..self }
    }
}

/// The `DOUBT` quantile of Beta(`good` + 1, `bad` + 1), by adding up its density over cells of equal width. One more good
/// dealing weighs the upper cells more against the lower ones, so the bound never falls by it, and never rises by a bad one.
fn lower_bound(good: f64, bad: f64) -> f64 {
    /// The logarithms of the probability in the middle of each cell, and of its complement.
    static LOGS: LazyLock<[(f64, f64); CELLS]> = LazyLock::new(|| {
        std::array::from_fn(|cell| {
            let middle = (cell as f64 + 0.5) / CELLS as f64;
            (middle.ln(), (-middle).ln_1p())
        })
    });
    let logs = LOGS.map(|(well, badly)| good * well + bad * badly);
    let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights = logs.map(|log| (log - top).exp());
    let mut left = DOUBT * weights.iter().sum::<f64>();
    for (cell, weight) in weights.into_iter().enumerate() {
        if weight >= left {
            return (cell as f64 + left / weight) / CELLS as f64;
        }
        left -= weight;
    }
    1.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn after(good: u32, bad: u32) -> f64 {
        Evidence::new(f64::from(good), f64::from(bad), 0).estimate()
    }

    #[test]
    fn few_dealings_say_little_and_many_say_much() {
        // Against the quantile of the Beta distribution in closed form, for only good or only bad dealings.
        for (good, bad, exact) in [
            (0, 0, 0.1),
            (1, 0, 0.1f64.powf(1.0 / 2.0)),
            (10, 0, 0.1f64.powf(1.0 / 11.0)),
            (50, 0, 0.1f64.powf(1.0 / 51.0)),
            (0, 1, 1.0 - 0.9f64.powf(1.0 / 2.0)),
            (0, 10, 1.0 - 0.9f64.powf(1.0 / 11.0)),
        ] {
            assert!((after(good, bad) - exact).abs() < 0.002, "{good}, {bad}: {} for {exact}", after(good, bad));
        }
        // 8 of 10, 80 of 100: the same rate, and more certainty.
        assert!((after(8, 2) - 0.59).abs() < 0.01 && (after(80, 20) - 0.74).abs() < 0.01);
    }

    #[test]
    fn one_early_failure_is_made_good_soon() {
        assert!(after(0, 1) > NEUTRAL / 3.0);
        assert!(after(1, 1) > NEUTRAL);
        assert!(after(9, 1) > 0.65);
    }

    #[test]
    fn evidence_halves_in_a_week_and_ends_neutral() {
        let then = Evidence::new(40.0, 8.0, 1000);
        let (good, bad, at) = then.faded(1000 + HALF_LIFE).parts();
        assert_eq!((good, bad, at), (20.0, 4.0, 1000 + HALF_LIFE));
        assert!((then.faded(1000 + 60 * HALF_LIFE).estimate() - NEUTRAL).abs() < 1e-6);
        assert_eq!(then.faded(0), then, "a clock that goes back changes nothing");
    }

    #[test]
    fn of_a_long_record_the_last_dealings_count() {
        let long = (0..100_000).fold(Evidence::default(), |so_far, _| so_far.and_good(1.0, 0));
        assert!(long.estimate() > 0.97);
        let turned = (0..200).fold(long, |so_far, _| so_far.and_bad(1.0, 0));
        assert!(turned.estimate() < 0.4, "{}", turned.estimate());
    }

    #[test]
    fn what_was_kept_and_cannot_be_is_no_evidence() {
        for (good, bad) in [(f64::NAN, 0.0), (-5.0, f64::NEG_INFINITY), (f64::INFINITY, f64::NAN)] {
            assert_eq!(Evidence::new(good, bad, 7).estimate(), NEUTRAL);
        }
        assert!(Evidence::new(1e300, 1e300, 0).amount() <= MOST);
    }

    proptest! {
        #[test]
        fn the_estimate_is_bounded_and_each_dealing_moves_it_its_way(
            good in 0.0..300.0f64, bad in 0.0..300.0f64, weight in 0.0..10.0f64, wait in 0..10 * HALF_LIFE
        ) {
            let before = Evidence::new(good, bad, 0).faded(wait);
            let (better, worse) = (before.and_good(weight, wait), before.and_bad(weight, wait));
            prop_assert!((0.0..=1.0).contains(&before.estimate()));
            prop_assert!(better.estimate() >= before.estimate() - 1e-9);
            prop_assert!(worse.estimate() <= before.estimate() + 1e-9);
            prop_assert!(better.amount() <= MOST + 1e-9 && worse.amount() <= MOST + 1e-9);
        }

        #[test]
        fn whoever_is_new_never_outranks_a_good_record(good in 1.0..200.0f64, share in 0.0..0.3f64) {
            prop_assert!(Evidence::new(good, good * share, 0).estimate() > NEUTRAL);
        }
    }
}
