//! follow, unfollow: a site is kept up to date and shared, or no longer.

use crate::skep::World;

#[test]
fn a_followed_site_is_here_is_served_and_is_served_no_more_once_it_is_unfollowed() {
    let world = World::new();
    let (address, host) = world.published_site();
    let follow = ["--json", "follow", &address, "--peer", &host.ticket];
    let first = world.run("reader", &follow);
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert!(
        first.stderr.contains("you also serve to others"),
        "{}",
        first.stderr
    );
    let followed: serde_json::Value = first.result();
    assert_eq!(followed["address"], address);
    assert_eq!(
        (&followed["before"], &followed["relation"]),
        (&serde_json::Value::Null, &"followed".into())
    );
    assert_eq!(
        (&followed["version"], &followed["missing"]),
        (&1.into(), &serde_json::Value::Null)
    );
    assert!(followed["received"].as_u64().unwrap() > 0);
    // It is told once.
    let again = world.run("reader", &follow);
    assert!(
        !again.stderr.contains("you also serve to others"),
        "{}",
        again.stderr
    );

    let browse = world.start("reader", &["browse", "--port", "0"]);
    let ready = browse.event("ready");
    let ticket = ready["ticket"].as_str().unwrap();
    world.json("third", &["clone", &address, "copy", "--peer", ticket]);

    // The node that runs serves it from that moment on to nobody.
    let left = world.json("reader", &["unfollow", &address]);
    assert_eq!(
        (&left["relation"], &left["version"]),
        (&"visited".into(), &1.into())
    );
    assert!(left["bytes_here"].as_u64().unwrap() > 0);
    let refused = world.fails(1, "fourth", &["clone", &address, "none", "--peer", ticket]);
    assert!(refused.stderr.contains("does not"), "{}", refused.stderr);
}

#[test]
fn a_site_that_nobody_has_is_followed_and_what_can_not_be_followed_is_refused() {
    let world = World::new();
    let own = world.new_site("author", "site");
    let followed = world.json("reader", &["follow", &format!("web+{own}")]);
    assert_eq!(followed["version"], serde_json::Value::Null);
    assert_eq!(followed["missing"]["kind"], "not-found");
    let people = world.run("reader", &["follow", &own]);
    assert!(
        people.stderr.contains("as soon as a node is met"),
        "{}",
        people.stderr
    );
    assert!(
        people.out().contains("You follow the site already"),
        "{}",
        people.out()
    );

    world.run("author", &["publish", "site", "--yes", "--wait", "0"]);
    world.fails(2, "author", &["follow", &own]);
    world.fails(2, "author", &["unfollow", &own]);
    world.fails(1, "stranger", &["unfollow", &own]);
    world.fails(2, "reader", &["follow", "skep://abc"]);
    world.fails(2, "reader", &["follow", &own, "--peer", "no ticket"]);
}
