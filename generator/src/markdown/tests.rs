use proptest::prelude::*;

use super::*;

fn rendered_with(text: &str, settings: &Settings) -> Result<Rendered, Vec<Note>> {
    let context = Context {
        path: "_posts/trip/index.md",
        settings,
        write_code: &plain_code,
    };
    render(text, &context)
}

fn rendered(text: &str) -> Rendered {
    rendered_with(text, &Settings::default()).unwrap()
}

fn html(text: &str) -> String {
    rendered(text).html
}

fn settings(toml: &str) -> Settings {
    toml::from_str(toml).unwrap()
}

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
fn tables_can_be_reached_and_read_out() {
    assert_eq!(
        html("|a|b|\n|:-|-:|\n|1|2|\n"),
        "<div class=\"table\" role=\"group\" tabindex=\"0\" aria-label=\"Table\"><table>\
         <thead><tr><th scope=\"col\" style=\"text-align: left\">a</th>\
         <th scope=\"col\" style=\"text-align: right\">b</th></tr></thead><tbody>\n\
         <tr><td style=\"text-align: left\">1</td><td style=\"text-align: right\">2</td></tr>\n\
         </tbody></table></div>\n"
    );
}

#[test]
fn tasks_say_what_they_mean() {
    assert_eq!(
        html("- [x] a\n- [ ] b\n"),
        "<ul>\n<li class=\"task\"><input type=\"checkbox\" disabled=\"\" checked=\"\" aria-label=\"done\" /> a</li>\n\
         <li class=\"task\"><input type=\"checkbox\" disabled=\"\" aria-label=\"to do\" /> b</li>\n</ul>\n"
    );
    let loose = html("- [ ] a\n\n- b\n");
    assert!(loose.contains("<li class=\"task\">\n<p><input"), "{loose}");
}

#[test]
fn alerts_have_a_title() {
    let settings = settings("labels.tip = 'Rat & Tat'");
    assert_eq!(
        rendered_with("> [!TIP]\n> n\n", &settings).unwrap().html,
        "<div class=\"markdown-alert markdown-alert-tip\" role=\"note\">\n\
         <p class=\"markdown-alert-title\">Rat &amp; Tat</p>\n<p>n</p>\n</div>\n"
    );
}

#[test]
fn footnotes_are_listed_at_the_end_in_the_order_of_their_references() {
    let rendered =
        rendered("[^b]: *B*\n\nx[^a] y[^b] z[^A]\n\n[^a]: A\n\n        code\n\n[^c]: unused\n");
    let prefix = rendered
        .html
        .split("id=\"fnref-")
        .nth(1)
        .unwrap()
        .split('-')
        .next()
        .unwrap();
    let plain = rendered.html.replace(&format!("{prefix}-"), "");
    assert_eq!(prefix.len(), 8);
    let back = |number, nth| {
        format!(
            " <a class=\"footnote-backref\" href=\"#fnref-{number}{nth}\" role=\"doc-backlink\" \
             aria-label=\"Back to reference {number}{nth}\">↩"
        )
    };
    let note = |number, nth| {
        format!(
            "<sup class=\"footnote-reference\"><a id=\"fnref-{number}{nth}\" href=\"#fn-{number}\" \
             role=\"doc-noteref\">{number}</a></sup>"
        )
    };
    assert_eq!(
        plain,
        format!(
            "<p>x{} y{} z{}</p>\n\
             <section class=\"footnotes\" role=\"doc-endnotes\" aria-label=\"Footnotes\">\n<ol>\n\
             <li class=\"footnote-definition\" id=\"fn-1\">\n<p>A</p>\n\
             <pre tabindex=\"0\"><code>code\n</code></pre>\n{}</a>{}<sup>2</sup></a></li>\n\
             <li class=\"footnote-definition\" id=\"fn-2\">\n<p><em>B</em>{}</a></p>\n</li>\n\
             </ol>\n</section>\n",
            note(1, ""),
            note(2, ""),
            note(1, "-2"),
            back(1, ""),
            back(1, "-2"),
            back(2, "")
        )
    );
    assert_eq!(rendered.notes.len(), 1);
    assert_eq!(
        rendered.notes[0].message,
        "nothing refers to the footnote 'c'"
    );
    assert_eq!(rendered.notes[0].offset, 53);
    // No footnote of another text has these ids.
    let context = Context {
        path: "b.md",
        settings: &Settings::default(),
        write_code: &plain_code,
    };
    assert!(
        !render("x[^a]\n\n[^a]: A", &context)
            .unwrap()
            .html
            .contains(prefix)
    );
}

#[test]
fn every_heading_has_an_id_of_its_own() {
    let text =
        "# A *b* `c`!\n\n## Same\n\n## Same\n\n## Über {#same-1}\n\n## 日本語\n\n## Same\n\n## !";
    let rendered = rendered(text);
    let ids = [
        "a-b-c",
        "same",
        "same-2",
        "same-1",
        "日本語",
        "same-3",
        "section",
    ];
    for id in ids {
        let attribute = format!("<h2 id=\"{id}\">").replace("<h2 id=\"a-", "<h1 id=\"a-");
        assert_eq!(
            rendered.html.matches(&attribute).count(),
            1,
            "{id}: {}",
            rendered.html
        );
    }
    let toc: Vec<&str> = rendered
        .toc
        .iter()
        .map(|heading| heading.id.as_str())
        .collect();
    assert_eq!(toc, ids);
    assert_eq!(rendered.toc[0].title, "A b c!");
    assert_eq!(rendered.toc[0].level, 1);
}

#[test]
fn two_headings_with_one_id_are_told_apart_and_of() {
    let rendered = rendered("# a {#x}\n\n# b {#x}\n");
    assert_eq!(rendered.ids, ["x", "x-1"]);
    assert_eq!(rendered.notes[0].offset, 10);
    assert!(rendered.notes[0].message.contains("'x-1'"));
}

#[test]
fn a_heading_links_to_itself_unless_it_holds_a_link() {
    assert_eq!(
        html("## A *b*\n"),
        "<h2 id=\"a-b\"><a class=\"anchor\" href=\"#a-b\">A <em>b</em></a></h2>\n"
    );
    assert_eq!(
        html("## [a](https://b)\n"),
        "<h2 id=\"a\"><a href=\"https://b\">a</a></h2>\n"
    );
    assert_eq!(
        html("## a[^b]\n\n[^b]: c")
            .matches("class=\"anchor\"")
            .count(),
        0
    );
    assert_eq!(html("##\n"), "<h2 id=\"section\"></h2>\n");
    let off = settings("heading_anchors = false");
    assert_eq!(
        rendered_with("# a", &off).unwrap().html,
        "<h1 id=\"a\">a</h1>\n"
    );
}

#[test]
fn the_table_of_contents_stands_where_it_is_asked_for() {
    for marker in ["[toc]", "[TOC]", "[[toc]]"] {
        let html = html(&format!("a\n\n{marker}\n\n# B\n\n## C\n"));
        assert!(
            html.contains(
                "<nav class=\"toc\" aria-label=\"Contents\">\n<ol>\n<li><a href=\"#b\">B</a>\n<ol>"
            ),
            "{html}"
        );
        assert!(
            !html.contains("skep:toc") && !html.contains("[toc]"),
            "{html}"
        );
    }
    assert!(!html("`[toc]` and [toc]").contains("<nav"));
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
            ("j.md", None, 73),
            ("K", Some("l-m"), 84),
        ]
    );
    assert_eq!(
        rendered.html,
        "<p><a href=\"{skep:l ../../pages/about.md?q#top pages/about.md}\" title=\"t\">a</a> \
         <a href=\"{skep:l #c _posts/trip/index.md}\">b</a> <a href=\"https://e/f.md\">d</a> \
         <a href=\"/h/\">g</a> <a href=\"{skep:l /j.md j.md}\">i</a> <a href=\"{skep:w #l-m K}\">n</a></p>\n"
    );
}

#[test]
fn images_but_the_first_are_lazy() {
    assert_eq!(
        html("![a *b* `c`](d.png \"t\") ![](/e.png) ![](https://f/g.png)\n"),
        "<p><img src=\"{skep:i d.png _posts/trip/d.png}\" alt=\"a b c\" title=\"t\" /> \
         <img src=\"{skep:i /e.png e.png}\" alt=\"\" loading=\"lazy\" decoding=\"async\" /> \
         <img src=\"https://f/g.png\" alt=\"\" loading=\"lazy\" decoding=\"async\" /></p>\n"
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
fn components_are_called() {
    let text = "# {{ <icon name=\"a\" /> }} T\n\nx {{<kbd/>}} y\n\n{% <note kind='tip'> %}\n*a* {% <b> %}c{% </b> %}\n\n- d\n{% </note> %}\n\n{{<end/>}}\n{{<end/>}}\nz";
    let rendered = rendered(text);
    let mark = |index| format!("<!--skep:call {index} _posts/trip/index.md-->");
    assert_eq!(
        rendered.html,
        format!(
            "<h1 id=\"t\">{} T</h1>\n<p>x {} y</p>\n{}\n{}\n{}\n<p>z</p>\n",
            mark(0),
            mark(1),
            mark(2),
            mark(4),
            mark(5)
        )
    );
    let calls = &rendered.calls;
    assert_eq!(calls[0].args, [("name".to_owned(), "a".into())]);
    let body = format!("\n<p><em>a</em> {}</p>\n<ul>\n<li>d</li>\n</ul>\n", mark(3));
    assert_eq!(calls[2].body_html.as_deref(), Some(body.as_str()));
    assert_eq!(calls[3].body_html.as_deref(), Some("c"));
    assert_eq!(calls[5].offset, text.rfind("{{").unwrap());
    let shown = html("\\{{<a b='c' />}} \\{% <d> %} `{{<e/>}}`\n");
    assert_eq!(
        shown,
        "<p>{{&lt;a b='c' /&gt;}} {% &lt;d&gt; %} <code>{{&lt;e/&gt;}}</code></p>\n"
    );
    let raw = html("<div>\n{{<a/>}} <i>{{<b/>}}</i>\n</div>\n");
    assert_eq!(
        raw,
        format!("<div>\n{} <i>{}</i>\n</div>\n", mark(0), mark(1))
    );
    let off = settings("components = false");
    assert_eq!(
        rendered_with("{{<a/>}}", &off).unwrap().html,
        "<p>{{<a/>}}</p>\n"
    );
}

#[test]
fn bodies_share_the_ids_and_references_of_the_text() {
    let text = "# A\n\n{% <x> %}\n# A\n\n[r] [^1]\n{% </x> %}\n\n[r]: https://r\n[^1]: f\n";
    let rendered = rendered(text);
    let body = rendered.calls[0].body_html.as_deref().unwrap();
    assert!(
        body.contains("<h1 id=\"a-1\">") && body.contains("href=\"https://r\""),
        "{body}"
    );
    assert!(
        body.contains("fnref") && rendered.html.contains("<section"),
        "{}",
        rendered.html
    );
}

#[test]
fn a_call_that_cannot_be_is_an_error_with_its_place() {
    for (text, offset, message) in [
        (
            "a\n\n{% <b> %}\nc {% </b> %}\n",
            15,
            "the two ends of <b> stand in different blocks",
        ),
        (
            "- {% <b> %}\n\nc\n\n{% </b> %}\n",
            2,
            "the two ends of <b> stand in different blocks",
        ),
        (
            "*a {% <b> %} c* {% </b> %}\n",
            3,
            "the two ends of <b> stand in different blocks",
        ),
        (
            "[a]({{<b/>}})\n",
            4,
            "a call of a component can't stand here",
        ),
        (
            "![{{<b/>}}](c)\n",
            2,
            "a call of a component can't stand here",
        ),
        (
            "a {{<b>}}\n",
            2,
            "the call of <b> in double braces has no slash at its end",
        ),
    ] {
        let errors = rendered_with(text, &Settings::default()).unwrap_err();
        assert_eq!(
            (errors[0].offset, errors[0].message.as_str()),
            (offset, message),
            "{text}"
        );
        assert!(errors.len() == 1 && errors[0].hint.is_some(), "{errors:?}");
    }
}

#[test]
fn the_excerpt_is_the_first_paragraph_that_says_something() {
    let text = "# T\n\n![](a.png)\n\n> q\n\nOne *two*.[^1]\n\nThree.\n\n[^1]: Note";
    assert_eq!(rendered(text).excerpt, "<p>One <em>two</em>.</p>\n");
    assert_eq!(rendered("# only a heading").excerpt, "");
    let call = rendered("{% <a> %}\nb\n{% </a> %}\n\nc\n");
    assert_eq!(call.excerpt, "<p>c</p>\n");
}

#[test]
fn the_marker_ends_the_excerpt_wherever_it_stands() {
    for (text, expected) in [
        (
            "One.[^1]\n\n## H `x`[^1]\n\n## I\n\nTwo.\n\n<!--more-->\n\nThree.\n\n[^1]: n",
            "<p>One.</p>\n<h2>H <code>x</code></h2>\n<h2>I</h2>\n<p>Two.</p>\n",
        ),
        ("One <!--more--> two.", "<p>One </p>\n"),
        (
            "> - **One <!--more--> two.**",
            "<blockquote>\n<ul>\n<li><strong>One </strong></li>\n</ul>\n</blockquote>\n",
        ),
        (
            "One.\n\n{% <a> %}\n- b <!--more-->\n{% </a> %}\n",
            "<p>One.</p>\n",
        ),
        // In a code block the marker is only text.
        ("One.\n\n```\n<!--more-->\n```\n", "<p>One.</p>\n"),
    ] {
        assert_eq!(rendered(text).excerpt, expected, "{text}");
    }
}

#[test]
fn counts_words() {
    assert_eq!(rendered("One two, `three` — *four*.").words, 4);
    assert_eq!(rendered("```\na b\n```\n\n    c\n\nhttps://d.e f").words, 5);
}

#[test]
fn hostile_texts_take_no_longer() {
    // Each of these takes minutes if a byte of it is looked at for each other byte.
    let n = 20_000;
    for text in [
        "# x\n".repeat(n),
        "[[".repeat(n),
        "[[a]] ".repeat(n),
        "{{<a/>}} ".repeat(n),
        "{% <a> %}{% </a> %}".repeat(n),
        "{{< ".repeat(n),
        "{#a ".repeat(n),
        "\n\n> ".repeat(n),
        ">".repeat(n),
        "https://a.b/".repeat(n),
        "https://a.b/( ".repeat(n),
        "a@".repeat(n),
        "*a **b ".repeat(n),
        "[^a] ".repeat(n) + "\n\n[^a]: b",
        "[a](b.md) ".repeat(n),
        "![](b.png) ".repeat(n),
        "<b>".repeat(n),
        "$a$ ".repeat(n),
        "x^2 ".repeat(n),
        "~a ".repeat(n),
        format!("# {}", "a *b* ".repeat(n)),
        format!("<!--more-->{}", "# a[^1]\n\n".repeat(n)),
    ] {
        let _ = rendered_with(&text, &Settings::default());
    }
}

proptest! {
    #[test]
    fn any_text_becomes_html(
        text in "([a-z*_~^`#>|:.@!\\[\\]()<{}%/$&;\"' \n\t-]|\\[\\^a\\]|\\{\\{<a/>\\}\\}|\\{% </?b> %\\}|https://a\\.b|<!--more-->|\\[toc\\]|é){0,60}"
    ) {
        for settings in [settings(""), settings("raw_html = 'drop'"), settings("flavour = 'commonmark'")] {
            let first = rendered_with(&text, &settings);
            prop_assert_eq!(&rendered_with(&text, &settings), &first);
            let Ok(rendered) = first else {
                continue;
            };
            for note in &rendered.notes {
                prop_assert!(text.is_char_boundary(note.offset));
            }
            for link in &rendered.links {
                prop_assert!(text.is_char_boundary(link.offset));
            }
            if settings.raw_html == settings::RawHtml::Drop {
                // With no HTML of the author's own, every element that begins ends.
                for name in ["p", "a", "em", "strong", "del", "sup", "sub", "ul", "ol", "li", "div", "h1", "section", "table", "td", "dl", "blockquote"] {
                    let open = rendered.html.matches(&format!("<{name}>")).count()
                        + rendered.html.matches(&format!("<{name} ")).count();
                    let close = rendered.html.matches(&format!("</{name}>")).count();
                    prop_assert_eq!(open, close, "{} in {}", name, rendered.html);
                }
            }
        }
    }
}
