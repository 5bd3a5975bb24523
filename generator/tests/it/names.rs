//! Names of files on their way into URLs and pages.

use skep_generator::{ErrorKind, LoadOptions, load};

use crate::support::{TestSite, published, site, text};

/// A name with everything that means something in a URL, in HTML or to a shell.
const ODD: &str = "it's 50% [a]|b?#1&{c};.png";
/// Its URL.
const ODD_URL: &str = "it's%2050%25%20%5Ba%5D%7Cb%3F%231&%7Bc%7D;.png";

fn odd_in_html() -> String {
    ODD_URL.replace('&', "&amp;").replace('\'', "&#x27;")
}

fn notes(site: &TestSite) -> Vec<String> {
    let loaded = site.load();
    loaded.notes().iter().map(ToString::to_string).collect()
}

#[test]
fn links_to_odd_names_lead_to_their_files() {
    let url = ODD_URL.replace('(', "%28");
    let page = format!("---\ntitle: A\n---\n![]({url}) [x](/{url}) ![](<{ODD}>)\n");
    let site = site(&[("a.md", &page), (ODD, "x")]);
    let html = site.render("a/index.html");
    let expected = format!("\"../{}\"", odd_in_html());
    assert_eq!(html.matches(&expected).count(), 3, "{html}");
    assert!(notes(&site).is_empty(), "{:?}", notes(&site));
}

#[test]
fn templates_feeds_and_sitemaps_have_the_urls_of_odd_names() {
    let site = site(&[
        (
            "skep.toml",
            "url = 'https://h'\nfeed.formats = ['atom', 'rss', 'json']\n",
        ),
        (
            "_layouts/page.html",
            "{{ page.image | absolute_url }}|{{ page.image | asset_url }}|\
             <img srcset=\"{{ page.image | relative_url }} 2x, /b.png\">",
        ),
        (
            "a.md",
            &format!("---\nimage: \"{ODD}\"\npermalink: /C# & co/\n---\n"),
        ),
        (
            "_posts/2026-01-02-p.md",
            &format!("---\npermalink: \"/100% #1/\"\n---\n![](</{ODD}>)\n"),
        ),
        (ODD, "x"),
    ]);
    let loaded = load(
        site.dir(),
        &LoadOptions {
            fingerprint: false,
            ..published()
        },
    )
    .unwrap();
    let page = text(&loaded, "C# & co/index.html");
    let odd = odd_in_html();
    let escaped = ODD_URL.replace('&', "&amp;").replace('\'', "&#39;");
    assert!(
        page.contains(&format!("https://h/{escaped}|/{escaped}|")),
        "{page}"
    );
    assert!(
        page.contains(&format!("srcset=\"../{escaped} 2x, ../b.png\"")),
        "{page}"
    );
    let sitemap = text(&loaded, "sitemap.xml");
    assert!(
        sitemap.contains("<loc>https://h/C%23%20&amp;%20co/</loc>"),
        "{sitemap}"
    );
    for (feed, escape) in [("feed.xml", true), ("rss.xml", true), ("feed.json", false)] {
        let feed = text(&loaded, feed);
        assert!(feed.contains("https://h/100%25%20%231/"), "{feed}");
        let shown = match escape {
            true => odd.replace('&', "&amp;"),
            false => odd.clone(),
        };
        assert!(feed.contains(&format!("https://h/{shown}")), "{feed}");
    }
}

#[test]
fn a_wiki_link_may_hold_a_number_sign() {
    let site = site(&[
        (
            "a.md",
            "---\ntitle: A\n---\n[[C# in depth]] [[C# in depth#B c]]\n",
        ),
        ("b.md", "---\ntitle: C# in depth\n---\n# B c\n"),
    ]);
    let html = site.render("a/index.html");
    assert!(
        html.contains("<a href=\"../b/\">") && html.contains("<a href=\"../b/#b-c\">"),
        "{html}"
    );
}

#[test]
fn decomposed_names_are_composed_in_paths_and_in_what_refers_to_them() {
    // As macOS makes them; what is written refers to them in either way.
    let site = site(&[
        ("skep.toml", "exclude = ['n\u{f6}']\n"),
        (
            "u\u{308}ber.md",
            "---\ntitle: U\u{308}ber\nlayout: u\u{308}\nimage: e\u{301}.png\n---\n\
             ![](e\u{301}.png) ![](\u{e9}.png) [x](/e%CC%81.png) <img src=\"/e\u{301}.png\">\n",
        ),
        (
            "_layouts/u\u{308}.html",
            "[{{ page.image | relative_url }}]{{ content }}",
        ),
        (
            "a.md",
            "---\ntitle: A\n---\n[x](u\u{308}ber.md) [[\u{fc}ber]] [[U\u{308}ber]]\n",
        ),
        ("e\u{301}.png", "x"),
        ("no\u{308}/secret.txt", "x"),
    ]);
    let loaded = site.load();
    let paths: Vec<&str> = loaded.paths().collect();
    assert!(
        paths.contains(&"\u{e9}.png") && paths.contains(&"\u{fc}ber/index.html"),
        "{paths:?}"
    );
    assert!(
        paths.iter().all(|path| !path.contains("secret")),
        "{paths:?}"
    );
    assert!(loaded.sources().contains(&"\u{fc}ber.md".to_owned()));
    let html = text(&loaded, "\u{fc}ber/index.html");
    assert!(html.starts_with("[/\u{e9}.png]"), "{html}");
    let images = html.matches("../%C3%A9.png").count() + html.matches("\"../\u{e9}.png\"").count();
    assert_eq!(images, 4, "{html}");
    let links = text(&loaded, "a/index.html");
    assert_eq!(links.matches("\"../%C3%BCber/\"").count(), 3, "{links}");
    assert!(loaded.notes().is_empty(), "{:?}", loaded.notes());
}

#[test]
fn an_error_in_a_decomposed_source_shows_its_line() {
    let site = site(&[("u\u{308}.md", "---\ntitle: A\n---\n\n[x](gone.md)\n")]);
    let error = site.error();
    let place = error.place.unwrap();
    assert_eq!((place.file.as_str(), place.line), ("\u{fc}.md", Some(5)));
}

#[test]
fn two_files_of_one_composed_name_are_told() {
    let site = site(&[("e\u{301}.png", "x"), ("\u{e9}.png", "y")]);
    let error = site.error();
    assert_eq!(error.kind, ErrorKind::Path);
    assert!(error.message.contains("Unicode"), "{error}");
}

#[test]
fn old_urls_stay_as_they_are_written() {
    let site = site(&[(
        "a.md",
        "---\ntitle: A\naliases: [/wiki/Some Page/, /caf%C3%A9/, /index.php, '/x#', /b.html]\n---\n",
    )]);
    assert!(
        site.error().message.contains("no fragment"),
        "{}",
        site.error()
    );
    site.write(
        "a.md",
        "---\ntitle: A\naliases: [/wiki/Some Page/, /caf%C3%A9/, /index.php, /x%23/, /b.html]\n---\n",
    );
    site.write(
        "b.md",
        "---\ntitle: B\nredirect_from: /Old Page/ /older/\n---\n",
    );
    let loaded = site.load();
    for (path, url) in [
        ("wiki/Some Page/index.html", "../../a/"),
        ("caf\u{e9}/index.html", "../a/"),
        ("index.php/index.html", "../a/"),
        ("x#/index.html", "../a/"),
        ("b.html", "a/"),
        ("Old Page/index.html", "../b/"),
        ("older/index.html", "../b/"),
    ] {
        let html = text(&loaded, path);
        assert!(
            html.contains(&format!("content=\"0; url={url}\"")),
            "{path}: {html}"
        );
    }
}

#[test]
fn an_old_url_that_no_file_answers_is_told_with_its_place() {
    for alias in [
        "/a/../b/",
        "/a%2F..%2Fb/",
        "/a%00/",
        "/a:b/",
        "/a%5Cb/",
        "/x?id=1",
        "https://h/x",
        "//h/x",
    ] {
        let site = site(&[(
            "a.md",
            &format!("---\ntitle: A\naliases: [\"{alias}\"]\n---\n"),
        )]);
        let error = site.error();
        assert_eq!(
            error.place.as_ref().map(|place| place.line),
            Some(Some(3)),
            "{error}"
        );
        assert!(error.message.contains("can't be an old URL"), "{error}");
    }
}

#[test]
fn links_to_folders_lead_to_their_pages() {
    let site = site(&[
        (
            "a.md",
            "---\ntitle: A\n---\n[g](guide/) [h](guide) [i](./) [j](/guide/) [s](guide/#top) [b](b/) [c](guide/deep/)\n",
        ),
        ("index.md", "---\ntitle: Home\n---\n"),
        (
            "guide/index.md",
            "---\ntitle: G\n---\n[up](../) [b](../b)\n\n# Top\n",
        ),
        ("guide/deep/index.html", "---\ntitle: D\n---\n"),
        ("b.md", "---\ntitle: B\n---\n"),
    ]);
    let html = site.render("a/index.html");
    for (name, url) in [
        ("g", "../guide/"),
        ("h", "../guide/"),
        ("i", "../"),
        ("j", "../guide/"),
        ("s", "../guide/#top"),
        ("b", "../b/"),
        ("c", "../guide/deep/"),
    ] {
        assert!(
            html.contains(&format!("<a href=\"{url}\">{name}</a>")),
            "{name}: {html}"
        );
    }
    let html = site.render("guide/index.html");
    assert!(
        html.contains("<a href=\"../\">up</a> <a href=\"../b/\">b</a>"),
        "{html}"
    );
    assert!(notes(&site).is_empty(), "{:?}", notes(&site));
}

#[test]
fn links_to_nothing_are_errors_for_files_and_notes_for_folders() {
    for (link, name) in [
        ("![x](gone.png)", "gone.png"),
        ("[x](gone.pdf)", "gone.pdf"),
        ("![x](img/gone.png#a)", "img/gone.png"),
        ("[x](gone.md)", "gone.md"),
    ] {
        let site = site(&[("a.md", &format!("---\ntitle: A\n---\n\n{link}\n"))]);
        let error = site.error();
        assert_eq!(error.kind, ErrorKind::Link, "{error}");
        assert!(error.message.contains(&format!("'{name}'")), "{error}");
        assert_eq!(error.place.map(|place| place.line), Some(Some(5)));
    }
    for link in [
        "[x](nothing/)",
        "[x](/nothing/)",
        "[x](/gone.pdf)",
        "![x](/gone.png)",
        "[x](../up/)",
    ] {
        let site = site(&[("a.md", &format!("---\ntitle: A\n---\n\n{link}\n"))]);
        let notes = notes(&site);
        assert_eq!(notes.len(), 1, "{link}: {notes:?}");
        assert!(notes[0].contains("a.md"), "{notes:?}");
    }
}

#[test]
fn a_link_that_a_browser_finds_is_no_link_to_nothing() {
    let site = site(&[
        (
            "_posts/2026-01-02-a.md",
            "[x](../../../../b/) ![](../../../../c.png) [y](#z) [m](mailto:a@b) [t](?q)\n\n# z\n",
        ),
        (
            "b.md",
            "---\ntitle: B\n---\n[f](/assets/c.css) [p](2026/01/02/a/)\n",
        ),
        ("c.png", "x"),
        ("assets/c.scss", "a { b: c }\n"),
    ]);
    assert!(notes(&site).is_empty(), "{:?}", notes(&site));
}

#[test]
fn raw_html_in_feeds_has_absolute_urls() {
    let site = site(&[
        (
            "skep.toml",
            "url = 'https://h/blog'\nfeed.formats = ['atom', 'rss', 'json']\n",
        ),
        (
            "_posts/2026-01-02-w/index.md",
            "---\ntitle: W\n---\n<img src=p.png srcset=\"p.png 1x, /q.png 2x\"> <a href='rel/'>y</a> \
             <video poster=\"../x.png\"></video> <a href=\"#n\">n</a> ![](p.png)\n",
        ),
        ("_posts/2026-01-02-w/p.png", "x"),
    ]);
    let loaded = site.load();
    for feed in ["feed.xml", "rss.xml", "feed.json"] {
        let feed = text(&loaded, feed);
        let of = "https://h/blog/2026/01/02";
        for url in [
            format!("{of}/w/p.png 1x, https://h/blog/q.png 2x"),
            format!("{of}/w/rel/"),
            format!("{of}/x.png"),
            format!("{of}/w/#n"),
            format!("{of}/w/p.png"),
        ] {
            assert!(feed.contains(&url), "{url} in {feed}");
        }
        assert!(!feed.contains("src=p.png"), "{feed}");
    }
}

#[test]
fn the_page_for_missing_paths_links_below_the_base_url_where_that_is_its_place() {
    let site = site(&[
        ("skep.toml", "url = 'https://h/blog/'\n"),
        (
            "404.html",
            "---\nlayout: none\n---\n<a href=\"/\"><img src=\"/a.png\">",
        ),
        ("a.png", "x"),
    ]);
    assert_eq!(
        site.render("404.html"),
        "<a href=\"/\"><img src=\"/a.png\">"
    );
    let options = LoadOptions {
        below_base_url: true,
        ..published()
    };
    let built = load(site.dir(), &options).unwrap();
    assert_eq!(
        text(&built, "404.html"),
        "<a href=\"/blog/\"><img src=\"/blog/a.png\">"
    );
    let elsewhere = LoadOptions {
        base_url: Some("https://h".to_owned()),
        ..options
    };
    let built = load(site.dir(), &elsewhere).unwrap();
    assert_eq!(
        text(&built, "404.html"),
        "<a href=\"/\"><img src=\"/a.png\">"
    );
}
