//! Sorted files to nodes.

use super::node::{Child, File, Node};
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
    debug_assert!(files.is_sorted_by(|(a, _), (b, _)| a < b));
    let leaves = chunk(0, files, |(path, _)| path);
    let mut levels: Vec<Vec<(NodeHash, Vec<u8>)>> = Vec::new();
    let mut nodes: Vec<Node> = leaves.into_iter().map(Node::Leaf).collect();
    for level in 1.. {
        let (encoded, children) = encode(&nodes);
        levels.push(encoded);
        if children.len() <= 1 {
            break;
        }
        nodes = chunk(level, children, |child| &child.last)
            .into_iter()
            .map(|children| Node::Inner { level, children })
            .collect();
    }
    let nodes: Vec<_> = levels.into_iter().rev().flatten().collect();
    Built {
        root: nodes[0].0,
        nodes,
    }
}

type Encoded = Vec<(NodeHash, Vec<u8>)>;

/// The nodes' bytes, and what the level above says of them.
fn encode(nodes: &[Node]) -> (Encoded, Vec<Child>) {
    let encoded: Encoded = nodes
        .iter()
        .map(|node| {
            let bytes = node.encode();
            (NodeHash::of(&bytes), bytes)
        })
        .collect();
    let children = nodes
        .iter()
        .zip(&encoded)
        .filter_map(|(node, (hash, _))| {
            Some(Child {
                last: node.last()?.clone(),
                hash: *hash,
            })
        })
        .collect();
    (encoded, children)
}

/// Splits the items of a level into nodes.
///
/// A node ends after an item whose path is a boundary, unless the item is its first, so that every
/// level has at most half as many nodes as the one below; and after [`Node::MAX_ITEMS`] in any case.
fn chunk<T>(level: u8, items: Vec<T>, path: impl Fn(&T) -> &ArchivePath) -> Vec<Vec<T>> {
    let boundary = Boundary::of_level(level);
    let mut chunks = Vec::new();
    let mut current: Vec<T> = Vec::new();
    for item in items {
        let is_boundary = !current.is_empty() && boundary.is_at(path(&item));
        current.push(item);
        if is_boundary || current.len() == Node::MAX_ITEMS {
            chunks.push(std::mem::take(&mut current));
        }
    }
    // The tree without files is one empty leaf.
    if !current.is_empty() || chunks.is_empty() {
        chunks.push(current);
    }
    chunks
}

/// Which paths end a node of a level.
struct Boundary(blake3::Hasher);

impl Boundary {
    fn of_level(level: u8) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(BOUNDARY_CONTEXT);
        hasher.update(&[level]);
        Self(hasher)
    }

    fn is_at(&self, path: &ArchivePath) -> bool {
        let mut hasher = self.0.clone();
        hasher.update(path.as_str().as_bytes());
        hasher.finalize().as_bytes()[0] & BOUNDARY_MASK == 0
    }
}
