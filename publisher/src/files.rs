//! What is for the user alone, and writing files so that a crash leaves the old or the new one.

use std::{
    fs::{self, DirBuilder},
    io::Write,
    path::Path,
};

use tempfile::NamedTempFile;

use crate::error::{Error, Kind, Result};

/// Creates the folder and those above it; the new ones are for the user alone (mode 0700).
pub(crate) fn create_private_dir(path: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let created = builder.create(path);
    created.map_err(|e| Error::io("create the folder", path, &e))
}

/// Writes `bytes` to a new file at `path`, durably and for the user alone (mode 0600); fails if there
/// is one.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> Result<()> {
    let result = (|| {
        let dir = match path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir,
            _ => Path::new("."),
        };
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

/// Makes the names in a folder durable.
pub(crate) fn sync_dir(dir: &Path) -> std::io::Result<()> {
    // Windows has no such thing, and needs none.
    if cfg!(unix) {
        fs::File::open(dir)?.sync_all()?;
    }
    Ok(())
}
