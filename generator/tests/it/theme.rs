//! The default theme: which pages it makes, and what its settings do. How they look is checked by tests/html.

use crate::support::{TestSite, site, text};

/// A site with no layout of its own.
fn plain(files: &[(&str, &str)]) -> TestSite {
    let site = site(files);
    let own = files.iter().any(|(path, _)| path.starts_with("_layouts/"));
    assert!(!own, "the layouts of the theme are what is tested");
    std::fs::remove_dir_all(site.path("_layouts")).unwrap();
    site
}

#[test]
fn there_is_a_page_for_everything_that_groups_posts() {
    let site = plain(&[
        (
            "skep.toml",
            "title = 'T'\ntaxonomies = ['series']\n[collections.guide]\ntitle = 'Guide'\n",
        ),
        (
            "_posts/2026-03-01-a.md",
            "---\ntags: [x]\ncategory: c\nauthor: Ada\nseries: [s]\n---\nHi.\n",
        ),
        ("_posts/2025-12-24-b.md", "---\ntags: [x]\n---\nHo.\n"),
        ("_guide/one.md", "---\ntitle: One\n---\n"),
        ("_guide/two.md", "---\ntitle: Two\n---\n"),
    ]);
    let site = site.load();
    for (path, expected) in [
        ("index.html", "<a href=\"2026/03/01/a/\">A</a>"),
        ("archive/index.html", "<a href=\"../2025/\">2025</a>"),
        ("2026/index.html", "<a href=\"../2026/03/\">March</a>"),
        ("2025/12/index.html", "<h1>December 2025</h1>"),
        ("tags/index.html", "x <span class=\"count\">2"),
        ("tags/x/index.html", "Tagged</span> x</h1>"),
        ("categories/c/index.html", "Category</span> c</h1>"),
        ("authors/ada/index.html", "Written by</span> Ada</h1>"),
        ("series/s/index.html", "Series</span> s</h1>"),
        ("guide/index.html", "<a href=\"../guide/one/\">One</a>"),
        (
            "guide/two/index.html",
            "<a href=\"../../guide/two/\" aria-current=\"page\">Two</a>",
        ),
        ("404.html", "<a href=\"/\">Go to the first page</a>"),
    ] {
        let html = text(&site, path);
        assert!(html.contains(expected), "{path}: {html}");
    }
    let about = |path: &&str| path.contains("CHECKLIST") || path.contains("theme.toml");
    assert_eq!(site.paths().find(about), None);
}

#[test]
fn its_settings_are_all_optional() {
    let mut files = vec![
        ("_posts/2026-03-01-a.md", "---\ntags: [x]\n---\nHi.\n"),
        ("_posts/2026-03-02-b.md", "---\ntags: [x]\n---\nHo.\n"),
        (
            "_data/authors.yml",
            "ada-lovelace: {name: Ada L., bio: Writes *notes*., image: ada.png}\n",
        ),
        ("ada.png", "png"),
    ];
    let post = "2026/03/01/a/index.html";
    let without = plain(&files).render(post);
    assert!(without.contains("Related posts"), "{without}");
    for absent in ["--accent", "rel=\"me\"", "class=\"author\"", "footer-text"] {
        assert!(!without.contains(absent), "{absent}: {without}");
    }
    files.push((
        "skep.toml",
        "title = 'T'\nauthor = 'Ada Lovelace'\naccent = 'teal'\nfooter = 'By *hand*.'\nrelated = false\n\
         date_format = '%d.%m.%Y'\nnav = [{ title = 'A', url = '/2026/' }]\n\
         social = [{ title = 'F', url = 'https://f.example/@a' }]\n",
    ));
    let with = plain(&files).render(post);
    for expected in [
        "<html lang=\"en\" style=\"--accent: teal\">",
        "<p>By <em>hand</em>.</p>",
        "<a href=\"https://f.example/@a\" rel=\"me\">F</a>",
        "<p>Writes <em>notes</em>.</p>",
        "src=\"../../../../ada.png\"",
        ">01.03.2026</time>",
        "<a href=\"../../../../2026/\" aria-current=\"true\">A</a>",
    ] {
        assert!(with.contains(expected), "{expected}: {with}");
    }
    assert!(!with.contains("Related posts"), "{with}");
}

#[test]
fn an_accent_is_text_and_nothing_more() {
    let site = plain(&[("skep.toml", "accent = 'red\"><script>alert(1)</script>'\n")]);
    assert!(!site.render("index.html").contains("<script>alert"));
}

#[test]
fn a_part_of_the_home_page_has_a_url_and_a_title_of_its_own() {
    let posts: Vec<(String, String)> = (1..=11)
        .map(|day| (format!("_posts/2026-01-{day:02}-p.md"), String::new()))
        .collect();
    let mut files: Vec<(&str, &str)> = posts
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    files.push(("skep.toml", "title = 'T'\nurl = 'https://h'\n"));
    files.push(("index.md", "---\nlayout: home\n---\nWelcome.\n"));
    let site = plain(&files).load();
    let first = text(&site, "index.html");
    assert!(first.contains("<title>T</title>"), "{first}");
    assert!(first.contains("<p>Welcome.</p>"), "{first}");
    let second = text(&site, "page/2/index.html");
    assert!(second.contains("<title>Page 2 · T</title>"), "{second}");
    assert!(second.contains("href=\"https://h/page/2/\""), "{second}");
    assert!(!second.contains("<p>Welcome.</p>"), "{second}");
}

#[test]
fn a_site_may_do_without_a_theme() {
    let site = plain(&[("skep.toml", "theme = 'none'\n"), ("a.html", "---\n---\na")]);
    let paths: Vec<String> = site.load().paths().map(str::to_owned).collect();
    assert_eq!(paths, ["a/index.html"]);
}
