//! A node that takes part in the network only when something needs it.

use skep_publisher::{
    archive::address::SiteId,
    swarm::{Network, Node, follow},
};
use tokio::sync::mpsc;

use crate::fixture::{Author, Other};

async fn quiet(author: &Author) -> std::sync::Arc<Node> {
    let (events, _) = mpsc::channel(1);
    Node::quiet(author.open(), Network::Loopback, events)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_reach_it_until_others_are_told_of_a_version() {
    let author = Author::new().with("index.html", "<h1>one</h1>");
    let desk = quiet(&author).await;
    let host = Other::pinning(author.site).await;
    author.publish_at(&desk).await;
    assert!(desk.ticket().is_none());
    author.announce(&desk, &host.node).await.unwrap();
    let ticket = desk.ticket().unwrap().clone();
    assert_eq!(desk.online().await.unwrap(), &ticket);
    let reader = Other::new().await;
    reader.read(author.site, &desk).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn keeping_up_does_not_wake_it_and_it_closes_for_good() {
    let author = Author::new().with("index.html", "<h1>one</h1>");
    let desk = quiet(&author).await;
    follow::follow(&desk, SiteId([7; 32]), &[]).await.ok();
    let keeping = tokio::spawn(follow::keep_up(desk.clone(), follow::Timing::default()));
    assert!(desk.ticket().is_none());
    desk.close().await;
    // It ends with the node.
    keeping.await.unwrap();
    assert!(desk.online().await.is_err());
    drop(desk);
    // The store is free again.
    author.open().close().await;
}
