//! key list, export, import.

use crate::skep::World;

#[test]
fn a_site_moves_to_another_machine() {
    let world = World::new();
    let address = world.new_site("old", "site");
    let host = world.host("host", &address);
    world.json("old", &["publish", "site", "--yes", "--peer", &host.ticket]);
    world.json("old", &["key", "export", "site", "site.key"]);
    assert!(world.read("site.key").contains(&address));
    let twice = world.run("old", &["key", "export", "site", "site.key"]);
    assert_eq!(twice.code, 2, "an exported key is never overwritten");
    twice.says(&["exists already"]);

    assert_eq!(
        world.json("new", &["key", "import", "site.key"])["address"],
        address.as_str()
    );
    // Without the history there would be a second one.
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    world
        .fails(1, "new", &publish)
        .says(&["came from another machine", "--peer TICKET"]);
    // The new machine takes the history from the host, and goes on from there.
    let publish = ["publish", "site", "--yes", "--peer", &host.ticket];
    world
        .fails(1, "new", &publish)
        .says(&["version 1 was published from another machine"]);
    world.write(
        "site/about.md",
        "---\ntitle: About\n---\nFrom the new machine.\n",
    );
    let second = world.json("new", &["publish", "site", "--yes", "--peer", &host.ticket]);
    assert_eq!(second["version"], 2);
    world.json("new", &["verify", "site"]);
}

#[test]
fn a_key_is_never_exported_into_a_site() {
    let world = World::new();
    world.new_site("home", "site");
    for file in ["site/site.key", "site/_posts/../site.key", "site/_posts/k"] {
        world
            .fails(1, "home", &["key", "export", "site", file])
            .says(&["would lie in the site", "../my-site.key"]);
    }
    assert!(!world.path("site/site.key").exists());
    assert!(!world.path("site/_posts/k").exists());
}

#[test]
fn what_is_no_key_is_refused() {
    let world = World::new();
    world.write("no.key", "hello\n");
    world
        .fails(2, "home", &["key", "import", "no.key"])
        .says(&["not a skep key"]);
    world
        .fails(1, "home", &["key", "import", "none.key"])
        .says(&["none.key"]);
}
