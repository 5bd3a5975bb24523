//! [`SitePath`]: where a file of a site is.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The longest name of a file on most systems, in bytes.
const MAX_NAME: usize = 255;

/// The path of a file of the output, such as `wiki/Some Page/index.html`: relative, with slashes,
/// without percent escapes, in Unicode's normal form C.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SitePath(Arc<str>);

impl SitePath {
    /// The path `path`, which is made of names that are on the disk or that skep makes.
    pub(crate) fn of(path: &str) -> Self {
        Self(nfc(path).into())
    }

    /// The file that answers the URL path `written`, as an author wrote it: percent escapes are
    /// read, nothing else changes. A URL of a folder means the `index.html` in it.
    ///
    /// # Errors
    ///
    /// What is wrong with a path that no file can have.
    pub(crate) fn literal(written: &str) -> Result<Self, String> {
        let Some(path) = super::decoded(written) else {
            return Err("its percent escapes are not UTF-8".to_owned());
        };
        let path = nfc(path.trim_start_matches('/'));
        let folder = path.trim_end_matches('/');
        if !folder.is_empty() {
            folder.split('/').try_for_each(check)?;
        }
        let is_folder = path.is_empty() || path.ends_with('/');
        Ok(match is_folder {
            true if folder.is_empty() => Self("index.html".into()),
            true => Self(format!("{folder}/index.html").into()),
            false => Self(path.into()),
        })
    }

    /// The path as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Says what keeps `name` from being the name of a file or folder on some system. The archive of
/// the publisher refuses the same.
pub(crate) fn check(name: &str) -> Result<(), String> {
    let problem = if name.is_empty() {
        "it has two slashes in a row"
    } else if name == "." || name == ".." {
        "it has a part `.` or `..`"
    } else if name.chars().any(char::is_control) {
        "it has a control character"
    } else if name.contains(['\\', ':']) {
        "it has a `\\` or a `:`, which mean something else on Windows"
    } else if name.ends_with(['.', ' ']) {
        "it has a part that ends in a dot or a space, which Windows would drop"
    } else if name.len() > MAX_NAME {
        "it has a part that is longer than 255 bytes, more than a file's name can be"
    } else {
        return Ok(());
    };
    Err(problem.to_owned())
}

impl Deref for SitePath {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for SitePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SitePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SitePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// `name` in Unicode's normal form C. macOS may hand out decomposed names, which mean the same.
pub(crate) fn nfc(name: &str) -> Cow<'_, str> {
    match name.is_ascii() || is_nfc(name) {
        true => Cow::Borrowed(name),
        false => Cow::Owned(name.nfc().collect()),
    }
}

/// Where the file `path` of the folder `root` is on the disk, where its name may be decomposed.
pub(crate) fn on_disk(root: &Path, path: &str) -> PathBuf {
    let plain = root.join(path);
    if path.is_ascii() || plain.symlink_metadata().is_ok() {
        return plain;
    }
    path.split('/').fold(root.to_owned(), |folder, name| {
        let plain = folder.join(name);
        if name.is_ascii() || plain.symlink_metadata().is_ok() {
            return plain;
        }
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let same = entries
            .map(|entry| entry.file_name())
            .find(|found| found.to_str().is_some_and(|found| nfc(found) == name));
        same.map_or(plain, |found| folder.join(found))
    })
}

/// The path `relative` from `folder`, without `.` and `..`. One that leads out of the site begins
/// with `../`.
pub(crate) fn resolve(folder: &str, relative: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let mut above = 0;
    let folders = folder.split('/').filter(|part| !part.is_empty());
    for part in folders.chain(relative.split('/')) {
        match part {
            "." => {}
            ".." => {
                if parts.pop().is_none() {
                    above += 1;
                }
            }
            part => parts.push(part),
        }
    }
    let mut path = "../".repeat(above);
    path.push_str(&parts.join("/"));
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_author_wrote_stays_as_it_is() {
        for (written, path) in [
            ("/wiki/Some Page/", "wiki/Some Page/index.html"),
            ("/caf%C3%A9/", "café/index.html"),
            ("/cafe\u{301}/", "caf\u{e9}/index.html"),
            ("old.html", "old.html"),
            ("/a%23b%3Fc%25/", "a#b?c%/index.html"),
            ("/100%/", "100%/index.html"),
            ("/", "index.html"),
        ] {
            assert_eq!(SitePath::literal(written).unwrap().as_str(), path);
        }
    }

    #[test]
    fn what_no_file_can_be_called_is_refused() {
        for written in [
            "/../x/",
            "/a/%2e%2e/b/",
            "/a/./b",
            "/a//b/",
            "/a%00b/",
            "/a%0Ab/",
            "/a:b/",
            "/a%5Cb/",
            "/a./",
            "/a%20/",
            "/%FF/",
        ] {
            assert!(SitePath::literal(written).is_err(), "{written}");
        }
        let long = "x".repeat(300);
        assert!(SitePath::literal(&long).unwrap_err().contains("255"));
    }

    #[test]
    fn a_decomposed_name_is_found_on_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("e\u{301}");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("o\u{308}.md"), "x").unwrap();
        let found = on_disk(dir.path(), "\u{e9}/\u{f6}.md");
        assert_eq!(std::fs::read_to_string(found).unwrap(), "x");
        let missing = on_disk(dir.path(), "\u{fc}.md");
        assert_eq!(missing, dir.path().join("\u{fc}.md"));
    }
}
