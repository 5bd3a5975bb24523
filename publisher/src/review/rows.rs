//! [`Rows`]: the changes of a part by their kind, as a person counts them: a moved file is one change.

use std::collections::HashMap;

use super::Part;
use crate::archive::{path::ArchivePath, tree::Change};

/// The changes by their kind, each in the order of their paths.
#[derive(Debug, Default)]
pub struct Rows<'a> {
    /// Files that are new.
    pub new: Vec<Row<'a>>,
    /// Files that differ.
    pub changed: Vec<Row<'a>>,
    /// Files that are the same under another name.
    pub moved: Vec<Row<'a>>,
    /// Files that are gone.
    pub removed: Vec<Row<'a>>,
}

/// A change, as a list shows it.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The change; of a moved file the one at its new path.
    pub change: &'a Change,
    /// Where a moved file was.
    pub from: Option<&'a ArchivePath>,
}

/// What has become of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// It is new.
    New,
    /// It differs.
    Changed,
    /// It has another name.
    Moved,
    /// It is gone.
    Removed,
}

impl RowKind {
    /// Its name in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Moved => "moved",
            Self::Removed => "removed",
        }
    }
}

impl<'a> Rows<'a> {
    /// The changes of `part`.
    pub fn of(part: &'a Part) -> Self {
        let moves = part.moves.iter();
        let came: HashMap<_, _> = moves.clone().map(|m| (&m.to, &m.from)).collect();
        let went: HashMap<_, _> = moves.map(|m| (&m.from, &m.to)).collect();
        let mut rows = Self::default();
        for change in &part.changes {
            let from = came.get(&change.path).copied();
            let group = match (&change.old, &change.new) {
                (None, _) if from.is_some() => &mut rows.moved,
                (None, _) => &mut rows.new,
                (_, None) if went.contains_key(&change.path) => continue,
                (_, None) => &mut rows.removed,
                _ => &mut rows.changed,
            };
            group.push(Row { change, from });
        }
        rows
    }

    /// The kinds with their rows.
    pub fn by_kind(&self) -> [(RowKind, &[Row<'a>]); 4] {
        [
            (RowKind::New, &self.new),
            (RowKind::Changed, &self.changed),
            (RowKind::Moved, &self.moved),
            (RowKind::Removed, &self.removed),
        ]
    }

    /// How many changes there are.
    pub fn count(&self) -> usize {
        self.by_kind().iter().map(|(_, rows)| rows.len()).sum()
    }

    /// How many of each kind, in words: `2 new, 1 moved`; empty if there are none.
    pub fn summary(&self) -> String {
        let kinds = self.by_kind();
        let some = kinds.iter().filter(|(_, rows)| !rows.is_empty());
        let parts: Vec<_> = some
            .map(|(kind, rows)| format!("{} {}", rows.len(), kind.name()))
            .collect();
        parts.join(", ")
    }
}
