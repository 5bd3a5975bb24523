//! What the DHT is to say of a site is made with each version, and travels with it.

use skep_publisher::{
    publish::{retract, retraction},
    swarm::{
        follow,
        wire::{self, Request, Response},
    },
};

use crate::{
    fixture::{Author, Other, PATIENCE},
    hostile::honest,
    liar::{Forge, Liar, Serves, address_of, endpoint, frame},
};

#[tokio::test(flavor = "multi_thread")]
async fn every_holder_has_what_the_author_signed_and_it_names_who_keeps_the_site() {
    let author = Author::new().with("index.html", "one");
    let (desk, host) = (author.start().await, Other::pinning(author.site).await);
    author.publish_at(&desk).await;
    let first = desk.store.signpost(author.site).unwrap().unwrap();
    assert_eq!(first.holders(), [desk.id()]);
    author.announce(&desk, &host.node).await.unwrap();
    assert_eq!(host.node.store.signpost(author.site).unwrap(), Some(first));

    author.write("index.html", "two");
    let second = author.publish_at(&desk).await;
    author.announce(&desk, &host.node).await.unwrap();
    desk.close().await;
    drop(desk);
    // One who comes later has it of one who has it.
    let reader = Other::new().await;
    reader.read(author.site, &host.node).await.unwrap();
    let signpost = reader.node.store.signpost(author.site).unwrap().unwrap();
    assert_eq!(signpost.head(), &second.head);
    assert_eq!(signpost.holders().len(), 2);
    assert_eq!(signpost.holders()[1], host.node.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retraction_has_one_too() {
    let author = Author::new().with("index.html", "one");
    let desk = author.start().await;
    author.publish_at(&desk).await;
    author.write("index.html", "two");
    author.publish_at(&desk).await;
    let planned = retraction(&desk.store, author.site, &[1]).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let said = ("", 1_795_392_000);
    let done = retract(
        &desk.store,
        &author.key(),
        &planned,
        said,
        scratch.path(),
        |_| (),
    );
    let head = done.unwrap().published.head;
    let signpost = desk.store.signpost(author.site).unwrap().unwrap();
    assert_eq!(signpost.head(), &head);
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_old_and_foreign_ones_are_not_kept() {
    let forge = honest(2).await;
    let (site, head) = (forge.site(), forge.head());
    let old = forge.head_of(1, &forge.entries[..1]);
    let mut forged = forge.signpost(&head).encode();
    *forged.last_mut().unwrap() ^= 1;
    let mut other = Forge::new(77);
    other.entries = forge.entries.clone();
    for (what, bytes, kept) in [
        ("forged", forged, false),
        ("old", forge.signpost(&old).encode(), false),
        ("endless", vec![0; 16_000], false),
        (
            "another site's",
            other.signpost(&other.head()).encode(),
            false,
        ),
        ("genuine", forge.signpost(&head).encode(), true),
    ] {
        let honest = forge.script();
        let script = move |request| match request {
            Request::Signpost { .. } => vec![frame(&Response::Signpost(bytes.clone()))],
            request => honest(request),
        };
        let liar = Liar::new(script, Serves::Blobs(forge.blobs.clone())).await;
        let reader = Other::new().await;
        let ticket = std::slice::from_ref(&liar.ticket);
        let following = follow::follow(&reader.node, site, ticket).await.unwrap();
        // The version is as good as ever.
        assert_eq!(following.version, Some(2), "{what}");
        let here = reader.node.store.signpost(site).unwrap();
        assert_eq!(here.is_some(), kept, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shares_a_site_no_more_gives_none() {
    let author = Author::new().with("index.html", "one");
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let asked = || async {
        let peer = address_of(desk.ticket().unwrap());
        let endpoint = endpoint().await;
        let connection = endpoint.connect(peer, wire::ALPN).await.unwrap();
        let (mut send, mut receive) = connection.open_bi().await.unwrap();
        let site = author.site.0;
        wire::send(&mut send, &Request::Signpost { site })
            .await
            .unwrap();
        wire::receive::<Response>(&mut receive, PATIENCE)
            .await
            .unwrap()
    };
    assert!(matches!(asked().await, Response::Signpost(_)));
    follow::pause(&desk, author.site, true).await.unwrap();
    assert!(matches!(asked().await, Response::NotShared));
}
