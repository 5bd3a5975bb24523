//! Bringing a version's bytes into the store: what is new goes into one pack, or becomes a blob.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::{self, File as FsFile},
    io::{BufWriter, Read},
    path::Path,
};

use tempfile::NamedTempFile;

use super::living::{UseChange, counted, live};
use crate::{
    archive::{
        blobs::{BlobKind, BlobRef},
        hash::{ContentHash, NodeHash},
        pack::{MAX_OBJECT, PackWriter},
        tree::File,
    },
    error::{Error, Kind, Result},
    progress::{Phase, Tally, Unit},
    review::Review,
    snapshot::{SnapshotFile, Source},
    store::{Store, records::IndexedPack, uses::Counted},
};

/// Where a version's bytes are.
pub(super) struct Stored {
    /// Every blob that the version needs.
    pub(super) live: BTreeMap<ContentHash, BlobRef>,
    /// How many objects of each blob it uses.
    pub(super) counted: Counted,
    /// The packs among them that are new, with their objects.
    pub(super) packs: Vec<IndexedPack>,
    /// How many bytes were not in the store before.
    pub(super) added: u64,
}

/// What is compressed already is not made smaller by a pack, but a blob of its own costs about 0.8 KB
/// on the wire and 1 ms of CPU: worth it from this size on.
const COMPRESSED_BLOB_MIN: u64 = 32 << 10;

/// Brings what is new into the store. `before` are the blobs that the base needs.
///
/// Only what changed is looked at: what is the same as in the base lies where it lay.
pub(super) fn store(
    store: &Store,
    review: &Review,
    before: &BTreeMap<ContentHash, BlobRef>,
    scratch: &Path,
) -> Result<Stored> {
    let mut change = UseChange::default();
    let nodes: Vec<NodeHash> = review.parts().flat_map(|p| p.old_nodes.clone()).collect();
    for place in places(store, review, &nodes, |hash| hash.0)? {
        change.gone(place.ok_or_else(|| Error::damaged("a tree node lies in no pack"))?);
    }
    let old: Vec<ContentHash> = old_files(review).collect();
    for (file, pack) in old.iter().zip(places(store, review, &old, |hash| hash.0)?) {
        change.gone(pack.unwrap_or(*file));
    }

    let mut new = New::default();
    let nodes: Vec<_> = new_nodes(review).collect();
    // The two trees may have a node in common.
    let mut seen = HashSet::new();
    for (node, pack) in nodes.iter().zip(places(store, review, &nodes, |n| n.0.0)?) {
        match pack {
            Some(pack) => change.came(pack),
            None => {
                new.uses += 1;
                if seen.insert(node.0) {
                    new.nodes.push(*node);
                }
            }
        }
    }
    let files: Vec<_> = new_files(review).collect();
    let mut added = 0;
    let tally = store.begin(
        review.site,
        Phase::Store,
        Some(new_bytes(&files)),
        Unit::Bytes,
    );
    // Where a file's first path takes it, the others find it, whatever their types are.
    let mut seen: HashMap<ContentHash, Place> = HashMap::new();
    for (file, pack) in files
        .iter()
        .zip(places(store, review, &files, |f| f.file.hash.0)?)
    {
        let hash = file.file.hash;
        if let Some(pack) = pack {
            change.came(pack);
            tally.add(file.file.size);
            continue;
        }
        let place = match (seen.get(&hash), &file.source) {
            (Some(place), _) => *place,
            (None, Source::Store) => Place::Blob(stored_blob(store, &file.file)?),
            (None, Source::Disk(source)) => {
                if let Some(blob) = before.get(&hash).filter(|b| b.kind == BlobKind::File) {
                    Place::Blob(*blob)
                } else if belongs_in_pack(&file.file) {
                    new.files.push((file, source.as_path()));
                    Place::NewPack
                } else {
                    if size_of(store, hash)?.is_none() {
                        added += file.file.size;
                    }
                    Place::Blob(store_blob(store, review, file, source)?)
                }
            }
        };
        seen.insert(hash, place);
        if !matches!(place, Place::NewPack) {
            tally.add(file.file.size);
        }
        match place {
            Place::Blob(blob) => change.came_as(blob),
            Place::NewPack => new.uses += 1,
        }
    }
    let mut packs = Vec::new();
    if !new.nodes.is_empty() || !new.files.is_empty() {
        let pack = write_pack(store, review, &new, scratch, &tally)?;
        change.came_as(pack.0);
        change.more(pack.0.hash, new.uses - 1);
        added += pack.0.size;
        packs.push(pack);
    }
    let counted = counted(store, review, &change)?;
    let live = live(store, before, &counted, &change)?;
    Ok(Stored {
        live,
        counted,
        packs,
        added,
    })
}

/// How many bytes the new files have together.
fn new_bytes(files: &[&SnapshotFile]) -> u64 {
    files.iter().map(|file| file.file.size).sum()
}

/// Where a file lies that was in no pack before.
#[derive(Clone, Copy)]
enum Place {
    Blob(BlobRef),
    NewPack,
}

/// What is in no blob yet.
#[derive(Default)]
struct New<'a> {
    /// Each once.
    nodes: Vec<&'a (NodeHash, Vec<u8>)>,
    /// Each once.
    files: Vec<(&'a SnapshotFile, &'a Path)>,
    /// In how many places of the trees these are.
    uses: u64,
}

fn old_files(review: &Review) -> impl Iterator<Item = ContentHash> {
    let changes = review.parts().flat_map(|part| &part.changes);
    let old = changes.filter_map(|change| change.old.as_ref());
    old.map(|file| file.hash)
}

fn new_files(review: &Review) -> impl Iterator<Item = &SnapshotFile> {
    review.parts().flat_map(|part| {
        let new = part.changes.iter().filter(|change| change.new.is_some());
        new.filter_map(|change| part.file(&change.path))
    })
}

fn new_nodes(review: &Review) -> impl Iterator<Item = &(NodeHash, Vec<u8>)> {
    review.parts().flat_map(|part| {
        let nodes = part.nodes().iter();
        nodes.filter(|node| part.new_nodes.binary_search(&node.0).is_ok())
    })
}

/// In which pack each object lies, if it is in one.
fn places<T>(
    store: &Store,
    review: &Review,
    objects: &[T],
    hash: impl Fn(&T) -> [u8; 32],
) -> Result<Vec<Option<ContentHash>>> {
    let Some(state) = &review.state else {
        return Ok(vec![None; objects.len()]);
    };
    let places = store.records.locate_all(state, objects.iter().map(hash))?;
    let packs = places.into_iter().map(|place| place.map(|p| p.pack));
    Ok(packs.collect())
}

fn belongs_in_pack(file: &File) -> bool {
    if file.size > MAX_OBJECT as u64 {
        return false;
    }
    file.size < COMPRESSED_BLOB_MIN || !is_compressed(file.media_type.as_str())
}

/// Whether files of this type are compressed already.
fn is_compressed(media_type: &str) -> bool {
    match media_type {
        "image/svg+xml" | "image/bmp" | "image/x-icon" | "font/ttf" | "font/otf" | "audio/wav"
        | "audio/x-wav" => false,
        "application/pdf"
        | "application/zip"
        | "application/gzip"
        | "application/zstd"
        | "application/x-7z-compressed"
        | "application/x-xz"
        | "application/x-bzip2"
        | "application/vnd.rar"
        | "application/epub+zip" => true,
        _ => ["image/", "audio/", "video/", "font/"]
            .iter()
            .any(|kind| media_type.starts_with(kind)),
    }
}

/// The blob of an earlier version's file.
fn stored_blob(store: &Store, file: &File) -> Result<BlobRef> {
    match size_of(store, file.hash)? {
        Some(size) if size == file.size => Ok(BlobRef {
            hash: file.hash,
            kind: BlobKind::File,
            size,
        }),
        _ => Err(Error::damaged(format!("blob {} is gone", file.hash))),
    }
}

fn size_of(store: &Store, blob: ContentHash) -> Result<Option<u64>> {
    let size = store.blobs.size(blob);
    size.map_err(|e| Error::unreadable(format!("blob {blob}"), &e))
}

fn store_blob(
    store: &Store,
    review: &Review,
    file: &SnapshotFile,
    source: &Path,
) -> Result<BlobRef> {
    let added = store
        .blobs
        .add_file(source, review.site.0)
        .map_err(|e| Error::io("store", source, &e))?;
    if added != file.file.hash {
        return Err(changed(source));
    }
    Ok(BlobRef {
        hash: added,
        kind: BlobKind::File,
        size: file.file.size,
    })
}

fn write_pack(
    store: &Store,
    review: &Review,
    new: &New<'_>,
    scratch: &Path,
    tally: &Tally,
) -> Result<IndexedPack> {
    let io = |e: std::io::Error| Error::io("write a pack in", scratch, &e);
    fs::create_dir_all(scratch).map_err(io)?;
    let temporary = NamedTempFile::new_in(scratch).map_err(io)?;
    let mut writer = PackWriter::new(BufWriter::new(temporary.as_file())).map_err(io)?;
    for (hash, bytes) in &new.nodes {
        writer.add_node(*hash, bytes).map_err(io)?;
    }
    for (file, source) in &new.files {
        let bytes = read_again(file, source)?;
        writer.add_file(file.file.hash, &bytes).map_err(io)?;
        tally.add(file.file.size);
    }
    let written = writer.finish().map_err(io)?;
    let hash = store
        .blobs
        .add_file(temporary.path(), review.site.0)
        .map_err(|e| Error::io("store a pack in", scratch, &e))?;
    let pack = BlobRef {
        hash,
        kind: BlobKind::Pack,
        size: written.size,
    };
    let places = written.index.places();
    let places = places.map(|(object, place)| (object.hash, place)).collect();
    Ok((pack, places))
}

/// The file's bytes, if they are still those that were reviewed.
fn read_again(file: &SnapshotFile, source: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(file.file.size as usize);
    FsFile::open(source)
        // One byte more than expected: enough to see that it grew.
        .and_then(|f| f.take(file.file.size + 1).read_to_end(&mut bytes))
        .map_err(|e| Error::io("read", source, &e))?;
    if ContentHash::of(&bytes) != file.file.hash {
        return Err(changed(source));
    }
    Ok(bytes)
}

fn changed(source: &Path) -> Error {
    Error::new(
        Kind::Unpublishable,
        format!("{} changed while it was being published", source.display()),
    )
    .hint("nothing was published; run the command again")
}
