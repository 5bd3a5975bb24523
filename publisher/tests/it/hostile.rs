//! Peers that lie about a site whose author is honest.

use std::time::Duration;

use skep_publisher::{
    archive::{hash::LogHash, head::Head},
    error::{Error, Kind},
    store::Relation,
    swarm::{
        announce::announce,
        fetch::{Wanted, newest},
        wire::{self, Request, Response},
    },
};

use crate::{
    fixture::{Author, Other, PATIENCE, noise, seen},
    liar::{Forge, Liar, Serves, address_of, endpoint, frame},
};

/// What a fetch from `liar` fails with. It has to fail soon, and to change nothing.
async fn refused(reader: &Other, forge: &Forge, liar: Liar) -> Error {
    let before = seen(&reader.node.store, forge.site());
    let fetch = newest(&reader.node, forge.site(), &liar.ticket, Wanted::Latest);
    let error = tokio::time::timeout(Duration::from_secs(15), fetch)
        .await
        .expect("a liar must not hold a reader up")
        .unwrap_err();
    assert_eq!(seen(&reader.node.store, forge.site()), before);
    assert!(!error.message.contains(char::is_control), "{error:?}");
    liar.close().await;
    error
}

/// A site with versions as its author really made them, as its key and its log.
pub(crate) async fn honest(versions: usize) -> Forge {
    let mut forge = Forge::new(3);
    for n in 0..versions {
        let file = format!("version {n}").into_bytes();
        let path = skep_publisher::archive::path::ArchivePath::new("index.html").unwrap();
        let tree = skep_publisher::archive::tree::build(vec![(
            path,
            skep_publisher::archive::tree::File {
                hash: skep_publisher::archive::hash::ContentHash::of(&file),
                size: file.len() as u64,
                media_type: skep_publisher::archive::tree::node::MediaType::octet_stream(),
            },
        )]);
        let nodes: Vec<_> = tree.nodes.iter().map(|(_, bytes)| bytes.clone()).collect();
        let pack = crate::liar::pack(&nodes, &[&file]);
        let entry = forge.entry(tree.root, 1, file.len() as u64, &pack);
        forge.push(&entry, pack);
    }
    forge
}

/// A reader that has the first version.
async fn reader_of(forge: &Forge) -> Other {
    let reader = Other::new().await;
    let mut first = Forge::new(3);
    first.entries = forge.entries[..1].to_vec();
    first.blobs = forge.blobs.clone();
    let peer = first.serve().await;
    newest(&reader.node, forge.site(), &peer.ticket, Wanted::Latest)
        .await
        .unwrap();
    peer.close().await;
    reader
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_head_of_the_site_is_refused() {
    let forge = honest(1).await;
    let forged = Forge::new(4).head_of(1, &forge.entries).encode();
    let mut flipped = forge.head().encode();
    flipped[10] ^= 1;
    let reader = Other::new().await;
    for head in [forged, flipped, Vec::new(), vec![1; 300]] {
        let script = move |_| vec![frame(&Response::Head(head.clone()))];
        let liar = Liar::new(script, Serves::Nothing).await;
        let error = refused(&reader, &forge, liar).await;
        assert_eq!(error.kind, Kind::Hostile, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_is_refused() {
    let forge = honest(1).await;
    let reader = Other::new().await;
    let head = frame(&Response::Head(forge.head().encode()));
    for (bytes, kind) in [
        (Vec::new(), Kind::Unreachable),
        (head[..3].to_vec(), Kind::Unreachable),
        (head[..head.len() - 1].to_vec(), Kind::Unreachable),
        (u32::MAX.to_be_bytes().to_vec(), Kind::Hostile),
        (
            (wire::MAX_FRAME as u32 + 1).to_be_bytes().to_vec(),
            Kind::Hostile,
        ),
        (vec![0, 0, 0, 0], Kind::Hostile),
        (vec![0, 0, 0, 1, 99], Kind::Hostile),
        // A byte string of 2^63 bytes.
        (
            [&[0, 0, 0, 11, 0][..], &[0xff; 9], &[0x7f]].concat(),
            Kind::Hostile,
        ),
    ] {
        let liar = Liar::new(move |_| vec![bytes.clone()], Serves::Nothing).await;
        let error = refused(&reader, &forge, liar).await;
        assert_eq!(error.kind, kind, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_the_head_does_not_sign_are_refused() {
    let forge = honest(3).await;
    let reader = Other::new().await;
    let swapped: Vec<_> = [1, 0, 2].map(|n| forge.entries[n].clone()).into();
    let mut altered = forge.entries.clone();
    let last = altered[2].len() - 1;
    altered[2][last - 60] ^= 1;
    let long = vec![vec![1; 2049]; 3];
    let none: Vec<Vec<u8>> = Vec::new();
    let short = forge.entries[..2].to_vec();
    let strange = vec![b"?".to_vec(); 3];
    for (entries, kind) in [
        (swapped, Kind::Hostile),
        (altered, Kind::Hostile),
        (long, Kind::Hostile),
        (strange, Kind::Hostile),
        (none, Kind::Unreachable),
        (short, Kind::Unreachable),
    ] {
        let head = forge.head().encode();
        let script = move |request| match request {
            Request::Head { .. } => vec![frame(&Response::Head(head.clone()))],
            _ => entries
                .iter()
                .map(|entry| frame(&Response::Entry(entry.clone())))
                .collect(),
        };
        let liar = Liar::new(script, Serves::Nothing).await;
        let error = refused(&reader, &forge, liar).await;
        assert_eq!(error.kind, kind, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_of_any_length_is_survived() {
    let forge = honest(1).await;
    for reader in [Other::new().await, reader_of(&forge).await] {
        for length in [65_538, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
            let head = forge.head_of(length, &forge.entries).encode();
            let endless = frame(&Response::Entry(forge.entries[0].clone()));
            let script = move |request| match request {
                Request::Head { .. } => vec![frame(&Response::Head(head.clone()))],
                _ => vec![endless.clone(); 100],
            };
            let liar = Liar::new(script, Serves::Nothing).await;
            let error = refused(&reader, &forge, liar).await;
            assert_eq!(error.kind, Kind::Hostile, "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_was_rewritten_and_is_longer_is_a_conflict() {
    let forge = honest(1).await;
    let reader = reader_of(&forge).await;
    let mut rewritten = honest(4).await;
    rewritten.entries.remove(0);
    rewritten.blobs.remove(0);
    // Numbered from 1 again.
    for (n, entry) in rewritten.entries.iter_mut().enumerate() {
        let mut decoded = skep_publisher::archive::entry::Entry::decode(entry).unwrap();
        decoded.number = n as u64 + 1;
        *entry = decoded.encode().unwrap();
    }
    let error = refused(&reader, &forge, rewritten.serve().await).await;
    assert_eq!(error.kind, Kind::Conflict, "{error}");
}

/// Garbage under a genuine head is the peer's lie. To take it for a fork would put the blame on the
/// author, and keep a head as evidence that contradicts nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_can_not_make_an_author_look_dishonest() {
    let forge = honest(2).await;
    let reader = reader_of(&forge).await;
    let head = forge.head().encode();
    let mut other = skep_publisher::archive::entry::Entry::decode(&forge.entries[1]).unwrap();
    other.message = "not what the author wrote".into();
    let other = frame(&Response::Entry(other.encode().unwrap()));
    let script = move |request| match request {
        Request::Head { .. } => vec![frame(&Response::Head(head.clone()))],
        Request::Entries { count, .. } => vec![other.clone(); count as usize],
        _ => Vec::new(),
    };
    let liar = Liar::new(script, Serves::Nothing).await;
    let error = refused(&reader, &forge, liar).await;
    assert_eq!(error.kind, Kind::Hostile, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_that_do_not_come_as_signed_are_refused() {
    let forge = honest(1).await;
    let reader = Other::new().await;
    for (serves, kind) in [
        (Serves::Nothing, Kind::Unreachable),
        (Serves::Garbage, Kind::Hostile),
        (Serves::Blobs(Vec::new()), Kind::Hostile),
        (Serves::Blobs(vec![noise(1, 50_000)]), Kind::Hostile),
    ] {
        let liar = Liar::new(forge.script(), serves).await;
        let error = refused(&reader, &forge, liar).await;
        assert_eq!(error.kind, kind, "{error}");
    }
    // What came before did not spoil the site.
    let peer = forge.serve().await;
    newest(&reader.node, forge.site(), &peer.ticket, Wanted::Latest)
        .await
        .unwrap();
    peer.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_in_the_name_of_another_node_is_not_followed() {
    let author = Author::new().with("index.html", "i");
    let host = Other::pinning(author.site).await;
    let desk = author.start().await;
    let published = author.publish_at(&desk).await;
    let stranger = endpoint().await;
    let connection = stranger
        .connect(address_of(host.node.ticket().unwrap()), wire::ALPN)
        .await
        .unwrap();
    let (mut send, mut receive) = connection.open_bi().await.unwrap();
    let request = Request::Announce {
        site: author.site.0,
        head: published.head.encode(),
        from: address_of(desk.ticket().unwrap()),
    };
    wire::send(&mut send, &request).await.unwrap();
    let answer = wire::receive::<Response>(&mut receive, PATIENCE).await;
    assert!(answer.is_err(), "{answer:?}");
    let state = host.node.store.site(author.site).unwrap().unwrap();
    assert_eq!((state.head, state.relation), (None, Relation::Pinned));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_lies_about_keeping_is_found_out() {
    let author = Author::new().with("index.html", "i");
    let desk = author.start().await;
    let head = author.publish_at(&desk).await.head;
    let own = Head::sign(&author.key(), 1, LogHash([0; 32])).encode();
    let reasons = "\u{1b}[2J\u{202e}".repeat(2000);
    for answer in [
        frame(&Response::Kept {
            receipt: Vec::new(),
            received: u64::MAX,
        }),
        frame(&Response::Kept {
            receipt: own,
            received: 0,
        }),
        frame(&Response::NotShared),
        frame(&Response::Declined(wire::Reason::Failed(reasons))),
    ] {
        let liar = Liar::new(move |_| vec![answer.clone()], Serves::Nothing).await;
        let error = announce(&desk, &head, &liar.ticket, PATIENCE)
            .await
            .unwrap_err();
        assert!(
            matches!(error.kind, Kind::Hostile | Kind::Declined),
            "{error:?}"
        );
        assert!(!error.message.contains(char::is_control), "{error:?}");
        assert!(!error.message.contains('\u{202e}'), "{error:?}");
        assert!(error.message.len() < 10_000, "{}", error.message.len());
        liar.close().await;
    }
    let known = desk.store.known(author.site).unwrap();
    assert!(desk.store.receipts(&known).unwrap().is_empty());
}
