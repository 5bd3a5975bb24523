//! URLs that lead readers nowhere: links to this machine, as a preview's address leaves them behind,
//! and the address that the site gives as its own.

use memchr::{memchr, memmem, memrchr2};

use super::own_address::Claims;
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

/// What is wrong with a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A link to this machine.
    Link,
    /// The site's own address is one of this machine.
    OwnHere,
    /// The site's own address is one that is reserved for examples.
    OwnExample,
}

/// Calls `found` with the place at which each such URL begins; ends when it says false.
pub(super) fn find(markup: Markup, bytes: &[u8], mut found: impl FnMut(usize, Place) -> bool) {
    let mut claims = None;
    for at in memmem::find_iter(bytes, b"://") {
        let host = host(&bytes[at + 3..]);
        let is_here = is_this_machine(host);
        if !is_here && !is_example(host) {
            continue;
        }
        let before = match &bytes[..at] {
            [before @ .., b'h', b't', b't', b'p'] => before,
            [before @ .., b'h', b't', b't', b'p', b's'] => before,
            _ => continue,
        };
        let claims = claims.get_or_insert_with(|| Claims::of(markup, bytes));
        let place = match (claims.has(bytes, before.len()), is_here) {
            (true, true) => Place::OwnHere,
            (true, false) => Place::OwnExample,
            (false, true) if is_link(markup, before) => Place::Link,
            (false, _) => continue,
        };
        if !found(before.len(), place) {
            return;
        }
    }
}

/// The host that `bytes`, which follow `://`, begin with. No host name is longer than 253 bytes.
fn host(bytes: &[u8]) -> &[u8] {
    if bytes.starts_with(b"[::1]") {
        return &bytes[..5];
    }
    let is_host = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let length = bytes.iter().take(254).take_while(|b| is_host(b)).count();
    &bytes[..length]
}

/// Whether `host` is this machine for whoever looks it up.
fn is_this_machine(host: &[u8]) -> bool {
    host == b"[::1]"
        || host.eq_ignore_ascii_case(b"localhost")
        || host == b"0.0.0.0"
        || (host.starts_with(b"127.")
            && host.iter().all(|b| b.is_ascii_digit() || *b == b'.')
            && host.iter().filter(|b| **b == b'.').count() == 3)
}

/// Whether `host` is a name that RFC 2606 reserves for examples, or below one: nobody's site is there.
fn is_example(host: &[u8]) -> bool {
    let host = host.strip_suffix(b".").unwrap_or(host);
    [
        &b"example.org"[..],
        b"example.com",
        b"example.net",
        b"example",
    ]
    .iter()
    .any(|name| {
        let Some(at) = host.len().checked_sub(name.len()) else {
            return false;
        };
        host[at..].eq_ignore_ascii_case(name) && (at == 0 || host[at - 1] == b'.')
    })
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
pub(super) const MAX_TAG: usize = 4096;

/// Whether a tag is open at the end of `before`.
fn in_tag(before: &[u8]) -> bool {
    let near = &before[before.len().saturating_sub(MAX_TAG)..];
    memrchr2(b'<', b'>', near).is_some_and(|at| near[at] == b'<')
}

/// Whether `before` ends in the start tag of an element that is made for a URL.
fn in_url_element(before: &[u8]) -> bool {
    let Some(name) = element_before(before) else {
        return false;
    };
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

/// The name of the element in whose start tag `before` ends.
pub(super) fn element_before(before: &[u8]) -> Option<&[u8]> {
    let before = before.trim_ascii_end().strip_suffix(b">")?;
    let near = &before[before.len().saturating_sub(MAX_TAG)..];
    let at = memrchr2(b'<', b'>', near).filter(|at| near[*at] == b'<')?;
    let tag = &near[at + 1..];
    Some(&tag[..memchr(b' ', tag).unwrap_or(tag.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(markup: Markup, text: &str) -> usize {
        let mut count = 0;
        find(markup, text.as_bytes(), |at, place| {
            assert!(text[at..].starts_with("http"));
            count += usize::from(place != Place::OwnExample);
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
    fn hosts_of_examples_are_those_that_nobody_can_have() {
        for (url, is) in [
            ("example.org/", true),
            ("EXAMPLE.com", true),
            ("www.example.net:8080/", true),
            ("example.org.", true),
            ("bees.example/", true),
            ("example/", true),
            ("myexample.org/", false),
            ("example.org.uk/", false),
            ("example.de/", false),
            ("your-site.com/", false),
            ("", false),
        ] {
            assert_eq!(is_example(host(url.as_bytes())), is, "{url}");
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
