//! The filters that skep adds to Tera's own.

use std::borrow::Cow;

use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use tera::{Kwargs, State, Tera, TeraResult, Value};

use crate::dates;
use crate::html;
use crate::markdown;
use crate::slugs;

/// The names of all filters, Tera's own included, for hints.
pub(super) const NAMES: &[&str] = &[
    "abs",
    "absolute_url",
    "capitalize",
    "date",
    "date_to_xmlschema",
    "default",
    "escape",
    "escape_html",
    "escape_xml",
    "first",
    "float",
    "get",
    "group_by",
    "indent",
    "int",
    "join",
    "jsonify",
    "keys",
    "last",
    "length",
    "lower",
    "markdownify",
    "newlines_to_br",
    "normalize_whitespace",
    "nth",
    "pairs",
    "pluralize",
    "relative_url",
    "replace",
    "reverse",
    "round",
    "safe",
    "slugify",
    "sort",
    "split",
    "str",
    "strip_html",
    "title",
    "trim",
    "trim_end",
    "trim_start",
    "truncate",
    "unique",
    "upper",
    "values",
    "where",
    "wordcount",
    "xml_escape",
];

/// Adds the filters to `tera`. Dates without an offset are read in `zone`; absolute URLs start
/// with `base_url`.
pub(super) fn register(tera: &mut Tera, zone: &TimeZone, base_url: Option<&str>) {
    let zone_of_dates = zone.clone();
    tera.register_filter(
        "date",
        move |text: Cow<'_, str>, args: Kwargs, _: &State<'_>| {
            let format = args.get::<&str>("format")?.unwrap_or("%e %B %Y");
            date(&text, format, &zone_of_dates)
        },
    );
    let zone = zone.clone();
    tera.register_filter(
        "date_to_xmlschema",
        move |text: Cow<'_, str>, _: Kwargs, _: &State<'_>| {
            date(&text, "%Y-%m-%dT%H:%M:%S%:z", &zone)
        },
    );
    let base = base_url.unwrap_or_default().to_owned();
    tera.register_filter(
        "absolute_url",
        move |url: Cow<'_, str>, _: Kwargs, _: &State<'_>| {
            let url = rooted(&url);
            if url.starts_with('/') {
                format!("{base}{url}")
            } else {
                url
            }
        },
    );
    tera.register_filter(
        "relative_url",
        |url: Cow<'_, str>, _: Kwargs, _: &State<'_>| rooted(&url),
    );
    tera.register_filter(
        "xml_escape",
        |text: Cow<'_, str>, _: Kwargs, _: &State<'_>| Value::safe_string(&html::escape(&text)),
    );
    tera.register_filter("slugify", |text: Cow<'_, str>, _: Kwargs, _: &State<'_>| {
        slugs::slug(&text)
    });
    tera.register_filter(
        "markdownify",
        |text: Cow<'_, str>, _: Kwargs, _: &State<'_>| markdownify(&text),
    );
    tera.register_filter(
        "strip_html",
        |text: Cow<'_, str>, _: Kwargs, _: &State<'_>| html::text(&text),
    );
    tera.register_filter(
        "normalize_whitespace",
        |text: Cow<'_, str>, _: Kwargs, _: &State<'_>| {
            text.split_whitespace().collect::<Vec<&str>>().join(" ")
        },
    );
    tera.register_filter("default", default);
    tera.register_filter("jsonify", jsonify);
    tera.register_filter("where", where_equal);
}

fn markdownify(text: &str) -> TeraResult<Value> {
    let settings = markdown::Settings::default();
    let context = markdown::Context {
        path: "",
        settings: &settings,
        write_code: &markdown::plain_code,
    };
    match markdown::render(text, &context) {
        Ok(rendered) => Ok(Value::safe_string(&rendered.html)),
        Err(errors) => {
            let messages: Vec<String> = errors.into_iter().map(|e| e.message).collect();
            Err(tera::Error::message(messages.join("; ")))
        }
    }
}

/// Tera's own, but for values that are none as well: that is what a page lacks.
fn default(value: Value, args: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    let default = args.must_get::<Value>("value")?;
    let boolean = args.get::<bool>("boolean")?.unwrap_or_default();
    let is_missing = value.is_undefined() || value.is_none() || (boolean && !value.is_truthy());
    Ok(if is_missing { default } else { value })
}

fn date(text: &str, format: &str, zone: &TimeZone) -> TeraResult<String> {
    let date = dates::parse(text, zone)
        .ok_or_else(|| tera::Error::message(format!("'{text}' is not a date")))?;
    strtime::format(format, &date)
        .map_err(|error| tera::Error::message(format!("'{format}' can't show a date: {error}")))
}

/// `url` with a slash at its start, unless it leads to another site or into the page.
fn rooted(url: &str) -> String {
    if url.starts_with(['/', '#', '?']) || url.contains("://") || url.starts_with("mailto:") {
        url.to_owned()
    } else {
        format!("/{url}")
    }
}

fn jsonify(value: Value, _: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    let json = serde_json::to_string(&value).map_err(tera::Error::message)?;
    // So that no text can end the <script> that the JSON stands in, or begin a comment there.
    let json = json.replace('<', "\\u003c").replace('>', "\\u003e");
    Ok(Value::safe_string(&json.replace('&', "\\u0026")))
}

/// The items of a list whose `attribute` is `value`.
fn where_equal(items: Vec<Value>, args: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    let attribute = args.must_get::<&str>("attribute")?;
    let wanted = args.must_get::<Value>("value")?;
    let found = items
        .into_iter()
        .filter(|item| {
            let found = item.get_from_path(attribute);
            found == Some(&wanted)
        })
        .collect::<Vec<Value>>();
    Ok(Value::from(found))
}
