//! [`ArchivePath`]: the only kind of name from elsewhere that may reach a disk.

use std::{
    borrow::{Borrow, Cow},
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
};

use thiserror::Error;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The path of a file in an archive, such as `2026/11/hello/index.html`.
///
/// It is relative, `/`-separated UTF-8 in NFC and means the same file on every platform: whatever a
/// platform would read as something else (a device, a drive, a parent folder, a stream) is refused.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArchivePath(String);

/// Why a name is not a path in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{}` can't be a path in an archive: {problem}", .path.escape_debug())]
pub struct PathError {
    /// The name.
    pub path: String,
    /// What is wrong with it.
    pub problem: PathProblem,
}

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PathProblem {
    /// No name at all.
    #[error("it is empty")]
    Empty,
    /// More than [`ArchivePath::MAX_BYTES`].
    #[error("it is longer than 1024 bytes")]
    TooLong,
    /// A part of more than [`ArchivePath::MAX_SEGMENT`] bytes.
    #[error("it has a part that is longer than 255 bytes, more than a file's name can be")]
    LongSegment,
    /// Two slashes in a row, or one at an end.
    #[error("it has an empty part (two slashes in a row, or one at its start or end)")]
    EmptySegment,
    /// `.` or `..`.
    #[error("it has a part `.` or `..`")]
    DotSegment,
    /// A control character.
    #[error("it has a control character")]
    Control,
    /// `\` or `:`, which some platforms give a meaning.
    #[error("it has a `\\` or a `:`, which mean something else on Windows")]
    Separator,
    /// A name that Windows keeps for a device.
    #[error("it has a part that Windows keeps for a device, such as `con` or `nul`")]
    Device,
    /// A part that ends in a dot or a space.
    #[error("it has a part that ends in a dot or a space, which Windows would drop")]
    TrailingDot,
    /// Not in Unicode's normal form C.
    #[error("it is not in Unicode's normal form C (NFC)")]
    NotNfc,
}

impl ArchivePath {
    /// The longest path, in bytes.
    pub const MAX_BYTES: usize = 1024;
    /// The longest part between slashes, in bytes: as long as the name of a file on most systems.
    pub const MAX_SEGMENT: usize = 255;

    /// Checks `path`.
    ///
    /// # Errors
    ///
    /// The first rule that it breaks.
    pub fn new(path: &str) -> Result<Self, PathError> {
        match check(path) {
            Ok(()) => Ok(Self(path.to_owned())),
            Err(problem) => Err(PathError {
                // A hostile name is shown, but not all of it.
                path: path.chars().take(80).collect(),
                problem,
            }),
        }
    }

    /// Checks `path` once its letters are composed (NFC): macOS and pages made on it have
    /// decomposed names, which mean the same.
    ///
    /// # Errors
    ///
    /// The first rule that it breaks.
    pub fn composed(path: &str) -> Result<Self, PathError> {
        match path.is_ascii() || is_nfc(path) {
            true => Self::new(path),
            // What is too long stays so: composing makes no name longer than three times its bytes.
            false if path.len() > 3 * Self::MAX_BYTES => Self::new(path),
            false => Self::new(&path.nfc().collect::<String>()),
        }
    }

    /// Where the file is in a person's folder `root`, where its name may be decomposed. Like
    /// [`under`](Self::under) if there is no such file.
    pub fn in_folder(&self, root: &Path) -> PathBuf {
        let plain = self.under(root);
        if self.0.is_ascii() || plain.symlink_metadata().is_ok() {
            return plain;
        }
        self.0.split('/').fold(root.to_owned(), |folder, name| {
            let plain = folder.join(name);
            if name.is_ascii() || plain.symlink_metadata().is_ok() {
                return plain;
            }
            let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            let same = entries.map(|entry| entry.file_name()).find(|found| {
                let found = found.to_str();
                found.is_some_and(|found| found.nfc().eq(name.chars()))
            });
            same.map_or(plain, |found| folder.join(found))
        })
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the file lies when the archive is checked out at `root`.
    pub fn under(&self, root: &Path) -> PathBuf {
        root.join(self.0.split('/').collect::<PathBuf>())
    }

    /// The key by which two paths that differ by case only are equal: file systems that fold case
    /// would make one file of them.
    pub fn case_key(&self) -> String {
        self.0.to_lowercase()
    }

    /// Whether the path is its own [`case_key`](Self::case_key). False may also mean that it would take a
    /// longer look to tell.
    pub fn is_case_key(&self) -> bool {
        self.0
            .bytes()
            .all(|b| b.is_ascii() && !b.is_ascii_uppercase())
    }

    /// Whether the path is kept for skep itself: `.well-known/skep*`.
    pub fn is_reserved(&self) -> bool {
        // Whatever has this for its lower case begins with a dot.
        self.0.starts_with('.') && self.case_key().starts_with(".well-known/skep")
    }
}

/// The names of a folder's files, of which no two may be one on some disk.
#[derive(Debug, Default)]
pub struct Names {
    /// By [`ArchivePath::case_key`]: whether it is a file; else it is a folder.
    taken: HashMap<String, bool>,
}

impl Names {
    /// Adds a file's path; false if it differs by case only from another, or is a folder of another, or
    /// the other way round.
    pub fn add(&mut self, path: &ArchivePath) -> bool {
        let key = match path.is_case_key() {
            true => Cow::Borrowed(path.as_str()),
            false => Cow::Owned(path.case_key()),
        };
        for (end, _) in key.match_indices('/') {
            match self.taken.get(&key[..end]) {
                Some(false) => {}
                Some(true) => return false,
                None => drop(self.taken.insert(key[..end].to_owned(), false)),
            }
        }
        self.taken.insert(key.into_owned(), true).is_none()
    }
}

fn check(path: &str) -> Result<(), PathProblem> {
    if path.is_empty() {
        return Err(PathProblem::Empty);
    }
    if path.len() > ArchivePath::MAX_BYTES {
        return Err(PathProblem::TooLong);
    }
    for segment in path.split('/') {
        check_segment(segment)?;
    }
    if !path.is_ascii() && !is_nfc(path) {
        return Err(PathProblem::NotNfc);
    }
    Ok(())
}

fn check_segment(segment: &str) -> Result<(), PathProblem> {
    if segment.is_empty() {
        return Err(PathProblem::EmptySegment);
    }
    if segment == "." || segment == ".." {
        return Err(PathProblem::DotSegment);
    }
    if segment.len() > ArchivePath::MAX_SEGMENT {
        return Err(PathProblem::LongSegment);
    }
    let is_control = match segment.is_ascii() {
        true => segment.bytes().any(|b| b.is_ascii_control()),
        false => segment.chars().any(char::is_control),
    };
    if is_control {
        return Err(PathProblem::Control);
    }
    if segment.bytes().any(|b| matches!(b, b'\\' | b':')) {
        return Err(PathProblem::Separator);
    }
    if segment.ends_with(['.', ' ']) {
        return Err(PathProblem::TrailingDot);
    }
    if is_device(segment) {
        return Err(PathProblem::Device);
    }
    Ok(())
}

/// Windows opens a device for these names whatever follows the first dot.
/// <https://learn.microsoft.com/windows/win32/fileio/naming-a-file>
fn is_device(segment: &str) -> bool {
    let stem = segment.split('.').next().unwrap_or(segment);
    let stem = stem.trim_end_matches(' ');
    // The longest is `conout$`; most names are longer, or begin otherwise.
    if stem.len() > 7 || !stem.starts_with(['c', 'C', 'p', 'P', 'a', 'A', 'n', 'N', 'l', 'L']) {
        return false;
    }
    let stem = stem.to_ascii_lowercase();
    if matches!(
        stem.as_str(),
        "con" | "prn" | "aux" | "nul" | "conin$" | "conout$"
    ) {
        return true;
    }
    let numbered = stem.strip_prefix("com").or(stem.strip_prefix("lpt"));
    numbered.is_some_and(|n| {
        let mut chars = n.chars();
        matches!(chars.next(), Some('0'..='9' | '¹' | '²' | '³')) && chars.next().is_none()
    })
}

impl AsRef<str> for ArchivePath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for ArchivePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ArchivePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ArchivePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_pass() {
        let longest = format!("{0}/{0}/{0}/{0}", "a".repeat(255));
        for path in [
            "index.html",
            "2026/11/23/a post/index.html",
            ".well-known/security.txt",
            "caf\u{e9}.html",
            "日本語/index.html",
            longest.as_str(),
            // Like a device, a parent, a home, an option, a wildcard or a quote, and none of it.
            "console.js",
            "com10.txt",
            "com\u{2074}",
            "lpt",
            "xnul",
            "conin",
            ".con",
            "a.con",
            "a..b/c",
            "...a",
            "~",
            "~root/a",
            "-rf",
            "--help",
            "*?<>|\"'",
            "$(HOME)",
            "%2e%2e%2fa",
            " a",
            // Look like dots and slashes; no system takes them for any.
            "\u{2024}\u{2024}/a",
            "\u{ff0e}\u{ff0e}\u{ff0f}a",
            "a\u{2215}b",
            "a\u{fe68}b",
            // Joiners and marks of direction: words need them, and whoever prints names escapes them.
            "\u{1f469}\u{200d}\u{1f33e}.html",
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}.html",
            "\u{5d0}\u{200f}.html",
            "a\u{202e}lmth.exe",
            "a\u{a0}b",
            "\u{feff}a",
            "a\u{2028}b",
        ] {
            assert_eq!(ArchivePath::new(path).unwrap().as_str(), path);
        }
    }

    #[test]
    fn names_that_mean_something_else_are_refused() {
        use PathProblem::*;
        let long = "a/".repeat(512) + "a";
        let segment = "a".repeat(256);
        let wide = format!("b/{}", "\u{e9}".repeat(128));
        for (path, problem) in [
            ("", Empty),
            (long.as_str(), TooLong),
            (segment.as_str(), LongSegment),
            (wide.as_str(), LongSegment),
            ("/", EmptySegment),
            ("//", EmptySegment),
            ("/etc/passwd", EmptySegment),
            ("//server/share", EmptySegment),
            ("a//b", EmptySegment),
            ("a/", EmptySegment),
            (".", DotSegment),
            ("..", DotSegment),
            ("../a", DotSegment),
            ("a/..", DotSegment),
            ("a/../b", DotSegment),
            ("a/../../b", DotSegment),
            ("./a", DotSegment),
            ("a/.", DotSegment),
            ("a\0b", Control),
            ("a\nb", Control),
            ("\u{1b}[2Ja", Control),
            ("a\u{7f}", Control),
            ("a\u{85}b", Control),
            ("a\u{9f}b", Control),
            ("a\\b", Separator),
            ("..\\a", Separator),
            ("\\\\?\\C", Separator),
            ("C:", Separator),
            ("C:/a", Separator),
            ("C:a", Separator),
            ("a:stream", Separator),
            ("a::$DATA", Separator),
            ("a.", TrailingDot),
            ("a./b", TrailingDot),
            ("a /b", TrailingDot),
            ("a. ", TrailingDot),
            ("a .", TrailingDot),
            (".. ", TrailingDot),
            ("...", TrailingDot),
            (" ", TrailingDot),
            ("con", Device),
            ("CON", Device),
            ("a/NUL.txt", Device),
            ("nul.tar.gz", Device),
            ("LPT1", Device),
            ("com0", Device),
            ("COM\u{b9}", Device),
            ("com\u{b9}.log", Device),
            ("lpt\u{b3}/a", Device),
            ("aux .html", Device),
            ("prn  .a", Device),
            ("conin$", Device),
            ("CONOUT$.x", Device),
            ("cafe\u{301}.html", NotNfc),
            ("\u{212b}", NotNfc),
            ("\u{1100}\u{1161}", NotNfc),
            ("\u{ff23}\u{301}\u{301}\u{323}", NotNfc),
        ] {
            assert_eq!(
                ArchivePath::new(path).unwrap_err().problem,
                problem,
                "{path:?}"
            );
        }
    }

    #[test]
    fn twins_in_normal_form_are_one_name_and_in_another_form_none() {
        // NFC and NFD of the same text: the one passes, the other is no path.
        for (composed, decomposed) in [("\u{e9}", "e\u{301}"), ("\u{ac00}", "\u{1100}\u{1161}")] {
            assert!(ArchivePath::new(composed).is_ok());
            assert!(ArchivePath::new(decomposed).is_err());
        }
        let mut names = Names::default();
        let mut add = |path: &str| names.add(&ArchivePath::new(path).unwrap());
        assert!(add("\u{c9}/a"));
        assert!(!add("\u{e9}/A"));
        assert!(add("\u{e9}/b"));
    }

    #[test]
    fn names_that_would_be_one_on_some_disk_are_told() {
        let clash = |paths: &[&str]| {
            let mut names = Names::default();
            let paths = paths.iter().map(|path| ArchivePath::new(path).unwrap());
            paths.map(|path| names.add(&path)).filter(|ok| !ok).count()
        };
        assert_eq!(clash(&["a", "b", "c/a", "c/b", "C/d"]), 0);
        assert_eq!(clash(&["a.html", "A.html"]), 1);
        assert_eq!(clash(&["a", "a-b", "a/b"]), 1);
        assert_eq!(clash(&["A/b", "a"]), 1);
        assert_eq!(clash(&["a", "a"]), 1);
    }

    #[test]
    fn a_checkout_path_stays_below_its_root() {
        let path = ArchivePath::new("a/b.html").unwrap();
        assert_eq!(path.under(Path::new("/out")), Path::new("/out/a/b.html"));
    }

    #[test]
    fn decomposed_names_mean_the_same() {
        let path = ArchivePath::composed("e\u{301}/a.png").unwrap();
        assert_eq!(path.as_str(), "\u{e9}/a.png");
        let long = "e\u{301}".repeat(5000);
        assert_eq!(
            ArchivePath::composed(&long).unwrap_err().problem,
            PathProblem::TooLong
        );
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("e\u{301}")).unwrap();
        std::fs::write(dir.path().join("e\u{301}/a.png"), "x").unwrap();
        assert_eq!(std::fs::read(path.in_folder(dir.path())).unwrap(), b"x");
        let missing = ArchivePath::new("\u{fc}").unwrap();
        assert_eq!(missing.in_folder(dir.path()), missing.under(dir.path()));
    }
}
