//! [`Part`]: one of the trees of a version, that of its files or that of its sources, beside the same of the
//! newest version.

use std::{collections::HashMap, fs::File as FsFile, io::Read};

use super::{Move, moves};
use crate::{
    archive::{
        hash::NodeHash,
        path::ArchivePath,
        tree::{self, Built, Change, Diff, NodeSource},
    },
    error::{Error, Result},
    snapshot::{Snapshot, SnapshotFile, Source},
    store::Reader,
};

/// A tree of a version, and what changes in it.
#[derive(Default)]
pub struct Part {
    /// The paths that differ, in order.
    pub changes: Vec<Change>,
    /// The removed and added paths among them that are the same file under another name.
    pub moves: Vec<Move>,
    /// The files that it would have, in the order of their paths.
    pub(crate) files: Vec<SnapshotFile>,
    /// The tree of these; `None` if there is none: of no sources.
    pub(crate) tree: Option<Built>,
    /// The tree's nodes that the newest version does not have in the same tree, sorted.
    pub(crate) new_nodes: Vec<NodeHash>,
    /// The nodes of that which the tree does not have, sorted.
    pub(crate) old_nodes: Vec<NodeHash>,
}

impl Part {
    /// Compares files with the tree `old` of the newest version, which `reader` reads.
    ///
    /// # Errors
    ///
    /// If that can't be read.
    pub(super) fn new(
        reader: Option<&Reader>,
        old: Option<NodeHash>,
        snapshot: Option<Snapshot>,
    ) -> Result<Self> {
        let files = snapshot.map(|snapshot| snapshot.files);
        let tree = files.as_ref().map(|files: &Vec<SnapshotFile>| {
            tree::build_from(files.iter().map(|f| (&f.path, &f.file)))
        });
        let files = files.unwrap_or_default();
        let diff = match (reader, old, &tree) {
            (Some(reader), Some(old), Some(tree)) => {
                let nodes = tree.nodes.iter();
                let both = Both {
                    new: nodes.map(|(hash, bytes)| (*hash, bytes)).collect(),
                    old: reader,
                };
                tree::diff(&both, old, tree.root)?
            }
            (Some(reader), Some(old), None) => all_gone(reader, old)?,
            (_, _, Some(tree)) => all_new(&files, tree),
            _ => Diff::default(),
        };
        Ok(Self {
            moves: moves(&diff.changes),
            changes: diff.changes,
            new_nodes: diff.new_nodes,
            old_nodes: diff.old_nodes,
            files,
            tree,
        })
    }

    /// The files of a stored tree as they are.
    ///
    /// # Errors
    ///
    /// If it can't be read, or has another shape than its files make.
    pub(super) fn stored(
        reader: &Reader,
        old: Option<NodeHash>,
        new: Option<NodeHash>,
    ) -> Result<Self> {
        let Some(root) = new else {
            return Self::new(Some(reader), old, None);
        };
        let mut files = Vec::new();
        reader.walk(root, |path, file| {
            files.push(SnapshotFile {
                path: path.clone(),
                file: file.clone(),
                source: Source::Store,
            });
            Ok(())
        })?;
        let part = Self::new(Some(reader), old, Some(Snapshot { files, read: 0 }))?;
        match part.root() == Some(root) {
            true => Ok(part),
            false => Err(Error::damaged(
                "a version's tree has another shape than its files make",
            )),
        }
    }

    /// How many files it would have.
    pub fn count(&self) -> u64 {
        self.files.len() as u64
    }

    /// How many bytes these would have together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.file.size).sum()
    }

    /// The tree's root; `None` if there is none: of no sources.
    pub(crate) fn root(&self) -> Option<NodeHash> {
        self.tree.as_ref().map(|tree| tree.root)
    }

    /// The tree's nodes.
    pub(crate) fn nodes(&self) -> &[(NodeHash, Vec<u8>)] {
        self.tree.as_ref().map_or(&[], |tree| &tree.nodes)
    }

    /// All paths that it has or had, in no order.
    pub fn paths(&self) -> impl Iterator<Item = &ArchivePath> {
        let gone = self.changes.iter().filter(|change| change.new.is_none());
        let files = self.files.iter().map(|file| &file.path);
        files.chain(gone.map(|change| &change.path))
    }

    /// The file at a path, as it would be published.
    pub(crate) fn file(&self, path: &ArchivePath) -> Option<&SnapshotFile> {
        let at = self
            .files
            .binary_search_by(|file| file.path.cmp(path))
            .ok()?;
        Some(&self.files[at])
    }

    /// The bytes of a changed file as it would be published, up to `limit` of them and one more; `None` if it
    /// would be removed, or is in an earlier version: what has is looked at there.
    ///
    /// # Errors
    ///
    /// If it can't be read.
    pub(super) fn head(&self, change: &Change, limit: u64) -> Result<Option<Vec<u8>>> {
        let Some(Source::Disk(source)) = self.file(&change.path).map(|file| &file.source) else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        FsFile::open(source)
            .and_then(|file| file.take(limit).read_to_end(&mut bytes))
            .map_err(|e| Error::io("read", source, &e))?;
        Ok(Some(bytes))
    }

    /// The bytes of a changed file as it would be published; `None` if it would be removed, has more than
    /// `limit` bytes, or is in an earlier version.
    ///
    /// # Errors
    ///
    /// If it can't be read.
    pub fn new_bytes(&self, change: &Change, limit: u64) -> Result<Option<Vec<u8>>> {
        match &change.new {
            Some(new) if new.size <= limit => self.head(change, limit),
            _ => Ok(None),
        }
    }
}

/// What the first tree changes.
fn all_new(files: &[SnapshotFile], tree: &Built) -> Diff {
    let changes = files.iter().map(|file| Change {
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

/// What the end of a tree changes.
fn all_gone(reader: &Reader, old: NodeHash) -> Result<Diff> {
    let mut files = Vec::new();
    reader.walk(old, |path, file| {
        files.push((path.clone(), file.clone()));
        Ok(())
    })?;
    let changes = files.iter().map(|(path, file)| Change {
        path: path.clone(),
        old: Some(file.clone()),
        new: None,
    });
    let changes = changes.collect();
    // Its shape was checked when it came: these are its nodes.
    let nodes = tree::build(files).nodes;
    let mut old_nodes: Vec<NodeHash> = nodes.into_iter().map(|(hash, _)| hash).collect();
    old_nodes.sort_unstable();
    Ok(Diff {
        changes,
        old_nodes,
        new_nodes: Vec::new(),
    })
}

/// The nodes of a tree that is not stored yet, and those of stored ones.
pub(super) struct Both<'a> {
    pub(super) new: HashMap<NodeHash, &'a Vec<u8>>,
    pub(super) old: &'a Reader,
}

impl NodeSource for Both<'_> {
    type Error = Error;

    fn node(&self, hash: NodeHash) -> Result<Vec<u8>> {
        match self.new.get(&hash) {
            Some(bytes) => Ok((*bytes).clone()),
            None => self.old.node(hash),
        }
    }
}
