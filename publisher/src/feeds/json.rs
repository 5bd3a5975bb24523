//! JSON Feed 1 and 1.1.

use serde_json::Value;

use super::{
    date,
    parse::{MAX_LOOKED_AT, Raw, Text},
};

/// The link of the feed's page and its items; `None` if it is no feed.
pub(super) fn read(text: &str) -> Option<(String, Vec<Raw>)> {
    let Value::Object(feed) = serde_json::from_str(text).ok()? else {
        return None;
    };
    let items = feed.get("items")?.as_array()?;
    let home = feed.get("home_page_url").and_then(Value::as_str);
    let items = items.iter().take(MAX_LOOKED_AT).map(item).collect();
    Some((home.unwrap_or_default().to_owned(), items))
}

fn item(value: &Value) -> Raw {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let id = match value.get("id") {
        Some(Value::Number(number)) => number.to_string(),
        _ => text("id").to_owned(),
    };
    let time = date::seconds(text("date_published"));
    let summary = match (text("summary"), text("content_text")) {
        ("", "") => Text::html(text("content_html")),
        ("", content) => Text::plain(content),
        (summary, _) => Text::plain(summary),
    };
    Raw {
        id,
        title: Text::plain(text("title")),
        link: text("url").to_owned(),
        time: time.or_else(|| date::seconds(text("date_modified"))),
        summary,
    }
}
