//! JSON Feed 1.1 (<https://www.jsonfeed.org/version/1.1/>).

use serde_json::{Map, Value, json};

use super::{Entry, Feed};
use crate::dates;
use crate::site::Site;

/// The feed as JSON.
pub(super) fn render(site: &Site, feed: &Feed, entries: &[Entry<'_>]) -> String {
    let config = &site.config;
    let base = feed.base(site);
    let mut all = Map::new();
    put(
        &mut all,
        "version",
        Some("https://jsonfeed.org/version/1.1"),
    );
    put(&mut all, "title", Some(feed.full_title(site)));
    put(&mut all, "home_page_url", Some(feed.of.absolute(base)));
    put(&mut all, "feed_url", Some(feed.url().absolute(base)));
    put(&mut all, "description", config.description.as_deref());
    put(&mut all, "language", Some(config.lang.as_str()));
    if let Some(author) = &config.author {
        all.insert("authors".to_owned(), json!([{ "name": author }]));
    }
    let items = entries
        .iter()
        .map(|entry| item(entry, base, feed.id_base(site)));
    all.insert("items".to_owned(), Value::Array(items.collect()));
    let mut text = Value::Object(all).to_string();
    text.push('\n');
    text
}

fn item(entry: &Entry<'_>, base: &str, id_base: &str) -> Value {
    let page = entry.page;
    let mut item = Map::new();
    put(&mut item, "id", Some(page.url.absolute(id_base)));
    put(&mut item, "url", Some(page.url.absolute(base)));
    put(&mut item, "title", Some(entry.title()));
    // One of the two has to be there.
    let content = entry.content.as_deref().or(entry.excerpt.as_deref());
    put(&mut item, "content_html", Some(content.unwrap_or_default()));
    put(
        &mut item,
        "date_published",
        page.date.as_ref().map(dates::rfc3339),
    );
    put(
        &mut item,
        "date_modified",
        page.updated.as_ref().map(dates::rfc3339),
    );
    if !entry.authors.is_empty() {
        let authors = entry.authors.iter().map(|name| json!({ "name": name }));
        item.insert("authors".to_owned(), authors.collect());
    }
    if !entry.terms.is_empty() {
        item.insert("tags".to_owned(), json!(entry.terms));
    }
    Value::Object(item)
}

fn put(map: &mut Map<String, Value>, key: &str, value: Option<impl Into<String>>) {
    if let Some(value) = value {
        map.insert(key.to_owned(), Value::String(value.into()));
    }
}
