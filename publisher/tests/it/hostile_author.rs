//! Authors whose signatures are good and whose archives are not.

use std::time::Duration;

use skep_publisher::{
    archive::{
        blobs::{BlobKind, BlobRef},
        hash::{ContentHash, NodeHash},
        pack::PackWriter,
        path::ArchivePath,
        tree::{
            File,
            node::{Child, MediaType, Node},
        },
    },
    error::{Error, Kind},
    swarm::fetch::{Wanted, newest},
};

use crate::{
    fixture::{Author, Other, noise, seen},
    liar::{Forge, pack},
};

pub(crate) async fn refused(reader: &Other, forge: &Forge, wanted: Wanted) -> Error {
    let before = seen(&reader.node.store, forge.site());
    let peer = forge.serve().await;
    let fetch = newest(&reader.node, forge.site(), &peer.ticket, wanted);
    let error = tokio::time::timeout(Duration::from_secs(15), fetch)
        .await
        .expect("an archive must not hold a reader up")
        .unwrap_err();
    assert_eq!(seen(&reader.node.store, forge.site()), before);
    peer.close().await;
    error
}

pub(crate) fn path(text: &str) -> ArchivePath {
    ArchivePath::new(text).unwrap()
}

pub(crate) fn file(content: &[u8]) -> File {
    File {
        hash: ContentHash::of(content),
        size: content.len() as u64,
        media_type: MediaType::octet_stream(),
    }
}

pub(crate) fn leaf(files: &[(&str, &[u8])]) -> Vec<u8> {
    let files = files
        .iter()
        .map(|(name, content)| (path(name), file(content)));
    Node::Leaf(files.collect()).encode()
}

/// A version with one leaf.
pub(crate) fn version(forge: &mut Forge, leaf: Vec<u8>, contents: &[&[u8]], claimed: (u64, u64)) {
    let pack = pack(std::slice::from_ref(&leaf), contents);
    let entry = forge.entry(NodeHash::of(&leaf), claimed.0, claimed.1, &pack);
    forge.push(&entry, pack);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_that_leads_elsewhere_is_refused() {
    let reader = Other::new().await;
    for evil in [&b"../a"[..], b"/etc", b"a\\.b", b"a\0bc", b"nul\0"] {
        let mut leaf = leaf(&[("aaaa", b"x")]);
        let at = leaf.windows(4).position(|w| w == b"aaaa").unwrap();
        leaf[at..at + 4].copy_from_slice(evil);
        let mut forge = Forge::new(5);
        version(&mut forge, leaf, &[b"x"], (1, 1));
        let error = refused(&reader, &forge, Wanted::Latest).await;
        assert_eq!(error.kind, Kind::Hostile, "{error}");
        assert!(!error.message.contains(char::is_control), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_not_what_its_entry_says_is_refused() {
    let reader = Other::new().await;
    let ok = || leaf(&[("a", b"x")]);
    type Case<'a> = (Vec<u8>, &'a [&'a [u8]], (u64, u64));
    let cases: [Case<'_>; 5] = [
        (ok(), &[], (1, 1)),
        (ok(), &[b"x"], (2, 1)),
        (ok(), &[b"x"], (1, 2)),
        (leaf(&[("A", b"x"), ("a", b"x")]), &[b"x"], (2, 2)),
        (b"no node".to_vec(), &[b"x"], (1, 1)),
    ];
    for (leaf, contents, claimed) in cases {
        let mut forge = Forge::new(5);
        version(&mut forge, leaf, contents, claimed);
        let error = refused(&reader, &forge, Wanted::Latest).await;
        assert_eq!(error.kind, Kind::Hostile, "{error}");
    }
    // And what is right passes, so that the rest was refused for what it is.
    let mut forge = Forge::new(5);
    version(&mut forge, ok(), &[b"x"], (1, 1));
    let peer = forge.serve().await;
    newest(&reader.node, forge.site(), &peer.ticket, Wanted::Latest)
        .await
        .unwrap();
    // A later version is checked by what changed, and still counted.
    version(
        &mut forge,
        leaf(&[("a", b"x"), ("b", b"y")]),
        &[b"y"],
        (5, 5),
    );
    let error = refused(&reader, &forge, Wanted::Whole).await;
    assert_eq!(error.kind, Kind::Hostile, "{error}");
    peer.close().await;
}

/// A version is checked by what it changed, and still for what that makes of the whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_later_version_does_not_get_by_with_what_the_first_may_not() {
    let split = |forge: &mut Forge| {
        let leaves = [leaf(&[("a", b"x")]), leaf(&[("b", b"y")])];
        let child = |name: &str, leaf: &Vec<u8>| Child {
            last: path(name),
            hash: NodeHash::of(leaf),
        };
        let children = vec![child("a", &leaves[0]), child("b", &leaves[1])];
        let root = Node::Inner { level: 1, children }.encode();
        let pack = pack(
            &[root.clone(), leaves[0].clone(), leaves[1].clone()],
            &[b"y"],
        );
        let entry = forge.entry(NodeHash::of(&root), 2, 2, &pack);
        forge.push(&entry, pack);
    };
    let flat = |names: &'static [(&'static str, &'static [u8])]| {
        move |forge: &mut Forge| {
            version(
                forge,
                leaf(names),
                &[b"y"],
                (names.len() as u64, names.len() as u64),
            );
        }
    };
    type Bad = Box<dyn Fn(&mut Forge)>;
    let cases: [(&str, Bad); 5] = [
        ("by case", Box::new(flat(&[("A", b"y"), ("a", b"x")]))),
        ("by case", Box::new(flat(&[("A/b", b"y"), ("a", b"x")]))),
        ("folder", Box::new(flat(&[("a", b"x"), ("a/b", b"y")]))),
        (
            "reserved",
            Box::new(flat(&[(".well-known/skep", b"y"), ("a", b"x")])),
        ),
        ("does not fit", Box::new(split)),
    ];
    for wanted in [Wanted::Latest, Wanted::Whole] {
        for (why, bad) in &cases {
            let reader = Other::new().await;
            let mut forge = Forge::new(5);
            version(&mut forge, leaf(&[("a", b"x")]), &[b"x"], (1, 1));
            let peer = forge.serve().await;
            newest(&reader.node, forge.site(), &peer.ticket, wanted)
                .await
                .unwrap();
            peer.close().await;
            bad(&mut forge);
            let error = refused(&reader, &forge, wanted).await;
            assert_eq!(error.kind, Kind::Hostile, "{error}");
            assert!(error.message.contains(why), "{why}: {error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_whose_index_lies_is_refused() {
    let reader = Other::new().await;
    let leaf = leaf(&[("a", b"x")]);
    let mut lying = Vec::new();
    let mut writer = PackWriter::new(&mut lying).unwrap();
    writer.add_node(NodeHash::of(&leaf), &leaf).unwrap();
    writer.add_file(ContentHash::of(b"x"), b"not x").unwrap();
    writer.finish().unwrap();
    let good = pack(std::slice::from_ref(&leaf), &[b"x"]);
    let mut torn = good.clone();
    torn[40] ^= 0xff;
    let cut = good[..good.len() - 1].to_vec();
    for pack in [lying, torn, cut, noise(1, 5000), Vec::new()] {
        let mut forge = Forge::new(5);
        let entry = forge.entry(NodeHash::of(&leaf), 1, 1, &pack);
        forge.push(&entry, pack);
        let error = refused(&reader, &forge, Wanted::Latest).await;
        assert_eq!(error.kind, Kind::Hostile, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_of_a_false_length_and_too_many_bytes_are_refused() {
    let reader = Other::new().await;
    let leaf = leaf(&[("a", b"x")]);
    let pack = pack(std::slice::from_ref(&leaf), &[b"x"]);
    for size in [0, 1, pack.len() as u64 + 1, 1 << 40] {
        let mut forge = Forge::new(5);
        let mut entry = forge.entry(NodeHash::of(&leaf), 1, 1, &pack);
        entry.adds.inline[0].size = size;
        forge.push(&entry, pack.clone());
        let error = refused(&reader, &forge, Wanted::Latest).await;
        assert_eq!(error.kind, Kind::Hostile, "{size}: {error}");
    }
}

/// The bytes of a version's files are in the version's own blobs: one that lies on this machine for
/// another site's sake does not count, or a site could read what it only knows the hash of.
#[tokio::test(flavor = "multi_thread")]
async fn a_site_does_not_get_at_another_sites_blobs() {
    let secret = noise(7, 50_000);
    let hidden = Author::new().with("secret.png", &secret);
    let desk = hidden.start().await;
    hidden.publish_at(&desk).await;
    let reader = Other::new().await;
    reader.read(hidden.site, &desk).await.unwrap();
    let mut forge = Forge::new(5);
    let leaf = leaf(&[("stolen.png", &secret)]);
    version(&mut forge, leaf, &[], (1, secret.len() as u64));
    let error = refused(&reader, &forge, Wanted::Latest).await;
    assert_eq!(error.kind, Kind::Hostile, "{error}");
}

/// What a version names, everybody may have from whoever keeps it. So whoever offers one must have what it names: to know the
/// hash of a blob that lies here for another site, which nobody may have, is not enough.
#[tokio::test(flavor = "multi_thread")]
async fn a_site_does_not_open_blobs_that_its_author_only_knows_by_name() {
    let secret = noise(7, 50_000);
    let hidden = Author::new().with("secret.png", &secret);
    let desk = hidden.start().await;
    hidden.publish_at(&desk).await;
    let reader = Other::new().await;
    reader.read(hidden.site, &desk).await.unwrap();

    let forged = |stolen: BlobRef| {
        let mut forge = Forge::new(5);
        let leaf = leaf(&[("stolen.png", &secret)]);
        let pack = pack(std::slice::from_ref(&leaf), &[]);
        let mut entry = forge.entry(NodeHash::of(&leaf), 1, secret.len() as u64, &pack);
        entry.adds.inline.push(stolen);
        entry.adds.inline.sort_by_key(|blob| blob.hash);
        forge.push(&entry, pack);
        forge
    };
    let stolen = BlobRef {
        hash: ContentHash::of(&secret),
        kind: BlobKind::File,
        size: secret.len() as u64,
    };
    let mut forge = forged(stolen);
    // A second try is no better than the first.
    for _ in 0..2 {
        let error = refused(&reader, &forge, Wanted::Latest).await;
        assert_eq!(error.kind, Kind::Unreachable, "{error}");
        assert!(error.message.contains("does not show"), "{error}");
    }
    // Another length is no way round it.
    let shorter = BlobRef { size: 1, ..stolen };
    refused(&reader, &forged(shorter), Wanted::Latest).await;
    // Nor is it to have been named before it came here for the other site.
    let early = Other::new().await;
    refused(&early, &forge, Wanted::Latest).await;
    early.read(hidden.site, &desk).await.unwrap();
    let error = refused(&early, &forge, Wanted::Latest).await;
    assert!(error.message.contains("does not show"), "{error}");

    // Who has it may name it.
    forge.blobs.push(secret.clone());
    let peer = forge.serve().await;
    newest(&reader.node, forge.site(), &peer.ticket, Wanted::Latest)
        .await
        .unwrap();
    peer.close().await;
}
