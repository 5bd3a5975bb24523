//! What people write comes out as they wrote it: terms, titles, headings, names.

use std::fs;

use skep_generator::LoadOptions;

use crate::support::{published, site, text};

const TERM: &str =
    "{{ page.term.name | safe }} {{ page.posts | map(attribute='title') | join(sep=' ') }}";
const POST: &str = "{% for t in page.tags %}{{ t.name | safe }}={{ t.url }} {% endfor %}";

#[test]
fn different_words_are_different_terms_in_every_taxonomy() {
    let site = site(&[
        (
            "skep.toml",
            "title = 'T'\nurl = 'https://h'\ntaxonomies = ['series']\nfeed = {terms = true}\n",
        ),
        ("_layouts/term.html", TERM),
        ("_layouts/tag.html", TERM),
        ("_layouts/post.html", POST),
        (
            "_posts/2026-01-01-a.md",
            "---\ntags: [pâté]\nseries: [北京]\nauthor: Мир\ncategory: год\n---\n",
        ),
        (
            "_posts/2026-01-02-b.md",
            "---\ntags: [pâte]\nseries: [背景]\nauthor: mir\ncategory: god\n---\n",
        ),
        (
            "_posts/2026-01-03-c.md",
            "---\ntags: [\" PA\u{302}TE\u{301} \", año]\n---\n",
        ),
        ("_posts/2026-01-04-d.md", "---\ntags: [Ano]\n---\n"),
        (
            "x.html",
            "---\nlayout: none\n---\n{% for n in ['pâté', 'pâte', 'ANO', 'año'] %}\
             {% set t = get_term(taxonomy='tags', name=n) %}{{ t.url }}:{{ t.count }} {% endfor %}",
        ),
    ]);
    let site = site.load();
    for (path, expected) in [
        ("tags/pâté/index.html", "PÂTÉ C A"),
        ("tags/pâte/index.html", "pâte B"),
        ("tags/ano/index.html", "Ano D"),
        ("tags/año/index.html", "año C"),
        ("series/北京/index.html", "北京 A"),
        ("series/背景/index.html", "背景 B"),
        ("authors/мир/index.html", "Мир A"),
        ("authors/mir/index.html", "mir B"),
        ("categories/год/index.html", "год A"),
        ("categories/god/index.html", "god B"),
        ("2026/01/01/a/index.html", "PÂTÉ=/tags/pâté/ "),
        ("2026/01/02/b/index.html", "pâte=/tags/pâte/ "),
        (
            "x/index.html",
            "/tags/pâté/:2 /tags/pâte/:1 /tags/ano/:1 /tags/año/:1 ",
        ),
    ] {
        assert_eq!(text(&site, path), expected, "{path}");
    }
    assert!(text(&site, "tags/pâte/feed.xml").contains("<title>B</title>"));
}

#[test]
fn terms_with_one_slug_have_an_address_each_wherever_they_are_linked() {
    let files = [
        ("_layouts/tag.html", TERM),
        ("_layouts/post.html", POST),
        (
            "_posts/2026-01-02-a.md",
            "---\ntags: [\"rock 'n' roll\"]\n---\n",
        ),
        ("_posts/2026-01-03-b.md", "---\ntags: [rock-n-roll]\n---\n"),
        (
            "x.html",
            "---\nlayout: none\n---\n{% for t in site.tags %}{{ t.url }} {% endfor %}",
        ),
    ];
    let site = site(&files);
    let loaded = site.load();
    assert_eq!(
        text(&loaded, "tags/rock-n-roll/index.html"),
        "rock 'n' roll A"
    );
    assert_eq!(
        text(&loaded, "tags/rock-n-roll-2/index.html"),
        "rock-n-roll B"
    );
    assert_eq!(
        text(&loaded, "2026/01/03/b/index.html"),
        "rock-n-roll=/tags/rock-n-roll-2/ "
    );
    assert_eq!(
        text(&loaded, "x/index.html"),
        "/tags/rock-n-roll/ /tags/rock-n-roll-2/ "
    );
}

#[test]
fn titles_and_terms_are_kept_as_they_are_written() {
    let site = site(&[
        (
            "_layouts/post.html",
            "{{ page.title }}|{{ page.description }}|{% for t in page.tags %}{{ t.name }} {{ t.url }} {% endfor %}",
        ),
        ("_layouts/tag.html", TERM),
        (
            "_posts/2026-01-01-a.md",
            "---\ntitle: 1.10\ndescription: 0x1F\ntags: [y, 1.10]\n---\n",
        ),
        (
            "_posts/2026-01-02-b.md",
            "---\ntitle: yes\ndescription: 1_000\nslug: 2.0\n---\n",
        ),
        (
            "_posts/2026-01-03-c.md",
            "+++\ntitle = 1.10\ntags = [2.50]\n+++\n",
        ),
        ("_data/d.yml", "no: no\nv: 01067\n"),
        (
            "x.html",
            "---\nlayout: none\n---\n{{ site.data.d.no }} {{ site.data.d.v }}",
        ),
    ]);
    let site = site.load();
    for (path, expected) in [
        (
            "2026/01/01/a/index.html",
            "1.10|0x1F|y /tags/y/ 1.10 /tags/1-10/ ",
        ),
        ("2026/01/02/2.0/index.html", "yes|1_000|"),
        ("2026/01/03/c/index.html", "1.10||2.50 /tags/2-50/ "),
        ("tags/1-10/index.html", "1.10 1.10"),
        ("x/index.html", "no 01067"),
    ] {
        assert_eq!(text(&site, path), expected, "{path}");
    }
}

#[test]
fn urls_keep_marks_and_names_of_emoji() {
    let site = site(&[
        ("_posts/2026-01-01-தமிழ்.md", "# தமிழ்\n"),
        ("_posts/2026-01-01-🎉.md", "a"),
        ("_posts/2026-01-01-🎊.md", "b"),
        ("&.md", "---\n---\n"),
        ("|.md", "---\n---\n"),
    ]);
    let site = site.load();
    for path in [
        "2026/01/01/தமிழ்/index.html",
        "2026/01/01/🎉/index.html",
        "2026/01/01/🎊/index.html",
        "26/index.html",
        "7c/index.html",
    ] {
        assert!(site.paths().any(|known| known == path), "{path}");
    }
    assert!(text(&site, "2026/01/01/தமிழ்/index.html").contains("id=\"தமிழ்\""));
}

#[test]
fn no_heading_has_an_id_of_the_layouts() {
    let site = site(&[
        (
            "_layouts/default.html",
            "<main id=\"skip-target\" data-id=\"{{ page.title }}\">{{ content | safe }}</main>",
        ),
        ("_includes/x.html", "<i id='of-include'></i>"),
        (
            "a.md",
            "---\n---\n# Skip target\n\n# Of include {#of-include}\n",
        ),
    ]);
    let page = site.render("a/index.html");
    assert_eq!(page.matches("id=\"skip-target\"").count(), 1, "{page}");
    assert!(page.contains("id=\"skip-target-1\"") && page.contains("id=\"of-include-1\""));
    let loaded = site.load();
    let note = &loaded.notes()[0].message;
    assert!(note.contains("a template of the site has the id"), "{note}");
}

#[test]
fn a_long_term_has_a_page_and_a_long_permalink_an_error_with_its_text() {
    let (a, b) = ("x".repeat(300), "x".repeat(301));
    let site = site(&[
        ("_layouts/tag.html", "{{ page.term.slug }}"),
        (
            "_layouts/post.html",
            "{% for t in page.tags %}{{ t.url }}{% endfor %}",
        ),
        (
            "_posts/2026-01-01-a.md",
            &format!("---\ntags: [{a}, {b}]\n---\n"),
        ),
    ]);
    let loaded = site.load();
    let terms: Vec<&str> = loaded
        .paths()
        .filter(|path| path.starts_with("tags/x"))
        .collect();
    assert_eq!(terms.len(), 2);
    let out = site.path("_site");
    skep_generator::build(&loaded, &out).unwrap();
    for term in terms {
        assert!(fs::read_to_string(out.join(term)).unwrap().len() <= 200);
    }
    site.write("b.md", &format!("---\npermalink: /{a}/\n---\n"));
    let error = site.error();
    assert_eq!(error.place.as_ref().unwrap().file, "b.md");
    assert!(error.message.contains("longer than 255 bytes"), "{error}");
}

#[test]
fn a_nul_is_nowhere_in_the_output() {
    let site = site(&[
        ("skep.toml", "title = 'T'\nurl = 'https://h'\n"),
        (
            "_layouts/default.html",
            "\0{{ content | safe }}{{ site.data.d.a }}{{ site.data.j.a }}",
        ),
        (
            "_posts/2026-01-01-a.md",
            "---\ntitle: \"a\\0b\"\ntags: [\"c\\0\"]\n---\na\0b\n\n<p title='\0'>\n",
        ),
        ("b.html", "---\n---\n\0"),
        ("_data/d.yml", "a: \"x\\0\"\n"),
        ("_data/j.json", "{\"a\": \"\\u0000\"}"),
    ]);
    let loaded = skep_generator::load(site.dir(), &LoadOptions { ..published() }).unwrap();
    for path in loaded.paths() {
        let bytes = skep_generator::render(&loaded, path).unwrap();
        assert!(!bytes.contains(&0), "{path}");
    }
    assert!(text(&loaded, "2026/01/01/a/index.html").contains("a\u{fffd}b"));
}
