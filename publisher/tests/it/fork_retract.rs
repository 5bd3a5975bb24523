//! Forks of logs in which something was retracted.

use std::sync::Arc;

use skep_publisher::{
    error::Kind,
    store::{Relation, Store},
    swarm::{Node, fetch},
};

use crate::fixture::{Author, Other, check, checked_out, noise};

/// One key on two machines, with three versions in common: the second has a secret page.
async fn twins() -> ([Author; 2], [Arc<Node>; 2]) {
    let desk = Author::new().with("index.html", noise(1, 900));
    let at_desk = desk.start().await;
    desk.publish_at(&at_desk).await;
    desk.write("secret.html", noise(2, 900));
    desk.write("kept.html", noise(3, 900));
    desk.publish_at(&at_desk).await;
    std::fs::remove_file(desk.folder().join("secret.html")).unwrap();
    desk.publish_at(&at_desk).await;
    let laptop = desk.on_second_machine();
    let at_laptop = laptop.start().await;
    bring(&at_laptop, &laptop, &at_desk).await.unwrap();
    let store = &at_laptop.store;
    store.add_site(laptop.site, Relation::Own).unwrap();
    ([desk, laptop], [at_desk, at_laptop])
}

async fn bring(
    node: &Arc<Node>,
    author: &Author,
    from: &Node,
) -> Result<u64, skep_publisher::error::Error> {
    let fetched = fetch::newest(
        node,
        author.site,
        from.ticket().unwrap(),
        fetch::Wanted::Whole,
    )
    .await;
    fetched.map(|fetched| fetched.head.length())
}

/// Versions in all, here with all their bytes, retracted.
fn counts(store: &Store, author: &Author) -> (u64, u64, u64) {
    let verified = check(store, author.site).unwrap();
    (verified.versions, verified.whole, verified.retracted)
}

/// Only the own, shorter branch retracts: what it took away is asked for by nobody any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_retraction_on_an_abandoned_branch_is_none() {
    let ([desk, laptop], [at_desk, at_laptop]) = twins().await;
    let host = Other::pinning(desk.site).await;
    desk.retract(&at_desk.store, &[2]);
    at_desk.share(desk.site, 1).await.unwrap();
    desk.announce(&at_desk, &host.node).await.unwrap();
    assert_eq!(counts(&host.node.store, &desk), (4, 3, 1));
    for n in 0..2 {
        laptop.write("laptop.html", format!("{n}"));
        laptop.publish_at(&at_laptop).await;
    }
    at_laptop.share(laptop.site, 1).await.unwrap();
    let error = bring(&at_desk, &desk, &at_laptop).await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict, "{error}");
    let mend = desk.review(&at_desk.store).mend.unwrap();
    assert_eq!(mend.abandons[0].retracts, [2], "the author is told");
    assert_eq!(desk.publish(&at_desk.store).head.length(), 6);
    at_desk.share(desk.site, 1).await.unwrap();
    desk.announce(&at_desk, &host.node).await.unwrap();
    // The pack that was dropped is needed on the other branch: it came back with that.
    for store in [&at_desk.store, &host.node.store] {
        assert_eq!(counts(store, &desk), (6, 6, 0));
        assert_eq!(checked_out(store, desk.site, None).unwrap(), desk.files());
    }
    assert_eq!(bring(&at_laptop, &laptop, &at_desk).await.unwrap(), 6);
    assert_eq!(counts(&at_laptop.store, &laptop), (6, 6, 0));
}

/// The longer branch has retracted, and is taken over.
#[tokio::test(flavor = "multi_thread")]
async fn a_retraction_on_the_branch_that_goes_on_is_obeyed() {
    let ([desk, laptop], [at_desk, at_laptop]) = twins().await;
    let host = Other::pinning(desk.site).await;
    desk.write("desk.html", "from the desk");
    desk.publish_at(&at_desk).await;
    at_desk.share(desk.site, 1).await.unwrap();
    desk.announce(&at_desk, &host.node).await.unwrap();
    laptop.retract(&at_laptop.store, &[2]);
    laptop.write("laptop.html", "from the laptop");
    laptop.publish_at(&at_laptop).await;
    at_laptop.share(laptop.site, 1).await.unwrap();
    let error = bring(&at_desk, &desk, &at_laptop).await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict, "{error}");
    assert_eq!(desk.publish(&at_desk.store).head.length(), 6);
    at_desk.share(desk.site, 1).await.unwrap();
    desk.announce(&at_desk, &host.node).await.unwrap();
    bring(&at_laptop, &laptop, &at_desk).await.unwrap();
    for store in [&at_desk.store, &host.node.store, &at_laptop.store] {
        assert_eq!(counts(store, &desk), (6, 5, 1));
        assert_eq!(checked_out(store, desk.site, None).unwrap(), desk.files());
        let error = checked_out(store, desk.site, Some(2)).unwrap_err();
        assert!(
            matches!(error.kind, Kind::Retracted | Kind::NotFound),
            "{error}"
        );
    }
}
