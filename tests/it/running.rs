//! Commands while `browse` or `host` runs on the same home: they do their work through it.

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixListener,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    process::{collect, fresh, output_of, wait_with_timeout, within},
    skep::{Ended, Running, World, get},
};

/// `browse` on a home, ready.
fn browse(world: &World, home: &str) -> (Running, Value) {
    let running = world.start(home, &["browse", "--port", "0"]);
    let ready = running.event("ready");
    (running, ready)
}

/// A site with two versions, and a change since.
fn site(world: &World, home: &str) -> String {
    let address = world.new_site(home, "site");
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    world.json(home, &publish);
    edit(world, "Second.");
    world.json(home, &publish);
    edit(world, "Third.");
    address
}

fn edit(world: &World, text: &str) {
    world.write("site/about.md", format!("---\ntitle: About\n---\n{text}\n"));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// What a command said, without what the moment decides.
fn said(ended: &Ended) -> (i32, String, String) {
    let out = match serde_json::from_slice::<Value>(&ended.stdout) {
        Ok(mut value) if value.get("root").is_some() => {
            value["root"] = Value::Null;
            value.to_string()
        }
        _ => ended.out(),
    };
    (ended.code, out, ended.stderr.clone())
}

#[test]
fn each_command_says_the_same_with_and_without_a_running_node() {
    let world = World::new();
    let address = site(&world, "home");
    copy(&world.path("home"), &world.path("alone"));
    let (_running, _) = browse(&world, "home");
    let about = format!("{address}/about/");
    let (missing, first) = (format!("{address}/missing"), format!("{address}+1"));
    let second = format!("{address}+2");
    let yes = ["--yes", "--wait", "0"];
    let commands: &[&[&str]] = &[
        &["status", "site"],
        &["--json", "status", "site"],
        &["--quiet", "status", "site"],
        &["status", "site", "--only", "nothing/**"],
        &["diff", "site"],
        &["--json", "diff", "site"],
        &["diff", &first, &second, "--stat"],
        &["log", "site"],
        &["--json", "log", "site"],
        &["log", &address],
        &["show", &about],
        &["--json", "show", &about],
        &["show", &missing],
        &["--json", "show", &missing],
        &["verify", "site"],
        &["--json", "verify", &address],
        &["export", "site", "out.skep"],
        &["import", "kept.skep"],
        &["--json", "import", "no-such-file.skep"],
        &["clone", &address, "out"],
        &["--json", "clone", &first, "out"],
        &["clone", &address, "site"],
        &["status", "nowhere"],
        &["--json", "log", "nowhere"],
        &["fork", &address, "out"],
        &["fork", &address, "site"],
        &["follow", &address],
        &["unfollow", &address],
        &["--json", "unfollow", &address],
        &["publish", "site", "--dry-run"],
        &["publish", "site"],
        &["publish", "site", "--allow", "nonsense"],
        &["publish", "site", "--wait", "1"],
        &["publish", "site", "-m", "Third", yes[0], yes[1], yes[2]],
        &["--json", "publish", "site", yes[0], yes[1], yes[2]],
        &["revert", "1", "site"],
        &["--json", "revert", "1", "site", yes[0], yes[1], yes[2]],
        &["retract", "2", "site", "--dry-run"],
        &["retract", "2", "site", yes[0], yes[1], yes[2]],
        &["--json", "retract", "9", "site", "--dry-run"],
        &["show", &second],
        &["verify", "site"],
    ];
    world.json("alone", &["export", &address, "kept.skep"]);
    let mut codes = Vec::new();
    for args in commands {
        let [alone, through] = ["alone", "home"].map(|home| {
            let _ = fs::remove_dir_all(world.path("out"));
            let _ = fs::remove_file(world.path("out.skep"));
            let ended = world.run(home, args);
            (
                said(&ended),
                world.path("out").exists(),
                world.path("out.skep").exists(),
            )
        });
        assert_eq!(alone, through, "{args:?}");
        codes.push(through.0.0);
    }
    // It was not the same failure everywhere.
    for code in [0, 1, 2] {
        assert!(codes.contains(&code), "{codes:?}");
    }
    assert!(
        codes.iter().filter(|code| **code == 0).count() > 20,
        "{codes:?}"
    );
}

#[test]
fn paths_start_where_the_command_was_given() {
    let world = World::new();
    site(&world, "home");
    copy(&world.path("home"), &world.path("alone"));
    for folder in ["elsewhere", "site/_drafts/deep"] {
        fs::create_dir_all(world.path(folder)).unwrap();
    }
    let (_running, _) = browse(&world, "home");
    for (folder, args) in [
        ("site", &["status"][..]),
        ("site", &["verify", "."]),
        ("site/_drafts/deep", &["status", "../.."]),
        ("elsewhere", &["status", "../site"]),
        ("elsewhere", &["status", "../nowhere"]),
        ("elsewhere", &["status"]),
        ("elsewhere", &["export", "../site", "copy.skep"]),
    ] {
        let [alone, through] = ["alone", "home"].map(|home| {
            let _ = fs::remove_file(world.path("elsewhere/copy.skep"));
            let home = world.path(home);
            let mut command = world.command(home.to_str().unwrap(), args);
            command.current_dir(world.path(folder));
            let ended = Ended::of(output_of(&mut command, &args.join(" ")));
            (said(&ended), world.path("elsewhere/copy.skep").exists())
        });
        assert_eq!(alone, through, "{folder} {args:?}");
    }
}

#[test]
fn a_website_is_built_where_the_command_was_given() {
    let world = World::new();
    let address = world.new_site("home", "site");
    world.write(
        "site/skep.toml",
        format!(
            "title = \"T\"\naddress = \"{address}\"\n[build]\nengine = \"command\"\n\
             command = \"mkdir -p public && printf %s \\\"$WORD\\\" > public/index.html && echo heard $WORD\"\n\
             output = \"public\"\n"
        ),
    );
    let (_running, _) = browse(&world, "home");
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    world
        .fails(1, "home", &publish)
        .says(&["is not trusted on this machine", "--trust"]);
    for word in ["honey", "wax"] {
        let mut command = world.command("home", &[&publish[..], &["--trust"]].concat());
        let ended = Ended::of(output_of(command.env("WORD", word), "publish"));
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        ended.says(&[&format!("heard {word}")]);
        let shown = world.run("home", &["show", &address]);
        assert_eq!(shown.out(), word);
    }
    world.write(
        "site/skep.toml",
        world
            .read("site/skep.toml")
            .replace("mkdir", "exit 7; mkdir"),
    );
    world
        .fails(1, "home", &[&publish[..], &["--trust"]].concat())
        .says(&["the build failed", "exit status: 7"]);
}

#[test]
fn what_is_published_is_served_at_once() {
    let world = World::new();
    let address = site(&world, "home");
    let (_running, ready) = browse(&world, "home");
    world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    let gateway = ready["gateway"].as_str().unwrap();
    let id = address.strip_prefix("skep://").unwrap();
    let page = gateway.replacen("localhost", &format!("{id}.localhost"), 1);
    let page = get(&format!("{page}about/"));
    assert!(String::from_utf8_lossy(&page.body).contains("Third."));
}

#[test]
fn a_second_browse_shows_the_first() {
    let world = World::new();
    let address = site(&world, "home");
    let (_running, ready) = browse(&world, "home");
    let again = world.json("home", &["browse"]);
    for same in ["gateway", "ticket"] {
        assert_eq!(again[same], ready[same], "{same}");
    }
    // Each link lets one browser in.
    assert_ne!(again["library"], ready["library"]);
    let page = world.json("home", &["browse", &format!("{address}+1/")]);
    let url = page["url"].as_str().unwrap();
    assert!(
        String::from_utf8_lossy(&get(url).body).contains("<title>"),
        "{url}"
    );
    for args in [
        &["host", "--pin", &address][..],
        &["host", "--port", "0", "--gateway-port", "0"],
    ] {
        world
            .fails(1, "home", args)
            .says(&["in use by `skep browse`", "--home DIR"]);
    }
}

#[test]
fn a_host_does_the_work_of_commands_too() {
    let world = World::new();
    let (address, host) = world.published_site();
    let log = world.json("host", &["log", &address]);
    assert_eq!(log["versions"].as_array().unwrap().len(), 1);
    world.json("host", &["verify", &address]);
    let page = world.json("host", &["browse", &address]);
    assert_eq!(get(page["url"].as_str().unwrap()).status, 200);
    world
        .fails(1, "host", &["browse"])
        .says(&["in use by `skep host`"]);
    world
        .fails(1, "host", &["host"])
        .says(&["in use by `skep host`"]);
    assert_eq!(host.running.terminate(), 0);
    // It has left nothing behind, and the command has the store for itself.
    assert!(!world.path("host/socket").exists());
    world.json("host", &["verify", &address]);
}

#[test]
fn what_a_killed_node_left_is_cleaned_up() {
    let world = World::new();
    site(&world, "home");
    let (running, _) = browse(&world, "home");
    assert!(world.path("home/socket").exists());
    running.kill();
    assert!(world.path("home/socket").exists());
    world.json("home", &["log", "site"]);
    assert!(!world.path("home/socket").exists());
    let (running, _) = browse(&world, "home");
    running.kill();
    // Its place is taken by the next one.
    let (_running, _) = browse(&world, "home");
    world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
}

#[test]
fn a_store_in_use_without_a_socket_is_said_so() {
    let world = World::new();
    site(&world, "home");
    let (_running, _) = browse(&world, "home");
    fs::remove_file(world.path("home/socket")).unwrap();
    world.fails(1, "home", &["log", "site"]).says(&[
        "in use by `skep browse",
        "takes no commands",
        "socket",
        "stop that one first",
    ]);
}

#[test]
fn two_publishes_at_once_are_one_after_the_other() {
    let world = World::new();
    site(&world, "home");
    let (_running, _) = browse(&world, "home");
    for round in 0..4 {
        edit(&world, &format!("Round {round}."));
        let publish = ["--json", "publish", "site", "--yes", "--wait", "0"];
        let both = [(); 2].map(|()| {
            let mut command = world.command("home", &publish);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        });
        let mut changed = both.map(|process| {
            let ended = Ended::of(collect(process, "publish"));
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            let result = ended.result();
            assert_eq!(result["version"], 3 + round);
            result["changed"].as_bool().unwrap()
        });
        changed.sort_unstable();
        assert_eq!(changed, [false, true]);
    }
    let verified = world.json("home", &["verify", "site"]);
    assert_eq!(verified["whole"], 6);
}

#[test]
fn many_commands_at_once_break_nothing() {
    let world = World::new();
    let names = ["a", "b", "c"];
    let publish = |name: &str| world.json("home", &["publish", name, "--yes", "--wait", "0"]);
    for name in names {
        world.new_site("home", name);
        for version in 1..=3 {
            let about = format!("---\ntitle: About\n---\n{name} {version}.\n");
            world.write(&format!("{name}/about.md"), about);
            world.write(&format!("{name}/{version}.bin"), vec![version; 100_000]);
            publish(name);
        }
    }
    let (_running, _) = browse(&world, "home");
    let yes = ["--yes", "--wait", "0"];
    let mut commands: Vec<Vec<&str>> = vec![[&["retract", "1", "c"], &yes[..]].concat()];
    for name in names {
        commands.push(vec!["status", name]);
        commands.push(vec!["diff", name]);
        commands.push(vec!["verify", name]);
        commands.push(vec!["log", name]);
        commands.push([&["revert", "2", name], &yes[..]].concat());
        commands.push([&["revert", "3", name], &yes[..]].concat());
        commands.push([&["publish", name], &yes[..]].concat());
    }
    std::thread::scope(|scope| {
        let world = &world;
        for args in &commands {
            scope.spawn(move || {
                let ended = world.run("home", args);
                assert_eq!(ended.code, 0, "{args:?}: {}", ended.stderr);
            });
        }
    });
    for name in names {
        let verified = world.json("home", &["verify", name]);
        let gone = u64::from(name == "c");
        assert_eq!(verified["retracted"], gone);
        let [versions, whole] = ["versions", "whole"].map(|key| verified[key].as_u64().unwrap());
        assert_eq!(whole + gone, versions);
    }
}

#[test]
fn who_reads_slowly_keeps_nobody_from_publishing() {
    let world = World::new();
    site(&world, "home");
    let lines = "Many words that differ.\n".repeat(20_000);
    world.write("site/words.txt", &lines);
    let (_running, _) = browse(&world, "home");
    let mut command = world.command("home", &["diff", "site"]);
    let mut slow = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut out = slow.stdout.take().unwrap();
    let mut out = within("the first lines", move || {
        out.read_exact(&mut [0; 64]).unwrap();
        out
    });
    // Much more is to come than a pipe has room for.
    world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    let rest = within("the other lines", move || {
        let mut rest = Vec::new();
        out.read_to_end(&mut rest).unwrap();
        rest
    });
    assert!(rest.len() > lines.len(), "{} bytes", rest.len());
    assert!(wait_with_timeout(&mut slow, "diff").success());
}

#[test]
fn a_command_that_is_killed_leaves_the_node_at_work() {
    let world = World::new();
    site(&world, "home");
    let (_running, _) = browse(&world, "home");
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    let mut versions = 2;
    for step in ["built", "stored", "synced", "signed"] {
        edit(&world, &format!("{step} words. ").repeat(50_000));
        let running = world.start("home", &[&publish[..], &["--verbose"]].concat());
        running.error_line(step);
        running.kill();
        // It waits until the one that was killed has let go.
        let next = world.json("home", &publish);
        let now = next["version"].as_u64().unwrap();
        assert_eq!(now, versions + 1, "killed at {step:?}");
        versions = now;
    }
    let verified = world.json("home", &["verify", "site"]);
    assert_eq!(verified["whole"].as_u64(), Some(versions));
}

/// A build that waits until something is written to `gate`, with a publish of it that has got there.
fn publish_at_the_gate(world: &World) -> (Running, fs::File) {
    let made = output_of(Command::new("mkfifo").arg(world.path("gate")), "mkfifo");
    assert!(made.status.success());
    let address = world.new_site("home", "slow");
    world.write(
        "slow/skep.toml",
        format!(
            "title = \"T\"\naddress = \"{address}\"\n[build]\nengine = \"command\"\n\
             command = \"mkdir -p out && cat ../gate > out/index.html\"\noutput = \"out\"\n"
        ),
    );
    let publish = ["publish", "slow", "--yes", "--wait", "0", "--trust"];
    let publish = world.start("home", &publish);
    // It is open when the build reads from it.
    let gate = world.path("gate");
    let open = move || fs::File::options().write(true).open(gate).unwrap();
    (publish, within("the build", open))
}

#[test]
fn a_node_that_ends_ends_what_it_does_for_others() {
    let world = World::new();
    site(&world, "home");
    let (running, _) = browse(&world, "home");
    let (publish, gate) = publish_at_the_gate(&world);
    assert_eq!(running.terminate(), 0);
    drop(gate);
    publish.error_line("has ended, or was stopped, before it was done");
    // Nothing was signed, and the store is free.
    world.fails(1, "home", &["log", "slow"]);
    world.json("home", &["verify", "site"]);
}

#[test]
fn a_command_that_is_killed_while_it_builds_signs_nothing() {
    let world = World::new();
    site(&world, "home");
    let (_running, _) = browse(&world, "home");
    let (publish, gate) = publish_at_the_gate(&world);
    // Other sites go on meanwhile.
    world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    publish.kill();
    drop(gate);
    world
        .fails(1, "home", &["log", "slow"])
        .says(&["on this machine"]);
    world.write(
        "slow/skep.toml",
        world
            .read("slow/skep.toml")
            .replace("cat ../gate", "echo done"),
    );
    let publish = ["publish", "slow", "--yes", "--wait", "0", "--trust"];
    assert_eq!(world.json("home", &publish)["version"], 1);
}

#[test]
fn who_waits_for_another_command_is_told_so() {
    let world = World::new();
    let (_running, _) = browse(&world, "home");
    let (publish, gate) = publish_at_the_gate(&world);
    let status = world.start("home", &["status", "slow", "--no-build"]);
    status.error_line("Another command is at work on this site");
    drop(gate);
    assert_eq!(publish.end(), 0);
    assert_eq!(status.end(), 0);
}

#[test]
fn a_node_of_another_version_is_told_from_ours() {
    let world = World::new();
    world.new_site("home", "site");
    let listener = UnixListener::bind(world.path("home/socket")).unwrap();
    let node = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let name = b"skep 9.9.9 1";
        stream
            .write_all(&(name.len() as u32).to_be_bytes())
            .unwrap();
        stream.write_all(name).unwrap();
        let mut said = Vec::new();
        stream.read_to_end(&mut said).unwrap();
        said
    });
    world
        .fails(1, "home", &["log", "site"])
        .says(&["is another version", "stop it and start it again"]);
    // It was told what this one is, and nothing else.
    let said = within("the command's greeting", move || node.join().unwrap());
    assert_eq!(
        said[4..],
        *format!("skep {} 2", env!("CARGO_PKG_VERSION")).as_bytes()
    );
}

#[test]
fn a_home_may_be_deep() {
    let world = World::new();
    let deep = format!("{}/{}", "d".repeat(100), "e".repeat(100));
    site(&world, &deep);
    let (running, _) = browse(&world, &deep);
    world.json(&deep, &["publish", "site", "--yes", "--wait", "0"]);
    running.kill();
    let log = world.json(&deep, &["log", "site"]);
    assert_eq!(log["versions"].as_array().unwrap().len(), 3);
}

#[test]
fn the_network_is_that_of_the_running_node() {
    let world = World::new();
    site(&world, "home");
    let (_running, _) = browse(&world, "home");
    let run = |args: &[&str]| {
        let mut command = fresh(env!("CARGO_BIN_EXE_skep"));
        command.current_dir(world.path("")).env("SKEP_HOME", "home");
        Ended::of(output_of(command.args(args), &args.join(" ")))
    };
    assert_eq!(run(&["status", "site"]).code, 0);
    let ended = run(&["status", "site", "--network", "public"]);
    assert_eq!(ended.code, 2);
    ended.says(&["`skep browse`", "loopback", "public"]);
}
