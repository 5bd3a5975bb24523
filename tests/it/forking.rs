//! `skep fork`: what another site is made of, as a site of one's own.

use std::{fs, path::Path};

use serde_json::{Value, json};
use skep_publisher::{
    home::Home,
    keys,
    publish::{Statement, publish},
    review::{Sources, review},
    snapshot::{Options, snapshot},
    swarm::OpenStore,
};

use crate::skep::{Host, World};

const PUBLISH: [&str; 5] = ["publish", "site", "--yes", "--wait", "0"];

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// A site on a running host, with its sources and things that only its author can say.
fn published(world: &World) -> (String, Host) {
    let address = world.new_site("author", "site");
    let settings = world.read("site/skep.toml");
    world.write(
        "site/skep.toml",
        format!("publish_source = true\nurl = \"https://bees.example\"\n{settings}"),
    );
    world.write("site/_layouts/note.html", "<p>note</p>{{ content | safe }}");
    world.write(
        "site/note.md",
        "---\ntitle: Note\nlayout: note\n---\nFrom the author.\n",
    );
    world.write("site/_drafts/secret.md", "Not yet.\n");
    let host = world.host("host", &address);
    world.json(
        "author",
        &["publish", "site", "--yes", "--peer", &host.ticket],
    );
    (address, host)
}

#[test]
fn a_fork_builds_at_once_and_is_published_with_its_origin() {
    let world = World::new();
    let (address, host) = published(&world);
    let fork = ["fork", &address, "mine", "--peer", &host.ticket];
    let forked = world.json("reader", &fork);
    let own = text(&forked["address"]);
    let origin = text(&forked["origin"]);
    assert_ne!(own, address);
    assert!(origin.starts_with(&format!("{address}+1~")), "{origin}");
    assert!(forked["builds"].as_u64() > Some(3), "{forked}");
    assert_eq!(forked["missing"], json!([]));
    assert_eq!(forked["url_left_out"], "https://bees.example");

    let theirs = world.files("site");
    let mut ours = world.files("mine");
    let settings = String::from_utf8(ours.remove("skep.toml").unwrap()).unwrap();
    for line in [
        format!("address = \"{own}\""),
        format!("origin = \"{origin}\""),
    ] {
        assert!(settings.contains(&line), "{settings}");
    }
    for part in ["bees.example", "publish_source"] {
        assert!(!settings.contains(part), "{settings}");
    }
    assert!(ours.remove(".gitignore").is_some());
    assert!(ours.contains_key("_layouts/note.html") && ours.contains_key("note.md"));
    assert!(!ours.contains_key("_drafts/secret.md"));
    for (path, bytes) in &ours {
        assert!(theirs[path] == *bytes, "{path}");
    }
    // Nothing but the fork, its key and what the author has.
    let left: Vec<String> = names(&world.path(""));
    assert_eq!(left, ["author", "host", "mine", "reader", "site"]);

    world.write("mine/note.md", "---\ntitle: Note\n---\nFrom me.\n");
    let status = world.json("reader", &["status", "mine"]);
    assert_eq!(status["origin"], origin);
    let shown = world.run("reader", &["status", "mine"]).out();
    assert!(shown.contains(&format!("A fork of {origin}.")), "{shown}");
    world.json("reader", &["publish", "mine", "--yes", "--wait", "0"]);
    world.json("reader", &["revert", "1", "mine", "--yes", "--wait", "0"]);
    world.write("mine/more.txt", "more");
    world.json("reader", &["publish", "mine", "--yes", "--wait", "0"]);
    world.json("reader", &["retract", "1", "mine", "--yes", "--wait", "0"]);
    let log = world.json("reader", &["log", own]);
    let versions = log["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 3, "{log}");
    for version in versions {
        assert_eq!(version["origin"], format!("{address}+1"), "{version}");
    }
    let shown = world.run("reader", &["log", own]).out();
    assert_eq!(shown.matches("a fork of").count(), 1, "{shown}");
    let page = world
        .run("reader", &["show", &format!("{own}/note/")])
        .out();
    assert!(page.contains("From me."), "{page}");
    assert_eq!(
        world.json("author", &["log", &address])["versions"][0]["origin"],
        Value::Null
    );
}

#[test]
fn a_site_without_sources_can_not_be_forked() {
    let world = World::new();
    let (address, host) = world.published_site();
    let fork = ["fork", &address, "mine", "--peer", &host.ticket];
    let says = ["publishes no sources", "skep clone"];
    world.fails(1, "reader", &fork).says(&says);
    nothing_was_made(&world, "reader");

    // An earlier or later version may have some.
    let settings = world.read("site/skep.toml");
    world.write(
        "site/skep.toml",
        format!("publish_source = true\n{settings}"),
    );
    world.json("author", &PUBLISH);
    let first = format!("{address}+1");
    world.fails(1, "author", &["fork", &first, "mine"]).says(&[
        "publishes no sources",
        &format!("skep fork {address}+2 DIR"),
    ]);
    nothing_was_made(&world, "author");
    world.json("author", &["fork", &address, "mine"]);
}

#[test]
fn what_is_not_here_is_fetched_or_the_fork_is_not_made() {
    let world = World::new();
    let (address, host) = published(&world);
    let publish = ["publish", "site", "--yes", "--peer", &host.ticket];
    // Long enough for a blob of its own, which only this version needs.
    world.write("site/long.bin", vec![7; 600 << 10]);
    world.json("author", &publish);
    fs::remove_file(world.path("site/long.bin")).unwrap();
    world.write("site/note.md", "---\ntitle: Note\n---\nLater.\n");
    world.json("author", &publish);
    world
        .fails(1, "reader", &["fork", &address, "mine"])
        .says(&["is on this machine", "--peer TICKET"]);
    // The newest is brought by this, and the second is not.
    world.json("reader", &["log", &address, "--peer", &host.ticket]);
    let second = format!("{address}+2");
    world.json("other", &["log", &address, "--peer", &host.ticket]);
    // The host that gave the newest is remembered.
    let forked = world.json("reader", &["fork", &second, "mine"]);
    assert!(text(&forked["origin"]).starts_with(&second), "{forked}");
    assert!(world.read("mine/note.md").contains("From the author."));
    assert!(world.path("mine/long.bin").exists());
    // When it is gone, what is missing is said.
    fs::remove_dir_all(world.path("mine")).unwrap();
    host.running.kill();
    world
        .fails(1, "other", &["fork", &second, "mine"])
        .says(&["not on this machine", "--peer TICKET"]);
    nothing_was_made(&world, "other");
}

#[test]
fn a_folder_with_files_is_left_alone_and_an_empty_one_is_filled() {
    let world = World::new();
    let address = world.new_site("author", "site");
    let settings = world.read("site/skep.toml");
    world.write(
        "site/skep.toml",
        format!("publish_source = true\n{settings}"),
    );
    world.json("author", &PUBLISH);
    world.write("mine/own.txt", "own");
    world
        .fails(2, "author", &["fork", &address, "mine"])
        .says(&["is not empty"]);
    assert_eq!(world.files("mine").len(), 1);
    for what in [format!("{address}/about"), format!("{address}+9")] {
        let ended = world.run("author", &["fork", &what, "other"]);
        assert!(ended.code != 0, "{}", ended.out());
    }
    fs::create_dir(world.path("empty")).unwrap();
    world.json("author", &["fork", &address, "empty"]);
    assert!(world.files("empty").contains_key("skep.toml"));
    assert!(
        !names(&world.path("empty"))
            .iter()
            .any(|name| name.starts_with(".skep"))
    );
}

#[test]
fn files_that_the_sources_do_not_make_are_named() {
    let world = World::new();
    let address = world.new_site("author", "site");
    let settings = world.read("site/skep.toml");
    world.write(
        "site/skep.toml",
        format!("publish_source = true\n{settings}"),
    );
    world.json("author", &PUBLISH);
    // Published by its path alone, so that the sources stay as they were.
    world.write("site/extra.txt", "extra");
    world.json("author", &[&PUBLISH[..], &["--only", "extra.txt"]].concat());
    let ended = world.run("author", &["fork", &address, "mine"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.says(&["1 file of the other site can't be made", "extra.txt"]);
    let again = world.json("author", &["fork", &address, "again"]);
    assert_eq!(again["missing"], json!(["extra.txt"]));
}

#[test]
fn sources_that_do_not_build_make_no_fork() {
    let world = World::new();
    let files = [("a.md", "---\nlayout: gone\n---\n{{ nothing }}\n")];
    let address = stranger(&world, "theme = 'none'\n", &files);
    let ended = world.fails(1, "stranger", &["fork", &address, "mine"]);
    ended.says(&["could not be built", "gone", "--sources"]);
    nothing_was_made(&world, "stranger");
}

#[test]
fn a_command_that_builds_the_site_does_not_run() {
    let world = World::new();
    let settings =
        "[build]\nengine = 'command'\ncommand = 'touch ran; mkdir public'\noutput = 'public'\n";
    let address = stranger(&world, settings, &[("a.txt", "a")]);
    // Somebody trusted that command for what was in this folder before.
    fs::create_dir(world.path("mine")).unwrap();
    let folder = world.path("mine").canonicalize().unwrap();
    let trusted = json!({"folder": folder, "command": "touch ran; mkdir public"});
    world.write(
        "stranger/trust.json",
        json!({"format": 1, "commands": [trusted]}).to_string(),
    );
    let ended = world.run("stranger", &["fork", &address, "mine"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.says(&["touch ran; mkdir public", "It has not run"]);
    world
        .fails(1, "stranger", &["publish", "mine", "--yes", "--wait", "0"])
        .says(&["not trusted"]);
    assert_eq!(
        world.files("mine").into_keys().collect::<Vec<_>>(),
        [".gitignore", "a.txt", "skep.toml"]
    );
    // Nor does a copy of the sources run it.
    fs::remove_dir_all(world.path("mine")).unwrap();
    world.write(
        "stranger/trust.json",
        json!({"format": 1, "commands": [trusted]}).to_string(),
    );
    world.json("stranger", &["clone", &address, "mine", "--sources"]);
    world
        .fails(1, "stranger", &["build", "mine"])
        .says(&["not trusted"]);
    let forked = world.json("stranger", &["fork", &address, "other"]);
    assert_eq!(
        (&forked["command"], &forked["builds"]),
        (&json!("touch ran; mkdir public"), &Value::Null)
    );
}

#[test]
fn a_repository_in_the_sources_is_refused() {
    let world = World::new();
    let hook = [(".git/config", "[core]\nfsmonitor = touch ran\n")];
    let address = stranger(&world, "title = 'x'\n", &hook);
    world
        .fails(1, "stranger", &["fork", &address, "mine"])
        .says(&[".git/config", "repository"]);
    nothing_was_made(&world, "stranger");
    let address = stranger(&world, "title = [\n", &[]);
    world
        .fails(1, "stranger", &["fork", &address, "mine"])
        .says(&["skep.toml:", "--sources"]);
    nothing_was_made(&world, "stranger");
}

#[test]
fn an_origin_that_is_none_stops_a_publish() {
    let world = World::new();
    world.new_site("author", "site");
    let settings = world.read("site/skep.toml");
    world.write(
        "site/skep.toml",
        format!("origin = 'elsewhere'\n{settings}"),
    );
    world
        .fails(1, "author", &PUBLISH)
        .says(&["skep.toml: `origin` is not an address", "skep fork"]);
}

/// A site whose sources no skep would have published.
pub(crate) fn stranger(world: &World, settings: &str, files: &[(&str, &str)]) -> String {
    let home = Home::new(world.path("stranger"));
    let site = keys::create(&home).unwrap();
    let (sources, out) = (format!("{site}.in"), format!("{site}.out"));
    world.write(&format!("{sources}/skep.toml"), settings);
    for (path, content) in files {
        world.write(&format!("{sources}/{path}"), content);
    }
    world.write(&format!("{out}/index.html"), "<h1>hello</h1>");
    let open = OpenStore::open(&home, "a stranger").unwrap();
    let taken = |dir: &str| snapshot(&world.path(dir), &Options::default()).unwrap();
    let sources = Sources::Files(taken(&sources));
    let review = review(&open.store, site, taken(&out), sources).unwrap();
    let statement = Statement {
        message: String::new(),
        time: 1,
        as_of: 1,
        origin: None,
    };
    let key = keys::load(&home, site).unwrap();
    let scratch = open.scratch();
    publish(&open.store, &key, &review, &statement, &scratch, |_| ()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(open.close());
    fs::remove_file(world.path(&format!("stranger/keys/{site}.key"))).unwrap();
    format!("skep://{site}")
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Neither a folder nor a part of one, and no key but that of the author.
pub(crate) fn nothing_was_made(world: &World, home: &str) {
    let names = names(&world.path(""));
    assert!(
        !names
            .iter()
            .any(|name| name == "mine" || name.starts_with(".skep")),
        "{names:?}"
    );
    let keys = world.json(home, &["key", "list"])["keys"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(keys, usize::from(home == "author"));
}
