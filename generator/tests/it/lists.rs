//! Collections, bundles, taxonomies, archives, pagination, redirects and defaults.

use crate::support::{site, text};

#[test]
fn a_collection_has_pages_an_order_and_a_list() {
    let site = site(&[
        (
            "skep.toml",
            "title = 'T'\n[collections.recipes]\ntitle = 'Recipes'\nsort_by = 'weight'\n",
        ),
        (
            "_layouts/collection.html",
            "{{ page.title }}:{% for d in page.documents %} {{ d.title }}{% endfor %}",
        ),
        (
            "_layouts/document.html",
            "{{ page.previous.title or '-' }}<{{ page.title }}>{{ page.next.title or '-' }}",
        ),
        ("_recipes/soup.md", "---\nweight: 2\n---\nSoup.\n"),
        (
            "_recipes/cold/salad.md",
            "---\ntitle: Salad\nweight: 1\n---\n",
        ),
        ("_recipes/bread/index.md", "---\nweight: 3\n---\n"),
        ("_recipes/bread/loaf.png", "png"),
        (
            "list.html",
            "---\nlayout: none\n---\n{{ site.recipes | length }} {{ site.collections.recipes.url }}",
        ),
    ]);
    let site = site.load();
    assert_eq!(
        text(&site, "recipes/index.html"),
        "Recipes: Salad Soup Bread"
    );
    assert_eq!(text(&site, "recipes/soup/index.html"), "Salad<Soup>Bread");
    assert_eq!(text(&site, "recipes/cold/salad/index.html"), "-<Salad>Soup");
    assert_eq!(text(&site, "recipes/bread/loaf.png"), "png");
    assert_eq!(text(&site, "list/index.html"), "3 /recipes/");
    assert_eq!(
        site.output_of("_recipes/soup.md"),
        Some("recipes/soup/index.html")
    );
}

#[test]
fn a_collection_without_output_is_only_listed() {
    let site = site(&[
        (
            "skep.toml",
            "[collections.people]\noutput = false\nsort_by = 'title'\nreverse = true\n",
        ),
        ("_people/a.md", "---\ntitle: Ada\n---\n"),
        ("_people/b.md", "---\ntitle: Bob\n---\n"),
        ("_people/b.png", "x"),
        (
            "list.html",
            "---\nlayout: none\n---\n{% for p in site.people %}{{ p.title }} {% endfor %}",
        ),
    ]);
    let site = site.load();
    assert_eq!(text(&site, "list/index.html"), "Bob Ada ");
    assert!(!site.paths().any(|path| path.contains("people")));
    assert!(site.sources().contains(&"_people/a.md".to_owned()));
}

#[test]
fn a_post_may_be_a_folder_with_its_images() {
    let site = site(&[
        (
            "_posts/2026-01-02-trip/index.md",
            "---\ntitle: Trip\n---\n![](a.jpg)\n",
        ),
        ("_posts/2026-01-02-trip/a.jpg", "jpg"),
        ("_posts/2026-01-02-trip/more/b.jpg", "b"),
        ("_drafts/later/index.md", "---\ntitle: Later\n---\n"),
        ("_drafts/later/c.jpg", "c"),
    ]);
    let site = site.load();
    assert_eq!(text(&site, "2026/01/02/trip/a.jpg"), "jpg");
    assert_eq!(text(&site, "2026/01/02/trip/more/b.jpg"), "b");
    assert!(
        text(&site, "2026/01/02/trip/index.html")
            .contains("src=\"../../../../2026/01/02/trip/a.jpg\"")
    );
    assert!(!site.paths().any(|path| path.contains("c.jpg")));
}

#[test]
fn posts_in_a_folder_have_it_as_their_category() {
    let site = site(&[
        (
            "_layouts/category.html",
            "{{ page.category.name }} {{ page.posts | length }}",
        ),
        (
            "_layouts/categories.html",
            "{% for c in site.categories %}{{ c.url }}{{ c.count }} {% endfor %}",
        ),
        (
            "travel/_posts/2026-01-02-a.md",
            "---\ncategories: far\n---\n",
        ),
        ("_posts/2026-01-03-b.md", "---\ncategory: Far\n---\n"),
    ]);
    let site = site.load();
    assert_eq!(
        text(&site, "categories/index.html"),
        "/categories/far/2 /categories/travel/1 "
    );
    assert_eq!(text(&site, "categories/far/index.html"), "Far 2");
    assert_eq!(text(&site, "categories/travel/index.html"), "travel 1");
}

#[test]
fn a_site_may_have_taxonomies_of_its_own() {
    let site = site(&[
        ("skep.toml", "taxonomies = ['series']\n"),
        (
            "_layouts/term.html",
            "{{ page.taxonomy }}/{{ page.term.name }}",
        ),
        (
            "_layouts/post.html",
            "{% for s in page.series %}{{ s.url }}{% endfor %}",
        ),
        (
            "_posts/2026-01-02-a.md",
            "---\nseries: [My Trip]\nauthor: Ada Lovelace\n---\n",
        ),
    ]);
    let site = site.load();
    assert_eq!(text(&site, "series/my-trip/index.html"), "series/My Trip");
    assert_eq!(
        text(&site, "authors/ada-lovelace/index.html"),
        "authors/Ada Lovelace"
    );
    assert_eq!(text(&site, "2026/01/02/a/index.html"), "/series/my-trip/");
}

#[test]
fn archives_by_year_and_month() {
    let site = site(&[
        (
            "_layouts/year.html",
            "{{ page.year }}:{{ page.posts | length }}",
        ),
        (
            "_layouts/month.html",
            "{{ page.year }}-{{ page.month }}:{{ page.posts | length }}",
        ),
        ("_posts/2025-12-31-a.md", ""),
        ("_posts/2026-01-01-b.md", ""),
        ("_posts/2026-01-31-c.md", ""),
        ("_posts/2026-03-01-d.md", ""),
    ]);
    let site = site.load();
    for (path, expected) in [
        ("2025/index.html", "2025:1"),
        ("2026/index.html", "2026:3"),
        ("2025/12/index.html", "2025-12:1"),
        ("2026/01/index.html", "2026-1:2"),
        ("2026/03/index.html", "2026-3:1"),
    ] {
        assert_eq!(text(&site, path), expected);
    }
    assert!(!site.paths().any(|path| path == "2026/02/index.html"));
}

const PAGINATOR: &str = "{{ paginator.page }}/{{ paginator.total_pages }} \
    {{ paginator.previous_page_path or '-' }} {{ paginator.next_page_path or '-' }}:\
    {% for p in paginator.posts %}{{ p.title }}{% endfor %}";

#[test]
fn lists_are_shown_in_parts() {
    let layout = format!("---\npaginate: 2\n---\n{PAGINATOR}");
    let mut files = vec![
        ("_layouts/home.html".to_owned(), layout.clone()),
        ("_layouts/tag.html".to_owned(), layout),
        ("_layouts/tags.html".to_owned(), "tags".to_owned()),
        (
            "docs.html".to_owned(),
            format!(
                "---\nlayout: none\npaginate: 1\npaginate_over: docs\npermalink: /docs.html\n---\n{PAGINATOR}"
            ),
        ),
        ("_docs/x.md".to_owned(), "---\ntitle: X\n---\n".to_owned()),
        ("_docs/y.md".to_owned(), "---\ntitle: Why\n---\n".to_owned()),
        ("skep.toml".to_owned(), "[collections.docs]\n".to_owned()),
    ];
    for day in 1..=5 {
        files.push((
            format!("_posts/2026-01-0{day}-p{day}.md"),
            format!("---\ntags: [t]\ntitle: '{day}'\n---\n"),
        ));
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let site = site(&files);
    let loaded = site.load();
    for (path, expected) in [
        ("index.html", "1/3 - /page/2/:54"),
        ("page/2/index.html", "2/3 / /page/3/:32"),
        ("page/3/index.html", "3/3 /page/2/ -:1"),
        ("tags/t/index.html", "1/3 - /tags/t/page/2/:54"),
        ("tags/t/page/3/index.html", "3/3 /tags/t/page/2/ -:1"),
        ("docs.html", "1/2 - /docs/page/2/:X"),
        ("docs/page/2/index.html", "2/2 /docs.html -:Why"),
    ] {
        assert_eq!(text(&loaded, path), expected, "{path}");
    }
    // The site's own number goes before the theme's, but not before that of a page.
    site.write(
        "skep.toml",
        "paginate = 3\npaginate_path = 'p:num.html'\n[collections.docs]\n",
    );
    let loaded = site.load();
    assert_eq!(text(&loaded, "index.html"), "1/2 - /p2.html:543");
    assert_eq!(text(&loaded, "p2.html"), "2/2 / -:21");
    assert_eq!(text(&loaded, "docs/p2.html"), "2/2 /docs.html -:Why");
}

#[test]
fn old_urls_lead_to_the_page() {
    let site = site(&[
        ("skep.toml", "url = 'https://h'\n"),
        (
            "_posts/2026-01-02-a.md",
            "---\ntitle: A & B\naliases: [/old/, was.html]\n---\n",
        ),
        ("about.md", "---\nredirect_from: /me\n---\n"),
    ]);
    let site = site.load();
    let old = text(&site, "old/index.html");
    assert!(old.contains("content=\"0; url=../2026/01/02/a/\""), "{old}");
    assert!(
        old.contains("<a href=\"../2026/01/02/a/\">A &amp; B</a>"),
        "{old}"
    );
    assert!(
        old.contains("<link rel=\"canonical\" href=\"https://h/2026/01/02/a/\">"),
        "{old}"
    );
    assert!(text(&site, "was.html").contains("<a href=\"2026/01/02/a/\">"));
    assert!(text(&site, "me/index.html").contains("about"));
    assert_eq!(
        site.source_of("old/index.html"),
        Some("_posts/2026-01-02-a.md")
    );
}

#[test]
fn defaults_hold_where_a_page_is_silent() {
    let site = site(&[
        (
            "skep.toml",
            "[[defaults]]\nvalues = { mood = 'calm', layout = 'x' }\n\
             [[defaults]]\npath = 'loud/**'\ntype = 'pages'\nvalues = { mood = 'loud' }\n",
        ),
        ("_layouts/x.html", "{{ page.mood }}"),
        ("a.md", "---\n---\n"),
        ("loud/b.md", "---\n---\n"),
        ("loud/c.md", "---\nmood: own\n---\n"),
        ("_posts/2026-01-02-p.md", ""),
    ]);
    let site = site.load();
    for (path, expected) in [
        ("a/index.html", "calm"),
        ("loud/b/index.html", "loud"),
        ("loud/c/index.html", "own"),
        ("2026/01/02/p/index.html", "calm"),
    ] {
        assert_eq!(text(&site, path), expected, "{path}");
    }
}

#[test]
fn sass_becomes_css() {
    let site = site(&[
        (
            "assets/main.scss",
            "---\n---\n@use 'colours';\n@import 'base/reset';\na { b { color: colours.$red } }\n",
        ),
        ("_sass/_colours.scss", "$red: #f00;\n"),
        ("_sass/base/_reset.scss", "* { margin: 0 }\n"),
    ]);
    let loaded = site.load();
    let css = text(&loaded, "assets/main.css");
    assert!(css.contains("a b {\n  color: #f00;\n}"), "{css}");
    assert!(css.contains("margin: 0"), "{css}");
    assert!(
        !loaded
            .paths()
            .any(|path| path.ends_with(".scss") || path.starts_with("_sass"))
    );

    site.write("_sass/_colours.scss", "$red: #f00;\na { b: $blue }\n");
    let error = skep_generator::render(&site.load(), "assets/main.css").unwrap_err();
    assert_eq!(
        error.to_string(),
        "_sass/_colours.scss:2:8: Undefined variable\n  2 | a { b: $blue }\n    |        ^"
    );
}

#[test]
fn feeds_in_three_formats_of_tags_and_collections() {
    let site = site(&[
        (
            "skep.toml",
            "title = 'T'\nurl = 'https://h'\n[feed]\nformats = ['atom', 'rss', 'json']\nterms = true\nfull = false\n\
             [collections.docs]\nfeed = true\n",
        ),
        (
            "_posts/2026-01-02-a.md",
            "---\ntitle: A\ntags: [x]\nauthor: Ada\n---\nOne [two](/b/).\n\nThree.\n",
        ),
        ("_docs/d.md", "---\ntitle: D\n---\n"),
    ]);
    let loaded = site.load();
    for path in [
        "feed.xml",
        "rss.xml",
        "feed.json",
        "tags/x/rss.xml",
        "docs/feed.json",
    ] {
        assert!(loaded.paths().any(|found| found == path), "{path}");
    }
    let atom = text(&loaded, "tags/x/feed.xml");
    assert!(atom.contains("<title>x · T</title>"), "{atom}");
    assert!(atom.contains("<summary type=\"html\""), "{atom}");
    let rss = text(&loaded, "rss.xml");
    assert!(
        rss.contains("<pubDate>Fri, 02 Jan 2026 00:00:00 +0000</pubDate>"),
        "{rss}"
    );
    assert!(rss.contains("<dc:creator>Ada</dc:creator>"), "{rss}");
    assert!(!rss.contains("Three"), "{rss}");
    let json: serde_json::Value = serde_json::from_str(&text(&loaded, "feed.json")).unwrap();
    assert_eq!(json["version"], "https://jsonfeed.org/version/1.1");
    assert_eq!(
        json["items"][0]["content_html"],
        "<p>One <a href=\"https://h/b/\">two</a>.</p>\n"
    );
    assert_eq!(json["items"][0]["tags"][0], "x");
}

#[test]
fn a_sitemap_and_robots_where_the_url_is_known() {
    let site = site(&[
        ("skep.toml", "url = 'https://h/sub'\n"),
        ("a.md", "---\naliases: [/old/]\n---\n"),
        ("hidden.md", "---\nsitemap: false\n---\n"),
        ("404.md", "---\n---\n"),
    ]);
    let site = site.load();
    let sitemap = text(&site, "sitemap.xml");
    assert!(sitemap.contains("<loc>https://h/sub/a/</loc>"), "{sitemap}");
    assert!(
        !sitemap.contains("hidden") && !sitemap.contains("old") && !sitemap.contains("404"),
        "{sitemap}"
    );
    assert!(text(&site, "robots.txt").ends_with("Sitemap: https://h/sub/sitemap.xml\n"));
}

#[test]
fn what_browsers_of_readers_are_told() {
    let site = site(&[
        ("skep.toml", "title = 'T'\n"),
        ("app.html", "---\n---\n<a href=\"/x/\">x</a>"),
    ]);
    assert!(!site.load().paths().any(|path| path == "skep.json"));
    let settings =
        "title = 'T'\n[web]\nfallback = '/app/index.html'\ncsp = \"script-src 'self'\"\n";
    site.write("skep.toml", settings);
    let loaded = site.load();
    assert_eq!(
        text(&loaded, "skep.json"),
        "{\n  \"title\": \"T\",\n  \"fallback_page\": \"app/index.html\",\n  \"csp\": \"script-src 'self'\"\n}\n"
    );
    // It is served at any depth.
    assert!(text(&loaded, "app/index.html").contains("href=\"/x/\""));
    site.write("skep.json", "{}");
    assert_eq!(text(&site.load(), "skep.json"), "{}");
}

#[test]
fn a_fallback_page_that_is_not_there_is_an_error() {
    let site = site(&[("skep.toml", "[web]\nfallback = 'app.html'\n")]);
    let error = site.error().to_string();
    assert!(error.contains("no file /app.html"), "{error}");
}
