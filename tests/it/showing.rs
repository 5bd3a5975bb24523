//! show: one file, without the rest of its site.

use crate::skep::World;

/// A site of three files, one of them too long to come alone.
fn scene() -> (World, String) {
    let world = World::new();
    world.write("plain/index.html", "<title>Home</title>");
    world.write("plain/about/index.html", "<title>About</title>");
    world.write("plain/long.txt", "It goes on. ".repeat(40_000));
    world.json("author", &["init", "--static", "plain"]);
    let published = world.json("author", &["publish", "plain", "--yes", "--wait", "0"]);
    let address = published["address"].as_str().unwrap().to_owned();
    (world, address)
}

#[test]
fn one_file_comes_alone() {
    let (world, address) = scene();
    let page = format!("{address}/about/");
    let here = world.json("author", &["show", &page]);
    let node = world.start("author", &["node"]);
    let ticket = node.event("ready")["ticket"].as_str().unwrap().to_owned();
    let there = world.json("reader", &["show", &page, "--peer", &ticket]);
    assert_eq!(there, here);
    // As it is, it is its bytes and nothing else.
    let plain = world.run("reader", &["show", &page, "--peer", &ticket]);
    assert_eq!(plain.stdout, b"<title>About</title>");
    // Nothing else came, and nothing stays.
    world
        .fails(1, "reader", &["show", &page])
        .says(&["nothing of", "is on this machine"]);

    // That there is no such file is proved as well.
    let missing = format!("{address}/nowhere.html");
    world
        .fails(1, "reader", &["show", &missing, "--peer", &ticket])
        .says(&["version 1 has no file \"nowhere.html\""]);
    world
        .fails(1, "reader", &["show", &page])
        .says(&["nothing of", "is on this machine"]);

    // What is too long for that comes with the whole version.
    let long = format!("{address}/long.txt");
    let shown = world.run("reader", &["show", &long, "--peer", &ticket]);
    assert_eq!(shown.stdout, world.read("plain/long.txt").as_bytes());
    assert_eq!(world.json("reader", &["show", &page]), here);
    assert_eq!(node.terminate(), 0);
}
