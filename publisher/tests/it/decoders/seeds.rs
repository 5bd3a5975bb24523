//! Records that are as they should be.

use std::collections::BTreeMap;

use skep_publisher::{
    archive::{
        address::{Address, SiteId},
        blobs::{BlobKind, BlobRef, BlobSet, ListRef, encode_list},
        codec::put_uint,
        entry::{Branch, Entry, EntryKind},
        hash::{ContentHash, LogHash, NodeHash},
        head::Head,
        log::{
            Peaks,
            proof::{self, Subtrees},
        },
        pack::PackWriter,
        path::ArchivePath,
        receipt::{Mode, Receipt},
        signpost::Signpost,
        tree::{
            File,
            node::{Child, MediaType, Node},
        },
    },
    keys::SigningKey,
    portable,
    publish::{Statement, publish},
    review::{Sources, review},
    snapshot::{Options, snapshot},
    swarm::{
        find::board::Board,
        page::Page,
        wire::{Reason, Request, Response},
    },
};

use super::archives;

pub(super) type Seeds = Vec<Vec<u8>>;

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn site() -> SiteId {
    SiteId(key().verifying_key().to_bytes())
}

fn blob(n: u8) -> BlobRef {
    BlobRef {
        hash: ContentHash([n; 32]),
        kind: [BlobKind::Pack, BlobKind::File][usize::from(n % 2)],
        size: u64::from(n) << 30,
    }
}

fn text(texts: &[String]) -> Seeds {
    texts.iter().map(|text| text.clone().into_bytes()).collect()
}

pub(super) fn addresses() -> Seeds {
    let full = Address {
        version: Some(12),
        path: Some(ArchivePath::new("a b/ü 100%?.html").unwrap()),
        via: Some("endpointabc".into()),
        ..Address::of(site())
    };
    text(&[Address::of(site()).to_string(), full.to_string()])
}

pub(super) fn blob_lists() -> Seeds {
    let list = |count: u8| {
        let blobs: BTreeMap<_, _> = (1..=count).map(|n| (blob(n).hash, blob(n))).collect();
        encode_list(&blobs).1
    };
    vec![list(0), list(1), list(60)]
}

fn entry(kind: EntryKind) -> Entry {
    Entry {
        kind,
        number: 12,
        time: 1_795_392_000,
        as_of: 1_795_391_000,
        tree: NodeHash([1; 32]),
        sources: None,
        files: 10_020,
        bytes: 94_000_000,
        message: "Why bees dance\nä".into(),
        adds: BlobSet {
            inline: (1..4).map(blob).collect(),
            lists: Vec::new(),
        },
        keeps: BlobSet::default(),
        drops: BlobSet::default(),
        origin: None,
        abandoned: Vec::new(),
    }
}

pub(super) fn entries() -> Seeds {
    let mut full = entry(EntryKind::Publish);
    full.sources = Some(NodeHash([2; 32]));
    full.origin = Some((SiteId([3; 32]), 7));
    full.keeps.lists = (20..26)
        .map(|n| ListRef {
            hash: ContentHash([n; 32]),
            size: 1 << 20,
            count: 60_000,
        })
        .collect();
    full.drops.inline = (30..40).map(blob).collect();
    full.abandoned = vec![Branch {
        length: 8,
        root: LogHash([4; 32]),
        fork_point: 5,
    }];
    let retract = entry(EntryKind::Retract(vec![1, 3, 10]));
    [entry(EntryKind::Publish), full, retract]
        .iter()
        .map(|entry| entry.encode().unwrap())
        .collect()
}

pub(super) fn heads() -> Seeds {
    [1, 300, u64::MAX]
        .map(|length| {
            let head = Head::sign(&key(), length, LogHash([5; 32]));
            [&site().0[..], &head.encode()].concat()
        })
        .into()
}

pub(super) fn receipts() -> Seeds {
    use ed25519_dalek::Signer;
    let head = Head::sign(&key(), 3, LogHash([2; 32]));
    let node = SigningKey::from_bytes(&[3; 32]);
    let id = node.verifying_key().to_bytes();
    [Mode::Whole, Mode::Latest]
        .map(|mode| {
            let sign = |bytes: &[u8]| node.sign(bytes).to_bytes();
            let receipt = Receipt::sign(&head, id, 1_000, mode, sign);
            [&site().0[..], &id, &receipt.encode()].concat()
        })
        .into()
}

pub(super) fn signposts() -> Seeds {
    [(1, 0), (300, 2), (i64::MAX as u64, 16)]
        .map(|(length, count)| {
            let head = Head::sign(&key(), length, LogHash([5; 32]));
            let holders: Vec<_> = (0..count).map(|n| [n; 32]).collect();
            let signpost = Signpost::sign(&key(), &head, &holders).unwrap();
            [&site().0[..], &signpost.encode()].concat()
        })
        .into()
}

pub(super) fn boards() -> Seeds {
    let board = |count: u8| {
        (0..count)
            .fold(Board::default(), |board, n| {
                board.with([n; 32], 1_795_392_000 + 60 * u64::from(n))
            })
            .encode()
    };
    vec![board(0), board(1), board(27)]
}

pub(super) fn integers() -> Seeds {
    [0, 127, 128, 1 << 20, u64::MAX]
        .map(|value| {
            let mut out = Vec::new();
            put_uint(&mut out, value);
            out
        })
        .into()
}

fn file(n: u8) -> File {
    File {
        hash: ContentHash([n; 32]),
        size: u64::from(n),
        media_type: MediaType::new("text/html").unwrap(),
    }
}

fn path(n: u8) -> ArchivePath {
    ArchivePath::new(&format!("2026/{n:03}/index.html")).unwrap()
}

pub(super) fn nodes() -> Seeds {
    let leaf = |count| Node::Leaf((0..count).map(|n| (path(n), file(n))).collect());
    let child = |n| Child {
        last: path(n),
        hash: NodeHash([n; 32]),
    };
    let inner = Node::Inner {
        level: 3,
        children: (1..9).map(child).collect(),
    };
    [leaf(0), leaf(1), leaf(20), inner]
        .map(|node| node.encode())
        .into()
}

pub(super) fn peaks() -> Seeds {
    let mut peaks = Peaks::default();
    let mut seeds = vec![peaks.encode()];
    for n in 1..=7u8 {
        peaks.append(&[n]);
        seeds.push(peaks.encode());
    }
    seeds
}

/// A log whose entry n is the byte n.
struct Log;

impl Subtrees for Log {
    type Error = ();

    fn full(&self, level: u32, index: u64) -> Result<LogHash, ()> {
        Ok(match level {
            0 => leaf(index),
            _ => LogHash::parent(
                self.full(level - 1, 2 * index)?,
                self.full(level - 1, 2 * index + 1)?,
            ),
        })
    }
}

fn leaf(n: u64) -> LogHash {
    LogHash::leaf(&[n as u8])
}

fn log(length: u64) -> Peaks {
    let mut peaks = Peaks::default();
    (0..length).for_each(|n| peaks.append(&[n as u8]));
    peaks
}

fn proof_bytes(numbers: [u64; 2], hashes: impl IntoIterator<Item = LogHash>) -> Vec<u8> {
    let mut out = Vec::new();
    for number in numbers {
        put_uint(&mut out, number);
    }
    for hash in hashes {
        out.extend(hash.0);
    }
    out
}

pub(super) fn inclusions() -> Seeds {
    [(0, 1), (2, 7), (99, 130)]
        .map(|(index, length)| {
            let path = proof::inclusion(&Log, index, length).unwrap();
            let known = [log(length).root().unwrap(), leaf(index)];
            proof_bytes([index, length], known.into_iter().chain(path))
        })
        .into()
}

pub(super) fn consistencies() -> Seeds {
    [(1, 1), (3, 7), (64, 130)]
        .map(|(old, new)| {
            let proof = proof::consistency(&Log, old, new).unwrap();
            let known = [log(old).tree().unwrap(), log(new).root().unwrap()];
            proof_bytes([old, new], known.into_iter().chain(proof))
        })
        .into()
}

pub(super) fn paths() -> Seeds {
    let names = [
        "index.html",
        "2026/11/a post/ü.html",
        ".well-known/security.txt",
        "日本語/a..b/console.js",
    ];
    names.map(|name| name.as_bytes().to_vec()).into()
}

fn contents() -> [Vec<u8>; 4] {
    [
        b"<p>Hello</p>".to_vec(),
        Vec::new(),
        vec![b'x'; 3000],
        (0..=255).collect(),
    ]
}

pub(super) fn packs() -> Seeds {
    let pack = |nodes: &[Vec<u8>], files: &[Vec<u8>]| {
        let mut out = Vec::new();
        let mut writer = PackWriter::new(&mut out).unwrap();
        for node in nodes {
            writer.add_node(NodeHash::of(node), node).unwrap();
        }
        for file in files {
            writer.add_file(ContentHash::of(file), file).unwrap();
        }
        writer.finish().unwrap();
        out
    };
    vec![pack(&[], &contents()[..1]), pack(&nodes(), &contents())]
}

pub(super) fn frames() -> Seeds {
    let mut seeds = Seeds::new();
    for content in contents() {
        let mut pack = Vec::new();
        let mut writer = PackWriter::new(&mut pack).unwrap();
        writer
            .add_file(ContentHash::of(&content), &content)
            .unwrap();
        let written = writer.finish().unwrap();
        let (_, place) = written.index.places().next().unwrap();
        let frame = &pack[place.frame_start as usize..][..place.frame_len as usize];
        seeds.push([&place.frame_raw.to_be_bytes()[5..], frame].concat());
        let front = &frame[..place.prefix as usize];
        seeds.push([&place.frame_raw.to_be_bytes()[5..], front].concat());
    }
    seeds
}

/// Two leaves under one parent, twice, and a leaf alone: see [`super::trees`].
pub(super) fn trees() -> Seeds {
    let pair = |n: u8| [0, 2, 1, n, 2, n, 0, 1, 3, n];
    let first = [&pair(1)[..], &[1, 2, 2, 1, 3, 2]].concat();
    let second = [&pair(9)[..], &[1, 2, 2, 4, 3, 5]].concat();
    vec![
        [&first[..], &second].concat(),
        [&first[..], &[0, 3, 1, 1, 2, 2, 3, 3]].concat(),
        [0, 0].into(),
    ]
}

pub(super) fn messages() -> Seeds {
    let from = iroh::EndpointAddr::from(iroh::SecretKey::from_bytes(&[3; 32]).public());
    let from = from.with_ip_addr(([127, 0, 0, 1], 4000).into());
    let site = site().0;
    let head = Head::sign(&key(), 3, LogHash([2; 32])).encode();
    let requests = [
        Request::Head { site },
        Request::Entries {
            site,
            first: 1,
            count: 4096,
        },
        Request::Branch {
            site,
            root: [4; 32],
            length: 8,
            first: 6,
            count: 3,
        },
        Request::Announce {
            site,
            head: head.clone(),
            from,
        },
        Request::Page {
            site,
            paths: vec!["index.html".into(), "skep.json".into()],
        },
        Request::Signpost { site },
        Request::Sought {
            salt: [5; 16],
            marks: vec![[6; 16], [7; 16]],
        },
    ];
    let responses = [
        Response::Head(head.clone()),
        Response::NotShared,
        Response::Found(vec![0, 3, 255]),
        Response::Entry(entry(EntryKind::Publish).encode().unwrap()),
        Response::Kept {
            receipt: head,
            received: 1 << 40,
        },
        Response::Declined(Reason::Older { newest: 7 }),
        Response::Declined(Reason::Failed("ä".into())),
        Response::Page { length: 70_000 },
        Response::Signpost(vec![1; 200]),
    ];
    let request = |message| [vec![0], postcard::to_stdvec(message).unwrap()].concat();
    let response = |message| [vec![1], postcard::to_stdvec(message).unwrap()].concat();
    let requests = requests.iter().map(request);
    requests.chain(responses.iter().map(response)).collect()
}

/// Of a tree with one node, and of one with three.
pub(super) fn pages() -> Seeds {
    let file = |text: &str| File {
        hash: ContentHash::of(text.as_bytes()),
        size: text.len() as u64,
        media_type: MediaType::octet_stream(),
    };
    let path = |path: &str| ArchivePath::new(path).unwrap();
    let leaf = |files: &[(&str, &str)]| {
        let files = files.iter().map(|(p, text)| (path(p), file(text)));
        Node::Leaf(files.collect()).encode()
    };
    let small = leaf(&[("404.html", "none"), ("index.html", "home")]);
    let (left, right) = (
        leaf(&[("404.html", "home"), ("index.html", "home")]),
        leaf(&[("posts/1.html", "one"), ("posts/2.html", "two")]),
    );
    let children = [("index.html", &left), ("posts/2.html", &right)];
    let children = children.map(|(last, node)| Child {
        last: path(last),
        hash: NodeHash::of(node),
    });
    let root = Node::Inner {
        level: 1,
        children: children.into(),
    };
    let page = |before: u64, nodes: Vec<Vec<u8>>, files: &[&str]| {
        let mut log = Peaks::default();
        (0..before).for_each(|n| log.append(&n.to_le_bytes()));
        let mut last = entry(EntryKind::Publish);
        last.number = before + 1;
        last.tree = NodeHash::of(&nodes[0]);
        let (peaks, last) = (log.encode(), last.encode().unwrap());
        log.append(&last);
        let page = Page {
            head: Head::sign(&key(), before + 1, log.root().unwrap()).encode(),
            entry: last,
            before: peaks,
            nodes,
            files: files.iter().map(|text| text.as_bytes().to_vec()).collect(),
        };
        [site().0.to_vec(), postcard::to_stdvec(&page).unwrap()].concat()
    };
    vec![
        page(0, vec![small], &["home", "none"]),
        page(6, vec![root.encode(), left, right], &["home", "one"]),
    ]
}

pub(super) fn tickets() -> Seeds {
    let id = iroh::SecretKey::from_bytes(&[3; 32]).public();
    let address = iroh::EndpointAddr::from(id).with_ip_addr(([127, 0, 0, 1], 4000).into());
    let ticket = iroh_tickets::endpoint::EndpointTicket::new(address);
    text(&[ticket.to_string()])
}

/// An archive of two versions.
pub(super) fn exports() -> Seeds {
    let dir = tempfile::tempdir().unwrap();
    let (folder, scratch) = (dir.path().join("site"), dir.path().join("scratch"));
    std::fs::create_dir(&folder).unwrap();
    let store = archives::store();
    let mut seeds = Seeds::new();
    for content in ["one", "two"] {
        std::fs::write(folder.join("index.html"), content).unwrap();
        let review = review(
            &store,
            site(),
            snapshot(&folder, &Options::default()).unwrap(),
            Sources::None,
        )
        .unwrap();
        let statement = Statement {
            message: content.into(),
            time: 0,
            as_of: 0,
            origin: None,
        };
        publish(&store, &key(), &review, &statement, &scratch, |_| ()).unwrap();
        let mut file = Vec::new();
        let state = store.known(site()).unwrap();
        portable::export(&store, &state, &mut file).unwrap();
        seeds.push(file);
    }
    seeds
}
