//! How a change is noticed.

use std::fs::{self, File};
use std::io::Write;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use skep_generator::preview::{PreviewEvent, PreviewOptions};

use crate::support::now;

use super::{a_site, options, start};

#[test]
fn an_editor_that_writes_by_rename_is_noticed() {
    let site = a_site();
    let running = start(&site, options());
    let mut home = running.browse("/");
    site.write(".a.tmp", "---\ntitle: Renamed\n---\n");
    std::fs::rename(site.path(".a.tmp"), site.path("_posts/2026-01-02-a.md")).unwrap();
    assert_eq!(home.next().0, "reload");
    assert!(running.get("/").2.contains("Renamed"));
}

#[test]
fn polling_notices_changes_too() {
    let site = a_site();
    let running = start(
        &site,
        PreviewOptions {
            polling: true,
            ..options()
        },
    );
    let mut home = running.browse("/");
    site.write("_posts/2026-01-03-b.md", "---\ntitle: New\n---\n");
    assert_eq!(home.next().0, "reload");
}

#[test]
fn a_half_written_file_is_never_shown() {
    let site = a_site();
    let running = start(&site, options());
    let mut home = running.browse("/");
    // As most editors save: the file is emptied, then written in parts.
    let mut file = File::create(site.path("_posts/2026-01-02-a.md")).unwrap();
    for part in ["---\nti", "tle: Wh", "ole\n---\n"] {
        file.write_all(part.as_bytes()).unwrap();
        file.sync_all().unwrap();
    }
    drop(file);
    running.wait(|event| match event {
        PreviewEvent::Changed { .. } => Some(()),
        PreviewEvent::Failed(error) => panic!("{error}"),
        _ => None,
    });
    assert_eq!(home.next().0, "reload");
    assert!(running.get("/").2.contains("Whole"));
}

#[test]
fn an_editor_that_moves_the_old_file_away_first_shows_no_gap() {
    let site = a_site();
    let running = start(&site, options());
    let mut post = running.browse("/2026/01/02/a/");
    // As vim and Emacs save: a lock, a backup under another name, and the new file under the old name.
    site.write("_posts/.#2026-01-02-a.md", "lock");
    site.write("_posts/4913", "");
    fs::remove_file(site.path("_posts/4913")).unwrap();
    let path = site.path("_posts/2026-01-02-a.md");
    fs::rename(&path, site.path("_posts/2026-01-02-a.md~")).unwrap();
    site.write("_posts/2026-01-02-a.md", "---\ntitle: A\n---\nsaved\n");
    fs::remove_file(site.path("_posts/2026-01-02-a.md~")).unwrap();
    assert_eq!(running.wait_for_change(), ["_posts/2026-01-02-a.md"]);
    assert_eq!(post.next().0, "reload");
    assert!(running.get("/2026/01/02/a/").2.contains("saved"));
}

#[test]
fn a_folder_that_is_moved_away_and_back_is_still_watched() {
    let site = a_site();
    let running = start(&site, options());
    let mut home = running.browse("/");
    fs::rename(site.path("_posts"), site.path(".away")).unwrap();
    assert_eq!(home.next().0, "reload");
    let mut home = running.browse("/");
    fs::rename(site.path(".away"), site.path("_posts")).unwrap();
    assert_eq!(home.next().0, "reload");
    let mut home = running.browse("/");
    site.write("_posts/2026-01-02-a.md", "---\ntitle: Once more\n---\n");
    assert_eq!(home.next().0, "reload");
    assert!(running.get("/").2.contains("Once more"));
}

#[test]
fn a_new_folder_is_watched_with_all_that_is_in_it() {
    let site = a_site();
    let running = start(&site, options());
    site.write("deep/er/page.md", "---\n---\none\n");
    running.wait_for_change();
    let mut page = running.browse("/deep/er/page/");
    site.write("deep/er/page.md", "---\n---\ntwo\n");
    assert_eq!(page.next().0, "reload");
    assert!(running.get("/deep/er/page/").2.contains("two"));
}

#[test]
fn a_thousand_files_at_once_are_one_site_in_the_end() {
    let site = a_site();
    let running = start(&site, options());
    for number in 0..1000 {
        site.write(&format!("_posts/2026-02-01-p{number}.md"), "---\n---\n");
    }
    site.write("last.md", "---\n---\nlast\n");
    while !running.wait_for_change().contains(&"last.md".to_owned()) {}
    let home = running.get("/").2;
    assert!(home.contains("P999") && home.contains("P0 "), "{home}");
    // `git checkout` of the branch before.
    for number in 0..1000 {
        fs::remove_file(site.path(&format!("_posts/2026-02-01-p{number}.md"))).unwrap();
    }
    fs::remove_file(site.path("last.md")).unwrap();
    while !running.wait_for_change().contains(&"last.md".to_owned()) {}
    assert!(!running.get("/").2.contains("P999"));
}

#[test]
fn polling_is_said_only_if_nobody_asked_for_it_and_an_error_only_once() {
    let site = a_site();
    let polling = PreviewOptions {
        polling: true,
        ..options()
    };
    let running = start(&site, polling);
    assert_eq!(running.browse("/").bar()["polls"], true);
    site.write("_posts/2026-01-02-a.md", "---\ndate: x\n---\n");
    running.wait(|event| match event {
        PreviewEvent::Failed(_) => Some(()),
        PreviewEvent::Polling(_) => panic!("somebody asked for it"),
        _ => None,
    });
    site.write("_posts/2026-01-02-a.md", "---\ntitle: A\n---\nmended\n");
    let next = running.events.recv_timeout(super::BOUND).unwrap();
    assert!(matches!(next, PreviewEvent::Changed { .. }), "{next:?}");
}

/// A clock that the tests of this module set, in seconds since 1970.
static CLOCK: AtomicI64 = AtomicI64::new(0);

fn clock() -> Timestamp {
    Timestamp::from_second(CLOCK.load(Ordering::SeqCst)).unwrap()
}

#[test]
fn a_post_that_becomes_due_appears_and_goes_if_the_clock_is_set_back() {
    CLOCK.store(now().as_second(), Ordering::SeqCst);
    let site = a_site();
    site.write("skep.toml", "exclude = ['wake']\n");
    site.write(
        "_posts/2026-01-02-a.md",
        "---\ntitle: Due\ndate: 2026-06-16 12:00\n---\n",
    );
    let running = start(&site, PreviewOptions { clock, ..options() });
    assert!(!running.get("/").2.contains("Due"));
    let mut home = running.browse("/");
    // A day later, as after a sleep. Any sign wakes the watcher, which else looks at the clock twice a minute.
    CLOCK.fetch_add(86_400, Ordering::SeqCst);
    site.write("wake", "1");
    assert!(running.wait_for_change().is_empty());
    assert_eq!(home.next().0, "reload");
    assert!(running.get("/").2.contains("Due"));
    let mut home = running.browse("/");
    CLOCK.fetch_sub(86_400, Ordering::SeqCst);
    site.write("wake", "2");
    assert_eq!(home.next().0, "reload");
    assert!(!running.get("/").2.contains("Due"));
}
