//! Whether a tree has the shape that its files make, looked at only where it differs from one that has.

use super::{
    Diff, NodeSource, TreeError,
    build::Boundary,
    node::{Child, Node},
    read::{load, load_child},
};
use crate::archive::{hash::NodeHash, path::ArchivePath};

/// Checks that [`build`](super::build()) makes the tree `new` of its files, as it makes `old` of those of that; `diff`
/// is what [`diff`](super::diff()) says of the two. Else equal files would have two roots, and a tree could be any
/// number of nodes.
///
/// A node ends at the first item after which it may, or is the last of its level: if that is so for each node, the
/// shape is the one that there is.
///
/// # Errors
///
/// [`TreeError::Structure`] if another shape is made of them; or if a node can't be had.
pub fn check_shape<S: NodeSource + ?Sized>(
    source: &S,
    old: NodeHash,
    new: NodeHash,
    diff: &Diff,
) -> Result<(), TreeError<S::Error>> {
    if old == new {
        return Ok(());
    }
    let check = Check {
        source,
        diff,
        ends: last_nodes(source, old)?,
    };
    let root = load(source, new)?;
    if matches!(&root, Node::Inner { children, .. } if children.len() < 2) {
        return Err(TreeError::Structure(new));
    }
    check.node(new, root, true)
}

/// The last node of each level: they may end where others may not.
fn last_nodes<S: NodeSource + ?Sized>(
    source: &S,
    root: NodeHash,
) -> Result<Vec<NodeHash>, TreeError<S::Error>> {
    let mut nodes = vec![root];
    let mut node = load(source, root)?;
    while let Node::Inner { level, children } = &node {
        let Some(child) = children.last() else { break };
        nodes.push(child.hash);
        node = load_child(source, *level, child)?;
    }
    Ok(nodes)
}

struct Check<'a, S: ?Sized> {
    source: &'a S,
    diff: &'a Diff,
    /// The last nodes of the levels of the old tree.
    ends: Vec<NodeHash>,
}

impl<S: NodeSource + ?Sized> Check<'_, S> {
    /// Checks a node that the old tree does not have, and what is below it.
    fn node(&self, hash: NodeHash, node: Node, is_last: bool) -> Result<(), TreeError<S::Error>> {
        if !has_shape(&node, is_last) {
            return Err(TreeError::Structure(hash));
        }
        let Node::Inner { level, children } = node else {
            return Ok(());
        };
        let count = children.len();
        for (n, child) in children.iter().enumerate() {
            let is_last = is_last && n + 1 == count;
            if self.diff.new_nodes.binary_search(&child.hash).is_ok() {
                let node = load_child(self.source, level, child)?;
                self.node(child.hash, node, is_last)?;
            } else if !is_last {
                self.not_last(level, child)?;
            }
        }
        Ok(())
    }

    /// Checks a node that the old tree has too, and that has others behind it.
    fn not_last(&self, level: u8, child: &Child) -> Result<(), TreeError<S::Error>> {
        if !self.ends.contains(&child.hash) {
            return Ok(());
        }
        let node = load_child(self.source, level, child)?;
        if !has_shape(&node, false) {
            return Err(TreeError::Structure(child.hash));
        }
        match node {
            Node::Inner { level, children } => children
                .last()
                .map_or(Ok(()), |last| self.not_last(level, last)),
            Node::Leaf(_) => Ok(()),
        }
    }
}

/// Whether a node ends where its paths say. The last of its level ends earlier.
fn has_shape(node: &Node, is_last: bool) -> bool {
    let boundary = Boundary::of_level(node.level());
    let paths: Vec<&ArchivePath> = match node {
        Node::Leaf(files) => files.iter().map(|(path, _)| path).collect(),
        Node::Inner { children, .. } => children.iter().map(|child| &child.last).collect(),
    };
    let Some((last, before)) = paths.split_last() else {
        return is_last;
    };
    // The first item ends no node.
    let ends_earlier = before.iter().skip(1).any(|path| boundary.is_at(path));
    let ends = paths.len() == Node::MAX_ITEMS || !before.is_empty() && boundary.is_at(last);
    !ends_earlier && (ends || is_last)
}
