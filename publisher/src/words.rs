//! How numbers and moments are said to people, in the terminal and on pages alike.

use jiff::Timestamp;

/// A number of bytes, in units of a thousand: `4.5 kB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if count == 1 {
        return "1 byte".to_owned();
    }
    if count < 1000 {
        return format!("{count} bytes");
    }
    let mut value = count as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    match value < 9.95 {
        true => format!("{value:.1} {}", UNITS[unit]),
        false => format!("{value:.0} {}", UNITS[unit]),
    }
}

/// A number with its noun: `2 files`.
pub fn count(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// A moment in seconds since 1970: `2026-11-24 19:08:00 UTC`.
pub fn utc(seconds: u64) -> String {
    let moment = Timestamp::from_second(seconds.cast_signed()).unwrap_or_default();
    moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (count, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (12_345, "12 kB"),
            (999_600, "1.0 MB"),
            (94_000_000, "94 MB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn moments_are_those_of_utc() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(1_795_547_280), "2026-11-24 19:08:00 UTC");
        assert_eq!(utc(u64::MAX), "1969-12-31 23:59:59 UTC");
    }
}
