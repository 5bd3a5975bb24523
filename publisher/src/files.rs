//! What is for the user alone, and writing files so that a crash leaves the old or the new one.

use std::{
    fs::{self, DirBuilder},
    io::Write,
    path::Path,
};

use redb::Database;
use tempfile::NamedTempFile;

use crate::error::{Error, Kind, Result};

/// Creates the folder and those above it, durably; the new ones are for the user alone (mode 0700).
pub(crate) fn create_private_dir(path: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let new: Vec<&Path> = path.ancestors().take_while(|dir| !dir.exists()).collect();
    // What is synced into a folder is lost with the folder.
    let created = builder
        .create(path)
        .and_then(|()| new.into_iter().try_for_each(|dir| sync_dir(parent(dir))));
    created.map_err(|e| Error::io("create the folder", path, &e))
}

/// The folder in which `path` lies.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}

/// Writes `bytes` to a new file at `path`, durably and for the user alone (mode 0600); fails if there
/// is one.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> Result<()> {
    let result = (|| {
        let dir = parent(path);
        // Temporary files are created with mode 0600.
        let mut file = NamedTempFile::new_in(dir)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Ok(_) => {}
            // A stick's file system may know neither hard links nor a rename that spares what is there.
            Err(e) if !path.exists() => write_new(path, bytes).map_err(|_| e.error)?,
            Err(e) => return Err(e.error),
        }
        sync_dir(dir)
    })();
    result.map_err(|e: std::io::Error| match e.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Error::new(Kind::Usage, format!("{} exists already", path.display()))
                .hint("name a file that does not exist yet")
        }
        // The error names the temporary file, which nobody knows of.
        kind => Error::io("write", path, &kind.into()),
    })
}

/// Creates an empty database at `path`, if there is none, whole or not at all: redb can't open one of which
/// only a part was written.
pub(crate) fn ensure_database(path: &Path) -> Result<(), redb::Error> {
    if path.exists() {
        return Ok(());
    }
    let new = path.with_extension("new");
    match fs::remove_file(&new) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e.into()),
        _ => {}
    }
    drop(Database::create(&new)?);
    fs::File::open(&new)?.sync_all()?;
    fs::rename(&new, path)?;
    Ok(sync_dir(parent(path))?)
}

/// Writes `bytes` to `path`, durably and for the user alone (mode 0600), in place of what is there.
pub(crate) fn replace_secret(path: &Path, bytes: &[u8]) -> Result<()> {
    let result = (|| {
        let dir = parent(path);
        let mut file = NamedTempFile::new_in(dir)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        sync_dir(dir)
    })();
    result.map_err(|e: std::io::Error| Error::io("write", path, &e.kind().into()))
}

/// Creates the file at `path`, for the user alone, and writes it where it is; removes it if that fails.
fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    // What is half written would pass for a whole one; that it may stay is no reason to hide why.
    written.inspect_err(|_| {
        let _ = fs::remove_file(path);
    })
}

/// Makes the names in a folder durable.
pub(crate) fn sync_dir(dir: &Path) -> std::io::Result<()> {
    // Windows has no such thing, and needs none.
    if cfg!(unix) {
        fs::File::open(dir)?.sync_all()?;
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_written_once_even_where_there_are_no_links() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        write_new(&path, b"first").unwrap();
        assert!(write_new(&path, b"second").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"first");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        replace_secret(&path, b"third").unwrap();
        assert_eq!(
            (fs::read(&path).unwrap(), mode()),
            (b"third".to_vec(), 0o600)
        );
        std::os::unix::fs::symlink("away", dir.path().join("link")).unwrap();
        assert!(write_new(&dir.path().join("link"), b"x").is_err());
        assert!(!dir.path().join("away").exists());
    }
}
