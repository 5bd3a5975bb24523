//! Links to this machine: what a preview's address leaves behind in a page.

use memchr::{memchr, memmem, memrchr2};

use crate::archive::path::ArchivePath;

/// How links stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Markup {
    /// In attributes. What stands between tags is talk.
    Html,
    /// In attributes and in elements that are made for URLs: feeds, sitemaps, drawings.
    Xml,
    /// In `url(…)` and strings.
    Css,
    /// In strings.
    Json,
    /// Anywhere.
    Robots,
}

impl Markup {
    /// That of the file at `path`; `None` if it has no links, or none that can be told from talk.
    pub(super) fn of(path: &ArchivePath) -> Option<Self> {
        let path = path.as_str();
        if path == "robots.txt" {
            return Some(Self::Robots);
        }
        let (_, extension) = path.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "html" | "htm" | "xhtml" => Some(Self::Html),
            "xml" | "rss" | "atom" | "svg" => Some(Self::Xml),
            "css" => Some(Self::Css),
            "json" | "webmanifest" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Calls `found` with each place at which the URL of a link to this machine begins; ends when it says false.
pub(super) fn find(markup: Markup, bytes: &[u8], mut found: impl FnMut(usize) -> bool) {
    for at in memmem::find_iter(bytes, b"://") {
        if !is_this_machine(&bytes[at + 3..]) {
            continue;
        }
        let before = match &bytes[..at] {
            [before @ .., b'h', b't', b't', b'p'] => before,
            [before @ .., b'h', b't', b't', b'p', b's'] => before,
            _ => continue,
        };
        if is_link(markup, before) && !found(before.len()) {
            return;
        }
    }
}

/// Whether the host that `bytes` begin with is this machine for whoever looks it up.
fn is_this_machine(bytes: &[u8]) -> bool {
    if !matches!(bytes.first(), Some(b'l' | b'L' | b'1' | b'0' | b'[')) {
        return false;
    }
    if bytes.starts_with(b"[::1]") {
        return true;
    }
    let host = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let host: Vec<u8> = bytes.iter().take(64).take_while(host).copied().collect();
    host.eq_ignore_ascii_case(b"localhost")
        || host == b"0.0.0.0"
        || (host.starts_with(b"127.")
            && host.iter().all(|b| b.is_ascii_digit() || *b == b'.')
            && host.iter().filter(|b| **b == b'.').count() == 3)
}

/// Whether the URL that follows `before` is a link.
fn is_link(markup: Markup, before: &[u8]) -> bool {
    // One of several in a `srcset` stands after a comma.
    let quoted = matches!(
        before.trim_ascii_end().last(),
        Some(b'"' | b'\'' | b'=' | b',')
    );
    match markup {
        Markup::Html => quoted && in_tag(before),
        Markup::Xml => {
            (quoted && in_tag(before)) || before.ends_with(b"=&quot;") || in_url_element(before)
        }
        Markup::Css => matches!(before.last(), Some(b'(' | b'"' | b'\'')),
        Markup::Json => before.ends_with(b"\""),
        Markup::Robots => true,
    }
}

/// No tag is longer, for all that this asks.
const MAX_TAG: usize = 4096;

/// Whether a tag is open at the end of `before`.
fn in_tag(before: &[u8]) -> bool {
    let near = &before[before.len().saturating_sub(MAX_TAG)..];
    memrchr2(b'<', b'>', near).is_some_and(|at| near[at] == b'<')
}

/// Whether `before` ends in the start tag of an element that is made for a URL.
fn in_url_element(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    let Some(before) = before.strip_suffix(b">") else {
        return false;
    };
    let near = &before[before.len().saturating_sub(MAX_TAG)..];
    let Some(at) = memrchr2(b'<', b'>', near).filter(|at| near[*at] == b'<') else {
        return false;
    };
    let tag = &near[at + 1..];
    let name = &tag[..memchr(b' ', tag).unwrap_or(tag.len())];
    let name = name.rsplit(|byte| *byte == b':').next().unwrap_or(name);
    [
        &b"link"[..],
        b"id",
        b"loc",
        b"guid",
        b"url",
        b"uri",
        b"icon",
        b"logo",
        b"comments",
    ]
    .contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(markup: Markup, text: &str) -> usize {
        let mut count = 0;
        find(markup, text.as_bytes(), |at| {
            assert!(text[at..].starts_with("http"));
            count += 1;
            true
        });
        count
    }

    #[test]
    fn a_link_is_told_from_talk() {
        use Markup::{Css, Html, Json, Robots, Xml};
        for (markup, text, count) in [
            (Html, "<a href=\"http://localhost:4000/about/\">", 1),
            (Html, "<a href=http://LOCALHOST>", 1),
            (Html, "<img src='https://127.0.0.1/x.png'>", 1),
            (
                Html,
                "<meta property=\"og:url\" content=\"http://[::1]:4000/\">",
                1,
            ),
            (
                Html,
                "<img srcset=\"http://0.0.0.0/a 1x, http://127.1.2.3/b 2x\">",
                2,
            ),
            (Html, "<p>open http://localhost:4000 in your browser</p>", 0),
            (Html, "<code>http://localhost:4000</code>", 0),
            (Html, "<p>say <q>url = \"http://localhost\"</q></p>", 0),
            (Html, "<p title=\"open http://localhost\">", 0),
            (Html, "<a href=\"https://localhost.example.org/\">", 0),
            (Html, "<a href=\"https://example.org/?u=x://localhost\">", 0),
            (Html, "<a href=\"http://127.0.0.1.example.org/\">", 0),
            (Xml, "<link href=\"http://localhost:4000/feed.xml\"/>", 1),
            (Xml, "<link>http://localhost:4000/</link>", 1),
            (
                Xml,
                "<image:loc>\n http://localhost:4000/a.png</image:loc>",
                1,
            ),
            (Xml, "<content>&lt;a href=&quot;http://localhost/&quot;", 1),
            (Xml, "<content>&lt;code&gt;http://localhost/", 0),
            (Xml, "<title>http://localhost</title>", 0),
            (Css, "a { background: url(http://localhost/a.png) }", 1),
            (Css, "@import \"http://localhost/a.css\";", 1),
            (Css, "/* see http://localhost */", 0),
            (Json, "{\"start_url\":\"http://localhost:4000/\"}", 1),
            (Json, "{\"text\":\"see http://localhost:4000/\"}", 0),
            (Robots, "Sitemap: http://localhost:4000/sitemap.xml", 1),
        ] {
            assert_eq!(links(markup, text), count, "{markup:?} {text}");
        }
    }

    #[test]
    fn a_file_says_by_its_name_how_links_stand_in_it() {
        let of = |path| Markup::of(&ArchivePath::new(path).unwrap());
        assert_eq!(of("a/index.HTML"), Some(Markup::Html));
        assert_eq!(of("feed.xml"), Some(Markup::Xml));
        assert_eq!(of("robots.txt"), Some(Markup::Robots));
        // A library names a host here and there that no page asks for.
        assert_eq!(
            (of("app.js"), of("README"), of("notes.txt")),
            (None, None, None)
        );
    }
}
