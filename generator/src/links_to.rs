//! The way that a symbolic link goes.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// So many links follow on each other at most, as in Linux.
const MOST: usize = 40;

/// Every path that decides what is read at `link`, but for `link` itself: the links in between, and where the way ends,
/// whether something is there or not. Empty if `link` is not a link.
pub(crate) fn trail(link: &Path) -> Vec<PathBuf> {
    let mut passed = Vec::new();
    let mut followed = 0;
    let mut at = PathBuf::new();
    let mut left: VecDeque<OsString> = parts(link).collect();
    while let Some(part) = left.pop_front() {
        if part == ".." {
            at.pop();
            continue;
        }
        at.push(part);
        let Ok(target) = std::fs::read_link(&at) else {
            continue;
        };
        followed += 1;
        if followed > MOST {
            break;
        }
        passed.push(at.clone());
        // An absolute target takes the place of all of it.
        at.pop();
        for part in parts(&target).collect::<Vec<_>>().into_iter().rev() {
            left.push_front(part);
        }
    }
    passed.push(at);
    passed.retain(|path| path != link);
    passed.dedup();
    passed
}

fn parts(path: &Path) -> impl Iterator<Item = OsString> {
    let parts = path.components();
    parts
        .filter(|part| !matches!(part, Component::CurDir))
        .map(|part| part.as_os_str().to_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_trail_has_every_link_and_the_end_of_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let path = |name: &str| root.join(name);
        std::fs::create_dir(path("real")).unwrap();
        std::fs::write(path("real/a"), "a").unwrap();
        symlink("real", path("folder")).unwrap();
        symlink("./folder/../folder/a", path("middle")).unwrap();
        symlink(path("middle"), path("link")).unwrap();
        let seen = trail(&path("link"));
        for passed in ["middle", "folder", "real/a"] {
            assert!(seen.contains(&path(passed)), "{passed}: {seen:?}");
        }
        assert_eq!(seen.last(), Some(&path("real/a")));
        assert_eq!(trail(&path("real/a")), Vec::<PathBuf>::new());

        symlink("gone", path("broken")).unwrap();
        assert_eq!(trail(&path("broken")), [path("gone")]);
        symlink("two", path("one")).unwrap();
        symlink("one", path("two")).unwrap();
        assert!(trail(&path("one")).len() <= MOST + 1);
    }
}
