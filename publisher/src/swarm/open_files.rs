//! The files of blobs that were read last, open.

use std::{
    collections::VecDeque,
    fs::File,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use iroh_blobs::Hash;

use crate::archive::hash::ContentHash;

/// How many files stay open.
const MAX_OPEN: usize = 16;

/// Files of blobs that are here completely; the one that was opened last is at the end.
#[derive(Default)]
pub(super) struct OpenFiles(Mutex<VecDeque<Arc<OpenFile>>>);

/// A file with a whole blob.
pub(super) struct OpenFile {
    hash: ContentHash,
    file: File,
    size: u64,
}

impl OpenFiles {
    pub(super) fn get(&self, hash: ContentHash) -> Option<Arc<OpenFile>> {
        let open = self.lock();
        open.iter().find(|file| file.hash == hash).cloned()
    }

    /// Keeps the file of a blob of `size` bytes.
    pub(super) fn put(&self, hash: ContentHash, file: File, size: u64) -> Arc<OpenFile> {
        let file = Arc::new(OpenFile { hash, file, size });
        let mut open = self.lock();
        if open.len() == MAX_OPEN {
            open.pop_front();
        }
        open.push_back(file.clone());
        file
    }

    /// Closes the files of blobs that are about to be deleted.
    pub(super) fn forget(&self, hashes: &[Hash]) {
        let gone = |file: &OpenFile| hashes.iter().any(|hash| *hash.as_bytes() == file.hash.0);
        self.lock().retain(|file| !gone(file));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<OpenFile>>> {
        // Files that are open are right at any moment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenFile {
    /// The `length` bytes from `offset` on; fewer only if the blob ends there.
    ///
    /// # Errors
    ///
    /// If the file can't be read, or is shorter than the blob.
    pub(super) fn read(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let length = length.min(self.size.saturating_sub(offset));
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        read_exact_at(&self.file, &mut bytes, offset)?;
        Ok(bytes)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                bytes = &mut bytes[read..];
                offset += read as u64;
            }
        }
    }
    Ok(())
}
