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
