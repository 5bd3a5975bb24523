use proptest::prelude::*;

use super::super::relative;
use super::*;

/// A site with one post, its photo, and a page.
struct Known;

impl Targets for Known {
    fn url_of_source(&self, path: &str) -> Option<Url> {
        match path {
            "_posts/trip/index.md" => Some(Url::of_page("trip/index.html")),
            "_posts/trip/photo.jpg" => Some(Url::of_file("trip/photo.jpg")),
            "über.md" => Some(Url::of_page("über & co/index.html")),
            "it's #1.png" | "a b.png" => Some(Url::of_file(path)),
            _ => None,
        }
    }

    fn url_of_name(&self, name: &str) -> Option<Url> {
        match name {
            "Trip" => Some(Url::written("/trip/")),
            "Trip#f" => Some(Url::written("/trip/#f")),
            _ => None,
        }
    }

    fn image_size(&self, path: &str) -> Option<(u32, u32)> {
        matches!(path, "trip/photo.jpg" | "a b.png" | "it's #1.png").then_some((640, 480))
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
    marks::push_link(&mut out, kind, written, target, Some(written));
    out + "\" alt=\"\">"
}

const ROOT: Base<'_> = Base::Root { below: "" };

fn page(path: &str) -> Base<'_> {
    Base::Page {
        path,
        url: Box::leak(Box::new(Url::of_page(path))),
    }
}

fn home() -> Base<'static> {
    page("index.html")
}

fn trip() -> Base<'static> {
    page("trip/index.html")
}

fn feed(base: &'static str) -> Base<'static> {
    Base::Absolute {
        base,
        url: Box::leak(Box::new(Url::of_page("2026/a/index.html"))),
    }
}

#[test]
fn marks_of_links_become_urls() {
    let post = "_posts/trip/index.md";
    let photo = "_posts/trip/photo.jpg";
    let size = "width=\"640\" height=\"480\"";
    for (mark, base, expected) in [
        (
            link(LinkKind::Link, "a.md?q#f", post),
            home(),
            "<a href=\"trip/?q#f\" alt=\"\">".to_owned(),
        ),
        (
            link(LinkKind::Link, "a.md", post),
            trip(),
            "<a href=\"../trip/\" alt=\"\">".to_owned(),
        ),
        (
            link(LinkKind::Link, "#f", post),
            trip(),
            "<a href=\"#f\" alt=\"\">".to_owned(),
        ),
        (
            link(LinkKind::Link, "#f", post),
            home(),
            "<a href=\"trip/#f\" alt=\"\">".to_owned(),
        ),
        (
            link(LinkKind::Link, "#f", post),
            feed("https://h"),
            "<a href=\"https://h/trip/#f\" alt=\"\">".to_owned(),
        ),
        (
            link(LinkKind::Link, "x.md", "über.md"),
            ROOT,
            "<a href=\"/%C3%BCber%20&amp;%20co/\" alt=\"\">".to_owned(),
        ),
        (
            link(LinkKind::Link, "b/c&d?e", "no.md"),
            home(),
            "<a href=\"b/c&amp;d?e\" alt=\"\">".to_owned(),
        ),
        (
            link(LinkKind::Wiki, "#f", "Trip#f"),
            home(),
            "<a href=\"trip/#f\" alt=\"\">".to_owned(),
        ),
        (
            link(LinkKind::Wiki, "", "Nowhere"),
            home(),
            "<a class=\"broken\" alt=\"\">".to_owned(),
        ),
        (
            link(LinkKind::Image, "photo.jpg", photo),
            home(),
            format!("<img src=\"trip/photo.jpg\" {size} alt=\"\">"),
        ),
        (
            link(LinkKind::Image, "/a%20b.png", "a b.png"),
            trip(),
            format!("<img src=\"../a%20b.png\" {size} alt=\"\">"),
        ),
        (
            link(LinkKind::Image, "no.jpg", "no.jpg"),
            home(),
            "<img src=\"no.jpg\" alt=\"\">".to_owned(),
        ),
        (
            link(LinkKind::Image, "it's%20%231.png", "it's #1.png"),
            trip(),
            format!("<img src=\"../it&#x27;s%20%231.png\" {size} alt=\"\">"),
        ),
        (
            link(LinkKind::Image, "it's #1.png", "it's "),
            trip(),
            format!("<img src=\"../it&#x27;s%20%231.png\" {size} alt=\"\">"),
        ),
        (
            link(LinkKind::Link, "it's%20%231.png?a&b#c", "it's #1.png"),
            ROOT,
            "<a href=\"/it&#x27;s%20%231.png?a&amp;b#c\" alt=\"\">".to_owned(),
        ),
    ] {
        assert_eq!(finish(&mark, base, &Known).unwrap(), expected, "{mark}");
    }
}

#[test]
fn calls_are_expanded_and_finished_too() {
    let html = format!("a{}b", call("_posts/trip/index.md", 1));
    assert_eq!(
        finish(&html, home(), &Known).unwrap(),
        "a[<img src=\"trip/photo.jpg\"><img src=\"other.jpg\"><a href=\"x\">]b"
    );
    let error = finish(&call("again.md", 0), home(), &Known).unwrap_err();
    assert!(error.message.contains("64 deep"), "{error}");
    assert!(finish(&call("b.md", 0), home(), &Known).is_err());
}

proptest! {
    #[test]
    fn html_without_marks_stays_as_it_is(html in "([a-z<>/=\"' !#\\-]|<a href=|<!--|-->|<script>|é){0,80}") {
        // Links from the root are what the pass is for, so that there are none here.
        let html = html.replace("=/", "=").replace("\"/", "\"").replace("'/", "'").replace("= ", "=").replace(" /", " ");
        prop_assert_eq!(finish(&html, ROOT, &Known).unwrap(), html);
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
        for base in [home(), trip(), ROOT, feed("https://h")] {
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
            "<img srcset=\"/a,/b.png 1x,/c.png, data:image/png;base64,/9j 2x\">",
            "<img srcset=\"../a,/b.png 1x,../c.png, data:image/png;base64,/9j 2x\">",
        ),
        (
            "a/index.html",
            "<img src=\"/e\u{301}.png\"><a href=\"e%CC%81%20x.pdf#e\u{301}\">",
            "<img src=\"../\u{e9}.png\"><a href=\"\u{e9}%20x.pdf#e\u{301}\">",
        ),
        (
            "a/index.html",
            "<a href=/x&#x27;s#b>",
            "<a href=../x&#x27;s#b>",
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
            feed("https://h/sub"),
            &Known
        )
        .unwrap(),
        "<a href=\"https://h/sub/x/\"><a href=\"https://h/sub/2026/a/y\">"
    );
}

#[test]
fn the_page_for_missing_paths_links_below_where_the_site_is() {
    for (below, expected) in [
        ("", "<a href=\"/\"><link href='/a.css'><a href=\"b\">"),
        (
            "/blog",
            "<a href=\"/blog/\"><link href='/blog/a.css'><a href=\"b\">",
        ),
    ] {
        let html = "<a href=\"/\"><link href='/a.css'><a href=\"b\">";
        assert_eq!(
            finish(html, Base::Root { below }, &Known).unwrap(),
            expected
        );
    }
}
