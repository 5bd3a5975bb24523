//! Honest nodes: announcing, keeping, reading, and telling what can't both be true.

use skep_publisher::{
    archive::receipt::Mode,
    error::Kind,
    store::Relation,
    swarm::{announce::announce, fetch},
};

use crate::fixture::{Author, Other, PATIENCE, check, checked_out, noise, seen};

fn site() -> Author {
    Author::new()
        .with("index.html", "<h1>one</h1>")
        .with("posts/a/index.html", noise(1, 20_000))
        .with("photo.png", noise(2, 300_000))
        .with("empty.txt", "")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_keeps_what_is_announced_and_readers_get_it_without_the_author() {
    let author = site();
    let (desk, host) = (author.start().await, Other::pinning(author.site).await);
    let first = author.publish_at(&desk).await;
    let kept = author.announce(&desk, &host.node).await.unwrap();
    assert!(kept.receipt.is_for(&first.head));
    assert_eq!(
        (kept.receipt.node, kept.receipt.mode),
        (host.node.id(), Mode::Whole)
    );
    assert!(kept.received > 320_000, "{}", kept.received);
    let known = desk.store.known(author.site).unwrap();
    assert_eq!(desk.store.receipts(&known).unwrap(), [kept.receipt]);
    desk.close().await;
    drop(desk);

    let reader = Other::new().await;
    let fetched = reader.read(author.site, &host.node).await.unwrap();
    assert_eq!((fetched.head, fetched.versions), (first.head, 1));
    assert_eq!(
        checked_out(&reader.node.store, author.site, None).unwrap(),
        author.files()
    );
    assert_eq!(
        seen(&reader.node.store, author.site),
        seen(&host.node.store, author.site)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_version_costs_about_what_is_new() {
    let author = site();
    let (desk, host) = (author.start().await, Other::pinning(author.site).await);
    author.publish_at(&desk).await;
    author.announce(&desk, &host.node).await.unwrap();
    let reader = Other::new().await;
    reader.read(author.site, &host.node).await.unwrap();

    author.write("index.html", "<h1>two</h1>");
    author.publish_at(&desk).await;
    let kept = author.announce(&desk, &host.node).await.unwrap();
    // Two handshakes of QUIC are some 10 KB.
    assert!(kept.received < 40_000, "{}", kept.received);
    let fetched = reader.read(author.site, &host.node).await.unwrap();
    assert!(fetched.received < 40_000, "{}", fetched.received);
    assert_eq!(fetched.versions, 1);
    for store in [&host.node.store, &reader.node.store] {
        assert_eq!(check(store, author.site).unwrap().whole, 2);
        assert_eq!(
            checked_out(store, author.site, None).unwrap(),
            author.files()
        );
    }

    // Nothing is new: nothing comes.
    let again = reader.read(author.site, &host.node).await.unwrap();
    assert_eq!(again.versions, 0);
    let kept = author.announce(&desk, &host.node).await.unwrap();
    assert_eq!(kept.received, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_comes_late_gets_the_newest_version_alone() {
    let author = site();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    author.write("photo.png", noise(9, 300_000));
    author.publish_at(&desk).await;
    let reader = Other::new().await;
    let fetched = reader.read(author.site, &desk).await.unwrap();
    assert_eq!(fetched.versions, 2);
    assert!(fetched.received < 500_000, "{}", fetched.received);
    let verified = check(&reader.node.store, author.site).unwrap();
    assert_eq!((verified.versions, verified.whole), (2, 1));
    assert_eq!(
        checked_out(&reader.node.store, author.site, None).unwrap(),
        author.files()
    );
    let error = checked_out(&reader.node.store, author.site, Some(1)).unwrap_err();
    assert_eq!(error.kind, Kind::NotFound, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_declines_what_it_does_not_pin() {
    let author = site();
    let (desk, host) = (author.start().await, Other::new().await);
    author.publish_at(&desk).await;
    let error = author.announce(&desk, &host.node).await.unwrap_err();
    assert_eq!(error.kind, Kind::Declined, "{error}");
    assert!(host.node.store.sites().unwrap().is_empty());

    // To have read a site is not to keep it.
    host.read(author.site, &desk).await.unwrap();
    let error = author.announce(&desk, &host.node).await.unwrap_err();
    assert_eq!(error.kind, Kind::Declined, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_head_is_declined() {
    let author = site();
    let (desk, host) = (author.start().await, Other::pinning(author.site).await);
    let old = author.publish_at(&desk).await.head;
    author.write("index.html", "two");
    author.publish_at(&desk).await;
    author.announce(&desk, &host.node).await.unwrap();
    let before = seen(&host.node.store, author.site);
    let error = announce(&desk, &old, host.node.ticket().unwrap(), PATIENCE)
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Older, "{error}");
    assert!(error.message.contains("version 2"), "{error}");
    assert_eq!(seen(&host.node.store, author.site), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_never_goes_back() {
    let author = site();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let (stale, reader) = (Other::pinning(author.site).await, Other::new().await);
    author.announce(&desk, &stale.node).await.unwrap();
    author.write("index.html", "two");
    author.publish_at(&desk).await;
    reader.read(author.site, &desk).await.unwrap();
    let before = seen(&reader.node.store, author.site);
    let error = reader.read(author.site, &stale.node).await.unwrap_err();
    assert_eq!(error.kind, Kind::Older, "{error}");
    assert_eq!(seen(&reader.node.store, author.site), before);
}

/// One key on two machines; both publish. Equally long or longer, the other branch changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn two_branches_of_a_log_are_a_conflict() {
    let author = site();
    let twin = author.on_second_machine();
    let (desk, laptop) = (author.start().await, twin.start().await);
    author.publish_at(&desk).await;
    twin.publish_at(&laptop).await;
    author.write("index.html", "from the desk");
    author.publish_at(&desk).await;
    let reader = Other::new().await;
    let host = Other::pinning(author.site).await;
    reader.read(author.site, &desk).await.unwrap();
    author.announce(&desk, &host.node).await.unwrap();
    let before = seen(&reader.node.store, author.site);
    let on_host = seen(&host.node.store, author.site);
    for n in 0..3 {
        twin.write("index.html", format!("from the laptop {n}"));
        twin.publish_at(&laptop).await;
        let error = reader.read(author.site, &laptop).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict, "{error}");
        let error = twin.announce(&laptop, &host.node).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict, "{error}");
        assert_eq!(seen(&reader.node.store, author.site), before);
        assert_eq!(seen(&host.node.store, author.site), on_host);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visited_site_is_not_shared() {
    let author = site();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let (reader, third) = (Other::new().await, Other::new().await);
    reader.read(author.site, &desk).await.unwrap();
    let error = third.read(author.site, &reader.node).await.unwrap_err();
    assert_eq!(error.kind, Kind::NotFound, "{error}");
    assert!(third.node.store.sites().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relation_grows_closer_and_never_looser() {
    let author = site();
    let open = author.open();
    let relation = || open.store.site(author.site).unwrap().map(|s| s.relation);
    for (added, becomes) in [
        (Relation::Visited, Relation::Visited),
        (Relation::Pinned, Relation::Pinned),
        (Relation::Visited, Relation::Pinned),
        (Relation::Own, Relation::Own),
        (Relation::Pinned, Relation::Own),
        (Relation::Visited, Relation::Own),
    ] {
        open.store.add_site(author.site, added).unwrap();
        if relation().is_some() {
            assert_eq!(relation(), Some(becomes));
        }
    }
}

/// A home that read the newest version and then pins the site does not have the older ones.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_promises_no_version_that_is_not_here() {
    let author = site();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    author.write("photo.png", noise(9, 300_000));
    author.publish_at(&desk).await;
    let host = Other::new().await;
    host.read(author.site, &desk).await.unwrap();
    let store = &host.node.store;
    store.add_site(author.site, Relation::Pinned).unwrap();
    let kept = author.announce(&desk, &host.node).await.unwrap();
    let whole = check(store, author.site).unwrap().whole;
    match kept.receipt.mode {
        Mode::Whole => assert_eq!(whole, 2),
        Mode::Latest => assert_eq!(whole, 1),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_readers_of_one_node_get_the_same_site_once() {
    let author = site();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let reader = Other::new().await;
    let reads = (0..6).map(|_| {
        let (node, ticket, site) = (
            reader.node.clone(),
            desk.ticket().unwrap().clone(),
            author.site,
        );
        tokio::spawn(
            async move { fetch::newest(&node, site, &ticket, fetch::Wanted::Latest).await },
        )
    });
    let mut versions = 0;
    for read in reads.collect::<Vec<_>>() {
        versions += read.await.unwrap().unwrap().versions;
    }
    assert_eq!(versions, 1);
    check(&reader.node.store, author.site).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_node_is_unreachable_and_its_store_can_be_opened_again() {
    let author = site();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let host = Other::pinning(author.site).await;
    author.announce(&desk, &host.node).await.unwrap();
    host.node.close().await;
    let gone = host.node.ticket().unwrap().clone();
    drop(host.node);
    let reopened = skep_publisher::swarm::OpenStore::open(&host.home, "again").unwrap();
    check(&reopened.store, author.site).unwrap();
    let head = desk.store.known(author.site).unwrap().head.unwrap();
    let limit = std::time::Duration::from_millis(300);
    let error = announce(&desk, &head, &gone, limit).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unreachable, "{error}");
}
