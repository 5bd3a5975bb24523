//! The pass itself.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

use pulldown_cmark_escape::escape_href;

use super::tags::{close_of, end_of, next_attribute};
use super::{Base, Targets};
use crate::error::{Error, ErrorKind};
use crate::html as entities;
use crate::markdown;
use crate::marks::{self, LinkKind, LinkMark};

/// Calls are expanded inside of each other no deeper.
const MAX_DEPTH: usize = 64;

/// Finishes `html` for where it stands. What needs no change stays as it is, to the byte.
pub(crate) fn finish(html: &str, base: Base<'_>, targets: &dyn Targets) -> Result<String, Error> {
    let up = match base {
        Base::Page { path, .. } => "../".repeat(path.matches('/').count()),
        Base::Root | Base::Absolute(_) => String::new(),
    };
    let mut pass = Pass {
        out: String::with_capacity(html.len() + html.len() / 16),
        base,
        up,
        targets,
        folders: Vec::new(),
    };
    pass.html(html)?;
    Ok(pass.out)
}

struct Pass<'a> {
    out: String,
    base: Base<'a>,
    /// From the page to the root of the site.
    up: String,
    targets: &'a dyn Targets,
    /// The folders of the sources whose calls are being expanded, the innermost last.
    folders: Vec<String>,
}

impl Pass<'_> {
    fn html(&mut self, html: &str) -> Result<(), Error> {
        // Everything before `copied` is in `out`.
        let mut copied = 0;
        let mut at = 0;
        while let Some(open) = memchr::memchr(b'<', &html.as_bytes()[at..]).map(|f| at + f) {
            let tag = &html[open..];
            if tag.starts_with("<!--") {
                at = tag.find("-->").map_or(html.len(), |end| open + end + 3);
                if let Some((path, index)) = marks::call(&html[open..at]) {
                    self.out.push_str(&html[copied..open]);
                    copied = at;
                    self.call(&path, index)?;
                }
                continue;
            }
            if !tag[1..].starts_with(|c: char| c.is_ascii_alphabetic()) {
                at = open + 1;
                continue;
            }
            let name_end = end_of(html, open + 1, |c| {
                c.is_ascii_whitespace() || c == b'>' || c == b'/'
            });
            let name = &html[open + 1..name_end];
            at = name_end;
            while let Some(attribute) = next_attribute(html, at) {
                let before = at;
                at = attribute.end;
                if let Some(value) = attribute.value
                    && let Some(kind) = kind_of(name, attribute.name)
                {
                    let whole = before..attribute.end;
                    copied = self.attribute(html, copied, kind, whole, value);
                }
            }
            at = end_of(html, at, |c| c == b'>')
                .saturating_add(1)
                .min(html.len());
            // What is inside these is no HTML.
            for raw in ["script", "style", "textarea", "title"] {
                if name.eq_ignore_ascii_case(raw) {
                    at = close_of(html, at, raw);
                }
            }
        }
        self.out.push_str(&html[copied..]);
        Ok(())
    }

    /// Writes the attribute that takes up `whole`, if its `value` changes, and what stands
    /// between `copied` and it. Returns up to where the HTML is written now.
    fn attribute(
        &mut self,
        html: &str,
        copied: usize,
        kind: UrlKind,
        whole: Range<usize>,
        value: Range<usize>,
    ) -> usize {
        let old = &html[value.clone()];
        if let Some(mark) = marks::link(old) {
            let Some(url) = self.marked(&mark) else {
                // A link that leads nowhere is no link.
                self.out.push_str(&html[copied..whole.start]);
                self.out.push_str(" class=\"broken\"");
                return whole.end;
            };
            self.out.push_str(&html[copied..value.start]);
            let placed = self.placed(&url);
            self.out.push_str(placed.as_deref().unwrap_or(&url));
            self.out.push_str(&html[value.end..whole.end]);
            if mark.kind == LinkKind::Image {
                self.size(&url);
            }
            return whole.end;
        }
        let new = match kind {
            UrlKind::One => self.url(old),
            UrlKind::Set => self.srcset(old),
        };
        let Some(new) = new else {
            return copied;
        };
        self.out.push_str(&html[copied..value.start]);
        self.out.push_str(&new);
        value.end
    }

    /// The URL that a mark stands for, HTML-escaped; from the root if it is of this site.
    /// `None` if it is a name that no page has.
    fn marked(&self, mark: &LinkMark<'_>) -> Option<String> {
        let rest = suffix(mark.written);
        let url = match mark.kind {
            LinkKind::Wiki => Some(self.targets.url_of_name(&mark.target)?),
            LinkKind::Link | LinkKind::Image => self.targets.url_of_source(&mark.target),
        };
        Some(match url {
            Some(url) if rest.starts_with('#') && self.is_here(&url) => rest.to_owned(),
            Some(url) => {
                let mut escaped = String::with_capacity(url.len() + rest.len());
                let _ = escape_href(&mut escaped, &url);
                escaped + rest
            }
            None => mark.written.to_owned(),
        })
    }

    /// Whether `url` is the page that the HTML stands on.
    fn is_here(&self, here: &str) -> bool {
        matches!(self.base, Base::Page { url, .. } if url == here)
    }

    /// The URL in an attribute as it has to be; `None` if it is so already.
    fn url(&self, url: &str) -> Option<String> {
        if let Some(found) = self.beside_a_call(url) {
            return Some(self.placed(&found).unwrap_or(found));
        }
        self.placed(url)
    }

    /// A relative URL that a component wrote leads to what lies beside the text that calls it.
    fn beside_a_call(&self, url: &str) -> Option<String> {
        let folder = self.folders.last()?;
        let rest = suffix(url);
        let path = entities::decode(&url[..url.len() - rest.len()]);
        if path.is_empty() || path.starts_with(['/', '\\']) || path.contains(':') {
            return None;
        }
        let target = markdown::resolve(folder, &marks::decoded(&path)?);
        let found = self.targets.url_of_source(&target)?;
        let mut escaped = String::with_capacity(found.len() + rest.len());
        let _ = escape_href(&mut escaped, &found);
        Some(escaped + rest)
    }

    /// A root-absolute URL as it is where the HTML stands; `None` if it stays as it is.
    fn placed(&self, url: &str) -> Option<String> {
        let rest = from_root(url)?;
        match self.base {
            Base::Root => None,
            Base::Absolute(base) => Some(format!("{base}/{rest}")),
            Base::Page { .. } => {
                let up = &self.up;
                let first = rest.split(['/', '?', '#']).next().unwrap_or_default();
                // Nothing at all would be the page itself, and `a:b` would be a scheme.
                let is_odd = first.is_empty() || first.contains(':');
                let dot = if up.is_empty() && is_odd { "./" } else { "" };
                Some(format!("{dot}{up}{rest}"))
            }
        }
    }

    fn srcset(&self, value: &str) -> Option<String> {
        let mut changed = false;
        let candidates: Vec<Cow<'_, str>> = value
            .split(',')
            .map(|candidate| {
                let trimmed = candidate.trim_start();
                let space = &candidate[..candidate.len() - trimmed.len()];
                let url_end = trimmed.find(char::is_whitespace).unwrap_or(trimmed.len());
                let (url, descriptor) = trimmed.split_at(url_end);
                match self.url(url) {
                    Some(new) => {
                        changed = true;
                        Cow::Owned(format!("{space}{new}{descriptor}"))
                    }
                    None => Cow::Borrowed(candidate),
                }
            })
            .collect();
        changed.then(|| candidates.join(","))
    }

    /// Writes the size of the image at `url`, so that the page doesn't jump when it comes.
    fn size(&mut self, url: &str) {
        if from_root(url).is_none() {
            return;
        }
        let path = entities::decode(&url[..url.len() - suffix(url).len()]);
        let size = marks::decoded(&path).and_then(|path| self.targets.image_size(&path));
        if let Some((width, height)) = size {
            let _ = write!(self.out, " width=\"{width}\" height=\"{height}\"");
        }
    }

    /// Writes what a call of a component gives.
    fn call(&mut self, path: &str, index: usize) -> Result<(), Error> {
        if self.folders.len() == MAX_DEPTH {
            let message = format!("components call each other more than {MAX_DEPTH} deep");
            return Err(Error::new(ErrorKind::Template, message).in_file(path));
        }
        let html = self.targets.call(path, index)?;
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.folders.push(folder.to_owned());
        self.html(&html)?;
        self.folders.pop();
        Ok(())
    }
}

/// What an attribute holds.
#[derive(Clone, Copy)]
enum UrlKind {
    One,
    Set,
}

fn kind_of(tag: &str, attribute: &str) -> Option<UrlKind> {
    let is = |name: &str| attribute.eq_ignore_ascii_case(name);
    // Most attributes are none of them, and their first letter tells.
    match attribute.as_bytes().first()?.to_ascii_lowercase() {
        b'h' if is("href") => Some(UrlKind::One),
        b's' if is("src") => Some(UrlKind::One),
        b's' if is("srcset") => Some(UrlKind::Set),
        b'i' if is("imagesrcset") => Some(UrlKind::Set),
        b'a' if is("action") => Some(UrlKind::One),
        b'f' if is("formaction") => Some(UrlKind::One),
        b'p' if is("poster") => Some(UrlKind::One),
        b'd' if is("data") && tag.eq_ignore_ascii_case("object") => Some(UrlKind::One),
        _ => None,
    }
}

/// What follows the path in a URL.
fn suffix(url: &str) -> &str {
    let at = url.find(['?', '#']).unwrap_or(url.len());
    &url[at..]
}

/// What follows the slash of a root-absolute URL. `//host/path` is not one.
fn from_root(url: &str) -> Option<&str> {
    let rest = url.trim_start().strip_prefix('/')?;
    (!rest.starts_with(['/', '\\'])).then_some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::relative;
    use super::*;

    /// A site with one post, its photo, and a page.
    struct Known;

    impl Targets for Known {
        fn url_of_source(&self, path: &str) -> Option<Cow<'_, str>> {
            match path {
                "_posts/trip/index.md" => Some("/trip/".into()),
                "_posts/trip/photo.jpg" => Some("/trip/photo.jpg".into()),
                "über.md" => Some("/über & co/".into()),
                _ => None,
            }
        }

        fn url_of_name(&self, name: &str) -> Option<Cow<'_, str>> {
            (name == "Trip").then_some("/trip/".into())
        }

        fn image_size(&self, url: &str) -> Option<(u32, u32)> {
            matches!(url, "/trip/photo.jpg" | "/a b.png").then_some((640, 480))
        }

        fn call(&self, path: &str, index: usize) -> Result<String, Error> {
            match (path, index) {
                ("_posts/trip/index.md", 0) => {
                    Ok("<img src=\"photo.jpg\"><img src=\"other.jpg\"><a href=\"/x\">".into())
                }
                ("_posts/trip/index.md", 1) => Ok(format!("[{}]", call("_posts/trip/index.md", 0))),
                ("again.md", _) => Ok(call("again.md", 0)),
                _ => Err(Error::new(ErrorKind::Template, "no such call")),
            }
        }
    }

    fn call(path: &str, index: usize) -> String {
        let mut out = String::new();
        marks::push_call(&mut out, path, index);
        out
    }

    fn link(kind: LinkKind, written: &str, target: &str) -> String {
        let mut out = "<a href=\"".to_owned();
        if kind == LinkKind::Image {
            out = "<img src=\"".to_owned();
        }
        marks::push_link(&mut out, kind, written, target);
        out + "\" alt=\"\">"
    }

    const TRIP: Base<'_> = Base::Page {
        path: "trip/index.html",
        url: "/trip/",
    };
    const HOME: Base<'_> = Base::Page {
        path: "index.html",
        url: "/",
    };

    #[test]
    fn marks_of_links_become_urls() {
        let post = "_posts/trip/index.md";
        let photo = "_posts/trip/photo.jpg";
        let size = "width=\"640\" height=\"480\"";
        for (mark, base, expected) in [
            (
                link(LinkKind::Link, "a.md?q#f", post),
                HOME,
                "<a href=\"trip/?q#f\" alt=\"\">".to_owned(),
            ),
            (
                link(LinkKind::Link, "a.md", post),
                TRIP,
                "<a href=\"../trip/\" alt=\"\">".to_owned(),
            ),
            (
                link(LinkKind::Link, "#f", post),
                TRIP,
                "<a href=\"#f\" alt=\"\">".to_owned(),
            ),
            (
                link(LinkKind::Link, "#f", post),
                HOME,
                "<a href=\"trip/#f\" alt=\"\">".to_owned(),
            ),
            (
                link(LinkKind::Link, "#f", post),
                Base::Absolute("https://h"),
                "<a href=\"https://h/trip/#f\" alt=\"\">".to_owned(),
            ),
            (
                link(LinkKind::Link, "x.md", "über.md"),
                Base::Root,
                "<a href=\"/%C3%BCber%20&amp;%20co/\" alt=\"\">".to_owned(),
            ),
            (
                link(LinkKind::Link, "b/c&amp;d?e", "no.md"),
                HOME,
                "<a href=\"b/c&amp;d?e\" alt=\"\">".to_owned(),
            ),
            (
                link(LinkKind::Wiki, "#f", "Trip"),
                HOME,
                "<a href=\"trip/#f\" alt=\"\">".to_owned(),
            ),
            (
                link(LinkKind::Wiki, "", "Nowhere"),
                HOME,
                "<a class=\"broken\" alt=\"\">".to_owned(),
            ),
            (
                link(LinkKind::Image, "photo.jpg", photo),
                HOME,
                format!("<img src=\"trip/photo.jpg\" {size} alt=\"\">"),
            ),
            (
                link(LinkKind::Image, "/a%20b.png", ""),
                TRIP,
                format!("<img src=\"../a%20b.png\" {size} alt=\"\">"),
            ),
            (
                link(LinkKind::Image, "no.jpg", "no.jpg"),
                HOME,
                "<img src=\"no.jpg\" alt=\"\">".to_owned(),
            ),
        ] {
            assert_eq!(finish(&mark, base, &Known).unwrap(), expected, "{mark}");
        }
    }

    #[test]
    fn calls_are_expanded_and_finished_too() {
        let html = format!("a{}b", call("_posts/trip/index.md", 1));
        assert_eq!(
            finish(&html, HOME, &Known).unwrap(),
            "a[<img src=\"trip/photo.jpg\"><img src=\"other.jpg\"><a href=\"x\">]b"
        );
        let error = finish(&call("again.md", 0), HOME, &Known).unwrap_err();
        assert!(error.message.contains("64 deep"), "{error}");
        assert!(finish(&call("b.md", 0), HOME, &Known).is_err());
    }

    proptest! {
        #[test]
        fn html_without_marks_stays_as_it_is(html in "([a-z<>/=\"' !#\\-]|<a href=|<!--|-->|<script>|é){0,80}") {
            // Links from the root are what the pass is for, so that there are none here.
            let html = html.replace("=/", "=").replace("\"/", "\"").replace("'/", "'").replace("= ", "=").replace(" /", " ");
            prop_assert_eq!(finish(&html, Base::Root, &Known).unwrap(), html);
        }

        #[test]
        fn no_mark_survives(parts in proptest::collection::vec((0..6, "[a-z>= \"'!-]{0,6}|<b>"), 0..10)) {
            let mut html = String::new();
            for (kind, text) in parts {
                html.push_str(&text);
                html.push_str(&match kind {
                    0 => link(LinkKind::Link, "a.md", "_posts/trip/index.md"),
                    1 => link(LinkKind::Link, "a.md", "no.md"),
                    2 => link(LinkKind::Wiki, "#f", "No"),
                    3 => link(LinkKind::Image, "photo.jpg", "_posts/trip/photo.jpg"),
                    4 => call("_posts/trip/index.md", 1),
                    _ => String::new(),
                });
            }
            for base in [HOME, TRIP, Base::Root, Base::Absolute("https://h")] {
                let done = finish(&html, base, &Known).unwrap();
                prop_assert!(!done.contains("{skep:") && !done.contains("<!--skep:"), "{}", done);
            }
        }
    }

    #[test]
    fn links_from_the_root_become_relative() {
        for (path, html, expected) in [
            (
                "2026/01/02/a/index.html",
                "<a href=\"/x.css\">",
                "<a href=\"../../../../x.css\">",
            ),
            ("index.html", "<a href='/'>", "<a href='./'>"),
            ("index.html", "<a href=/a/>", "<a href=a/>"),
            ("index.html", "<a href='/#top'>", "<a href='./#top'>"),
            ("index.html", "<a href='/a:b'>", "<a href='./a:b'>"),
            ("a/index.html", "<a href='/'>", "<a href='../'>"),
            (
                "a/b.html",
                "<IMG class=x SRC = \"/i.png\" alt>",
                "<IMG class=x SRC = \"../i.png\" alt>",
            ),
            (
                "a/index.html",
                "<img srcset=\"/a.png 1x, /b.png 2x, c.png 3x\">",
                "<img srcset=\"../a.png 1x, ../b.png 2x, c.png 3x\">",
            ),
            (
                "a/index.html",
                "<form action='/f'><video poster='/p'>",
                "<form action='../f'><video poster='../p'>",
            ),
        ] {
            assert_eq!(relative(html, path), expected);
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for html in [
            "<a href=\"//host/x\">",
            "<a href=\"https://h/x\"> <a href=\"x\"> <a href=\"#x\">",
            "<a title=\"href='/x'\" data-href=\"/x\">",
            "<p>href=\"/x\" 1 < 2 & a<b href</p>",
            "<!-- <a href=\"/x\"> -->",
            "<script>var a = '<a href=\"/x\">';</script><style>a{b:url(/x)}</style>",
            "<textarea><a href=\"/x\"></textarea>",
            "<a href",
            "<a href=",
            "<a href=\"",
            "<",
            "<é href='é'",
        ] {
            assert_eq!(relative(html, "a/b/index.html"), html);
        }
    }

    #[test]
    fn goes_on_after_a_script() {
        assert_eq!(
            relative(
                "<script src=\"/s.js\">x</script><a href=\"/é\">é</a>",
                "a/b.html"
            ),
            "<script src=\"../s.js\">x</script><a href=\"../é\">é</a>"
        );
    }

    #[test]
    fn absolute_links_for_feeds() {
        assert_eq!(
            finish(
                "<a href=\"/x/\"><a href=\"y\">",
                Base::Absolute("https://h/sub"),
                &Known
            )
            .unwrap(),
            "<a href=\"https://h/sub/x/\"><a href=\"y\">"
        );
    }
}
