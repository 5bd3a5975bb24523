//! The blob store, on iroh-blobs' `FsStore`.

use std::{fmt::Display, io, path::Path};

use iroh_blobs::{
    BlobFormat, Hash, HashAndFormat,
    api::{
        blobs::{AddPathOptions, BlobStatus},
        proto::ImportMode,
    },
    store::fs::FsStore,
};
use n0_future::future::block_on;

use crate::{
    archive::hash::ContentHash,
    error::{Error, Kind, Result},
    store::Blobs,
};

/// iroh-blobs' store behind the interface that the archive needs.
///
/// The store works on a runtime of its own, so that waiting for it blocks the calling thread only.
#[derive(Clone)]
pub(super) struct IrohBlobs(pub(super) FsStore);

impl IrohBlobs {
    pub(super) fn open(dir: &Path) -> Result<Self> {
        let store = block_on(FsStore::load(dir)).map_err(|e| {
            Error::new(
                Kind::Io,
                format!("can't open the blobs in {}: {e:#}", dir.display()),
            )
        })?;
        Ok(Self(store))
    }
}

/// Marks a blob as wanted on behalf of a site. A blob may have several such marks.
pub(super) fn tag(owner: [u8; 32], hash: Hash) -> Vec<u8> {
    [b"skep/", &owner[..], b"/", hash.as_bytes()].concat()
}

pub(super) fn iroh_hash(hash: ContentHash) -> Hash {
    Hash::from_bytes(hash.0)
}

impl Blobs for IrohBlobs {
    fn size(&self, hash: ContentHash) -> io::Result<Option<u64>> {
        match block_on(self.0.blobs().status(iroh_hash(hash))).map_err(other)? {
            BlobStatus::Complete { size } => Ok(Some(size)),
            BlobStatus::Partial { .. } | BlobStatus::NotFound => Ok(None),
        }
    }

    fn read_at(&self, hash: ContentHash, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        if length == 0 {
            return Ok(Vec::new());
        }
        let range = offset..offset.saturating_add(length);
        let bytes = self.0.blobs().export_ranges(iroh_hash(hash), range);
        block_on(bytes.concatenate()).map_err(other)
    }

    fn add_file(&self, path: &Path, owner: [u8; 32]) -> io::Result<ContentHash> {
        block_on(async {
            let batch = self.0.blobs().batch().await.map_err(other)?;
            let added = batch.add_path_with_opts(AddPathOptions {
                path: path.to_owned(),
                format: BlobFormat::Raw,
                mode: ImportMode::Copy,
            });
            let added = added.temp_tag().await.map_err(other)?;
            self.keep(added.hash(), owner).await
        })
    }

    fn add_bytes(&self, bytes: Vec<u8>, owner: [u8; 32]) -> io::Result<ContentHash> {
        block_on(async {
            let batch = self.0.blobs().batch().await.map_err(other)?;
            let added = batch.add_bytes(bytes).temp_tag().await.map_err(other)?;
            self.keep(added.hash(), owner).await
        })
    }

    fn sync(&self) -> io::Result<()> {
        block_on(self.0.sync_db()).map_err(other)
    }
}

impl IrohBlobs {
    async fn keep(&self, hash: Hash, owner: [u8; 32]) -> io::Result<ContentHash> {
        let tags = self.0.tags();
        let content = HashAndFormat::raw(hash);
        tags.set(tag(owner, hash), content).await.map_err(other)?;
        Ok(ContentHash(*hash.as_bytes()))
    }
}

/// iroh-blobs wraps errors of the system; its text keeps them.
fn other(error: impl Display) -> io::Error {
    let text = format!("{error:#}");
    if text.contains("No space left") || text.contains("os error 28") {
        return io::Error::new(io::ErrorKind::StorageFull, text);
    }
    io::Error::other(text)
}
