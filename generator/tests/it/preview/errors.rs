//! What happens while the site is broken.

use std::fs;

use skep_generator::preview::PreviewEvent;

use super::{Running, a_site, options, start};

fn wait_for_failure(running: &Running) -> String {
    running.wait(|event| match event {
        PreviewEvent::Failed(error) => Some(error.to_string()),
        _ => None,
    })
}

#[test]
fn an_error_lies_over_the_page_until_it_is_mended() {
    let site = a_site();
    let running = start(&site, options());
    let mut home = running.browse("/");
    site.write("_posts/2026-01-02-a.md", "---\ntitle: A\ndate: x\n---\n");
    let (name, data) = home.next();
    assert_eq!(name, "failed");
    let errors: serde_json::Value = serde_json::from_str(&data).unwrap();
    assert_eq!(errors[0]["file"], "_posts/2026-01-02-a.md");
    assert_eq!(errors[0]["line"], 3);
    assert_eq!(errors[0]["excerpt"], "date: x");
    running.wait(|event| matches!(event, PreviewEvent::Failed(_)).then_some(()));
    // Meanwhile the last good page is shown, and a browser that comes is told.
    assert_eq!(running.get("/").0, 200);
    assert_eq!(running.browse("/").next().0, "failed");

    site.write("_posts/2026-01-02-a.md", "---\ntitle: A\n---\nold\n");
    assert_eq!(home.next().0, "mended");
    running.wait(|event| matches!(event, PreviewEvent::Mended).then_some(()));
}

#[test]
fn a_broken_page_shows_its_error_and_reloads_when_it_is_mended() {
    let site = a_site();
    site.write("bad.html", "---\n---\n{{ page.nothing.more }}");
    let running = start(&site, options());
    let (status, _, body) = running.get("/bad/");
    assert_eq!(status, 500);
    assert!(body.contains("bad.html:3:"), "{body}");
    let mut bad = running.browse("/bad/");
    site.write("bad.html", "---\n---\nfine");
    assert_eq!(bad.next().0, "reload");
    assert_eq!(running.get("/bad/").0, 200);
}

#[test]
fn a_site_that_is_broken_at_the_start_or_in_its_settings_goes_on_when_mended() {
    let site = a_site();
    site.write("skep.toml", "title = \n");
    let running = start(&site, options());
    running.wait(|event| matches!(event, PreviewEvent::Failed(_)).then_some(()));
    assert_eq!(running.get("/").0, 500);
    let mut home = running.browse("/");
    site.write("skep.toml", "title = 'T'\n");
    assert_eq!(home.next().0, "reload");
    assert_eq!(running.get("/").0, 200);
}

#[test]
fn layouts_that_are_gone_for_a_while_are_no_more_than_an_error() {
    let site = a_site();
    let running = start(&site, options());
    let mut home = running.browse("/");
    site.write("index.html", "---\nlayout: own\n---\nhome\n");
    assert_eq!(home.next().0, "failed");
    site.write(
        "_layouts/own.html",
        "<body>own: {{ content | safe }}</body>",
    );
    assert_eq!(home.next().0, "reload");
    // As `git checkout` and `git rebase` do.
    let mut home = running.browse("/");
    fs::rename(site.path("_layouts"), site.path(".layouts")).unwrap();
    assert_eq!(home.next().0, "failed");
    assert!(running.get("/").2.contains("own: home"));
    fs::rename(site.path(".layouts"), site.path("_layouts")).unwrap();
    assert_eq!(home.next().0, "mended");
    site.write(
        "_layouts/own.html",
        "<body>again: {{ content | safe }}</body>",
    );
    assert_eq!(home.next().0, "reload");
    assert!(running.get("/").2.contains("again: home"));
}

#[test]
fn broken_settings_show_the_last_good_page() {
    let site = a_site();
    let running = start(&site, options());
    let mut home = running.browse("/");
    site.write("skep.toml", "title = [\n");
    let (name, data) = home.next();
    assert_eq!(name, "failed");
    assert!(data.contains("skep.toml"), "{data}");
    assert_eq!(running.get("/").0, 200);
    // What changes meanwhile is not lost.
    site.write("_posts/2026-01-02-a.md", "---\ntitle: Meanwhile\n---\n");
    wait_for_failure(&running);
    site.write("skep.toml", "title = 'T'\n");
    assert!(matches!(home.next().0.as_str(), "failed" | "reload"));
    running.wait(|event| matches!(event, PreviewEvent::Mended).then_some(()));
    assert!(running.get("/").2.contains("Meanwhile"));
}

#[test]
fn all_errors_are_shown_at_once() {
    let site = a_site();
    let running = start(&site, options());
    let mut home = running.browse("/");
    site.write("_posts/2026-01-02-a.md", "---\ndate: x\n---\n");
    assert_eq!(home.next().0, "failed");
    site.write("_posts/2026-01-03-b.md", "---\ndate: y\n---\n");
    let (_, data) = home.next();
    let errors: Vec<serde_json::Value> = serde_json::from_str(&data).unwrap();
    let files: Vec<_> = errors.iter().map(|error| &error["file"]).collect();
    assert_eq!(files, ["_posts/2026-01-02-a.md", "_posts/2026-01-03-b.md"]);
    fs::remove_file(site.path("_posts/2026-01-03-b.md")).unwrap();
    let (_, data) = home.next();
    assert!(!data.contains("_posts/2026-01-03-b.md"), "{data}");
}

#[test]
fn a_saved_page_that_can_not_be_rendered_is_told_whatever_is_shown() {
    let site = a_site();
    let running = start(&site, options());
    let mut home = running.browse("/");
    site.write("bad.html", "---\n---\n{{ page.nothing.more }}");
    assert!(home.next().1.contains("bad.html"));
    assert!(wait_for_failure(&running).contains("bad.html:3"));
    // Another change does not make it good.
    site.write("other.md", "---\n---\nanother\n");
    assert!(wait_for_failure(&running).contains("bad.html:3"));
    assert_eq!(home.next().0, "failed");
    site.write("bad.html", "---\n---\ngood");
    running.wait(|event| matches!(event, PreviewEvent::Mended).then_some(()));
    assert_eq!(home.next().0, "mended");
}

#[test]
fn the_folder_of_the_site_may_go_and_come_back() {
    let site = a_site();
    let running = start(&site, options());
    fs::remove_file(site.path("skep.toml")).unwrap();
    assert!(wait_for_failure(&running).contains("skep.toml"));
    assert_eq!(running.get("/").0, 200);
    site.write("skep.toml", "title = 'T'\n");
    running.wait(|event| matches!(event, PreviewEvent::Mended).then_some(()));
}
