//! `--only`: a part of what changed; and dry runs, which take nothing at all.

use std::{collections::BTreeMap, fs};

use crate::skep::World;

const PUBLISH: [&str; 5] = ["publish", "site", "--yes", "--wait", "0"];

fn only<'a>(args: &[&'a str], globs: &[&'a str]) -> Vec<&'a str> {
    let globs = globs.iter().flat_map(|glob| ["--only", glob]);
    args.iter().copied().chain(globs).collect()
}

/// A site with its files of three folders published, and changes of each kind in each.
fn changed_site(world: &World) -> String {
    let address = world.new_site("home", "site");
    for folder in ["a", "b"] {
        world.write(&format!("site/{folder}/stays.txt"), "stays");
        world.write(&format!("site/{folder}/changes.txt"), "one\n");
        world.write(&format!("site/{folder}/goes.txt"), folder);
    }
    world.json("home", &PUBLISH);
    for folder in ["a", "b"] {
        world.write(&format!("site/{folder}/changes.txt"), "two\n");
        world.write(&format!("site/{folder}/comes.txt"), "new\n");
        fs::remove_file(world.path(&format!("site/{folder}/goes.txt"))).unwrap();
    }
    address
}

fn clone(world: &World, address: &str, out: &str) -> BTreeMap<String, String> {
    world.json("home", &["clone", address, out]);
    let files = world.files(out).into_iter();
    let text = files.filter(|(path, _)| path.ends_with(".txt"));
    text.map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap()))
        .collect()
}

#[test]
fn what_was_not_chosen_stays_as_it_is_published() {
    let world = World::new();
    let address = changed_site(&world);
    let before = clone(&world, &address, "before");
    let status = world.json("home", &only(&["status", "site"], &["a"]));
    let diff = world.json("home", &only(&["diff", "site"], &["a/**"]));
    let published = world.json("home", &only(&PUBLISH, &["a/*"]));
    for shown in [&status, &published] {
        assert_eq!(shown["left_out"], 3, "{shown}");
        assert_eq!(
            (&shown["added"], &shown["modified"], &shown["removed"]),
            (&1.into(), &1.into(), &1.into())
        );
    }
    let paths = diff["changes"].as_array().unwrap().iter();
    let paths: Vec<_> = paths.map(|c| c["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["a/changes.txt", "a/comes.txt", "a/goes.txt"]);

    let mut wanted = before;
    wanted.remove("a/goes.txt");
    wanted.insert("a/changes.txt".into(), "two\n".into());
    wanted.insert("a/comes.txt".into(), "new\n".into());
    assert_eq!(clone(&world, &address, "after"), wanted);
    world.json("home", &["verify", "site"]);

    // The others are still there to be published.
    let rest = world.json("home", &PUBLISH);
    assert_eq!(
        (&rest["left_out"], &rest["removed"]),
        (&0.into(), &1.into())
    );
    assert!(clone(&world, &address, "all").contains_key("b/comes.txt"));
    world.json("home", &["verify", "site"]);
}

#[test]
fn a_first_version_may_be_a_part_of_the_site() {
    let world = World::new();
    let address = world.new_site("home", "site");
    world.write("site/a.txt", "a");
    world.write("site/b.txt", "b");
    world.json("home", &only(&PUBLISH, &["a.txt", "index.html"]));
    let files = clone(&world, &address, "out");
    assert_eq!(files.keys().collect::<Vec<_>>(), ["a.txt"]);
    assert!(world.files("out").contains_key("index.html"));
    let again = world.json("home", &only(&PUBLISH, &["a.txt"]));
    assert_eq!(again["changed"], false, "{again}");
    let text = world
        .run("home", &only(&["status", "site"], &["a.txt"]))
        .out();
    assert!(text.contains("Nothing of that has changed"), "{text}");
    assert!(text.contains("left out by `--only`"), "{text}");
}

#[test]
fn a_glob_that_matches_nothing_is_an_error() {
    let world = World::new();
    changed_site(&world);
    for command in ["status", "diff"] {
        let args = only(&[command, "site"], &["a/*", "typo/*"]);
        world
            .fails(2, "home", &args)
            .says(&["--only typo/*", "no file"]);
    }
    world.fails(2, "home", &only(&PUBLISH, &["*.typo"]));
    let log = world.json("home", &["log", "site"]);
    assert_eq!(log["versions"].as_array().unwrap().len(), 1);
}

#[test]
fn a_chosen_file_can_not_take_the_place_of_one_that_stays() {
    let world = World::new();
    world.new_site("home", "site");
    world.write("site/x.txt", "a file");
    world.json("home", &PUBLISH);
    fs::remove_file(world.path("site/x.txt")).unwrap();
    world.write("site/X.txt", "its twin");
    world
        .fails(1, "home", &only(&PUBLISH, &["X.txt"]))
        .says(&["can't be published without", "choose both"]);
    world.json("home", &only(&PUBLISH, &["X.txt", "x.txt"]));
}

/// All files of the home but the lock and the build cache. A database writes to its file when it is opened,
/// whatever is done with it.
fn home(world: &World) -> BTreeMap<String, Vec<u8>> {
    let files = world.files("home").into_iter();
    files
        .filter(|(path, _)| !path.starts_with("cache/") && path != "store/lock")
        .map(
            |(path, bytes)| match path.ends_with(".db") || path.ends_with(".redb") {
                true => (path, Vec::new()),
                false => (path, bytes),
            },
        )
        .collect()
}

#[test]
fn a_dry_run_changes_nothing_but_the_cache_of_the_build() {
    let world = World::new();
    let address = world.new_site("home", "site");
    let host = world.host("host", &address);
    world.json("home", &PUBLISH);
    world.write("site/a.txt", "new");
    let (before, site) = (home(&world), world.files("site"));
    // Nobody is asked either, whatever the command line says.
    let dry = ["publish", "site", "--dry-run", "--peer", &host.ticket];
    let shown = world.json("home", &dry);
    assert_eq!(
        (&shown["added"], &shown["blocked"]),
        (&1.into(), &false.into())
    );
    let text = world.run("home", &dry).out();
    assert!(text.contains("a.txt") && !text.contains("signed"), "{text}");
    assert!(home(&world) == before, "the home is another");
    assert!(world.files("site") == site, "the site is another");
    let log = world.json("home", &["log", "site"]);
    assert_eq!(log["versions"].as_array().unwrap().len(), 1);
}

#[test]
fn a_dry_run_says_what_would_stop_the_publish() {
    let world = World::new();
    world.new_site("home", "site");
    world.write("site/key.txt", "AKIAQ3EGW5TXJ7LM2ZPB");
    let dry = ["publish", "site", "--dry-run"];
    let ended = world.fails(1, "home", &[&dry[..], &["--json"]].concat());
    let shown: serde_json::Value = ended.result();
    assert_eq!(shown["blocked"], true, "{shown}");
    world
        .fails(1, "home", &dry)
        .says(&["blocked", "key.txt", "--allow secret"]);
    world.json("home", &[&dry[..], &["--allow", "secret"]].concat());
}
