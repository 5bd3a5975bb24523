//! A version from several nodes at once, of which some die, stall, lie, or have only a part.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use iroh::{EndpointAddr, SecretKey, TransportAddr};
use iroh_blobs::Hash;
use skep_publisher::{
    archive::{
        blobs::{BlobKind, BlobRef},
        hash::ContentHash,
        path::ArchivePath,
        tree::{self, File, node::MediaType},
    },
    error::Kind,
    swarm::{
        Fetched,
        fetch::{Wanted, newest},
        wire::{Request, Response},
    },
};

use crate::{
    fixture::{Files, Other, PATIENCE, check, checked_out, noise},
    liar::{Act, Forge, Liar, Serves, address_of, frame, pack},
};

/// How many files the site has, each a blob of its own and of [`LENGTH`] bytes.
const FILES: usize = 10;
/// Two pieces.
const LENGTH: usize = 1_200_000;

/// A site of one version, and its files.
pub(crate) fn site(seed: u8) -> (Forge, Files) {
    let files = (0..FILES).map(|n| {
        let bytes = noise(u64::from(seed) * 100 + n as u64, LENGTH);
        (format!("film-{n}.webm"), bytes)
    });
    site_of(seed, files.collect())
}

/// A site whose files are a blob each.
pub(crate) fn site_of(seed: u8, files: Files) -> (Forge, Files) {
    let mut forge = Forge::new(seed);
    let tree = tree::build(
        files
            .iter()
            .map(|(path, bytes)| {
                let file = File {
                    hash: ContentHash::of(bytes),
                    size: bytes.len() as u64,
                    media_type: MediaType::octet_stream(),
                };
                (ArchivePath::new(path).unwrap(), file)
            })
            .collect(),
    );
    let nodes: Vec<_> = tree.nodes.iter().map(|(_, bytes)| bytes.clone()).collect();
    let pack = pack(&nodes, &[]);
    let bytes = files.values().map(|file| file.len() as u64).sum();
    let mut entry = forge.entry(tree.root, files.len() as u64, bytes, &pack);
    entry.adds.inline.extend(files.values().map(|file| BlobRef {
        hash: ContentHash::of(file),
        kind: BlobKind::File,
        size: file.len() as u64,
    }));
    entry.adds.inline.sort_by_key(|blob| blob.hash);
    forge.push(&entry, pack);
    forge.blobs.extend(files.values().cloned());
    (forge, files)
}

/// How a node answers that has some blobs of a site and knows some peers: it says that it has these pieces.
fn script(
    forge: &Forge,
    has: Option<Vec<(u32, u32)>>,
    peers: Vec<EndpointAddr>,
) -> impl Fn(Request) -> Vec<Vec<u8>> + Send + Sync + 'static {
    let honest = forge.script();
    move |request| match (&request, &has) {
        (Request::Peers { .. }, _) => vec![frame(&Response::Peers(peers.clone()))],
        (Request::Have { .. }, Some(pieces)) => vec![frame(&Response::Has {
            whole: false,
            pieces: pieces.clone(),
        })],
        _ => honest(request),
    }
}

fn serve_all(_: usize, _: Hash) -> Act {
    Act::Serve
}

/// A node that has all of a site.
async fn honest(forge: &Forge) -> Liar {
    let serves = Serves::Chosen(forge.blobs.clone(), Box::new(serve_all));
    Liar::new(script(forge, Some(vec![(0, 1000)]), Vec::new()), serves).await
}

async fn fetch(
    reader: &Other,
    forge: &Forge,
    from: &Liar,
) -> skep_publisher::error::Result<Fetched> {
    let fetch = newest(&reader.node, forge.site(), &from.ticket, Wanted::Latest);
    tokio::time::timeout(PATIENCE, fetch)
        .await
        .expect("it must end")
}

fn is_whole(reader: &Other, forge: &Forge, files: &Files) {
    let store = &reader.node.store;
    check(store, forge.site()).unwrap();
    assert_eq!(&checked_out(store, forge.site(), None).unwrap(), files);
}

/// Which pieces the blobs have, in the order in which all nodes count them.
fn pieces(forge: &Forge) -> BTreeMap<ContentHash, (u32, u32)> {
    let mut sizes: Vec<_> = forge
        .blobs
        .iter()
        .map(|blob| (ContentHash::of(blob), blob.len()))
        .collect();
    sizes.sort();
    let mut next = 0;
    let piece = |(hash, size): (ContentHash, usize)| {
        let start = next;
        // All but one blob are long, so that none are put together.
        next += size.div_ceil(1 << 20) as u32;
        (hash, (start, next))
    };
    sizes.into_iter().map(piece).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_with_half_each_make_a_whole() {
    let (forge, files) = site(40);
    let of = pieces(&forge);
    let half = |odd: usize| {
        let blobs = forge.blobs.iter().enumerate();
        let blobs: Vec<_> = blobs
            .filter(|(n, _)| n % 2 == odd)
            .map(|(_, b)| b.clone())
            .collect();
        let mut has: Vec<_> = blobs
            .iter()
            .map(|blob| of[&ContentHash::of(blob)])
            .collect();
        has.sort_unstable();
        (blobs, has)
    };
    let ((one, has_one), (two, has_two)) = (half(0), half(1));
    let second = script(&forge, Some(has_two), Vec::new());
    let second = Liar::new(second, Serves::Chosen(two, Box::new(serve_all))).await;
    let peers = vec![address_of(&second.ticket)];
    let first = script(&forge, Some(has_one), peers);
    let first = Liar::new(first, Serves::Chosen(one, Box::new(serve_all))).await;
    let reader = Other::new().await;
    fetch(&reader, &forge, &first).await.unwrap();
    is_whole(&reader, &forge, &files);
}

/// All that may be said of a peer, and none of it true: who is told so must not be held up.
fn bad_peers() -> Vec<EndpointAddr> {
    let dead = (1..=30u8).map(|n| {
        let port = TransportAddr::Ip((std::net::Ipv4Addr::LOCALHOST, u16::from(n)).into());
        EndpointAddr::from_parts(SecretKey::from_bytes(&[n; 32]).public(), [port])
    });
    let nowhere = EndpointAddr::new(SecretKey::from_bytes(&[99; 32]).public());
    let many = (1..500u16).map(|n| TransportAddr::Ip((std::net::Ipv4Addr::LOCALHOST, n).into()));
    let many = EndpointAddr::from_parts(SecretKey::from_bytes(&[98; 32]).public(), many);
    dead.take(3).chain([nowhere, many]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_that_dies_or_stalls_or_lies_was_asked_for_comes_from_another() {
    type Choose = fn(usize, Hash) -> Act;
    let ways: [(&str, bool, Choose); 5] = [
        ("dies", false, |n, _| match n {
            0..2 => Act::Serve,
            _ => Act::Close,
        }),
        ("stalls", true, |n, _| match n {
            0..2 => Act::Serve,
            _ => Act::Hold,
        }),
        ("is silent", true, |_, _| Act::Hold),
        ("lies", false, |n, _| match n {
            0..2 => Act::Serve,
            _ => Act::Forge,
        }),
        ("lies from the beginning", false, |_, _| Act::Forge),
    ];
    let (forge, files) = site(41);
    let good = honest(&forge).await;
    for (way, stays, choose) in ways {
        let mut peers = bad_peers();
        peers.push(address_of(&good.ticket));
        let bad = Serves::Chosen(forge.blobs.clone(), Box::new(choose));
        let bad = Liar::new(script(&forge, None, peers), bad).await;
        let reader = Other::new().await;
        // What is held is never answered: that it ends shows that it came from the other.
        let fetched = fetch(&reader, &forge, &bad).await;
        fetched.unwrap_or_else(|e| panic!("{way}: {e}"));
        is_whole(&reader, &forge, &files);
        // Who gave something is known from then on, and who was found out is not.
        let known = reader.node.store.peers(forge.site()).unwrap();
        let knows = |peer: &Liar| known.iter().any(|p| p.node == peer.ticket.node());
        assert!(knows(&good), "{way}");
        assert_eq!(knows(&bad), stays, "{way}");
        bad.close().await;
    }
}

/// The same without anybody else: the fetch fails and says why, and what came is not lost.
#[tokio::test(flavor = "multi_thread")]
async fn one_node_alone_that_fails_fails_the_fetch_and_what_came_stays() {
    let (forge, files) = site(42);
    let reader = Other::new().await;
    let dies = |n: usize, _: Hash| match n {
        0..8 => Act::Serve,
        _ => Act::Close,
    };
    let lies = |n: usize, _: Hash| match n {
        0..4 => Act::Serve,
        _ => Act::Forge,
    };
    let bad = Serves::Chosen(forge.blobs.clone(), Box::new(dies));
    let bad = Liar::new(script(&forge, None, Vec::new()), bad).await;
    let error = fetch(&reader, &forge, &bad).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unreachable, "{error}");
    bad.close().await;
    let bad = Serves::Chosen(forge.blobs.clone(), Box::new(lies));
    let bad = Liar::new(script(&forge, None, Vec::new()), bad).await;
    let error = fetch(&reader, &forge, &bad).await.unwrap_err();
    assert_eq!(error.kind, Kind::Hostile, "{error}");
    bad.close().await;
    assert!(reader.node.store.sites().unwrap().is_empty());

    // Every request of the last fetch is for something that did not come before.
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let counts = move |_: usize, _: Hash| {
        counted.fetch_add(1, Ordering::SeqCst);
        Act::Serve
    };
    let good = Serves::Chosen(forge.blobs.clone(), Box::new(counts));
    let good = Liar::new(script(&forge, None, Vec::new()), good).await;
    let fetched = fetch(&reader, &forge, &good).await.unwrap();
    is_whole(&reader, &forge, &files);
    let all = 2 * FILES + 1;
    let asked = count.load(Ordering::SeqCst);
    assert!(asked < all, "{asked} of {all}");
    assert!(fetched.received < (FILES * LENGTH) as u64);
}

/// A node that gives nothing, whatever it says that it has.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_has_nothing_does_not_keep_others_from_giving() {
    let (forge, files) = site(43);
    let good = honest(&forge).await;
    let peers = vec![address_of(&good.ticket)];
    for has in [Some(vec![(0, 1000)]), Some(Vec::new()), None] {
        let empty = Serves::Blobs(Vec::new());
        let empty = Liar::new(script(&forge, has, peers.clone()), empty).await;
        let reader = Other::new().await;
        fetch(&reader, &forge, &empty).await.unwrap();
        is_whole(&reader, &forge, &files);
        empty.close().await;
    }
}

/// Small versions come from one node without a look at others.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_called_for_little() {
    let (forge, files) = site_of(44, Files::from([("a.txt".into(), noise(1, 50_000))]));
    let called = Arc::new(AtomicBool::new(false));
    let (honest, calls) = (forge.script(), called.clone());
    let script = move |request| {
        if matches!(request, Request::Have { .. } | Request::Peers { .. }) {
            calls.store(true, Ordering::SeqCst);
        }
        honest(request)
    };
    let peer = Liar::new(script, Serves::Blobs(forge.blobs.clone())).await;
    let reader = Other::new().await;
    fetch(&reader, &forge, &peer).await.unwrap();
    is_whole(&reader, &forge, &files);
    assert!(!called.load(Ordering::SeqCst));
}
