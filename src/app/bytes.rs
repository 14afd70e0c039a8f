//! Sizes as people read them.

/// `0 B`, `980 B`, `1.4 KiB`, `12 MiB`: at most eight cells.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let unit = UNITS.get(unit).copied().unwrap_or("EiB");
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_short() {
        let cases = [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_000_000, "977 KiB"), (1 << 20, "1.0 MiB")];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text);
        }
        assert!(size(u64::MAX).len() <= 8);
    }
}
