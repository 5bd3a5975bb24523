//! Markdown within a site: links to other sources, images, components, headings.

use skep_generator::{load, render};

use crate::support::{published, site, text};

/// A PNG of 3 by 2 pixels, as far as its head.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0";

#[test]
fn links_to_sources_become_urls_wherever_the_text_stands() {
    let site = site(&[
        ("skep.toml", "title = 'T'\nurl = 'https://h'\n"),
        (
            "_layouts/home.html",
            "{% for p in site.posts %}{{ p.content | safe }}{% endfor %}",
        ),
        (
            "_posts/2026-01-02-a.md",
            "[about](../about.md#who) [file](/files/x%20y.txt) [self](#h) [[The Other]] [[b|words]]\n\n## H\n",
        ),
        (
            "_posts/2026-01-03-b.md",
            "---\ntitle: The other\n---\n[a](2026-01-02-a.md)\n",
        ),
        ("about.md", "---\n---\n# Who\n"),
        ("files/x y.txt", "x"),
        (
            "index.json",
            "---\nlayout: none\n---\n{{ site.posts[1].content | jsonify }}",
        ),
        (
            "out.xml",
            "---\nlayout: none\n---\n{{ site.posts[1].content | xml_escape }}",
        ),
    ]);
    let loaded = site.load();
    let page = text(&loaded, "2026/01/02/a/index.html");
    for link in [
        "<a href=\"../../../../about/#who\">",
        "<a href=\"../../../../files/x%20y.txt\">",
        "<a href=\"#h\">self",
        "<a href=\"../../../../2026/01/03/b/\">The Other</a>",
        "<a href=\"../../../../2026/01/03/b/\">words</a>",
    ] {
        assert!(page.contains(link), "{link}: {page}");
    }
    let home = text(&loaded, "index.html");
    assert!(home.contains("<a href=\"about/#who\">"), "{home}");
    assert!(home.contains("<a href=\"2026/01/02/a/#h\">"), "{home}");
    let feed = text(&loaded, "feed.xml");
    assert!(
        feed.contains("href=&quot;https://h/about/#who&quot;"),
        "{feed}"
    );
    assert!(text(&loaded, "index.json").contains("href=\\\"/about/#who\\\""));
    assert!(text(&loaded, "out.xml").contains("href=&quot;/about/#who&quot;"));
    for path in loaded.paths() {
        assert!(!text(&loaded, path).contains("{skep:"), "{path}");
    }
}

#[test]
fn a_link_that_leads_nowhere_is_an_error_with_its_place() {
    let site = site(&[
        (
            "_posts/2026-01-02-a.md",
            "---\ntitle: A\n---\n\nSee [b](2026-01-03-bb.md) and\n[[Nowher]] and [d](../_drafts/d.md).\n",
        ),
        ("_posts/2026-01-03-b.md", "---\ntitle: Nowhere\n---\n"),
        ("_drafts/d.md", ""),
    ]);
    let error = site.error().to_string();
    for says in [
        "_posts/2026-01-02-a.md:5:5: there is no '_posts/2026-01-03-bb.md' to link to",
        "hint: did you mean '/_posts/2026-01-03-b.md'?",
        "_posts/2026-01-02-a.md:6:1: no page is called 'Nowher'",
        "hint: did you mean [[Nowhere]]?",
        "_posts/2026-01-02-a.md:6:16: '../_drafts/d.md' is not part of the site as it is built now",
    ] {
        assert!(error.contains(says), "{says}: {error}");
    }
}

#[test]
fn a_heading_that_is_not_there_is_a_note() {
    let site = site(&[
        (
            "a.md",
            "---\n---\n[b](b.md#one) [b](b.md#onee)\n\n```nolanguage\n```\n",
        ),
        ("b.md", "---\n---\n# One\n"),
    ]);
    let loaded = site.load();
    let notes: Vec<String> = loaded.notes().iter().map(ToString::to_string).collect();
    assert!(
        notes.iter().any(
            |note| note.starts_with("a.md:3:15: b.md has no heading '#onee'")
                && note.contains("'#one'")
        ),
        "{notes:?}"
    );
    assert!(
        notes.iter().any(|note| note.starts_with("a.md:5:")),
        "{notes:?}"
    );
}

#[test]
fn images_are_told_their_size() {
    let site = site(&[
        (
            "_posts/2026-01-02-trip/index.md",
            "![](a.png)\n\n![](/assets/b.png)\n\n![](https://h/c.png)\n",
        ),
        ("about.md", "---\n---\n![](assets/b.png)\n"),
    ]);
    for path in ["_posts/2026-01-02-trip/a.png", "assets/b.png"] {
        site.write(path, "");
        std::fs::write(site.path(path), PNG).unwrap();
    }
    let loaded = site.load();
    let page = text(&loaded, "2026/01/02/trip/index.html");
    assert!(
        page.contains("src=\"../../../../2026/01/02/trip/a.png\" width=\"3\" height=\"2\""),
        "{page}"
    );
    assert!(
        page.contains("src=\"../../../../assets/b.png\" width=\"3\" height=\"2\""),
        "{page}"
    );
    assert!(page.contains("src=\"https://h/c.png\" alt"), "{page}");
    assert!(text(&loaded, "about/index.html").contains("src=\"../assets/b.png\" width=\"3\""));
}

#[test]
fn components_are_called_from_markdown() {
    let site = site(&[
        ("skep.toml", "title = 'T'\nurl = 'https://h'\n"),
        (
            "_includes/parts.html",
            "{% component note(kind: String = 'info') %}<aside class=\"{{ kind }}\">{{ body }}</aside>{% endcomponent %}\
             {% component latest(@site) %}<ul>{% for p in site.posts %}<li>{{ p.title }}{% endfor %}</ul>{% endcomponent %}\
             {% component image(src: String) %}<img src=\"{{ src }}\">{% endcomponent %}",
        ),
        (
            "_posts/2026-01-02-a.md",
            "---\ntitle: A\n---\nFirst.\n\n{% <note kind=\"tip\"> %}\nSee *[b](/b.md)*.\n{% </note> %}\n\n\
             {{ <latest /> }}\n\n{{ <image src=\"/x.png\" /> }} and `{{ <image /> }}`\n",
        ),
        ("b.md", "---\n---\n"),
    ]);
    let loaded = site.load();
    let page = text(&loaded, "2026/01/02/a/index.html");
    assert!(
        page.contains(
            "<aside class=\"tip\">\n<p>See <em><a href=\"../../../../b/\">b</a></em>.</p>\n</aside>"
        ),
        "{page}"
    );
    assert!(page.contains("<ul><li>A</ul>"), "{page}");
    assert!(
        page.contains("<img src=\"../../../../x.png\"> and <code>{{ &lt;image /&gt; }}</code>"),
        "{page}"
    );
    let feed = text(&loaded, "feed.xml");
    assert!(
        feed.contains("&lt;img src=&quot;https://h/x.png&quot;&gt;"),
        "{feed}"
    );

    site.write(
        "_posts/2026-01-02-a.md",
        "---\ntitle: A\n---\nFirst.\n\n{{ <imge src=\"x\" /> }}\n",
    );
    let error = render(
        &load(site.dir(), &published()).unwrap(),
        "2026/01/02/a/index.html",
    )
    .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("_posts/2026-01-02-a.md:6:1: there is no component 'imge'"),
        "{error}"
    );
    assert!(
        error.to_string().contains("did you mean 'image'?"),
        "{error}"
    );
}

#[test]
fn templates_may_list_the_headings() {
    let site = site(&[
        (
            "_layouts/page.html",
            "{% for h in page.toc %}{{ h.level }}#{{ h.id }}:{{ h.title }} {% endfor %}",
        ),
        ("a.md", "---\n---\n# One *two*\n\n## Three\n"),
    ]);
    assert_eq!(
        site.render("a/index.html"),
        "1#one-two:One two 2#three:Three "
    );
}

#[test]
fn the_settings_say_which_markdown_it_is() {
    let site = site(&[
        (
            "skep.toml",
            "[markdown]\nflavour = 'commonmark'\nraw_html = 'escape'\n",
        ),
        ("_layouts/page.html", "{{ content | safe }}"),
        ("a.md", "---\n---\n~~x~~ <b>\n"),
    ]);
    assert_eq!(site.render("a/index.html"), "<p>~~x~~ &lt;b&gt;</p>\n");
    site.write("skep.toml", "[markdown]\nflavor = 'skep'\n");
    let error = site.error();
    assert_eq!(error.place.unwrap().line, Some(2));
}
