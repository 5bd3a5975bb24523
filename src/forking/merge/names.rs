//! Which names are taken in a folder, and others for files whose names are.

use std::collections::{HashMap, HashSet};

use skep_publisher::archive::path::ArchivePath;

/// The names in a folder, as a disk sees them that takes upper and lower case for one.
pub(super) struct Taken<'a> {
    files: HashMap<String, &'a ArchivePath>,
    folders: HashSet<String>,
}

impl<'a> Taken<'a> {
    /// By these files and the folders in which they are.
    pub(super) fn by(paths: impl Iterator<Item = &'a ArchivePath>) -> Self {
        let mut taken = Self {
            files: HashMap::new(),
            folders: HashSet::new(),
        };
        for path in paths {
            let key = path.case_key();
            let folders = key.match_indices('/').map(|(at, _)| key[..at].to_owned());
            taken.folders.extend(folders);
            taken.files.insert(key, path);
        }
        taken
    }

    /// Where the part of `path` ends that can't be there beside what is: a folder that is a file here, or the whole, if
    /// that is a folder or another file. `None` if nothing is in the way.
    pub(super) fn clash(&self, path: &ArchivePath) -> Option<usize> {
        let text = path.as_str();
        let folder = text.match_indices('/').map(|(at, _)| at);
        for at in folder {
            if self.files.contains_key(&text[..at].to_lowercase()) {
                return Some(at);
            }
        }
        let key = path.case_key();
        let is_other = self.files.get(&key).is_some_and(|file| *file != path);
        (is_other || self.folders.contains(&key)).then_some(text.len())
    }
}

/// A path for a file of `version` that can't be at `path`: the name that ends at `end` gets the version's number. The first
/// that `is_free`; `None` if there is none.
pub(super) fn beside(
    path: &ArchivePath,
    end: usize,
    version: u64,
    is_free: impl Fn(&ArchivePath) -> bool,
) -> Option<ArchivePath> {
    let text = path.as_str();
    let start = text[..end].rfind('/').map_or(0, |at| at + 1);
    let name = &text[start..end];
    // Not the dot that hides a file.
    let dot = name.rfind('.').filter(|at| *at > 0).unwrap_or(name.len());
    let (stem, extension) = name.split_at(dot);
    (1..10).find_map(|n| {
        let again = match n {
            1 => String::new(),
            n => format!("-{n}"),
        };
        let (above, below) = (&text[..start], &text[end..]);
        let name = format!("{above}{stem}.version-{version}{again}{extension}{below}");
        ArchivePath::new(&name).ok().filter(&is_free)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> ArchivePath {
        ArchivePath::new(text).unwrap()
    }

    #[test]
    fn a_name_is_taken_by_its_twin_and_by_a_folder() {
        let here = ["About.md", "a/b.md", "C"].map(path);
        let taken = Taken::by(here.iter());
        for (new, clash) in [
            ("about.md", Some(8)),
            ("About.md", None),
            ("a", Some(1)),
            ("A", Some(1)),
            ("a/c.md", None),
            ("c/d/e.md", Some(1)),
            ("d", None),
        ] {
            assert_eq!(taken.clash(&path(new)), clash, "{new}");
        }
    }

    #[test]
    fn a_file_beside_has_the_version_in_its_name() {
        for (file, end, name) in [
            ("a/photo.png", 11, "a/photo.version-5.png"),
            ("a/b/c.md", 1, "a.version-5/b/c.md"),
            (".htaccess", 9, ".htaccess.version-5"),
            ("a.b/c", 3, "a.version-5.b/c"),
        ] {
            assert_eq!(beside(&path(file), end, 5, |_| true), Some(path(name)));
        }
        let free = |found: &ArchivePath| found.as_str() == "a.version-5-2";
        assert_eq!(beside(&path("a"), 1, 5, free), Some(path("a.version-5-2")));
        assert_eq!(beside(&path("a"), 1, 5, |_| false), None);
        let long = "a".repeat(ArchivePath::MAX_SEGMENT);
        assert_eq!(beside(&path(&long), long.len(), 5, |_| true), None);
    }
}
