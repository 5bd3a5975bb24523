//! What browsers are told after a change.

use crate::support::site;

use super::{PreviewOptions, a_site, options, start};

#[test]
fn a_change_reloads_the_pages_that_it_changes_and_no_others() {
    let site = a_site();
    let running = start(&site, options());
    let mut post = running.browse("/2026/01/02/a/");
    let mut other = running.browse("/other/");
    site.write("_posts/2026-01-02-a.md", "---\ntitle: A\n---\nnew\n");
    assert_eq!(running.wait_for_change(), ["_posts/2026-01-02-a.md"]);
    assert_eq!(post.next().0, "reload");
    assert!(running.get("/2026/01/02/a/").2.contains("new"));

    // The first that the other page hears of is something else.
    site.write("assets/x.css", "b{}");
    assert_eq!(
        other.next(),
        ("files".to_owned(), "[\"/assets/x.css\"]".to_owned())
    );
}

#[test]
fn a_stylesheet_is_swapped_without_a_reload() {
    let site = a_site();
    let running = start(&site, options());
    let mut home = running.browse("/");
    site.write("assets/x.css", "b{}");
    assert_eq!(home.next().1, "[\"/assets/x.css\"]");
    assert_eq!(running.get("/assets/x.css").2, "b{}");
}

#[test]
fn sass_is_swapped_when_a_part_of_it_changes_its_css() {
    let site = a_site();
    site.write("_sass/_base.scss", "$a: red;");
    site.write("assets/s.scss", "@use 'base'; a { color: base.$a }");
    let running = start(&site, options());
    let mut home = running.browse("/");
    assert!(running.get("/assets/s.css").2.contains("red"));
    // The first that the page hears of is the second change: the first gives the same CSS.
    site.write("_sass/_base.scss", "$a: red; // the same");
    running.wait_for_change();
    site.write("_sass/_base.scss", "$a: blue;");
    assert_eq!(home.next().1, "[\"/assets/s.css\"]");
    assert!(running.get("/assets/s.css").2.contains("blue"));
}

#[test]
fn an_image_is_shown_anew_and_a_script_that_is_used_loads_the_page_again() {
    let site = a_site();
    site.write(
        "other.md",
        "---\n---\n<script src=\"/assets/z.js\"></script>\n",
    );
    site.write("assets/z.js", "1");
    let running = start(&site, options());
    let mut home = running.browse("/");
    let mut other = running.browse("/other/");
    site.write("assets/z.js", "2");
    assert_eq!(other.next().0, "reload");
    site.write("assets/y.png", "another");
    assert_eq!(
        home.next(),
        ("files".to_owned(), "[\"/assets/y.png\"]".to_owned())
    );
}

#[test]
fn what_is_no_part_of_the_site_is_not_told() {
    let site = a_site();
    site.write(
        "skep.toml",
        "title = 'T'\nexclude = ['notes/**', 'notes']\n",
    );
    site.write("notes/a.md", "one");
    let running = start(&site, options());
    let mut home = running.browse("/");
    site.write("notes/a.md", "two");
    site.write("_site/index.html", "built");
    site.write("_posts/.2026-01-02-a.md.swp", "x");
    site.write("_posts/.#2026-01-02-a.md", "x");
    // Settings that say the same change nothing either.
    site.write(
        "skep.toml",
        "title = 'T'\nexclude = ['notes/**', 'notes']\n# the same\n",
    );
    site.write("_posts/2026-01-02-a.md", "---\ntitle: Z\n---\n");
    assert_eq!(running.wait_for_change(), ["_posts/2026-01-02-a.md"]);
    assert_eq!(home.next().0, "reload");
}

#[test]
fn settings_change_what_they_set() {
    let site = a_site();
    site.write("_layouts/default.html", "<body>{{ site.title }}</body>");
    let running = start(&site, options());
    let mut home = running.browse("/");
    site.write("skep.toml", "title = 'Another'\n");
    assert_eq!(running.wait_for_change(), ["skep.toml"]);
    assert_eq!(home.next().0, "reload");
    assert!(running.get("/").2.contains("Another"));
}

#[test]
fn a_page_whose_url_is_not_ascii_is_reloaded_too() {
    let site = site(&[
        ("caf\u{e9}.txt", "a"),
        ("100% #1?.html", "<body>old</body>"),
    ]);
    let running = start(&site, options());
    let path = "/100%25%20%231%3F.html";
    assert_eq!(running.get("/caf%C3%A9.txt").2, "a");
    let (_, _, page) = running.get(path);
    let seen = page.split("data-seen=\"").nth(1).unwrap();
    let seen = seen.split('"').next().unwrap();
    let twice = path.replace('%', "%25");
    let mut listener = super::Listener {
        reader: running.connect(&format!(
            "GET /.skep/events?path={twice}&seen={seen} HTTP/1.1\r\nHost: {}\r\n\r\n",
            running.authority()
        )),
    };
    assert_eq!(listener.bar()["state"], "made");
    site.write("100% #1?.html", "<body>new</body>");
    assert_eq!(listener.next().0, "reload");
}

#[test]
fn the_bar_tells_how_much_would_be_published() {
    let site = site(&[("index.md", "---\ntitle: Home\n---\nHello\n")]);
    let options = PreviewOptions {
        review_url: Some("http://localhost:7537/review".into()),
        ..options()
    };
    let running = start(&site, options);
    let mut home = running.browse("/");
    assert_eq!(home.bar()["changes"], serde_json::Value::Null);
    let tell = running.preview.change_teller();
    for changes in [Some(3), Some(0), None] {
        tell(changes);
        assert_eq!(home.bar()["changes"], serde_json::json!(changes));
    }
    drop(running);
    tell(Some(1));
}

#[test]
fn the_bar_tells_the_state_of_the_page() {
    let site = a_site();
    site.write("_drafts/d.md", "---\ntitle: D\n---\n");
    site.write("_drafts/e.md", "---\ntitle: E\n---\n");
    site.write("_posts/2026-06-16-f.md", "---\ntitle: F\n---\n");
    site.write("u.md", "---\npublished: false\n---\n");
    let running = start(
        &site,
        skep_generator::preview::PreviewOptions {
            drafts: true,
            future: true,
            unpublished: true,
            review_url: Some("http://127.0.0.1:1/review".to_owned()),
            ..options()
        },
    );
    for (path, state) in [
        ("/2026/06/15/d/", "draft"),
        ("/2026/06/16/f/", "future"),
        ("/u/", "unpublished"),
        ("/2026/01/02/a/", "published"),
        ("/no/such/", "made"),
    ] {
        let bar = running.browse(path).bar();
        assert_eq!(bar["state"], state, "{path}");
        assert_eq!(bar["drafts"], 2);
        assert_eq!(bar["polls"], false);
        assert_eq!(bar["review"], "http://127.0.0.1:1/review");
        assert_eq!(bar["due"].is_number(), state == "future", "{path}");
    }
    // It is told again after each change, and is no part of a page.
    let mut home = running.browse("/");
    home.bar();
    std::fs::remove_file(site.path("_drafts/e.md")).unwrap();
    assert_eq!(home.bar()["drafts"], 1);
    assert!(!running.get("/").2.contains("127.0.0.1:1"));
}

#[test]
fn an_id_that_a_layout_gets_is_taken_from_headings_at_once() {
    let site = a_site();
    site.write("ids.md", "---\n---\n# Here\n");
    site.write("_layouts/x.html", "x");
    let running = start(&site, options());
    assert!(running.get("/ids/").2.contains("id=\"here\""));
    site.write("_layouts/x.html", "<i id=\"here\"></i>");
    running.wait_for_change();
    assert!(running.get("/ids/").2.contains("id=\"here-1\""));
    site.write("_layouts/x.html", "<i></i>");
    running.wait_for_change();
    assert!(running.get("/ids/").2.contains("id=\"here\""));
}
