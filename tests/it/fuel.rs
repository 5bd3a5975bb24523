//! Programs in a site that do not end: what is a stranger's runs in a child, and no evaluation keeps a process from ending.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use crate::{
    forking::{nothing_was_made, stranger},
    skep::{LIMIT, World},
};

/// A layout that loops for ever in a site that is a fork, and only there.
fn endless() -> String {
    let range = "in range(end=100000) %}";
    let loops = format!("{{% for a {range}{{% for b {range}{{% for c {range}");
    let ends = "{% endfor %}".repeat(3);
    format!(
        "{{{{ content | safe }}}}\n{{% if site.origin is defined %}}\n{loops}{ends}{{% endif %}}"
    )
}

const PAGE: (&str, &str) = ("a.md", "---\nlayout: page\n---\nText\n");

#[test]
fn a_strangers_template_that_does_not_end_makes_no_fork_and_is_named() {
    let world = World::new();
    let layout = endless();
    let files = [PAGE, ("_layouts/page.html", layout.as_str())];
    let address = stranger(&world, "theme = 'none'\n", &files);
    let ended = world.fails(1, "stranger", &["fork", &address, "mine"]);
    ended.says(&[
        "could not be built",
        "_layouts/page.html:",
        "given up here",
        "--sources",
    ]);
    nothing_was_made(&world, "stranger");
}

#[test]
fn a_strangers_stylesheet_that_does_not_end_makes_no_fork() {
    let world = World::new();
    for (css, why) in [
        (
            "@function f($x) { @return f($x + 1); }\na { b: f(1) }\n",
            "calls itself",
        ),
        (
            "$a: 'x';\na {\n  @while true { $a: $a + $a; }\n}\n",
            "memory",
        ),
    ] {
        let address = stranger(
            &world,
            "theme = 'none'\n",
            &[PAGE, ("_layouts/page.html", "x"), ("a.scss", css)],
        );
        let ended = world.fails(1, "stranger", &["fork", &address, "mine"]);
        ended.says(&["could not be built", "a.scss:", why]);
        nothing_was_made(&world, "stranger");
    }
}

#[test]
fn ones_own_stylesheet_that_overflows_the_stack_is_an_error_at_its_line() {
    let world = World::new();
    world.write("site/skep.toml", "theme = 'none'\n");
    for (css, why) in [
        (
            "a { b: c }\n@function f($x) { @return f($x + 1); }\na { b: f(1) }\n",
            ["a.scss:2", "calls itself"],
        ),
        (
            "a { b: c }\n@mixin f { @include f; }\na { @include f }\n",
            ["a.scss:2", "calls itself"],
        ),
    ] {
        world.write("site/a.scss", css);
        let ended = world.fails(1, "home", &["build", "site"]);
        ended.says(&why);
    }
    world.write("site/a.scss", "a { b { c: d } }\n");
    world.json("home", &["build", "site"]);
    assert_eq!(world.read("site/_site/a.css"), "a b {\n  c: d;\n}\n");
    world.write("site/a.scss", "a { b { c: $d } }\n");
    world
        .fails(1, "home", &["build", "site"])
        .says(&["a.scss:1:12", "Undefined variable"]);
}

#[test]
fn a_preview_in_the_middle_of_an_endless_stylesheet_shows_pages_and_stops() {
    let world = World::new();
    world.write("site/skep.toml", "theme = 'none'\n");
    world.write("site/a.html", "---\n---\nhello");
    world.write("site/a.scss", "$i: 1;\n@while true { $i: $i + 1; }\n");
    let serve = world.start("home", &["serve", "site", "--port", "0"]);
    let url = serve.event("ready")["url"].as_str().unwrap().to_owned();
    let authority = url
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let ask = |path: &str| {
        let mut stream = TcpStream::connect(&authority).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        stream
    };
    let stuck = ask("/a.css");
    let mut page = String::new();
    ask("/a/").read_to_string(&mut page).unwrap();
    assert!(page.contains("hello"), "{page}");
    let begun = Instant::now();
    assert_eq!(serve.terminate(), 0);
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "it took {:?}",
        begun.elapsed()
    );
    drop(stuck);
}

#[test]
fn while_a_strangers_site_is_tried_others_publish_and_the_node_stops() {
    let world = World::new();
    world.new_site("stranger", "own");
    // Nothing in it costs fuel, and it takes until the deadline.
    let css = "$i: 1;\n@while true { $i: $i + 1; }\n";
    let address = stranger(
        &world,
        "theme = 'none'\n",
        &[PAGE, ("_layouts/page.html", "x"), ("a.scss", css)],
    );
    let node = world.start("stranger", &["node"]);
    node.event("ready");
    thread::scope(|scope| {
        let fork = scope.spawn(|| world.run("stranger", &["fork", &address, "mine"]));
        world.json("stranger", &["publish", "own", "--yes", "--wait", "0"]);
        assert!(!fork.is_finished(), "the fork ended before the publish");
        let begun = Instant::now();
        assert_eq!(node.terminate(), 0);
        assert!(
            begun.elapsed() < Duration::from_secs(40),
            "it took {:?}",
            begun.elapsed()
        );
        assert_ne!(fork.join().unwrap().code, 0);
    });
}
