//! Which blobs an entry lists in clear, and which by lists.
//!
//! An entry has at most 2 KiB, and a site thousands of blobs. Lists are therefore kept as a
//! log-structured merge tree keeps its runs: a list is used again as it is while all its blobs live,
//! few blobs stay in clear, and lists of like size are merged. So a version costs the bytes of its own
//! blobs, and now and then those of a merge.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    archive::{
        address::SiteId,
        blobs::{BlobRef, BlobSet, ListRef, MAX_LIST_COUNT, decode_list, encode_list},
        entry::Entry,
        hash::ContentHash,
    },
    error::{Error, Kind, Result},
    store::Store,
};

type Blobs = BTreeMap<ContentHash, BlobRef>;

/// The blob sets of a new entry.
pub(super) struct Sets {
    pub(super) adds: BlobSet,
    pub(super) keeps: BlobSet,
    pub(super) drops: BlobSet,
}

/// So many in each set, and an entry with the longest message has room.
const INLINE: usize = 8;
const LISTS: usize = 6;

pub(super) fn plan(
    store: &Store,
    site: SiteId,
    previous: Option<&Entry>,
    before: &Blobs,
    live: &Blobs,
) -> Result<Sets> {
    let split = |keep: &dyn Fn(&BlobRef) -> bool, from: &Blobs| -> Blobs {
        let blobs = from.values().filter(|blob| keep(blob));
        blobs.map(|blob| (blob.hash, *blob)).collect()
    };
    let adds = split(&|blob| !before.contains_key(&blob.hash), live);
    let keeps = split(&|blob| before.contains_key(&blob.hash), live);
    let drops = split(&|blob| !live.contains_key(&blob.hash), before);
    sets(store, site, previous, adds, keeps, drops)
}

/// The sets of a new entry after `previous`, which needed all that it keeps.
pub(super) fn sets(
    store: &Store,
    site: SiteId,
    previous: Option<&Entry>,
    adds: Blobs,
    keeps: Blobs,
    drops: Blobs,
) -> Result<Sets> {
    let runs = match previous {
        Some(entry) => living_lists(store, entry, &keeps)?,
        None => Vec::new(),
    };
    Ok(Sets {
        adds: set(store, site, adds, Vec::new())?,
        keeps: set(store, site, keeps, runs)?,
        drops: set(store, site, drops, Vec::new())?,
    })
}

/// A list with its blobs.
type Run = (ListRef, Vec<BlobRef>);

/// The lists of an entry whose every blob is still needed.
fn living_lists(store: &Store, entry: &Entry, keeps: &Blobs) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    for list in entry.adds.lists.iter().chain(&entry.keeps.lists) {
        let bytes = store
            .blobs
            .read_at(list.hash, 0, list.size)
            .map_err(|e| Error::unreadable(format!("blob list {}", list.hash), &e))?;
        let blobs = decode_list(list, &bytes).map_err(Error::damaged)?;
        if blobs.iter().all(|blob| keeps.contains_key(&blob.hash)) {
            runs.push((*list, blobs));
        }
    }
    Ok(runs)
}

/// The set of `blobs`, using `runs`, all of whose blobs are among them.
fn set(store: &Store, site: SiteId, blobs: Blobs, mut runs: Vec<Run>) -> Result<BlobSet> {
    let listed: BTreeSet<ContentHash> = runs
        .iter()
        .flat_map(|(_, blobs)| blobs.iter().map(|blob| blob.hash))
        .collect();
    let mut inline: Vec<BlobRef> = blobs
        .into_values()
        .filter(|blob| !listed.contains(&blob.hash))
        .collect();
    if inline.len() > INLINE {
        for chunk in inline.chunks(MAX_LIST_COUNT) {
            runs.push(write_list(store, site, chunk)?);
        }
        inline.clear();
    }
    merge(store, site, &mut runs)?;
    let mut lists: Vec<ListRef> = runs.into_iter().map(|(list, _)| list).collect();
    lists.sort_by_key(|list| list.hash);
    Ok(BlobSet { inline, lists })
}

/// Merges lists of like size, the smallest first, so that few are left.
fn merge(store: &Store, site: SiteId, runs: &mut Vec<Run>) -> Result<()> {
    loop {
        runs.sort_by_key(|(list, _)| list.count);
        let alike = runs
            .windows(2)
            .position(|pair| pair[1].0.count <= 2 * pair[0].0.count);
        let at = match alike {
            Some(at) => at,
            None if runs.len() > LISTS => 0,
            None => return Ok(()),
        };
        let together: Vec<BlobRef> = runs[at..at + 2]
            .iter()
            .flat_map(|(_, blobs)| blobs.iter().copied())
            .collect();
        if together.len() > MAX_LIST_COUNT {
            if runs.len() > BlobSet::MAX_LISTS {
                return Err(Error::new(
                    Kind::Unpublishable,
                    "the site has more large files than an archive can list",
                ));
            }
            return Ok(());
        }
        let merged = write_list(store, site, &together)?;
        runs.splice(at..at + 2, [merged]);
    }
}

fn write_list(store: &Store, site: SiteId, blobs: &[BlobRef]) -> Result<Run> {
    let sorted: Blobs = blobs.iter().map(|blob| (blob.hash, *blob)).collect();
    let (list, bytes) = encode_list(&sorted);
    store.blobs.add_bytes(bytes, site.0).map_err(|e| {
        Error::io(
            "store a blob list in",
            std::path::Path::new("the store"),
            &e,
        )
    })?;
    Ok((list, sorted.into_values().collect()))
}
