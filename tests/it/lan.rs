//! A local network without internet. Who has a site is found by multicast, and no ticket is given to anybody.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{
    netns::{Machines, ip},
    process::output_of,
    skep::{Ended, Running, World},
};

/// Machines on one bridge.
struct Network(Machines);

impl Network {
    /// A network named `name` of so many machines; `None` where that is not permitted.
    fn new(name: &str, machines: usize) -> Option<Self> {
        let lan = Machines::set_up(name, machines + 1, |names| {
            let (bridge, machines) = names.split_first().unwrap();
            ip(&format!("-n {bridge} link add br0 type bridge"))?;
            ip(&format!("-n {bridge} link set br0 up"))?;
            for (n, machine) in (1..).zip(machines) {
                ip(&format!(
                    "-n {bridge} link add port{n} type veth peer name eth0 netns {machine}"
                ))?;
                ip(&format!("-n {bridge} link set port{n} master br0 up"))?;
                ip(&format!("-n {machine} addr add 10.77.0.{n}/24 dev eth0"))?;
                ip(&format!("-n {machine} link set eth0 up"))?;
                // A router that is not there: nothing gets beyond the bridge.
                ip(&format!("-n {machine} route add default via 10.77.0.254"))?;
            }
            Ok(())
        });
        lan.map(Self)
    }

    /// `skep` on the n-th machine, from 1 on.
    fn command(&self, world: &World, n: usize, home: &str, args: &[&str]) -> Command {
        let mut command = self.0.command(n, env!("CARGO_BIN_EXE_skep"));
        let network = match args {
            ["--network", ..] => &[][..],
            _ => &["--network", "lan"],
        };
        command
            .args(["--home", home, "--json"])
            .args(network)
            .args(args)
            .current_dir(world.path(""))
            .env_remove("SKEP_HOME")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, world: &World, n: usize, home: &str, args: &[&str]) -> Ended {
        let mut command = self.command(world, n, home, args);
        Ended::of(output_of(&mut command, &args.join(" ")))
    }

    fn json(&self, world: &World, n: usize, home: &str, args: &[&str]) -> Value {
        let ended = self.run(world, n, home, args);
        assert_eq!(ended.code, 0, "{args:?}: {}", ended.stderr);
        ended.result()
    }

    /// `skep node` on the n-th machine.
    fn node(&self, world: &World, n: usize, home: &str) -> Running {
        let mut command = self.command(world, n, home, &["node"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let running = Running::spawn(command);
        running.event("ready");
        running
    }
}

#[test]
fn a_site_is_read_from_whoever_on_the_local_network_has_it() {
    let world = World::new();
    let Some(lan) = Network::new("read", 3) else {
        return;
    };
    let address = world.new_site("author", "site");
    let author = lan.node(&world, 1, "author");
    lan.json(
        &world,
        1,
        "author",
        &["publish", "site", "--yes", "--wait", "0"],
    );

    let cloned = lan.json(&world, 2, "reader", &["clone", &address, "copy"]);
    assert_eq!(cloned["version"], 1);
    assert!(world.read("copy/index.html").contains("<html"));
    // What nobody has is not found, and that is said.
    let nowhere = world.new_site("elsewhere", "another");
    let ended = lan.run(&world, 2, "reader", &["clone", &nowhere, "nothing"]);
    assert_eq!(ended.code, 1);
    ended.says(&["no node that may have it", "local network"]);

    // The author goes; another, who followed the site, is found as well.
    let follower = lan.node(&world, 3, "follower");
    let followed = lan.json(&world, 3, "follower", &["follow", &address]);
    assert_eq!(followed["version"], 1);
    assert_eq!(author.terminate(), 0);
    let cloned = lan.json(&world, 2, "stranger", &["clone", &address, "second"]);
    assert_eq!(cloned["version"], 1);
    assert_eq!(world.files("copy"), world.files("second"));
    assert_eq!(follower.terminate(), 0);
}

#[test]
fn a_node_that_appears_is_asked_for_the_sites_that_are_followed() {
    let world = World::new();
    let Some(lan) = Network::new("meet", 2) else {
        return;
    };
    let address = world.new_site("author", "site");
    let follower = lan.node(&world, 2, "follower");
    let followed = lan.json(&world, 2, "follower", &["follow", &address]);
    assert_eq!(followed["version"], Value::Null);

    let author = lan.node(&world, 1, "author");
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    lan.json(&world, 1, "author", &publish);
    drop(author);
    // It comes again with something to give.
    let _author = lan.node(&world, 1, "author");
    let version = follower.event("version");
    assert_eq!(
        (&version["address"], &version["version"]),
        (&address.as_str().into(), &1.into())
    );
    // From now on they know each other: the next version needs nobody to appear.
    world.write("site/about.md", "---\ntitle: About\n---\nSecond.\n");
    lan.json(&world, 1, "author", &publish);
    assert_eq!(follower.event("version")["version"], 2);
}

#[test]
fn on_the_public_network_the_local_one_helps_unless_a_person_minds() {
    let world = World::new();
    let Some(lan) = Network::new("public", 2) else {
        return;
    };
    let address = world.new_site("author", "site");
    let _author = lan.node(&world, 1, "author");
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    lan.json(&world, 1, "author", &publish);
    // There are no other services here, and none is waited for.
    let services = "[network]\ndomain = 'skep.test'\n";
    world.write("shy/config.toml", format!("{services}lan = false\n"));
    world.write("reader/config.toml", services);
    let clone = ["--network", "public", "clone", &address, "copy"];
    let ended = lan.run(&world, 2, "shy", &clone);
    assert_eq!(ended.code, 1, "{}", ended.out());
    ended.says(&["no node that may have it is known"]);
    let cloned = lan.json(&world, 2, "reader", &clone);
    assert_eq!(cloned["version"], 1);
}
