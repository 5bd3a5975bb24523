//! RSS 2.0 (<https://www.rssboard.org/rss-specification>).

use std::fmt::Write;

use jiff::Zoned;

use super::{Entry, Feed, changed, xml};
use crate::site::Site;

/// The feed as XML.
pub(super) fn render(site: &Site, feed: &Feed, posts: &[Entry<'_>]) -> String {
    let config = &site.config;
    let base = feed.base(site);
    let title = feed.full_title(site);
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\" \
         xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\n<channel>\n",
    );
    element(&mut out, "title", &title);
    element(&mut out, "link", &feed.of.absolute(base));
    // It has to be there.
    element(
        &mut out,
        "description",
        config.description.as_deref().unwrap_or(&title),
    );
    element(&mut out, "language", &config.lang);
    let own = xml(&feed.url().absolute(base));
    let _ = writeln!(
        out,
        "<atom:link rel=\"self\" type=\"application/rss+xml\" href=\"{own}\"/>"
    );
    if let Some(newest) = posts.iter().filter_map(|post| changed(post.page)).max() {
        element(&mut out, "lastBuildDate", &rfc2822(newest));
    }
    for post in posts {
        item(&mut out, post, base, feed.id_base(site));
    }
    out.push_str("</channel>\n</rss>\n");
    out
}

fn item(out: &mut String, entry: &Entry<'_>, base: &str, id_base: &str) {
    out.push_str("<item>\n");
    element(out, "title", entry.title());
    element(out, "link", &entry.page.url.absolute(base));
    let id = xml(&entry.page.url.absolute(id_base));
    let is_link = base == id_base;
    let _ = writeln!(out, "<guid isPermaLink=\"{is_link}\">{id}</guid>");
    if let Some(date) = &entry.page.date {
        element(out, "pubDate", &rfc2822(date));
    }
    // `author` has to be an e-mail address in RSS.
    for author in &entry.authors {
        element(out, "dc:creator", author);
    }
    for term in &entry.terms {
        element(out, "category", term);
    }
    if let Some(excerpt) = &entry.excerpt {
        element(out, "description", excerpt);
    }
    if let Some(content) = &entry.content {
        element(out, "content:encoded", content);
    }
    out.push_str("</item>\n");
}

fn element(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "<{name}>{}</{name}>", xml(text));
}

/// RSS wants dates as RFC 822 with years of four digits.
fn rfc2822(date: &Zoned) -> String {
    date.strftime("%a, %d %b %Y %H:%M:%S %z").to_string()
}
