//! Files that are the same under another name.

use std::collections::HashMap;

use crate::archive::{hash::ContentHash, path::ArchivePath, tree::Change};

/// A file that has another path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Where it was.
    pub from: ArchivePath,
    /// Where it is.
    pub to: ArchivePath,
}

/// The removed files whose bytes are back under an added name. Each change is in one move at most.
pub fn moves(changes: &[Change]) -> Vec<Move> {
    let mut gone: HashMap<ContentHash, Vec<&ArchivePath>> = HashMap::new();
    // From the last to the first, so that the first is taken first.
    for change in changes.iter().rev() {
        if let (Some(old), None) = (&change.old, &change.new) {
            gone.entry(old.hash).or_default().push(&change.path);
        }
    }
    let mut moves = Vec::new();
    for change in changes {
        if let (None, Some(new)) = (&change.old, &change.new)
            && let Some(from) = gone.get_mut(&new.hash).and_then(Vec::pop)
        {
            moves.push(Move {
                from: from.clone(),
                to: change.path.clone(),
            });
        }
    }
    moves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::tree::{File, node::MediaType};

    fn change(path: &str, old: Option<&str>, new: Option<&str>) -> Change {
        let file = |text: &str| File {
            hash: ContentHash::of(text.as_bytes()),
            size: text.len() as u64,
            media_type: MediaType::octet_stream(),
        };
        Change {
            path: ArchivePath::new(path).unwrap(),
            old: old.map(file),
            new: new.map(file),
        }
    }

    #[test]
    fn moves_are_told_by_content_and_each_file_moves_once() {
        let changes = [
            change("a", Some("same"), None),
            change("b", Some("same"), None),
            change("c", None, Some("same")),
            change("d", None, Some("other")),
            change("e", Some("x"), Some("same")),
        ];
        let found = moves(&changes);
        let pairs: Vec<_> = found
            .iter()
            .map(|m| (m.from.as_str(), m.to.as_str()))
            .collect();
        assert_eq!(pairs, [("a", "c")]);
    }
}
