//! Checking a site again, from its signature to the last byte.

use std::collections::HashSet;

use crate::{
    accept::retracted::{check_entry, check_own},
    archive::{
        entry::Entry,
        hash::{ContentHash, NodeHash},
        tree,
    },
    error::{Error, Result},
    progress::{Phase, Tally, Unit},
    store::{Reader, Retractions, SiteState, Store, blobs::read_all},
};

/// What was checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many versions the log has.
    pub versions: u64,
    /// How many versions the log abandons.
    pub abandoned: u64,
    /// How many versions of the log are here with all their bytes.
    pub whole: u64,
    /// How many of them their author took back.
    pub retracted: u64,
    /// How many files were read, over all these versions.
    pub files: u64,
    /// How many bytes of blobs were hashed.
    pub bytes: u64,
}

/// Checks the head's signature, the log's hashes, every blob that is here and every file of every
/// version that is here.
///
/// # Errors
///
/// The first thing that is not what was signed.
pub fn verify(store: &Store, state: &SiteState) -> Result<Verified> {
    // The head's signature was verified when the state was read: there is no other way to a `Head`.
    let Some(head) = &state.head else {
        return Err(Error::damaged("there is no head"));
    };
    // The log's entries make its root, and those of the branches that it abandons make theirs.
    let history = store.history(state)?;
    let decoded = |bytes: &[u8]| Entry::decode(bytes).map_err(Error::damaged);
    let entries = history.entries_from(1).map(decoded);
    let entries = entries.collect::<Result<Vec<_>>>()?;
    let off = history.abandoned().map(|a| decoded(a.entry));
    let off = off.collect::<Result<Vec<_>>>()?;
    // What the next entry would be appended to.
    store.log_peaks(state)?;
    let retractions = store.retractions(state)?;
    check_retractions(&entries, &retractions)?;
    let mut verified = Verified {
        versions: head.length(),
        retracted: retractions.count(),
        abandoned: off.len() as u64,
        ..Verified::default()
    };
    let tally = store.begin(state.site, Phase::Verify, None, Unit::Bytes);
    let mut hashed = HashSet::new();
    let reader = Reader::new(store, state);
    let mut read = HashSet::new();
    // What was abandoned has nothing to do with what the log retracts.
    let of_abandoned = Retractions::default();
    for (n, entry) in entries.iter().chain(&off).enumerate() {
        let newest = n as u64 + 1 == head.length();
        let abandoned = n >= entries.len();
        let retractions = match abandoned {
            // It may be here in part.
            true if !store.is_readable(state, entry)? => continue,
            true => &of_abandoned,
            false => &retractions,
        };
        if !blobs(
            store,
            retractions,
            entry,
            newest,
            &mut hashed,
            &mut verified,
            &tally,
        )? {
            continue;
        }
        check_own(store, retractions, entry).map_err(Error::damaged)?;
        let (files, bytes) = check_tree(&reader, entry, entry.tree, &mut read)?;
        if (files, bytes) != (entry.files, entry.bytes) {
            return Err(Error::damaged(format!(
                "version {} has {files} files, not {} as its entry says",
                entry.number, entry.files
            )));
        }
        if let Some(sources) = entry.sources {
            verified.files += check_tree(&reader, entry, sources, &mut read)?.0;
        }
        verified.files += files;
        verified.whole += u64::from(!abandoned);
    }
    Ok(verified)
}

/// Checks a tree of a version: its shape, and every file but those that were `read` before. Returns how many files
/// and bytes it has.
fn check_tree(
    reader: &Reader,
    entry: &Entry,
    root: NodeHash,
    read: &mut HashSet<ContentHash>,
) -> Result<(u64, u64)> {
    let (mut files, mut bytes) = (0, 0);
    let mut all = Vec::new();
    reader.walk(root, |path, file| {
        all.push((path.clone(), file.clone()));
        files += 1;
        bytes += file.size;
        // Equal content is read once.
        if read.insert(file.hash) {
            let checked = reader.read(file, |_| Ok(()));
            checked.map_err(|mut e| {
                e.message = format!("{path} of version {}: {}", entry.number, e.message);
                e
            })?;
        }
        Ok(())
    })?;
    match tree::build(all).root == root {
        true => Ok((files, bytes)),
        false => Err(Error::damaged(format!(
            "the tree of version {} has another shape than its files make",
            entry.number
        ))),
    }
}

/// Checks that the retractions that are obeyed are those that the log has.
fn check_retractions(entries: &[Entry], retractions: &Retractions) -> Result<()> {
    for pair in entries.windows(2) {
        check_entry(&pair[0], &pair[1]).map_err(Error::damaged)?;
    }
    let retracting = entries.iter().filter(|entry| !entry.retracts().is_empty());
    let obeyed = retractions.steps().iter().map(|step| step.number);
    match retracting.map(|entry| entry.number).eq(obeyed) {
        true => Ok(()),
        false => Err(Error::damaged(
            "the retractions that were noted are not those of the log",
        )),
    }
}

/// Hashes the blobs of a version; false if one is not here, which only the newest may not miss.
fn blobs(
    store: &Store,
    retractions: &Retractions,
    entry: &Entry,
    newest: bool,
    hashed: &mut HashSet<ContentHash>,
    verified: &mut Verified,
    tally: &Tally,
) -> Result<bool> {
    if !retractions.is_whole(store, entry)? {
        if newest {
            return Err(Error::damaged(format!(
                "blobs of version {} are missing or have another length",
                entry.number
            )));
        }
        return Ok(false);
    }
    let lists = [&entry.adds, &entry.keeps].map(|set| &set.lists);
    let lists = lists
        .into_iter()
        .flatten()
        .map(|list| (list.hash, list.size));
    let blobs = retractions.needs(store, entry)?.into_values();
    let wanted: Vec<_> = lists
        .chain(blobs.map(|blob| (blob.hash, blob.size)))
        .collect();
    for (hash, size) in wanted {
        if !hashed.insert(hash) {
            continue;
        }
        let mut hasher = blake3::Hasher::new();
        read_all(&*store.blobs, hash, size, |piece| {
            hasher.update(piece);
            tally.add(piece.len() as u64);
            Ok::<_, std::io::Error>(())
        })
        .map_err(|e| Error::unreadable(format!("blob {hash}"), &e))?;
        if hasher.finalize() != hash.0 {
            return Err(Error::damaged(format!(
                "blob {hash} of version {} has other bytes than its hash says",
                entry.number
            )));
        }
        verified.bytes += size;
    }
    Ok(true)
}
