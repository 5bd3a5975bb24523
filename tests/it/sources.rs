//! `publish_source`: what a site is made of, published beside it.

use std::fs;

use serde_json::Value;

use crate::skep::World;

const PUBLISH: [&str; 5] = ["publish", "site", "--yes", "--wait", "0"];

/// A site whose author publishes its sources, with something of each kind that stays at home.
fn site(world: &World) -> String {
    let address = world.new_site("home", "site");
    let settings = world.read("site/skep.toml");
    world.write(
        "site/skep.toml",
        format!("publish_source = true\nexclude = ['private']\n{settings}"),
    );
    world.write("site/_data/bees.yml", "- one\n");
    world.write(
        "site/_drafts/idea.md",
        "---\ntitle: Idea\n---\nAKIAQ3EGW5TXJ7LM2ZPB\n",
    );
    world.write("site/_posts/2999-01-01-later.md", "Later.\n");
    world.write("site/hidden.md", "---\npublished: false\n---\n");
    world.write("site/private/a.md", "---\n---\n");
    world.write("site/.env", "SECRET=1\n");
    world.json("home", &["build", "site"]);
    address
}

fn paths(part: &Value) -> Vec<&str> {
    let changes = part["changes"].as_array().unwrap().iter();
    changes
        .map(|change| change["path"].as_str().unwrap())
        .collect()
}

#[test]
fn sources_of_what_is_published_go_out_and_no_others() {
    let world = World::new();
    let address = site(&world);
    let published = world.json("home", &PUBLISH);
    let sources = paths(&published["sources"]);
    for path in ["_data/bees.yml", "about.md", "skep.toml"] {
        assert!(sources.contains(&path), "{sources:?}");
    }
    for part in ["idea", "later", "hidden", "private", ".env", "_site"] {
        assert!(
            !sources.iter().any(|path| path.contains(part)),
            "{sources:?}"
        );
    }
    assert!(!paths(&published).contains(&"skep.toml"));
    world.json("home", &["clone", &address, "copy", "--sources"]);
    let copy = world.files("copy");
    assert_eq!(copy.keys().collect::<Vec<_>>(), sources);
    assert_eq!(copy["skep.toml"], world.read("site/skep.toml").as_bytes());
    world.json("home", &["verify", "site"]);
    // They make the same site.
    let built = |dir: &str| {
        world.json("home", &["build", dir, "-o", &format!("{dir}.out")]);
        world.files(&format!("{dir}.out"))
    };
    assert!(built("copy") == built("site"));
}

#[test]
fn sources_are_reviewed_in_a_section_of_their_own() {
    let world = World::new();
    site(&world);
    world.json("home", &PUBLISH);
    world.write("site/_data/bees.yml", "- two\n# AKIAQ3EGW5TXJ7LM2ZPB\n");
    let status = world.run("home", &["status", "site"]);
    let shown = status.out();
    let section = shown
        .split_once("The sources are published as well:")
        .unwrap()
        .1;
    assert!(
        section.contains("changed   _data/bees.yml (6 bytes -> 29 bytes)"),
        "{shown}"
    );
    status.says(&["sources: _data/bees.yml:2: an AWS access key (secret)"]);
    world
        .fails(1, "home", &PUBLISH)
        .says(&["_data/bees.yml", "--allow secret"]);
    let diff = world.json("home", &["diff", "site"]);
    assert_eq!(
        (paths(&diff), paths(&diff["sources"])),
        (vec![], vec!["_data/bees.yml"])
    );

    // A part of the site's files says nothing of the sources.
    world.write("site/new.txt", "new");
    let part = world.json("home", &[&PUBLISH[..], &["--only", "new.txt"]].concat());
    assert_eq!(paths(&part["sources"]), Vec::<&str>::new());
    world.write("site/_data/bees.yml", "- two\n");
    assert_eq!(
        paths(&world.json("home", &PUBLISH)["sources"]),
        ["_data/bees.yml", "new.txt"]
    );
}

#[test]
fn without_a_yes_sources_stay_at_home() {
    let world = World::new();
    let address = site(&world);
    let settings = world.read("site/skep.toml");
    world.json("home", &PUBLISH);
    world.write(
        "site/skep.toml",
        settings.replace("publish_source = true\n", ""),
    );
    let gone = world.json("home", &PUBLISH);
    assert_eq!(gone["sources"]["files"], 0);
    assert!(gone["sources"]["removed"].as_u64() > Some(3), "{gone}");
    assert!(
        !world.read("site/skep.toml").contains("publish_source"),
        "nobody was asked"
    );
    assert_eq!(
        world.json("home", &["status", "site"])["sources"],
        Value::Null
    );
    world
        .fails(1, "home", &["clone", &address, "copy", "--sources"])
        .says(&["no sources"]);
    world.json(
        "home",
        &["clone", &format!("{address}+1"), "copy", "--sources"],
    );
    assert!(fs::exists(world.path("copy/skep.toml")).unwrap());
}

#[test]
fn what_skep_did_not_build_has_no_sources_of_its_own() {
    let world = World::new();
    site(&world);
    world.json("home", &PUBLISH);
    world.write("site/_site/new.txt", "by hand");
    let ended = world.run("home", &[&PUBLISH[..], &["--no-build"]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.says(&["sources stay as they are published"]);
    let status = world.json("home", &["status", "site", "--no-build"]);
    assert_eq!(paths(&status["sources"]), Vec::<&str>::new());
}
