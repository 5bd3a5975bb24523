//! Moments as feeds write them.

use jiff::{
    Timestamp,
    civil::{Date, Time},
    fmt::{rfc2822, temporal::Pieces},
    tz::TimeZone,
};

/// The longest text that is a moment.
const LONGEST: usize = 64;

static MAIL: rfc2822::DateTimeParser = rfc2822::DateTimeParser::new().relaxed_weekday(true);

fn day_of(day: Date) -> Option<u64> {
    let midnight = day.to_zoned(TimeZone::UTC).ok()?.timestamp();
    u64::try_from(midnight.as_second()).ok()
}

/// A moment in seconds since 1970, for a day without a time its midnight, UTC; `None` if it is none, or before.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST || !text.is_ascii() {
        return None;
    }
    // Midnight is a day without a time, and that day is meant wherever it was written.
    let clock = Pieces::parse(text).ok();
    let clock = clock.and_then(|pieces| Some((pieces.date(), pieces.time()?)));
    let clock = clock.or_else(|| {
        let zoned = MAIL.parse_zoned(text).ok()?;
        Some((zoned.date(), zoned.time()))
    });
    if let Some((day, time)) = clock
        && time == Time::midnight()
    {
        return day_of(day);
    }
    let moment = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| MAIL.parse_timestamp(text).ok());
    let moment = moment.or_else(|| {
        let day = text.parse::<Date>().ok()?;
        Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
    });
    u64::try_from(moment?.as_second()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_ways_to_write_a_moment_are_understood() {
        for text in [
            "2026-11-25T09:00:00Z",
            " 2026-11-25T10:00:00+01:00\n",
            "2026-11-25 09:00:00Z",
            "Wed, 25 Nov 2026 10:00:00 +0100",
            "25 Nov 2026 09:00:00 GMT",
            // The day of the week is often wrong.
            "Mon, 25 Nov 2026 09:00:00 GMT",
        ] {
            assert_eq!(seconds(text), Some(1_795_597_200), "{text}");
        }
        for day in [
            "2026-11-25",
            "2026-11-25T00:00:00Z",
            "2026-11-25T00:00:00+13:00",
            "Wed, 25 Nov 2026 00:00:00 -0800",
        ] {
            assert_eq!(seconds(day), Some(1_795_564_800), "{day}");
        }
        for text in ["", "yesterday", "1960-01-01T00:00:00Z", &"9".repeat(100)] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
