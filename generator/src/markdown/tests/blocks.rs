use super::*;

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
        "<ul>\n<li class=\"task\"><input type=\"checkbox\" disabled checked aria-label=\"done\"> a</li>\n\
         <li class=\"task\"><input type=\"checkbox\" disabled aria-label=\"to do\"> b</li>\n</ul>\n"
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
        template_ids: &NO_IDS,
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
    let twice = rendered("[toc]\n\n# a\n\n[toc]\n");
    assert_eq!(twice.html.matches("<nav").count(), 1);
    assert_eq!(twice.notes[0].offset, 12);
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
fn a_definition_begins_with_a_colon_and_a_space() {
    for (text, expected) in [
        ("Thanks\n:)", "<p>Thanks\n:)</p>\n"),
        ("a\n:", "<p>a\n:</p>\n"),
        ("a\n:b\n:c d", "<p>a\n:b\n:c d</p>\n"),
        ("a\n\n:b", "<p>a</p>\n<p>:b</p>\n"),
        ("> a\n> :b", "<blockquote>\n<p>a\n:b</p>\n</blockquote>\n"),
        ("- a\n  :b", "<ul>\n<li>a\n:b</li>\n</ul>\n"),
        (
            "a\n:**b** `c`",
            "<p>a\n:<strong>b</strong> <code>c</code></p>\n",
        ),
        ("a\n:$b$", "<p>a\n:<math><mi>b</mi></math></p>\n"),
        (
            "a\n: b\n\nc\n:d",
            "<dl>\n<dt>a</dt>\n<dd>b</dd>\n</dl>\n<p>c\n:d</p>\n",
        ),
        ("a\n:\tb", "<dl>\n<dt>a</dt>\n<dd>b</dd>\n</dl>\n"),
    ] {
        assert_eq!(html(text), expected, "{text}");
    }
    assert!(html("a | b\n:-- | --:\n1 | 2").contains("<table>"));
    assert!(html("a\n:b\n\n```\nc\n:d\n```\n").contains("c\n:d\n</code>"));
}

#[test]
fn braces_that_are_no_attributes_belong_to_the_heading() {
    for (text, id, words) in [
        ("# The set {1, 2}", "the-set-1-2", "The set {1, 2}"),
        ("# a {b}", "a-b", "a {b}"),
        ("a {}\n===", "a-", "a {}"),
        ("# a {b=c}", "a-bc", "a {b=c}"),
    ] {
        let html = html(text);
        assert!(
            html.starts_with(&format!(
                "<h1 id=\"{id}\"><a class=\"anchor\" href=\"#{id}\">{words}</a>"
            )),
            "{html}"
        );
    }
}

#[test]
fn no_heading_has_an_id_of_html_or_of_a_template() {
    let text =
        "# a\n\n# a {#a}\n\n<i id=a></i>\n\n# main\n\n# b {#main}\n\n<a name='c'></a>\n\n# c\n";
    let settings = Settings::default();
    let template_ids = BTreeSet::from(["main".to_owned()]);
    let context = Context {
        path: "a.md",
        settings: &settings,
        template_ids: &template_ids,
        write_code: &plain_code,
    };
    let rendered = render(text, &context).unwrap();
    let ids: Vec<&str> = rendered.toc.iter().map(|heading| &*heading.id).collect();
    assert_eq!(ids, ["a-1", "a-2", "main-1", "main-2", "c-1"]);
    let notes: Vec<&str> = rendered.notes.iter().map(|note| &*note.message).collect();
    assert!(
        notes
            .iter()
            .any(|note| note.contains("a template of the site")),
        "{notes:?}"
    );
}

#[test]
fn headings_and_links_to_them_keep_marks() {
    let rendered = rendered("# தமிழ் மொழி\n\n[[#தமிழ் மொழி]] [a](#தமிழ்-மொழி)\n");
    assert_eq!(rendered.toc[0].id, "தமிழ்-மொழி");
    for link in &rendered.links {
        assert_eq!(link.fragment.as_deref(), Some("தமிழ்-மொழி"));
    }
}
