//! Atom 1.0 (RFC 4287).

use std::fmt::Write;

use super::{Entry, Feed, changed, xml};
use crate::dates;
use crate::site::Site;

/// The feed as XML.
pub(super) fn render(site: &Site, feed: &Feed, posts: &[Entry<'_>]) -> String {
    let config = &site.config;
    let base = feed.base(site);
    let id_base = feed.id_base(site);
    let title = feed.full_title(site);

    let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    let lang = xml(&config.lang);
    let _ = writeln!(
        out,
        "<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"{lang}\">"
    );
    element(&mut out, 1, "id", &feed.of.absolute(id_base));
    element(&mut out, 1, "title", &title);
    if let Some(description) = &config.description {
        element(&mut out, 1, "subtitle", description);
    }
    let _ = writeln!(
        out,
        "  <link rel=\"alternate\" type=\"text/html\" href=\"{}\"/>",
        xml(&feed.of.absolute(base))
    );
    let _ = writeln!(
        out,
        "  <link rel=\"self\" type=\"application/atom+xml\" href=\"{}\"/>",
        xml(&feed.url().absolute(base))
    );
    if let Some(newest) = posts.iter().filter_map(|post| changed(post.page)).max() {
        element(&mut out, 1, "updated", &dates::rfc3339(newest));
    }
    let author = config.author.as_deref().unwrap_or(&title);
    let _ = writeln!(out, "  <author><name>{}</name></author>", xml(author));
    for post in posts {
        entry(&mut out, post, base, id_base);
    }
    out.push_str("</feed>\n");
    out
}

fn entry(out: &mut String, entry: &Entry<'_>, base: &str, id_base: &str) {
    let page = entry.page;
    let link = page.url.absolute(base);
    out.push_str("  <entry>\n");
    element(out, 2, "id", &page.url.absolute(id_base));
    element(out, 2, "title", entry.title());
    let _ = writeln!(
        out,
        "    <link rel=\"alternate\" type=\"text/html\" href=\"{}\"/>",
        xml(&link)
    );
    if let Some(date) = &page.date {
        element(out, 2, "published", &dates::rfc3339(date));
    }
    if let Some(date) = changed(page) {
        element(out, 2, "updated", &dates::rfc3339(date));
    }
    for author in &entry.authors {
        let _ = writeln!(out, "    <author><name>{}</name></author>", xml(author));
    }
    for term in &entry.terms {
        let _ = writeln!(out, "    <category term=\"{}\"/>", xml(term));
    }
    // The base is for the links that are relative to the post.
    let base = xml(&link);
    let (name, html) = match (&entry.content, &entry.excerpt) {
        (Some(content), _) => ("content", content),
        (None, Some(excerpt)) => ("summary", excerpt),
        (None, None) => {
            out.push_str("  </entry>\n");
            return;
        }
    };
    let html = xml(html);
    let _ = writeln!(
        out,
        "    <{name} type=\"html\" xml:base=\"{base}\">{html}</{name}>"
    );
    out.push_str("  </entry>\n");
}

fn element(out: &mut String, depth: usize, name: &str, text: &str) {
    let indent = "  ".repeat(depth);
    let _ = writeln!(out, "{indent}<{name}>{}</{name}>", xml(text));
}
