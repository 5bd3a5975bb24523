//! serve: the live preview. Its own tests are in the generator; here it is the binary that serves.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::Instant,
};

use serde_json::Value;

use crate::skep::{LIMIT, World, get, http, http_with};

#[test]
fn a_save_reloads_the_open_page() {
    let world = World::new();
    world.new_site("home", "site");
    let preview = world.start("home", &["serve", "site", "--port", "0"]);
    let url = preview.event("ready")["url"].as_str().unwrap().to_owned();
    let page = get(&format!("{url}about/"));
    assert_eq!(page.status, 200);
    let html = String::from_utf8_lossy(&page.body).into_owned();
    let seen = html.split("data-seen=\"").nth(1).unwrap();
    let seen = seen.split('"').next().unwrap();
    let events = Events::open(&url, "/about/", seen);
    world.write(
        "site/about.md",
        "---\ntitle: About\n---\nBrand new words.\n",
    );
    let changed = preview.event("changed");
    assert_eq!(changed["paths"][0], "about.md");
    assert!(events.next_event().contains("reload"));
    let page = get(&format!("{url}about/"));
    assert!(String::from_utf8_lossy(&page.body).contains("Brand new words."));
    assert_eq!(http("GET", &url, Some("evil.example")).status, 403);
}

#[test]
fn a_page_that_can_not_be_shown_is_called_an_error() {
    let world = World::new();
    world.new_site("home", "site");
    let preview = world.start("home", &["serve", "site", "--port", "0"]);
    preview.event("ready");
    world.write("site/about.md", "---\ntitle: [\n---\nWords.\n");
    preview.event("failed");
    preview.error_line("error: ");
}

#[test]
fn a_port_that_is_taken_is_said_so() {
    let world = World::new();
    world.new_site("home", "site");
    let first = world.start("home", &["serve", "site", "--port", "0"]);
    let url = first.event("ready")["url"].as_str().unwrap().to_owned();
    let port = url.trim_end_matches('/').rsplit_once(':').unwrap().1;
    world
        .fails(1, "home", &["serve", "site", "--port", port])
        .says(&[port]);
    world
        .fails(2, "other", &["browse", "--port", port])
        .says(&[port, "another program uses that port"]);
}

#[test]
fn a_host_without_its_port_pins_nothing() {
    let world = World::new();
    let address = world.new_site("home", "site");
    let other = world.new_site("home", "other");
    let first = world.start("home", &["serve", "site", "--port", "0"]);
    let url = first.event("ready")["url"].as_str().unwrap().to_owned();
    let port = url.trim_end_matches('/').rsplit_once(':').unwrap().1;
    let host = ["host", "--pin", &address, "--gateway-port", "0", "--port"];
    world
        .fails(2, "host", &[&host[..], &[port]].concat())
        .says(&[port]);
    world
        .fails(2, "host", &["host", "--gateway-port", "0"])
        .says(&["keeps no site yet"]);
    // What is pinned now comes first, whatever was pinned before.
    for pin in [&address, &other, &address] {
        let host = ["host", "--gateway-port", "0", "--port", "0", "--pin", pin];
        let ready = world.start("host", &host).event("ready");
        assert_eq!(ready["mirrors"][0]["address"], **pin);
        assert_eq!(ready["mirrors"][0]["url"], ready["mirror"]);
    }
}

/// What a host says once it is up, and its mirrors by address; the host has ended.
fn mirrors(world: &World, args: &[&str]) -> (Value, BTreeMap<String, String>) {
    let host = world.start("host", &[&["host", "--gateway-port", "0"], args].concat());
    let ready = host.event("ready");
    let list = ready["mirrors"].as_array().unwrap().iter();
    let list = list.map(|mirror| {
        let text = |name: &str| mirror[name].as_str().unwrap().to_owned();
        (text("address"), text("url"))
    });
    let list = list.collect();
    let gateway = get(ready["gateway"].as_str().unwrap());
    assert_eq!(gateway.status, 200);
    assert_eq!(host.terminate(), 0);
    (ready, list)
}

fn port_of(url: &str) -> &str {
    url.trim_end_matches('/').rsplit_once(':').unwrap().1
}

#[test]
fn a_port_stays_with_the_mirror_of_its_site() {
    let world = World::new();
    let sites: Vec<String> = ["a", "b", "c"]
        .iter()
        .map(|site| world.new_site("home", site))
        .collect();
    let [a, b, c] = &sites[..] else {
        panic!("{sites:?}");
    };
    let (_, first) = mirrors(&world, &["--port", "0", "--pin", a, "--pin", b]);
    // Other pins, in another order, and none.
    for args in [
        &["--pin", b][..],
        &["--pin", b, "--pin", a],
        &["--port", "0", "--pin", c, "--pin", b],
        &[],
    ] {
        let (_, now) = mirrors(&world, args);
        for site in [a, b] {
            assert_eq!(now[site], first[site], "{args:?}");
        }
        assert_ne!(now.get(c), Some(&first[a]));
        assert_ne!(now.get(c), Some(&first[b]));
    }
    // A port that belongs to another site is refused, and nothing is pinned.
    let d = world.new_site("home", "d");
    let port = port_of(&first[a]);
    let taken = ["host", "--gateway-port", "0", "--pin", &d, "--port", port];
    world.fails(2, "host", &taken).says(&[port, a, "--port"]);
    let (_, now) = mirrors(&world, &["--port", port]);
    assert_eq!((now.len(), &now[a]), (3, &first[a]));
    // A mirror that moves keeps the port of before from all others.
    let (free, _) = mirrors(&world, &[]);
    assert!(free["mirror"].is_string());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let new = listener.local_addr().unwrap().port().to_string();
    world
        .fails(2, "host", &["host", "--gateway-port", "0", "--port", &new])
        .says(&["each of the 3 sites", "--pin ADDRESS"]);
    drop(listener);
    let (_, moved) = mirrors(&world, &["--pin", a, "--port", &new]);
    assert_eq!(port_of(&moved[a]), new);
    let (_, now) = mirrors(&world, &["--pin", &d]);
    assert_eq!(now[a], moved[a]);
    assert_ne!(now[&d], first[a]);
    world.fails(2, "host", &taken).says(&[port, a]);
    // A port that another program has is said with the site to which it belongs.
    let _listener = std::net::TcpListener::bind(("127.0.0.1", new.parse().unwrap())).unwrap();
    world
        .fails(2, "host", &["host", "--gateway-port", "0"])
        .says(&[&new, a, "--port"]);
}

/// The cookie that a browser gets by skep's own link, and the URL to which that leads.
fn entered(link: &str) -> (String, String) {
    let (authority, _) = link.trim_start_matches("http://").split_once('/').unwrap();
    let entered = get(link);
    assert_eq!(entered.status, 303);
    let cookie = entered.header("set-cookie").split(';').next().unwrap();
    let to = format!("http://{authority}{}", entered.header("location"));
    (cookie.to_owned(), to)
}

/// What a browser with skep's own link gets at the page of a site's changes.
fn review(link: &str) -> String {
    let (cookie, to) = entered(link);
    reviewed(&cookie, &to)
}

/// What a browser that was let in gets there.
fn reviewed(cookie: &str, to: &str) -> String {
    let page = http_with("GET", to, &[("Cookie", cookie)]);
    assert_eq!(page.status, 200);
    String::from_utf8_lossy(&page.body).into_owned()
}

#[test]
fn the_changes_can_be_published_from_beside_the_preview() {
    let world = World::new();
    let address = world.new_site("home", "site");
    let preview = world.start("home", &["serve", "site", "--port", "0"]);
    let ready = preview.event("ready");
    let (cookie, to) = entered(ready["review"].as_str().unwrap());
    let review = || reviewed(&cookie, &to);
    assert!(review().contains("Publish version 1"));
    let to_preview = to.replace("/review", "/preview");
    let led = http_with("GET", &to_preview, &[("Cookie", &cookie)]);
    assert_eq!(led.header("location"), ready["url"]);
    // Other commands on this home work meanwhile, and what they do shows.
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    assert_eq!(world.json("home", &publish)["version"], 1);
    assert!(review().contains("Announce version 1 again"));
    world.write("site/about.md", "---\ntitle: About\n---\nNew words.\n");
    let page = review();
    assert!(page.contains("Publish version 2") && page.contains("New words."));
    // Who only looks has told nobody that they are there; who browses takes part.
    let browse = world.json("home", &["browse", &address]);
    assert!(browse["ticket"].is_string());
    assert_eq!(preview.terminate(), 0);
    assert_eq!(
        world.json("home", &["log", "site"])["versions"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

/// The UDP ports that a process has open.
#[cfg(target_os = "linux")]
fn udp_ports(process: u32) -> usize {
    let of_process = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let of_process = of_process.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok());
    let of_process: Vec<String> = of_process.map(|fd| fd.display().to_string()).collect();
    let tables = ["udp", "udp6"].map(|kind| {
        std::fs::read_to_string(format!("/proc/{process}/net/{kind}")).unwrap_or_default()
    });
    let sockets = tables.iter().flat_map(|table| table.lines().skip(1));
    let sockets = sockets.filter_map(|line| line.split_whitespace().nth(9));
    sockets
        .filter(|inode| of_process.contains(&format!("socket:[{inode}]")))
        .count()
}

#[cfg(target_os = "linux")]
#[test]
fn who_writes_and_looks_has_no_port_open_for_others() {
    let world = World::new();
    let address = world.new_site("home", "site");
    let preview = world.start("home", &["serve", "site", "--port", "0"]);
    let ready = preview.event("ready");
    let (cookie, to) = entered(ready["review"].as_str().unwrap());
    assert_eq!(udp_ports(preview.id()), 0);
    assert!(reviewed(&cookie, &to).contains("Publish version 1"));
    assert_eq!(get(ready["url"].as_str().unwrap()).status, 200);
    // Other commands that need nobody else, and a version of which nobody is told.
    for command in [
        &["status", "site"][..],
        &["publish", "site", "--yes", "--wait", "0"],
        &["log", "site"],
        &["verify", "site"],
        &["export", &address, "site.skep"],
        &["diff", "site"],
    ] {
        world.json("home", command);
        assert_eq!(udp_ports(preview.id()), 0, "{command:?}");
    }
    world.write("site/about.md", "---\ntitle: About\n---\nNew words.\n");
    preview.event("changed");
    assert!(reviewed(&cookie, &to).contains("Publish version 2"));
    assert_eq!(udp_ports(preview.id()), 0);
    world.json("home", &["browse", &address]);
    assert!(udp_ports(preview.id()) > 0, "so it would be seen");
    assert_eq!(preview.terminate(), 0);
}

#[test]
fn ctrl_c_at_any_moment_leaves_a_home_that_works() {
    let world = World::new();
    world.new_site("home", "site");
    let serve = ["serve", "site", "--port", "0"];
    let begun = Instant::now();
    let first = world.start("home", &serve);
    first.event("ready");
    let whole = begun.elapsed();
    first.interrupt();
    for n in 0..16 {
        let preview = world.start("home", &serve);
        // From the first moment to somewhat after it is ready.
        thread::sleep(whole * n / 12);
        preview.interrupt();
        world.json("home", &["status", "site"]);
    }
    // And killed: neither its lock nor its socket is in the way.
    for n in 0..6 {
        let preview = world.start("home", &serve);
        thread::sleep(whole * n / 4);
        preview.kill();
        let next = world.start("home", &serve);
        assert!(next.event("ready")["review"].is_string());
        assert_eq!(next.terminate(), 0);
    }
    assert!(!world.path("home/socket").exists());
}

#[test]
fn two_previews_of_one_site_share_a_node_and_one_takes_over_from_the_other() {
    let world = World::new();
    world.new_site("home", "site");
    let first = world.start("home", &["serve", "site", "--port", "0"]);
    let link = first.event("ready")["review"].as_str().unwrap().to_owned();
    let second = world.start("home", &["serve", "site", "--port", "0"]);
    let ready = second.event("ready");
    // At the same pages, by a link of its own.
    let pages = |link: &str| link.split_once("/enter").unwrap().0.to_owned();
    let other = ready["review"].as_str().unwrap();
    assert_eq!(pages(other), pages(&link));
    assert_ne!(other, link);
    assert_eq!(get(ready["url"].as_str().unwrap()).status, 200);
    // It goes with the first, and can be started again.
    assert_eq!(first.terminate(), 0);
    second.end();
    let third = world.start("home", &["serve", "site", "--port", "0"]);
    let link = third.event("ready")["review"].as_str().unwrap().to_owned();
    assert!(review(&link).contains("Publish version 1"));
}

#[test]
fn the_page_counts_and_warns_as_the_terminal_does() {
    let world = World::new();
    world.new_site("home", "site");
    world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    world.write("site/about.md", "---\ntitle: About\n---\nNew words.\n");
    world.write("site/notes.txt", "x = \"AKIAQ3EGTHXYZABCDEFG\"\n");
    world.write("site/old.html~", "an editor left it\n");
    let status = world.json("home", &["status", "site"]);
    let warnings = status["warnings"].as_array().unwrap();
    assert!(!warnings.is_empty());
    let changes = status["changes"].as_array().unwrap();
    let moved = status["moves"].as_array().unwrap().len();
    let preview = world.start("home", &["serve", "site", "--port", "0"]);
    let page = review(preview.event("ready")["review"].as_str().unwrap());
    let count = format!("<strong>{} changes</strong>", changes.len() - moved);
    assert!(page.contains(&count), "{count}");
    for change in changes {
        let path = change["path"].as_str().unwrap();
        assert!(page.contains(path), "{path}");
    }
    for warning in warnings {
        let [name, path, message] =
            ["name", "path", "message"].map(|key| warning[key].as_str().unwrap());
        assert!(page.contains(&format!("<legend>{name}</legend>")), "{name}");
        let tail = &message[1..];
        assert!(
            page.contains(path) && page.contains(tail),
            "{path}: {message}"
        );
    }
    let warned = page.matches("<legend>").count();
    let mut names: Vec<_> = warnings
        .iter()
        .map(|w| w["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(warned, names.len());
}

#[test]
fn the_preview_of_a_running_node_ends_with_the_terminal_that_has_asked_for_it() {
    let world = World::new();
    world.new_site("home", "site");
    let browse = world.start("home", &["browse", "--port", "0"]);
    let gateway = browse.event("ready")["gateway"].clone();
    let preview = world.start("home", &["serve", "site", "--port", "0"]);
    let ready = preview.event("ready");
    let link = ready["review"].as_str().unwrap();
    assert!(link.starts_with(gateway.as_str().unwrap()), "{link}");
    assert!(review(link).contains("Publish version 1"));
    world.write("site/about.md", "---\ntitle: About\n---\nNew words.\n");
    assert_eq!(preview.event("changed")["paths"][0], "about.md");
    let url = ready["url"].as_str().unwrap().to_owned();
    assert_eq!(get(&url).status, 200);
    preview.kill();
    let authority = url.trim_start_matches("http://").trim_end_matches('/');
    let end = Instant::now() + LIMIT;
    let authority: SocketAddr = authority.parse().unwrap();
    while TcpStream::connect_timeout(&authority, LIMIT).is_ok() {
        assert!(Instant::now() < end, "the preview goes on");
        thread::yield_now();
    }
}

#[test]
fn a_store_that_is_taken_keeps_nobody_from_writing() {
    let world = World::new();
    world.new_site("home", "site");
    std::fs::create_dir_all(world.path("home/store")).unwrap();
    let lock = world.path("home/store/lock");
    let taken = std::fs::File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(lock)
        .unwrap();
    taken.lock().unwrap();
    let preview = world.start("home", &["serve", "site", "--port", "0"]);
    let ready = preview.event("ready");
    assert!(ready["review"].is_null());
    assert_eq!(get(ready["url"].as_str().unwrap()).status, 200);
    preview.error_line("There is no review page beside the preview");
}

struct Events(BufReader<TcpStream>);

impl Events {
    fn open(url: &str, path: &str, seen: &str) -> Self {
        let authority = url.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = TcpStream::connect(authority).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        write!(
            stream,
            "GET /.skep/events?path={path}&seen={seen} HTTP/1.1\r\nHost: {authority}\r\n\r\n"
        )
        .unwrap();
        let mut this = Self(BufReader::new(stream));
        // The stream is open when its head has come.
        while !this.line().trim().is_empty() {}
        this
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream ended");
        line
    }

    /// The next event that changes what is shown.
    fn next_event(mut self) -> String {
        loop {
            let line = self.line();
            if line.starts_with("event:") && !line.contains("bar") {
                return line;
            }
        }
    }
}
