//! The browser follows what is saved.

use skep_generator::preview::PreviewOptions;

use super::{a_site, options, start};

fn following() -> PreviewOptions {
    PreviewOptions {
        drafts: true,
        follow: true,
        ..options()
    }
}

#[test]
fn the_browser_goes_to_the_page_of_what_was_saved() {
    let site = a_site();
    let running = start(&site, following());
    let mut home = running.browse("/");
    site.write("_posts/2026-01-02-a.md", "---\ntitle: A\n---\nnew\n");
    assert_eq!(
        home.next(),
        ("go".to_owned(), "\"/2026/01/02/a/\"".to_owned())
    );

    let mut post = running.browse("/2026/01/02/a/");
    site.write("_drafts/idea.md", "---\ntitle: Idea\n---\n");
    assert_eq!(post.next().1, "\"/2026/06/15/idea/\"");
}

#[test]
fn the_page_that_is_shown_is_only_reloaded() {
    let site = a_site();
    let running = start(&site, following());
    let mut post = running.browse("/2026/01/02/a/");
    site.write("_posts/2026-01-02-a.md", "---\ntitle: A\n---\nnew\n");
    assert_eq!(post.next().0, "reload");
}

#[test]
fn nobody_goes_anywhere_for_a_layout_a_stylesheet_or_many_files() {
    let site = a_site();
    let running = start(&site, following());
    let mut other = running.browse("/other/");
    site.write(
        "_layouts/default.html",
        "<body>new {{ content | safe }}</body>",
    );
    assert_eq!(other.next().0, "reload");
    let mut other = running.browse("/other/");
    site.write("assets/x.css", "b{}");
    assert_eq!(other.next().0, "files");
    // A folder comes as one change.
    site.write(".new/2026-01-03-b.md", "---\n---\n");
    site.write(".new/2026-01-04-c.md", "---\n---\n");
    std::fs::rename(site.path(".new"), site.path("_posts/more")).unwrap();
    assert_eq!(running.wait_for_change(), ["_layouts/default.html"]);
    assert_eq!(running.wait_for_change(), ["assets/x.css"]);
    assert_eq!(running.wait_for_change().len(), 2);
    site.write("other.md", "---\n---\nanother\n");
    assert_eq!(other.next().0, "reload");
}

#[test]
fn a_page_that_can_not_be_shown_is_an_error_over_the_present_one() {
    let site = a_site();
    let running = start(&site, following());
    let mut home = running.browse("/");
    site.write("bad.html", "---\n---\n{{ page.nothing.more }}");
    assert_eq!(home.next().0, "failed");
}
