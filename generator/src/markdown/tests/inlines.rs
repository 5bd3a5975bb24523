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

#[test]
fn two_marks_in_prose_are_no_super_or_subscript() {
    for text in [
        "HEAD~1..HEAD~2",
        "HEAD^..HEAD^2 and HEAD~1,HEAD~2",
        "x^2+y^2=z^2",
        "~/a:~/b",
        "3~5일,10~20일",
        "^_^ and ^-^",
        "a^=b;c^=d",
    ] {
        assert_eq!(html(text), format!("<p>{text}</p>\n"));
    }
    assert_eq!(
        html("CO~2~, 10^-3^ m, ^*a*^, Na^+^ and ~b~"),
        "<p>CO<sub>2</sub>, 10<sup>-3</sup> m, <sup><em>a</em></sup>, Na<sup>+</sup> and \
         <sub>b</sub></p>\n"
    );
}

#[test]
fn what_is_almost_an_extension_is_text() {
    for (text, expected) in [
        ("a==b and c==d", "<p>a==b and c==d</p>\n"),
        ("==a==", "<p>==a==</p>\n"),
        ("$5 and $10", "<p>$5 and $10</p>\n"),
        (":smile: x", "<p>:smile: x</p>\n"),
        ("a [^b] c", "<p>a [^b] c</p>\n"),
        ("~a b~ ~~ c", "<p>~a b~ ~~ c</p>\n"),
        ("[[1, 2], [3, 4]]", "<p>[[1, 2], [3, 4]]</p>\n"),
        ("[[]] [[ ", "<p>[[]] [[</p>\n"),
        ("- [x]a\n- []", "<ul>\n<li>[x]a</li>\n<li>[]</li>\n</ul>\n"),
        (
            "> [!NOTES]\n> a",
            "<blockquote>\n<p>[!NOTES]\na</p>\n</blockquote>\n",
        ),
        ("a [toc]", "<p>a [toc]</p>\n"),
        ("a | b\nc | d", "<p>a | b\nc | d</p>\n"),
    ] {
        assert_eq!(html(text), expected, "{text}");
    }
}

#[test]
fn a_bar_of_a_wiki_link_is_escaped_in_a_table() {
    let with_words = "<a href=\"{skep:w  T}\">*words*</a>";
    let with_words = with_words.replace("*words*", "<em>words</em>");
    for text in [
        "|a|b|\n|-|-|\n|[[T\\|*words*]]|c|\n",
        "a|b\n-|-\n[[T\\|*words*]] | c\n",
    ] {
        let html = html(text);
        assert!(
            html.contains(&format!("<td>{with_words}</td><td>c</td>")),
            "{html}"
        );
    }
    assert!(html("[[T\\|*words*]]").contains(&with_words));
    let html = html("|a|\n|-|\n|[[T#H i\\|w]] ![[b.png\\|c]] ![[b.png\\|100]] [[T]] [[#H\\|h]]|\n");
    for expected in [
        "<a href=\"{skep:w  T%23H%20i}\">w</a>",
        "<img src=\"{skep:i b.png _posts/trip/b.png}\" alt=\"c\">",
        "alt=\"\" style=\"width: 100px; height: auto\"",
        "<a href=\"{skep:w  T}\">T</a>",
        "<a href=\"{skep:l %23h _posts/trip/index.md}\">h</a>",
    ] {
        assert!(html.contains(expected), "{html}");
    }
}

#[test]
fn a_component_can_be_called_in_a_table() {
    let html = html("|a|b|\n|-|-|\n|{{ <x a=\"1|2\" /> }}|c|\n");
    assert!(html.contains("index.md--></td><td>c</td>"), "{html}");
}

#[test]
fn no_link_is_in_a_link_of_html() {
    for (text, expected) in [
        (
            "<a href=x>see https://y.z ok</a>",
            "<a href=x>see https://y.z ok</a>",
        ),
        (
            "<a href=x>**see https://y.z** www.y.z a@b.c</a>",
            "<a href=x><strong>see https://y.z</strong> www.y.z a@b.c</a>",
        ),
        ("<a href=x>[[T]] and [b](c)</a>", "<a href=x>T and b</a>"),
        ("<A HREF=x><https://y.z></A>", "<A HREF=x>https://y.z</A>"),
        (
            "<button>https://y.z</button>",
            "<button>https://y.z</button>",
        ),
        (
            "<code>https://y.z x^2^</code> x^2^",
            "<code>https://y.z x^2^</code> x<sup>2</sup>",
        ),
        ("<kbd>a~b~</kbd>", "<kbd>a~b~</kbd>"),
    ] {
        assert_eq!(html(text), format!("<p>{expected}</p>\n"), "{text}");
    }
    let block =
        html("<a href=x>\n\n# B https://y.z\n\n[c](d)[^e]\n\n</a>\n\nhttps://f.g\n\n[^e]: h\n");
    assert_eq!(block.matches("<a ").count(), 3, "{block}");
    assert!(
        block.contains("<h1 id=\"b-httpsyz\">B https://y.z</h1>"),
        "{block}"
    );
    assert!(block.contains("<a href=\"https://f.g\">"), "{block}");
    assert!(!rendered("<a href=x>[b](c.md)</a>").notes.is_empty());
}

#[test]
fn a_link_of_html_ends_at_the_latest_with_its_paragraph() {
    let link = "<a href=\"https://y.z\">https://y.z</a>";
    for text in [
        "<a name=top></a>https://y.z",
        "<a name=top/>https://y.z",
        "<a name=top>https://y.z",
        "<a name=top>\n\nhttps://y.z",
        "<a href=x>b\n\nhttps://y.z\n\n<a href=c>d</a>",
        "<abbr>https://y.z</abbr>",
        "`<a>` https://y.z</a>",
        "b <!-- <a href=x> --> https://y.z</a>",
        "<a href=x>b</a> https://y.z",
        "<a\nhref=x>b</a\n> https://y.z",
    ] {
        assert!(html(text).contains(link), "{text}: {}", html(text));
    }
}

#[test]
fn a_nul_is_the_replacement_character() {
    let text = "a\0b `c\0` &#0;\n\n    d\0\n\n<b title='\0'>\n\n[e](f\0.md)\n\n# g\0\n";
    let rendered = rendered(text);
    assert!(!rendered.html.contains('\0') && rendered.html.matches('\u{fffd}').count() >= 6);
    assert!(!format!("{rendered:?}").contains("\\0"));
}
