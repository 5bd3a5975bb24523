//! browse: the gateway, an origin for each site.

use crate::skep::{World, get, http};

#[test]
fn a_site_is_read_at_an_origin_of_its_own() {
    let world = World::new();
    let (address, host) = world.published_site();
    let reader = world.start(
        "reader",
        &["browse", &address, "--peer", &host.ticket, "--port", "0"],
    );
    let ready = reader.event("ready");
    let (url, library) = (
        ready["url"].as_str().unwrap(),
        ready["gateway"].as_str().unwrap(),
    );
    let id = address.strip_prefix("skep://").unwrap();
    assert!(url.starts_with(&format!("http://{id}.localhost:")), "{url}");

    let mirrored = get(&host.mirror);
    let home = get(url);
    assert_eq!((home.status, &home.body), (200, &mirrored.body));
    let missing = get(&format!("{url}no/such/page"));
    assert_eq!(missing.status, 404);
    assert!(missing.body.starts_with(b"<!"), "the site's own 404 page");
    let redirect = get(&format!("{url}about"));
    assert_eq!(redirect.status, 308);
    assert!(
        redirect.head.contains("location: /about/"),
        "{}",
        redirect.head
    );
    // An old version has an origin of its own too.
    let old = url.replacen("http://", "http://v1-", 1);
    assert_eq!(get(&old).body, home.body);

    // The library is for the browser that skep sends there.
    assert_eq!(get(library).status, 401);
    let entered = get(ready["library"].as_str().unwrap());
    assert_eq!(entered.status, 303);
    assert!(
        entered.head.contains("set-cookie: skep-"),
        "{}",
        entered.head
    );
    assert_eq!(http("GET", library, Some("evil.example")).status, 421);
    assert_eq!(http("POST", url, None).status, 405);
}

#[test]
fn a_site_that_nobody_has_explains_itself() {
    let world = World::new();
    let address = world.new_site("author", "site");
    let reader = world.start("reader", &["browse", "--port", "0"]);
    let library = reader.event("ready")["gateway"]
        .as_str()
        .unwrap()
        .to_owned();
    let id = address.strip_prefix("skep://").unwrap();
    let url = library.replacen("localhost", &format!("{id}.localhost"), 1);
    let answer = get(&url);
    assert_eq!(answer.status, 504);
    let text = String::from_utf8_lossy(&answer.body);
    assert!(
        text.contains("Nobody who has this site could be reached"),
        "{text}"
    );
}

#[test]
fn one_process_owns_a_store() {
    let world = World::new();
    world.new_site("home", "site");
    let reader = world.start("home", &["browse", "--port", "0"]);
    reader.event("ready");
    world
        .fails(1, "home", &["host", "--port", "0", "--gateway-port", "0"])
        .says(&["in use by `skep browse", "stop that one first"]);
    reader.kill();
    // A killed owner leaves no lock behind.
    world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
}

#[test]
fn an_address_may_end_in_a_slash() {
    let world = World::new();
    let address = world.new_site("author", "site");
    world.json("author", &["publish", "site", "--yes", "--wait", "0"]);
    let shown = |path: &str| {
        let ended = world.run("author", &["show", &format!("{address}{path}")]);
        assert_eq!(ended.code, 0, "{path}: {}", ended.stderr);
        ended.stdout
    };
    let about = shown("/about/index.html");
    for path in ["/about", "/about/", "+1/about/"] {
        assert_eq!(shown(path), about, "{path}");
    }
    assert_eq!(shown("/"), shown("/index.html"));
    world
        .fails(2, "author", &["show", &format!("{address}/about//")])
        .says(&["empty part"]);
}
