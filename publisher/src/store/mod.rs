//! What a node has: records of sites in redb, and blobs.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`blobs`] | what the archive needs of a blob store |
//! | `records` | heads, logs and the place of each object |
//! | `relation` | why a site is known, and so who else may have it |
//! | [`reader`] | tree nodes and files of one site, verified |
//! | `index` | the verified objects of a pack |

pub mod blobs;
pub(crate) mod index;
pub mod reader;
pub(crate) mod records;
mod relation;

use std::{path::Path, sync::Arc};

pub use blobs::Blobs;
pub use reader::Reader;
use records::Records;
pub use records::SiteState;
pub use relation::Relation;

use crate::{
    archive::{
        address::SiteId,
        blobs::{BlobRef, BlobSet, decode_list},
        entry::Entry,
        log::Peaks,
        receipt::Receipt,
    },
    error::{Error, Kind, Result},
};

/// A site that was to be read is known when its first version was accepted; a pinned one before.
fn is_known(state: &SiteState) -> bool {
    state.head.is_some() || state.relation.is_shared()
}

/// A version was made, or fetched, for a log that has grown since.
pub(crate) fn overtaken() -> Error {
    Error::new(
        Kind::Unpublishable,
        "another version of the site came in between",
    )
    .hint("nothing was changed by this one; run the command again")
}

/// The store of a node. Cheap to clone; its methods may block.
#[derive(Clone)]
pub struct Store {
    pub(crate) records: Records,
    pub(crate) blobs: Arc<dyn Blobs>,
}

impl Store {
    /// Opens the records at `path` beside `blobs`.
    ///
    /// # Errors
    ///
    /// If they can't be opened.
    pub fn open(path: &Path, blobs: Arc<dyn Blobs>) -> Result<Self> {
        Ok(Self {
            records: Records::open(path)?,
            blobs,
        })
    }

    /// A store whose records lie in `backend`, such as memory or a disk that fails when a test says so.
    ///
    /// # Errors
    ///
    /// If they can't be opened.
    pub fn with_backend(backend: impl redb::StorageBackend, blobs: Arc<dyn Blobs>) -> Result<Self> {
        Ok(Self {
            records: Records::with_backend(backend)?,
            blobs,
        })
    }

    /// All known sites.
    ///
    /// # Errors
    ///
    /// If the records can't be read.
    pub fn sites(&self) -> Result<Vec<SiteState>> {
        let mut sites = self.records.sites()?;
        sites.retain(is_known);
        Ok(sites)
    }

    /// What is known of a site.
    ///
    /// # Errors
    ///
    /// If the records can't be read.
    pub fn site(&self, site: SiteId) -> Result<Option<SiteState>> {
        Ok(self.records.site(site)?.filter(is_known))
    }

    /// Makes a site known, before anything of it is here.
    ///
    /// # Errors
    ///
    /// If the records can't be written.
    pub fn add_site(&self, site: SiteId, relation: Relation) -> Result<()> {
        self.records.add_site(site, relation)
    }

    /// A site of which at least one version is here.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] if there is none.
    pub fn known(&self, site: SiteId) -> Result<SiteState> {
        match self.site(site)? {
            Some(state) if state.head.is_some() => Ok(state),
            _ => Err(Error::new(
                Kind::NotFound,
                format!("nothing of skep://{site} is on this machine"),
            )
            .hint("name a node that has it with `--peer TICKET`")),
        }
    }

    /// The entry of a version; of the newest if there is none given.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] if there is no such version.
    pub fn entry(&self, state: &SiteState, version: Option<u64>) -> Result<Entry> {
        let newest = state.head.as_ref().map_or(0, |head| head.length());
        let wanted = version.unwrap_or(newest);
        self.records.entry(state, wanted)?.ok_or_else(|| {
            Error::new(
                Kind::NotFound,
                format!("there is no version {wanted}: the newest is {newest}"),
            )
            .hint("`skep log` lists the versions")
        })
    }

    /// All entries, the oldest first.
    ///
    /// # Errors
    ///
    /// If one can't be read.
    pub fn log(&self, state: &SiteState) -> Result<Vec<Entry>> {
        let newest = state.head.as_ref().map_or(0, |head| head.length());
        (1..=newest)
            .map(|version| self.entry(state, Some(version)))
            .collect()
    }

    /// The newest receipt of each node.
    ///
    /// # Errors
    ///
    /// If one can't be read.
    pub fn receipts(&self, state: &SiteState) -> Result<Vec<Receipt>> {
        self.records.receipts(state)
    }

    /// Whether the lists of a version's blobs are here.
    pub(crate) fn has_lists(&self, entry: &Entry) -> Result<bool> {
        for list in entry.adds.lists.iter().chain(&entry.keeps.lists) {
            match self.blobs.size(list.hash) {
                Ok(found) if found == Some(list.size) => {}
                Ok(_) => return Ok(false),
                Err(e) => return Err(Error::damaged(format!("blob list {}: {e}", list.hash))),
            }
        }
        Ok(true)
    }

    /// Whether every blob that a version needs is here.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn is_whole(&self, entry: &Entry) -> Result<bool> {
        let here = |hash, size| match self.blobs.size(hash) {
            Ok(found) => Ok(found == Some(size)),
            Err(e) => Err(Error::damaged(format!("blob {hash}: {e}"))),
        };
        if !self.has_lists(entry)? {
            return Ok(false);
        }
        for set in [&entry.adds, &entry.keeps] {
            for blob in self.blobs_of(set)? {
                if !here(blob.hash, blob.size)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// The peaks of a site's log, which must be those of its head: whatever is appended to others would
    /// be signed, or refused, as a history that never was.
    pub(crate) fn log_peaks(&self, state: &SiteState) -> Result<Peaks> {
        let peaks = self.records.peaks(state)?;
        if peaks.root() != state.head.as_ref().map(|head| head.root()) {
            // Only what is read again can tell whether it has changed since.
            let now = self.site(state.site)?;
            if now.and_then(|now| now.head) == state.head {
                return Err(Error::damaged("the log is not the one that its head signs"));
            }
            return Err(overtaken());
        }
        Ok(peaks)
    }

    /// The blobs of a set. Its lists must be here.
    pub(crate) fn blobs_of(&self, set: &BlobSet) -> Result<Vec<BlobRef>> {
        let mut all = set.inline.clone();
        for list in &set.lists {
            let bytes = self
                .blobs
                .read_at(list.hash, 0, list.size)
                .map_err(|e| Error::damaged(format!("blob list {}: {e}", list.hash)))?;
            all.extend(decode_list(list, &bytes).map_err(Error::damaged)?);
        }
        Ok(all)
    }
}
