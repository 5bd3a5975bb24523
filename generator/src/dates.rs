//! Dates as authors write them.

use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// Reads a date in any of the forms of Jekyll: `2026-01-02`, `2026-01-02 10:00`,
/// `2026-01-02 10:00:00 +0100`, RFC 3339. What has no offset is a time in `zone`; what has
/// no time is midnight there. `None` if it is none of them.
pub(crate) fn parse(text: &str, zone: &TimeZone) -> Option<Zoned> {
    let text = text.trim();
    if let Some(timestamp) = with_offset(text) {
        return Some(timestamp.to_zoned(zone.clone()));
    }
    let local: civil::DateTime = match text.parse::<civil::Date>() {
        // `Date` would also read, and silently drop, a time.
        Ok(date) if text.len() <= 10 => date.at(0, 0, 0, 0),
        _ => text.parse().ok()?,
    };
    local.to_zoned(zone.clone()).ok()
}

/// The zone called `name`, out of the database inside this program: the system's differs
/// between machines, and the output must not.
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    if name.eq_ignore_ascii_case("utc") {
        return Some(TimeZone::UTC);
    }
    jiff::tz::TimeZoneDatabase::bundled().get(name).ok()
}

/// The date and the rest of a file name such as `2026-01-02-a-title`.
pub(crate) fn split_file_name(stem: &str) -> Option<(civil::Date, &str)> {
    let mut parts = stem.splitn(4, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let slug = parts.next()?;
    let digits = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
    };
    if !digits(year, 4..=4) || !digits(month, 1..=2) || !digits(day, 1..=2) || slug.is_empty() {
        return None;
    }
    let date = civil::Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    Some((date, slug))
}

/// As RFC 3339 with the zone's offset: the form in which templates get dates.
pub(crate) fn rfc3339(date: &Zoned) -> String {
    date.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// Reads a time with an offset, which may stand after a space and lack its colon.
fn with_offset(text: &str) -> Option<Timestamp> {
    if let Ok(timestamp) = text.parse() {
        return Some(timestamp);
    }
    let (time, offset) = text.rsplit_once(' ')?;
    match offset {
        "UTC" | "Z" => format!("{time}Z").parse().ok(),
        _ if offset.starts_with(['+', '-']) => format!("{time}{offset}").parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let berlin = zone("Europe/Berlin").unwrap();
        parse(text, &berlin).map(|date| rfc3339(&date))
    }

    #[test]
    fn reads_the_forms_of_jekyll() {
        for (text, expected) in [
            ("2026-01-02", "2026-01-02T00:00:00+01:00"),
            ("2026-01-02 10:00", "2026-01-02T10:00:00+01:00"),
            ("2026-07-02 10:00:30", "2026-07-02T10:00:30+02:00"),
            ("2026-01-02T10:00:00", "2026-01-02T10:00:00+01:00"),
            ("2026-01-02 10:00:00 +0000", "2026-01-02T11:00:00+01:00"),
            ("2026-01-02 10:00:00 -05:00", "2026-01-02T16:00:00+01:00"),
            ("2026-01-02 10:00 +0100", "2026-01-02T10:00:00+01:00"),
            ("2026-01-02 10:00:00 UTC", "2026-01-02T11:00:00+01:00"),
            ("2026-01-02T10:00:00Z", "2026-01-02T11:00:00+01:00"),
            ("2026-01-02T10:00:00+01:00", "2026-01-02T10:00:00+01:00"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-02-30",
            "2026",
            "2026-01-02 25:00",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn splits_the_names_of_posts() {
        let date = civil::date(2026, 1, 2);
        assert_eq!(split_file_name("2026-01-02-a-b"), Some((date, "a-b")));
        assert_eq!(split_file_name("2026-1-2-x"), Some((date, "x")));
        assert_eq!(split_file_name("2026-01-02"), None);
        assert_eq!(split_file_name("2026-02-30-x"), None);
        assert_eq!(split_file_name("hello-a-b-c"), None);
    }
}
