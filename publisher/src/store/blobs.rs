//! What the archive needs of a blob store. iroh-blobs is behind it; a test may put something else there.

use std::{io, path::Path};

use crate::archive::{hash::ContentHash, pack::ReadAt};

/// A store of blobs by their BLAKE3 hash. Its methods may block.
pub trait Blobs: Send + Sync {
    /// The length of a blob that is here completely.
    fn size(&self, hash: ContentHash) -> io::Result<Option<u64>>;

    /// The `length` bytes from `offset` on; fewer only if the blob ends there. What comes back is not
    /// verified: whoever reads checks it against the hash that it wants.
    fn read_at(&self, hash: ContentHash, offset: u64, length: u64) -> io::Result<Vec<u8>>;

    /// Copies a file in and keeps it, on behalf of `owner`.
    fn add_file(&self, path: &Path, owner: [u8; 32]) -> io::Result<ContentHash>;

    /// Puts bytes in and keeps them, on behalf of `owner`.
    fn add_bytes(&self, bytes: Vec<u8>, owner: [u8; 32]) -> io::Result<ContentHash>;

    /// Gives up blobs on behalf of `owner`. Those that nobody else keeps are deleted, and gone from the
    /// disk when this returns; none of them has to be here.
    fn remove(&self, hashes: &[ContentHash], owner: [u8; 32]) -> io::Result<()>;

    /// The blobs that are kept on behalf of `owner`, with their lengths; 0 for those that are not here
    /// completely.
    fn kept(&self, owner: [u8; 32]) -> io::Result<Vec<(ContentHash, u64)>>;

    /// Makes everything that was added durable.
    fn sync(&self) -> io::Result<()>;
}

/// One blob of a store.
pub(crate) struct Blob<'a> {
    pub(crate) blobs: &'a dyn Blobs,
    pub(crate) hash: ContentHash,
}

impl ReadAt for Blob<'_> {
    fn read_at(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        self.blobs.read_at(self.hash, offset, length)
    }
}

/// How much of a long blob is read at a time.
pub(crate) const PIECE: u64 = 1 << 20;

/// Calls `sink` with the bytes of a blob, piece by piece.
pub(crate) fn read_all<E: From<io::Error>>(
    blobs: &dyn Blobs,
    hash: ContentHash,
    size: u64,
    mut sink: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut offset = 0;
    while offset < size {
        let piece = blobs.read_at(hash, offset, PIECE.min(size - offset))?;
        if piece.is_empty() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        sink(&piece)?;
        offset += piece.len() as u64;
    }
    Ok(())
}

/// Whether the blob is here and has the bytes that its hash says. One that is in no recorded version may
/// not: a power cut can keep what a store says of a blob, and lose the blob.
pub(crate) fn is_intact(blobs: &dyn Blobs, hash: ContentHash, size: u64) -> bool {
    let mut hasher = blake3::Hasher::new();
    let read = read_all(blobs, hash, size, |piece| {
        hasher.update(piece);
        Ok::<_, io::Error>(())
    });
    read.is_ok() && hasher.finalize() == hash.0
}
