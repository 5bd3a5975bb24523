//! The last check before new versions are kept: is every byte of them here, and is it the right one?

use std::collections::HashSet;

use super::{SITE_QUOTA, Wanted, log::New};
use crate::{
    archive::{
        address::SiteId,
        blobs::{BlobKind, BlobRef},
        entry::Entry,
        head::Head,
        tree::File,
    },
    error::{Error, Kind, Result},
    publish,
    store::{Reader, Relation, SiteState, Store, index::verified_objects, records::Commit},
    swarm::node::{Node, blocking},
};

/// Checks the new versions and records them.
pub(super) async fn accept(
    node: &Node,
    site: SiteId,
    relation: Relation,
    head: Head,
    new: New,
    wanted: Wanted,
) -> Result<()> {
    let store = node.store.clone();
    blocking(move || {
        store.add_site(site, relation)?;
        let state = store
            .records
            .site(site)?
            .ok_or_else(|| Error::damaged("a site vanished"))?;
        index_packs(&store, &state, &new.entries, wanted).map_err(as_hostile)?;
        check(&store, &state, &new.entries, wanted).map_err(as_hostile)?;
        store
            .blobs
            .sync()
            .map_err(|e| Error::new(Kind::Io, format!("the store of blobs failed: {e}")))?;
        store.records.commit(&Commit {
            site,
            relation,
            entries: &new.bytes,
            head: &head,
            peaks: &new.peaks,
            packs: &[],
        })
    })
    .await
}

/// Verifies every object of the packs that are new here, and records where it lies. That is true
/// whatever becomes of the versions.
fn index_packs(store: &Store, state: &SiteState, entries: &[Entry], wanted: Wanted) -> Result<()> {
    let mut room = SITE_QUOTA;
    for entry in wanted_entries(entries, wanted) {
        for blob in publish::needs(store, entry)?.into_values() {
            if blob.kind == BlobKind::Pack && !store.records.has_pack(state, blob.hash)? {
                room -= index_pack(store, state, &blob, room)?;
            }
        }
    }
    Ok(())
}

/// Returns how many bytes its objects have, which are at most `room`.
fn index_pack(store: &Store, state: &SiteState, pack: &BlobRef, room: u64) -> Result<u64> {
    let objects = verified_objects(&*store.blobs, pack, room)
        .map_err(|e| Error::new(Kind::Hostile, format!("pack {}: {e}", pack.hash)))?;
    let bytes = objects.iter().map(|(_, place)| place.size).sum();
    store.records.add_packs(state, &[(*pack, objects)])?;
    Ok(bytes)
}

/// Checks that every file of the wanted versions is here, reading only what changed between them.
fn check(store: &Store, state: &SiteState, entries: &[Entry], wanted: Wanted) -> Result<()> {
    let reader = Reader::new(store, state);
    let newest;
    let mut before: Option<&Entry> = match (&state.head, wanted) {
        (Some(_), Wanted::Whole) => {
            newest = store.entry(state, None)?;
            Some(&newest)
        }
        _ => None,
    };
    for entry in wanted_entries(entries, wanted) {
        let needs = publish::needs(store, entry)?;
        let present = |file: &File| -> Result<()> {
            if reader.has(file, &needs)? {
                return Ok(());
            }
            Err(Error::new(
                Kind::Hostile,
                format!(
                    "version {} has a file whose bytes are in none of its blobs",
                    entry.number
                ),
            ))
        };
        let mut names = HashSet::new();
        // Wide enough for any sum of sizes, and for those that are taken away.
        let (mut files, mut bytes) = (0, 0i128);
        match before {
            Some(old) => {
                (files, bytes) = (i128::from(old.files), i128::from(old.bytes));
                for change in reader.diff(old.tree, entry.tree)? {
                    if let Some(file) = &change.old {
                        files -= 1;
                        bytes -= i128::from(file.size);
                    }
                    if let Some(file) = &change.new {
                        files += 1;
                        bytes += i128::from(file.size);
                        present(file)?;
                    }
                }
            }
            None => {
                reader.walk(entry.tree, |path, file| {
                    files += 1;
                    bytes += i128::from(file.size);
                    if !names.insert(path.case_key()) {
                        return Err(Error::new(
                            Kind::Hostile,
                            format!(
                                "the site has two files whose names differ by case only: {path}"
                            ),
                        ));
                    }
                    present(file)
                })?;
            }
        }
        if (files, bytes) != (i128::from(entry.files), i128::from(entry.bytes)) {
            return Err(Error::new(
                Kind::Hostile,
                format!(
                    "version {} does not have the files that its entry counts",
                    entry.number
                ),
            ));
        }
        before = Some(entry);
    }
    Ok(())
}

fn wanted_entries(entries: &[Entry], wanted: Wanted) -> &[Entry] {
    match wanted {
        Wanted::Whole => entries,
        Wanted::Latest => &entries[entries.len().saturating_sub(1)..],
    }
}

/// What was just fetched from a peer and does not hold together was sent so.
fn as_hostile(error: Error) -> Error {
    match error.kind {
        Kind::Damaged | Kind::NotFound => Error {
            kind: Kind::Hostile,
            hint: Some("ask another node with `--peer TICKET`".into()),
            message: format!(
                "what the peer sent is incomplete or not what was signed: {}",
                error.message
            ),
        },
        _ => error,
    }
}
