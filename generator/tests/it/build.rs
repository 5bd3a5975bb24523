//! Builds: the same everywhere, and careful with what is there.

use std::fs;

use skep_generator::{BuildManifest, ErrorKind, LoadOptions, Mark, build, load, record_of};

use crate::support::{TestSite, published, site, tree};

fn a_site() -> TestSite {
    let site = site(&[
        (
            "_layouts/tag.html",
            "{% for p in page.tag.posts %}{{ p.title }}{% endfor %}",
        ),
        ("skep.toml", "title = 'T'\nurl = 'https://h'\n"),
        ("assets/x.css", "a{}"),
        ("about.md", "---\ntitle: About\n---\n"),
    ]);
    for day in 1..=20 {
        let text = format!(
            "---\ntags: [a{}, b, c]\nz: {{x: 1, y: 2}}\n---\n# H {day}\n",
            day % 3
        );
        site.write(&format!("_posts/2026-01-{day:02}-post.md"), &text);
    }
    site
}

#[test]
fn the_bytes_are_the_same_for_any_threads_folder_and_order() {
    let first = a_site();
    // The same site, its files made in another order in another place.
    let second = site(&[]);
    let mut files: Vec<_> = tree(first.dir()).into_iter().collect();
    files.reverse();
    for (path, bytes) in files {
        second.write(&path, std::str::from_utf8(&bytes).unwrap());
    }
    let outputs = [(&first, 1), (&first, 4), (&second, 4)].map(|(site, threads)| {
        let out = tempfile::tempdir().unwrap();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| build(&site.load(), out.path())).unwrap();
        tree(out.path())
    });
    assert!(outputs[0].len() > 25);
    assert!(outputs[0] == outputs[1] && outputs[1] == outputs[2]);
}

#[test]
fn only_what_changed_is_written_and_what_is_gone_is_removed() {
    let site = a_site();
    let out = site.path("_site");
    let first = build(&site.load(), &out).unwrap();
    assert_eq!(first.written, first.manifest.files.len());
    let size: usize = tree(&out).values().map(Vec::len).sum();
    assert_eq!(first.bytes, size as u64);

    let again = build(&site.load(), &out).unwrap();
    assert_eq!((again.written, again.removed), (0, 0));

    fs::remove_file(site.path("_posts/2026-01-20-post.md")).unwrap();
    site.write("assets/x.css", "b{}");
    site.write("_site/left/over.txt", "x");
    let report = build(&site.load(), &out).unwrap();
    assert!(!out.join("2026/01/20").exists(), "an empty folder is left");
    assert!(out.join("2026/01/19").exists());
    assert!(!out.join("left").exists());
    assert_eq!(report.removed, 2);
    assert_eq!(fs::read_to_string(out.join("assets/x.css")).unwrap(), "b{}");
    let expected: Vec<String> = report.manifest.files.keys().cloned().collect();
    assert_eq!(tree(&out).into_keys().collect::<Vec<_>>(), expected);
}

#[test]
fn a_failed_build_leaves_the_last_one_as_it_was() {
    let site = a_site();
    let out = site.path("_site");
    build(&site.load(), &out).unwrap();
    let before = tree(&out);
    site.write("assets/x.css", "changed{}");
    site.write("broken.html", "---\n---\n{{ page.nothing.more }}");
    assert!(build(&site.load(), &out).is_err());
    assert!(tree(&out) == before);
}

#[test]
fn the_sources_are_those_of_what_is_published_and_no_others() {
    let site = a_site();
    for day in 2..=20 {
        fs::remove_file(site.path(&format!("_posts/2026-01-{day:02}-post.md"))).unwrap();
    }
    site.write("skep.toml", "title = 'T'\nexclude = ['notes']\n");
    site.write("_includes/a.html", "an include");
    site.write("_data/bees.yml", "- one\n");
    site.write("_drafts/idea.md", "");
    site.write("_posts/2027-01-01-later.md", "");
    site.write(
        "_posts/2026-01-02-hidden.md",
        "---\npublished: false\n---\n",
    );
    site.write("a-draft.md", "---\ndraft: true\n---\n");
    site.write("notes/a.md", "left out");
    site.write("_site/old.html", "built");
    site.write(".env", "SECRET=1");
    let built = |options: LoadOptions| {
        let site = load(site.dir(), &options).unwrap();
        assert_eq!(
            build(&site, tempfile::tempdir().unwrap().path())
                .unwrap()
                .manifest
                .sources,
            site.sources()
        );
        site.sources()
    };
    let published_ones = [
        "_data/bees.yml",
        "_includes/a.html",
        "_layouts/default.html",
        "_layouts/page.html",
        "_layouts/post.html",
        "_layouts/tag.html",
        "_posts/2026-01-01-post.md",
        "about.md",
        "assets/x.css",
        "skep.toml",
    ];
    assert_eq!(built(published()), published_ones);
    let with_drafts = built(LoadOptions {
        drafts: true,
        ..published()
    });
    assert!(
        with_drafts.contains(&"_drafts/idea.md".to_owned()),
        "{with_drafts:?}"
    );
}

#[test]
fn the_manifest_lies_beside_the_output_and_says_what_came_from_where() {
    let site = a_site();
    site.write("_drafts/idea.md", "");
    site.write("_posts/2027-01-01-later.md", "");
    let options = LoadOptions {
        drafts: true,
        future: true,
        ..published()
    };
    let report = build(&load(site.dir(), &options).unwrap(), &site.path("_site")).unwrap();
    let text = fs::read(site.path("_site.skep.json")).unwrap();
    let manifest: BuildManifest = serde_json::from_slice(&text).unwrap();
    assert_eq!(manifest, report.manifest);
    assert!(manifest.drafts && manifest.future && !manifest.unpublished);
    assert_eq!(manifest.base_url.as_deref(), Some("https://h"));
    let idea = &manifest.files["2026/06/15/idea/index.html"];
    assert_eq!(
        (idea.source.as_deref(), idea.draft),
        (Some("_drafts/idea.md"), true)
    );
    assert!(manifest.files["2027/01/01/later/index.html"].future);
    assert_eq!(manifest.files["feed.xml"].source, None);
}

#[test]
fn the_record_of_an_output_says_what_was_asked_for() {
    let site = a_site();
    site.write("_drafts/idea.md", "");
    site.write("a \"b\" \u{e9}.txt", "a name that JSON writes with escapes");
    let options = LoadOptions {
        drafts: true,
        ..published()
    };
    let out = site.path("_site");
    let idea = "2026/06/15/idea/index.html";
    let asked = ["nowhere.html", idea, "a \"b\" \u{e9}.txt", "index.html"];
    assert_eq!(record_of(&out, asked).unwrap(), None);
    build(&load(site.dir(), &options).unwrap(), &out).unwrap();
    let record = record_of(&out, asked).unwrap().unwrap();
    let draft = Mark {
        draft: true,
        ..Mark::default()
    };
    let plain = Some(Mark::default());
    assert_eq!(record.marks, [None, Some(draft), plain, plain]);
    assert_eq!(record.as_of, options.as_of);

    // A build of another version of skep, and one that is damaged.
    let text = fs::read_to_string(site.path("_site.skep.json")).unwrap();
    for text in [
        text.replace("\"format\": 1", "\"format\": 2"),
        text[..text.len() / 2].to_owned(),
    ] {
        site.write("_site.skep.json", &text);
        assert_eq!(record_of(&out, asked).unwrap(), None);
    }
}

#[test]
fn a_build_that_was_cut_short_is_cleaned_up_by_the_next() {
    let site = a_site();
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("www");
    build(&site.load(), &out).unwrap();
    // What an interrupted build has announced and written, but not finished.
    let manifest = parent.path().join("www.skep.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"feed.xml\"", "\"gone.xml\"")).unwrap();
    fs::write(out.join("gone.xml"), "x").unwrap();
    fs::write(out.join("assets/.skep-tmp-1-2"), "x").unwrap();
    let report = build(&site.load(), &out).unwrap();
    let expected: Vec<String> = report.manifest.files.into_keys().collect();
    assert_eq!(tree(&out).into_keys().collect::<Vec<_>>(), expected);
}

#[test]
fn folders_that_are_not_ours_are_refused() {
    let site = a_site();
    let loaded = site.load();
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("thesis.doc"), "x").unwrap();
    for out in [
        site.dir().to_owned(),
        site.dir().parent().unwrap().to_owned(),
        site.path("public"),
        site.path("_posts"),
        site.path("skep.toml"),
        site.path("public/../assets"),
        other.path().to_owned(),
        "/".into(),
    ] {
        let before = tree(site.dir());
        let error = build(&loaded, &out).unwrap_err();
        assert!(
            matches!(error.kind, ErrorKind::Output | ErrorKind::Io),
            "{error}"
        );
        assert!(tree(site.dir()) == before, "{}", out.display());
    }
    assert_eq!(
        fs::read_to_string(other.path().join("thesis.doc")).unwrap(),
        "x"
    );

    site.write("skep.toml", "exclude = ['public']\n");
    build(&site.load(), &site.path("public")).unwrap();
}

#[test]
fn files_that_a_build_did_not_write_stay_in_another_folder() {
    let site = a_site();
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("www");
    build(&site.load(), &out).unwrap();
    fs::write(out.join("CNAME"), "example.org").unwrap();
    fs::create_dir(out.join(".git")).unwrap();
    fs::write(out.join(".git/HEAD"), "x").unwrap();
    fs::remove_file(site.path("about.md")).unwrap();
    let report = build(&site.load(), &out).unwrap();
    assert_eq!(report.removed, 1);
    assert!(out.join("CNAME").exists() && out.join(".git/HEAD").exists());
    assert!(!out.join("about").exists());

    // What is in the way is told, not removed.
    fs::create_dir(out.join("mine")).unwrap();
    fs::write(out.join("mine/x"), "x").unwrap();
    site.write("mine", "a file");
    assert_eq!(
        build(&site.load(), &out).unwrap_err().kind,
        ErrorKind::Output
    );
    fs::remove_file(site.path("mine")).unwrap();
    site.write("CNAME/x", "in a folder");
    assert_eq!(
        build(&site.load(), &out).unwrap_err().kind,
        ErrorKind::Output
    );
    assert!(out.join("CNAME").is_file() && out.join("mine/x").exists());
}

#[cfg(unix)]
#[test]
fn nothing_outside_the_output_is_touched_through_a_link() {
    use std::os::unix::fs::symlink;
    let site = a_site();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x.css"), "mine").unwrap();
    site.write("assets/same.css", "same");
    fs::write(outside.path().join("same.css"), "same").unwrap();
    fs::create_dir(site.path("_site")).unwrap();
    symlink(outside.path(), site.path("_site/assets")).unwrap();
    symlink(outside.path().join("x.css"), site.path("_site/index.html")).unwrap();
    build(&site.load(), &site.path("_site")).unwrap();
    assert_eq!(tree(outside.path()).len(), 2);
    assert_eq!(
        fs::read_to_string(site.path("_site/assets/same.css")).unwrap(),
        "same"
    );
    assert_eq!(
        fs::read_to_string(outside.path().join("x.css")).unwrap(),
        "mine"
    );
    assert_eq!(
        fs::read_to_string(site.path("_site/assets/x.css")).unwrap(),
        "a{}"
    );
}

#[test]
fn a_folder_may_become_a_file_and_a_file_a_folder() {
    let site = site(&[("a/b.txt", "1"), ("c", "2")]);
    build(&site.load(), &site.path("_site")).unwrap();
    fs::remove_dir_all(site.path("a")).unwrap();
    fs::remove_file(site.path("c")).unwrap();
    site.write("a", "3");
    site.write("c/d.txt", "4");
    build(&site.load(), &site.path("_site")).unwrap();
    let out = tree(&site.path("_site"));
    assert_eq!(out["a"], b"3");
    assert_eq!(out["c/d.txt"], b"4");
    assert!(!out.contains_key("a/b.txt"));
}
