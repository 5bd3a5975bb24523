//! The blob store, on iroh-blobs' `FsStore`.

use std::{
    collections::HashSet,
    fmt::Display,
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use iroh_blobs::{
    BlobFormat, Hash, HashAndFormat,
    api::{
        blobs::{AddPathOptions, BlobStatus},
        proto::ImportMode,
    },
    store::fs::{
        FsStore,
        options::{InlineOptions, Options},
    },
};

use super::{open_files::OpenFiles, sweep::Sweeper};
use crate::{
    archive::hash::ContentHash,
    database,
    error::{Error, Result},
    files,
    home::StoreLock,
    store::Blobs,
};

/// iroh-blobs' store behind the interface that the archive needs.
///
/// The store works on a runtime of its own, so that waiting for it blocks the calling thread only.
#[derive(Clone)]
pub(super) struct IrohBlobs {
    pub(super) fs: FsStore,
    data: PathBuf,
    scratch: PathBuf,
    unsynced: Arc<Mutex<HashSet<Hash>>>,
    open: Arc<OpenFiles>,
    deletion: Arc<Deletion>,
}

/// Deletes blobs, and closes the store when the last who uses it is gone.
struct Deletion {
    sweeper: Sweeper,
    /// Who marks a blob as wanted shares it, who deletes has it alone: a blob that is wanted between the
    /// look at the marks and the deletion would be lost.
    marks: tokio::sync::RwLock<()>,
    fs: FsStore,
    /// Given up after the store is closed.
    _lock: Arc<StoreLock>,
}

impl Drop for Deletion {
    fn drop(&mut self) {
        // The task that deletes has the store, and would keep it open for ever. If it is closed already,
        // this fails.
        let _ = wait(self.fs.shutdown());
    }
}

impl IrohBlobs {
    /// Opens the blobs in `dir`; `scratch` is a folder for temporary files, on the same disk. The store is given up,
    /// with `lock`, when they are closed.
    pub(super) fn open(dir: &Path, scratch: &Path, lock: Arc<StoreLock>) -> Result<Self> {
        let (sweeper, gc) = Sweeper::new();
        let options = || Options {
            // What lies in the database stays readable in the file long after it was deleted there.
            inline: InlineOptions {
                max_data_inlined: 0,
                ..InlineOptions::default()
            },
            gc: Some(gc.clone()),
            ..Options::new(dir)
        };
        let data = dir.join("data");
        files::create_private_dir(&data)?;
        // iroh-blobs would create its database in place, where a crash leaves one that never opens again.
        let db = dir.join("blobs.db");
        files::ensure_database(&db).map_err(|e| database::explain("open", &db, e))?;
        let store = database::patiently(|| {
            wait(FsStore::load_with_opts(db.clone(), options())).map_err(|e| why_closed(&db, &e))
        })?;
        let deletion = Deletion {
            sweeper,
            marks: tokio::sync::RwLock::default(),
            fs: store.clone(),
            _lock: lock,
        };
        Ok(Self {
            fs: store,
            data,
            scratch: scratch.to_owned(),
            unsynced: Arc::default(),
            open: Arc::default(),
            deletion: Arc::new(deletion),
        })
    }
}

/// Why iroh-blobs could not open its database. It says so in text only, so that the database is asked itself.
fn why_closed(db: &Path, error: &dyn Display) -> Error {
    match redb::Database::open(db) {
        Err(e) => database::explain("open", db, e),
        Ok(_) => Error::io("open", db, &other(format!("{error:#}"))),
    }
}

/// Blocks the thread until `work` is done.
///
/// Unconstrained: a thread that runs a task of tokio has a budget of steps, which is renewed only when
/// the task gives way. A thread that waits here never does, and would ask in vain for ever.
fn wait<F: Future>(work: F) -> F::Output {
    n0_future::future::block_on(tokio::task::unconstrained(work))
}

/// The mark of a blob that is wanted on behalf of a site. A blob may have several.
fn tag(owner: [u8; 32], hash: Hash) -> Vec<u8> {
    [b"skep/", &owner[..], b"/", hash.as_bytes()].concat()
}

pub(super) fn iroh_hash(hash: ContentHash) -> Hash {
    Hash::from_bytes(hash.0)
}

impl Blobs for IrohBlobs {
    fn size(&self, hash: ContentHash) -> io::Result<Option<u64>> {
        match wait(self.fs.blobs().status(iroh_hash(hash))).map_err(other)? {
            BlobStatus::Complete { size } => Ok(Some(size)),
            BlobStatus::Partial { .. } | BlobStatus::NotFound => Ok(None),
        }
    }

    fn read_at(&self, hash: ContentHash, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        if length == 0 {
            return Ok(Vec::new());
        }
        if let Some(bytes) = self.read_file(hash, offset, length)? {
            return Ok(bytes);
        }
        let range = offset..offset.saturating_add(length);
        let bytes = self.fs.blobs().export_ranges(iroh_hash(hash), range);
        wait(bytes.concatenate()).map_err(|e| match self.size(hash) {
            Ok(None) => io::Error::new(io::ErrorKind::NotFound, "it is not here"),
            _ => other(e),
        })
    }

    fn add_file(&self, path: &Path, owner: [u8; 32]) -> io::Result<ContentHash> {
        wait(async {
            let batch = self.fs.blobs().batch().await.map_err(|e| self.why(e))?;
            let added = batch.add_path_with_opts(AddPathOptions {
                path: path.to_owned(),
                format: BlobFormat::Raw,
                mode: ImportMode::Copy,
            });
            let added = added.temp_tag().await.map_err(|e| self.why(e))?;
            self.keep(added.hash(), owner).await
        })
    }

    fn add_bytes(&self, bytes: Vec<u8>, owner: [u8; 32]) -> io::Result<ContentHash> {
        wait(async {
            let batch = self.fs.blobs().batch().await.map_err(|e| self.why(e))?;
            let added = batch.add_bytes(bytes).temp_tag().await;
            let added = added.map_err(|e| self.why(e))?;
            self.keep(added.hash(), owner).await
        })
    }

    fn remove(&self, hashes: &[ContentHash], owner: [u8; 32]) -> io::Result<()> {
        let hashes: Vec<Hash> = hashes.iter().map(|hash| iroh_hash(*hash)).collect();
        wait(async {
            let _alone = self.deletion.marks.write().await;
            for hash in &hashes {
                let tags = self.fs.tags();
                tags.delete(tag(owner, *hash)).await.map_err(other)?;
            }
            self.deletion.sweeper.sweep().await?;
            self.open.forget(&hashes);
            for hash in &hashes {
                let status = self.fs.blobs().status(*hash).await.map_err(other)?;
                // A crash may have come between the deletion in the database and that of the files.
                if matches!(status, BlobStatus::NotFound) {
                    self.remove_files(hash)?;
                }
            }
            Ok::<_, io::Error>(())
        })?;
        files::sync_dir(&self.data)
    }

    fn kept(&self, owner: [u8; 32]) -> io::Result<Vec<(ContentHash, u64)>> {
        wait(async {
            let prefix = [b"skep/", &owner[..], b"/"].concat();
            let tags = self.fs.tags().list_prefix(prefix).await.map_err(other)?;
            let tags: Vec<_> = n0_future::StreamExt::collect(tags).await;
            let mut kept = Vec::with_capacity(tags.len());
            for tag in tags {
                let hash = tag.map_err(other)?.hash;
                let status = self.fs.blobs().status(hash).await.map_err(other)?;
                let size = match status {
                    BlobStatus::Complete { size } => size,
                    BlobStatus::Partial { .. } | BlobStatus::NotFound => 0,
                };
                kept.push((ContentHash(*hash.as_bytes()), size));
            }
            Ok(kept)
        })
    }

    /// iroh-blobs writes the bytes of larger blobs to files, and leaves it to the system when these reach
    /// the disk: its database alone would survive a power cut, and name blobs that are empty.
    fn sync(&self) -> io::Result<()> {
        let hashes = std::mem::take(&mut *self.unsynced());
        let synced = hashes
            .iter()
            .try_for_each(|hash| self.sync_files(hash))
            .and_then(|()| files::sync_dir(&self.data))
            .and_then(|()| wait(self.fs.sync_db()).map_err(|e| self.why(e)));
        if synced.is_err() {
            self.unsynced().extend(hashes);
        }
        synced
    }
}

impl IrohBlobs {
    /// Why the store failed. It often says no more than that it did: a look at the disk may tell.
    pub(super) fn why(&self, error: impl Display) -> io::Error {
        self.try_disk().err().unwrap_or_else(|| other(error))
    }

    /// Whether there is room on the disk for a little more.
    fn try_disk(&self) -> io::Result<()> {
        let mut file = tempfile::tempfile_in(&self.data)?;
        io::Write::write_all(&mut file, &[0; 256 << 10])?;
        file.sync_all()
    }

    /// A fresh folder on the same disk, removed when it is dropped.
    pub(super) fn temporary_folder(&self) -> io::Result<tempfile::TempDir> {
        std::fs::create_dir_all(&self.scratch)?;
        tempfile::tempdir_in(&self.scratch)
    }

    /// A blob was written: the next sync makes it durable.
    pub(super) fn came(&self, hash: Hash) {
        // It may have taken the place of one of which a power cut left nothing but the name.
        self.open.forget(&[hash]);
        self.unsynced().insert(hash);
    }

    /// The `length` bytes from `offset` on, out of the file in which the blob lies; `None` if it lies in none, or is
    /// not here completely. iroh-blobs' own way is a message for each KiB.
    fn read_file(
        &self,
        hash: ContentHash,
        offset: u64,
        length: u64,
    ) -> io::Result<Option<Vec<u8>>> {
        let file = match self.open.get(hash) {
            Some(file) => file,
            None => {
                let Some(size) = self.size(hash)? else {
                    return Ok(None);
                };
                let file = match File::open(self.path(&iroh_hash(hash), "data")) {
                    Ok(file) => file,
                    // It is in the database, or nowhere.
                    Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(e) => return Err(e),
                };
                let file = self.open.put(hash, file, size);
                // It may have been deleted in between, and would take up its room as long as it is open.
                if self.size(hash)?.is_none() {
                    self.open.forget(&[iroh_hash(hash)]);
                }
                file
            }
        };
        file.read(offset, length).map(Some)
    }

    fn path(&self, hash: &Hash, kind: &str) -> PathBuf {
        self.data.join(format!("{}.{kind}", hash.to_hex()))
    }

    fn unsynced(&self) -> MutexGuard<'_, HashSet<Hash>> {
        // A set of hashes is right at any moment.
        self.unsynced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Small blobs are in the database and have no files.
    fn sync_files(&self, hash: &Hash) -> io::Result<()> {
        for kind in ["data", "obao4"] {
            match File::options()
                .read(true)
                .write(true)
                .open(self.path(hash, kind))
            {
                Ok(file) => file.sync_all()?,
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn remove_files(&self, hash: &Hash) -> io::Result<()> {
        for kind in ["data", "obao4", "sizes4", "bitfield"] {
            match std::fs::remove_file(self.path(hash, kind)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
        }
        Ok(())
    }

    async fn keep(&self, hash: Hash, owner: [u8; 32]) -> io::Result<ContentHash> {
        self.came(hash);
        self.mark(hash, owner).await?;
        Ok(ContentHash(*hash.as_bytes()))
    }

    /// Whether a blob is marked as wanted on behalf of `owner`.
    pub(super) async fn is_marked(&self, hash: Hash, owner: [u8; 32]) -> io::Result<bool> {
        let found = self.fs.tags().get(tag(owner, hash)).await;
        Ok(found.map_err(other)?.is_some())
    }

    /// Marks a blob as wanted on behalf of `owner`.
    pub(super) async fn mark(&self, hash: Hash, owner: [u8; 32]) -> io::Result<()> {
        let _shared = self.deletion.marks.read().await;
        let content = HashAndFormat::raw(hash);
        let tags = self.fs.tags();
        tags.set(tag(owner, hash), content)
            .await
            .map_err(|e| self.why(e))
    }
}

/// iroh-blobs wraps errors of the system; its text keeps them.
pub(super) fn other(error: impl Display) -> io::Error {
    let text = format!("{error:#}");
    let code = text.split_once("(os error ").and_then(|(_, rest)| {
        let (code, _) = rest.split_once(')')?;
        code.parse().ok()
    });
    match code {
        Some(code) => io::Error::from_raw_os_error(code),
        None if text.contains("No space left") => io::Error::new(io::ErrorKind::StorageFull, text),
        None => io::Error::other(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn an_error_of_the_system_keeps_its_kind_in_text() {
        for (code, kind) in [
            (13, io::ErrorKind::PermissionDenied),
            (28, io::ErrorKind::StorageFull),
            (30, io::ErrorKind::ReadOnlyFilesystem),
        ] {
            let wrapped = format!("import failed: {}", io::Error::from_raw_os_error(code));
            assert_eq!(other(wrapped).kind(), kind);
        }
        assert_eq!(other("full stop").kind(), io::ErrorKind::Other);
    }
}
