//! By what a file is known again without reading it.

use std::fs::Metadata;
use std::time::{Duration, SystemTime};

/// The size, the times and the identity of a file. A program can set the time of the last change back, and
/// `cp -p` does; the time at which its inode changed, and the inode, it can't.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Stamp {
    pub(crate) bytes: u64,
    modified: Option<SystemTime>,
    /// When the inode changed, in seconds and nanoseconds since 1970; zero where there are no inodes.
    changed: (i64, i64),
    /// The device and the inode; zero where there are none.
    inode: (u64, u64),
    /// Whether the file has further names (hard links).
    has_other_names: bool,
}

/// File systems keep times in steps of up to two seconds: FAT does.
const TICK: Duration = Duration::from_secs(2);

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let (changed, inode, names) = {
            use std::os::unix::fs::MetadataExt;
            let changed = (metadata.ctime(), metadata.ctime_nsec());
            (changed, (metadata.dev(), metadata.ino()), metadata.nlink())
        };
        #[cfg(not(unix))]
        let (changed, inode, names) = ((0, 0), (0, 0), 1);
        Self {
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            changed,
            inode,
            has_other_names: metadata.is_file() && names > 1,
        }
    }

    /// Whether both are stamps of one file that has several names: what is written by one name is read by the other.
    pub(crate) fn is_other_name_of(&self, other: &Self) -> bool {
        self.has_other_names && other.has_other_names && self.inode == other.inode
    }

    /// Which file or folder this is, whatever it holds.
    pub(crate) fn identity(&self) -> (u64, u64) {
        self.inode
    }

    /// Whether the file was old enough at `seen` that a later change of it has another stamp.
    pub(crate) fn is_settled(&self, seen: SystemTime) -> bool {
        let changed = u64::try_from(self.changed.0).unwrap_or(0);
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(changed);
        let last = self.modified.map_or(seen, |modified| modified.max(changed));
        last.checked_add(TICK).is_some_and(|last| last < seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &std::path::Path) -> Stamp {
        Stamp::of(&std::fs::metadata(path).unwrap())
    }

    #[test]
    #[cfg(unix)]
    fn a_copy_of_equal_size_and_time_has_another_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::write(&a, "one").unwrap();
        std::fs::write(&b, "two").unwrap();
        let before = of(&a);
        let time = before.modified.unwrap();
        std::fs::File::options()
            .write(true)
            .open(&b)
            .unwrap()
            .set_modified(time)
            .unwrap();
        std::fs::rename(&b, &a).unwrap();
        let after = of(&a);
        assert_eq!(
            (before.bytes, before.modified),
            (after.bytes, after.modified)
        );
        assert_ne!(before, after);
    }

    #[test]
    #[cfg(unix)]
    fn two_names_of_one_file_are_told_from_two_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a"), "one").unwrap();
        std::fs::write(path("b"), "one").unwrap();
        std::fs::hard_link(path("a"), path("c")).unwrap();
        assert!(of(&path("a")).is_other_name_of(&of(&path("c"))));
        assert!(!of(&path("a")).is_other_name_of(&of(&path("b"))));
        assert!(!of(&path("b")).is_other_name_of(&of(&path("b"))));
    }

    #[test]
    fn a_file_that_was_just_written_is_not_settled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "one").unwrap();
        let now = SystemTime::now();
        assert!(!of(&path).is_settled(now));
        assert!(of(&path).is_settled(now + Duration::from_secs(5)));
    }
}
