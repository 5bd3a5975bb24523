//! The places in a file where a site gives its own address: canonical links, `og:url`, sitemaps, and
//! what feeds say of themselves. Their entries may lead elsewhere, as those of a link blog do.

use memchr::{memchr, memmem, memrchr2};

use super::local_links::{MAX_TAG, Markup, element_before};

/// Where a file speaks of its own site.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claims {
    form: Form,
    /// No place behind this one is about the site as a whole.
    end: usize,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    None,
    Page,
    Feed,
    Sitemap,
    JsonFeed,
}

impl Claims {
    /// Those of a file; costs one pass over its beginning.
    pub(super) fn of(markup: Markup, bytes: &[u8]) -> Self {
        let first = |ends: [&[u8]; 2]| {
            let ends = ends.iter().filter_map(|end| find_tag(bytes, end));
            ends.min().unwrap_or(bytes.len())
        };
        let (form, end) = match markup {
            Markup::Html => (Form::Page, first([b"/head", b"body"])),
            Markup::Xml => match root(bytes) {
                b"urlset" | b"sitemapindex" => (Form::Sitemap, bytes.len()),
                b"rss" | b"feed" | b"RDF" => (Form::Feed, first([b"item", b"entry"])),
                _ => (Form::None, 0),
            },
            Markup::Json => (Form::JsonFeed, bytes.len()),
            Markup::Css | Markup::Robots => (Form::None, 0),
        };
        Self { form, end }
    }

    /// Whether the URL that begins at `at` is given as the address of the site, or of a page of it.
    pub(super) fn has(self, bytes: &[u8], at: usize) -> bool {
        if at >= self.end || is_commented(&bytes[..at]) {
            return false;
        }
        let before = &bytes[..at];
        match self.form {
            Form::None => false,
            Form::Page => Tag::around(bytes, at).is_some_and(|tag| {
                let is = |name, value| tag.has(name, value);
                match tag.name().to_ascii_lowercase().as_slice() {
                    b"link" => tag.is_at(b"href") && is(&b"rel"[..], &b"canonical"[..]),
                    b"meta" => {
                        tag.is_at(b"content")
                            && (is(b"property", b"og:url") || is(b"name", b"og:url"))
                    }
                    _ => false,
                }
            }),
            Form::Feed => {
                let is_in = |before| matches!(element_before(before), Some(b"link" | b"id"));
                let is_linked = Tag::around(bytes, at).is_some_and(|tag| {
                    matches!(tag.name(), b"link" | b"atom:link")
                        && tag.is_at(b"href")
                        && (tag.value(b"rel").is_none()
                            || tag.has(b"rel", b"self")
                            || tag.has(b"rel", b"alternate"))
                });
                is_linked || is_in(without_cdata(before))
            }
            Form::Sitemap => element_before(without_cdata(before)) == Some(b"loc"),
            Form::JsonFeed => {
                let key = before.strip_suffix(b"\"").map(<[u8]>::trim_ascii_end);
                let key = key.and_then(|key| key.strip_suffix(b":"));
                let key = key.map(<[u8]>::trim_ascii_end);
                key.is_some_and(|key| {
                    key.ends_with(b"\"home_page_url\"") || key.ends_with(b"\"feed_url\"")
                })
            }
        }
    }
}

/// Where the first tag of that name begins, in letters of any case.
fn find_tag(bytes: &[u8], name: &[u8]) -> Option<usize> {
    let mut tags = memchr::memchr_iter(b'<', bytes);
    tags.find(|at| {
        let tag = &bytes[at + 1..];
        tag.len() > name.len() && tag[..name.len()].eq_ignore_ascii_case(name)
    })
}

/// The name of the first element, without its prefix; empty if there is none.
fn root(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let Some(at) = memchr(b'<', rest) {
        rest = &rest[at + 1..];
        let end: &[u8] = match rest {
            [b'!', b'-', b'-', ..] => b"-->",
            [b'!' | b'?', ..] => b">",
            _ => {
                let is_name = |b: &u8| !b.is_ascii_whitespace() && !matches!(b, b'>' | b'/');
                let name = &rest[..rest.iter().take_while(|b| is_name(b)).count()];
                return name.rsplit(|byte| *byte == b':').next().unwrap_or(name);
            }
        };
        let Some(end) = memmem::find(rest, end) else {
            break;
        };
        rest = &rest[end..];
    }
    &[]
}

/// Whether a comment is open at the end of `before`, as far as a look at so many bytes tells.
fn is_commented(before: &[u8]) -> bool {
    let near = &before[before.len().saturating_sub(MAX_TAG)..];
    let open = memmem::rfind(near, b"<!--");
    open.is_some_and(|open| memmem::find(&near[open..], b"-->").is_none())
}

fn without_cdata(before: &[u8]) -> &[u8] {
    before.strip_suffix(b"<![CDATA[").unwrap_or(before)
}

/// A tag in which a URL is.
struct Tag<'a> {
    text: &'a [u8],
    /// Where the URL begins in it.
    at: usize,
}

impl<'a> Tag<'a> {
    fn around(bytes: &'a [u8], at: usize) -> Option<Self> {
        let from = at.saturating_sub(MAX_TAG);
        let near = &bytes[from..at];
        let begin = memrchr2(b'<', b'>', near).filter(|at| near[*at] == b'<')?;
        let begin = from + begin + 1;
        let rest = &bytes[at..bytes.len().min(at + MAX_TAG)];
        let end = at + memchr(b'>', rest).unwrap_or(rest.len());
        Some(Self {
            text: &bytes[begin..end],
            at: at - begin,
        })
    }

    fn name(&self) -> &'a [u8] {
        let is_name = |b: &u8| !b.is_ascii_whitespace() && *b != b'/';
        &self.text[..self.text.iter().take_while(|b| is_name(b)).count()]
    }

    /// The attributes: their names, and where their values begin and end.
    fn attributes(&self) -> impl Iterator<Item = (&'a [u8], usize, usize)> {
        let text = self.text;
        let mut at = self.name().len();
        let skip = move |at: usize, is: fn(&u8) -> bool| {
            at + text[at..].iter().take_while(|b| is(b)).count()
        };
        std::iter::from_fn(move || {
            let name = skip(at, |b| b.is_ascii_whitespace() || *b == b'/');
            let name_end = skip(name, |b| !b.is_ascii_whitespace() && !b"=/".contains(b));
            if name >= text.len() {
                return None;
            }
            let equals = skip(name_end, u8::is_ascii_whitespace);
            if text.get(equals) != Some(&b'=') {
                // Behind a `/`, or whatever else is no name.
                at = name_end.max(name + 1);
                return Some((&text[name..name_end], name_end, name_end));
            }
            let value = skip(equals + 1, u8::is_ascii_whitespace);
            let (value, end) = match text.get(value) {
                Some(quote @ (b'"' | b'\'')) => {
                    let value = value + 1;
                    let length = memchr(*quote, &text[value..]);
                    (value, length.map_or(text.len(), |length| value + length))
                }
                _ => (value, skip(value, |b| !b.is_ascii_whitespace())),
            };
            at = (end + 1).min(text.len());
            Some((&text[name..name_end], value, end))
        })
    }

    fn value(&self, name: &[u8]) -> Option<&'a [u8]> {
        let mut attributes = self.attributes();
        let (_, value, end) = attributes.find(|(n, ..)| n.eq_ignore_ascii_case(name))?;
        Some(&self.text[value..end])
    }

    /// Whether `word` is one of the words of an attribute.
    fn has(&self, name: &[u8], word: &[u8]) -> bool {
        let value = self.value(name).unwrap_or_default();
        let mut words = value.split(u8::is_ascii_whitespace);
        words.any(|one| one.eq_ignore_ascii_case(word))
    }

    /// Whether the URL is the value of the attribute `name`.
    fn is_at(&self, name: &[u8]) -> bool {
        self.attributes().any(|(n, value, end)| {
            let is_before = (value..end).contains(&self.at);
            let rest = &self.text[value..self.at.max(value)];
            n.eq_ignore_ascii_case(name) && is_before && rest.trim_ascii().is_empty()
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        archive::path::ArchivePath,
        review::{WarningKind, scan},
    };

    /// Whether a file's own address is said to be nobody's.
    fn warns(path: &str, text: &str) -> bool {
        let found = scan(&ArchivePath::new(path).unwrap(), text.as_bytes());
        let own = found.iter().filter(|f| f.kind == WarningKind::BaseUrl);
        assert!(own.clone().count() <= 1, "{text}: {found:?}");
        own.count() == 1
    }

    #[test]
    fn a_default_base_url_is_found_where_a_site_gives_its_own_address() {
        for (path, text) in [
            (
                "a.html",
                "<link rel=\"canonical\" href=\"https://example.org/\">",
            ),
            (
                "a.html",
                "<html><HEAD><LINK href='http://example.com/a/' REL='canonical'/>",
            ),
            (
                "a.html",
                "<link rel=canonical href=https://www.example.net/>",
            ),
            (
                "a.html",
                "<link\n rel = \"canonical\"\n href = \" http://localhost:1313/\">",
            ),
            (
                "a.html",
                "<meta property=\"og:url\" content=\"https://bees.example/\">",
            ),
            (
                "a.html",
                "<meta content=\"http://127.0.0.1:4000/\" name=og:url>",
            ),
            (
                "a.html",
                "<!-- x --><link rel=\"canonical\" href=\"http://0.0.0.0/\">",
            ),
            (
                "sitemap.xml",
                "<?xml version=\"1.0\"?>\n<!-- <x> -->\n<urlset xmlns=\"http://x.org\">\
                 <url><loc>https://example.org/a/</loc>",
            ),
            (
                "sitemap.xml",
                "<sitemapindex><sitemap><loc>\n http://example.org/s.xml</loc>",
            ),
            (
                "index.xml",
                "<rss version=\"2.0\"><channel><link>https://example.org/</link>",
            ),
            (
                "index.xml",
                "<rss><channel><link><![CDATA[https://example.org/]]></link>",
            ),
            (
                "index.xml",
                "<rss><channel><atom:link href=\"http://example.org/index.xml\" rel=\"self\"/>",
            ),
            ("feed.atom", "<feed><id>https://example.org/</id>"),
            (
                "feed.xml",
                "<feed><link href=\"http://localhost:4000/\" rel=\"alternate\"/>",
            ),
            ("feed.json", "{\"home_page_url\": \"https://example.org/\"}"),
            (
                "feed.json",
                "{\"feed_url\":\"https://example.org/feed.json\"}",
            ),
        ] {
            assert!(warns(path, text), "{path}: {text}");
        }
    }

    #[test]
    fn a_mere_mention_of_an_example_is_no_address_of_the_site() {
        for (path, text) in [
            (
                "a.html",
                "<a href=\"https://example.org/\">https://example.org/</a>",
            ),
            (
                "a.html",
                "<link rel=\"canonical\" href=\"https://bees.org/?u=http://example.org\">",
            ),
            (
                "a.html",
                "<link rel=\"stylesheet\" href=\"https://example.org/a.css\">",
            ),
            (
                "a.html",
                "<link rel=\"canonical\" href=\"https://example.organic/\">",
            ),
            (
                "a.html",
                "<link rel=\"canonical\" href=\"https://your-site.org/\">",
            ),
            (
                "a.html",
                "<meta name=\"description\" content=\"https://example.org/\">",
            ),
            (
                "a.html",
                "<meta property=\"og:url\" data-x=\"http://example.org\" content=\"/\">",
            ),
            (
                "a.html",
                "<!-- <link rel=\"canonical\" href=\"https://example.org/\"> -->",
            ),
            (
                "a.html",
                "<body><link rel=\"canonical\" href=\"https://example.org/\">",
            ),
            (
                "a.html",
                "<pre>&lt;link rel=\"canonical\" href=\"https://example.org/\"&gt;",
            ),
            (
                "a.txt",
                "<link rel=\"canonical\" href=\"https://example.org/\">",
            ),
            ("blogroll.xml", "<opml><link>https://example.org/</link>"),
            ("icon.svg", "<svg><link href=\"https://example.org/\"/>"),
            (
                "feed.xml",
                "<feed><id>https://bees.org/</id><link rel=\"license\" \
                 href=\"https://example.org/\"/><author><uri>https://example.org/</uri></author>\
                 <entry><link href=\"https://example.org/\"/><id>https://example.org/</id>\
                 <content>&lt;link rel=&quot;canonical&quot; href=&quot;https://example.org",
            ),
            (
                "rss.xml",
                "<rss><channel><item><link>https://example.org/</link>",
            ),
            (
                "rss.xml",
                "<rss><channel><description>https://example.org/</description>",
            ),
            (
                "sitemap.xml",
                "<urlset><image:loc>https://example.org/a.png</image:loc>",
            ),
            (
                "feed.json",
                "{\"items\":[{\"url\":\"https://example.org/\"}]}",
            ),
            (
                "feed.json",
                "{\"content_text\":\"\\\"feed_url\\\": \\\"https://example.org\"}",
            ),
        ] {
            assert!(!warns(path, text), "{path}: {text}");
        }
    }

    #[test]
    fn a_page_on_this_machine_says_so_once_and_its_links_are_another_kind() {
        let text = "<link rel=canonical href=http://localhost/><meta property=og:url \
                    content=http://localhost/><body>\n<a href=\"http://localhost/a/\">";
        let found = scan(&ArchivePath::new("a.html").unwrap(), text.as_bytes());
        let kinds: Vec<_> = found.iter().map(|f| (f.kind, f.line)).collect();
        assert_eq!(
            kinds,
            [(WarningKind::Localhost, 2), (WarningKind::BaseUrl, 1)]
        );
    }
}
