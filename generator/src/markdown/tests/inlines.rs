use super::*;

#[test]
fn the_extensions_are_on() {
    for (text, expected) in [
        ("|a|\n|-|\n|b|\n", "<td>b</td>"),
        ("~~x~~", "<del>x</del>"),
        (
            "H~2~O ~2~O x^2^ ^2^",
            "H<sub>2</sub>O <sub>2</sub>O x<sup>2</sup> <sup>2</sup>",
        ),
        ("\"q\" -- it's...", "“q” – it’s…"),
        ("a\n: b\n", "<dl>\n<dt>a</dt>\n<dd>b</dd>\n</dl>"),
        ("# T {#own .c d=e}", "<h1 id=\"own\" class=\"c\" d=\"e\">"),
        (
            "```rust\nfn\n```",
            "<pre tabindex=\"0\"><code class=\"language-rust\">fn\n</code></pre>",
        ),
        ("    a\n", "<pre tabindex=\"0\"><code>a\n</code></pre>"),
        ("<b onclick=x>raw</b>", "<b onclick=x>raw</b>"),
    ] {
        assert!(html(text).contains(expected), "{text}: {}", html(text));
    }
}

#[test]
fn super_and_subscript_have_no_spaces() {
    assert_eq!(html("2^3 and 4^5, ~a b~"), "<p>2^3 and 4^5, ~a b~</p>\n");
}

#[test]
fn formulas_are_mathml_and_prices_are_not() {
    for (text, expected) in [
        (
            "a $x^2$ b",
            "<p>a <math><msup><mi>x</mi><mn>2</mn></msup></math> b</p>\n",
        ),
        (
            "$$x$$",
            "<p><math display=\"block\"><mi>x</mi></math></p>\n",
        ),
        ("$5 and $6, $7-$8 \\$x$", "<p>$5 and $6, $7-$8 $x$</p>\n"),
        ("`$x$` US$ x$", "<p><code>$x$</code> US$ x$</p>\n"),
    ] {
        assert_eq!(html(text), expected, "{text}");
    }
    let rendered = rendered("a $1 \\frc <b>$\n");
    assert_eq!(
        rendered.html,
        "<p>a <code class=\"math-error\">$1 \\frc &lt;b&gt;$</code></p>\n"
    );
    assert_eq!(rendered.notes.len(), 1);
    assert_eq!(rendered.notes[0].offset, 5);
    assert!(
        rendered.notes[0]
            .message
            .starts_with("this formula can't be read: ")
    );
    let off = settings("math = false");
    assert_eq!(rendered_with("$x$", &off).unwrap().html, "<p>$x$</p>\n");
}

#[test]
fn urls_in_a_text_are_links() {
    for (text, expected) in [
        (
            "see https://a.b/c_d_e--f?x=1&amp;y=2.",
            "see <a href=\"https://a.b/c_d_e--f?x=1&amp;y=2\">https://a.b/c_d_e--f?x=1&amp;y=2</a>.",
        ),
        (
            "www.a.b, me@a.b",
            "<a href=\"http://www.a.b\">www.a.b</a>, <a href=\"mailto:me@a.b\">me@a.b</a>",
        ),
        (
            "*https://a.b* **b**",
            "<em><a href=\"https://a.b\">https://a.b</a></em> <strong>b</strong>",
        ),
        (
            "https://a.b/*c*/d e",
            "<a href=\"https://a.b/*c*/d\">https://a.b/*c*/d</a> e",
        ),
        (
            "`https://a.b` <b title='https://a.b'>",
            "<code>https://a.b</code> <b title='https://a.b'>",
        ),
        (
            "[https://a.b](https://c.d) ![https://e.f](g)",
            "<a href=\"https://c.d\">https://a.b</a> <img src=",
        ),
        ("<https://a.b>", "<a href=\"https://a.b\">https://a.b</a>"),
    ] {
        let html = html(text);
        assert!(html.starts_with(&format!("<p>{expected}")), "{html}");
        assert_eq!(html.matches("<a").count(), html.matches("</a>").count());
    }
    let table = html("|a|b|\n|-|-|\n|https://a.b|c|\n");
    assert!(
        table.contains("<td><a href=\"https://a.b\">https://a.b</a></td><td>c</td>"),
        "{table}"
    );
    let off = settings("autolinks = false");
    assert_eq!(
        rendered_with("https://a.b", &off).unwrap().html,
        "<p>https://a.b</p>\n"
    );
}

#[test]
fn links_to_sources_are_marked_and_listed() {
    let rendered = rendered(
        "[a](../../pages/about.md?q#top 't') [b](#c) [d](https://e/f.md) [g](/h/) [i](/j.md) [[K#L m|n]]\n",
    );
    let links: Vec<(&str, Option<&str>, usize)> = rendered
        .links
        .iter()
        .map(|link| (link.target.as_str(), link.fragment.as_deref(), link.offset))
        .collect();
    assert_eq!(
        links,
        [
            ("pages/about.md", Some("top"), 0),
            ("_posts/trip/index.md", Some("c"), 36),
            ("h/", None, 64),
            ("j.md", None, 73),
            ("K#L m", None, 84),
        ]
    );
    assert_eq!(
        rendered.html,
        "<p><a href=\"{skep:l ../../pages/about.md%3Fq%23top pages/about.md pages/about.md%3Fq%23top}\" title=\"t\">a</a> \
         <a href=\"{skep:l %23c _posts/trip/index.md _posts/trip/%23c}\">b</a> <a href=\"https://e/f.md\">d</a> \
         <a href=\"{skep:l /h/ h/}\">g</a> <a href=\"{skep:l /j.md j.md}\">i</a> <a href=\"{skep:w  K%23L%20m}\">n</a></p>\n"
    );
}

#[test]
fn images_but_the_first_are_lazy() {
    assert_eq!(
        html("![a *b* `c`](d.png \"t\") ![](/e.png) ![](https://f/g.png)\n"),
        "<p><img src=\"{skep:i d.png _posts/trip/d.png}\" alt=\"a b c\" title=\"t\"> \
         <img src=\"{skep:i /e.png e.png}\" alt=\"\" loading=\"lazy\" decoding=\"async\"> \
         <img src=\"https://f/g.png\" alt=\"\" loading=\"lazy\" decoding=\"async\"></p>\n"
    );
}

#[test]
fn raw_html_is_kept_shown_or_dropped() {
    let text = "<div id=x>\n\na <b>b</b> <!-- c -->\n";
    let with = |policy: &str| {
        let settings = settings(&format!("raw_html = '{policy}'"));
        rendered_with(text, &settings).unwrap().html
    };
    assert_eq!(with("keep"), "<div id=x>\n<p>a <b>b</b> <!-- c --></p>\n");
    assert_eq!(
        with("escape"),
        "&lt;div id=x&gt;\n<p>a &lt;b&gt;b&lt;/b&gt; &lt;!-- c --&gt;</p>\n"
    );
    assert_eq!(with("drop"), "<p>a b </p>\n");
    assert_eq!(rendered(text).ids, ["x"]);
    // A comment of the author's own is no call.
    assert_eq!(html("<!--skep:call 0 a-->"), "<!-- skep:call 0 a-->");
}

#[test]
fn counts_words() {
    assert_eq!(rendered("One two, `three` — *four*.").words, 4);
    assert_eq!(rendered("```\na b\n```\n\n    c\n\nhttps://d.e f").words, 5);
}

#[test]
fn an_element_that_begins_inside_of_a_url_is_part_of_it() {
    for text in [
        "https://a.b[^a]<!--more-->https://a.b^<!--more-->",
        "https://a.b/*c d* https://e.f/**g h** https://i.j/_k",
        "https://a.b/~c~ https://d.e~",
    ] {
        let html = html(text);
        for name in ["sup", "sub", "em", "strong", "del"] {
            let count = |tag: String| html.matches(&tag).count();
            let (open, close) = (count(format!("<{name}>")), count(format!("</{name}>")));
            assert_eq!(open, close, "{name} in {html}");
        }
    }
}
