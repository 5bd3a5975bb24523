//! The Atom feed (RFC 4287) and the sitemap.

use std::fmt::Write;

use jiff::Zoned;

use crate::dates;
use crate::html;
use crate::links;
use crate::site::Site;
use crate::site::page::Page;

/// How many posts the feed holds.
const ENTRIES: usize = 20;

/// The feed of the newest posts. Nothing in it depends on when it is made.
pub(crate) fn atom(site: &Site) -> String {
    let config = &site.config;
    // An id must never change, even if the site moves: the address is more lasting than the URL.
    let address = config
        .address
        .as_deref()
        .map(|address| address.trim_end_matches('/'));
    let base = site.base_url().or(address).unwrap_or_default();
    let id_base = address.or(site.base_url()).unwrap_or_default();
    let title = config.title.as_deref().unwrap_or("Untitled");
    let posts: Vec<&Page> = site.posts().iter().take(ENTRIES).collect();

    let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    let lang = xml(&config.lang);
    let _ = writeln!(
        out,
        "<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"{lang}\">"
    );
    element(&mut out, 1, "id", &url(id_base, "/"));
    element(&mut out, 1, "title", title);
    if let Some(description) = &config.description {
        element(&mut out, 1, "subtitle", description);
    }
    let _ = writeln!(
        out,
        "  <link rel=\"alternate\" type=\"text/html\" href=\"{}\"/>",
        xml(&url(base, "/"))
    );
    let _ = writeln!(
        out,
        "  <link rel=\"self\" type=\"application/atom+xml\" href=\"{}\"/>",
        xml(&url(base, "/feed.xml"))
    );
    if let Some(newest) = posts.iter().filter_map(|post| changed(post)).max() {
        element(&mut out, 1, "updated", &dates::rfc3339(newest));
    }
    let author = config.author.as_deref().unwrap_or(title);
    let _ = writeln!(out, "  <author><name>{}</name></author>", xml(author));
    for post in posts {
        entry(&mut out, post, base, id_base);
    }
    out.push_str("</feed>\n");
    out
}

/// The sitemap: every HTML page but the one for missing paths.
pub(crate) fn sitemap(site: &Site) -> String {
    let base = site.base_url().unwrap_or_default();
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    for page in site.paths().filter_map(|path| site.page(path)) {
        if !page.is_html() || page.path == "404.html" {
            continue;
        }
        let _ = write!(out, "  <url><loc>{}</loc>", xml(&url(base, &page.url)));
        if let Some(date) = changed(page) {
            let _ = write!(out, "<lastmod>{}</lastmod>", dates::rfc3339(date));
        }
        out.push_str("</url>\n");
    }
    out.push_str("</urlset>\n");
    out
}

fn entry(out: &mut String, post: &Page, base: &str, id_base: &str) {
    let link = url(base, &post.url);
    out.push_str("  <entry>\n");
    element(out, 2, "id", &url(id_base, &post.url));
    element(out, 2, "title", post.title.as_deref().unwrap_or("Untitled"));
    let _ = writeln!(
        out,
        "    <link rel=\"alternate\" type=\"text/html\" href=\"{}\"/>",
        xml(&link)
    );
    if let Some(date) = &post.date {
        element(out, 2, "published", &dates::rfc3339(date));
    }
    if let Some(date) = changed(post) {
        element(out, 2, "updated", &dates::rfc3339(date));
    }
    for tag in &post.tags {
        let _ = writeln!(out, "    <category term=\"{}\"/>", xml(tag));
    }
    if let Some(body) = post.body_html() {
        let content = links::absolute(&body.html, base);
        // The base is for the links that are relative to the post.
        let _ = writeln!(
            out,
            "    <content type=\"html\" xml:base=\"{}\">{}</content>",
            xml(&link),
            xml(&content)
        );
    }
    out.push_str("  </entry>\n");
}

fn element(out: &mut String, depth: usize, name: &str, text: &str) {
    let indent = "  ".repeat(depth);
    let _ = writeln!(out, "{indent}<{name}>{}</{name}>", xml(text));
}

fn changed(page: &Page) -> Option<&Zoned> {
    page.updated.as_ref().or(page.date.as_ref())
}

/// `text` escaped, without the characters that XML can't hold at all.
fn xml(text: &str) -> String {
    let allowed = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    html::escape(&text.chars().filter(allowed).collect::<String>())
}

fn url(base: &str, path: &str) -> String {
    let mut url = base.to_owned();
    for byte in path.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_holds_no_control_characters() {
        assert_eq!(xml("a\u{8}<b\u{ffff}\n"), "a&lt;b\n");
    }

    #[test]
    fn urls_are_escaped() {
        assert_eq!(url("https://h", "/ä b/"), "https://h/%C3%A4%20b/");
    }
}
