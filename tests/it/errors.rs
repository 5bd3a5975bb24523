//! Bad input gets one clear error with the place and the next step, and leaves everything as it was.

use crate::skep::World;

#[test]
fn no_site_here() {
    let world = World::new();
    for command in ["build", "status", "serve"] {
        let ended = world.fails(1, "home", &[command]);
        ended.says(&["skep.toml", "skep new"]);
    }
    let json = world.fails(1, "home", &["build", "--json"]);
    let json: serde_json::Value = json.result();
    let error = &json["error"];
    assert_eq!(error["kind"], "no-site");
    assert!(!error["message"].as_str().unwrap().contains("hint"));
    assert!(error["hint"].as_str().unwrap().contains("skep new"));
    world
        .fails(2, "home", &["log", "nowhere"])
        .says(&["no folder \"nowhere\""]);
}

#[test]
fn front_matter_and_templates_name_the_place() {
    let world = World::new();
    world.new_site("home", "site");
    world.json("home", &["build", "site"]);
    let good = world.files("site/_site");

    world.write(
        "site/_posts/2026-01-02-bad.md",
        "---\ntitle: \"unclosed\ndate: 2026-01-02\n---\nHi\n",
    );
    world
        .fails(1, "home", &["build", "site"])
        .says(&["_posts/2026-01-02-bad.md:"]);
    world.write(
        "site/_posts/2026-01-02-bad.md",
        "---\ntitle: Fine\nlayout: pots\n---\nHi\n",
    );
    world
        .fails(1, "home", &["build", "site"])
        .says(&["_posts/2026-01-02-bad.md", "post"]);
    world.write(
        "site/_posts/2026-01-02-bad.md",
        "---\ntitle: Fine\nlayout: mine\n---\nHi\n",
    );
    world.write("site/_layouts/mine.html", "<p>\n{{ page.titel }}\n</p>\n");
    world
        .fails(1, "home", &["build", "site"])
        .says(&["_layouts/mine.html:2:", "titel"]);
    assert_eq!(
        world.files("site/_site"),
        good,
        "the last good output stays"
    );
    world
        .fails(1, "home", &["publish", "site", "--yes", "--wait", "0"])
        .says(&["_layouts/mine.html:2:"]);
    world.fails(1, "home", &["log", "site"]);
}

#[test]
fn addresses_with_typing_errors() {
    let world = World::new();
    let address = world.new_site("home", "site");
    let mut typed = address.clone().into_bytes();
    typed[20] = if typed[20] == b'y' { b'b' } else { b'y' };
    let typed = String::from_utf8(typed).unwrap();
    world
        .fails(2, "home", &["clone", &typed, "out"])
        .says(&["checksum", "copy it whole"]);
    world
        .fails(2, "home", &["clone", &address[..40], "out"])
        .says(&["has 33 characters"]);
    world
        .fails(2, "home", &["host", "--pin", &typed])
        .says(&["checksum"]);
    let part = format!("{address}+1");
    world
        .fails(2, "home", &["host", "--pin", &part])
        .says(&["whole sites"]);
    world
        .fails(2, "home", &["clone", &address, "out", "--peer", "nonsense"])
        .says(&["ticket"]);
    assert!(!world.path("out").exists());
    // The same mistake in skep.toml.
    world.write(
        "site/skep.toml",
        format!("title = \"x\"\naddress = \"{typed}\"\n"),
    );
    world
        .fails(1, "home", &["publish", "site", "--yes"])
        .says(&["skep.toml", "checksum"]);
}

#[test]
fn unknown_and_unreachable() {
    let world = World::new();
    let address = world.new_site("home", "site");
    world
        .fails(1, "reader", &["clone", &address, "out"])
        .says(&["nothing of skep://", "--peer"]);
    let host = world.host("host", &address);
    // The host knows of the site but has nothing of it yet.
    let clone = ["clone", &address, "out", "--peer", &host.ticket];
    world
        .fails(1, "reader", &clone)
        .says(&["does not have skep://"]);
    let ticket = host.ticket.clone();
    host.running.kill();
    world
        .fails(1, "reader", &["clone", &address, "out", "--peer", &ticket])
        .says(&["can't reach the node"]);
    let publish = ["publish", "site", "--yes", "--peer", &ticket, "--wait", "1"];
    world
        .fails(3, "home", &publish)
        .says(&["can't reach the node", "signed and safe here"]);
    assert!(!world.path("out").exists());
}

#[test]
fn a_folder_that_is_taken() {
    let world = World::new();
    let address = world.new_site("home", "site");
    world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    world.write("out/precious.txt", "mine");
    world
        .fails(2, "home", &["clone", &address, "out"])
        .says(&["not empty"]);
    assert_eq!(world.read("out/precious.txt"), "mine");
}

#[test]
fn impossible_waits() {
    let world = World::new();
    world.new_site("home", "site");
    world
        .fails(2, "home", &["publish", "site", "--yes", "--wait", "1"])
        .says(&["--wait 1", "--peer"]);
}

/// Runs `skep` where no file can grow past `blocks` KiB: a disk that is full, as far as files can tell.
#[cfg(target_os = "linux")]
fn with_little_room(world: &World, blocks: u32, args: &str) -> (Option<i32>, String) {
    let skep = env!("CARGO_BIN_EXE_skep");
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec {skep} --network loopback {args}");
    let mut bash = crate::process::fresh("bash");
    bash.args(["-c", &script]).current_dir(world.path(""));
    let ended = crate::process::output_of(&mut bash, args);
    let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
    (ended.status.code(), stderr)
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_nothing() {
    let world = World::new();
    world.new_site("home", "site");
    world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    let log = world.json("home", &["log", "site"]);
    world.write("site/assets/large.bin", vec![7; 3 << 20]);
    let (code, stderr) = with_little_room(&world, 2000, "--home home publish site --yes --wait 0");
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("error"), "{stderr}");
    assert_eq!(world.json("home", &["log", "site"]), log);
    world.json("home", &["verify", "site"]);
    let next = world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    assert_eq!(next["version"], 2);
}

/// Whichever of the store's files can't grow: the old version or the new one is there, and whole.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_in_the_middle_of_a_publish() {
    let world = World::new();
    world.new_site("home", "site");
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    world.json("home", &publish);
    let (mut versions, mut failures) = (1, 0);
    for room in (8..=128).step_by(8) {
        let about = format!("---\ntitle: About\n---\n{room}\n");
        world.write("site/about.md", about);
        for n in 0..12 {
            // Files that are blobs of their own, and together need a list.
            world.write(
                &format!("site/assets/{n}.png"),
                [vec![n; 33_000], vec![room as u8]].concat(),
            );
        }
        let args = "--home home publish site --yes --wait 0";
        let (code, stderr) = with_little_room(&world, room, args);
        if code != Some(0) {
            failures += 1;
            assert_eq!(code, Some(1), "{room}: {stderr}");
            assert!(stderr.contains("too large"), "{room}: {stderr}");
        }
        let log = world.json("home", &["log", "site"]);
        let now = log["versions"].as_array().unwrap().len();
        assert!(now == versions || now == versions + 1, "{room}: {now}");
        assert!(code == Some(1) || now == versions + 1, "{room}: {now}");
        let verified = world.json("home", &["verify", "site"]);
        assert_eq!(verified["whole"].as_u64(), Some(now as u64));
        versions = now;
    }
    assert!(failures >= 3, "{failures}");
    world.json("home", &publish);
    world.json("home", &["verify", "site"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_not_the_peers_fault() {
    let world = World::new();
    let address = world.new_site("home", "site");
    world.write("site/assets/large.bin", vec![7; 6 << 20]);
    let host = world.host("host", &address);
    world.json(
        "home",
        &["publish", "site", "--yes", "--peer", &host.ticket],
    );
    let clone = format!("--home reader clone {address} out --peer {}", host.ticket);
    let (code, stderr) = with_little_room(&world, 4000, &clone);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(
        stderr.contains("can't write to the store of blobs"),
        "{stderr}"
    );
    assert!(!world.path("out").exists());
    // With room it goes on.
    world.json(
        "reader",
        &["clone", &address, "out", "--peer", &host.ticket],
    );
}

#[test]
fn every_command_explains_itself() {
    let world = World::new();
    let help = world.run("home", &["--help"]);
    let commands: Vec<String> = help
        .out()
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .filter(|name| name != "help")
        .collect();
    assert_eq!(commands.len(), 26, "{commands:?}");
    for command in &commands {
        let help = world.run("home", &[command, "--help"]);
        assert_eq!(help.code, 0);
        assert!(help.out().contains("Examples:"), "{command}");
    }
    world.fails(2, "home", &["no-such-command"]);
}
