//! What is shown of work that takes long.

use serde_json::Value;

use crate::{process::fresh, skep::World};

/// A site of 2 MB on a host that gives so many KiB a second.
fn slow_host(world: &World, rate: u32) -> (String, crate::skep::Host) {
    let address = world.new_site("author", "site");
    world.write("host/config.toml", format!("[limits]\nupload = {rate}\n"));
    let host = world.host("host", &address);
    let noise: Vec<u8> = (0..2_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761).rotate_left(n % 31) >> 11) as u8)
        .collect();
    world.write("site/assets/film.mp4", noise);
    let publish = ["publish", "site", "--yes", "--peer", &host.ticket];
    world.json("author", &publish);
    (address, host)
}

fn is_fetching(progress: &Value) -> bool {
    let far = ["done", "total"].map(|name| progress[name].as_u64());
    let [Some(done), Some(total)] = far else {
        return false;
    };
    progress["phase"] == "fetch" && progress["unit"] == "bytes" && 0 < done && done < total
}

#[test]
fn a_long_fetch_is_told_to_programs_also_by_a_node() {
    let world = World::new();
    let (address, host) = slow_host(&world, 64);
    let clone = ["clone", &address, "copy", "--peer", &host.ticket];
    let reader = world.start("reader", &clone);
    reader.event_where("progress", is_fetching);
    reader.kill();
    // As soon as it can, the node on the home of the reader does it.
    let node = world.start("second", &["node"]);
    node.event("ready");
    let reader = world.start("second", &clone);
    let progress = reader.event_where("progress", is_fetching);
    assert!(
        progress["total"].as_u64().unwrap() > 1_900_000,
        "{progress}"
    );
    reader.kill();
    assert_eq!(node.terminate(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_long_fetch_is_drawn_on_a_terminal_without_colours() {
    use crate::seeding::{in_terminal, line_with};

    let world = World::new();
    let (address, host) = slow_host(&world, 64);
    let clone = ["clone", &address, "copy", "--peer", &host.ticket];
    let reader = in_terminal(&world, "reader", &clone);
    let line = line_with(&reader, "fetching ");
    assert!(line.contains(" MB ["), "{line:?}");
    assert!(!line.contains("\u{1b}[3"), "{line:?}");
    reader.kill();
    // Whoever wants to be told nothing is.
    let quiet = [&clone[..], &["--quiet"]].concat();
    let reader = in_terminal(&world, "quiet", &quiet);
    world.run("quiet", &["peers"]);
    reader.kill();
}

/// What is no terminal gets no bar.
#[test]
fn a_file_gets_no_bar() {
    let world = World::new();
    let (address, host) = slow_host(&world, 1000);
    let clone = ["clone", &address, "copy", "--peer", &host.ticket];
    let ended = world.run("reader", &clone);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(!ended.stderr.contains("fetching"), "{}", ended.stderr);
    assert!(!ended.stderr.contains('\r'), "{}", ended.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_script_starts_in_the_background_ends_on_sigterm_and_sigint() {
    let world = World::new();
    world.new_site("home", "site");
    for signal in ["-TERM", "-INT"] {
        let skep = world.command("home", &["--json", "serve", "site", "--port", "0"]);
        // As a shell starts a job in the background: SIGINT and SIGQUIT are ignored.
        let mut script = fresh("sh");
        script
            .args([
                "-c",
                "trap '' INT QUIT; exec \"$0\" \"$@\"",
                env!("CARGO_BIN_EXE_skep"),
            ])
            .args(["--home", "home", "--network", "loopback", "--json"])
            .args(["serve", "site", "--port", "0"])
            .current_dir(skep.get_current_dir().unwrap())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        let serve = crate::skep::Running::spawn(script);
        serve.event("ready");
        crate::process::signal(serve.id(), signal);
        assert_eq!(serve.end(), 0, "{signal}");
    }
}
