//! Several commands on one home at the same time.

use std::process::{Child, Stdio};

use crate::skep::{Ended, World};

fn at_once(world: &World, args: &[&str]) -> Vec<Ended> {
    let start = |_| {
        let mut command = world.command("home", args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let started: Vec<Child> = (0..6).map(start).collect();
    let ended = started
        .into_iter()
        .map(|child| child.wait_with_output().unwrap());
    ended.map(Ended::of).collect()
}

#[test]
fn commands_that_are_started_at_once_wait_for_each_other() {
    let world = World::new();
    world.new_site("home", "site");
    for args in [
        &["publish", "site", "--yes", "--wait", "0"][..],
        &["log", "site"],
        &["log", "site"],
    ] {
        for ended in at_once(&world, args) {
            assert!(
                !ended.stderr.contains("damaged"),
                "{args:?}: {}",
                ended.stderr
            );
            // On a busy machine one may say that another is at work.
            let is_busy = ended.stderr.contains("in use by");
            assert!(ended.code == 0 || is_busy, "{args:?}: {}", ended.stderr);
        }
    }
    assert_eq!(world.json("home", &["verify", "site"])["versions"], 1);
}
