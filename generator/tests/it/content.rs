//! What becomes of posts, pages and files.

use skep_generator::{LoadOptions, load};

use crate::support::{published, site, text};

fn has(site: &skep_generator::Site, path: &str) -> bool {
    site.paths().any(|found| found == path)
}

#[test]
fn a_post_is_rendered_in_its_layouts() {
    let site = site(&[(
        "_posts/2026-01-02-a-b.md",
        "---\ntitle: Hi & bye\n---\n*x* {{ not_a_template }}\n",
    )]);
    assert_eq!(
        site.render("2026/01/02/a-b/index.html"),
        "[Hi &amp; bye]<post><p><em>x</em> {{ not_a_template }}</p>\n</post>"
    );
}

#[test]
fn pages_are_templates_unless_they_are_markdown() {
    let site = site(&[
        ("about.md", "---\ntitle: A\n---\n# B\n"),
        (
            "data.json",
            "---\n---\n{\"posts\": {{ site.posts | length }}, \"s\": \"{{ '<' }}\"}",
        ),
        (
            "plain.html",
            "---\nlayout: none\n---\n<p>{{ site.title }}</p>",
        ),
        ("whole.html", "---\n---\n<!DOCTYPE html><title>w</title>"),
        ("copied.txt", "no front matter {{ x }}"),
        ("table.yml", "---\nnever: ends\n"),
        ("_posts/2026-01-01-p.html", "---\n---\n<p>{{ raw }}</p>"),
    ]);
    let loaded = site.load();
    assert_eq!(
        text(&loaded, "about/index.html"),
        "[A]<h1 id=\"b\"><a class=\"anchor\" href=\"#b\">B</a></h1>\n"
    );
    assert_eq!(text(&loaded, "data.json"), "{\"posts\": 1, \"s\": \"<\"}");
    assert_eq!(text(&loaded, "plain/index.html"), "<p>T</p>");
    assert_eq!(
        text(&loaded, "whole/index.html"),
        "<!DOCTYPE html><title>w</title>"
    );
    assert_eq!(text(&loaded, "copied.txt"), "no front matter {{ x }}");
    assert_eq!(text(&loaded, "table.yml"), "---\nnever: ends\n");
    assert!(text(&loaded, "2026/01/01/p/index.html").contains("<p>{{ raw }}</p>"));
    assert_eq!(loaded.source_of("about/index.html"), Some("about.md"));
    assert_eq!(loaded.source_of("copied.txt"), Some("copied.txt"));
    assert_eq!(loaded.source_of("no-such"), None);
}

#[test]
fn some_names_are_no_output() {
    let site = site(&[
        (".env", "SECRET"),
        ("_private/x.txt", "x"),
        ("a.md~", "x"),
        ("#a.md#", "x"),
        ("notes/x.txt", "x"),
        ("deep/x.psd", "x"),
        (".well-known/security.txt", "x"),
        (
            "skep.toml",
            "title = 'T'\nexclude = ['notes', '**/*.psd']\n",
        ),
    ]);
    let paths: Vec<String> = site.load().paths().map(str::to_owned).collect();
    assert!(paths.contains(&".well-known/security.txt".to_owned()));
    for part in ["env", "private", "~", "#", "notes", "psd", "skep.toml"] {
        assert!(
            !paths.iter().any(|path| path.contains(part)),
            "{part}: {paths:?}"
        );
    }
}

#[test]
fn a_draft_without_a_date_is_the_newest_of_its_day() {
    let site = site(&[
        ("_posts/2026-06-15-zoo.md", ""),
        (
            "_posts/2026-06-15-welcome.md",
            "---\ndate: 2026-06-15 09:00\n---\n",
        ),
        ("_posts/2026-06-16-tomorrow.md", ""),
        ("_drafts/idea.md", ""),
        // A date that is written counts as it is.
        ("_drafts/old.md", "---\ndate: 2026-06-14\n---\n"),
        (
            "list.html",
            "---\nlayout: none\n---\n{% for p in site.posts %}{{ p.slug }} {% endfor %}",
        ),
    ]);
    let options = LoadOptions {
        drafts: true,
        future: true,
        ..published()
    };
    let site = load(site.dir(), &options).unwrap();
    assert_eq!(
        text(&site, "list/index.html"),
        "tomorrow idea welcome zoo old "
    );
}

#[test]
fn drafts_the_future_and_the_unpublished_are_asked_for() {
    let site = site(&[
        ("_posts/2026-06-15-now.md", ""),
        ("_posts/2026-06-16-later.md", ""),
        (
            "_posts/2026-01-01-hidden.md",
            "---\npublished: false\n---\n",
        ),
        ("_posts/2026-01-01-marked.md", "---\ndraft: true\n---\n"),
        ("_drafts/idea.md", ""),
        ("page.md", "---\ndraft: true\n---\n"),
    ]);
    let later = "2026/06/16/later/index.html";
    let hidden = "2026/01/01/hidden/index.html";
    let marked = "2026/01/01/marked/index.html";
    let idea = "2026/06/15/idea/index.html";
    let all = [later, hidden, marked, idea, "page/index.html"];
    let visible = |options: &LoadOptions| {
        let site = load(site.dir(), options).unwrap();
        assert!(has(&site, "2026/06/15/now/index.html"));
        all.into_iter()
            .filter(|path| has(&site, path))
            .collect::<Vec<_>>()
    };
    assert_eq!(visible(&published()), [""; 0]);
    assert_eq!(
        visible(&LoadOptions {
            future: true,
            ..published()
        }),
        [later]
    );
    assert_eq!(
        visible(&LoadOptions {
            unpublished: true,
            ..published()
        }),
        [hidden]
    );
    let drafts = LoadOptions {
        drafts: true,
        ..published()
    };
    assert_eq!(visible(&drafts), [marked, idea, "page/index.html"]);
}

#[test]
fn a_post_is_of_the_future_in_the_time_zone_of_the_site() {
    // It is 2026-06-16 02:00 there when it is noon of the 15th in UTC.
    let zone = "timezone = 'Pacific/Kiritimati'\n";
    let site = site(&[
        ("skep.toml", zone),
        ("_posts/2026-06-16-a.md", ""),
        (
            "_posts/2026-06-16-b.md",
            "---\ndate: 2026-06-16 02:00:01\n---\n",
        ),
    ]);
    let loaded = site.load();
    assert!(has(&loaded, "2026/06/16/a/index.html"));
    assert!(!has(&loaded, "2026/06/16/b/index.html"));
}

#[test]
fn permalinks_of_the_site_and_of_a_file() {
    let site = site(&[
        ("skep.toml", "permalink = 'date'\n"),
        ("_posts/2026-01-02-a.md", "---\ncategories: x y\n---\n"),
        (
            "_posts/2026-01-03-b.md",
            "---\npermalink: /own/:title/\n---\n",
        ),
        ("about.md", "---\n---\n"),
        ("c.md", "---\npermalink: /d\n---\n"),
    ]);
    let loaded = site.load();
    for path in [
        "x/y/2026/01/02/a.html",
        "own/b/index.html",
        "about.html",
        "d/index.html",
    ] {
        assert!(has(&loaded, path), "{path}");
    }
}

#[test]
fn links_work_wherever_the_site_is_mounted() {
    let site = site(&[
        (
            "_posts/2026-01-02-a.md",
            "[home](/) [b](/b/?q#f) [ext](//h/x) ![](/i.png) `href=\"/x\"`\n",
        ),
        ("index.md", "---\n---\n[p](/2026/01/02/a/) [h](/)\n"),
        ("404.html", "---\nlayout: none\n---\n<a href=\"/\">home</a>"),
    ]);
    let loaded = site.load();
    let post = text(&loaded, "2026/01/02/a/index.html");
    for link in [
        "href=\"../../../../\"",
        "href=\"../../../../b/?q#f\"",
        "href=\"//h/x\"",
        "src=\"../../../../i.png\"",
        "href=&quot;/x&quot;",
    ] {
        // Quotes need no escape in text.
        assert!(
            post.contains(link) || post.contains(&link.replace("&quot;", "\"")),
            "{link}: {post}"
        );
    }
    let home = text(&loaded, "index.html");
    assert!(
        home.contains("href=\"2026/01/02/a/\"") && home.contains("href=\"./\""),
        "{home}"
    );
    assert_eq!(text(&loaded, "404.html"), "<a href=\"/\">home</a>");
}

#[test]
fn tags_archive_and_home_are_made_of_layouts() {
    let names = "{% for p in page.tag.posts %}{{ p.title }},{% endfor %}";
    let site = site(&[
        (
            "_layouts/tag.html",
            &format!("{{{{ page.tag.name }}}} {{{{ page.tag.count }}}}: {names}"),
        ),
        (
            "_layouts/tags.html",
            "{% for t in site.tags %}{{ t.name }}={{ t.url }} {% endfor %}",
        ),
        (
            "_layouts/archive.html",
            "{% for p in site.posts %}{{ p.title }} {% endfor %}",
        ),
        ("_layouts/home.html", "home of {{ site.title }}"),
        ("_posts/2026-01-02-a.md", "---\ntags: [Rust, C++]\n---\n"),
        ("_posts/2026-01-03-b.md", "---\ntags: rust\n---\n"),
    ]);
    let loaded = site.load();
    // The newest post names the tag.
    assert_eq!(text(&loaded, "tags/rust/index.html"), "rust 2: B,A,");
    assert_eq!(
        text(&loaded, "tags/index.html"),
        "C++=/tags/cplusplus/ rust=/tags/rust/ "
    );
    assert_eq!(text(&loaded, "archive/index.html"), "B A ");
    assert_eq!(text(&loaded, "index.html"), "home of T");

    site.write("index.md", "---\nlayout: none\n---\nmine");
    site.write("archive.md", "---\nlayout: none\n---\nmy archive");
    let loaded = site.load();
    assert_eq!(text(&loaded, "index.html"), "<p>mine</p>\n");
    assert_eq!(text(&loaded, "archive/index.html"), "<p>my archive</p>\n");
}

#[test]
fn the_feed_is_stable_and_escaped() {
    let site = site(&[
        ("skep.toml", "title = 'A & B'\nurl = 'https://h/sub/'\n"),
        (
            "_posts/2026-01-02-a.md",
            "---\ntitle: '<a>'\ntags: x\n---\n[r](/r/) ]]> &amp;\n",
        ),
        ("_posts/2026-01-03-b.md", "---\nupdated: 2026-02-01\n---\n"),
    ]);
    let feed = site.render("feed.xml");
    for part in [
        "<title>A &amp; B</title>",
        "<id>https://h/sub/2026/01/02/a/</id>",
        "<title>&lt;a&gt;</title>",
        "&lt;a href=&quot;https://h/sub/r/&quot;&gt;r&lt;/a&gt; ]]&amp;gt; &amp;amp;",
        "<category term=\"x\"/>",
        "rel=\"self\" type=\"application/atom+xml\" href=\"https://h/sub/feed.xml\"",
    ] {
        assert!(feed.contains(part), "{part}: {feed}");
    }
    // The newest change of a post, not the clock.
    let updated = "<updated>2026-02-01T00:00:00+00:00</updated>";
    assert!(feed.find(updated).unwrap() < feed.find("<entry>").unwrap());
    assert!(
        site.render("sitemap.xml")
            .contains("<loc>https://h/sub/2026/01/02/a/</loc>")
    );

    site.write("skep.toml", "address = 'skep://abc'\n");
    let loaded = site.load();
    assert!(text(&loaded, "feed.xml").contains("<id>skep://abc/2026/01/02/a/</id>"));
    assert!(!has(&loaded, "sitemap.xml"));

    site.write("skep.toml", "");
    assert!(!has(&site.load(), "feed.xml"));
}

#[test]
fn a_base_url_that_is_given_goes_before_the_settings() {
    let site = site(&[
        ("skep.toml", "url = 'https://a'\n"),
        ("x.txt", "---\n---\n{{ '/b' | absolute_url }}"),
    ]);
    assert_eq!(site.render("x.txt"), "https://a/b");
    let options = LoadOptions {
        base_url: Some("https://c/d/".to_owned()),
        ..published()
    };
    assert_eq!(
        text(&load(site.dir(), &options).unwrap(), "x.txt"),
        "https://c/d/b"
    );
}

#[cfg(unix)]
#[test]
fn a_link_leads_to_no_file_that_would_not_be_published_itself() {
    use std::os::unix::fs::symlink;
    for (target, settings) in [
        (".env", ""),
        (".git/config", ""),
        ("skep.toml", ""),
        ("keys/.ssh/id", ""),
        ("notes.txt~", ""),
        ("_private/a.txt", ""),
        ("plan.txt", "exclude = ['plan.txt']\n"),
        ("plans/a/b.txt", "exclude = ['plans']\n"),
    ] {
        let site = site(&[(target, "secret")]);
        site.write("skep.toml", settings);
        symlink(site.path(target), site.path("open.txt")).unwrap();
        let error = site.error();
        assert!(
            error.message.contains("no part of the site"),
            "{target}: {error}"
        );
        assert_eq!(error.place.unwrap().file, "open.txt");
        // By way of another link it is the same file.
        symlink("open.txt", site.path("other.txt")).unwrap();
        assert_eq!(site.error().each().count(), 2, "{target}");
    }
    let site = site(&[("x/a.txt", "a"), (".well-known/b", "b")]);
    symlink("x/a.txt", site.path("a.txt")).unwrap();
    symlink(".well-known/b", site.path("b.txt")).unwrap();
    assert_eq!(site.render("a.txt") + &site.render("b.txt"), "ab");
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere_out_of_the_site() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "s").unwrap();

    let inside = site(&[("a.txt", "a")]);
    symlink("a.txt", inside.path("b.txt")).unwrap();
    assert_eq!(inside.render("b.txt"), "a");

    for target in [
        outside.path().join("secret"),
        outside.path().to_owned(),
        "/no/such".into(),
    ] {
        let site = site(&[]);
        symlink(&target, site.path("link")).unwrap();
        let error = site.error();
        assert!(error.message.contains("symbolic link"), "{error}");
        assert_eq!(error.place.unwrap().file, "link");
        site.write("skep.toml", "exclude = ['link']\n");
        assert!(!has(&site.load(), "link"));
    }
}
