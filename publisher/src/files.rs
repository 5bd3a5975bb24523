//! Writing files so that a crash leaves the old or the new one, never a half.

use std::{fs, io::Write, path::Path};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Whoever the user's umask lets.
    Shared,
    /// The user alone: mode 0600.
    Secret,
}

/// Creates the folder and those above it.
pub(crate) fn create_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|e| Error::io("create the folder", path, &e))
}

/// Writes `bytes` to a new file at `path`, durably; fails if there is one.
pub(crate) fn write_new(path: &Path, bytes: &[u8], access: Access) -> Result<()> {
    let result = (|| {
        let dir = match path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir,
            _ => Path::new("."),
        };
        // Temporary files are created with mode 0600.
        let mut file = NamedTempFile::new_in(dir)?;
        file.write_all(bytes)?;
        if access == Access::Shared {
            share(file.as_file())?;
        }
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|e| e.error)?;
        sync_dir(dir)
    })();
    result.map_err(|e| Error::io("write", path, &e))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_dir(dir: &Path) -> std::io::Result<()> {
    // Windows has no such thing, and needs none.
    if cfg!(unix) {
        fs::File::open(dir)?.sync_all()?;
    }
    Ok(())
}

#[cfg(unix)]
fn share(file: &fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn share(_: &fs::File) -> std::io::Result<()> {
    Ok(())
}
