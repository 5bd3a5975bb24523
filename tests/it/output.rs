//! `--no-build`: what lies in the output folder is what is published.

use std::fs;

use crate::skep::World;

const PUBLISH: [&str; 5] = ["publish", "site", "--yes", "--wait", "0"];

fn no_build<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [args, &["--no-build"]].concat()
}

#[test]
fn what_lies_in_the_output_folder_is_published_and_no_source_is_read() {
    let world = World::new();
    let address = world.new_site("home", "site");
    world.json("home", &["build", "site"]);
    // A source that no build could read, and a change that no source makes.
    world.write("site/_posts/2026-01-02-bad.md", "---\ntitle: \"unclosed\n");
    world.write("site/_site/index.html", "<p>by hand</p>");
    let built = world.files("site/_site");
    world.write("site/_site/.git/config", "a repository of its own");
    world.fails(1, "home", &["status", "site"]);

    let status = world.json("home", &no_build(&["status", "site"]));
    assert_eq!(status["drafts_checked"], true);
    let published = world.json("home", &no_build(&PUBLISH));
    assert_eq!(published["changes"], status["changes"]);
    world.json("home", &["clone", &address, "out"]);
    assert_eq!(world.files("out"), built);
    assert!(
        world
            .run("home", &no_build(&["diff", "site"]))
            .out()
            .contains("Nothing has changed.")
    );
}

#[test]
fn drafts_in_the_output_folder_stop_a_publish() {
    let world = World::new();
    world.new_site("home", "site");
    world.write("site/_drafts/idea.md", "---\ntitle: Idea\n---\n");
    world.write("site/_posts/2999-01-01-later.md", "Later.\n");
    world.write("site/hidden.md", "---\npublished: false\n---\n");
    let all = ["--drafts", "--future", "--unpublished"];
    world.json("home", &[&["build", "site"][..], &all].concat());
    let status = world.json("home", &no_build(&["status", "site"]));
    let warnings = status["warnings"].as_array().unwrap();
    let found: Vec<_> = warnings
        .iter()
        .map(|w| (w["name"].as_str().unwrap(), w["path"].as_str().unwrap()))
        .collect();
    let has = |name, end| {
        found
            .iter()
            .any(|(n, path)| *n == name && path.contains(end))
    };
    assert!(has("draft", "idea/"), "{found:?}");
    assert!(has("draft", "hidden/"), "{found:?}");
    assert!(has("future", "2999/01/01/later/"), "{found:?}");
    assert_eq!(found.len(), 3, "{found:?}");
    world.fails(1, "home", &no_build(&PUBLISH)).says(&[
        "made from a draft",
        "nothing was published",
        "--allow",
    ]);
    world.json("home", &["build", "site"]);
    world.json("home", &no_build(&PUBLISH));
}

#[test]
fn without_the_list_of_the_build_it_says_that_drafts_can_not_be_told() {
    let world = World::new();
    world.new_site("home", "site");
    world.json("home", &["build", "site"]);
    for damage in [None, Some("{"), Some("{\"format\": 99}")] {
        match damage {
            None => fs::remove_file(world.path("site/_site.skep.json")).unwrap(),
            Some(text) => world.write("site/_site.skep.json", text),
        }
        let status = world.run("home", &no_build(&["status", "site"]));
        assert_eq!(status.code, 0);
        status.says(&["Drafts can't be told"]);
        let json = world.json("home", &no_build(&["status", "site"]));
        assert_eq!(json["drafts_checked"], false);
    }
    let published = world.json("home", &no_build(&PUBLISH));
    assert_eq!(published["drafts_checked"], false);
}

#[test]
fn an_output_folder_that_is_not_there_or_empty_is_told() {
    let world = World::new();
    let address = world.new_site("home", "site");
    let publish = no_build(&PUBLISH);
    world
        .fails(1, "home", &publish)
        .says(&["there is no site/_site", "skep build"]);
    fs::create_dir(world.path("site/_site")).unwrap();
    world
        .fails(1, "home", &publish)
        .says(&["has no files", "skep build"]);
    fs::remove_dir(world.path("site/_site")).unwrap();
    world.write("site/_site", "");
    world.fails(1, "home", &publish).says(&["is a file"]);
    #[cfg(unix)]
    {
        world.write("elsewhere/private.txt", "mine");
        fs::remove_file(world.path("site/_site")).unwrap();
        std::os::unix::fs::symlink(world.path("elsewhere"), world.path("site/_site")).unwrap();
        world
            .fails(1, "home", &publish)
            .says(&["leads out of the site's folder"]);
    }
    world.fails(1, "home", &["log", "site"]);

    // Flags of a build have no meaning where nothing is built.
    for flag in [
        "--drafts",
        "--future",
        "--unpublished",
        "--base-url=https://h",
    ] {
        world.fails(2, "home", &[&publish[..], &[flag]].concat());
    }
    let versions = [format!("{address}+1"), format!("{address}+2")];
    world
        .fails(2, "home", &no_build(&["diff", &versions[0], &versions[1]]))
        .says(&["--no-build"]);
}

#[test]
fn the_output_folder_may_have_another_name() {
    let world = World::new();
    world.new_site("home", "site");
    let settings = world.read("site/skep.toml");
    world.write(
        "site/skep.toml",
        format!("{settings}\n[build]\noutput = \"out\"\n"),
    );
    let first = world.json("home", &["build", "site"]);
    // What was built is no source of the next build.
    assert_eq!(
        world.json("home", &["build", "site"])["files"],
        first["files"]
    );
    assert!(!world.path("site/_site").exists());
    let built = world.json("home", &["status", "site"]);
    let found = world.json("home", &no_build(&["status", "site"]));
    assert_eq!(found, built);
}
