//! The time as an argument, and ages as people read them: coarse, so that a quiet screen stays still.

use serde::{Deserialize, Serialize};

/// The wall clock, read once by the event loop and passed on. Unix milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Now {
    pub unix_ms: u64,
}

impl Now {
    /// Unix seconds.
    pub fn secs(self) -> u64 {
        self.unix_ms / 1000
    }

    /// `ms` milliseconds later.
    pub fn plus(self, ms: u64) -> Self {
        Self { unix_ms: self.unix_ms.saturating_add(ms) }
    }

    /// Seconds since `at` (Unix seconds); a time in the future counts as now.
    pub fn since(self, at: u64) -> u64 {
        self.secs().saturating_sub(at)
    }
}

/// `now`, `20s`, `5m`, `3h`, `12d`, `2y`: at most four cells.
pub fn label(age_s: u64) -> String {
    match age_s {
        0..10 => "now".into(),
        10..60 => format!("{}s", age_s / 10 * 10),
        60..3_600 => format!("{}m", age_s / 60),
        3_600..86_400 => format!("{}h", age_s / 3_600),
        86_400..31_536_000 => format!("{}d", age_s / 86_400),
        _ => format!("{}y", (age_s / 31_536_000).min(999)),
    }
}

/// Seconds until [`label`] of an age of `age_s` seconds reads otherwise.
pub fn next_change(age_s: u64) -> u64 {
    let step = match age_s {
        0..60 => 10,
        60..3_600 => 60,
        3_600..86_400 => 3_600,
        _ => 86_400,
    };
    step - age_s % step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_short_and_coarse() {
        for (age, text) in [(0, "now"), (9, "now"), (10, "10s"), (59, "50s"), (60, "1m"), (7_300, "2h"), (90_000, "1d")]
        {
            assert_eq!(label(age), text);
        }
        assert_eq!(label(u64::MAX), "999y");
    }

    proptest::proptest! {
        #[test]
        fn a_label_holds_until_its_next_change(age in 0u64..400_000) {
            let until = next_change(age);
            proptest::prop_assert!(until > 0);
            proptest::prop_assert_eq!(label(age), label(age + until - 1));
        }
    }
}
