//! [`Review`]: what a publish would change. What is published is a review, so that nothing goes out that
//! was not in one.

mod forms;
mod images;
mod lines;
mod local_links;
mod moves;
mod names;
mod only;
mod scan;
mod secrets;
mod tokens;
mod warnings;

use std::collections::HashMap;

pub use images::{ImageSize, image_size, stored_image};
pub use lines::{Hunk, Line, LineDiff, MAX_TEXT, Side, line_diff};
pub use moves::{Move, moves};
pub use only::only;
pub use scan::{Finding, MAX_SCANNED, scan};
pub use warnings::{LARGE, Origin, Warning, WarningKind, warnings};

use crate::{
    archive::{
        address::SiteId,
        entry::Entry,
        hash::NodeHash,
        path::ArchivePath,
        tree::{self, Built, Change, Diff, NodeSource},
    },
    error::{Error, Kind, Result},
    snapshot::{Snapshot, SnapshotFile, Source},
    store::{Reader, SiteState, Store},
};

/// What a publish of a snapshot would change.
pub struct Review {
    /// The site.
    pub site: SiteId,
    /// The version that it is compared with; `None` if nothing was published yet.
    pub base: Option<Entry>,
    /// The paths that differ, in order.
    pub changes: Vec<Change>,
    /// The removed and added paths among them that are the same file under another name.
    pub moves: Vec<Move>,
    /// How many files the site would have.
    pub files: u64,
    /// How many bytes these would have together.
    pub bytes: u64,
    pub(crate) state: Option<SiteState>,
    pub(crate) snapshot: Snapshot,
    pub(crate) tree: Built,
    /// The tree's nodes that the base does not have, sorted.
    pub(crate) new_nodes: Vec<NodeHash>,
    /// The base's nodes that the tree does not have, sorted.
    pub(crate) old_nodes: Vec<NodeHash>,
}

/// Compares `snapshot` with the newest version of `site` here.
///
/// # Errors
///
/// If that version can't be read.
pub fn review(store: &Store, site: SiteId, snapshot: Snapshot) -> Result<Review> {
    let state = store.site(site)?;
    let base = match &state {
        Some(state) if state.head.is_some() => Some(store.entry(state, None)?),
        _ => None,
    };
    let files = snapshot.files.iter();
    let tree = tree::build_from(files.clone().map(|f| (&f.path, &f.file)));
    let diff = match (&state, &base) {
        (Some(state), Some(base)) => {
            let both = Both {
                new: tree
                    .nodes
                    .iter()
                    .map(|(hash, bytes)| (*hash, bytes))
                    .collect(),
                old: Reader::new(store, state),
            };
            tree::diff(&both, base.tree, tree.root)?
        }
        _ => all_new(&snapshot, &tree),
    };
    Ok(Review {
        site,
        base,
        moves: moves(&diff.changes),
        changes: diff.changes,
        new_nodes: diff.new_nodes,
        old_nodes: diff.old_nodes,
        files: snapshot.files.len() as u64,
        bytes: files.map(|f| f.file.size).sum(),
        state,
        snapshot,
        tree,
    })
}

/// Compares an earlier version of `site` with the newest: to publish that is to bring it back.
///
/// # Errors
///
/// [`Kind::NotFound`] if there is no such version, or not all of it is here.
pub fn revert(store: &Store, site: SiteId, version: u64) -> Result<Review> {
    let state = store.known(site)?;
    let base = store.entry(&state, None)?;
    let old = store.version(&state, Some(version))?;
    if !store.retractions(&state)?.is_whole(store, &old)? {
        return Err(Error::new(
            Kind::NotFound,
            format!("not all of version {version} is on this machine"),
        ));
    }
    let reader = Reader::new(store, &state);
    let mut files = Vec::new();
    reader.walk(old.tree, |path, file| {
        files.push(SnapshotFile {
            path: path.clone(),
            file: file.clone(),
            source: Source::Store,
        });
        Ok(())
    })?;
    let tree = tree::build_from(files.iter().map(|f| (&f.path, &f.file)));
    if tree.root != old.tree {
        return Err(Error::damaged(format!(
            "the tree of version {version} has another shape than its files make"
        )));
    }
    let diff = tree::diff(&reader, base.tree, old.tree)?;
    Ok(Review {
        site,
        base: Some(base),
        moves: moves(&diff.changes),
        changes: diff.changes,
        new_nodes: diff.new_nodes,
        old_nodes: diff.old_nodes,
        files: old.files,
        bytes: old.bytes,
        state: Some(state),
        snapshot: Snapshot { files, read: 0 },
        tree,
    })
}

/// What the first version changes.
fn all_new(snapshot: &Snapshot, tree: &Built) -> Diff {
    let changes = snapshot.files.iter().map(|file| Change {
        path: file.path.clone(),
        old: None,
        new: Some(file.file.clone()),
    });
    let mut new_nodes: Vec<NodeHash> = tree.nodes.iter().map(|(hash, _)| *hash).collect();
    new_nodes.sort_unstable();
    Diff {
        changes: changes.collect(),
        old_nodes: Vec::new(),
        new_nodes,
    }
}

impl Review {
    /// All paths that the site has or had, in no order.
    pub fn paths(&self) -> impl Iterator<Item = &ArchivePath> {
        let gone = self.changes.iter().filter(|change| change.new.is_none());
        let files = self.snapshot.files.iter().map(|file| &file.path);
        files.chain(gone.map(|change| &change.path))
    }

    /// The file at a path, as it would be published.
    pub(crate) fn file(&self, path: &ArchivePath) -> Option<&SnapshotFile> {
        let files = &self.snapshot.files;
        let at = files.binary_search_by(|file| file.path.cmp(path)).ok()?;
        Some(&files[at])
    }

    /// The bytes of a changed file of the output folder as it would be published; `None` if it would be
    /// removed, or has more than `limit` bytes.
    ///
    /// # Errors
    ///
    /// If it can't be read.
    pub fn new_bytes(&self, change: &Change, limit: u64) -> Result<Option<Vec<u8>>> {
        if change.new.as_ref().is_none_or(|file| file.size > limit) {
            return Ok(None);
        }
        let files = &self.snapshot.files;
        let at = files.binary_search_by(|file| file.path.cmp(&change.path));
        let Some(Source::Disk(source)) = at.ok().map(|at| &files[at].source) else {
            return Ok(None);
        };
        let bytes = std::fs::read(source).map_err(|e| Error::io("read", source, &e))?;
        Ok(Some(bytes))
    }
}

/// The nodes of a tree that is not stored yet, and those of stored ones.
struct Both<'a> {
    new: HashMap<NodeHash, &'a Vec<u8>>,
    old: Reader,
}

impl NodeSource for Both<'_> {
    type Error = crate::error::Error;

    fn node(&self, hash: NodeHash) -> Result<Vec<u8>> {
        match self.new.get(&hash) {
            Some(bytes) => Ok((*bytes).clone()),
            None => self.old.node(hash),
        }
    }
}
