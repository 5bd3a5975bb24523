//! The folder with everything that skep keeps on a machine, and who owns its store.

use std::{
    fs::{self, File, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::{
    error::{Error, Kind, Result},
    files,
};

/// `SKEP_HOME`: keys and the node's store.
#[derive(Debug, Clone)]
pub struct Home {
    root: PathBuf,
}

/// The right to open the store. One process at a time has it; it ends with the value, or the process.
#[derive(Debug)]
pub struct StoreLock {
    _file: File,
}

impl Home {
    /// The home at `root`. Nothing is created yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The secret keys of one's own sites.
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// The node's key, records and blobs.
    pub fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    /// What can be made again at any time, such as the built site that was last published.
    pub fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// Writes the file `name` in this folder, for the user alone. It is replaced in one step, durably.
    ///
    /// # Errors
    ///
    /// If it can't be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        write(&self.root, name, bytes)
    }

    /// Writes the file `name` in the folder `dir` of this one, as [`write`](Self::write) does.
    ///
    /// # Errors
    ///
    /// If it can't be written.
    pub fn write_in(&self, dir: &str, name: &str, bytes: &[u8]) -> Result<()> {
        write(&self.root.join(dir), name, bytes)
    }

    /// Takes the store for this process, which calls itself `name`, such as `skep publish`.
    ///
    /// # Errors
    ///
    /// [`Kind::Locked`] if another process has it.
    pub fn lock(&self, name: &str) -> Result<StoreLock> {
        let dir = self.store();
        files::create_private_dir(&dir)?;
        let path = dir.join("lock");
        let io = |e: &std::io::Error| Error::io("lock", &path, e);
        let mut file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|e| io(&e))?;
        // The system releases the lock when the process ends, however it ends.
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(self.locked(&mut file)),
            Err(TryLockError::Error(e)) => return Err(io(&e)),
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{name} (process {})", std::process::id())
        };
        write(&mut file).map_err(|e| io(&e))?;
        Ok(StoreLock { _file: file })
    }

    fn locked(&self, file: &mut File) -> Error {
        let mut owner = String::new();
        let read = file.take(200).read_to_string(&mut owner);
        let owner = match (read, owner.is_empty()) {
            (Ok(_), false) => format!("`{}`", owner.escape_debug()),
            _ => "another skep".into(),
        };
        Error::new(
            Kind::Locked,
            format!("{} is in use by {owner}", self.root.display()),
        )
        .hint("stop that one first, or give this one a store of its own with `--home DIR`")
    }
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    files::create_private_dir(dir)?;
    let result = (|| {
        let mut file = NamedTempFile::new_in(dir)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(dir.join(name)).map_err(|e| e.error)?;
        files::sync_dir(dir)
    })();
    result.map_err(|e| Error::io("write", &dir.join(name), &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_has_one_owner_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path());
        let lock = home.lock("skep browse").unwrap();
        let error = home.lock("skep publish").unwrap_err();
        assert_eq!(error.kind, Kind::Locked);
        assert!(error.message.contains("skep browse"), "{}", error.message);
        drop(lock);
        home.lock("skep publish").unwrap();
    }
}
