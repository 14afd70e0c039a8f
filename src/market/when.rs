//! Times as people read them, all in UTC.

/// Seconds as their two largest units: `3661` → `1h 1m`.
pub fn span(seconds: u64) -> String {
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm'), (1, 's')];
    let first = units.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(3);
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (unit, letter) in units.iter().skip(first).take(2) {
        if rest / unit > 0 || parts.is_empty() {
            parts.push(format!("{}{letter}", rest / unit));
        }
        rest %= unit;
    }
    parts.join(" ")
}

/// A Unix time: `2026-01-31 12:00:00Z`.
pub fn time(unix_seconds: u64) -> String {
    let second = unix_seconds % 86_400;
    format!("{} {:02}:{:02}:{:02}Z", day(unix_seconds), second / 3600, second / 60 % 60, second % 60)
}

/// The day of a Unix time: `2026-01-31`.
pub fn day(unix_seconds: u64) -> String {
    let (year, month, day) = date(unix_seconds / 86_400);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Year, month and day of the proleptic Gregorian calendar, `days` after 1970-01-01. Years are counted from March, so that
/// the leap day is the last of its year; 719,468 days lie between 0000-03-01 and 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units() {
        let cases = [(0, "0s"), (59, "59s"), (60, "1m"), (3661, "1h 1m"), (86_399, "23h 59m"), (90_000, "1d 1h")];
        for (seconds, text) in cases {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn times_follow_the_calendar() {
        let cases = [
            (0, "1970-01-01 00:00:00Z"),
            (951_782_400, "2000-02-29 00:00:00Z"),
            (1_709_251_199, "2024-02-29 23:59:59Z"),
            (1_735_689_600, "2025-01-01 00:00:00Z"),
            (4_107_542_400, "2100-03-01 00:00:00Z"),
        ];
        for (at, text) in cases {
            assert_eq!(time(at), text);
        }
    }
}
