//! [`CheckedNames`]: the names in the trees that were checked last, so that the next version of a site need not be read
//! whole to know that no two of its names are one on some disk.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::archive::{hash::NodeHash, path::ArchivePath, tree::Change};

/// The most names of files and folders that are kept, of all trees together: some 20 bytes each.
const MAX_NAMES: usize = 1 << 19;

/// The names in some trees, by the tree's root.
#[derive(Debug, Clone, Default)]
pub(crate) struct CheckedNames {
    keys: RandomState,
    trees: Arc<Mutex<Trees>>,
}

#[derive(Debug, Default)]
struct Trees {
    /// The one that was used last at the end.
    names: VecDeque<(NodeHash, Taken)>,
    total: usize,
}

/// The names of a tree. They are told apart by a hash under a key that nobody knows, so that two that are not equal
/// are taken for one as good as never.
#[derive(Debug)]
pub(crate) struct Taken {
    keys: RandomState,
    /// By the hash of [`ArchivePath::case_key`]: how many files a folder has below it; 0 is a file.
    names: HashMap<u64, u32>,
}

impl CheckedNames {
    /// No names, to which those of a tree are added.
    pub(crate) fn none(&self) -> Taken {
        Taken {
            keys: self.keys.clone(),
            names: HashMap::new(),
        }
    }

    /// The names of the tree `root`, if they are known. Whoever takes them puts back those of the tree that follows.
    pub(crate) fn take(&self, root: NodeHash) -> Option<Taken> {
        let mut trees = self.trees();
        let at = trees.names.iter().position(|(tree, _)| *tree == root)?;
        let (_, taken) = trees.names.remove(at)?;
        trees.total -= taken.names.len();
        Some(taken)
    }

    /// Keeps the names of the tree `root`, which passed every check, as long as there is room.
    pub(crate) fn put(&self, root: NodeHash, taken: Taken) {
        if taken.names.len() > MAX_NAMES {
            return;
        }
        drop(self.take(root));
        let mut trees = self.trees();
        trees.total += taken.names.len();
        trees.names.push_back((root, taken));
        while trees.total > MAX_NAMES
            && let Some((_, oldest)) = trees.names.pop_front()
        {
            trees.total -= oldest.names.len();
        }
    }

    fn trees(&self) -> MutexGuard<'_, Trees> {
        // A cache is right at any moment, also after a panic elsewhere.
        self.trees.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Adds a file's path; false if it seems to differ by case only from another, or to be a folder of another, or
    /// the other way round. A second look tells: see [`Names`](crate::archive::path::Names).
    pub(crate) fn add(&mut self, path: &ArchivePath) -> bool {
        let names = &mut self.names;
        let mut is_free = true;
        each_name(&self.keys, path, |name, is_file| {
            is_free &= match (names.get_mut(&name), is_file) {
                (None, is_file) => {
                    names.insert(name, u32::from(!is_file));
                    true
                }
                (Some(files), false) if *files > 0 => {
                    *files += 1;
                    true
                }
                (Some(_), _) => false,
            };
        });
        is_free
    }

    /// Makes them the names of the tree that differs by `changes`; false as [`add`](Self::add).
    pub(crate) fn apply(&mut self, changes: &[Change]) -> bool {
        for change in changes.iter().filter(|change| change.new.is_none()) {
            self.remove(&change.path);
        }
        let mut added = changes.iter().filter(|change| change.old.is_none());
        added.all(|change| self.add(&change.path))
    }

    fn remove(&mut self, path: &ArchivePath) {
        let names = &mut self.names;
        each_name(&self.keys, path, |name, _| {
            if let Some(files) = names.get_mut(&name) {
                *files = files.saturating_sub(1);
                if *files == 0 {
                    names.remove(&name);
                }
            }
        });
    }
}

/// Calls `each` with the hash of each folder above a file, and with that of the file.
fn each_name(keys: &RandomState, path: &ArchivePath, mut each: impl FnMut(u64, bool)) {
    let folded;
    let key = match path.is_case_key() {
        true => path.as_str(),
        false => {
            folded = path.case_key();
            &folded
        }
    };
    for (end, _) in key.match_indices('/') {
        each(keys.hash_one(&key[..end]), false);
    }
    each(keys.hash_one(key), true);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::archive::{
        hash::ContentHash,
        path::Names,
        tree::{File, node::MediaType},
    };

    fn file() -> File {
        File {
            hash: ContentHash([0; 32]),
            size: 0,
            media_type: MediaType::octet_stream(),
        }
    }

    fn changes(old: &BTreeSet<ArchivePath>, new: &BTreeSet<ArchivePath>) -> Vec<Change> {
        let is_in = |paths: &BTreeSet<_>, path| paths.contains(path).then(file);
        let paths = old.symmetric_difference(new);
        paths
            .map(|path| Change {
                path: path.clone(),
                old: is_in(old, path),
                new: is_in(new, path),
            })
            .collect()
    }

    fn paths() -> impl Strategy<Value = BTreeSet<ArchivePath>> {
        let path =
            "[abAB\u{e9}\u{c9}](/[abA]){0,3}".prop_map(|path| ArchivePath::new(&path).unwrap());
        prop::collection::btree_set(path, 0..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        #[test]
        fn they_say_what_a_look_at_all_names_says(steps in prop::collection::vec(paths(), 1..6)) {
            let mut taken = CheckedNames::default().none();
            let mut old = BTreeSet::new();
            for new in steps {
                let mut names = Names::default();
                let is_right = new.iter().all(|path| names.add(path));
                prop_assert_eq!(taken.apply(&changes(&old, &new)), is_right);
                if !is_right {
                    return Ok(());
                }
                old = new;
            }
            let none = BTreeSet::new();
            prop_assert!(taken.apply(&changes(&old, &none)));
            prop_assert_eq!(taken.names.len(), 0);
        }
    }

    #[test]
    fn the_oldest_make_room() {
        let checked = CheckedNames::default();
        let of = |count: usize| Taken {
            names: (0..count as u64).map(|n| (n, 0)).collect(),
            ..checked.none()
        };
        let root = |n| NodeHash([n; 32]);
        checked.put(root(0), of(MAX_NAMES + 1));
        assert!(checked.take(root(0)).is_none());
        (1..=4).for_each(|n| checked.put(root(n), of(MAX_NAMES / 3)));
        assert!(checked.take(root(1)).is_none());
        assert!(checked.take(root(2)).is_some());
        assert!(checked.take(root(2)).is_none());
        checked.put(root(3), of(1));
        assert_eq!(checked.trees().total, MAX_NAMES / 3 + 1);
    }
}
