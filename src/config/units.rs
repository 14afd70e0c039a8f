//! Sizes and durations as people write them in the settings file.

use std::fmt;
use std::str::FromStr;

use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number of bytes, written `"512 KiB"`, `"1 GiB"`, `"0"`. Read with binary (`KiB`) or decimal (`kB`) units in any
/// case, or without a unit; shown in the largest binary unit that is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

/// A length of time in whole seconds, written `"0s"`, `"5m"`, `"1h"`, `"7d"`, or several together: `"1h30m"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

/// A text that is no size or no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    #[error("{0:?} is no size: write e.g. \"512 KiB\" or \"1 GiB\"")]
    Size(String),
    #[error("{0:?} is no duration: write e.g. \"30s\", \"5m\", \"1h\" or \"7d\"")]
    Span(String),
}

const BINARY: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
const DECIMAL: [(&str, u64); 4] = [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
const TIMES: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match BINARY.iter().find(|(_, factor)| self.0 != 0 && self.0.is_multiple_of(*factor)) {
            Some((unit, factor)) => write!(f, "{} {unit}", self.0 / factor),
            None => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for ByteSize {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = || UnitError::Size(excerpt(text));
        let trimmed = text.trim();
        let digits = trimmed.len() - trimmed.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = trimmed.split_at(digits);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let unit = unit.trim();
        let factor = match unit {
            "" => 1,
            unit if unit.eq_ignore_ascii_case("b") => 1,
            unit => {
                let known = BINARY.iter().chain(&DECIMAL).find(|(name, _)| name.eq_ignore_ascii_case(unit));
                known.map(|(_, factor)| *factor).ok_or_else(wrong)?
            }
        };
        number.checked_mul(factor).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = TIMES.iter().find(|(_, seconds)| self.0 != 0 && self.0.is_multiple_of(*seconds));
        let (unit, seconds) = unit.copied().unwrap_or(('s', 1));
        write!(f, "{}{unit}", self.0 / seconds)
    }
}

impl FromStr for Span {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = || UnitError::Span(excerpt(text));
        let mut rest = text.trim();
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(wrong());
        }
        let mut total = 0_u64;
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, after) = rest.split_at(digits);
            let number: u64 = number.parse().map_err(|_| wrong())?;
            let mut letters = after.chars();
            let unit = letters.next().ok_or_else(wrong)?;
            let (_, seconds) = TIMES.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
            let part = number.checked_mul(*seconds).ok_or_else(wrong)?;
            total = total.checked_add(part).ok_or_else(wrong)?;
            rest = letters.as_str().trim_start();
        }
        Ok(Self(total))
    }
}

/// At most 40 characters of a wrong text, for its error.
fn excerpt(text: &str) -> String {
    text.chars().take(40).collect()
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SizeVisitor;
        impl Visitor<'_> for SizeVisitor {
            type Value = ByteSize;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size such as \"512 KiB\"")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ByteSize, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_i64<E: serde::de::Error>(self, bytes: i64) -> Result<ByteSize, E> {
                u64::try_from(bytes).map(ByteSize).map_err(|_| E::custom("a size is not negative"))
            }
            fn visit_u64<E: serde::de::Error>(self, bytes: u64) -> Result<ByteSize, E> {
                Ok(ByteSize(bytes))
            }
        }
        deserializer.deserialize_any(SizeVisitor)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_read_in_every_way_people_write_them() {
        let cases = [
            ("0", 0),
            ("17", 17),
            ("17 B", 17),
            ("512 KiB", 512 << 10),
            ("512kib", 512 << 10),
            ("1 GiB", 1 << 30),
            ("10 MB", 10_000_000),
            (" 3 TiB ", 3 << 40),
        ];
        for (text, bytes) in cases {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
    }

    #[test]
    fn wrong_sizes_name_the_text_and_an_example() {
        for text in ["", "GiB", "-1", "1.5 GiB", "1 parsec", "99999999999 TiB", "18446744073709551616"] {
            let error = text.parse::<ByteSize>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")) && error.contains("512 KiB"), "{error}");
        }
    }

    #[test]
    fn durations_are_read_and_shown() {
        let cases = [("0s", 0, "0s"), ("0", 0, "0s"), ("90s", 90, "90s"), ("5m", 300, "5m"), ("60m", 3600, "1h")];
        for (text, seconds, shown) in cases {
            assert_eq!(text.parse(), Ok(Span(seconds)), "{text}");
            assert_eq!(Span(seconds).to_string(), shown);
        }
        assert_eq!("1h30m".parse(), Ok(Span(5400)));
        assert_eq!("7d".parse(), Ok(Span(604_800)));
    }

    #[test]
    fn wrong_durations_name_the_text_and_an_example() {
        for text in ["", "1", "h", "1y", "1h2", "-1s", "99999999999999999999s", "999999999999999999d"] {
            let error = text.parse::<Span>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")) && error.contains("5m"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(number: u64) {
            prop_assert_eq!(ByteSize(number).to_string().parse(), Ok(ByteSize(number)));
            prop_assert_eq!(Span(number).to_string().parse(), Ok(Span(number)));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = text.parse::<ByteSize>();
            let _ = text.parse::<Span>();
        }
    }
}
