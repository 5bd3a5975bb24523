//! Which file of a version is its feed.

use super::parse::MAX_BYTES;
use crate::{
    archive::{hash::NodeHash, path::ArchivePath, tree::File},
    error::Result,
    plain,
    store::Reader,
};

/// The names that feeds mostly have, if the first page names none.
const NAMES: [&str; 6] = [
    "feed.xml",
    "atom.xml",
    "feed.json",
    "index.xml",
    "rss.xml",
    "feed/index.xml",
];
/// How much of the first page is looked at, in bytes.
const LOOKED_AT: u64 = 64 << 10;
/// How many of its links are looked at.
const MAX_LINKS: usize = 64;

/// The feed of the version with that tree, with its path; `None` if it has none. May block.
pub(super) fn find(reader: &Reader, tree: NodeHash) -> Result<Option<(String, File)>> {
    let first = match ArchivePath::new("index.html") {
        Ok(path) => reader.find(tree, &path)?,
        Err(_) => None,
    };
    let mut names = match first {
        Some(page) => {
            let head = reader.range(&page, 0, page.size.min(LOOKED_AT))?;
            named(&String::from_utf8_lossy(&head))
        }
        None => Vec::new(),
    };
    names.extend(NAMES.map(str::to_owned));
    for name in names {
        let Ok(path) = ArchivePath::new(&name) else {
            continue;
        };
        if let Some(file) = reader.find(tree, &path)?
            && file.size <= MAX_BYTES
        {
            return Ok(Some((name, file)));
        }
    }
    Ok(None)
}

/// The files that a page at the root names as its feeds.
fn named(html: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = html;
    for _ in 0..MAX_LINKS {
        let Some(at) = plain::find_ignoring_case(rest, "<link") else {
            break;
        };
        rest = &rest[at + "<link".len()..];
        let tag = &rest[..rest.find('>').unwrap_or(rest.len())];
        let is_alternate =
            value(tag, "rel").is_some_and(|rel| rel.eq_ignore_ascii_case("alternate"));
        let kind = value(tag, "type").unwrap_or_default().to_ascii_lowercase();
        let is_feed = ["rss+xml", "atom+xml", "feed+json"];
        if is_alternate
            && is_feed.iter().any(|feed| kind.contains(feed))
            && let Some(href) = value(tag, "href")
            && !href.contains("://")
            && !href.starts_with("//")
        {
            let href = href.trim_start_matches("./").trim_start_matches('/');
            names.push(href.split(['?', '#']).next().unwrap_or("").to_owned());
        }
    }
    names
}

/// The value of an attribute in what stands between `<link` and `>`.
fn value(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag;
    loop {
        let at = plain::find_ignoring_case(rest, name)?;
        let is_name = rest[..at].ends_with(|c: char| c.is_ascii_whitespace());
        rest = &rest[at + name.len()..];
        let after = rest.trim_start();
        if is_name && let Some(text) = after.strip_prefix('=') {
            let text = text.trim_start();
            let value = match text.chars().next()? {
                quote @ ('"' | '\'') => text[1..].split(quote).next()?,
                _ => text.split(|c: char| c.is_ascii_whitespace()).next()?,
            };
            return Some(plain::entities(value.trim()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_its_feeds() {
        let html = r#"<head><link rel=stylesheet href=a.css>
            <LINK rel="alternate" type="application/atom+xml" title="x" href="./a&amp;b.xml">
            <link href='/news.json?x' type='application/feed+json' rel='alternate'>
            <link rel="alternate" type="application/rss+xml" href="https://b.example/feed.xml">
            <link rel="alternate" hreflang="de" href="/de/"> <link rel=alternate type=application/rss+xml href=r.xml /><link"#;
        assert_eq!(named(html), ["a&b.xml", "news.json", "r.xml"]);
        assert!(named(&"<link ".repeat(10_000)).is_empty());
        assert!(named("<link rel=alternate type=application/rss+xml href").is_empty());
    }
}
