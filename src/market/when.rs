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

/// A Unix time as RFC 3339 has it, for files: `2026-01-31T12:00:00Z`.
pub fn rfc3339(unix_seconds: u64) -> String {
    time(unix_seconds).replacen(' ', "T", 1)
}

/// The Unix time that an RFC 3339 text means; parts of a second are left out. None for what is none, or before 1970.
pub fn from_rfc3339(text: &str) -> Option<u64> {
    let (date, rest) = text.split_at_checked(10)?;
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    let (clock, rest) = rest.strip_prefix(['T', 't', ' '])?.split_at_checked(8)?;
    let [hour, minute, second] = fields(clock, ':', [2, 2, 2])?;
    let offset = offset(without_fraction(rest)?)?;
    // 60 is a leap second.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days(year, month, day)? * 86_400 + hour * 3_600 + minute * 60 + second;
    u64::try_from(i64::try_from(seconds).ok()? - offset).ok()
}

fn without_fraction(text: &str) -> Option<&str> {
    let Some(fraction) = text.strip_prefix('.') else { return Some(text) };
    let rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    (rest.len() < fraction.len()).then_some(rest)
}

/// `Z` or `+02:00`, in seconds.
fn offset(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (sign, clock) = text.split_at_checked(1)?;
    let [hours, minutes] = fields(clock, ':', [2, 2])?;
    let seconds = i64::try_from(hours * 3_600 + minutes * 60).ok().filter(|_| hours <= 23 && minutes <= 59)?;
    match sign {
        "+" => Some(seconds),
        "-" => Some(-seconds),
        _ => None,
    }
}

/// Numbers of just so many digits.
fn fields<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[u64; N]> {
    let mut fields = [0; N];
    let mut parts = text.split(separator);
    for (field, digits) in fields.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits && part.bytes().all(|b| b.is_ascii_digit()))?;
        *field = part.parse().ok()?;
    }
    parts.next().is_none().then_some(fields)
}

/// Days from 1970-01-01 to a day, the reverse of [`date`]; None for a day that is not in the calendar.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (year_from_march, shifted_month) =
        if month <= 2 { (year.checked_sub(1)?, month + 9) } else { (year, month - 3) };
    let (era, year_of_era) = (year_from_march / 400, year_from_march % 400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * shifted_month + 2) / 5 + day - 1;
    let days = (era * 146_097 + day_of_era).checked_sub(719_468)?;
    (date(days) == (year, month, day)).then_some(days)
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
    fn what_is_written_for_a_file_reads_back() {
        for at in (0..4_200_000_000).step_by(86_399 * 7) {
            assert_eq!(from_rfc3339(&rfc3339(at)), Some(at), "{}", rfc3339(at));
        }
        assert_eq!(rfc3339(1_709_251_199), "2024-02-29T23:59:59Z");
    }

    #[test]
    fn other_spellings_of_a_time_are_read() {
        let cases = [
            ("2024-01-01T00:00:00Z", 1_704_067_200),
            ("2024-01-01t00:00:00.123456789z", 1_704_067_200),
            ("2024-01-01 02:30:00+02:30", 1_704_067_200),
            ("2023-12-31T22:00:00-02:00", 1_704_067_200),
            ("2016-12-31T23:59:60Z", 1_483_228_800),
            ("1970-01-01T00:00:00Z", 0),
        ];
        for (text, at) in cases {
            assert_eq!(from_rfc3339(text), Some(at), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00Z ",
            "2024-1-01T00:00:00Z",
            "2024-01-01-T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "2024-01-00T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-04-31T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00Z",
            "2024-01-01T00:00:61Z",
            "2024-01-01T00:00:00+24:00",
            "2024-01-01T00:00:00+00:60",
            "2024-01-01T00:00:00*00:00",
            "2024-01-01T00:00:00+0000",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "0000-01-01T00:00:00Z",
            "+024-01-01T00:00:00Z",
            "２024-01-01T00:00:00Z",
        ] {
            assert_eq!(from_rfc3339(text), None, "{text}");
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
