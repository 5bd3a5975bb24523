//! A site that is read again and again is the one that is read once.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::{Change, LoadOptions, Loader};
use crate::render::render;
use crate::site::Site;

fn options() -> LoadOptions {
    LoadOptions {
        drafts: true,
        ..LoadOptions::published("2026-06-15T12:00:00Z".parse().unwrap())
    }
}

/// Everything that a site comes to: each output or why it can't be rendered, and what is odd about it.
fn everything(site: &Site) -> Vec<String> {
    let outputs = site.paths().map(|path| match render(site, path) {
        Ok(bytes) => format!("{path}: {}", String::from_utf8_lossy(&bytes)),
        Err(error) => format!("{path}: error: {error}"),
    });
    let notes = site.notes().iter().map(|note| format!("note: {note}"));
    outputs.chain(notes).collect()
}

const LAYOUT: &str = "<title>{{ page.title }}</title>{{ content | safe }}\
    {% for post in site.posts %}{{ post.title }}: {{ post.content | safe }}|{% endfor %}\
    {% for page in site.pages %}{{ page.url }}{{ page.content | safe }}|{% endfor %}\
    {% for term in site.tags %}{{ term.name }}{% for p in term.posts %}{{ p.excerpt | safe }}{% endfor %}{% endfor %}\
    {% for d in site.notes %}{{ d.content | safe }}{% endfor %}";

fn write(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn begin(dir: &Path) {
    write(
        dir,
        "skep.toml",
        "title = 'T'\nurl = 'https://example.org'\n[collections.notes]\n",
    );
    write(dir, "_layouts/default.html", LAYOUT);
    for post in 1..=4 {
        let text = format!("---\ntitle: P{post}\ntags: [a, t{post}]\n---\nText {post}\n");
        write(dir, &format!("_posts/2026-01-0{post}-p{post}.md"), &text);
    }
    write(dir, "_notes/n.md", "---\ntitle: N\n---\nnote\n");
    write(dir, "_drafts/d.md", "---\ntitle: D\n---\ndraft\n");
    write(
        dir,
        "page.md",
        "---\ntitle: Page\n---\n[a](_posts/2026-01-01-p1.md#part)\n",
    );
    write(dir, "assets/a.css", "a{}");
}

/// One change: the paths that it touches. Some make a site that can't be loaded, which the next may mend.
fn change(dir: &Path, kind: u8, file: u8, text: &str) -> Vec<String> {
    let paths = [
        "_posts/2026-01-01-p1.md",
        "_posts/2026-01-02-p2.md",
        "_posts/2026-01-03-p3.md",
        "_notes/n.md",
        "_drafts/d.md",
        "page.md",
    ];
    let path = paths[usize::from(file) % paths.len()];
    let old = fs::read_to_string(dir.join(path)).unwrap_or_default();
    let body = old.splitn(3, "---\n").nth(2).unwrap_or_default().to_owned();
    let front = old[..old.len() - body.len()].to_owned();
    match kind {
        // The text of a page, of two, or of one that is broken: most changes are such.
        0..=3 => write(dir, path, &format!("{front}{text}\n")),
        4 => {
            write(dir, path, &format!("{front}{text} 1\n"));
            write(
                dir,
                paths[0],
                &format!("---\ntitle: P1\ntags: [a, t1]\n---\n{text} 2\n"),
            );
            return vec![path.to_owned(), paths[0].to_owned(), path.to_owned()];
        }
        5 => write(
            dir,
            path,
            &format!("---\ntitle: '{text}'\ntags: [a, b]\n---\n{body}"),
        ),
        6 => write(
            dir,
            path,
            &format!(
                "---\ntitle: X\ndate: 2026-02-0{}\n---\n{body}",
                file % 9 + 1
            ),
        ),
        7 => {
            let _ = fs::remove_file(dir.join(path));
        }
        8 => write(
            dir,
            path,
            &format!("---\ntitle: H\n---\n# {text}\n## Part\n\n[x](page.md#nowhere)\n"),
        ),
        9 => write(dir, path, "---\ntitle: [\n---\n"),
        10 => {
            write(dir, "assets/a.css", text);
            return vec!["assets/a.css".to_owned()];
        }
        11 => {
            write(
                dir,
                "_layouts/default.html",
                &format!("{LAYOUT}{}", text.len()),
            );
            return vec!["_layouts/default.html".to_owned()];
        }
        _ => write(
            dir,
            path,
            &format!("---\ntitle: L\n---\n{body}\n[gone](missing.md)\n"),
        ),
    }
    vec![path.to_owned()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn a_followed_site_is_the_one_that_is_read_anew(
        changes in proptest::collection::vec((0..13_u8, 0..6_u8, "[a-z]{1,6}( [a-z]{1,6}){0,3}"), 1..14)
    ) {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        begin(dir);
        let mut loader = Loader::default();
        loader.load(dir, &options(), &Change::Unknown).unwrap();
        for (kind, file, text) in changes {
            let paths = change(dir, kind, file, &text);
            let followed = loader.load(dir, &options(), &Change::Paths(paths));
            let fresh = super::load(dir, &options());
            match (followed, fresh) {
                (Ok(followed), Ok(fresh)) => prop_assert_eq!(everything(&followed), everything(&fresh)),
                (Err(followed), Err(fresh)) => prop_assert_eq!(followed.to_string(), fresh.to_string()),
                (followed, fresh) => prop_assert!(false, "{:?} {:?}", followed.err(), fresh.err()),
            }
        }
    }
}

#[test]
fn a_change_of_a_text_makes_nothing_else_anew() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    begin(dir);
    let mut loader = Loader::default();
    let before = loader.load(dir, &options(), &Change::Unknown).unwrap();
    let mut load = |path: &str| {
        let change = Change::Paths(vec![path.to_owned()]);
        loader.load(dir, &options(), &change).unwrap()
    };
    write(
        dir,
        "_posts/2026-01-01-p1.md",
        "---\ntitle: P1\ntags: [a, t1]\n---\nAnother\n",
    );
    let followed = load("_posts/2026-01-01-p1.md");
    assert!(std::sync::Arc::ptr_eq(&before.files, &followed.files));
    assert_eq!(
        everything(&followed),
        everything(&super::load(dir, &options()).unwrap())
    );
    write(
        dir,
        "_posts/2026-01-01-p1.md",
        "---\ntitle: Another\n---\nAnother\n",
    );
    let anew = load("_posts/2026-01-01-p1.md");
    assert!(!std::sync::Arc::ptr_eq(&before.files, &anew.files));
}
