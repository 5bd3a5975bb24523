//! What a reader and a host refuse: tampered blobs, forged heads, older heads. Nothing changes then.

use std::fs;

use ed25519_dalek::SigningKey;
use skep_publisher::archive::{hash::LogHash, head::Head};

use crate::{
    peer::LyingPeer,
    skep::{World, get},
};

#[test]
fn a_tampered_blob() {
    let world = World::new();
    let address = world.new_site("author", "site");
    world.write("site/long.txt", "words that fill a pack. ".repeat(40_000));
    let host = world.host("host", &address);
    world.json(
        "author",
        &["publish", "site", "--yes", "--peer", &host.ticket],
    );
    host.running.kill();
    let blobs = world.files("host/store/blobs/data");
    let (name, mut bytes) = blobs
        .into_iter()
        .find(|(name, _)| name.ends_with(".data"))
        .unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(world.path("host/store/blobs/data").join(name), bytes).unwrap();

    world
        .fails(1, "host", &["verify", &address])
        .says(&["damaged"]);
    let host = world.host("host", &address);
    let clone = world.fails(
        1,
        "reader",
        &["clone", &address, "out", "--peer", &host.ticket],
    );
    clone.says(&["as it was signed", "try another"]);
    assert!(!world.path("out").exists());
    world
        .fails(1, "reader", &["log", &address])
        .says(&["nothing of skep://"]);
}

#[test]
fn a_forged_head() {
    let world = World::new();
    let address = world.new_site("author", "site");
    let stranger = SigningKey::from_bytes(&[7; 32]);
    let peer = LyingPeer::start(Head::sign(&stranger, 9, LogHash([1; 32])).encode());

    // By one who never saw the site, and by one who has it.
    let clone = ["clone", &address, "out", "--peer", &peer.ticket];
    world
        .fails(1, "reader", &clone)
        .says(&["not signed by the key", "ask another"]);
    assert!(!world.path("out").exists());
    world
        .fails(1, "reader", &["log", &address])
        .says(&["nothing of skep://"]);

    world.json("author", &["publish", "site", "--yes", "--wait", "0"]);
    let before = world.json("author", &["log", "site"]);
    world
        .fails(1, "author", &clone)
        .says(&["not signed by the key"]);
    assert_eq!(world.json("author", &["log", "site"]), before);
    world.json("author", &["verify", "site"]);
}

#[test]
fn an_older_head() {
    let world = World::new();
    let (address, host) = world.published_site();
    // A second machine of the author's that knows version 1, and no host that would tell it of more.
    world.json("author", &["export", "site", "v1.skep"]);
    world.json("author", &["key", "export", "site", "site.key", "--plain"]);
    world.json("backup", &["key", "import", "site.key"]);
    world.json("backup", &["import", "v1.skep"]);
    world.write("site/about.md", "---\ntitle: About\n---\nVersion two.\n");
    let second = world.json(
        "author",
        &["publish", "site", "--yes", "--peer", &host.ticket],
    );
    assert_eq!(second["version"], 2);
    let newest = get(&format!("{}about/", host.mirror)).body;
    world.json(
        "reader",
        &["clone", &address, "two", "--peer", &host.ticket],
    );

    // The backup announces version 1 to the host, which has version 2.
    world.write(
        "older/skep.toml",
        format!("title = \"site\"\naddress = \"{address}\"\n"),
    );
    fs::remove_dir_all(world.path("site")).unwrap();
    world.json("backup", &["clone", &address, "old-output"]);
    let node = world.start("backup", &["browse", &address, "--port", "0"]);
    let old = node.event("ready")["ticket"].as_str().unwrap().to_owned();
    // A reader that has seen version 2 stays there.
    let clone = world.run("reader", &["clone", &address, "still", "--peer", &old]);
    assert_eq!(clone.code, 0, "{}", clone.stderr);
    clone.says(&[
        "offers version 1",
        "version 2 was seen before",
        "never goes back",
    ]);
    assert_eq!(world.files("still"), world.files("two"));
    assert_eq!(
        world.json("reader", &["log", &address])["versions"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(get(&format!("{}about/", host.mirror)).body, newest);
    // It can still be read by name, where it is known.
    world
        .fails(
            1,
            "fresh",
            &["clone", &format!("{address}+2"), "x", "--peer", &old],
        )
        .says(&["there is no version 2"]);
}

#[test]
fn a_restored_backup_can_not_take_a_host_back() {
    let world = World::new();
    let (address, host) = world.published_site();
    copy(&world, "author", "backup");
    copy(&world, "site", "site-one");
    world.write("site/about.md", "---\ntitle: About\n---\nVersion two.\n");
    world.json(
        "author",
        &["publish", "site", "--yes", "--peer", &host.ticket],
    );
    let newest = get(&format!("{}about/", host.mirror)).body;

    // It is told of version 2 before it signs anything, and has it then.
    let publish = ["publish", "site-one", "--yes", "--peer", &host.ticket];
    let ended = world.fails(1, "backup", &publish);
    ended.says(&[
        "version 2 was published from another machine",
        "skep status",
    ]);
    assert_eq!(get(&format!("{}about/", host.mirror)).body, newest);
    let log = world.json("reader", &["log", &address, "--peer", &host.ticket]);
    assert_eq!(log["versions"].as_array().unwrap().len(), 2);
    // Whoever publishes all the same has seen what that changes, and makes version 3 of one history.
    assert_eq!(world.json("backup", &publish)["version"], 3);
    world.json("backup", &["verify", "site-one"]);
}

#[test]
fn two_machines_that_signed_the_same_number() {
    let world = World::new();
    let (_, host) = world.published_site();
    copy(&world, "author", "other");
    copy(&world, "site", "other-site");
    world.write(
        "other-site/about.md",
        "---\ntitle: About\n---\nAnother two.\n",
    );
    world.json("other", &["publish", "other-site", "--yes", "--wait", "0"]);
    world.write("site/about.md", "---\ntitle: About\n---\nVersion two.\n");
    world.json(
        "author",
        &["publish", "site", "--yes", "--peer", &host.ticket],
    );
    let newest = get(&format!("{}about/", host.mirror)).body;

    let publish = ["publish", "other-site", "--yes", "--peer", &host.ticket];
    world
        .fails(1, "other", &publish)
        .says(&["version 2 from ", "would be abandoned"]);
    assert_eq!(get(&format!("{}about/", host.mirror)).body, newest);
}

#[test]
fn a_store_that_was_lost_signs_no_second_history() {
    let world = World::new();
    world.new_site("home", "site");
    world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    world.json("home", &["export", "site", "backup.skep"]);
    fs::remove_dir_all(world.path("home/store")).unwrap();
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    world
        .fails(1, "home", &publish)
        .says(&["has signed version 1", "skep import FILE"]);
    world.json("home", &["import", "backup.skep"]);
    world.write("site/about.md", "---\ntitle: About\n---\nTwo.\n");
    assert_eq!(world.json("home", &publish)["version"], 2);
}

fn copy(world: &World, from: &str, to: &str) {
    for (name, bytes) in world.files(from) {
        world.write(&format!("{to}/{name}"), bytes);
    }
}
