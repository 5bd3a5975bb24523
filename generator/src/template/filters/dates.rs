//! Filters for dates. All show them in the site's time zone, and know the names of days and months in English.

use jiff::fmt::strtime;
use jiff::{Timestamp, Zoned};
use tera::{TeraResult, Value};

use super::{Call, Own, fail};
use crate::dates;

pub(super) const ALL: &[Own] = &[
    Own {
        name: "date",
        arguments: &["format", "timezone"],
        call: date,
    },
    Own {
        name: "date_to_xmlschema",
        arguments: &[],
        call: |call| show(call, "%Y-%m-%dT%H:%M:%S%:z"),
    },
    Own {
        name: "date_to_rfc822",
        arguments: &[],
        call: |call| show(call, "%a, %d %b %Y %H:%M:%S %z"),
    },
    Own {
        name: "date_to_string",
        arguments: &["ordinal", "style"],
        call: |call| day(call, "%b"),
    },
    Own {
        name: "date_to_long_string",
        arguments: &["ordinal", "style"],
        call: |call| day(call, "%B"),
    },
];

fn date(call: &Call<'_>) -> TeraResult<Value> {
    let format = call.argument::<&str>("format")?.unwrap_or("%-d %B %Y");
    show(call, format)
}

pub(super) fn show(call: &Call<'_>, format: &str) -> TeraResult<Value> {
    let Some(date) = read(call)? else {
        return Ok(Value::none());
    };
    let shown = strtime::format(format, &date).map_err(|error| {
        fail(
            format!("'{format}' can't show a date: {error}"),
            "a format is like %Y-%m-%d or %-d %B %Y; %% is a percent sign",
        )
    })?;
    Ok(shown.into())
}

/// `02 Jan 2026`, with `ordinal=true` `2nd Jan 2026`, in the American style `Jan 2nd, 2026`.
fn day(call: &Call<'_>, month: &str) -> TeraResult<Value> {
    let is_american = call
        .argument::<&str>("style")?
        .is_some_and(|style| style.eq_ignore_ascii_case("US"));
    if !call.argument("ordinal")?.unwrap_or(false) {
        let format = match is_american {
            true => format!("{month} %d, %Y"),
            false => format!("%d {month} %Y"),
        };
        return show(call, &format);
    }
    let Some(date) = read(call)? else {
        return Ok(Value::none());
    };
    let number = date.day();
    let ending = match (number % 10, number) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    let format = match is_american {
        true => format!("{month} {number}{ending}, %Y"),
        false => format!("{number}{ending} {month} %Y"),
    };
    show(call, &format)
}

/// The date that the value is. `None` if it is none: what a page lacks prints nothing.
fn read(call: &Call<'_>) -> TeraResult<Option<Zoned>> {
    let zone = match call.arguments.get::<&str>("timezone")? {
        None => call.around.zone.clone(),
        Some(name) => dates::zone(name).ok_or_else(|| {
            fail(
                format!("there is no time zone '{name}'"),
                "write it as Europe/Berlin",
            )
        })?,
    };
    if call.value.is_none() {
        return Ok(None);
    }
    if let Some(seconds) = call.value.as_i64() {
        let time = Timestamp::from_second(seconds).map_err(tera::Error::message)?;
        return Ok(Some(time.to_zoned(zone)));
    }
    let text = call.text()?;
    match dates::parse(&text, &zone) {
        Some(date) => Ok(Some(date)),
        None if matches!(&*text, "now" | "today") => Err(fail(
            format!("'{text}' is not a date"),
            "the time of the build is `site.time`",
        )),
        None => Err(fail(
            format!("'{text}' is not a date"),
            "a date is like 2026-01-02 or 2026-01-02 10:00",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, prints};

    #[test]
    fn dates_are_shown_in_the_zone_of_the_site() {
        check(
            "\"2026-07-02T22:30:00Z\"",
            &[
                ("{{ x | date }}", "3 July 2026"),
                ("{{ x | date(format='%d.%m.%y %H:%M') }}", "03.07.26 00:30"),
                (
                    "{{ x | date(format='%H:%M %Z', timezone='America/New_York') }}",
                    "18:30 EDT",
                ),
                ("{{ x | date_to_xmlschema }}", "2026-07-03T00:30:00+02:00"),
                (
                    "{{ x | date_to_rfc822 }}",
                    "Fri, 03 Jul 2026 00:30:00 +0200",
                ),
                ("{{ x | date_to_string }}", "03 Jul 2026"),
                ("{{ x | date_to_long_string }}", "03 July 2026"),
                ("{{ x | date_to_string(ordinal=true) }}", "3rd Jul 2026"),
                (
                    "{{ x | date_to_long_string(ordinal=true, style='US') }}",
                    "July 3rd, 2026",
                ),
                (
                    "{{ '2026-01-12' | date_to_string(ordinal=true) }}",
                    "12th Jan 2026",
                ),
                ("{{ 0 | date(format='%F') }}", "1970-01-01"),
                ("{{ none | date }}", ""),
            ],
        );
    }

    #[test]
    fn what_is_no_date_says_so() {
        for (template, says) in [
            ("{{ 'someday' | date }}", "'someday' is not a date"),
            ("{{ 'now' | date }}", "site.time"),
            (
                "{{ '2026-01-02' | date(format='%!') }}",
                "can't show a date",
            ),
            (
                "{{ '2026-01-02' | date(timezone='Mars') }}",
                "no time zone 'Mars'",
            ),
        ] {
            let error = prints(template, "1").unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
