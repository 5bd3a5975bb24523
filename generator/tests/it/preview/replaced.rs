//! Files that are read by another path than their own, and folders that are replaced.

use std::fs;
use std::os::unix::fs::symlink;

use skep_generator::preview::{Builder, PreviewEvent, PreviewOptions};

use super::{Running, a_site, options, start};

/// Waits until the page at `path` has `text`, by the changes that are told.
fn wait_for_text(running: &Running, path: &str, text: &str) {
    while !running.get(path).2.contains(text) {
        running.wait(|event| match event {
            PreviewEvent::Changed { .. } | PreviewEvent::Mended => Some(()),
            _ => None,
        });
    }
}

#[test]
fn what_a_link_leads_to_is_watched_wherever_it_is() {
    let site = a_site();
    site.write("parts/deep/page.md", "---\n---\none\n");
    site.write("parts/note.html", "part one");
    site.write("data/list.yml", "- one\n");
    for folder in ["_includes", "_data/nested"] {
        fs::create_dir_all(site.path(folder)).unwrap();
    }
    symlink("middle.md", site.path("linked.md")).unwrap();
    symlink("parts/deep/page.md", site.path("middle.md")).unwrap();
    symlink("../parts/note.html", site.path("_includes/note.html")).unwrap();
    symlink("../../data/list.yml", site.path("_data/nested/list.yml")).unwrap();
    site.write(
        "use.html",
        "---\n---\n{% include \"note.html\" %} {{ site.data.nested.list[0] }}",
    );
    let running = start(&site, options());
    assert!(running.get("/linked/").2.contains("one"));
    site.write("parts/deep/page.md", "---\n---\ntwo\n");
    wait_for_text(&running, "/linked/", "two");
    site.write("parts/note.html", "part two");
    wait_for_text(&running, "/use/", "part two");
    site.write("data/list.yml", "- second\n");
    wait_for_text(&running, "/use/", "second");
    // By rename, as editors save, and by a link in the middle that leads elsewhere from now on.
    site.write(".new", "---\n---\nthree\n");
    fs::rename(site.path(".new"), site.path("parts/deep/page.md")).unwrap();
    wait_for_text(&running, "/linked/", "three");
    site.write("parts/other.md", "---\n---\nfour\n");
    symlink("parts/other.md", site.path(".link")).unwrap();
    fs::rename(site.path(".link"), site.path("middle.md")).unwrap();
    wait_for_text(&running, "/linked/", "four");
    site.write("parts/other.md", "---\n---\nfive\n");
    wait_for_text(&running, "/linked/", "five");
}

#[test]
fn a_file_with_two_names_changes_by_both() {
    let site = a_site();
    site.write("first.md", "---\n---\none\n");
    fs::hard_link(site.path("first.md"), site.path("second.md")).unwrap();
    let running = start(&site, options());
    site.write("first.md", "---\n---\ntwo\n");
    wait_for_text(&running, "/second/", "two");
}

#[test]
fn settings_behind_a_link_are_watched() {
    let site = a_site();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("mine.toml");
    fs::write(&file, "title = 'One'\n").unwrap();
    fs::remove_file(site.path("skep.toml")).unwrap();
    symlink(&file, site.path("skep.toml")).unwrap();
    site.write("title.html", "---\n---\n{{ site.title }}");
    let running = start(&site, options());
    assert!(running.get("/title/").2.contains("One"));
    fs::write(&file, "title = 'Two'\n").unwrap();
    wait_for_text(&running, "/title/", "Two");
}

#[test]
fn a_folder_that_is_gone_is_said_and_another_one_in_its_place_is_shown() {
    let site = a_site();
    let away = tempfile::tempdir().unwrap();
    let running = start(&site, options());
    fs::rename(site.dir(), away.path().join("old")).unwrap();
    running.wait(|event| match event {
        PreviewEvent::Failed(error) => error.to_string().contains("is gone").then_some(()),
        _ => None,
    });
    // What was read last is shown meanwhile.
    assert_eq!(running.get("/").0, 200);
    site.write("skep.toml", "title = 'New'\n");
    site.write("index.html", "---\n---\nanother site\n");
    wait_for_text(&running, "/", "another site");
    site.write("index.html", "---\n---\nsaved there\n");
    wait_for_text(&running, "/", "saved there");
}

#[test]
fn a_copy_of_equal_size_and_time_has_another_tag_and_is_noticed_by_polling() {
    let site = a_site();
    site.write("page.md", "---\n---\none\n");
    site.write("x.txt", "one");
    let polling = PreviewOptions {
        polling: true,
        ..options()
    };
    let running = start(&site, polling);
    let tag = |head: &str| {
        let line = head
            .lines()
            .find(|line| line.to_ascii_lowercase().starts_with("etag:"));
        line.unwrap().to_owned()
    };
    let before = tag(&running.get("/x.txt").1);
    assert_eq!(before, tag(&running.get("/x.txt").1));
    for (path, text) in [("x.txt", "two"), ("page.md", "---\n---\ntwo\n")] {
        let time = fs::metadata(site.path(path)).unwrap().modified().unwrap();
        site.write(".copy", text);
        let copy = fs::File::options()
            .write(true)
            .open(site.path(".copy"))
            .unwrap();
        copy.set_modified(time).unwrap();
        fs::rename(site.path(".copy"), site.path(path)).unwrap();
    }
    assert_ne!(before, tag(&running.get("/x.txt").1));
    wait_for_text(&running, "/page/", "two");
}

#[test]
fn a_folder_that_nobody_builds_is_shown_as_it_is_and_live() {
    let site = a_site();
    site.write(
        "skep.toml",
        "include = ['.htaccess']\n[build]\nengine = 'static'\n",
    );
    site.write("plain.html", "<body>---{{ one }}</body>");
    site.write("f.mjs", "export {}");
    site.write(".htaccess", "x");
    site.write(".env", "x");
    let running = start(&site, options());
    let mut page = running.browse("/plain.html");
    assert!(running.get("/plain").2.contains("---{{ one }}"));
    assert!(running.get("/f.mjs").1.contains("text/javascript"));
    assert_eq!(running.get("/.htaccess").0, 200);
    for path in ["/.env", "/skep.toml", "/feed.xml"] {
        assert_eq!(running.get(path).0, 404, "{path}");
    }
    site.write("plain.html", "<body>two</body>");
    assert_eq!(page.next().0, "reload");
}

#[test]
fn what_another_program_builds_is_shown_and_its_failure_lies_over_it() {
    let site = a_site();
    let table = "[build]\nengine = 'command'\ncommand = 'x'\noutput = 'public'\n";
    site.write("skep.toml", table);
    site.write("text.md", "one");
    let (from, to) = (site.path("text.md"), site.path("public"));
    let builder = Builder::new(move || {
        let text = fs::read_to_string(&from).unwrap();
        fs::create_dir_all(&to).unwrap();
        fs::write(to.join("index.html"), format!("<body>{text}</body>")).unwrap();
        match text.contains("bad") {
            true => Err(skep_generator::Error::new(
                skep_generator::ErrorKind::Build,
                "it says: bad text",
            )),
            false => Ok(()),
        }
    });
    let running = start(
        &site,
        PreviewOptions {
            builder: Some(builder),
            ..options()
        },
    );
    let mut first = running.browse("/");
    if !running.get("/").2.contains("one") {
        assert_eq!(first.next().0, "reload");
    }
    let mut home = running.browse("/");
    site.write("text.md", "bad");
    let (name, data) = home.next();
    assert_eq!((name.as_str(), data.contains("bad text")), ("failed", true));
    site.write("text.md", "two");
    wait_for_text(&running, "/", "two");
}
