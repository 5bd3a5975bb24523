//! status, publish, host, clone, log, show, verify: three processes, one site.

use crate::skep::{World, get};

#[test]
fn from_an_author_by_a_host_to_a_reader() {
    let world = World::new();
    let address = world.new_site("b", "site");
    let host = world.host("a", &address);
    let published = world.json(
        "b",
        &[
            "publish",
            "site",
            "--yes",
            "--peer",
            &host.ticket,
            "--wait",
            "1",
        ],
    );
    assert_eq!(published["version"], 1);
    assert_eq!(published["holders"][0]["mode"], "whole");
    let kept = host.running.event("version");
    assert_eq!(
        (&kept["version"], kept["address"].as_str()),
        (&1.into(), Some(address.as_str()))
    );

    // The author's process has ended; the reader has the host alone.
    let cloned = world.json("c", &["clone", &address, "out", "--peer", &host.ticket]);
    world.json("b", &["build", "site", "-o", "built"]);
    let built = world.files("built");
    assert_eq!(world.files("out"), built);
    assert_eq!(cloned["files"].as_u64(), Some(built.len() as u64));
    for (path, bytes) in &built {
        assert_eq!(
            &get(&format!("{}{path}", host.mirror)).body,
            bytes,
            "{path}"
        );
    }
    // The host's own browser reads it at the site's origin.
    let id = address.strip_prefix("skep://").unwrap();
    let origin = host
        .gateway
        .replacen("localhost", &format!("{id}.localhost"), 1);
    assert_eq!(get(&origin).body, built["index.html"]);
    // What was fetched can be read again with nobody there.
    host.running.kill();
    world.json("c", &["clone", &address, "again"]);
    assert_eq!(world.files("again"), built);
    assert_eq!(world.json("c", &["verify", &address])["whole"], 1);
}

#[test]
fn versions_follow_each_other() {
    let world = World::new();
    let address = world.new_site("author", "site");
    let host = world.host("host", &address);
    let publish = |message: &str| {
        world.json(
            "author",
            &[
                "publish",
                "site",
                "--yes",
                "-m",
                message,
                "--peer",
                &host.ticket,
            ],
        )
    };
    assert_eq!(publish("First")["version"], 1);
    assert_eq!(publish("Nothing new")["changed"], false);
    let old = world.files("site");
    let (name, _) = old
        .iter()
        .find(|(name, _)| name.starts_with("_posts/"))
        .unwrap();
    world.write(
        &format!("site/{name}"),
        "---\ntitle: Changed\n---\nOther words.\n",
    );

    let status = world.json("author", &["status", "site"]);
    assert!(status["modified"].as_u64() > Some(0), "{status}");
    assert_eq!(
        (&status["version"], &status["holders"]),
        (&1.into(), &1.into())
    );
    let second = publish("Second");
    assert_eq!(
        (&second["version"], &second["changed"]),
        (&2.into(), &true.into())
    );
    assert!(second["added_bytes"].as_u64() < Some(20_000), "{second}");
    assert_eq!(
        world.json("author", &["status", "site"])["changes"],
        serde_json::json!([])
    );

    let log = world.json("reader", &["log", &address, "--peer", &host.ticket]);
    let versions = log["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 2);
    assert_eq!(
        (&versions[0]["message"], &versions[1]["message"]),
        (&"Second".into(), &"First".into())
    );

    // The host has every version, and the author too.
    let page = second["changes"][0]["path"].as_str().unwrap();
    let show =
        |version: u64| world.run("author", &["show", &format!("{address}+{version}/{page}")]);
    let (one, two) = (show(1), show(2));
    assert_eq!((one.code, two.code), (0, 0), "{}{}", one.stderr, two.stderr);
    assert_ne!(one.stdout, two.stdout);
    assert_eq!(get(&format!("{}{page}", host.mirror)).body, two.stdout);
    assert_eq!(world.json("author", &["verify", "site"])["whole"], 2);
    world
        .fails(1, "author", &["show", &format!("{address}+3/{page}")])
        .says(&["there is no version 3", "newest is 2"]);
    world
        .fails(1, "author", &["show", &format!("{address}/nowhere.html")])
        .says(&["nowhere.html"]);
}

#[test]
fn publishing_waits_for_nobody_when_told_so() {
    let world = World::new();
    let address = world.new_site("author", "site");
    let published = world.json("author", &["publish", "site", "--yes", "--wait", "0"]);
    assert_eq!(
        (&published["version"], &published["holders"]),
        (&1.into(), &serde_json::json!([]))
    );

    // The same version again, now handed to a host that was not there before.
    let host = world.host("host", &address);
    let again = world.json(
        "author",
        &["publish", "site", "--yes", "--peer", &host.ticket],
    );
    assert_eq!(
        (&again["version"], &again["changed"]),
        (&1.into(), &false.into())
    );
    assert_eq!(again["holders"].as_array().unwrap().len(), 1);
}

#[test]
fn a_host_that_does_not_keep_the_site_is_not_taken_for_one() {
    let world = World::new();
    let other = world.new_site("other", "other");
    world.new_site("author", "site");
    let host = world.host("host", &other);
    let publish = [
        "publish",
        "site",
        "--yes",
        "--peer",
        &host.ticket,
        "--wait",
        "1",
    ];
    let ended = world.fails(3, "author", &publish);
    ended.says(&["does not keep this site", "signed and safe here"]);
    assert_eq!(
        world.json("author", &["log", "site"])["versions"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_key_is_needed_to_publish_and_never_made_up() {
    let world = World::new();
    world.new_site("author", "site");
    let ended = world.fails(1, "elsewhere", &["publish", "site", "--yes", "--wait", "0"]);
    ended.says(&["no key for skep://", "skep key import"]);
    assert_eq!(
        world.json("elsewhere", &["key", "list"])["keys"],
        serde_json::json!([])
    );
}

#[test]
fn without_a_terminal_nothing_goes_out_unasked() {
    let world = World::new();
    world.new_site("author", "site");
    world
        .fails(2, "author", &["publish", "site", "--wait", "0"])
        .says(&["--yes"]);
    world
        .fails(1, "author", &["log", "site"])
        .says(&["nothing of skep://"]);
}

#[test]
fn a_host_keeps_what_it_has_over_a_restart() {
    let world = World::new();
    let (address, host) = world.published_site();
    #[cfg(unix)]
    assert_eq!(host.running.terminate(), 0);
    #[cfg(not(unix))]
    host.running.kill();
    let host = world.host("host", &address);
    assert_eq!(get(&host.mirror).status, 200);
    world.json(
        "reader",
        &["clone", &address, "out", "--peer", &host.ticket],
    );
}

/// Snapshot, storing, verifying and checking out a file take memory for pieces of it. It is sparse; what is
/// stored of it is not.
#[cfg(target_os = "linux")]
#[test]
fn a_large_file_goes_through_bounded_memory() {
    const LENGTH: u64 = 128 << 20;
    const BOUND: u64 = 64 << 20;
    let world = World::new();
    let address = world.new_site("author", "site");
    world.write("site/_site/index.html", "<p>A film</p>");
    world.write("site/_site/film.webm", "");
    let film = std::fs::File::options()
        .write(true)
        .open(world.path("site/_site/film.webm"));
    film.unwrap().set_len(LENGTH).unwrap();
    for command in [
        &["publish", "site", "--no-build", "--yes", "--wait", "0"][..],
        &["verify", "site"],
        &["clone", &address, "out"],
        &["export", &address, "film.skep"],
    ] {
        let peak = world.start("author", command).peak_memory();
        assert!(
            (1 << 20..BOUND).contains(&peak),
            "{command:?}: {peak} bytes"
        );
    }
    let copy = std::fs::metadata(world.path("out/film.webm")).unwrap();
    assert_eq!(copy.len(), LENGTH);
}
