//! [`Screen`]: names that programs on a reader's machine obey, whoever wrote the files.
//!
//! A prompt, an editor or a build tool runs what it finds in the folder that a person enters: git
//! the commands that a repository's settings name, direnv `.envrc`, an editor the tasks in
//! `.vscode`. New ones come every year. So this is a rule and not a list of programs: hidden names
//! from elsewhere are refused, but for a few that mean something to web servers alone. Two more
//! kinds need no hidden name: folders of other version control systems, and a folder that looks to
//! git like a repository without a working tree ("bare"), which is a combination of plain names.

use std::{borrow::Cow, collections::HashMap};

use crate::archive::path::ArchivePath;

/// Hidden names that a published site has for web servers, or that mean nothing to any program that
/// runs commands. In lower case.
const SITE: &[&str] = &[
    ".well-known",
    ".htaccess",
    ".nojekyll",
    ".domains",
    ".buildinfo",
    ".gitignore",
    ".gitkeep",
    ".keep",
    ".ds_store",
];

/// The same for sources, which a person works with: in an editor, and with git.
const SOURCES: &[&str] = &[".well-known", ".htaccess", ".nojekyll", ".domains"];

/// What version control systems take for their own. `git~1` and `hg~1` are what Windows calls
/// `.git` and `.hg`.
const REPOSITORIES: &[&str] = &[
    ".git", "git~1", ".hg", "hg~1", ".jj", ".svn", ".bzr", "_darcs", "_fossil_",
];

/// What git looks for in a folder, each with a bit.
const PARTS: [(&str, u8); 4] = [("head", 1), ("objects", 2), ("refs", 4), ("commondir", 8)];
/// All of one of these make a repository (`is_git_directory` in git's `setup.c`). What `commondir`
/// names may have the rest.
const BARE: [u8; 2] = [1 | 2 | 4, 1 | 8];

/// Looks at the paths of files from elsewhere, one after another, before any is written.
#[derive(Debug)]
pub struct Screen {
    hidden: &'static [&'static str],
    /// By folder: which parts of a repository it has.
    parts: HashMap<String, u8>,
}

/// Why files from elsewhere are not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obeyed {
    /// The file or folder that a program would obey; empty for the folder that has all of them.
    pub path: String,
    /// What is wrong with it, as the end of a sentence.
    pub why: &'static str,
}

impl Screen {
    /// For the files of a published site.
    pub fn of_site() -> Self {
        Self::allowing(SITE)
    }

    /// For what sites are made of.
    pub fn of_sources() -> Self {
        Self::allowing(SOURCES)
    }

    fn allowing(hidden: &'static [&'static str]) -> Self {
        Self {
            hidden,
            parts: HashMap::new(),
        }
    }

    /// Looks at another path.
    ///
    /// # Errors
    ///
    /// If a program would obey it, alone or together with those before.
    pub fn add(&mut self, path: &ArchivePath) -> Result<(), Obeyed> {
        let why = if is_of_repository(path) {
            "is a part of a repository, which makes a version control system run what it says"
        } else if is_hidden(path, self.hidden) {
            "is hidden, and programs run what hidden files say"
        } else {
            return self.add_own(path);
        };
        Err(Obeyed {
            path: path.as_str().to_owned(),
            why,
        })
    }

    /// The same for files of one's own: what is wrong with one name is one's own affair.
    ///
    /// # Errors
    ///
    /// If git would take a folder for a repository.
    pub fn add_own(&mut self, path: &ArchivePath) -> Result<(), Obeyed> {
        let path = path.as_str();
        let mut start = 0;
        for part in path.split('/') {
            let end = start + part.len();
            // Most names are none of these, and are not copied.
            if !part.is_ascii() || matches!(part.len(), 4..=9) {
                let name = folded(part);
                if let Some((_, bit)) = PARTS.iter().find(|(known, _)| *known == name) {
                    let folder = path[..start].trim_end_matches('/');
                    let key = folder.split('/').map(folded).collect::<Vec<_>>().join("/");
                    let bits = self.parts.entry(key).or_default();
                    *bits |= bit;
                    if BARE.iter().any(|bare| *bits & bare == *bare) {
                        return Err(Obeyed {
                            path: folder.to_owned(),
                            why: "looks to git like a repository, whose settings name commands to run",
                        });
                    }
                }
            }
            start = end + 1;
        }
        Ok(())
    }
}

impl std::fmt::Display for Obeyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "the site's folder {}", self.why),
            path => write!(f, "{path} {}", self.why),
        }
    }
}

/// Whether a path of a published site has a name that nobody else would take.
pub(crate) fn is_refused_elsewhere(path: &ArchivePath) -> bool {
    is_of_repository(path) || is_hidden(path, SITE)
}

fn is_of_repository(path: &ArchivePath) -> bool {
    any_name(path, |name| REPOSITORIES.contains(&name))
}

/// Whether a name of the path is hidden and not among the `allowed`.
fn is_hidden(path: &ArchivePath, allowed: &[&str]) -> bool {
    any_name(path, |name| {
        // macOS puts what other disks have no place for into files whose names begin so.
        let is_attributes = name.starts_with("._") && allowed.contains(&".ds_store");
        name.starts_with('.') && !is_attributes && !allowed.contains(&name)
    })
}

/// Whether a name of the path is so meant, by what it is on some disk.
fn any_name(path: &ArchivePath, is_meant: impl Fn(&str) -> bool) -> bool {
    path.as_str().split('/').any(|name| is_meant(&folded(name)))
}

/// A name as disks compare it that fold case, and those of macOS, which skip some characters:
/// <https://github.com/git/git/blob/v2.47.0/utf8.c#L732>. Two names that any disk takes for one are
/// equal here; by way of capitals, as `ſ` is the small letter of an `S`.
fn folded(part: &str) -> Cow<'_, str> {
    let is_plain = |b: u8| b.is_ascii() && !b.is_ascii_uppercase();
    if part.bytes().all(is_plain) {
        return Cow::Borrowed(part);
    }
    let is_skipped = |c: &char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let seen: String = part.chars().filter(|c| !is_skipped(c)).collect();
    Cow::Owned(seen.to_uppercase().to_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is said of the last of these paths; the others are taken.
    fn said(mut screen: Screen, paths: &[&str]) -> Option<String> {
        let (last, first) = paths.split_last().unwrap();
        for path in first {
            let path = ArchivePath::new(path).unwrap();
            assert_eq!(screen.add(&path), Ok(()), "{path}");
        }
        let last = ArchivePath::new(last).unwrap();
        screen.add(&last).err().map(|obeyed| obeyed.path)
    }

    #[test]
    fn hidden_names_are_refused_but_for_a_few() {
        for path in [
            ".git/config",
            "a/.GIT",
            ".g\u{200c}it/config",
            "\u{feff}.envrc",
            "a/.vscode/tasks.json",
            ".github/workflows/ci.yml",
            ".gitattributes",
            ".gitmodules",
            ".hg/hgrc",
            ".svn/wc.db",
            ".jj/repo/config.toml",
            ".cargo/config.toml",
            ".npmrc",
            ".new-in-2030",
            ".well-known/.envrc",
            "git~1/config",
            "HG~1/hgrc",
            "_darcs/prefs/defaults",
        ] {
            for screen in [Screen::of_site(), Screen::of_sources()] {
                assert_eq!(said(screen, &[path]).as_deref(), Some(path), "{path}");
            }
        }
        for (path, in_sources) in [
            (".well-known/security.txt", true),
            ("a/.htaccess", true),
            (".nojekyll", true),
            (".gitignore", false),
            ("a/._photo.jpg", false),
            ("a/.DS_Store", false),
            ("git/b", true),
            ("a.git/b", true),
            ("index.html", true),
        ] {
            let taken = said(Screen::of_sources(), &[path]).is_none();
            assert_eq!(taken, in_sources, "{path}");
            assert_eq!(said(Screen::of_site(), &[path]), None, "{path}");
        }
    }

    #[test]
    fn a_folder_that_git_takes_for_a_repository_is_refused_at_any_depth_and_in_any_case() {
        let at_root = ["HEAD", "config", "objects/info/x", "refs/heads/main"];
        assert_eq!(said(Screen::of_site(), &at_root).as_deref(), Some(""));
        for (paths, folder) in [
            (["a/HEAD", "a/objects/x", "a/refs/x"], "a"),
            (["a/b/refs/x", "a/b/head", "a/b/Objects/x"], "a/b"),
            (["A/HEAD", "a/objects/x", "a/refs/x"], "a"),
            (["a/HEAD", "a/ob\u{200d}jects/x", "a/REF\u{17f}/x"], "a"),
            (["b", "a/commondir", "a/HEAD"], "a"),
            (["b", "a/CommonDir", "a/HEAD"], "a"),
            // As files too: a disk that is not there yet may hold anything.
            (["a/HEAD", "a/objects", "a/refs"], "a"),
        ] {
            assert_eq!(
                said(Screen::of_site(), &paths).as_deref(),
                Some(folder),
                "{paths:?}"
            );
        }
        for paths in [
            ["HEAD", "objects/x", "a/refs/x"],
            ["a/HEAD", "b/objects/x", "b/refs/x"],
            ["objects/x", "refs/x", "config"],
            ["heads", "object/x", "refs/x"],
            ["head.html", "objects/x", "refs/x"],
        ] {
            assert_eq!(said(Screen::of_site(), &paths), None, "{paths:?}");
        }
    }

    #[test]
    fn the_hidden_files_of_ones_own_site_are_ones_own_affair() {
        let mut screen = Screen::of_site();
        let mut own = |path: &str| screen.add_own(&ArchivePath::new(path).unwrap()).is_ok();
        assert!(own(".vscode/tasks.json") && own("a/HEAD") && own("a/objects/x"));
        assert!(!own("a/refs/x"));
    }

    proptest! {
        #[test]
        fn the_order_of_paths_decides_nothing(
            paths in Just(["x/HEAD", "x/objects/a", "x/refs/b", "x/config", "y/z"]).prop_shuffle(),
        ) {
            let mut screen = Screen::of_site();
            let refused = paths.iter().any(|path| screen.add(&ArchivePath::new(path).unwrap()).is_err());
            prop_assert!(refused);
        }
    }
}
