//! What a writer is told when something is wrong.

use skep_generator::{Error, ErrorKind, LoadOptions, build, load, render};

use crate::support::{published, site};

/// The place and message of an error, and that it says what to do.
fn told(error: &Error) -> (String, usize, String) {
    assert!(error.hint.is_some(), "no hint: {error}");
    let place = error
        .place
        .as_ref()
        .unwrap_or_else(|| panic!("no place: {error}"));
    (
        place.file.clone(),
        place.line.unwrap_or(0),
        error.message.clone(),
    )
}

#[test]
fn of_front_matter() {
    for (text, line, says) in [
        ("---\ntitle: a: b\n---\n", 2, "YAML"),
        ("---\ntitle: x\ntags: [a\n---\n", 4, "YAML"),
        ("---\ntitle: x\n\tb: y\n---\n", 3, "YAML"),
        ("+++\ntitle = x\n+++\n", 2, "TOML"),
        (
            "---\ntitle: x\ndate: someday\n---\n",
            3,
            "'someday' is not a date",
        ),
        ("---\ntitle: x\n", 1, "never ends"),
        ("---\ntitle: x\nlayout: pots\n---\n", 3, "no layout 'pots'"),
        ("---\npermalink: /:yaer/\n---\n", 2, ":yaer"),
        ("---\ndraft: maybe\n---\n", 2, "true or false"),
    ] {
        let site = site(&[("_posts/2026-01-02-a.md", text)]);
        let (file, at, message) = told(&site.error());
        assert_eq!(file, "_posts/2026-01-02-a.md");
        assert!(message.contains(says), "{text}: {message}");
        assert!(at.abs_diff(line) <= 1, "{text}: line {at}");
    }
}

#[test]
fn a_missing_layout_is_guessed() {
    let site = site(&[("a.md", "---\nlayout: defualt\n---\n")]);
    assert_eq!(site.error().hint.unwrap(), "did you mean 'default'?");
}

#[test]
fn of_templates_with_the_line_in_the_whole_file() {
    for (path, text, line, column, says) in [
        (
            "_layouts/default.html",
            "---\nx: 1\n---\n<p>\n{{ page.title | uper }}",
            5,
            17,
            "unknown filter `uper`",
        ),
        (
            "_layouts/default.html",
            "a\n{% if x %}\nb\n",
            2,
            1,
            "this {% if %} is never closed",
        ),
        (
            "_layouts/default.html",
            "---\n---\n{% include \"no.html\" %}",
            3,
            12,
            "unknown template `no.html`",
        ),
        ("x.html", "---\ntitle: t\n---\n{{ %}", 4, 4, ""),
    ] {
        let site = site(&[(path, text)]);
        let error = site.error();
        let place = error.place.clone().unwrap_or_else(|| panic!("{error}"));
        assert_eq!(place.file, path);
        assert_eq!(place.line, Some(line), "{error}");
        assert!(place.column.unwrap().abs_diff(column) <= 2, "{error}");
        assert!(error.message.contains(says), "{error}");
        assert_eq!(error.kind, ErrorKind::Template);
    }
}

#[test]
fn of_rendering_names_the_line_and_the_page() {
    let site = site(&[
        ("_includes/i.html", "\n{{ page.nothing.more }}"),
        (
            "_layouts/post.html",
            "---\nlayout: default\n---\n\n{% include \"i.html\" %}",
        ),
        ("_posts/2026-01-02-a.md", ""),
    ]);
    let error = render(&site.load(), "2026/01/02/a/index.html").unwrap_err();
    let (file, line, message) = told(&error);
    assert_eq!((file.as_str(), line), ("_includes/i.html", 2), "{error}");
    assert!(message.contains("_posts/2026-01-02-a.md"), "{error}");
}

#[test]
fn a_field_that_does_not_exist_is_guessed() {
    let site = site(&[("x.html", "---\nlayout: none\n---\n{{ site.titel }}")]);
    let error = render(&site.load(), "x/index.html").unwrap_err();
    assert_eq!(error.message, "field `titel` is not defined");
    assert_eq!(error.hint.as_deref(), Some("did you mean `title`?"));
    site.write("x.html", "---\nlayout: none\n---\n{{ site.titel | upper }}");
    let error = render(&site.load(), "x/index.html").unwrap_err();
    assert_eq!(
        told(&error),
        ("x.html".to_owned(), 4, "this has no value".to_owned())
    );
}

#[test]
fn of_a_broken_layout_once_and_not_for_each_post() {
    let site = site(&[
        ("_layouts/post.html", "{{ page.nothing.more }}"),
        ("_posts/2026-01-02-a.md", ""),
        ("_posts/2026-01-03-b.md", ""),
    ]);
    let error = build(&site.load(), &site.path("_site")).unwrap_err();
    assert_eq!(error.each().count(), 1, "{error}");
}

#[test]
fn all_broken_files_are_told_at_once() {
    let site = site(&[
        ("_posts/2026-01-02-a.md", "---\ndate: x\n---\n"),
        ("b.md", "---\ndate: y\n---\n"),
    ]);
    let error = site.error();
    let files: Vec<_> = error
        .each()
        .map(|error| error.place.clone().unwrap().file)
        .collect();
    assert_eq!(files, ["_posts/2026-01-02-a.md", "b.md"]);
}

#[test]
fn circles() {
    let layouts = site(&[
        ("_layouts/a.html", "---\nlayout: b\n---\n"),
        ("_layouts/b.html", "---\nlayout: a\n---\n"),
        ("x.md", "---\nlayout: a\n---\n"),
    ]);
    assert!(told(&layouts.error()).2.contains("circle: a → b → a"));
    let includes = site(&[
        ("_includes/a.html", "{% include \"b.html\" %}"),
        ("_includes/b.html", "{% include \"a.html\" %}"),
    ]);
    assert!(
        includes.error().message.contains("circle"),
        "{}",
        includes.error()
    );
}

#[test]
fn two_sources_with_one_url() {
    let site = site(&[("a.md", "---\n---\n"), ("a.html", "---\n---\n")]);
    let (file, _, message) = told(&site.error());
    assert_eq!(file, "a.md");
    assert!(
        message.contains("the URL /a/") && message.contains("a.html"),
        "{message}"
    );
}

#[test]
fn a_post_without_a_date() {
    let site = site(&[("_posts/hello.md", "x")]);
    let error = site.error();
    assert!(told(&error).2.contains("no date"));
    site.write("_posts/hello.md", "---\ndate: 2026-01-02\n---\n");
    assert!(
        site.load()
            .paths()
            .any(|path| path == "2026/01/02/hello/index.html")
    );
}

#[test]
fn no_site() {
    let folder = tempfile::tempdir().unwrap();
    let error = load(folder.path(), &published()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NoSite);
    assert!(error.hint.unwrap().contains("skep new"));
    std::fs::write(folder.path().join("_config.yml"), "").unwrap();
    assert!(
        load(folder.path(), &published())
            .unwrap_err()
            .message
            .contains("Jekyll")
    );
    let missing = load(&folder.path().join("x"), &published()).unwrap_err();
    assert_eq!(missing.kind, ErrorKind::NoSite);
}

#[test]
fn text_that_is_not_utf8() {
    let site = site(&[]);
    std::fs::write(site.path("a.md"), b"---\ntitle: x\n---\n\xff").unwrap();
    assert!(
        told(&site.error())
            .2
            .contains("line 4 of this file is not UTF-8")
    );
    // A file that is copied may hold anything.
    std::fs::write(site.path("a.md"), b"---\n---\n").unwrap();
    std::fs::write(site.path("b.bin"), b"---\n\xff").unwrap();
    assert_eq!(render(&site.load(), "b.bin").unwrap(), b"---\n\xff");
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let site = site(&[]);
    let name = std::ffi::OsStr::from_bytes(b"bad\xff.txt");
    std::fs::write(site.dir().join(name), "x").unwrap();
    let error = site.error();
    assert!(error.message.contains("not UTF-8"), "{error}");
}

#[test]
fn a_path_that_the_site_does_not_have() {
    let site = site(&[("about.txt", "x")]);
    let error = render(&site.load(), "abuot.txt").unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.hint.unwrap().contains("about.txt"));
    assert!(render(&site.load(), "../skep.toml").is_err());
    let options = LoadOptions {
        base_url: Some("ftp:x".to_owned()),
        ..published()
    };
    assert_eq!(
        load(site.dir(), &options).unwrap_err().kind,
        ErrorKind::Refused
    );
}
