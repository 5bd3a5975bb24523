//! Nodes that keep a site are remembered: each publish asks and tells them, and a node brings what another machine
//! has published.

use serde_json::Value;

use crate::skep::{World, get};

/// The key and the site of `author` on a second machine, `laptop`, that knows version 1 and nobody.
pub(crate) fn second_machine(world: &World, address: &str) {
    world.json("author", &["export", address, "v1.skep"]);
    world.json("author", &["key", "export", address, "site.key", "--plain"]);
    world.json("laptop", &["key", "import", "site.key"]);
    world.json("laptop", &["import", "v1.skep"]);
    for (name, bytes) in world.files("site") {
        world.write(&format!("laptop-site/{name}"), bytes);
    }
}

fn page(world: &World, site: &str, name: &str) {
    let text = format!("---\ntitle: {name}\n---\nFrom {site}.\n");
    world.write(&format!("{site}/{name}.md"), text);
}

fn versions(world: &World, home: &str, address: &str) -> usize {
    let log = world.json(home, &["log", address]);
    log["versions"].as_array().unwrap().len()
}

#[test]
fn a_node_brings_what_another_machine_has_published_and_a_publish_does_not_pass_over_it() {
    let world = World::new();
    let (address, host) = world.published_site();
    second_machine(&world, &address);
    page(&world, "laptop-site", "laptop");
    world.json(
        "laptop",
        &["publish", "laptop-site", "--yes", "--peer", &host.ticket],
    );

    let node = world.start("author", &["node"]);
    node.event("ready");
    let came = node.event("elsewhere");
    assert_eq!(
        (&came["address"], &came["version"]),
        (&address.as_str().into(), &2.into())
    );
    let log = world.run("author", &["log", "site"]);
    log.says(&["version 2 was published from another machine"]);

    page(&world, "site", "desk");
    let publish = ["publish", "site", "--yes"];
    let refused = world.fails(1, "author", &publish);
    refused.says(&[
        "nothing was published",
        "version 2 was published from another machine",
    ]);
    assert_eq!(versions(&world, "author", &address), 2);
    // Having seen it, the author keeps the other page.
    world.write("site/laptop.md", world.read("laptop-site/laptop.md"));
    let signed = world.json("author", &publish);
    assert_eq!(signed["version"], 3);
    assert_eq!(signed["holders"].as_array().unwrap().len(), 1, "{signed}");
    for name in ["desk", "laptop"] {
        assert_eq!(get(&format!("{}{name}/", host.mirror)).status, 200);
    }
    assert_eq!(world.json("author", &["log", "site"])["fork"], Value::Null);
}

#[test]
fn status_shows_what_came_from_another_machine() {
    let world = World::new();
    let (address, host) = world.published_site();
    second_machine(&world, &address);
    page(&world, "laptop-site", "laptop");
    world.json(
        "laptop",
        &["publish", "laptop-site", "--yes", "--peer", &host.ticket],
    );
    let node = world.start("author", &["node"]);
    node.event("elsewhere");
    world
        .run("author", &["status", "site"])
        .says(&["version 2 was published from another machine"]);
    // It was seen: what the folder changes in it may be published.
    page(&world, "site", "desk");
    let status = world.json("author", &["status", "site"]);
    assert_eq!(
        (&status["version"], &status["from_elsewhere"]),
        (&2.into(), &Value::Null)
    );
    assert_eq!(
        world.json("author", &["publish", "site", "--yes"])["version"],
        3
    );
}

#[test]
fn a_publish_without_a_peer_asks_the_host_that_it_knows() {
    let world = World::new();
    let (address, host) = world.published_site();
    second_machine(&world, &address);
    page(&world, "laptop-site", "laptop");
    world.json(
        "laptop",
        &["publish", "laptop-site", "--yes", "--peer", &host.ticket],
    );
    page(&world, "site", "desk");
    let refused = world.fails(1, "author", &["publish", "site", "--yes"]);
    refused.says(&["version 2 was published from another machine"]);
    assert_eq!(versions(&world, "author", &address), 2);
    // The second machine goes on. Who tells nobody asks all the same.
    page(&world, "laptop-site", "more");
    world.json("laptop", &["publish", "laptop-site", "--yes"]);
    let refused = world.fails(1, "author", &["publish", "site", "--yes", "--wait", "0"]);
    refused.says(&["version 3 was published from another machine"]);
}

#[test]
fn a_running_node_says_that_its_site_is_forked() {
    let world = World::new();
    let (address, host) = world.published_site();
    second_machine(&world, &address);
    // The desk signs its version 2 while the host is away, and the laptop publishes its own.
    page(&world, "laptop-site", "laptop");
    world.json(
        "laptop",
        &["publish", "laptop-site", "--yes", "--peer", &host.ticket],
    );
    host.running.kill();
    page(&world, "site", "desk");
    assert_eq!(
        world.json("author", &["publish", "site", "--yes"])["version"],
        2
    );

    let host = world.host("host", &address);
    let node = world.start("author", &["node"]);
    node.event("ready");
    // Whoever is told of the host anew finds it: its address is another one.
    world.run("author", &["log", "site", "--peer", &host.ticket]);
    let status = world.json("author", &["status", "site"]);
    assert_eq!(status["mend"]["abandons"][0]["version"], 2, "{status}");
    let forked = node.event("forked");
    assert_eq!(
        (&forked["address"], &forked["version"]),
        (&address.as_str().into(), &2.into())
    );
}

#[test]
fn a_host_that_kept_a_version_is_told_of_the_next_and_counts() {
    let world = World::new();
    let (address, host) = world.published_site();
    page(&world, "site", "second");
    let said = world.run("author", &["publish", "site", "--yes"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.out().contains("held by"), "{}", said.out());
    assert!(!said.out().contains("Only this machine"), "{}", said.out());
    assert_eq!(get(&format!("{}second/", host.mirror)).status, 200);
    page(&world, "site", "third");
    let waited = world.json("author", &["publish", "site", "--yes", "--wait", "1"]);
    assert_eq!(
        (&waited["version"], &waited["wanted"]),
        (&3.into(), &1.into())
    );
    // An old version comes from the host that was just used.
    world.json(
        "reader",
        &["clone", &address, "new", "--peer", &host.ticket],
    );
    let old = world.json("reader", &["clone", &format!("{address}+2"), "old"]);
    assert_eq!(old["version"], 2);
    assert!(world.path("old/second/index.html").exists());
    assert!(!world.path("old/third").exists());
    let shown = world.run("reader", &["show", &format!("{address}+1/index.html")]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    // So does a version that is newer than what is here.
    page(&world, "site", "fourth");
    world.json("author", &["publish", "site", "--yes"]);
    let newer = world.json("reader", &["clone", &format!("{address}+4"), "newer"]);
    assert_eq!(newer["version"], 4);

    // One that is away stops nothing.
    host.running.kill();
    page(&world, "site", "fifth");
    let alone = world.run("author", &["publish", "site", "--yes"]);
    assert_eq!(alone.code, 0, "{}", alone.stderr);
    assert!(
        alone.out().contains("Only this machine holds version 5."),
        "{}",
        alone.out()
    );
}

#[test]
fn a_pin_is_given_up_while_the_host_runs() {
    let world = World::new();
    let (address, host) = world.published_site();
    let given_up = world.json("host", &["unfollow", &address]);
    assert_eq!(
        (&given_up["before"], &given_up["relation"]),
        (&"pinned".into(), &"visited".into())
    );
    page(&world, "site", "second");
    let publish = ["publish", "site", "--yes", "--peer", &host.ticket];
    world
        .fails(3, "author", &publish)
        .says(&["does not keep this site"]);
    host.running.interrupt();
    world
        .fails(2, "host", &["host", "--port", "0", "--gateway-port", "0"])
        .says(&["keeps no site"]);
}

#[test]
fn a_second_machine_says_that_it_does_not_know_what_is_published() {
    let world = World::new();
    let (address, _host) = world.published_site();
    world.json("author", &["key", "export", "site", "site.key", "--plain"]);
    world.json("laptop", &["key", "import", "site.key"]);
    let status = world.run("laptop", &["status", "site"]);
    assert!(
        !status.out().contains("Nothing is published"),
        "{}",
        status.out()
    );
    assert!(
        status.out().contains("may be published all the same"),
        "{}",
        status.out()
    );
    assert!(
        status.out().contains(&format!("skep log {address} --peer")),
        "{}",
        status.out()
    );
    let known = world.json("laptop", &["status", "site"]);
    assert_eq!(
        (&known["version"], &known["published"]),
        (&Value::Null, &Value::Null)
    );
    world.new_site("author", "new");
    assert_eq!(world.json("author", &["status", "new"])["published"], false);
}
