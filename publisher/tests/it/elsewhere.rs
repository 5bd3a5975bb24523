//! A node meets versions of its own site that another machine has published with the same key.

use std::sync::Arc;

use skep_publisher::{
    error::Kind,
    home::Home,
    store::{Elsewhere, Relation},
    swarm::{Event, Network, Node, OpenStore, fetch, follow, follow::Timing},
};
use tokio::{
    sync::mpsc::{self, Receiver},
    time::timeout,
};

use crate::fixture::{Author, Other, PATIENCE};

/// A node on a home, and what happens at it.
async fn start(home: &Home) -> (Arc<Node>, Receiver<Event>) {
    let (events, receiver) = mpsc::channel(256);
    let open = OpenStore::open(home, "a test").unwrap();
    let node = Node::start(open, Network::Loopback, events).await.unwrap();
    (node, receiver)
}

/// Waits for what `wanted` makes something of.
async fn until<T>(events: &mut Receiver<Event>, wanted: impl Fn(&Event) -> Option<T>) -> T {
    let found = async {
        loop {
            let event = events.recv().await.unwrap();
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
    };
    timeout(PATIENCE, found)
        .await
        .expect("the event never came")
}

/// The desk and a host have version 1, the laptop has made version 2 of it and handed it to the host.
struct World {
    desk: Author,
    at_desk: Arc<Node>,
    events: Receiver<Event>,
    host: Other,
    laptop: Author,
    at_laptop: Arc<Node>,
}

impl World {
    async fn new() -> Self {
        let desk = Author::new().with("index.html", "one");
        let laptop = desk.on_second_machine();
        let host = Other::pinning(desk.site).await;
        tokio::spawn(follow::keep_up(host.node.clone(), Timing::default()));
        let (at_desk, events) = start(&desk.home).await;
        desk.publish_at(&at_desk).await;
        desk.announce(&at_desk, &host.node).await.unwrap();
        let at_laptop = laptop.start().await;
        let ticket = host.node.ticket().unwrap();
        fetch::newest(&at_laptop, laptop.site, ticket, fetch::Wanted::Whole)
            .await
            .unwrap();
        at_laptop
            .store
            .add_site(laptop.site, Relation::Own)
            .unwrap();
        laptop.write("laptop.html", "from the laptop");
        laptop.publish_at(&at_laptop).await;
        laptop.announce(&at_laptop, &host.node).await.unwrap();
        Self {
            desk,
            at_desk,
            events,
            host,
            laptop,
            at_laptop,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_of_ones_own_site_comes_and_waits_to_be_seen() {
    let mut world = World::new().await;
    let (store, site) = (world.at_desk.store.clone(), world.desk.site);
    assert_eq!(store.elsewhere(site).unwrap(), None);
    tokio::spawn(follow::keep_up(world.at_desk.clone(), Timing::default()));
    let version = until(&mut world.events, |event| match event {
        Event::Elsewhere { site: of, version } if *of == site => Some(*version),
        _ => None,
    });
    assert_eq!(version.await, 2);
    let waits = |before, newest| Some(Elsewhere { before, newest });
    assert_eq!(store.elsewhere(site).unwrap(), waits(1, 2));
    // Another one, over the link: what was seen last is still version 1.
    world.laptop.write("laptop.html", "again");
    world.laptop.publish_at(&world.at_laptop).await;
    let announced = world.laptop.announce(&world.at_laptop, &world.host.node);
    announced.await.unwrap();
    let version = until(&mut world.events, |event| match event {
        Event::Elsewhere { version, .. } => Some(*version),
        _ => None,
    });
    assert_eq!(version.await, 3);
    assert_eq!(store.elsewhere(site).unwrap(), waits(1, 3));
    store.shown(site).unwrap();
    assert_eq!(store.elsewhere(site).unwrap(), None);
    // What is published here is seen.
    world.desk.write("desk.html", "from the desk");
    world.desk.publish_at(&world.at_desk).await;
    assert_eq!(store.elsewhere(site).unwrap(), None);
    // The host keeps it, says so, and is known.
    let kept = until(&mut world.events, |event| match event {
        Event::Kept { version, node, .. } => Some((*version, *node)),
        _ => None,
    });
    assert_eq!(kept.await, (4, world.host.node.id()));
    let known = world.at_desk.known(site).unwrap();
    let keepers: Vec<_> = known.iter().filter(|known| known.keeps).collect();
    assert_eq!(keepers.len(), 1);
    assert_eq!(keepers[0].ticket.node(), world.host.node.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contradiction_that_is_not_longer_is_kept_as_evidence() {
    let mut world = World::new().await;
    let (store, site) = (world.at_desk.store.clone(), world.desk.site);
    // The desk has signed its own version 2 before it is linked with the host.
    world.desk.write("desk.html", "from the desk");
    let own = world.desk.publish_at(&world.at_desk).await.head;
    tokio::spawn(follow::keep_up(world.at_desk.clone(), Timing::default()));
    let version = until(&mut world.events, |event| match event {
        Event::Forked { site: of, version } if *of == site => Some(*version),
        _ => None,
    });
    assert_eq!(version.await, 2);
    let state = store.known(site).unwrap();
    assert_eq!(
        state.head.as_ref(),
        Some(&own),
        "the evidence changes nothing"
    );
    let rivals = store.rivals(&state).unwrap();
    assert_eq!(rivals.len(), 1);
    assert_eq!(rivals[0].fork_point, Some(1));
    assert!(world.desk.review(&store).mend.is_some());
}

#[test]
fn a_store_that_can_not_be_used_is_called_damaged_only_if_it_is() {
    let author = Author::new().with("index.html", "one");
    let open = author.open();
    author.publish(&open.store);
    drop(open);
    let why = || OpenStore::open(&author.home, "a test").err().unwrap();
    for name in ["records.redb", "blobs/blobs.db"] {
        let path = author.home.store().join(name);
        let whole = std::fs::read(&path).unwrap();
        // The format's version is the first byte of both transaction slots.
        let mut newer = whole.clone();
        (newer[64], newer[192]) = (9, 9);
        std::fs::write(&path, newer).unwrap();
        let error = why();
        assert_eq!(error.kind, Kind::OtherVersion, "{name}: {error}");
        assert!(error.message.contains(name), "{error}");
        std::fs::write(&path, vec![7; 10_000]).unwrap();
        assert_eq!(why().kind, Kind::Damaged, "{name}: {}", why());
        // A folder in its place is neither.
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert_eq!(why().kind, Kind::Io, "{name}: {}", why());
        std::fs::remove_dir(&path).unwrap();
        std::fs::write(&path, whole).unwrap();
    }
    drop(author.open());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_is_locked_until_it_is_closed() {
    let author = Author::new().with("index.html", "one");
    let open = author.open();
    let clone = open.store.clone();
    open.close().await;
    // Whoever comes now finds a lock, and no database that somebody else has open.
    let busy = OpenStore::open(&author.home, "another").err().unwrap();
    assert_eq!(busy.kind, Kind::Locked, "{busy}");
    assert!(busy.message.contains("in use by `a test"), "{busy}");
    drop(clone);
    author.open().close().await;
    // A node gives it up in the same way, also if it was not closed.
    let node = author.start().await;
    drop(node);
    let reopened = async {
        loop {
            match OpenStore::open(&author.home, "another") {
                Ok(open) => return open,
                Err(e) => assert_eq!(e.kind, Kind::Locked, "{e}"),
            }
            tokio::task::yield_now().await;
        }
    };
    let open = timeout(PATIENCE, reopened)
        .await
        .expect("the node keeps its store");
    open.close().await;
}
