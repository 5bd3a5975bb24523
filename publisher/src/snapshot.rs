//! [`Snapshot`]: the files of an output folder with their hashes.

use std::{
    collections::HashMap,
    fs::File as FsFile,
    io::Read,
    path::{Path, PathBuf},
};

use unicode_normalization::UnicodeNormalization;
use walkdir::WalkDir;

use crate::{
    archive::{
        entry::Entry,
        hash::ContentHash,
        path::ArchivePath,
        tree::{File, node::MediaType},
    },
    error::{Error, Kind, Result},
};

/// The files of an output folder at one moment, sorted by path.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The files.
    pub files: Vec<SnapshotFile>,
}

/// One file of an output folder.
#[derive(Debug, Clone)]
pub struct SnapshotFile {
    /// Its path in the archive.
    pub path: ArchivePath,
    /// Its hash, length and media type.
    pub file: File,
    /// Where its bytes are.
    pub source: Source,
}

/// Where the bytes of a file are that would be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In a file of the output folder.
    Disk(PathBuf),
    /// In the store: an earlier version has it.
    Store,
}

/// Reads the folder `dir`.
///
/// # Errors
///
/// [`Kind::Unpublishable`] if it holds what can't be in an archive: a symbolic link, a device, a name
/// that is not the same on every platform, two names that differ by case only, or no file at all.
pub fn snapshot(dir: &Path) -> Result<Snapshot> {
    snapshot_of(dir, |_| true)
}

/// Reads the part of the folder `dir` that `keep` says yes to. It is asked for the path, relative to
/// `dir`, of every file and folder; what lies in a folder that is not kept is not looked at.
///
/// # Errors
///
/// As [`snapshot`].
pub fn snapshot_of(dir: &Path, mut keep: impl FnMut(&Path) -> bool) -> Result<Snapshot> {
    let mut files = Vec::new();
    let mut by_case: HashMap<String, PathBuf> = HashMap::new();
    let walk = WalkDir::new(dir).sort_by_file_name().into_iter();
    let kept = walk.filter_entry(|entry| {
        let relative = entry.path().strip_prefix(dir).unwrap_or(entry.path());
        entry.depth() == 0 || keep(relative)
    });
    for entry in kept {
        let entry = entry.map_err(|e| {
            let path = e.path().unwrap_or(dir).to_owned();
            Error::io("read", &path, &e.into())
        })?;
        if entry.file_type().is_dir() {
            continue;
        }
        let source = entry.into_path();
        let path = archive_path(dir, &source)?;
        if let Some(twin) = by_case.insert(path.case_key(), source.clone()) {
            return Err(unpublishable(
                &source,
                &format!(
                    "its name differs from {} by case only, and many disks hold just one of them",
                    twin.display()
                ),
            ));
        }
        let file = read(&source, &path)?;
        files.push(SnapshotFile {
            path,
            file,
            source: Source::Disk(source),
        });
    }
    if files.is_empty() {
        return Err(Error::new(
            Kind::Unpublishable,
            format!("{} has no files", dir.display()),
        )
        .hint("build the site first: `skep build`"));
    }
    if files.len() as u64 > Entry::MAX_FILES {
        return Err(Error::new(
            Kind::Unpublishable,
            format!("the site has more than {} files", Entry::MAX_FILES),
        ));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Snapshot { files })
}

fn archive_path(dir: &Path, source: &Path) -> Result<ArchivePath> {
    let relative = source.strip_prefix(dir).unwrap_or(source);
    let parts: Option<Vec<&str>> = relative.iter().map(|part| part.to_str()).collect();
    let Some(parts) = parts else {
        return Err(unpublishable(source, "its name is not UTF-8"));
    };
    // macOS hands out decomposed names; they mean the same.
    let name: String = parts.join("/").nfc().collect();
    let path =
        ArchivePath::new(&name).map_err(|e| unpublishable(source, &e.problem.to_string()))?;
    if path.is_reserved() {
        return Err(unpublishable(
            source,
            "`.well-known/skep*` is kept for skep itself",
        ));
    }
    Ok(path)
}

fn read(source: &Path, path: &ArchivePath) -> Result<File> {
    let io = |e: &std::io::Error| Error::io("read", source, e);
    let kind = source.symlink_metadata().map_err(|e| io(&e))?.file_type();
    if kind.is_symlink() {
        return Err(unpublishable(source, "it is a symbolic link"));
    }
    if !kind.is_file() {
        return Err(unpublishable(source, "it is neither a file nor a folder"));
    }
    let mut file = FsFile::open(source).map_err(|e| io(&e))?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 64 << 10];
    let mut size = 0;
    loop {
        let count = file.read(&mut buffer).map_err(|e| io(&e))?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        size += count as u64;
    }
    Ok(File {
        hash: ContentHash(*hasher.finalize().as_bytes()),
        size,
        media_type: media_type(path),
    })
}

fn media_type(path: &ArchivePath) -> MediaType {
    let guess = mime_guess::from_path(path.as_str()).first_or_octet_stream();
    MediaType::new(guess.essence_str()).unwrap_or_else(MediaType::octet_stream)
}

fn unpublishable(source: &Path, why: &str) -> Error {
    Error::new(
        Kind::Unpublishable,
        format!("{} can't be published: {why}", source.display()),
    )
    .hint("rename or remove it, or list its source under `exclude` in skep.toml")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for name in names {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        dir
    }

    #[test]
    fn files_are_sorted_by_path_as_bytes() {
        let dir = folder(&["b.html", "a/z.css", "a.html", "a-b/c.png"]);
        let files = snapshot(dir.path()).unwrap().files;
        let seen: Vec<_> = files
            .iter()
            .map(|f| (f.path.as_str(), f.file.media_type.as_str(), f.file.size))
            .collect();
        assert_eq!(
            seen,
            [
                ("a-b/c.png", "image/png", 9),
                ("a.html", "text/html", 6),
                ("a/z.css", "text/css", 7),
                ("b.html", "text/html", 6),
            ]
        );
        assert_eq!(files[3].file.hash, ContentHash::of(b"b.html"));
    }

    #[test]
    fn decomposed_names_are_composed() {
        let dir = folder(&["cafe\u{301}.html"]);
        let files = snapshot(dir.path()).unwrap().files;
        assert_eq!(files[0].path.as_str(), "caf\u{e9}.html");
    }

    #[test]
    fn what_can_not_be_in_an_archive_is_named() {
        for names in [
            &["nul.html"][..],
            &["A.html", "a.html"],
            &[".well-known/skep"],
            &["a\\b"],
            &[],
        ] {
            let dir = folder(names);
            let error = snapshot(dir.path()).unwrap_err();
            assert_eq!(error.kind, Kind::Unpublishable, "{names:?}: {error}");
        }
    }

    #[test]
    fn what_is_not_kept_is_not_looked_at() {
        let dir = folder(&["a.html", "x/nul.html", "x/y/b.html", "z/x/c.html"]);
        let kept = snapshot_of(dir.path(), |path| path != Path::new("x")).unwrap();
        let paths: Vec<_> = kept.files.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(paths, ["a.html", "z/x/c.html"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_is_not_followed() {
        let dir = folder(&["a.html"]);
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("b.html")).unwrap();
        let error = snapshot(dir.path()).unwrap_err();
        assert!(error.message.contains("symbolic link"), "{error}");
    }
}
