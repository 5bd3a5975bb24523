//! What changed between two trees, in time proportional to the changes.

use super::{
    node::{Child, File, Node},
    read::{NodeSource, TreeError, load, load_child},
};
use crate::archive::{hash::NodeHash, path::ArchivePath};

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

/// The paths that differ, in order. Subtrees with the same hash on both sides are not read.
///
/// # Errors
///
/// If a node can't be had or is not what it should be.
pub fn diff<S: NodeSource + ?Sized>(
    source: &S,
    old: NodeHash,
    new: NodeHash,
) -> Result<Vec<Change>, TreeError<S::Error>> {
    let mut changes = Vec::new();
    if old == new {
        return Ok(changes);
    }
    let mut old = Cursor::new(source, old)?;
    let mut new = Cursor::new(source, new)?;
    loop {
        match (old.peek(), new.peek()) {
            (None, None) => return Ok(changes),
            (Some(Item::Child(level_a, a)), Some(Item::Child(level_b, b))) => {
                if a.hash == b.hash {
                    old.skip();
                    new.skip();
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
                let ((path, before), (_, after)) = (old.file(), new.file());
                if before != after {
                    changes.extend(change(path, before, after));
                }
            }
            (Some(Item::File(a, _)), Some(Item::File(b, _))) if a < b => {
                let (path, before) = old.file();
                changes.extend(change(path, before, None));
            }
            (Some(Item::File(..)), None) => {
                let (path, before) = old.file();
                changes.extend(change(path, before, None));
            }
            (_, Some(Item::File(..))) => {
                let (path, after) = new.file();
                changes.extend(change(path, None, after));
            }
        }
    }
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
    stack: Vec<Item>,
}

impl<'a, S: NodeSource + ?Sized> Cursor<'a, S> {
    fn new(source: &'a S, root: NodeHash) -> Result<Self, TreeError<S::Error>> {
        let mut cursor = Self {
            source,
            stack: Vec::new(),
        };
        cursor.push(load(source, root)?);
        Ok(cursor)
    }

    fn peek(&self) -> Option<&Item> {
        self.stack.last()
    }

    fn skip(&mut self) {
        self.stack.pop();
    }

    /// Takes the file that comes next.
    fn file(&mut self) -> (Option<ArchivePath>, Option<File>) {
        match self.stack.pop() {
            Some(Item::File(path, file)) => (Some(path), Some(file)),
            _ => (None, None),
        }
    }

    /// Puts the items of the subtree that comes next in its place.
    fn descend(&mut self) -> Result<(), TreeError<S::Error>> {
        if let Some(Item::Child(level, child)) = self.stack.pop() {
            let node = load_child(self.source, level, &child)?;
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
