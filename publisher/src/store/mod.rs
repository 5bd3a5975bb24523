//! What a node has: records of sites in redb, and blobs.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`blobs`] | what the archive needs of a blob store |
//! | `records` | heads, logs and the place of each object |
//! | `forks` | the branches that a log abandons, and the heads that contradict it |
//! | `signposts` in `records` | what the DHT is to say of sites |
//! | `elsewhere` | versions of one's own sites that another machine has published, until they are seen |
//! | `relation` | why a site is known, and so who else may have it |
//! | `sharing` | sites that are shared with nobody for now |
//! | [`reader`] | tree nodes and files of one site, verified |
//! | `index` | the verified objects of a pack |
//! | [`retractions`] | which versions were retracted, and what the others need since |
//! | `removal` | what it takes to remove a site |
//! | `peers` | who has a site |
//! | `receipts` | who says that it keeps a version |
//! | `activity` | visits and traffic, counted in memory and written now and then |
//! | `names` | the names in the trees that were checked last |
//! | `uses` | how many objects of each blob the newest version uses |

mod activity;
pub mod blobs;
mod elsewhere;
mod forks;
pub(crate) mod index;
#[cfg(test)]
pub(crate) mod memory;
mod names;
mod peers;
pub mod reader;
mod receipts;
pub(crate) mod records;
mod relation;
mod removal;
pub mod retractions;
mod sharing;
pub(crate) mod uses;

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

pub(crate) use activity::Activity;
pub use activity::{Held, Traffic};
pub use blobs::Blobs;
pub use elsewhere::Elsewhere;
pub use forks::{OtherVersion, Place, Rival};
use names::CheckedNames;
pub use peers::Peer;
pub use reader::Reader;
pub use receipts::Holders;
use records::Records;
pub use records::SiteState;
pub use relation::Relation;
pub use removal::{OwnSites, Removal};
pub use retractions::Retractions;

use crate::{
    archive::{
        address::SiteId,
        blobs::{BlobRef, BlobSet, decode_list},
        entry::Entry,
        log::Peaks,
        receipt::Receipt,
    },
    checkout::Filling,
    error::{Error, Kind, Result},
    progress::{Phase, Tally, Unit, Watch, Watchers},
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

/// A version that its author took back.
fn retracted(version: u64, by: u64) -> Error {
    Error::new(
        Kind::Retracted,
        format!("version {version} was retracted by its author, in version {by}"),
    )
    .hint("its files are not here any more; `skep log` lists the versions")
}

/// The store of a node. Cheap to clone; its methods may block.
#[derive(Clone)]
pub struct Store {
    pub(crate) records: Records,
    pub(crate) blobs: Arc<dyn Blobs>,
    activity: Activity,
    /// The public key of the node whose store this is, if it is one's.
    pub(crate) node: Option<[u8; 32]>,
    /// The folders that wait for a version of a site.
    fillings: Arc<Mutex<HashMap<SiteId, Weak<Filling>>>>,
    /// Who is told how far work on a site is.
    watchers: Watchers,
    /// The names in the trees that were checked last.
    pub(crate) names: CheckedNames,
}

impl Store {
    /// A store whose records lie in `backend`, such as memory or a disk that fails when a test says so.
    ///
    /// # Errors
    ///
    /// If they can't be opened.
    pub fn with_backend(backend: impl redb::StorageBackend, blobs: Arc<dyn Blobs>) -> Result<Self> {
        Ok(Self::new(Records::with_backend(backend)?, blobs))
    }

    /// The same store, as that of a node with this public key.
    pub(crate) fn of_node(self, node: [u8; 32]) -> Self {
        Self {
            node: Some(node),
            ..self
        }
    }

    /// A store with these records, beside these blobs.
    pub(crate) fn new(records: Records, blobs: Arc<dyn Blobs>) -> Self {
        let this = Self {
            records,
            blobs,
            activity: Activity::default(),
            node: None,
            fillings: Arc::default(),
            watchers: Watchers::default(),
            names: CheckedNames::default(),
        };
        // What a crash has left over. If it fails again, there is a next time; all else works meanwhile.
        let _ = this.delete_dropped();
        this
    }

    /// Fills a folder with the version of `site` that comes next, as long as somebody holds it: of several the last.
    pub fn fill(&self, site: SiteId, filling: &Arc<Filling>) {
        let mut fillings = self.fillings();
        fillings.retain(|_, filling| filling.strong_count() > 0);
        fillings.insert(site, Arc::downgrade(filling));
    }

    /// Reports how far work on `site` is to `watch`, as long as somebody holds it.
    pub fn watch(&self, site: SiteId, watch: &Arc<Watch>) {
        self.watchers.add(site, watch);
    }

    /// Begins a phase of work on `site`.
    pub(crate) fn begin(
        &self,
        site: SiteId,
        phase: Phase,
        total: Option<u64>,
        unit: Unit,
    ) -> Tally {
        self.watchers.begin(site, phase, total, unit)
    }

    /// The folder that waits for a version of the site, for the first one that comes.
    pub(crate) fn filling(&self, site: SiteId) -> Option<Arc<Filling>> {
        self.fillings().remove(&site)?.upgrade()
    }

    fn fillings(&self) -> MutexGuard<'_, HashMap<SiteId, Weak<Filling>>> {
        self.fillings.lock().unwrap_or_else(PoisonError::into_inner)
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
        let entries = self.records.entries(state, newest)?;
        match entries.len() as u64 == newest {
            true => Ok(entries),
            false => Err(Error::damaged("an entry is missing")),
        }
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
                Err(e) => return Err(Error::unreadable(format!("blob list {}", list.hash), &e)),
            }
        }
        Ok(true)
    }

    /// Which versions were retracted.
    ///
    /// # Errors
    ///
    /// If that can't be read.
    pub fn retractions(&self, state: &SiteState) -> Result<Retractions> {
        Retractions::load(self, state)
    }

    /// The entry of a version that is to be read; of the newest if there is none given.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] if there is no such version, [`Kind::Retracted`] if its author took it back.
    pub fn version(&self, state: &SiteState, version: Option<u64>) -> Result<Entry> {
        let entry = self.entry(state, version)?;
        // Only what they name, not what they drop: that may be much, and this is asked for every page.
        for by in self.records.retractions(state)? {
            if self
                .entry(state, Some(by))?
                .retracts()
                .contains(&entry.number)
            {
                return Err(retracted(entry.number, by));
            }
        }
        Ok(entry)
    }

    /// Deletes the blobs that a retraction has dropped and those of removed sites, as far as that was not
    /// done yet.
    ///
    /// # Errors
    ///
    /// If they can't be deleted. It is tried again when the store is opened.
    pub(crate) fn delete_dropped(&self) -> Result<()> {
        let remove = |site: SiteId, hashes: &[_]| {
            let removed = self.blobs.remove(hashes, site.0);
            removed.map_err(|e| Error::io("delete blobs in", Path::new("the store"), &e))
        };
        for (site, hashes) in self.records.dropped()? {
            remove(site, &hashes)?;
            self.records.forget_dropped(site, &hashes)?;
        }
        for (site, hashes) in self.records.removed()? {
            remove(site, &hashes)?;
            self.records.forget_removed(site, &hashes)?;
        }
        Ok(())
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
                .map_err(|e| Error::unreadable(format!("blob list {}", list.hash), &e))?;
            all.extend(decode_list(list, &bytes).map_err(Error::damaged)?);
        }
        Ok(all)
    }
}
