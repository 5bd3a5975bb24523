//! `skep node`: it follows, serves and does the work of other commands, and shows pages when it is asked to.

use std::fs;

use serde_json::Value;

use crate::{
    process::{output_of, within},
    skep::{Ended, Running, World, get},
};

/// `node` on a home, and its ticket.
fn node(world: &World, home: &str) -> (Running, String) {
    let running = world.start(home, &["node"]);
    let ready = running.event("ready");
    let ticket = ready["ticket"].as_str().unwrap().to_owned();
    (running, ticket)
}

#[test]
fn a_node_follows_is_started_again_and_serves() {
    let world = World::new();
    let (address, host) = world.published_site();
    let (running, _) = node(&world, "reader");
    // The node does that, and says what has come.
    let followed = world.json("reader", &["follow", &address, "--peer", &host.ticket]);
    assert_eq!(followed["version"], 1);
    let version = running.event("version");
    assert_eq!(
        (&version["address"], &version["version"]),
        (&address.as_str().into(), &1.into())
    );
    assert!(version["received"].as_u64().unwrap() > 0);
    assert_eq!(running.terminate(), 0);
    assert!(!world.path("reader/socket").exists());

    world.write("site/about.md", "---\ntitle: About\n---\nSecond.\n");
    let publish = ["publish", "site", "--yes", "--peer", &host.ticket];
    world.json("author", &publish);
    let (running, ticket) = node(&world, "reader");
    // It asks whom it knows, without being told to.
    assert_eq!(running.event("version")["version"], 2);
    drop(host);
    world.json("third", &["clone", &address, "copy", "--peer", &ticket]);
    assert!(world.read("copy/about/index.html").contains("Second."));
    // Who else wants the store is told who has it.
    for args in [&["node"][..], &["host", "--pin", &address]] {
        world
            .fails(1, "reader", args)
            .says(&["in use by `skep node`"]);
    }
    assert_eq!(running.terminate(), 0);
}

#[test]
fn browse_opens_the_pages_of_a_node() {
    let world = World::new();
    let address = world.new_site("home", "site");
    let (running, ticket) = node(&world, "home");
    world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    let first = world.json("home", &["browse", "--port", "0"]);
    assert_eq!(first["ticket"], ticket.as_str());
    let library = first["library"].as_str().unwrap();
    assert_eq!(first["url"], library);
    // The link lets a browser in, as that of `browse` does.
    let let_in = get(library);
    assert!(let_in.status < 400, "{}", let_in.head);
    // They stay where they are, and the next browser has a link of its own.
    let again = world.json("home", &["browse"]);
    assert_eq!(again["gateway"], first["gateway"]);
    assert_ne!(again["library"], first["library"]);
    assert_eq!(get(library).status, 401);
    let page = world.json("home", &["browse", &address]);
    assert_eq!(page["gateway"], first["gateway"]);
    assert_eq!(get(page["url"].as_str().unwrap()).status, 200);
    // A preview has its review page there.
    let serve = world.start("home", &["serve", "site", "--port", "0"]);
    let shown = serve.event("ready");
    let review = shown["review"].as_str().unwrap();
    let gateway = first["gateway"].as_str().unwrap();
    assert!(review.starts_with(gateway), "{review}");
    drop(serve);
    assert_eq!(running.terminate(), 0);
    // With the node the pages are gone.
    let port = gateway.trim_end_matches('/').rsplit_once(':').unwrap().1;
    std::net::TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
}

#[test]
fn a_port_that_is_taken_keeps_the_node_at_work() {
    let world = World::new();
    world.new_site("home", "site");
    let (_running, _) = node(&world, "home");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    world
        .fails(2, "home", &["browse", "--port", &port])
        .says(&[&port]);
    world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    // Once there is one, they open there.
    drop(taken);
    let ready = world.json("home", &["browse", "--port", &port]);
    assert!(ready["gateway"].as_str().unwrap().contains(&port));
}

#[test]
fn status_says_which_node_runs() {
    let world = World::new();
    let status = || -> Value {
        let mut command = world.command("home", &["--json", "node", "status"]);
        command.env("HOME", world.path("user"));
        command.env_remove("XDG_CONFIG_HOME");
        let ended = Ended::of(output_of(&mut command, "node status"));
        assert_eq!(ended.code, 0);
        ended.result()
    };
    assert_eq!(status()["node"], Value::Null);
    let (running, ticket) = node(&world, "home");
    let shown = status();
    assert_eq!(shown["installed"], false);
    assert_eq!(
        shown["node"],
        serde_json::json!({
            "name": "skep node",
            "version": env!("CARGO_PKG_VERSION"),
            "network": "loopback",
            "ticket": ticket,
        })
    );
    running.kill();
    assert_eq!(status()["node"], Value::Null);
    // What listens there and is no skep is said so.
    fs::remove_file(world.path("home/socket")).unwrap();
    let other = std::os::unix::net::UnixListener::bind(world.path("home/socket")).unwrap();
    let greeting = b"skep 99.0.0 1";
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().unwrap();
        let mut frame = 13_u32.to_be_bytes().to_vec();
        frame.extend_from_slice(greeting);
        std::io::Write::write_all(&mut stream, &frame).unwrap();
        // Until the other end has read it.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let mut command = world.command("home", &["node", "status"]);
    let output = output_of(command.env("HOME", world.path("user")), "node status");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("another version"), "{said}");
    within("the other end", move || answering.join().unwrap());
}
