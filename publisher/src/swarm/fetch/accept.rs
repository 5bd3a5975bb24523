//! The last check before new versions are kept: is every byte of them here, and is it the right one?

use std::collections::HashSet;

use super::{Wanted, log::New};
use crate::{
    archive::{
        address::SiteId,
        blobs::{BlobKind, BlobRef},
        entry::Entry,
        hash::NodeHash,
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
    for entry in wanted_entries(entries, wanted) {
        for blob in publish::needs(store, entry)?.into_values() {
            if blob.kind == BlobKind::Pack && !store.records.has_pack(state, blob.hash)? {
                index_pack(store, state, &blob)?;
            }
        }
    }
    Ok(())
}

fn index_pack(store: &Store, state: &SiteState, pack: &BlobRef) -> Result<()> {
    let objects = verified_objects(&*store.blobs, pack)
        .map_err(|e| Error::new(Kind::Hostile, format!("pack {}: {e}", pack.hash)))?;
    store.records.add_packs(state, &[(*pack, objects)])
}

/// Checks that every file of the wanted versions is here, reading only what changed between them.
fn check(store: &Store, state: &SiteState, entries: &[Entry], wanted: Wanted) -> Result<()> {
    let reader = Reader::new(store, state);
    let mut before: Option<NodeHash> = match (&state.head, wanted) {
        (Some(_), Wanted::Whole) => Some(store.entry(state, None)?.tree),
        _ => None,
    };
    for entry in wanted_entries(entries, wanted) {
        let present = |file: &File| -> Result<()> {
            if reader.has(file)? {
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
        let (mut files, mut bytes) = (0, 0u64);
        match before {
            Some(old) => {
                for change in reader.diff(old, entry.tree)? {
                    if let Some(file) = &change.new {
                        present(file)?;
                    }
                }
            }
            None => {
                reader.walk(entry.tree, |path, file| {
                    files += 1;
                    bytes = bytes.saturating_add(file.size);
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
                if (files, bytes) != (entry.files, entry.bytes) {
                    return Err(Error::new(
                        Kind::Hostile,
                        format!(
                            "version {} does not have the files that its entry counts",
                            entry.number
                        ),
                    ));
                }
            }
        }
        before = Some(entry.tree);
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
