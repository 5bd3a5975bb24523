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
        file.persist_noclobber(path).map_err(|e| e.error)?;
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

/// Makes the names in a folder durable.
pub(crate) fn sync_dir(dir: &Path) -> std::io::Result<()> {
    // Windows has no such thing, and needs none.
    if cfg!(unix) {
        fs::File::open(dir)?.sync_all()?;
    }
    Ok(())
}
