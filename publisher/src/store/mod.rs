//! What a node has: records of sites in redb, and blobs.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`blobs`] | what the archive needs of a blob store |
//! | `records` | heads, logs and the place of each object |
//! | [`reader`] | tree nodes and files of one site, verified |
//! | `index` | the verified objects of a pack |

pub mod blobs;
pub(crate) mod index;
pub mod reader;
pub(crate) mod records;

use std::{path::Path, sync::Arc};

pub use blobs::Blobs;
pub use reader::Reader;
use records::Records;
pub use records::{Relation, SiteState};

use crate::{
    archive::{
        address::SiteId,
        blobs::{BlobRef, BlobSet, decode_list},
        entry::Entry,
        receipt::Receipt,
    },
    error::{Error, Kind, Result},
};

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

    /// All known sites.
    ///
    /// # Errors
    ///
    /// If the records can't be read.
    pub fn sites(&self) -> Result<Vec<SiteState>> {
        self.records.sites()
    }

    /// What is known of a site.
    ///
    /// # Errors
    ///
    /// If the records can't be read.
    pub fn site(&self, site: SiteId) -> Result<Option<SiteState>> {
        self.records.site(site)
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
