//! Telling: linked nodes have a new version at once, and no node matters more than another.

use std::{sync::Arc, time::Duration};

use skep_publisher::{
    archive::address::SiteId,
    swarm::{Node, follow, follow::Timing},
};

use crate::fixture::{Author, Other, checked_out, noise};

/// How long a new version may take to reach everyone, whatever has just gone away.
const SOON: Duration = Duration::from_secs(5);

/// Longer than it takes until nodes are linked.
const PATIENCE: Duration = Duration::from_secs(30);

fn site() -> Author {
    Author::new()
        .with("index.html", "<title>Bees</title>one")
        .with("photo.png", noise(2, 300_000))
}

fn keep_up(node: &Arc<Node>) {
    tokio::spawn(follow::keep_up(node.clone(), Timing::default()));
}

/// A node that follows a site and knows of nobody but `first`.
async fn follower(site: SiteId, first: &Node) -> Other {
    let other = Other::new().await;
    let peers = std::slice::from_ref(first.ticket().unwrap());
    follow::follow(&other.node, site, peers).await.unwrap();
    keep_up(&other.node);
    other
}

/// Waits until a node has that version of a site.
async fn until_version(node: &Node, site: SiteId, version: u64, limit: Duration) {
    let mut news = node.news();
    let reached = async {
        while node
            .store
            .site(site)
            .unwrap()
            .and_then(|state| state.head)
            .is_none_or(|head| head.length() < version)
        {
            let _ = news.recv().await;
        }
    };
    let waited = tokio::time::timeout(limit, reached).await;
    waited.unwrap_or_else(|_| panic!("version {version} never came"));
}

/// Waits until it is so. There is no event of who is connected.
async fn until(mut is_so: impl FnMut() -> bool) {
    let looking = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn survivors_have_the_next_version_whoever_is_closed() {
    let author = site();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let first = follower(author.site, &desk).await;
    keep_up(&desk);
    let mut readers = Vec::new();
    for _ in 0..6 {
        readers.push(follower(author.site, &first.node).await);
    }
    // Each of them has found others, beside the one that it was told of.
    for reader in &readers {
        until(|| reader.node.peers_now(author.site).len() >= 3).await;
    }
    let mut version = 1;
    for gone in [first, readers.remove(0), readers.remove(0)] {
        gone.node.close().await;
        version += 1;
        author.write("index.html", format!("version {version}"));
        author.publish_at(&desk).await;
        for reader in &readers {
            until_version(&reader.node, author.site, version, SOON).await;
        }
    }
    for reader in &readers {
        let files = checked_out(&reader.node.store, author.site, None).unwrap();
        assert_eq!(files, author.files());
    }
    // The author's node goes, and what is published from another machine with the same log reaches them.
    let mut left = readers.iter();
    let keeper = left.next().unwrap();
    until(|| keeper.node.peers_now(author.site).len() >= 2).await;
    desk.close().await;
    let newcomer = follower(author.site, &keeper.node).await;
    until_version(&newcomer.node, author.site, version, SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_version_is_pushed_and_passed_on_without_a_question() {
    let author = site();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let near = follower(author.site, &desk).await;
    until(|| near.node.peers_now(author.site).len() == 1).await;
    let far = follower(author.site, &near.node).await;
    until(|| near.node.peers_now(author.site).len() == 2).await;
    let before = near.node.store.activity().unwrap()[&author.site].1;
    author.write("index.html", "two");
    author.publish_at(&desk).await;
    for reader in [&near, &far] {
        until_version(&reader.node, author.site, 2, SOON).await;
        let files = checked_out(&reader.node.store, author.site, None).unwrap();
        assert_eq!(files, author.files());
    }
    let after = near.node.store.activity().unwrap()[&author.site].1;
    // What came and went is the version itself, not the requests of a fetch.
    assert!(
        after.down - before.down < 3_000,
        "{}",
        after.down - before.down
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_author_learns_who_keeps_a_version() {
    let author = site();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    assert_eq!(desk.store.holders(author.site).unwrap().count(), 0);
    let one = follower(author.site, &desk).await;
    let other = follower(author.site, &desk).await;
    // Also of a version that they had before there was a link.
    let holders = || desk.store.holders(author.site).unwrap();
    until(|| holders().count() == 2).await;
    author.write("index.html", "two");
    author.publish_at(&desk).await;
    until(|| holders().others == 2).await;
    let state = desk.store.known(author.site).unwrap();
    let mut nodes: Vec<_> = desk.store.receipts(&state).unwrap();
    assert!(nodes.iter().all(|receipt| receipt.length == 2));
    nodes.sort_by_key(|receipt| receipt.node);
    let mut expected = [one.node.id(), other.node.id()];
    expected.sort_unstable();
    assert!(nodes.iter().map(|receipt| receipt.node).eq(expected));
    // Nobody else keeps such lists.
    let state = one.node.store.known(author.site).unwrap();
    assert_eq!(one.node.store.receipts(&state).unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_version_is_told_of_and_fetched() {
    let author = site();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let reader = follower(author.site, &desk).await;
    until(|| reader.node.peers_now(author.site).len() == 1).await;
    author.write("other.png", noise(3, 600_000));
    author.publish_at(&desk).await;
    until_version(&reader.node, author.site, 2, PATIENCE).await;
    let files = checked_out(&reader.node.store, author.site, None).unwrap();
    assert_eq!(files, author.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_author_who_comes_back_tells_the_keepers_that_it_knows() {
    let author = site();
    let (desk, host) = (author.start().await, Other::pinning(author.site).await);
    author.publish_at(&desk).await;
    author.announce(&desk, &host.node).await.unwrap();
    desk.close().await;
    drop(desk);
    keep_up(&host.node);
    let open = author.open();
    author.write("index.html", "two");
    author.publish(&open.store);
    open.close().await;
    // Nobody is told by hand.
    let desk = author.start().await;
    keep_up(&desk);
    until_version(&host.node, author.site, 2, PATIENCE).await;
}
