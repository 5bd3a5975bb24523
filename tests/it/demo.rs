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
    // Not killed, or its children would go on.
    #[cfg(unix)]
    assert_eq!(demo.terminate(), 0);
}

#[cfg(unix)]
#[test]
fn stopped_early_it_leaves_nothing_behind() {
    let world = World::new();
    std::fs::create_dir(world.path("tmp")).unwrap();
    let tmp = world.path("tmp");
    let mut command = crate::process::fresh(env!("CARGO_BIN_EXE_skep"));
    command.arg("demo").env("TMPDIR", &tmp);
    command.stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    let demo = crate::skep::Running::spawn(command);
    let started = std::time::Instant::now();
    while std::fs::read_dir(&tmp).unwrap().next().is_none() {
        assert!(started.elapsed() < crate::skep::LIMIT);
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(demo.terminate(), 1);
    assert_eq!(std::fs::read_dir(&tmp).unwrap().count(), 0);
}
