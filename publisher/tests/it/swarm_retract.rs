//! Retractions among nodes: who keeps a site obeys, and nobody is told to delete what stays.

use iroh_blobs::{Hash, protocol::GetRequest, store::mem::MemStore};
use skep_publisher::{
    archive::{
        blobs::{BlobKind, BlobRef, BlobSet},
        entry::{Entry, EntryKind},
        hash::{ContentHash, NodeHash},
        receipt::Mode,
    },
    error::Kind,
    store::{Relation, Store},
    swarm::{Node, fetch},
};

use crate::{
    fixture::{Author, Files, Other, check, checked_out, files_below, noise},
    hostile_author::{leaf, refused},
    liar::{Forge, address_of, endpoint, pack},
};

/// Five versions: the second and third have a secret page and a secret picture, and so many pictures that
/// blobs are named in lists. Something of each lives on.
async fn site(author: &Author, desk: &Node) -> Vec<Files> {
    let mut versions = Vec::new();
    for n in 1..=5u64 {
        author.write("index.html", noise(n, 900));
        author.write(&format!("{n}.html"), noise(10 + n, 900));
        for picture in 0..12 {
            let name = format!("secret-{picture}.png");
            match n {
                2 => author.write(&name, noise(100 + picture, 40_000)),
                4 => std::fs::remove_file(author.folder().join(name)).unwrap(),
                _ => {}
            }
        }
        match n {
            2 | 3 => author.write("secret.html", noise(20 + n, 900)),
            4 => std::fs::remove_file(author.folder().join("secret.html")).unwrap(),
            _ => {}
        }
        author.publish_at(desk).await;
        versions.push(author.files());
    }
    versions
}

fn secrets() -> Vec<Vec<u8>> {
    let pages = [22, 23].map(|seed| noise(seed, 900)[..64].to_vec());
    let pictures = (0..12).map(|n| noise(100 + n, 40_000)[..64].to_vec());
    pages.into_iter().chain(pictures).collect()
}

/// How many of the secrets lie somewhere in a store.
fn secrets_in(home: &skep_publisher::home::Home) -> usize {
    let files = files_below(&home.store());
    let has = |secret: &Vec<u8>| {
        let is_in = |bytes: &Vec<u8>| bytes.windows(64).any(|part| part == secret);
        files.values().any(is_in)
    };
    secrets().iter().filter(|secret| has(secret)).count()
}

/// Everything but the secrets is here.
fn check_rest(store: &Store, author: &Author, versions: &[Files]) {
    let verified = check(store, author.site).unwrap();
    assert_eq!((verified.versions, verified.whole), (6, 4));
    assert_eq!(verified.retracted, 2);
    let state = store.known(author.site).unwrap();
    for version in [1, 4, 5, 6] {
        let files = &versions[(version as usize).min(5) - 1];
        let found = checked_out(store, author.site, Some(version)).unwrap();
        assert_eq!(found, *files, "version {version}");
    }
    for version in [2, 3] {
        let error = store.version(&state, Some(version)).unwrap_err();
        assert_eq!(error.kind, Kind::Retracted);
        assert_eq!(
            error.message,
            format!("version {version} was retracted by its author, in version 6")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_obey_and_those_who_come_later_get_what_is_left() {
    let author = Author::new();
    let (desk, host) = (author.start().await, Other::pinning(author.site).await);
    let versions = site(&author, &desk).await;
    author.announce(&desk, &host.node).await.unwrap();
    for home in [&author.home, &host.home] {
        assert_eq!(secrets_in(home), 14);
    }
    // A reader who has the first and the newest.
    let reader = Other::new().await;
    reader.read(author.site, &host.node).await.unwrap();

    author.retract(&desk.store, &[2, 3]);
    assert_eq!(secrets_in(&author.home), 0);
    check_rest(&desk.store, &author, &versions);
    desk.share(author.site, 6).await.unwrap();
    let kept = author.announce(&desk, &host.node).await.unwrap();
    assert_eq!(kept.receipt.mode, Mode::Whole);
    check_rest(&host.node.store, &author, &versions);
    assert_eq!(secrets_in(&host.home), 0);

    // From the host alone, from scratch.
    desk.close().await;
    let late = Other::pinning(author.site).await;
    let fetched = fetch::newest(
        &late.node,
        author.site,
        host.node.ticket().unwrap(),
        fetch::Wanted::Whole,
    );
    assert_eq!(fetched.await.unwrap().versions, 6);
    check_rest(&late.node.store, &author, &versions);
    assert_eq!(secrets_in(&late.home), 0);

    reader.read(author.site, &late.node).await.unwrap();
    let verified = check(&reader.node.store, author.site).unwrap();
    assert_eq!((verified.versions, verified.retracted), (6, 2));
    assert_eq!(
        checked_out(&reader.node.store, author.site, None).unwrap(),
        versions[4]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_blob_is_not_given_to_anyone() {
    let author = Author::new().with("secret.png", noise(1, 40_000));
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let log = desk.store.log(&desk.store.known(author.site).unwrap());
    let old = log.unwrap()[0].clone();
    let blob = old.adds.inline[0];
    let reader = Other::new().await;
    reader
        .node
        .store
        .add_site(author.site, Relation::Pinned)
        .unwrap();
    author.write("secret.png", noise(2, 40_000));
    author.publish_at(&desk).await;
    // Another site of the desk, which nobody may have, has the same picture: the blob itself stays.
    let other = Author::new().with("secret.png", noise(1, 40_000));
    other.publish(&desk.store);

    let endpoint = endpoint().await;
    let address = address_of(desk.ticket().unwrap());
    let stranger = endpoint.connect(address, iroh_blobs::ALPN).await.unwrap();
    let get = async || {
        let request = GetRequest::blob(Hash::from_bytes(blob.hash.0));
        let strangers = MemStore::new();
        let get = strangers.remote().execute_get(stranger.clone(), request);
        get.complete().await.is_ok()
    };
    assert!(get().await);
    author.retract(&desk.store, &[1]);
    desk.share(author.site, 3).await.unwrap();
    assert!(!get().await);
    assert_eq!(check(&desk.store, other.site).unwrap().whole, 1);
    let fetched = fetch::newest(
        &reader.node,
        author.site,
        desk.ticket().unwrap(),
        fetch::Wanted::Whole,
    );
    fetched.await.unwrap();
    let whole = check(&reader.node.store, author.site).unwrap();
    assert_eq!((whole.versions, whole.whole, whole.retracted), (3, 2, 1));
    assert!(
        !files_below(&reader.home.store())
            .keys()
            .any(|name| name.contains(&blob.hash.to_string()))
    );
}

/// An author of three versions, of whose pages each has a pack of its own.
struct Pages {
    forge: Forge,
    packs: Vec<BlobRef>,
    leaves: Vec<Vec<u8>>,
}

impl Pages {
    fn new() -> Self {
        let mut this = Self {
            forge: Forge::new(9),
            packs: Vec::new(),
            leaves: Vec::new(),
        };
        for n in 1..=3u8 {
            let content = [n; 50];
            let leaf = leaf(&[("page.html", &content)]);
            let bytes = pack(std::slice::from_ref(&leaf), &[&content]);
            let mut entry = this.forge.entry(NodeHash::of(&leaf), 1, 50, &bytes);
            entry.drops.inline = this.packs.last().copied().into_iter().collect();
            this.packs.push(entry.adds.inline[0]);
            this.leaves.push(leaf);
            this.forge.push(&entry, bytes);
        }
        this
    }

    /// An entry that retracts the first version, and changes something about that.
    fn retract(mut self, change: impl FnOnce(&mut Entry, &[BlobRef])) -> Forge {
        let blobs = |blobs: &[BlobRef]| BlobSet {
            inline: blobs.to_vec(),
            lists: Vec::new(),
        };
        let filler = pack(&self.leaves[2..], &[]);
        let mut entry = self
            .forge
            .entry(NodeHash::of(&self.leaves[2]), 1, 50, &filler);
        entry.kind = EntryKind::Retract(vec![1]);
        entry.adds = BlobSet::default();
        entry.keeps = blobs(&self.packs[2..]);
        entry.drops = blobs(&self.packs[..1]);
        change(&mut entry, &self.packs);
        for set in [&mut entry.keeps, &mut entry.drops] {
            set.inline.sort_by_key(|blob| blob.hash);
        }
        self.forge.push(&entry, filler);
        self.forge
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retraction_that_takes_from_what_stays_is_refused() {
    type Change = fn(&mut Entry, &[BlobRef]);
    let wrong: [(Change, &str); 5] = [
        (|e, _| e.tree = NodeHash([1; 32]), "other files"),
        (|e, _| e.files = 2, "other files"),
        (
            |e, packs| e.drops.inline.push(packs[2]),
            "drops what it needs",
        ),
        (
            |e, packs| {
                e.keeps.inline.clear();
                e.drops.inline.push(packs[2]);
            },
            "drops what version",
        ),
        // The second version stays.
        (
            |e, packs| e.drops.inline.push(packs[1]),
            "drops what version 2",
        ),
    ];
    for (n, (change, why)) in wrong.into_iter().enumerate() {
        let host = Other::new().await;
        // It has the three versions already: what it keeps is in danger.
        let before = Pages::new().forge;
        host.node
            .store
            .add_site(before.site(), Relation::Pinned)
            .unwrap();
        let peer = before.serve().await;
        fetch::newest(
            &host.node,
            before.site(),
            &peer.ticket,
            fetch::Wanted::Whole,
        )
        .await
        .unwrap();
        peer.close().await;
        let error = refused(&host, &Pages::new().retract(change), fetch::Wanted::Whole).await;
        assert_eq!(error.kind, Kind::Hostile, "{n}: {error}");
        assert!(error.message.contains(why), "{n}: {error}");
        assert_eq!(check(&host.node.store, before.site()).unwrap().whole, 3);
        host.node.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retraction_deletes_nothing_of_another_site() {
    let host = Other::new().await;
    // The same pack in two sites: the blob is one.
    let (victim, thief) = (Pages::new(), {
        let mut thief = Pages::new();
        thief.forge = Forge::new(10);
        for (n, leaf) in thief.leaves.iter().enumerate() {
            let content = [n as u8 + 1; 50];
            let bytes = pack(std::slice::from_ref(leaf), &[&content]);
            let entry = thief.forge.entry(NodeHash::of(leaf), 1, 50, &bytes);
            thief.forge.push(&entry, bytes);
        }
        thief
    });
    let (victim, packs) = (victim.forge, thief.packs.clone());
    // It drops what it never had, too.
    let unknown = BlobRef {
        hash: ContentHash([7; 32]),
        kind: BlobKind::File,
        size: 7,
    };
    let thief = thief.retract(|entry, _| entry.drops.inline.push(unknown));
    for forge in [&victim, &thief] {
        host.node
            .store
            .add_site(forge.site(), Relation::Pinned)
            .unwrap();
        let peer = forge.serve().await;
        fetch::newest(&host.node, forge.site(), &peer.ticket, fetch::Wanted::Whole)
            .await
            .unwrap();
        peer.close().await;
    }
    assert_eq!(check(&host.node.store, victim.site()).unwrap().whole, 3);
    let of_thief = check(&host.node.store, thief.site()).unwrap();
    assert_eq!((of_thief.whole, of_thief.retracted), (3, 1));
    let names = files_below(&host.home.store());
    let name = packs[0].hash.to_string();
    assert!(names.keys().any(|file| file.contains(&name)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_gets_an_older_version_that_was_not_retracted() {
    let author = Author::new();
    let desk = author.start().await;
    let mut versions = Vec::new();
    for n in 1..=4 {
        author.write("photo.png", noise(n, 40_000));
        author.publish_at(&desk).await;
        versions.push(author.files());
    }
    author.retract(&desk.store, &[2]);
    desk.share(author.site, 5).await.unwrap();
    let reader = Other::new().await;
    reader.read(author.site, &desk).await.unwrap();
    let store = &reader.node.store;
    let whole = || check(store, author.site).unwrap().whole;
    // The newest two have the same files.
    assert_eq!(whole(), 2);
    for (version, is_new, whole_then) in [(1, true, 3), (3, true, 4), (3, false, 4), (5, false, 4)]
    {
        let received =
            fetch::older(&reader.node, author.site, desk.ticket().unwrap(), version).await;
        assert_eq!(received.unwrap() > 0, is_new);
        assert_eq!(whole(), whole_then);
        let files = &versions[(version as usize).min(4) - 1];
        let found = checked_out(store, author.site, Some(version)).unwrap();
        assert_eq!(found, *files);
    }
    for (version, kind) in [
        (2, Kind::Retracted),
        (6, Kind::NotFound),
        (0, Kind::NotFound),
    ] {
        let error = fetch::older(&reader.node, author.site, desk.ticket().unwrap(), version).await;
        assert_eq!(error.unwrap_err().kind, kind, "{version}");
    }
    // From a node that has the newest alone.
    let host = Other::pinning(author.site).await;
    host.read(author.site, &desk).await.unwrap();
    let late = Other::new().await;
    late.read(author.site, &host.node).await.unwrap();
    let before = check(&late.node.store, author.site).unwrap();
    fetch::older(&late.node, author.site, host.node.ticket().unwrap(), 1)
        .await
        .unwrap_err();
    assert_eq!(check(&late.node.store, author.site).unwrap(), before);
}
