//! The source files of a site: those of its folder, laid over those of its theme.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use walkdir::{DirEntry, WalkDir};

use crate::config::{self, Config};
use crate::error::{Error, ErrorKind};
use crate::glob;
use crate::theme;

/// One source file. Its text is not read yet.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// The path in the site folder or in the theme, with slashes.
    pub(crate) path: String,
    /// The path as errors show it.
    pub(crate) shown: String,
    pub(crate) role: Role,
    pub(crate) content: Content,
}

/// Where the bytes of a source are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Theme(Cow<'static, [u8]>),
    Disk {
        path: PathBuf,
        bytes: u64,
        modified: Option<SystemTime>,
    },
}

/// What a source is for, as its place in the folder says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Post,
    Draft,
    Layout,
    Include,
    Data,
    /// A page if it has front matter, else a file that is copied.
    Other,
}

impl Source {
    pub(crate) fn is_from_theme(&self) -> bool {
        matches!(self.content, Content::Theme(_))
    }

    /// All bytes of the source.
    pub(crate) fn read(&self) -> Result<Vec<u8>, Error> {
        match &self.content {
            Content::Theme(bytes) => Ok(bytes.to_vec()),
            Content::Disk { path, .. } => std::fs::read(path)
                .map_err(|error| Error::io("read it", &error).in_file(&self.shown)),
        }
    }

    /// The text of the source, without a byte order mark.
    pub(crate) fn read_text(&self) -> Result<String, Error> {
        let bytes = self.read()?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let line = 1 + error.as_bytes()[..valid]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            Error::new(
                ErrorKind::FrontMatter,
                format!("line {line} of this file is not UTF-8 text"),
            )
            .in_file(&self.shown)
            .with_hint("save it as UTF-8 in your editor")
        })?;
        Ok(match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        })
    }

    /// Whether the source begins as a file with front matter does. Reads no more than that.
    pub(crate) fn may_have_front_matter(&self) -> Result<bool, Error> {
        use std::io::Read;
        let mut head = Vec::with_capacity(6);
        match &self.content {
            Content::Theme(bytes) => head.extend(bytes.iter().take(6)),
            Content::Disk { path, .. } => {
                std::fs::File::open(path)
                    .and_then(|file| file.take(6).read_to_end(&mut head))
                    .map_err(|error| Error::io("read it", &error).in_file(&self.shown))?;
            }
        }
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
        Ok(head.starts_with(b"---") || head.starts_with(b"+++"))
    }
}

/// Finds the sources of the site in the folder `root`, by path. No link leads to `root`.
pub(crate) fn find(root: &Path, config: &Config) -> Result<BTreeMap<String, Source>, Error> {
    let mut sources = BTreeMap::new();
    for (path, bytes) in theme::files(&config.theme) {
        let source = Source {
            shown: format!("theme:{}/{path}", config.theme),
            role: role(&path),
            content: Content::Theme(bytes),
            path: path.clone(),
        };
        sources.insert(path, source);
    }

    let mut errors = Vec::new();
    let walk = WalkDir::new(root).min_depth(1).sort_by_file_name();
    let wanted = |entry: &DirEntry| match relative(root, entry.path()) {
        Ok(path) => is_source(&path) && !glob::any(&config.exclude, &path),
        // Let the entry through, so that its name is told below.
        Err(_) => true,
    };
    for entry in walk.into_iter().filter_entry(wanted) {
        match entry
            .map_err(walk_error)
            .and_then(|entry| source(root, &entry))
        {
            Ok(Some(source)) => {
                sources.insert(source.path.clone(), source);
            }
            Ok(None) => {}
            Err(error) => errors.push(error),
        }
    }
    Error::collect(errors)?;
    Ok(sources)
}

/// Whether the file or folder at `path`, relative to the site folder, is a source by its name.
/// What lies in a folder that is no source is none either.
pub(crate) fn is_source(path: &str) -> bool {
    if path == config::FILE {
        return false;
    }
    if matches!(
        path,
        "_posts" | "_drafts" | "_layouts" | "_includes" | "_data" | ".well-known"
    ) {
        return true;
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    !name.starts_with(['_', '.', '#']) && !name.ends_with('~')
}

/// `path` relative to `dir`, with slashes.
pub(crate) fn relative(dir: &Path, path: &Path) -> Result<String, Error> {
    let inside = path.strip_prefix(dir).unwrap_or(path);
    let mut names = Vec::new();
    for component in inside.components() {
        let name = component.as_os_str();
        names.push(name.to_str().ok_or_else(|| {
            Error::new(ErrorKind::Path, "the name of this file is not UTF-8")
                .in_file(inside.to_string_lossy())
                .with_hint("rename it, or list its folder under `exclude` in skep.toml")
        })?);
    }
    Ok(names.join("/"))
}

fn role(path: &str) -> Role {
    match path.split_once('/') {
        Some(("_posts", _)) => Role::Post,
        Some(("_drafts", _)) => Role::Draft,
        Some(("_layouts", _)) => Role::Layout,
        Some(("_includes", _)) => Role::Include,
        Some(("_data", _)) => Role::Data,
        _ => Role::Other,
    }
}

fn source(root: &Path, entry: &DirEntry) -> Result<Option<Source>, Error> {
    let path = relative(root, entry.path())?;
    if entry.file_type().is_dir() {
        return Ok(None);
    }
    let target = if entry.path_is_symlink() {
        follow(root, entry.path(), &path)?
    } else {
        entry.path().to_owned()
    };
    let metadata =
        std::fs::metadata(&target).map_err(|error| Error::io("read it", &error).in_file(&path))?;
    if !metadata.is_file() {
        return Err(
            Error::new(ErrorKind::Path, "this is neither a file nor a folder")
                .in_file(&path)
                .with_hint("remove it, or list it under `exclude` in skep.toml"),
        );
    }
    Ok(Some(Source {
        shown: path.clone(),
        role: role(&path),
        content: Content::Disk {
            path: target,
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
        },
        path,
    }))
}

/// The file that a symbolic link inside the site stands for. A link must not lead out of the
/// site, or publishing a folder could publish files that were never meant to be in it.
fn follow(root: &Path, link: &Path, shown: &str) -> Result<PathBuf, Error> {
    let refuse = |message: &str| {
        Err(Error::new(ErrorKind::Path, message)
            .in_file(shown)
            .with_hint("put a copy in its place, or list it under `exclude` in skep.toml"))
    };
    match link.canonicalize() {
        Err(_) => refuse("this symbolic link leads nowhere"),
        Ok(target) if !target.starts_with(root) => {
            refuse("this symbolic link leads out of the site folder")
        }
        Ok(target) if target.is_dir() => {
            refuse("this is a symbolic link to a folder, which skep does not follow")
        }
        Ok(target) => Ok(target),
    }
}

fn walk_error(error: walkdir::Error) -> Error {
    let path = error.path().unwrap_or(Path::new("?")).display().to_string();
    match error.io_error() {
        Some(io) => Error::io(format_args!("read {path}"), io),
        None => Error::new(ErrorKind::Io, format!("could not read {path}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_sources() {
        for path in [
            "a.md",
            "_posts",
            "_posts/a.md",
            "x/y.png",
            ".well-known",
            ".well-known/a",
        ] {
            assert!(is_source(path), "{path}");
        }
        for path in [
            "skep.toml",
            "_site",
            ".git",
            ".env",
            "a.md~",
            "#a.md#",
            "x/.DS_Store",
            "x/_y",
            "_posts/.a.swp",
            "_site.skep.json",
        ] {
            assert!(!is_source(path), "{path}");
        }
    }
}
