//! What the theme's `seo.html` tells search engines and other sites.

use serde_json::Value;
use skep_generator::LoadOptions;

use crate::support::{TestSite, now, text};

fn site(files: &[(&str, &str)]) -> TestSite {
    let site = TestSite {
        folder: tempfile::tempdir().unwrap(),
    };
    site.write(
        "skep.toml",
        "title = 'T & \"Q\"'\nauthor = 'Ada'\nurl = 'https://example.org'\ntheme = 'default'\n",
    );
    for (path, text) in files {
        site.write(path, text);
    }
    site
}

/// The `content` or `href` of the tag in `html` that has `key`.
fn tag<'a>(html: &'a str, key: &str) -> Option<&'a str> {
    let rest = &html[html.find(key)? + key.len()..];
    let rest = &rest[..rest.find('>')?];
    let value = rest.split_once("=\"")?.1;
    value.split('"').next()
}

fn json_ld(html: &str) -> Value {
    let open = "<script type=\"application/ld+json\">";
    let from = html.find(open).unwrap() + open.len();
    let to = from + html[from..].find("</script>").unwrap();
    serde_json::from_str(&html[from..to]).unwrap()
}

#[test]
fn a_post_is_an_article_with_its_image_dates_and_authors() {
    let site = site(&[
        (
            "_posts/2026-01-02-a/index.md",
            "---\ntitle: 'A </script><b> \"x\"'\nimage: {path: a.jpg, alt: 'An \"A\"'}\n\
             authors: [Bob, Eve]\ntags: [one]\nupdated: 2026-01-05\n---\nSome *text* & more.\n\nElse.\n",
        ),
        ("_posts/2026-01-02-a/a.jpg", "jpg"),
    ]);
    let html = site.render("2026/01/02/a/index.html");
    let url = "https://example.org/2026/01/02/a/";
    for (key, expected) in [
        ("rel=\"canonical\"", url),
        ("property=\"og:url\"", url),
        (
            "property=\"og:title\"",
            "A &lt;/script&gt;&lt;b&gt; &quot;x&quot;",
        ),
        ("property=\"og:type\"", "article"),
        ("property=\"og:site_name\"", "T &amp; &quot;Q&quot;"),
        ("name=\"description\"", "Some text &amp; more."),
        ("property=\"og:description\"", "Some text &amp; more."),
        (
            "property=\"og:image\"",
            "https://example.org/2026/01/02/a/a.jpg",
        ),
        ("property=\"og:image:alt\"", "An &quot;A&quot;"),
        ("name=\"twitter:card\"", "summary_large_image"),
        (
            "property=\"article:published_time\"",
            "2026-01-02T00:00:00+00:00",
        ),
        (
            "property=\"article:modified_time\"",
            "2026-01-05T00:00:00+00:00",
        ),
        ("property=\"article:tag\"", "one"),
        ("name=\"author\"", "Bob"),
    ] {
        assert_eq!(tag(&html, key), Some(expected), "{key}\n{html}");
    }
    let data = json_ld(&html);
    assert_eq!(data["@type"], "BlogPosting");
    assert_eq!(data["headline"], "A </script><b> \"x\"");
    assert_eq!(data["author"][1]["name"], "Eve");
    assert_eq!(data["image"], "https://example.org/2026/01/02/a/a.jpg");
    assert_eq!(data["dateModified"], "2026-01-05T00:00:00+00:00");
}

#[test]
fn the_home_page_is_a_website_and_names_the_feeds() {
    let site = site(&[("_posts/2026-01-02-a.md", "---\ntitle: A\n---\n")]);
    let html = site.render("index.html");
    assert_eq!(
        tag(&html, "rel=\"canonical\""),
        Some("https://example.org/")
    );
    assert_eq!(tag(&html, "property=\"og:type\""), Some("website"));
    assert_eq!(tag(&html, "name=\"twitter:card\""), Some("summary"));
    assert_eq!(json_ld(&html)["@type"], "WebSite");
    assert!(html.contains("rel=\"alternate\" type=\"application/atom+xml\" href=\"feed.xml\""));
    let missing = site.render("404.html");
    assert!(!missing.contains("canonical"), "{missing}");
}

#[test]
fn nothing_is_claimed_where_no_url_is_known() {
    let site = site(&[
        ("skep.toml", "title = 'T'\ntheme = 'default'\n"),
        ("a.md", "---\ntitle: A\n---\nText.\n"),
    ]);
    let html = site.render("a/index.html");
    for word in ["canonical", "og:", "twitter:", "ld+json"] {
        assert!(!html.contains(word), "{word}: {html}");
    }
    assert_eq!(tag(&html, "name=\"description\""), Some("Text."));
    // With one that is only known at the build, all is there.
    let options = LoadOptions {
        base_url: Some("https://x.example/deep".to_owned()),
        ..LoadOptions::published(now())
    };
    let site = skep_generator::load(site.dir(), &options).unwrap();
    let html = text(&site, "a/index.html");
    assert_eq!(
        tag(&html, "rel=\"canonical\""),
        Some("https://x.example/deep/a/")
    );
    assert_eq!(json_ld(&html)["@type"], "WebPage");
}

#[test]
fn each_part_of_a_list_is_a_page_of_its_own() {
    let posts: Vec<String> = (1..=5)
        .map(|day| format!("_posts/2026-01-0{day}-p.md"))
        .collect();
    let mut files: Vec<(&str, &str)> = posts.iter().map(|path| (&**path, "x")).collect();
    files.push((
        "blog.html",
        "---\ntitle: Blog\npaginate: 2\nlayout: default\n---\n{% for p in paginator.posts %}{{ p.url }}{% endfor %}",
    ));
    let site = site(&files);
    let html = site.render("blog/page/2/index.html");
    assert_eq!(
        tag(&html, "rel=\"canonical\""),
        Some("https://example.org/blog/page/2/"),
        "{html}"
    );
    assert!(html.contains("rel=\"prev\"") && html.contains("rel=\"next\""));
}
