//! `config.toml`: a node takes over what a person changes, and says what it can't understand.

use crate::skep::World;

#[test]
fn limits_change_while_a_node_runs_and_a_slip_is_told_with_its_line() {
    let world = World::new();
    let node = world.start("home", &["node"]);
    node.event("ready");
    world.write("home/config.toml", "[limits]\nupload = 500\n");
    let limits = &node.event("limits")["limits"];
    assert_eq!(limits["upload"], 500);
    assert_eq!(limits["connections"], 256);
    world.write(
        "home/config.toml",
        "[limits]\nupload = 500\nconections = 9\n",
    );
    let reason = node.event("bad_config")["reason"].clone();
    let reason = reason.as_str().unwrap();
    assert!(
        reason.contains("config.toml, line 3: unknown field `conections`"),
        "{reason}"
    );
    assert_eq!(node.terminate(), 0);

    // Without a node, whatever needs the store says so.
    world
        .fails(2, "home", &["peers"])
        .says(&["config.toml, line 3", "mend that line"]);
    world.write("home/config.toml", "");
    assert_eq!(world.json("home", &["peers"])["total"]["up"], 0);
}

/// What the manual shows is what a node takes.
#[test]
fn the_settings_of_the_manual_are_understood() {
    let manual = include_str!("../../example-site/_manual/keeping-a-site-up.md");
    let shown = manual.split("```toml\n").nth(1).unwrap();
    let shown = shown.split("```").next().unwrap();
    assert!(
        ["[limits]", "[network]", "[dht]"]
            .iter()
            .all(|part| shown.contains(part))
    );
    let world = World::new();
    world.write("home/config.toml", shown);
    world.json("home", &["peers"]);
}
