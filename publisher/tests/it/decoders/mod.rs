//! Everything that reads bytes from elsewhere, with what has to hold of any bytes whatever: nothing
//! panics, and what decodes encodes to the same bytes. The property tests and the fuzz targets in
//! `publisher/fuzz` both include this module.
//!
//! A check says whether the bytes were accepted.

mod archives;
mod feeds;
mod outside;
mod secrets;
mod seeds;
mod trees;

use std::path::{Component, Path};

use skep_publisher::{
    archive::{
        address::{Address, SiteId},
        blobs::{ListRef, decode_list, encode_list},
        codec::{Reader, put_uint},
        entry::Entry,
        hash::{ContentHash, LogHash},
        head::Head,
        log::{Peaks, proof},
        pack::{Decompressor, MAX_FRAME, Place, ReadAt, read_index},
        path::{ArchivePath, Names},
        receipt::Receipt,
        signpost::Signpost,
        tree::node::Node,
    },
    swarm::{
        Ticket,
        find::board::Board,
        page::{MAX_FILE, Page},
        wire::{Request, Response},
    },
};

/// One decoder.
pub(crate) struct Decoder {
    /// Its name, and that of its fuzz target.
    pub(crate) name: &'static str,
    /// Feeds it any bytes.
    pub(crate) check: fn(&[u8]) -> bool,
    /// Bytes that it accepts, to begin from.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub(crate) static ALL: [Decoder; 28] = [
    Decoder {
        name: "address",
        check: address,
        seeds: seeds::addresses,
    },
    Decoder {
        name: "blob_list",
        check: blob_list,
        seeds: seeds::blob_lists,
    },
    Decoder {
        name: "board",
        check: board,
        seeds: seeds::boards,
    },
    Decoder {
        name: "config",
        check: outside::config,
        seeds: outside::configs,
    },
    Decoder {
        name: "consistency",
        check: consistency,
        seeds: seeds::consistencies,
    },
    Decoder {
        name: "entry",
        check: entry,
        seeds: seeds::entries,
    },
    Decoder {
        name: "feed",
        check: feeds::feed,
        seeds: feeds::feeds,
    },
    Decoder {
        name: "frame",
        check: frame,
        seeds: seeds::frames,
    },
    Decoder {
        name: "head",
        check: head,
        seeds: seeds::heads,
    },
    Decoder {
        name: "host",
        check: outside::host,
        seeds: outside::hosts,
    },
    Decoder {
        name: "import",
        check: archives::import,
        seeds: seeds::exports,
    },
    Decoder {
        name: "inclusion",
        check: inclusion,
        seeds: seeds::inclusions,
    },
    Decoder {
        name: "integer",
        check: integer,
        seeds: seeds::integers,
    },
    Decoder {
        name: "key",
        check: secrets::key,
        seeds: secrets::keys,
    },
    Decoder {
        name: "link",
        check: outside::link,
        seeds: outside::links,
    },
    Decoder {
        name: "manifest",
        check: outside::manifest,
        seeds: outside::manifests,
    },
    Decoder {
        name: "node",
        check: node,
        seeds: seeds::nodes,
    },
    Decoder {
        name: "pack",
        check: pack,
        seeds: seeds::packs,
    },
    Decoder {
        name: "page",
        check: page,
        seeds: seeds::pages,
    },
    Decoder {
        name: "path",
        check: path,
        seeds: seeds::paths,
    },
    Decoder {
        name: "peaks",
        check: peaks,
        seeds: seeds::peaks,
    },
    Decoder {
        name: "phrase",
        check: secrets::phrase,
        seeds: secrets::phrases,
    },
    Decoder {
        name: "receipt",
        check: receipt,
        seeds: seeds::receipts,
    },
    Decoder {
        name: "sealed",
        check: secrets::sealed,
        seeds: secrets::sealed_files,
    },
    Decoder {
        name: "signpost",
        check: signpost,
        seeds: seeds::signposts,
    },
    Decoder {
        name: "ticket",
        check: ticket,
        seeds: seeds::tickets,
    },
    Decoder {
        name: "tree",
        check: trees::tree,
        seeds: seeds::trees,
    },
    Decoder {
        name: "wire",
        check: wire,
        seeds: seeds::messages,
    },
];

/// The decoder of that name. Its seeds are accepted, or there would be nothing to begin from.
pub(crate) fn decoder(name: &str) -> &'static Decoder {
    let decoder = ALL.iter().find(|decoder| decoder.name == name).unwrap();
    for seed in (decoder.seeds)() {
        assert!((decoder.check)(&seed), "{name}: {seed:?}");
    }
    decoder
}

fn address(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Ok(address) = text.parse::<Address>() else {
        return false;
    };
    // What is written can be read, and is the same.
    assert_eq!(address.to_string().parse(), Ok(address));
    true
}

fn blob_list(bytes: &[u8]) -> bool {
    let mut reader = Reader::new("test", bytes.get(1..).unwrap_or_default());
    let list = ListRef {
        hash: ContentHash::of(bytes),
        size: bytes.len() as u64,
        // An evil author's entry says what its list says.
        count: reader.uint().unwrap_or_default(),
    };
    let Ok(blobs) = decode_list(&list, bytes) else {
        return false;
    };
    let blobs = blobs.into_iter().map(|blob| (blob.hash, blob)).collect();
    assert_eq!(encode_list(&blobs), (list, bytes.to_vec()));
    true
}

fn entry(bytes: &[u8]) -> bool {
    let Ok(entry) = Entry::decode(bytes) else {
        return false;
    };
    assert_eq!(entry.encode().unwrap(), bytes);
    true
}

/// A site, then a head of it.
fn head(bytes: &[u8]) -> bool {
    let Some((site, rest)) = bytes.split_first_chunk::<32>() else {
        return false;
    };
    let Ok(head) = Head::decode(SiteId(*site), rest) else {
        return false;
    };
    assert_eq!(head.encode(), rest);
    true
}

/// A site, a node, then a receipt.
fn receipt(bytes: &[u8]) -> bool {
    let Some((site, rest)) = bytes.split_first_chunk::<32>() else {
        return false;
    };
    let Some((by, rest)) = rest.split_first_chunk::<32>() else {
        return false;
    };
    let Ok(receipt) = Receipt::decode(SiteId(*site), *by, rest) else {
        return false;
    };
    assert_eq!(receipt.encode(), rest);
    true
}

/// Who says on the DHT that it holds a site.
fn board(bytes: &[u8]) -> bool {
    let Ok(board) = Board::decode(bytes) else {
        return false;
    };
    assert_eq!(board.encode(), bytes);
    let now = 1_795_392_000;
    assert!(board.holders(now).len() <= Board::MAX_NOTES);
    assert_eq!(board.with([1; 32], now).holders(now)[0], [1; 32]);
    true
}

/// A site, then what the DHT says of it.
fn signpost(bytes: &[u8]) -> bool {
    let Some((site, rest)) = bytes.split_first_chunk::<32>() else {
        return false;
    };
    let Ok(signpost) = Signpost::decode(SiteId(*site), rest) else {
        return false;
    };
    assert_eq!(signpost.encode(), rest);
    assert_eq!(signpost.sequence() as u64, signpost.head().length());
    assert!(signpost.value().len() <= Signpost::MAX_VALUE);
    true
}

fn integer(bytes: &[u8]) -> bool {
    let mut reader = Reader::new("test", bytes);
    let Ok(value) = reader.uint() else {
        return false;
    };
    let mut again = Vec::new();
    put_uint(&mut again, value);
    assert!(bytes.starts_with(&again));
    true
}

fn node(bytes: &[u8]) -> bool {
    let Ok(node) = Node::decode(bytes) else {
        return false;
    };
    assert_eq!(node.encode(), bytes);
    assert!(node.level() <= Node::MAX_LEVEL && bytes.len() <= Node::MAX_ENCODED);
    true
}

fn peaks(bytes: &[u8]) -> bool {
    let Ok(mut peaks) = Peaks::decode(bytes) else {
        return false;
    };
    assert_eq!(peaks.encode(), bytes);
    assert_eq!(peaks.root().is_some(), peaks.length() > 0);
    if peaks.length() < u64::MAX {
        peaks.append(b"entry");
        assert_eq!(Peaks::decode(&peaks.encode()), Ok(peaks));
    }
    true
}

/// Index, length, root, the leaf's hash, then a path.
fn inclusion(bytes: &[u8]) -> bool {
    let mut reader = Reader::new("test", bytes);
    let mut parts = || {
        let (index, length) = (reader.uint().ok()?, reader.uint().ok()?);
        let (root, leaf) = (reader.array().ok()?, reader.array().ok()?);
        Some((index, length, LogHash(root), LogHash(leaf)))
    };
    let Some((index, length, root, leaf)) = parts() else {
        return false;
    };
    let proved = proof::verify_inclusion(leaf, index, length, &hashes(&mut reader), root);
    assert!(!proved || index < length);
    proved
}

/// Two lengths, the tree of the first and the root of the second, then a proof.
fn consistency(bytes: &[u8]) -> bool {
    let mut reader = Reader::new("test", bytes);
    let mut parts = || {
        let (old, new) = (reader.uint().ok()?, reader.uint().ok()?);
        let (tree, root) = (reader.array().ok()?, reader.array().ok()?);
        Some(((old, LogHash(tree)), (new, LogHash(root))))
    };
    let Some((old, new)) = parts() else {
        return false;
    };
    let proved = proof::verify_consistency(old, new, &hashes(&mut reader));
    assert!(!proved || (0 < old.0 && old.0 <= new.0));
    proved
}

fn hashes(reader: &mut Reader<'_>) -> Vec<LogHash> {
    std::iter::from_fn(|| reader.array().ok().map(LogHash)).collect()
}

fn path(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Ok(path) = ArchivePath::new(&text) else {
        return false;
    };
    assert_eq!(path.as_str(), text);
    assert!(text.len() <= ArchivePath::MAX_BYTES);
    // It stays below the folder that it is put in, by names alone.
    let root = Path::new("root");
    let below = path.under(root);
    let names: Vec<_> = below.strip_prefix(root).unwrap().components().collect();
    assert!(
        names
            .iter()
            .all(|name| matches!(name, Component::Normal(_)))
    );
    assert_eq!(names.len(), text.split('/').count());
    let bad = |c: char| c.is_control() || matches!(c, '\\' | ':');
    assert!(!text.contains(bad));
    let mut taken = Names::default();
    assert!(taken.add(&path) && !taken.add(&path));
    true
}

/// How many bytes a frame should have (3 bytes), then the frame or the front of one.
fn frame(bytes: &[u8]) -> bool {
    let Some((raw, frame)) = bytes.split_first_chunk::<3>() else {
        return false;
    };
    let raw = raw.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let mut decompressor = Decompressor::new().unwrap();
    let whole = decompressor.whole(frame, raw);
    // What was decompressed before, or failed, is no part of it.
    let front = decompressor.front(frame, raw);
    if let Ok(whole) = &whole {
        assert_eq!(Some(whole), front.as_ref().ok());
    }
    let Ok(front) = front else {
        return false;
    };
    assert!(front.len() as u64 == raw && front.len() <= MAX_FRAME);
    true
}

struct Bytes<'a>(&'a [u8]);

impl ReadAt for Bytes<'_> {
    fn read_at(&self, offset: u64, length: u64) -> std::io::Result<Vec<u8>> {
        let start = (offset as usize).min(self.0.len());
        let end = start.saturating_add(length as usize).min(self.0.len());
        Ok(self.0[start..end].to_vec())
    }
}

fn pack(bytes: &[u8]) -> bool {
    let pack = Bytes(bytes);
    let Ok(index) = read_index(&pack, bytes.len() as u64) else {
        return false;
    };
    let encoded = index.encode();
    assert!(bytes[..bytes.len() - 12].ends_with(&encoded));
    let mut whole = true;
    let mut decompressor = Decompressor::new().unwrap();
    let mut last: Option<(Place, Option<Vec<u8>>)> = None;
    for (object, place) in index.places() {
        assert!(place.frame_start + place.frame_len <= bytes.len() as u64);
        assert!(place.offset + place.size <= place.frame_raw);
        assert!(place.prefix <= place.frame_len && object.size == place.size);
        let known = last
            .as_ref()
            .filter(|(l, _)| l.frame_start == place.frame_start);
        if known.is_none() {
            let frame = pack.read_at(place.frame_start, place.frame_len).unwrap();
            last = Some((place, decompressor.whole(&frame, place.frame_raw).ok()));
        }
        whole &= matches!(&last, Some((_, Some(raw))) if raw.len() as u64 == place.frame_raw);
    }
    whole
}

/// Reads a message, and what it is written as again.
fn read_again<T: serde::Serialize + serde::de::DeserializeOwned>(bytes: &[u8]) -> bool {
    let Ok(message) = postcard::from_bytes::<T>(bytes) else {
        return false;
    };
    let once = postcard::to_stdvec(&message).unwrap();
    let again: T = postcard::from_bytes(&once).unwrap();
    assert_eq!(postcard::to_stdvec(&again).unwrap(), once);
    true
}

/// A message between nodes: a request if the first byte is even, else an answer.
fn wire(bytes: &[u8]) -> bool {
    match bytes.split_first() {
        Some((kind, rest)) if kind % 2 == 0 => read_again::<Request>(rest),
        Some((_, rest)) => read_again::<Response>(rest),
        None => false,
    }
}

/// A site, then an answer to a request for three paths.
fn page(bytes: &[u8]) -> bool {
    let Some((site, rest)) = bytes.split_first_chunk::<32>() else {
        return false;
    };
    let paths = ["index.html", "posts/1.html", "404.html"];
    let paths = paths.map(|path| ArchivePath::new(path).unwrap());
    let Ok(proven) = Page::prove(SiteId(*site), &paths, rest) else {
        return false;
    };
    assert_eq!(proven.head.site(), SiteId(*site));
    assert_eq!(proven.entry.number, proven.head.length());
    for (file, bytes) in &proven.files {
        assert_eq!(ContentHash::of(bytes), file.hash);
        assert!(bytes.len() as u64 == file.size && file.size <= MAX_FILE);
    }
    for path in &paths {
        let file = proven.nodes.find(proven.entry.tree, path).unwrap();
        let file = file.filter(|file| file.size <= MAX_FILE);
        assert!(file.is_none_or(|file| proven.files.iter().any(|(f, _)| *f == file)));
    }
    true
}

fn ticket(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Ok(ticket) = text.parse::<Ticket>() else {
        return false;
    };
    let again: Ticket = ticket.to_string().parse().unwrap();
    assert_eq!(again.to_string(), ticket.to_string());
    true
}
