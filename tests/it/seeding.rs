//! `skep publish` in a terminal: a version that nobody else holds is served until Ctrl-C.

use std::process::Stdio;

use crate::{
    process::fresh,
    skep::{Running, World},
};

/// A command in a terminal of its own, which util-linux' `script` makes. All that it says is on stdout.
pub(crate) fn in_terminal(world: &World, home: &str, args: &[&str]) -> Running {
    let like = world.command(home, args);
    let words = std::iter::once(like.get_program()).chain(like.get_args());
    let words = words.map(|word| format!("'{}'", word.to_str().unwrap()));
    // `script` runs the line in the user's shell, and where there is none in `sh`: that would die of Ctrl-C itself.
    let line = format!("exec {}", words.collect::<Vec<_>>().join(" "));
    let mut script = fresh("script");
    script
        .args(["-q", "-e", "-c", &line, "/dev/null"])
        .current_dir(world.path(""))
        .env("NO_COLOR", "1")
        .env("TERM", "xterm")
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Running::spawn(script)
}

/// Waits for a line that contains `text`.
pub(crate) fn line_with(running: &Running, text: &str) -> String {
    running.line_where(&format!("a line with {text:?}"), |line| line.contains(text))
}

const CTRL_C: &[u8] = b"\x03";

#[test]
fn what_nobody_else_holds_is_served_until_ctrl_c() {
    let world = World::new();
    let address = world.new_site("author", "site");
    let mut publish = in_terminal(&world, "author", &["publish", "site", "--yes"]);
    line_with(&publish, "Only this machine holds version 1.");
    line_with(&publish, "Serving it until Ctrl-C");
    let read = line_with(&publish, "--peer");
    assert!(read.contains(&address), "{read}");
    let ticket = read.trim_end().rsplit_once(' ').unwrap().1;
    world.json("reader", &["clone", &address, "copy", "--peer", ticket]);
    assert!(world.path("copy/index.html").exists());
    // Other commands are done by it, a publish too, and that one does not stay.
    world.write("site/about.md", "---\ntitle: About\n---\nSecond.\n");
    let second = in_terminal(&world, "author", &["publish", "site", "--yes"]);
    line_with(&second, "Only this machine holds version 2.");
    assert_eq!(second.end(), 0);
    world.json("reader", &["clone", &address, "newer", "--peer", ticket]);
    assert!(String::from_utf8_lossy(&world.files("newer")["about/index.html"]).contains("Second."));
    publish.type_in(CTRL_C);
    assert_eq!(publish.end(), 0);
    assert!(!world.path("author/socket").exists());
}

#[test]
fn it_ends_at_once_where_nobody_wants_it_to_stay() {
    let world = World::new();
    let address = world.new_site("author", "site");
    for more in [
        &["--detach"][..],
        &["--wait", "0"],
        &["--json"],
        &["--quiet"],
    ] {
        let args = [&["publish", "site", "--yes"], more].concat();
        assert_eq!(in_terminal(&world, "author", &args).end(), 0, "{more:?}");
    }
    // Without a terminal it does not stay either.
    let piped = world.run("author", &["publish", "site", "--yes"]);
    assert_eq!(piped.code, 0);
    assert!(piped.out().contains("Only this machine holds version 1."));
    // Somebody holds it.
    let host = world.host("host", &address);
    let args = ["publish", "site", "--yes", "--peer", &host.ticket];
    assert_eq!(in_terminal(&world, "author", &args).end(), 0);
    assert_eq!(
        in_terminal(&world, "author", &["publish", "site", "--yes"]).end(),
        0
    );
}

#[test]
fn a_host_that_does_not_answer_is_said_and_the_version_is_served() {
    let world = World::new();
    let address = world.new_site("author", "site");
    let host = world.host("host", &address);
    let other = world.new_site("author", "other");
    let args = ["publish", "other", "--yes", "--peer", &host.ticket];
    let mut publish = in_terminal(&world, "author", &args);
    line_with(&publish, "0 of 1 node confirmed");
    line_with(&publish, "Serving it until Ctrl-C");
    assert!(line_with(&publish, "--peer").contains(&other));
    publish.type_in(CTRL_C);
    assert_eq!(publish.end(), 3);
}
