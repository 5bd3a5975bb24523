//! Retracting: what only some old versions need is taken out of the archive.
//!
//! A version's pack holds more than that version: later ones still use most of what it brought. So the
//! packs that hold something that is to go are dropped, and what others need of them is packed anew.

mod find;

use std::{fs, io::BufWriter, path::Path};

use ed25519_dalek::SigningKey;
use tempfile::NamedTempFile;

use super::{Published, Step, blob_sets, needs, signpost};
use crate::{
    archive::{
        address::SiteId,
        blobs::{BlobKind, BlobRef},
        entry::{Entry, EntryKind},
        hash::{ContentHash, NodeHash},
        head::Head,
        pack::{ObjectKind, PackWriter},
        path::ArchivePath,
    },
    error::{Error, Kind, Result},
    progress::{Phase, Unit},
    store::{
        Reader, Relation, SiteState, Store,
        records::{Commit, IndexedPack, Location},
        retractions::Blobs,
    },
};
pub use find::retraction;

/// What a retraction would do: what is retracted is one of these, so that nothing is deleted that was not
/// in it.
pub struct Retraction {
    /// The site.
    pub site: SiteId,
    /// The versions to retract, ascending.
    pub versions: Vec<u64>,
    /// The files that no other version has, by path.
    pub gone: Vec<Gone>,
    /// Files that the newest version does not have, and that stay all the same, because others do: at most
    /// [`Retraction::MAX_ELSEWHERE`].
    pub elsewhere: Vec<Elsewhere>,
    /// How many bytes of blobs are deleted. What others need of them is stored anew.
    pub deleted: u64,
    /// How many of these bytes, uncompressed, that is.
    pub repacked: u64,
    newest: Entry,
    state: SiteState,
    drops: Blobs,
    saved: Vec<Saved>,
}

/// A file that only retracted versions have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Its path.
    pub path: ArchivePath,
    /// Its length, in bytes.
    pub size: u64,
}

/// A file of a retracted version that others have too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Its path in the retracted version.
    pub path: ArchivePath,
    /// The versions that have it at the same path, ascending.
    pub versions: Vec<u64>,
}

/// An object of a dropped pack that other versions need.
struct Saved {
    kind: ObjectKind,
    hash: [u8; 32],
    /// Whether the newest version is one of them.
    newest: bool,
    location: Location,
}

/// How a retraction ended.
#[derive(Debug)]
pub struct Deletion {
    /// The version that retracts the others.
    pub published: Published,
    /// Why the bytes are not deleted here yet. It is tried again whenever the store is opened.
    pub failed: Option<Error>,
}

impl Retraction {
    /// The most files that are named as being elsewhere.
    pub const MAX_ELSEWHERE: usize = 20;
}

/// Makes a version that retracts others, and deletes what it drops. `message` says why, and `time` is now,
/// in seconds since 1970; what the build took for the present stays. `scratch` is a folder for temporary
/// files.
///
/// # Errors
///
/// As [`publish`](super::publish); nothing is retracted and nothing deleted then.
pub fn retract(
    store: &Store,
    key: &SigningKey,
    retraction: &Retraction,
    (message, time): (&str, u64),
    scratch: &Path,
    mut progress: impl FnMut(Step),
) -> Result<Deletion> {
    let (site, newest) = (retraction.site, &retraction.newest);
    if key.verifying_key().to_bytes() != site.0 {
        let message = format!("this is not the key of skep://{site}");
        return Err(Error::new(Kind::NoKey, message));
    }
    store.delete_dropped()?;
    let mut peaks = store.log_peaks(&retraction.state)?;
    // Two packs: who reads the newest version alone shall not fetch for ever what older ones need.
    let mut packs = Vec::new();
    for newest in [true, false] {
        packs.extend(pack(store, retraction, newest, scratch)?);
    }
    let adds: Blobs = packs.iter().map(|(blob, _)| (blob.hash, *blob)).collect();
    let added = adds.values().map(|blob| blob.size).sum();
    let mut keeps = needs(store, newest)?;
    keeps.retain(|hash, _| !retraction.drops.contains_key(hash));
    let drops: Vec<ContentHash> = retraction.drops.keys().copied().collect();
    let sets = blob_sets::sets(
        store,
        site,
        Some(newest),
        adds,
        keeps,
        retraction.drops.clone(),
    )?;
    let entry = Entry {
        kind: EntryKind::Retract(retraction.versions.clone()),
        number: peaks.length() + 1,
        // As in a publish, no version is dated before the one on which it follows.
        time: time.max(newest.time),
        message: message.trim().to_owned(),
        adds: sets.adds,
        keeps: sets.keeps,
        drops: sets.drops,
        abandoned: Vec::new(),
        ..newest.clone()
    };
    let encoded = entry.encode().map_err(|e| {
        let message = format!("this retraction can't be recorded: {e}");
        Error::new(Kind::Unpublishable, message).hint("retract fewer versions at a time")
    })?;
    progress(Step::Stored);
    let syncing = store.begin(site, Phase::Sync, None, Unit::Bytes);
    store
        .blobs
        .sync()
        .map_err(|e| Error::io("make durable", Path::new("the store's blobs"), &e))?;
    drop(syncing);
    progress(Step::Synced);
    peaks.append(&encoded);
    let Some(root) = peaks.root() else {
        return Err(Error::damaged("the log is empty after an entry was added"));
    };
    let head = Head::sign(key, peaks.length(), root);
    let signpost = signpost(store, &retraction.state, key, &head)?;
    store.records.commit(&Commit {
        site,
        relation: Relation::Own,
        entries: &[encoded],
        head: &head,
        peaks: &peaks,
        packs: &packs,
        retractions: &[entry.number],
        drops: &drops,
        // Much lies elsewhere now: the next publish counts anew.
        uses: None,
        before: peaks.length() - 1,
        keep: peaks.length() - 1,
        history: None,
        signpost: signpost.as_ref(),
    })?;
    progress(Step::Signed);
    Ok(Deletion {
        failed: store.delete_dropped().err(),
        published: Published { head, entry, added },
    })
}

/// Packs what is saved for the newest version, or for older ones alone; `None` if that is nothing.
fn pack(
    store: &Store,
    retraction: &Retraction,
    newest: bool,
    scratch: &Path,
) -> Result<Option<IndexedPack>> {
    let saved = || retraction.saved.iter().filter(|s| s.newest == newest);
    if saved().next().is_none() {
        return Ok(None);
    }
    let io = |e: std::io::Error| Error::io("write a pack in", scratch, &e);
    fs::create_dir_all(scratch).map_err(io)?;
    let temporary = NamedTempFile::new_in(scratch).map_err(io)?;
    let mut writer = PackWriter::new(BufWriter::new(temporary.as_file())).map_err(io)?;
    let reader = Reader::new(store, &retraction.state);
    for kind in [ObjectKind::Node, ObjectKind::File] {
        for object in saved().filter(|s| s.kind == kind) {
            let bytes = reader.packed(&object.location)?;
            let written = match kind {
                ObjectKind::Node if NodeHash::of(&bytes).0 == object.hash => {
                    writer.add_node(NodeHash(object.hash), &bytes)
                }
                ObjectKind::File if ContentHash::of(&bytes).0 == object.hash => {
                    writer.add_file(ContentHash(object.hash), &bytes)
                }
                _ => {
                    let pack = object.location.pack;
                    return Err(Error::damaged(format!(
                        "an object of pack {pack} is another"
                    )));
                }
            };
            written.map_err(io)?;
        }
    }
    let written = writer.finish().map_err(io)?;
    let hash = store
        .blobs
        .add_file(temporary.path(), retraction.site.0)
        .map_err(|e| Error::io("store a pack in", scratch, &e))?;
    let blob = BlobRef {
        hash,
        kind: BlobKind::Pack,
        size: written.size,
    };
    let places = written.index.places();
    let places = places.map(|(object, place)| (object.hash, place)).collect();
    Ok(Some((blob, places)))
}
