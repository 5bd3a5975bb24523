//! demo: all of it at once.

use crate::skep::{World, get};

#[test]
fn once_checks_every_step() {
    let world = World::new();
    let demo = world.run("home", &["demo", "--once"]);
    assert_eq!(demo.code, 0, "{}{}", demo.out(), demo.stderr);
    assert!(demo.out().contains("Every step was checked."));
    // It leaves the person's own home alone.
    assert!(!world.path("home").exists());
}

#[test]
fn the_pages_stay_up() {
    let world = World::new();
    let demo = world.start("home", &["demo"]);
    let ready = demo.event("ready");
    let url = |name: &str| ready[name].as_str().unwrap().to_owned();
    assert_eq!(get(&url("preview")).status, 200);
    assert_eq!(get(&url("mirror")).status, 200);
    let received = ready["received"].as_array().unwrap();
    assert!(received[1].as_u64() < received[0].as_u64(), "{ready}");
}
