//! URLs of assets that change with their contents, and what templates may ask about the whole site.

use skep_generator::{LoadOptions, build, load};

use crate::support::{TestSite, published, site, text, tree};

/// A site whose page `t/` is filled in with `template`.
fn with(template: &str, files: &[(&str, &str)]) -> TestSite {
    let site = site(files);
    site.write("t.html", &format!("---\nlayout: none\n---\n{template}"));
    site
}

/// The first 10 digits of the BLAKE3 hash of `bytes`.
fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..10].to_owned()
}

#[test]
fn the_url_of_an_asset_has_a_hash_of_its_content() {
    let site = with(
        "{{ '/assets/a.css' | asset_url }} {{ 'assets/b.css' | asset_url }}",
        &[
            ("assets/a.css", "a{}"),
            (
                "assets/b.scss",
                "---\n---\n@use 'part';\nb { c { color: part.$x } }",
            ),
            ("_sass/_part.scss", "$x: red;"),
        ],
    );
    let shown = site.render("t/index.html");
    let css = text(&site.load(), "assets/b.css");
    let expected = format!(
        "/assets/a.css?v={} /assets/b.css?v={}",
        hash(b"a{}"),
        hash(css.as_bytes())
    );
    assert_eq!(shown, expected);
    // What changes in a part of a stylesheet changes its URL, and no other.
    site.write("_sass/_part.scss", "$x: blue;");
    let changed = site.render("t/index.html");
    assert_ne!(changed, shown);
    assert!(changed.starts_with(&expected[..20]), "{changed}");
}

#[test]
fn links_with_a_fingerprint_are_made_relative_and_no_file_moves() {
    let site = with(
        "<link rel=\"stylesheet\" href=\"{{ '/assets/style.css' | asset_url }}\">",
        &[("skep.toml", "theme = 'default'\n")],
    );
    let model = site.load();
    let style = text(&model, "assets/style.css");
    assert_eq!(
        text(&model, "t/index.html"),
        format!(
            "<link rel=\"stylesheet\" href=\"../assets/style.css?v={}\">",
            hash(style.as_bytes())
        )
    );
    assert!(!model.paths().any(|path| path.contains("?v=")));
    build(&model, &site.path("_site")).unwrap();
    assert!(tree(&site.path("_site")).contains_key("assets/style.css"));
}

#[test]
fn without_fingerprints_urls_are_plain_and_unknown_ones_errors_all_the_same() {
    let options = LoadOptions {
        fingerprint: false,
        ..published()
    };
    let site = with("{{ '/a.css' | asset_url }}", &[("a.css", "a{}")]);
    let plain = load(site.dir(), &options).unwrap();
    assert_eq!(text(&plain, "t/index.html"), "/a.css");
    site.write("t.html", "---\n---\n{{ '/b/a.css' | asset_url }}");
    let site = load(site.dir(), &options).unwrap();
    assert!(skep_generator::render(&site, "t/index.html").is_err());
}

#[test]
fn an_asset_is_found_beside_its_page_and_from_within_components() {
    let site = site(&[
        (
            "_includes/fig.html",
            "{% component fig(src) %}{{ src | asset_url }}{% endcomponent %}",
        ),
        (
            "_layouts/post.html",
            "{{ 'a.svg' | asset_url }} {{ <fig src='/b.svg' /> }} {{ '/b.svg#x' | asset_url }} \
             {{ 'https://x.example/a.svg' | asset_url }} {{ '/data.txt' | asset_url }}",
        ),
        ("_posts/2026-01-02-a/index.md", "---\n---\n"),
        ("_posts/2026-01-02-a/a.svg", "<svg/>"),
        ("b.svg", "<svg></svg>"),
        ("data.txt", "---\n---\nfilled in"),
    ]);
    let (a, b) = (hash(b"<svg/>"), hash(b"<svg></svg>"));
    assert_eq!(
        site.render("2026/01/02/a/index.html"),
        format!(
            "/2026/01/02/a/a.svg?v={a} /b.svg?v={b} /b.svg?v={b}#x https://x.example/a.svg /data.txt"
        )
    );
}

#[test]
fn pages_terms_and_urls_are_found_by_their_names() {
    let files = [
        (
            "_layouts/tag.html",
            "{{ page.tag.name }}{{ content | safe }}",
        ),
        (
            "_posts/2026-01-02-a.md",
            "---\ntitle: A\ntags: [Rust & Co]\n---\nText.\n",
        ),
        ("about.md", "---\ntitle: About\n---\n"),
        ("x.css", "x"),
    ];
    for (template, expected) in [
        (
            "{% set p = get_page(path='_posts/2026-01-02-a.md') %}{{ p.title }}",
            "A",
        ),
        (
            "{% set p = get_page(path='/about/') %}{{ p.url }}",
            "/about/",
        ),
        (
            "{% set p = get_page(path='/about') %}{{ p.url }}",
            "/about/",
        ),
        (
            "{% set p = get_page(path='@/about.md') %}{{ p.title }}",
            "About",
        ),
        ("{{ get_url(path='about.md') }}", "/about/"),
        (
            "{{ get_url(path='x.css') }}",
            &format!("/x.css?v={}", hash(b"x")),
        ),
        (
            "{% set t = get_term(taxonomy='tags', name='rust-co') %}{{ t.url }} {{ t.count }}",
            "/tags/rust-co/ 1",
        ),
        (
            "{% for t in get_taxonomy(name='tags') %}{{ t.name | safe }}{% endfor %}",
            "Rust & Co",
        ),
        ("{{ get_taxonomy(name='categories') | length }}", "0"),
    ] {
        let site = with(template, &files);
        assert_eq!(site.render("t/index.html"), expected, "{template}");
    }
    for (template, message, hint) in [
        (
            "{{ get_page(path='abuot.md') }}",
            "there is no page 'abuot.md'",
            "did you mean \"about.md\"?",
        ),
        (
            "{{ get_page(path='zzz') }}",
            "there is no page 'zzz'",
            "give its source",
        ),
        (
            "{{ get_page(path='posts/2026-01-02-a.md') }}",
            "there is no page",
            "did you mean \"_posts/2026-01-02-a.md\"?",
        ),
        ("{{ get_page() }}", "`path` is missing", "get_page(path=…)"),
        (
            "{{ get_url(path='y.css') }}",
            "the site has no file '/y.css'",
            "did you mean \"/x.css\"?",
        ),
        (
            "{{ '/css/x.css' | asset_url }}",
            "the site has no file '/css/x.css'",
            "did you mean \"/x.css\"?",
        ),
        (
            "{{ get_term(taxonomy='tag', name='a') }}",
            "no taxonomy 'tag'",
            "did you mean \"tags\"?",
        ),
        (
            "{{ get_term(taxonomy='tags', name='Rust & C') }}",
            "no 'Rust & C' among the tags",
            "did you mean \"Rust & Co\"?",
        ),
    ] {
        let site = with(template, &files);
        let error = skep_generator::render(&site.load(), "t/index.html").unwrap_err();
        assert!(error.message.contains(message), "{error}");
        assert!(error.hint.as_ref().unwrap().contains(hint), "{error}");
        assert_eq!(error.place.unwrap().line, Some(4));
    }
}
