//! What a node gives and keeps at most, and that a person can change it while the node runs.

use std::{fs, sync::Arc, time::Instant};

use iroh::{
    Endpoint, EndpointAddr, RelayMode,
    endpoint::{Connection, presets},
};
use iroh_tickets::endpoint::EndpointTicket;
use skep_publisher::{
    error::Kind,
    home::Home,
    store::{OwnSites, Relation},
    swarm::{Event, Network, Node, OpenStore, follow, wire},
};
use tokio::{
    sync::mpsc::{self, Receiver},
    task::JoinSet,
    time::timeout,
};

use crate::{
    fixture::{Author, Other, PATIENCE, noise, read},
    web::{ask, serve},
};

fn decide(home: &Home, limits: &str) {
    fs::create_dir_all(home.root()).unwrap();
    let text = format!("[limits]\n{limits}\n");
    fs::write(home.root().join("config.toml"), text).unwrap();
}

/// A node on a home, and what happens at it.
async fn start(home: &Home) -> (Arc<Node>, Receiver<Event>) {
    let (events, receiver) = mpsc::channel(64);
    let open = OpenStore::open(home, "a test").unwrap();
    let node = Node::start(open, Network::Loopback, events).await.unwrap();
    (node, receiver)
}

/// The next event that is about the limits.
async fn changed(events: &mut Receiver<Event>) -> Result<String, String> {
    let next = async {
        loop {
            match events.recv().await.unwrap() {
                Event::Limits(limits) => return Ok(limits.to_string()),
                Event::BadConfig(why) => return Err(why),
                _ => {}
            }
        }
    };
    timeout(PATIENCE, next).await.unwrap()
}

/// How many seconds 600,000 bytes take at 400 kB/s, but for a burst at the beginning.
const LEAST: f64 = (600_000.0 - 65_536.0) / (400.0 * 1000.0);

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_no_faster_than_its_limit() {
    let author = Author::new().with("photo.png", noise(1, 600_000));
    decide(&author.home, "upload = 400");
    let (desk, _events) = start(&author.home).await;
    author.publish_at(&desk).await;
    let reader = Other::new().await;
    let begun = Instant::now();
    reader.read(author.site, &desk).await.unwrap();
    let took = begun.elapsed().as_secs_f64();
    assert!(took >= LEAST, "{took} s, and not {LEAST}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_limit_holds_for_what_is_under_way() {
    let author = Author::new().with("photo.png", noise(1, 2_000_000));
    // With this it would take two minutes.
    decide(&author.home, "upload = 16");
    let (desk, mut events) = start(&author.home).await;
    author.publish_at(&desk).await;
    let reader = Other::new().await;
    let reading = tokio::spawn({
        let (reader, desk, site) = (reader.node.clone(), desk.clone(), author.site);
        async move { read(&reader, site, &desk).await }
    });
    // The reader is there, and waits for its bytes.
    let present = async {
        while desk.peers_now(author.site).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, present).await.unwrap();

    // What can't be understood changes nothing, and is said.
    decide(&author.home, "upload = 'fast'");
    let why = changed(&mut events).await.unwrap_err();
    assert!(why.contains("config.toml, line 2"), "{why}");
    assert!(!reading.is_finished());
    decide(&author.home, "connections = 99");
    let limits = changed(&mut events).await.unwrap();
    assert!(limits.starts_with("any upload, 99 conn"), "{limits}");
    let fetched = timeout(PATIENCE, reading).await.unwrap().unwrap().unwrap();
    assert_eq!(fetched.versions, 1);
}

async fn connect(addr: &EndpointAddr, alpn: &[u8]) -> (Endpoint, Connection) {
    let endpoint = Endpoint::builder(presets::Minimal)
        .relay_mode(RelayMode::Disabled)
        .clear_ip_transports()
        .bind_addr((std::net::Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .bind()
        .await
        .unwrap();
    let connection = endpoint.connect(addr.clone(), alpn).await.unwrap();
    (endpoint, connection)
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_beyond_the_limit_make_room_and_a_lower_one_closes_some() {
    let author = Author::new().with("index.html", "<h1>one</h1>");
    decide(&author.home, "connections = 8");
    let (desk, mut events) = start(&author.home).await;
    author.publish_at(&desk).await;
    let ticket: EndpointTicket = desk.ticket().unwrap().to_string().parse().unwrap();
    let addr: EndpointAddr = ticket.into();
    let mut idle = Vec::new();
    for _ in 0..24 {
        idle.push(connect(&addr, wire::ALPN).await);
    }
    // Two thirds of them find no room.
    let mut closed = JoinSet::new();
    for (_, connection) in &idle {
        let connection = connection.clone();
        closed.spawn(async move { connection.closed().await });
    }
    for _ in 0..16 {
        timeout(PATIENCE, closed.join_next()).await.unwrap();
    }
    // An honest reader gets in, at the latest when those that are inside have done nothing for a second.
    let reader = Other::new().await;
    let got_in = async {
        while reader.read(author.site, &desk).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, got_in).await.unwrap();

    decide(&author.home, "connections = 4");
    changed(&mut events).await.unwrap();
    while closed.len() > 4 {
        timeout(PATIENCE, closed.join_next()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_site_that_grows_over_the_limit_keeps_the_version_that_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::new(dir.path());
    decide(&home, "disk = 1");
    let (host, _events) = start(&home).await;
    let author = Author::new().with("photo.png", noise(1, 300_000));
    host.store.add_site(author.site, Relation::Pinned).unwrap();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    author.announce(&desk, &host).await.unwrap();
    let before = host.store.removal(author.site).unwrap();
    // Enough files that the version has lists of its blobs.
    for n in 0..60 {
        author.write(&format!("{n}.png"), noise(100 + n, 40_000));
    }
    author.publish_at(&desk).await;
    let refused = author.announce(&desk, &host).await.unwrap_err();
    assert!(refused.message.contains("there is no room"), "{refused}");
    let after = host.store.removal(author.site).unwrap();
    assert_eq!(after, before, "nothing half stored");
    let state = host.store.known(author.site).unwrap();
    assert_eq!(state.head.as_ref().unwrap().length(), 1);
    let verified = skep_publisher::verify::verify(&host.store, &state).unwrap();
    assert_eq!(verified.versions, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sites_of_others_stay_within_the_disk_that_they_may_have() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::new(dir.path());
    decide(&home, "disk = 1");
    let (node, mut events) = start(&home).await;
    let mut desks = Vec::new();
    for size in [300_000, 300_000, 690_000, 1_200_000] {
        let author = Author::new().with("photo.png", noise(size as u64, size));
        let desk = author.start().await;
        author.publish_at(&desk).await;
        desks.push((author, desk));
    }
    let follow = async |n: usize| {
        let (author, desk): &(Author, Arc<Node>) = &desks[n];
        let ticket = desk.ticket().unwrap().clone();
        follow::follow(&node, author.site, &[ticket]).await.unwrap()
    };
    for (time, (author, desk)) in (1..).zip(&desks[..2]) {
        read(&node, author.site, desk).await.unwrap();
        node.store.visited(author.site, time);
    }
    // Of the visited sites the one that was not read for longest makes room for a followed one.
    let followed = follow(2).await;
    assert!(followed.missing.is_none(), "{:?}", followed.missing);
    assert!(node.store.known(desks[0].0.site).is_err());
    assert!(node.store.known(desks[1].0.site).is_ok());

    let refused = follow(3).await;
    let why = refused.missing.unwrap();
    assert_eq!(why.kind, Kind::DiskFull);
    assert!(why.message.contains("1.2 MB more"), "{why:?}");
    assert!(why.message.contains("of the 1.0 MB"), "{why:?}");
    assert!(why.hint.unwrap().contains("`disk` under `[limits]`"));
    // A pinned site has no more room, and nothing is left of the attempt.
    let (pinned, desk) = &desks[3];
    node.store.unfollow(pinned.site).unwrap();
    node.store.add_site(pinned.site, Relation::Pinned).unwrap();
    let refused = pinned.announce(desk, &node).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Declined);
    assert!(refused.message.contains("there is no room"), "{refused}");
    let removal = node.store.removal(pinned.site).unwrap();
    assert_eq!((removal.frees, removal.shared), (0, 0));
    let kept = node.store.known(desks[2].0.site).unwrap();
    assert_eq!(kept.head.unwrap().length(), 1);
    node.store.remove_site(pinned.site, OwnSites::Keep).unwrap();

    decide(&home, "disk = 4");
    changed(&mut events).await.unwrap();
    let followed = follow(3).await;
    assert!(followed.missing.is_none(), "{:?}", followed.missing);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_without_room_is_read_page_by_page() {
    let author = Author::new()
        .with("index.html", "<h1>home</h1>")
        .with("posts/index.html", "<h1>posts</h1>")
        .with("film.webm", noise(1, 1_200_000));
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let dir = tempfile::tempdir().unwrap();
    let home = Home::new(dir.path());
    decide(&home, "disk = 1");
    let (node, mut events) = start(&home).await;
    let gateway = serve(&node, vec![desk.ticket().unwrap().clone()]).await;
    let host = format!("{}.localhost:{}", author.site, gateway.port);
    let get = async |path| {
        let asked = ask(gateway.port, "GET", path, &host, &[]);
        let answer = timeout(PATIENCE, asked).await.unwrap();
        (
            answer.status,
            String::from_utf8_lossy(&answer.body).into_owned(),
        )
    };
    assert_eq!(get("/").await, (200, "<h1>home</h1>".into()));
    assert_eq!(get("/posts/").await, (200, "<h1>posts</h1>".into()));
    let (status, page) = get("/film.webm").await;
    assert_eq!(status, 507);
    assert!(page.contains("there is no room for skep://"), "{page}");
    assert!(page.contains("`disk` under `[limits]`"), "{page}");
    assert_eq!(get("/missing").await.0, 404);
    assert!(node.store.site(author.site).unwrap().is_none());

    // Another tab, later: the next version is as good.
    author.write("posts/index.html", "<h1>more posts</h1>");
    author.publish_at(&desk).await;
    drop(gateway);
    let gateway = serve(&node, vec![desk.ticket().unwrap().clone()]).await;
    let host = format!("{}.localhost:{}", author.site, gateway.port);
    let get = async |path| {
        let asked = ask(gateway.port, "GET", path, &host, &[]);
        let answer = timeout(PATIENCE, asked).await.unwrap();
        (
            answer.status,
            String::from_utf8_lossy(&answer.body).into_owned(),
        )
    };
    assert_eq!(get("/posts/").await, (200, "<h1>more posts</h1>".into()));

    // All of it comes when there is room.
    decide(&home, "disk = 4");
    changed(&mut events).await.unwrap();
    read(&node, author.site, &desk).await.unwrap();
    assert_eq!(get("/film.webm").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_limit_ends_what_goes_without_one() {
    let author = Author::new().with("photo.png", noise(1, 600_000));
    let (desk, mut events) = start(&author.home).await;
    author.publish_at(&desk).await;
    let ticket: EndpointTicket = desk.ticket().unwrap().to_string().parse().unwrap();
    let (_endpoint, connection) = connect(&ticket.into(), iroh_blobs::ALPN).await;
    decide(&author.home, "upload = 400");
    changed(&mut events).await.unwrap();
    timeout(PATIENCE, connection.closed()).await.unwrap();
    // Who comes again has the limit.
    let begun = Instant::now();
    let reader = Other::new().await;
    reader.read(author.site, &desk).await.unwrap();
    assert!(begun.elapsed().as_secs_f64() >= LEAST);
}
