//! A DHT on this machine, and sites that are found by their address alone.

use std::time::Instant;

use n0_mainline::Testnet;
use tokio::runtime::Runtime;

use crate::skep::{Ended, LIMIT, World};

/// A DHT, and homes whose nodes use it.
fn world(homes: &[&str]) -> (World, Runtime, Testnet) {
    let runtime = Runtime::new().unwrap();
    let dht = runtime.block_on(Testnet::new(4)).unwrap();
    let world = World::new();
    for home in homes {
        let config = format!(
            "[dht]\nbootstrap = {:?}\naddresses = \"all\"\n",
            dht.bootstrap
        );
        world.write(&format!("{home}/config.toml"), config);
    }
    (world, runtime, dht)
}

/// Runs a command until it succeeds: what others say on the DHT may not be said yet.
fn until_done(world: &World, home: &str, args: &[&str]) -> Ended {
    let begun = Instant::now();
    loop {
        let ended = world.run(home, args);
        if ended.code == 0 {
            return ended;
        }
        assert!(begun.elapsed() < LIMIT, "{args:?}: {}", ended.stderr);
    }
}

#[test]
fn a_site_whose_author_is_gone_is_cloned_and_followed_by_its_address_alone() {
    let (world, _runtime, _dht) = world(&["host", "reader", "follower", "last"]);
    let (address, host) = world.published_site();
    std::fs::remove_dir_all(world.path("author")).unwrap();
    until_done(&world, "reader", &["clone", &address, "copy"]);
    assert!(world.files("copy").contains_key("index.html"));

    // A follower shares what it has, so that the host is not needed any more.
    let follower = world.start("follower", &["node"]);
    follower.event("ready");
    let followed = world.json("follower", &["follow", &address]);
    assert_eq!(followed["version"], 1);
    assert_eq!(host.running.terminate(), 0);
    until_done(&world, "last", &["clone", &address, "second"]);
    assert_eq!(world.files("copy"), world.files("second"));
}

#[test]
fn a_site_that_nobody_has_is_looked_for_and_that_is_said() {
    let (world, _runtime, _dht) = world(&["reader"]);
    let address = world.new_site("author", "site");
    let ended = world.fails(1, "reader", &["clone", &address, "copy"]);
    assert!(
        ended.stderr.contains("found by the DHT"),
        "{}",
        ended.stderr
    );
    assert!(!world.path("copy").exists());
    // A home without such a file asks nobody on this network.
    let ended = world.fails(1, "other", &["clone", &address, "copy"]);
    assert!(!ended.stderr.contains("DHT"), "{}", ended.stderr);
}
