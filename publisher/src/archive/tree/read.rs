//! Reading a tree: a file by its path, and all files in order.

use std::collections::HashSet;

use thiserror::Error;

use super::node::{Child, File, Node};
use crate::archive::{codec::DecodeError, entry::Entry, hash::NodeHash, path::ArchivePath};

/// Where the bytes of tree nodes come from: a store, a pack, a peer.
pub trait NodeSource {
    /// Why a node can't be had.
    type Error;

    /// The bytes of a node. They are checked against `hash` by whoever reads the tree.
    fn node(&self, hash: NodeHash) -> Result<Vec<u8>, Self::Error>;
}

/// Why a tree can't be read.
#[derive(Debug, Error)]
pub enum TreeError<E> {
    /// The source does not have a node.
    #[error(transparent)]
    Source(E),
    /// A node is not the one that was asked for.
    #[error("tree node {0} has other bytes than its hash says")]
    Tampered(NodeHash),
    /// A node does not decode.
    #[error("tree node {hash}: {error}")]
    Decode {
        /// The node.
        hash: NodeHash,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// A node does not fit to its parent or its neighbours.
    #[error("tree node {0} does not fit to the nodes around it")]
    Structure(NodeHash),
    /// More files than the format allows.
    #[error("the tree has more than {} files", Entry::MAX_FILES)]
    TooManyFiles,
}

/// The node with that hash, verified.
pub(super) fn load<S: NodeSource + ?Sized>(
    source: &S,
    hash: NodeHash,
) -> Result<Node, TreeError<S::Error>> {
    let bytes = source.node(hash).map_err(TreeError::Source)?;
    if NodeHash::of(&bytes) != hash {
        return Err(TreeError::Tampered(hash));
    }
    Node::decode(&bytes).map_err(|error| TreeError::Decode { hash, error })
}

/// A child, verified, which must be one level below `level` and end where its parent says.
pub(super) fn load_child<S: NodeSource + ?Sized>(
    source: &S,
    level: u8,
    child: &Child,
) -> Result<Node, TreeError<S::Error>> {
    let node = load(source, child.hash)?;
    // The level falls with every step, so that no tree is endless.
    if node.level() + 1 != level || node.last() != Some(&child.last) {
        return Err(TreeError::Structure(child.hash));
    }
    Ok(node)
}

/// The file at `path`, if the tree has one.
///
/// # Errors
///
/// If a node on the way can't be had or is not what it should be.
pub fn find<S: NodeSource + ?Sized>(
    source: &S,
    root: NodeHash,
    path: &ArchivePath,
) -> Result<Option<File>, TreeError<S::Error>> {
    let mut node = load(source, root)?;
    loop {
        match node {
            Node::Leaf(files) => {
                let at = files.binary_search_by(|(p, _)| p.cmp(path));
                return Ok(at.ok().map(|at| files[at].1.clone()));
            }
            Node::Inner { level, children } => {
                let at = children.partition_point(|child| child.last < *path);
                let Some(child) = children.get(at) else {
                    return Ok(None);
                };
                node = load_child(source, level, child)?;
            }
        }
    }
}

/// Calls `visit` for every file in the order of the paths.
///
/// # Errors
///
/// If a node can't be had or is not what it should be, or as `visit` says.
pub fn walk<S, E>(
    source: &S,
    root: NodeHash,
    visit: &mut dyn FnMut(&ArchivePath, &File) -> Result<(), E>,
) -> Result<(), E>
where
    S: NodeSource + ?Sized,
    E: From<TreeError<S::Error>>,
{
    let root_node = load(source, root)?;
    let mut walk = Walk {
        source,
        last: None,
        files: 0,
        visit,
    };
    walk.node(root, root_node)
}

/// What a tree consists of.
#[derive(Debug, Clone, Copy)]
pub enum Object<'a> {
    /// One of its nodes.
    Node(NodeHash),
    /// A file that it names.
    File(&'a ArchivePath, &'a File),
}

/// Calls `visit` for every node that is not in `seen`, and for the files of those that are leaves. What was
/// visited is in `seen` afterwards: of several trees, each part is looked at once.
///
/// # Errors
///
/// If a node can't be had or is not what it should be, or as `visit` says.
pub fn objects<S, E>(
    source: &S,
    root: NodeHash,
    seen: &mut HashSet<NodeHash>,
    visit: &mut dyn FnMut(Object<'_>) -> Result<(), E>,
) -> Result<(), E>
where
    S: NodeSource + ?Sized,
    E: From<TreeError<S::Error>>,
{
    if !seen.insert(root) {
        return Ok(());
    }
    visit(Object::Node(root))?;
    let mut open = vec![load(source, root)?];
    while let Some(node) = open.pop() {
        match node {
            Node::Leaf(files) => {
                for (path, file) in &files {
                    visit(Object::File(path, file))?;
                }
            }
            Node::Inner { level, children } => {
                // The last comes off the stack first.
                for child in children.iter().rev() {
                    if seen.insert(child.hash) {
                        visit(Object::Node(child.hash))?;
                        open.push(load_child(source, level, child)?);
                    }
                }
            }
        }
    }
    Ok(())
}

struct Walk<'a, S: ?Sized, E> {
    source: &'a S,
    last: Option<ArchivePath>,
    files: u64,
    visit: &'a mut dyn FnMut(&ArchivePath, &File) -> Result<(), E>,
}

impl<S, E> Walk<'_, S, E>
where
    S: NodeSource + ?Sized,
    E: From<TreeError<S::Error>>,
{
    fn node(&mut self, hash: NodeHash, node: Node) -> Result<(), E> {
        match node {
            Node::Leaf(files) => {
                for (path, file) in files {
                    // Each leaf is sorted; here the order between leaves is checked.
                    if self.last.as_ref().is_some_and(|last| *last >= path) {
                        return Err(TreeError::Structure(hash).into());
                    }
                    self.files += 1;
                    if self.files > Entry::MAX_FILES {
                        return Err(TreeError::TooManyFiles.into());
                    }
                    (self.visit)(&path, &file)?;
                    self.last = Some(path);
                }
                Ok(())
            }
            Node::Inner { level, children } => {
                for child in children {
                    let node = load_child(self.source, level, &child)?;
                    self.node(child.hash, node)?;
                }
                Ok(())
            }
        }
    }
}
