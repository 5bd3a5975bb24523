//! An archive to a file.

use std::{
    collections::HashSet,
    io::{self, Write},
};

use super::{FORMAT_VERSION, MAGIC, MAX_ENTRIES};
use crate::{
    archive::{
        codec::{put_bytes, put_uint},
        entry::Entry,
        hash::ContentHash,
        log::History,
    },
    error::{Error, Kind, Result},
    store::{Retractions, SiteState, Store, blobs::read_all, retractions::lists},
};

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// How many versions the log has.
    pub versions: u64,
    /// How many of them are in the file with all their bytes: those that are here.
    pub whole: u64,
    /// How many of them their author took back.
    pub retracted: u64,
    /// How many versions that the log abandons are in the file with all their bytes.
    pub abandoned: u64,
    /// How long the file is, in bytes.
    pub bytes: u64,
}

/// Writes a site with everything of it that is here. May block.
///
/// # Errors
///
/// If the newest version is not here, before anything is written; or if `out` can't be written to.
pub fn export(store: &Store, state: &SiteState, out: &mut dyn Write) -> Result<Exported> {
    let Some(head) = &state.head else {
        return Err(Error::new(Kind::NotFound, "there is no version to export"));
    };
    if head.length() > MAX_ENTRIES {
        let message = format!("more than {MAX_ENTRIES} versions do not fit into one file");
        return Err(Error::new(Kind::Usage, message));
    }
    let retractions = store.retractions(state)?;
    if !retractions.is_whole(store, &store.entry(state, None)?)? {
        return Err(Error::new(
            Kind::NotFound,
            "the newest version is not here with all its bytes",
        )
        .hint("bring it first: `skep clone ADDRESS DIR --peer TICKET`"));
    }
    let mut out = Counted { out, bytes: 0 };
    let mut start = MAGIC.to_vec();
    start.push(FORMAT_VERSION);
    start.extend_from_slice(&state.site.0);
    put_bytes(&mut start, &head.encode());
    put_uint(&mut start, head.length());
    for version in 1..=head.length() {
        let entry = store.records.entry_bytes(state, version)?;
        let entry = entry.ok_or_else(|| Error::damaged(format!("entry {version} is missing")))?;
        put_bytes(&mut start, &entry);
    }
    let (branches, abandoned) = branches(store, state)?;
    for entry in &branches {
        put_bytes(&mut start, entry);
    }
    out.put(&start)?;
    let mut written = HashSet::new();
    let mut whole = 0;
    // What was abandoned has nothing to do with what the log retracts.
    let none = Retractions::default();
    let mut others = 0;
    for entry in &abandoned {
        if none.is_whole(store, entry)? {
            write_version(store, &mut out, &mut written, entry, &none)?;
            others += 1;
        }
    }
    for entry in store.log(state)? {
        for list in lists(&entry) {
            write_blob(store, &mut out, &mut written, list.hash, list.size)?;
        }
        if retractions.is_whole(store, &entry)? {
            write_version(store, &mut out, &mut written, &entry, &retractions)?;
            whole += 1;
        }
    }
    out.out.flush().map_err(write_error)?;
    Ok(Exported {
        versions: head.length(),
        whole,
        abandoned: others,
        retracted: retractions.count(),
        bytes: out.bytes,
    })
}

/// The entries of the branches that the log abandons, each branch where a reader asks for it; and the same
/// decoded, each once.
fn branches(store: &Store, state: &SiteState) -> Result<(Vec<Vec<u8>>, Vec<Entry>)> {
    let known = store.history(state)?;
    let all = known.entries_from(1).map(<[u8]>::to_vec);
    let mut history = History::new(all).map_err(Error::damaged)?;
    let mut branches = Vec::new();
    while let Some(branch) = history.missing() {
        let entries = known.entries_of(branch);
        let entries = entries.ok_or_else(|| Error::damaged("a branch is missing"))?;
        branches.extend(entries.iter().cloned());
        history.supply(entries).map_err(Error::damaged)?;
    }
    let abandoned = known.abandoned();
    let abandoned = abandoned.map(|a| Entry::decode(a.entry).map_err(Error::damaged));
    Ok((branches, abandoned.collect::<Result<_>>()?))
}

/// Writes the blobs of a version that is here.
fn write_version(
    store: &Store,
    out: &mut Counted<'_>,
    written: &mut HashSet<ContentHash>,
    entry: &Entry,
    retractions: &Retractions,
) -> Result<()> {
    // A list before the blobs that it names: a reader takes only what was named.
    for list in entry.adds.lists.iter().chain(&entry.keeps.lists) {
        write_blob(store, out, written, list.hash, list.size)?;
    }
    for blob in retractions.needs(store, entry)?.into_values() {
        write_blob(store, out, written, blob.hash, blob.size)?;
    }
    Ok(())
}

fn write_blob(
    store: &Store,
    out: &mut Counted<'_>,
    written: &mut HashSet<ContentHash>,
    hash: ContentHash,
    size: u64,
) -> Result<()> {
    if !written.insert(hash) {
        return Ok(());
    }
    let mut frame = hash.0.to_vec();
    put_uint(&mut frame, size);
    out.put(&frame)?;
    let mut hasher = blake3::Hasher::new();
    read_all(&*store.blobs, hash, size, |piece| {
        hasher.update(piece);
        out.out.write_all(piece)
    })
    .map_err(|e| Error::io("copy a blob to", std::path::Path::new("the file"), &e))?;
    out.bytes += size;
    // A backup that can't be restored is worse than none.
    if hasher.finalize() != hash.0 {
        return Err(Error::damaged(format!(
            "blob {hash} has other bytes than its hash says"
        )));
    }
    Ok(())
}

struct Counted<'a> {
    out: &'a mut dyn Write,
    bytes: u64,
}

impl Counted<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes += bytes.len() as u64;
        self.out.write_all(bytes).map_err(write_error)
    }
}

fn write_error(error: io::Error) -> Error {
    Error::io("write", std::path::Path::new("the file"), &error)
}
