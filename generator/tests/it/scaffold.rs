//! New sites, drafts and posts.

use std::fs;

use jiff::civil::date;
use skep_generator::scaffold::{self, NewSite};
use skep_generator::{ErrorKind, build, load, theme};

use crate::support::{published, site, text, tree};

fn new_site() -> NewSite<'static> {
    NewSite {
        title: "A \"quoted\" title",
        theme: "default",
        author: Some("Ada"),
        date: date(2026, 1, 2),
    }
}

#[test]
fn a_new_site_builds() {
    assert!(theme::names().contains(&"default".to_owned()));
    let folder = tempfile::tempdir().unwrap();
    let fresh = folder.path().join("deep/site");
    scaffold::new_site(&fresh, &new_site()).unwrap();
    // An empty folder that is there, such as the current one, will do as well.
    let empty = tempfile::tempdir().unwrap();
    scaffold::new_site(empty.path(), &new_site()).unwrap();
    assert!(tree(&fresh) == tree(empty.path()));
    assert_eq!(fs::read_dir(fresh.parent().unwrap()).unwrap().count(), 1);

    let site = load(&fresh, &published()).unwrap();
    assert_eq!(site.config().title.as_deref(), Some("A \"quoted\" title"));
    assert!(text(&site, "2026/01/02/welcome/index.html").contains("_posts/2026-01-02-welcome.md"));
    let report = build(&site, &fresh.join("_site")).unwrap();
    for path in ["index.html", "about/index.html", "404.html"] {
        assert!(report.manifest.files.contains_key(path), "{path}");
    }
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x"), "x").unwrap();
    let error = scaffold::new_site(folder.path(), &new_site()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
    assert!(scaffold::example_site(folder.path()).is_err());
    assert!(scaffold::new_site(&folder.path().join("x"), &new_site()).is_err());
    assert_eq!(tree(folder.path()).len(), 1);
}

#[test]
fn the_example_site_builds() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("example");
    scaffold::example_site(&dir).unwrap();
    let now = "2100-01-01T00:00:00Z".parse().unwrap();
    let site = load(&dir, &skep_generator::LoadOptions::published(now)).unwrap();
    build(&site, &dir.join("_site")).unwrap();
}

#[test]
fn an_address_can_be_set_and_set_again() {
    let site = site(&[(
        "skep.toml",
        "title = 'T' # mine\n\n[build]\nengine = 'tera'\n",
    )]);
    scaffold::set_address(site.dir(), "skep://one").unwrap();
    scaffold::set_address(site.dir(), "skep://two").unwrap();
    assert_eq!(
        fs::read_to_string(site.path("skep.toml")).unwrap(),
        "title = 'T' # mine\naddress = \"skep://two\"\n\n[build]\nengine = 'tera'\n"
    );
    assert_eq!(site.load().config().address.as_deref(), Some("skep://two"));
    assert!(!tree(site.dir()).keys().any(|path| path.contains("tmp")));
}

#[test]
fn a_draft_becomes_a_post() {
    let site = site(&[("skep.toml", "timezone = 'Europe/Berlin'\n")]);
    let draft = scaffold::draft(site.dir(), "Hello: \"World\"").unwrap();
    assert_eq!(draft, site.path("_drafts/hello-world.md"));
    assert_eq!(
        scaffold::draft(site.dir(), "hello world").unwrap_err().kind,
        ErrorKind::Refused
    );
    assert!(scaffold::draft(site.dir(), "…").is_err());
    let mut written = fs::read_to_string(&draft).unwrap();
    written.push_str("Body  \r\n");
    fs::write(&draft, &written).unwrap();

    // Half past eleven in the evening in UTC is tomorrow in Berlin.
    let when = "2026-01-01T23:30:00Z[UTC]".parse::<jiff::Zoned>().unwrap();
    site.write("_posts/2026-01-02-hello-world.md", "taken");
    let taken = scaffold::post(site.dir(), &draft, when.clone()).unwrap_err();
    assert_eq!(taken.kind, ErrorKind::Refused);
    assert_eq!(fs::read_to_string(&draft).unwrap(), written);
    fs::remove_file(site.path("_posts/2026-01-02-hello-world.md")).unwrap();

    let post = scaffold::post(site.dir(), "hello-world".as_ref(), when).unwrap();
    assert_eq!(post, site.path("_posts/2026-01-02-hello-world.md"));
    assert!(!draft.exists());
    assert_eq!(
        fs::read_to_string(&post)
            .unwrap()
            .replace("date: 2026-01-02 00:30:00 +0100\n", ""),
        written
    );
    assert!(
        site.render("2026/01/02/hello-world/index.html")
            .contains("Hello: &quot;World&quot;")
    );
}

#[test]
fn only_drafts_of_the_site_become_posts() {
    let site = site(&[("about.md", "x"), ("_drafts/a.md", "x")]);
    let when = "2026-01-01T00:00:00Z[UTC]".parse::<jiff::Zoned>().unwrap();
    for file in ["about.md", "../about.md", "no-such"] {
        assert!(
            scaffold::post(site.dir(), file.as_ref(), when.clone()).is_err(),
            "{file}"
        );
    }
    assert!(site.path("about.md").exists());
}

#[test]
fn a_draft_that_is_a_folder_moves_with_its_images() {
    let site = site(&[
        (
            "_drafts/trips/alps/index.md",
            "---\ntitle: Alps\ndraft: true\n---\n![](peak.png)\n",
        ),
        ("_drafts/trips/alps/peak.png", "png"),
    ]);
    let when = || "2026-01-02T10:00:00Z[UTC]".parse::<jiff::Zoned>().unwrap();
    site.write("_posts/trips/2026-01-02-alps.html", "taken");
    let taken = scaffold::post(site.dir(), "trips/alps".as_ref(), when()).unwrap_err();
    assert_eq!(taken.kind, ErrorKind::Refused);
    fs::remove_file(site.path("_posts/trips/2026-01-02-alps.html")).unwrap();

    let post = scaffold::post(site.dir(), "_drafts/trips/alps/".as_ref(), when()).unwrap();
    assert_eq!(post, site.path("_posts/trips/2026-01-02-alps/index.md"));
    assert_eq!(
        fs::read_to_string(&post).unwrap(),
        "---\ntitle: Alps\ndate: 2026-01-02 10:00:00 +0000\n---\n![](peak.png)\n"
    );
    assert!(!site.path("_drafts/trips/alps").exists());
    let site = site.load();
    let paths: Vec<&str> = site.paths().collect();
    assert!(paths.contains(&"2026/01/02/alps/peak.png"), "{paths:?}");
}

#[test]
fn names_of_drafts() {
    let site = site(&[("_drafts/taken/index.md", "x"), ("_drafts/other.html", "x")]);
    for (title, name) in [
        (
            "\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}, \u{43c}\u{438}\u{440}!",
            "привет-мир.md",
        ),
        ("\u{4f60}\u{597d}", "你好.md"),
        ("\u{dc}ber Stra\u{df}en", "über-straßen.md"),
        ("தமிழ் மொழி", "தமிழ்-மொழி.md"),
        ("Cafe\u{301}", "café.md"),
        ("🎉", "🎉.md"),
        ("../../etc/passwd", "etc-passwd.md"),
        ("  Two\nlines ", "two-lines.md"),
    ] {
        let draft = scaffold::draft(site.dir(), title).unwrap();
        assert_eq!(draft, site.path("_drafts").join(name), "{title}");
        let loaded = load(
            site.dir(),
            &skep_generator::LoadOptions {
                drafts: true,
                ..published()
            },
        );
        assert!(loaded.is_ok(), "{title}");
    }
    let long = scaffold::draft(site.dir(), &"many words ".repeat(100)).unwrap();
    let name = long.file_stem().unwrap().to_str().unwrap();
    assert!(name.len() <= 80 && name.ends_with("-words"), "{name}");
    let long = scaffold::draft(site.dir(), &"மொழி".repeat(100)).unwrap();
    assert!(long.file_stem().unwrap().len() <= 80);
    for title in ["Taken", "Other", "two lines"] {
        let refused = scaffold::draft(site.dir(), title).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Refused, "{title}");
    }
}

#[test]
fn the_manual_shows_the_files_that_a_new_site_has() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("garden");
    scaffold::new_site(&dir, &new_site()).unwrap();
    let made = tree(&dir).into_keys();
    let mut made: Vec<String> = made
        .map(|path| path.replace("2026-01-02", "YYYY-MM-DD"))
        .collect();
    let manual = include_str!("../../../example-site/_manual/getting-started.md");
    let (_, listing) = manual.split_once("```text\ngarden/\n").unwrap();
    let (listing, _) = listing.split_once("```").unwrap();
    let mut shown: Vec<String> = listing
        .lines()
        .map(|line| line[line.find("── ").unwrap() + "── ".len()..].to_owned())
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect();
    made.sort();
    shown.sort();
    assert_eq!(shown, made);
}
