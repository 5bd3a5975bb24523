//! Following sites: they come, they are shared, they stay up to date.

use std::{sync::Arc, time::Duration};

use skep_publisher::{
    error::Kind,
    library::{self, Library},
    store::{OwnSites, Relation},
    swarm::{Node, cache, follow, follow::Timing},
};

use crate::fixture::{Author, Other, PATIENCE, checked_out, noise, start};

fn site() -> Author {
    Author::new()
        .with("index.html", "<title>Bees</title>one")
        .with("photo.png", noise(2, 300_000))
}

/// Keeps a node's sites up to date as `skep browse` does.
fn keep_up(node: &Arc<Node>) {
    tokio::spawn(follow::keep_up(node.clone(), Timing::default()));
}

/// Waits until the node has that version of a site.
async fn until_version(node: &Node, author: &Author, version: u64) {
    let mut news = node.news();
    let reached = async {
        loop {
            let state = node.store.site(author.site).unwrap();
            let head = state.and_then(|state| state.head);
            if head.is_some_and(|head| head.length() >= version) {
                return;
            }
            let _ = news.recv().await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, reached).await;
    waited.unwrap_or_else(|_| panic!("version {version} never came"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_has_a_new_version_at_once_and_serves_it_to_a_third() {
    let author = site();
    let (desk, host) = (author.start().await, Other::pinning(author.site).await);
    author.publish_at(&desk).await;
    author.announce(&desk, &host.node).await.unwrap();
    let follower = Other::new().await;
    let following = follow::follow(
        &follower.node,
        author.site,
        std::slice::from_ref(host.node.ticket().unwrap()),
    );
    let following = following.await.unwrap();
    assert_eq!(following.before, None);
    assert_eq!(
        (following.relation, following.version),
        (Relation::Followed, Some(1))
    );
    assert!(following.missing.is_none() && following.received > 300_000);

    keep_up(&follower.node);
    // The host learns of a version, and the follower, whom nobody told, of it.
    author.write("index.html", "<title>Bees</title>two");
    author.publish_at(&desk).await;
    author.announce(&desk, &host.node).await.unwrap();
    until_version(&follower.node, &author, 2).await;
    author.write("index.html", "<title>Bees</title>three");
    author.publish_at(&desk).await;
    author.announce(&desk, &host.node).await.unwrap();
    until_version(&follower.node, &author, 3).await;

    desk.close().await;
    host.node.close().await;
    let third = Other::new().await;
    third.read(author.site, &follower.node).await.unwrap();
    let files = checked_out(&third.node.store, author.site, None).unwrap();
    assert_eq!(files, author.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_author_may_tell_a_follower() {
    let author = site();
    let (desk, follower) = (author.start().await, Other::new().await);
    author.publish_at(&desk).await;
    follow::follow(
        &follower.node,
        author.site,
        std::slice::from_ref(desk.ticket().unwrap()),
    )
    .await
    .unwrap();
    author.write("index.html", "two");
    author.publish_at(&desk).await;
    author.announce(&desk, &follower.node).await.unwrap();
    let kept = follower.node.store.known(author.site).unwrap();
    assert_eq!(kept.head.unwrap().length(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_nobody_has_is_followed_and_comes_when_somebody_has_it() {
    let author = site();
    let follower = Other::new().await;
    let following = follow::follow(&follower.node, author.site, &[])
        .await
        .unwrap();
    assert_eq!(following.version, None);
    assert_eq!(following.missing.unwrap().kind, Kind::NotFound);
    keep_up(&follower.node);
    let desk = author.start().await;
    author.publish_at(&desk).await;
    // Somebody who has it is met.
    author.announce(&desk, &follower.node).await.unwrap();
    until_version(&follower.node, &author, 1).await;
    // Whoever has given it once is asked from then on.
    let peers = follower.node.store.peers(author.site).unwrap();
    assert_eq!(peers.len(), 1);
    assert_eq!(peers[0].node, desk.id());
    author.write("index.html", "two");
    author.publish_at(&desk).await;
    until_version(&follower.node, &author, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_visited_or_unfollowed_is_served_to_nobody() {
    let author = site();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let reader = Other::new().await;
    reader.read(author.site, &desk).await.unwrap();
    let third = Other::new().await;
    let refused = third.read(author.site, &reader.node).await.unwrap_err();
    assert_eq!(refused.kind, Kind::NotFound);
    assert!(!has_blobs(&third, &reader.node, &author).await);

    follow::follow(&reader.node, author.site, &[])
        .await
        .unwrap();
    assert!(has_blobs(&third, &reader.node, &author).await);
    let unfollowed = follow::unfollow(&reader.node, author.site).await.unwrap();
    assert_eq!(unfollowed.relation, Relation::Visited);
    assert!(!has_blobs(&third, &reader.node, &author).await);
    let refused = third.read(author.site, &reader.node).await.unwrap_err();
    assert_eq!(refused.kind, Kind::NotFound);
    // It can be read here all the same.
    assert_eq!(
        checked_out(&reader.node.store, author.site, None).unwrap(),
        author.files()
    );
    let again = follow::unfollow(&reader.node, author.site).await.unwrap();
    assert_eq!(again.relation, Relation::Visited);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_site_is_served_to_nobody_and_kept_up_to_date() {
    let author = site();
    let (desk, host) = (author.start().await, Other::pinning(author.site).await);
    author.publish_at(&desk).await;
    author.announce(&desk, &host.node).await.unwrap();
    let (follower, third) = (Other::new().await, Other::new().await);
    let peers = std::slice::from_ref(host.node.ticket().unwrap());
    follow::follow(&follower.node, author.site, peers)
        .await
        .unwrap();
    assert!(has_blobs(&third, &follower.node, &author).await);

    follow::pause(&follower.node, author.site, true)
        .await
        .unwrap();
    let refused = third.read(author.site, &follower.node).await.unwrap_err();
    assert_eq!(refused.kind, Kind::NotFound);
    assert!(!has_blobs(&third, &follower.node, &author).await);
    // A new version comes, and does not open what was closed; nor does a restart.
    keep_up(&follower.node);
    author.write("index.html", "two");
    author.publish_at(&desk).await;
    author.announce(&desk, &host.node).await.unwrap();
    until_version(&follower.node, &author, 2).await;
    assert!(!has_blobs(&third, &follower.node, &author).await);
    let Other { node, home, .. } = follower;
    node.close().await;
    drop(node);
    let again = start(&home).await;
    assert!(!has_blobs(&third, &again, &author).await);
    follow::pause(&again, author.site, false).await.unwrap();
    assert!(has_blobs(&third, &again, &author).await);
    let reader = Other::new().await;
    reader.read(author.site, &again).await.unwrap();

    // Of a site of one's own nobody is told either.
    follow::pause(&desk, author.site, true).await.unwrap();
    author.write("index.html", "three");
    author.publish_at(&desk).await;
    let untold = author.announce(&desk, &host.node).await.unwrap_err();
    assert_eq!(untold.kind, Kind::Usage);
    let refused = third.read(author.site, &desk).await.unwrap_err();
    assert_eq!(refused.kind, Kind::NotFound);
    assert!(!has_blobs(&third, &desk, &author).await);
}

/// Whether a stranger who knows the hash of a site's photo gets it from a node.
async fn has_blobs(stranger: &Other, node: &Node, author: &Author) -> bool {
    let hash = iroh_blobs::Hash::new(&author.files()["photo.png"]);
    let endpoint = crate::liar::endpoint().await;
    let address = crate::liar::address_of(node.ticket().unwrap());
    let connection = endpoint.connect(address, iroh_blobs::ALPN).await.unwrap();
    let store = iroh_blobs::store::mem::MemStore::new();
    let got = store.remote().fetch(connection, hash).await.is_ok();
    // A stranger with a node of its own has no better right.
    assert!(stranger.node.store.site(author.site).unwrap().is_none());
    got
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_of_ones_own_is_not_followed_and_a_pinned_one_stays_pinned_until_it_is_given_up() {
    let author = site();
    let (desk, host) = (author.start().await, Other::pinning(author.site).await);
    author.publish_at(&desk).await;
    let own = follow::follow(&desk, author.site, &[]).await.unwrap_err();
    assert_eq!(own.kind, Kind::Usage);
    let own = follow::unfollow(&desk, author.site).await.unwrap_err();
    assert_eq!(own.kind, Kind::Usage);
    let pinned = follow::follow(
        &host.node,
        author.site,
        std::slice::from_ref(desk.ticket().unwrap()),
    )
    .await
    .unwrap();
    assert_eq!(
        (pinned.relation, pinned.version),
        (Relation::Pinned, Some(1))
    );
    let given_up = follow::unfollow(&host.node, author.site).await.unwrap();
    assert_eq!(given_up.relation, Relation::Visited);
    let refused = author.announce(&desk, &host.node).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Declined);
    let unknown = follow::unfollow(&Other::new().await.node, author.site)
        .await
        .unwrap_err();
    assert_eq!(unknown.kind, Kind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_site_is_gone_and_a_reader_never_goes_back_behind_it() {
    let author = site();
    let (desk, stale) = (author.start().await, Other::pinning(author.site).await);
    author.publish_at(&desk).await;
    author.announce(&desk, &stale.node).await.unwrap();
    author.write("index.html", "two");
    author.publish_at(&desk).await;
    let reader = Other::new().await;
    reader.read(author.site, &desk).await.unwrap();
    let dry = reader.node.store.removal(author.site).unwrap();
    assert!(dry.frees > 300_000 && dry.versions == 2, "{dry:?}");
    follow::remove(&reader.node, author.site, OwnSites::Keep)
        .await
        .unwrap();
    assert!(reader.node.store.sites().unwrap().is_empty());
    let data = reader.home.store().join("blobs").join("data");
    let left = std::fs::read_dir(data).unwrap().count();
    assert_eq!(left, 0, "files of blobs");

    let older = reader.read(author.site, &stale.node).await.unwrap_err();
    assert_eq!(older.kind, Kind::Older, "{older}");
    reader.read(author.site, &desk).await.unwrap();
    assert_eq!(
        checked_out(&reader.node.store, author.site, None).unwrap(),
        author.files()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn visited_sites_make_room_and_followed_ones_do_not() {
    let reader = Other::new().await;
    let mut authors = Vec::new();
    for n in 0..3 {
        let author = Author::new().with("photo.png", noise(n, 400_000));
        let desk = author.start().await;
        author.publish_at(&desk).await;
        reader.read(author.site, &desk).await.unwrap();
        // As if it had been read long ago, one after the other.
        reader.node.store.visited(author.site, 1000 + n);
        authors.push(author);
    }
    follow::follow(&reader.node, authors[1].site, &[])
        .await
        .unwrap();
    let _open = reader.node.store.hold(authors[0].site);
    reader.node.set_visited_limit(500_000);
    // The first is open, the second is followed, the third was read last.
    assert_eq!(cache::make_room(&reader.node).await.unwrap(), []);
    drop(_open);
    assert_eq!(
        cache::make_room(&reader.node).await.unwrap(),
        [authors[0].site]
    );
    assert!(reader.node.store.site(authors[0].site).unwrap().is_none());
    for author in &authors[1..] {
        assert_eq!(
            checked_out(&reader.node.store, author.site, None).unwrap(),
            author.files()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_library_knows_what_there_is_and_reads_a_site_once() {
    let author = site();
    let (desk, host) = (author.start().await, Other::pinning(author.site).await);
    author.publish_at(&desk).await;
    author.announce(&desk, &host.node).await.unwrap();
    let follower = Other::new().await;
    follow::follow(
        &follower.node,
        author.site,
        std::slice::from_ref(host.node.ticket().unwrap()),
    )
    .await
    .unwrap();
    let list = |node: &Arc<Node>, library: &Library| {
        let mut sites = library::list(library, |site| node.peers_now(site).len()).unwrap();
        assert_eq!(sites.len(), 1);
        sites.remove(0)
    };
    let (own, kept) = (Library::new(&desk.store), Library::new(&host.node.store));
    let shown = list(&desk, &own);
    assert_eq!(
        (shown.relation, shown.title.as_deref()),
        (Relation::Own, Some("Bees"))
    );
    assert_eq!(shown.holders, [host.node.id()]);
    assert!(shown.traffic.up > 300_000, "{:?}", shown.traffic);
    let newest = shown.newest.unwrap();
    assert_eq!(
        (newest.version, newest.files, newest.message.as_str()),
        (1, 2, "a version")
    );
    let shown = list(&host.node, &kept);
    assert!(
        shown.bytes_here > 300_000 && shown.bytes_here < 320_000,
        "{}",
        shown.bytes_here
    );
    assert!(
        shown.traffic.up > 300_000 && shown.traffic.down > 300_000,
        "{:?}",
        shown.traffic
    );

    // Nothing is read again until something changes.
    for _ in 0..10 {
        list(&desk, &own);
    }
    assert_eq!(own.read(), 1);
    author.write("index.html", "<title>Wasps</title>");
    author.publish_at(&desk).await;
    let shown = list(&desk, &own);
    assert_eq!(
        (shown.title.as_deref(), shown.holders.len()),
        (Some("Wasps"), 0)
    );
    assert_eq!(own.read(), 2);

    // Who keeps up is there, and gone when it closes.
    keep_up(&follower.node);
    let node = &host.node;
    until(|| list(node, &kept).peers_now == 1).await;
    follower.node.close().await;
    until(|| list(node, &kept).peers_now == 0).await;
    // Counters outlive the node.
    let moved = list(&host.node, &kept).traffic;
    let Other { node, home, .. } = host;
    node.close().await;
    drop((node, kept));
    let again = start(&home).await;
    assert_eq!(list(&again, &Library::new(&again.store)).traffic, moved);
}

/// Looks again and again, for a bounded time, at what no event tells of.
async fn until(mut is_so: impl FnMut() -> bool) {
    let looking = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap();
}
