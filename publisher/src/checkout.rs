//! Writing the files of a version into a folder.

use std::{
    collections::HashSet,
    fs::{self, File as FsFile},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{
    archive::{
        hash::NodeHash,
        path::{ArchivePath, Names},
    },
    error::{Error, Kind, Result},
    store::Reader,
};

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckedOut {
    /// How many files.
    pub files: u64,
    /// How many bytes.
    pub bytes: u64,
}

/// Fails if `dir` is neither absent nor an empty folder, as [`checkout`] would.
///
/// # Errors
///
/// [`Kind::Usage`] in that case.
pub fn check_target(dir: &Path) -> Result<()> {
    let taken = |what: &str| {
        Err(Error::new(Kind::Usage, format!("{} {what}", dir.display()))
            .hint("name a folder that does not exist yet"))
    };
    match fs::symlink_metadata(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Error::io("look at", dir, &e)),
        Ok(meta) if !meta.is_dir() => taken("exists and is not a folder"),
        Ok(_) => match fs::read_dir(dir).map(|mut entries| entries.next().is_some()) {
            Ok(false) => Ok(()),
            Ok(true) => taken("is not empty"),
            Err(e) => Err(Error::io("read", dir, &e)),
        },
    }
}

/// Writes the files of the tree `root` to `dir`, which must be absent or empty. Each file is verified;
/// the folder appears when it is complete, or not at all.
///
/// # Errors
///
/// If the version is not here or is damaged, or the folder can't be written.
pub fn checkout(reader: &Reader, root: NodeHash, dir: &Path) -> Result<CheckedOut> {
    check_target(dir)?;
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(|e| Error::io("create the folder", parent, &e))?;
    // A fresh folder of our own: no link that lies in it can lead out of it.
    let partial = partial_folder(parent)?;
    let mut done = CheckedOut { files: 0, bytes: 0 };
    let mut names = Names::default();
    let mut folders = HashSet::new();
    reader.walk(root, |path, file| {
        if path.is_of_repository() {
            return Err(Error::new(
                Kind::Hostile,
                format!("{path} is a part of a repository, which would make git run what a stranger wrote"),
            ));
        }
        if !names.add(path) {
            return Err(Error::new(
                Kind::Hostile,
                format!("the site has two files that are one on some disks, by case or as file and folder: {path}"),
            ));
        }
        let target = make_folder(partial.path(), path, &mut folders)?;
        let io = |e: std::io::Error| Error::io("write", &target, &e);
        let mut out = BufWriter::new(FsFile::create_new(&target).map_err(io)?);
        reader.read(file, |piece| out.write_all(piece).map_err(io))?;
        out.flush().map_err(io)?;
        done.files += 1;
        done.bytes += file.size;
        Ok(())
    })?;
    fs::rename(partial.path(), dir).map_err(|e| Error::io("create", dir, &e))?;
    // It has another name now, and stays.
    let _ = partial.keep();
    Ok(done)
}

fn make_folder(root: &Path, path: &ArchivePath, folders: &mut HashSet<PathBuf>) -> Result<PathBuf> {
    let target = path.under(root);
    if let Some(folder) = target.parent()
        && !folders.contains(folder)
    {
        fs::create_dir_all(folder).map_err(|e| Error::io("create the folder", folder, &e))?;
        folders.insert(folder.to_owned());
    }
    Ok(target)
}

/// A fresh folder beside the one that is wanted. Temporary folders are the user's alone; a clone is an
/// ordinary folder, as open as the user's umask lets it be.
fn partial_folder(parent: &Path) -> Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".skep-clone-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    let folder = builder.tempdir_in(parent);
    folder.map_err(|e| Error::io("create a folder in", parent, &e))
}
