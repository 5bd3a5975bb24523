//! Bringing a version's bytes into the store: what is new goes into one pack, or becomes a blob.

use std::{
    collections::{BTreeMap, HashSet},
    fs::{self, File as FsFile},
    io::{BufWriter, Read},
    path::Path,
};

use tempfile::NamedTempFile;

use crate::{
    archive::{
        blobs::{BlobKind, BlobRef},
        hash::{ContentHash, NodeHash},
        pack::{MAX_OBJECT, PackWriter},
        tree::File,
    },
    error::{Error, Kind, Result},
    review::Review,
    snapshot::{SnapshotFile, Source},
    store::{Store, records::IndexedPack},
};

/// Where a version's bytes are.
pub(super) struct Stored {
    /// Every blob that the version needs.
    pub(super) live: BTreeMap<ContentHash, BlobRef>,
    /// The packs among them that are new, with their objects.
    pub(super) packs: Vec<IndexedPack>,
    /// How many bytes were not in the store before.
    pub(super) added: u64,
}

/// What is compressed already is not made smaller by a pack, but a blob of its own costs about 0.8 KB
/// on the wire and 1 ms of CPU: worth it from this size on.
const COMPRESSED_BLOB_MIN: u64 = 32 << 10;

pub(super) fn store(
    store: &Store,
    review: &Review,
    before: &BTreeMap<ContentHash, BlobRef>,
    scratch: &Path,
) -> Result<Stored> {
    let mut live = BTreeMap::new();
    let nodes = &review.tree.nodes;
    let new_nodes = missing(store, review, &mut live, nodes, |(hash, _)| hash.0)?;
    let files = &review.snapshot.files;
    let unpacked = missing(store, review, &mut live, files, |f| f.file.hash.0)?;

    let mut added = 0;
    let mut to_pack = Vec::new();
    for file in unpacked {
        let hash = file.file.hash;
        if let Some(blob) = before.get(&hash).filter(|b| b.kind == BlobKind::File) {
            live.insert(hash, *blob);
            continue;
        }
        let source = match &file.source {
            Source::Disk(source) => source,
            Source::Store => {
                live.insert(hash, stored_blob(store, &file.file)?);
                continue;
            }
        };
        if belongs_in_pack(&file.file) {
            to_pack.push((file, source.as_path()));
            continue;
        }
        let size = store.blobs.size(hash);
        let size = size.map_err(|e| Error::damaged(format!("blob {hash}: {e}")))?;
        if size.is_none() {
            added += file.file.size;
        }
        live.insert(hash, store_blob(store, review, file, source)?);
    }
    let mut packs = Vec::new();
    if !new_nodes.is_empty() || !to_pack.is_empty() {
        let pack = write_pack(store, review, &new_nodes, &to_pack, scratch)?;
        live.insert(pack.0.hash, pack.0);
        added += pack.0.size;
        packs.push(pack);
    }
    Ok(Stored { live, packs, added })
}

/// The objects that are in no pack yet, each once; the packs of the others go into `live`.
fn missing<'a, T>(
    store: &Store,
    review: &Review,
    live: &mut BTreeMap<ContentHash, BlobRef>,
    objects: &'a [T],
    hash: impl Fn(&T) -> [u8; 32],
) -> Result<Vec<&'a T>> {
    let locations = match &review.state {
        Some(state) => store.records.locate_all(state, objects.iter().map(&hash))?,
        None => vec![None; objects.len()],
    };
    let mut seen = HashSet::new();
    let mut missing = Vec::new();
    for (object, location) in objects.iter().zip(locations) {
        let Some(location) = location else {
            if seen.insert(hash(object)) {
                missing.push(object);
            }
            continue;
        };
        if !live.contains_key(&location.pack) {
            let size = store.blobs.size(location.pack);
            let size = size.map_err(|e| Error::damaged(format!("pack {}: {e}", location.pack)))?;
            let size =
                size.ok_or_else(|| Error::damaged(format!("pack {} is gone", location.pack)))?;
            let blob = BlobRef {
                hash: location.pack,
                kind: BlobKind::Pack,
                size,
            };
            live.insert(blob.hash, blob);
        }
    }
    Ok(missing)
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
    match store.blobs.size(file.hash) {
        Ok(Some(size)) if size == file.size => Ok(BlobRef {
            hash: file.hash,
            kind: BlobKind::File,
            size,
        }),
        Ok(_) => Err(Error::damaged(format!("blob {} is gone", file.hash))),
        Err(e) => Err(Error::damaged(format!("blob {}: {e}", file.hash))),
    }
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
    nodes: &[&(NodeHash, Vec<u8>)],
    files: &[(&SnapshotFile, &Path)],
    scratch: &Path,
) -> Result<IndexedPack> {
    let io = |e: std::io::Error| Error::io("write a pack in", scratch, &e);
    fs::create_dir_all(scratch).map_err(io)?;
    let temporary = NamedTempFile::new_in(scratch).map_err(io)?;
    let mut writer = PackWriter::new(BufWriter::new(temporary.as_file())).map_err(io)?;
    for (hash, bytes) in nodes {
        writer.add_node(*hash, bytes).map_err(io)?;
    }
    for (file, source) in files {
        let bytes = read_again(file, source)?;
        writer.add_file(file.file.hash, &bytes).map_err(io)?;
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
