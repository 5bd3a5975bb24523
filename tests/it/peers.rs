//! `skep peers`: who is connected, what went up and down, who holds which version.

use std::time::Instant;

use serde_json::{Value, json};

use crate::skep::{LIMIT, World};

/// What `peers` says of a site.
fn peers(world: &World, home: &str, address: &str) -> Value {
    let shown = world.json(home, &["peers", address]);
    let sites = shown["sites"].as_array().unwrap();
    assert_eq!(sites.len(), 1);
    assert_eq!(sites[0]["address"], address);
    sites[0].clone()
}

#[test]
fn an_author_sees_who_holds_what_and_a_host_who_is_connected() {
    let world = World::new();
    let (address, host) = world.published_site();
    let named = world.json("host", &["peers"])["running"]["node"].clone();
    assert_eq!(named.as_str().unwrap().len(), 64);

    // Nobody runs at the author's: the records say what they know.
    let shown = world.json("author", &["peers", "site"]);
    assert_eq!(shown["running"], Value::Null);
    let author = peers(&world, "author", &address);
    let holder = &author["holders"][0];
    assert_eq!(
        (
            &holder["node"],
            &holder["version"],
            &holder["newest"],
            &holder["mode"]
        ),
        (&named, &1.into(), &true.into(), &"whole".into())
    );
    assert!(holder["time"].as_str().unwrap().starts_with("20"));
    assert_eq!(author["connected"], json!([]));
    let up = author["up"].as_u64().unwrap();
    assert!(up > 0, "{author}");

    // What went up there came down here.
    let here = peers(&world, "host", &address);
    assert!(here["down"].as_u64().unwrap() > 0, "{here}");
    assert_eq!(here["holders"], json!([]));
    let ratio = here["up"].as_f64().unwrap() / here["down"].as_f64().unwrap();
    assert!((here["ratio"].as_f64().unwrap() - ratio).abs() < 0.01);

    // A follower that runs is connected to it.
    world.json("reader", &["follow", &address, "--peer", &host.ticket]);
    let reader = world.start("reader", &["node"]);
    reader.event("ready");
    let id = world.json("reader", &["peers"])["running"]["node"].clone();
    let begun = Instant::now();
    while peers(&world, "host", &address)["connected"] != json!([id]) {
        assert!(begun.elapsed() < LIMIT, "the reader has never come");
    }
    let read = peers(&world, "reader", &address);
    assert_eq!(read["relation"], "followed");
    let known = &read["known"][0];
    assert_eq!((&known["node"], &known["named"]), (&named, &true.into()));
    assert!(known["heard"].is_string(), "{known}");

    // A newer version that nobody was told of is held by nobody.
    world.write("site/about.md", "---\ntitle: About\n---\nSecond.\n");
    world.json("author", &["publish", "site", "--yes", "--wait", "0"]);
    let author = peers(&world, "author", &address);
    let holder = &author["holders"][0];
    assert_eq!(author["version"], 2);
    assert_eq!(
        (&holder["version"], &holder["newest"]),
        (&1.into(), &false.into())
    );
    let people = world.run("author", &["peers", "site"]);
    assert_eq!(people.code, 0);
    let short = &named.as_str().unwrap()[..10];
    let line = format!("{short}: version 1 (whole), as it said on ");
    assert!(people.out().contains(&line), "{}", people.out());
    people.says(&["No node runs on this home"]);
}

#[test]
fn a_site_that_is_not_here_is_an_error_and_an_empty_home_is_none() {
    let world = World::new();
    let address = world.new_site("author", "site");
    world
        .fails(1, "reader", &["peers", &address])
        .says(&["is not on this machine", "skep follow"]);
    world.fails(2, "reader", &["peers", "nonsense"]);
    assert_eq!(world.json("reader", &["peers"])["sites"], json!([]));
    let people = world.run("reader", &["peers"]);
    assert!(
        people.out().contains("no sites here yet"),
        "{}",
        people.out()
    );
}
