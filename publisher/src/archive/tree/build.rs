//! Sorted files to nodes.

use super::node::{Child, File, Node, encode_inner, encode_leaf};
use crate::archive::{hash::NodeHash, path::ArchivePath};

/// A tree with the bytes of its nodes.
#[derive(Debug)]
pub struct Built {
    /// The root.
    pub root: NodeHash,
    /// Every node, the root first, then level by level towards the leaves.
    pub nodes: Vec<(NodeHash, Vec<u8>)>,
}

const BOUNDARY_CONTEXT: &str = "skep 2026 archive v1 tree boundary";
/// One path in 16 ends a node, so that a node has some 16 items: few bytes change with an edit, and
/// 10,000 files make four levels.
const BOUNDARY_MASK: u8 = 0x0f;

/// Builds the tree of `files`, which are sorted by path, each path once.
pub fn build(files: Vec<(ArchivePath, File)>) -> Built {
    build_from(files.iter().map(|(path, file)| (path, file)))
}

/// As [`build`], of files that lie elsewhere.
pub fn build_from<'a>(files: impl Iterator<Item = (&'a ArchivePath, &'a File)>) -> Built {
    let mut levels: Vec<Level> = Vec::new();
    let mut children = Vec::new();
    let mut leaves = Level::new();
    chunks(
        0,
        files,
        |(path, _)| *path,
        |files| {
            let bytes = encode_leaf(files.iter().copied());
            children.extend(add(&mut leaves, bytes, files.last().map(|(path, _)| *path)));
        },
    );
    // The tree without files is one empty leaf.
    if leaves.is_empty() {
        add(&mut leaves, encode_leaf([].into_iter()), None);
    }
    levels.push(leaves);
    for level in 1.. {
        if children.len() <= 1 {
            break;
        }
        let mut nodes = Level::new();
        let mut above = Vec::new();
        chunks(
            level,
            children.into_iter(),
            |child| &child.last,
            |children| {
                let last = children.last().map(|child: &Child| &child.last);
                above.extend(add(&mut nodes, encode_inner(level, children), last));
            },
        );
        levels.push(nodes);
        children = above;
    }
    let nodes: Vec<_> = levels.into_iter().rev().flatten().collect();
    Built {
        root: nodes[0].0,
        nodes,
    }
}

/// The nodes of one level.
type Level = Vec<(NodeHash, Vec<u8>)>;

/// Adds a node, and returns what the level above says of it.
fn add(level: &mut Level, bytes: Vec<u8>, last: Option<&ArchivePath>) -> Option<Child> {
    let hash = NodeHash::of(&bytes);
    level.push((hash, bytes));
    Some(Child {
        last: last?.clone(),
        hash,
    })
}

/// Splits the items of a level into nodes, and calls `node` with those of each.
///
/// A node ends after an item whose path is a boundary, unless the item is its first, so that every
/// level has at most half as many nodes as the one below; and after [`Node::MAX_ITEMS`] in any case.
fn chunks<T>(
    level: u8,
    items: impl Iterator<Item = T>,
    path: impl Fn(&T) -> &ArchivePath,
    mut node: impl FnMut(&[T]),
) {
    let boundary = Boundary::of_level(level);
    let mut current: Vec<T> = Vec::with_capacity(Node::MAX_ITEMS);
    for item in items {
        let is_boundary = !current.is_empty() && boundary.is_at(path(&item));
        current.push(item);
        if is_boundary || current.len() == Node::MAX_ITEMS {
            node(&current);
            current.clear();
        }
    }
    if !current.is_empty() {
        node(&current);
    }
}

/// Which paths end a node of a level.
pub(super) struct Boundary(blake3::Hasher);

impl Boundary {
    pub(super) fn of_level(level: u8) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(BOUNDARY_CONTEXT);
        hasher.update(&[level]);
        Self(hasher)
    }

    pub(super) fn is_at(&self, path: &ArchivePath) -> bool {
        let mut hasher = self.0.clone();
        hasher.update(path.as_str().as_bytes());
        hasher.finalize().as_bytes()[0] & BOUNDARY_MASK == 0
    }
}
