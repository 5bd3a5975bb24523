//! Archives that are small to send and large to read.

use std::sync::Arc;

use skep_publisher::{
    archive::{
        blobs::{BlobKind, BlobRef, ListRef, MAX_LIST_COUNT},
        entry::Entry,
        hash::{ContentHash, NodeHash},
        pack::PackWriter,
        path::ArchivePath,
        tree::{
            File,
            node::{Child, Node},
        },
    },
    error::Kind,
    store::{Reader, Relation},
    swarm::fetch::{Wanted, newest},
};

use crate::{
    fixture::Other,
    hostile_author::{file, leaf, path, refused, version},
    liar::{Forge, pack},
};

/// Two MB of frames that say they are a hundred GB: checking them all would take an hour.
#[tokio::test(flavor = "multi_thread")]
async fn a_pack_that_swells_is_refused_before_it_is_inflated() {
    let zeros = vec![0; 512 << 10];
    let leaf = leaf(&[("a", &zeros)]);
    let mut swelling = Vec::new();
    let mut writer = PackWriter::new(&mut swelling).unwrap();
    writer.add_node(NodeHash::of(&leaf), &leaf).unwrap();
    writer.add_file(ContentHash::of(&zeros), &zeros).unwrap();
    writer.finish().unwrap();
    let swelling = repeat_last_frame(&swelling, 40_000);
    assert!(swelling.len() < 8 << 20, "{}", swelling.len());
    let mut forge = Forge::new(5);
    let entry = forge.entry(NodeHash::of(&leaf), 1, zeros.len() as u64, &swelling);
    forge.push(&entry, swelling);
    let reader = Other::new().await;
    let error = refused(&reader, &forge, Wanted::Latest).await;
    assert_eq!(error.kind, Kind::Hostile, "{error}");
}

/// The same pack with its last frame `times` times.
fn repeat_last_frame(pack: &[u8], times: usize) -> Vec<u8> {
    struct Bytes<'a>(&'a [u8]);
    impl skep_publisher::archive::pack::ReadAt for Bytes<'_> {
        fn read_at(&self, offset: u64, length: u64) -> std::io::Result<Vec<u8>> {
            Ok(self.0[offset as usize..(offset + length) as usize].to_vec())
        }
    }
    let mut index =
        skep_publisher::archive::pack::read_index(&Bytes(pack), pack.len() as u64).unwrap();
    let last = index.frames.last().unwrap().clone();
    let frames: u64 = index.frames.iter().map(|frame| frame.compressed).sum();
    let end = 16 + frames as usize;
    let bytes = pack[end - last.compressed as usize..end].to_vec();
    let mut out = pack[..end].to_vec();
    for _ in 1..times {
        out.extend_from_slice(&bytes);
        index.frames.push(last.clone());
    }
    let encoded = index.encode();
    out.extend_from_slice(&encoded);
    out.extend_from_slice(&(encoded.len() as u32).to_be_bytes());
    out.extend_from_slice(b"skepindx");
    out
}

/// Few nodes that name each other again and again: read as a tree they have more files than there are
/// atoms, and a host that follows what changed would never end.
#[tokio::test(flavor = "multi_thread")]
async fn a_tree_that_names_its_nodes_again_and_again_is_refused() {
    let mut forge = Forge::new(5);
    version(&mut forge, leaf(&[("zz", b"x")]), &[b"x"], (1, 1));
    let host = Other::pinning(forge.site()).await;
    let peer = forge.serve().await;
    newest(&host.node, forge.site(), &peer.ticket, Wanted::Whole)
        .await
        .unwrap();
    peer.close().await;

    let names: Vec<ArchivePath> = (0..32).map(|n| path(&format!("{n:02}"))).collect();
    let mut level: Vec<Vec<u8>> = names
        .iter()
        .map(|name| leaf(&[(name.as_str(), b"x")]))
        .collect();
    let mut all = level.clone();
    for height in 1..=20 {
        let children: Vec<Child> = names
            .iter()
            .zip(&level)
            .map(|(last, bytes)| Child {
                last: last.clone(),
                hash: NodeHash::of(bytes),
            })
            .collect();
        level = (1..=children.len())
            .map(|count| {
                let children = children[..count].to_vec();
                let level = height;
                Node::Inner { level, children }.encode()
            })
            .collect();
        all.extend(level.clone());
    }
    let root = NodeHash::of(level.last().unwrap());
    let pack = pack(&all, &[b"x"]);
    let entry = forge.entry(root, 1, 1, &pack);
    forge.push(&entry, pack);
    let error = refused(&host, &forge, Wanted::Whole).await;
    assert_eq!(error.kind, Kind::Hostile, "{error}");
}

/// An old version of a reader's site was never checked: what its tree says of a length is a claim.
#[tokio::test(flavor = "multi_thread")]
async fn a_false_length_in_an_old_tree_allocates_nothing() {
    let mut forge = Forge::new(5);
    let claim = File {
        size: 1 << 40,
        ..file(b"x")
    };
    let liar = Node::Leaf(vec![(path("a"), claim.clone())]).encode();
    version(&mut forge, liar.clone(), &[b"x"], (1, 1));
    let honest = leaf(&[("a", b"x")]);
    let both = pack(&[liar, honest.clone()], &[b"x"]);
    let entry = forge.entry(NodeHash::of(&honest), 1, 1, &both);
    forge.push(&entry, both);
    let reader = Other::new().await;
    let peer = forge.serve().await;
    newest(&reader.node, forge.site(), &peer.ticket, Wanted::Latest)
        .await
        .unwrap();
    let store = &reader.node.store;
    let state = store.known(forge.site()).unwrap();
    let old = store.entry(&state, Some(1)).unwrap();
    let site = Arc::new(Reader::new(store, &state));
    let found = site.find(old.tree, &path("a")).unwrap().unwrap();
    assert_eq!(found, claim);
    assert_eq!(site.range(&found, 0, 10).unwrap_err().kind, Kind::Damaged);
    let error = site.bytes(&found, u64::MAX).unwrap_err();
    assert_eq!(error.kind, Kind::Damaged);
    peer.close().await;
}

/// The quota is for all versions together, however they come.
#[tokio::test(flavor = "multi_thread")]
async fn many_versions_do_not_get_round_the_quota() {
    let mut forge = Forge::new(5);
    version(&mut forge, leaf(&[("a", b"x")]), &[b"x"], (1, 1));
    let host = Other::pinning(forge.site()).await;
    let peer = forge.serve().await;
    newest(&host.node, forge.site(), &peer.ticket, Wanted::Whole)
        .await
        .unwrap();
    peer.close().await;
    let next: Vec<u8> = leaf(&[("a", b"y")]);
    let pack = pack(std::slice::from_ref(&next), &[b"y"]);
    let mut entry: Entry = forge.entry(NodeHash::of(&next), 1, 1, &pack);
    let room = skep_publisher::swarm::fetch::SITE_QUOTA - pack.len() as u64;
    // Alone it is just within the quota, with the first version it is not.
    entry.adds.inline.push(BlobRef {
        hash: ContentHash([0xff; 32]),
        kind: BlobKind::File,
        size: room,
    });
    entry.adds.inline.sort_by_key(|blob| blob.hash);
    forge.push(&entry, pack);
    let error = refused(&host, &forge, Wanted::Whole).await;
    assert_eq!(error.kind, Kind::Hostile, "{error}");
    assert!(error.message.contains("17 GB"), "{error}");
    let state = host.node.store.known(forge.site()).unwrap();
    assert_eq!(state.relation, Relation::Pinned);
}

/// Each entry names as many lists as it can, and each list as many blobs: a few of them are a day's work.
#[tokio::test(flavor = "multi_thread")]
async fn lists_that_are_named_again_and_again_are_not_read() {
    let mut forge = Forge::new(5);
    let list = |n: u8| ListRef {
        hash: ContentHash([n; 32]),
        size: 1 << 20,
        count: MAX_LIST_COUNT as u64,
    };
    for _ in 0..33 {
        let leaf = leaf(&[("a", b"x")]);
        let pack = pack(std::slice::from_ref(&leaf), &[b"x"]);
        let mut entry = forge.entry(NodeHash::of(&leaf), 1, 1, &pack);
        entry.adds.lists = (0..16).map(list).collect();
        entry.keeps.lists = (16..32).map(list).collect();
        forge.push(&entry, pack);
    }
    let host = Other::pinning(forge.site()).await;
    let error = refused(&host, &forge, Wanted::Whole).await;
    assert_eq!(error.kind, Kind::Hostile, "{error}");
    assert!(error.message.contains("name 69206049 blobs"), "{error}");
}
