//! What changed between two trees, in time proportional to the changes.

use super::{
    node::{Child, File, Node},
    read::{NodeSource, TreeError, load, load_child},
};
use crate::archive::{entry::Entry, hash::NodeHash, path::ArchivePath};

/// One path that differs between two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The path.
    pub path: ArchivePath,
    /// The file in the old tree; `None` if it was added.
    pub old: Option<File>,
    /// The file in the new tree; `None` if it was removed.
    pub new: Option<File>,
}

/// How two trees differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// The paths that differ, in order.
    pub changes: Vec<Change>,
    /// The nodes of the old tree that the new one does not have, sorted.
    pub old_nodes: Vec<NodeHash>,
    /// The nodes of the new tree that the old one does not have, sorted.
    pub new_nodes: Vec<NodeHash>,
}

/// Compares two trees. Subtrees with the same hash on both sides are not read.
///
/// # Errors
///
/// If a node can't be had or is not what it should be. What is read is checked as [`walk`](super::walk)
/// checks it: a few nodes that name each other again and again would else be read without end.
pub fn diff<S: NodeSource + ?Sized>(
    source: &S,
    old: NodeHash,
    new: NodeHash,
) -> Result<Diff, TreeError<S::Error>> {
    let mut changes = Vec::new();
    if old == new {
        return Ok(Diff::default());
    }
    let mut old = Cursor::new(source, old)?;
    let mut new = Cursor::new(source, new)?;
    loop {
        match (old.peek(), new.peek()) {
            (None, None) => {
                let (old_nodes, new_nodes) = apart(old.read, new.read);
                return Ok(Diff {
                    changes,
                    old_nodes,
                    new_nodes,
                });
            }
            (Some(Item::Child(level_a, a)), Some(Item::Child(level_b, b))) => {
                // What one of them says of an equal node may be false: then it is read.
                if level_a == level_b && a == b {
                    old.skip()?;
                    new.skip()?;
                } else if level_a > level_b {
                    old.descend()?;
                } else if level_b > level_a {
                    new.descend()?;
                } else {
                    old.descend()?;
                    new.descend()?;
                }
            }
            (Some(Item::Child(..)), _) => old.descend()?,
            (_, Some(Item::Child(..))) => new.descend()?,
            (Some(Item::File(a, _)), Some(Item::File(b, _))) if a == b => {
                let ((path, before), (_, after)) = (old.file()?, new.file()?);
                if before != after {
                    changes.extend(change(path, before, after));
                }
            }
            (Some(Item::File(a, _)), Some(Item::File(b, _))) if a < b => {
                let (path, before) = old.file()?;
                changes.extend(change(path, before, None));
            }
            (Some(Item::File(..)), None) => {
                let (path, before) = old.file()?;
                changes.extend(change(path, before, None));
            }
            (_, Some(Item::File(..))) => {
                let (path, after) = new.file()?;
                changes.extend(change(path, None, after));
            }
        }
    }
}

/// What is in one of the two and not in the other. No node is twice in a tree, because no path is: one that
/// was passed over on one side was so on the other too, with its equal.
fn apart(mut old: Vec<NodeHash>, mut new: Vec<NodeHash>) -> (Vec<NodeHash>, Vec<NodeHash>) {
    old.sort_unstable();
    new.sort_unstable();
    let without = |from: &[NodeHash], other: &[NodeHash]| {
        let missing = |hash: &&NodeHash| other.binary_search(hash).is_err();
        from.iter().filter(missing).copied().collect()
    };
    (without(&old, &new), without(&new, &old))
}

fn change(path: Option<ArchivePath>, old: Option<File>, new: Option<File>) -> Option<Change> {
    Some(Change {
        path: path?,
        old,
        new,
    })
}

/// What comes next in a tree: a file, or a subtree of which nothing was read yet.
enum Item {
    Child(u8, Child),
    File(ArchivePath, File),
}

/// A position in a tree. The stack holds what is still to come, the next item last.
struct Cursor<'a, S: ?Sized> {
    source: &'a S,
    root: NodeHash,
    stack: Vec<Item>,
    /// The last path that was passed: all that follow come after it.
    last: Option<ArchivePath>,
    files: u64,
    /// The nodes that were read.
    read: Vec<NodeHash>,
}

impl<'a, S: NodeSource + ?Sized> Cursor<'a, S> {
    fn new(source: &'a S, root: NodeHash) -> Result<Self, TreeError<S::Error>> {
        let mut cursor = Self {
            source,
            root,
            stack: Vec::new(),
            last: None,
            files: 0,
            read: vec![root],
        };
        cursor.push(load(source, root)?);
        Ok(cursor)
    }

    fn peek(&self) -> Option<&Item> {
        self.stack.last()
    }

    /// Passes the subtree that comes next.
    fn skip(&mut self) -> Result<(), TreeError<S::Error>> {
        match self.stack.pop() {
            Some(Item::Child(_, child)) => self.pass(&child.last),
            _ => Ok(()),
        }
    }

    /// Takes the file that comes next.
    #[expect(clippy::type_complexity, reason = "a path and its file, or neither")]
    fn file(&mut self) -> Result<(Option<ArchivePath>, Option<File>), TreeError<S::Error>> {
        match self.stack.pop() {
            Some(Item::File(path, file)) => {
                self.files += 1;
                if self.files > Entry::MAX_FILES {
                    return Err(TreeError::TooManyFiles);
                }
                self.pass(&path)?;
                Ok((Some(path), Some(file)))
            }
            _ => Ok((None, None)),
        }
    }

    fn pass(&mut self, path: &ArchivePath) -> Result<(), TreeError<S::Error>> {
        if self.last.as_ref().is_some_and(|last| last >= path) {
            return Err(TreeError::Structure(self.root));
        }
        self.last = Some(path.clone());
        Ok(())
    }

    /// Puts the items of the subtree that comes next in its place.
    fn descend(&mut self) -> Result<(), TreeError<S::Error>> {
        if let Some(Item::Child(level, child)) = self.stack.pop() {
            let node = load_child(self.source, level, &child)?;
            self.read.push(child.hash);
            self.push(node);
        }
        Ok(())
    }

    fn push(&mut self, node: Node) {
        match node {
            Node::Leaf(files) => {
                let items = files.into_iter().rev();
                self.stack
                    .extend(items.map(|(path, file)| Item::File(path, file)));
            }
            Node::Inner { level, children } => {
                let items = children.into_iter().rev();
                self.stack
                    .extend(items.map(|child| Item::Child(level, child)));
            }
        }
    }
}
