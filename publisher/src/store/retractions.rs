//! [`Retractions`]: which versions of a site were retracted, and which blobs the others need since then.

use std::collections::BTreeMap;

use super::{SiteState, Store};
use crate::{
    archive::{
        blobs::{BlobRef, ListRef},
        entry::{Entry, EntryKind},
        hash::ContentHash,
    },
    error::{Error, Kind, Result},
};

/// Blobs by their hash.
pub(crate) type Blobs = BTreeMap<ContentHash, BlobRef>;

/// What the retractions of a log say, all together.
#[derive(Debug, Clone, Default)]
pub struct Retractions {
    steps: Vec<Retraction>,
    /// Version -> the first entry that retracts it.
    versions: BTreeMap<u64, u64>,
}

/// One entry that retracts versions.
#[derive(Debug, Clone)]
pub(crate) struct Retraction {
    /// Its number.
    pub(crate) number: u64,
    /// The packs in which it stores anew what other versions need of the dropped ones.
    pub(crate) adds: Blobs,
    /// The blobs that holders are asked to delete.
    pub(crate) drops: Blobs,
}

/// The most retractions of one log.
pub(crate) const MAX_RETRACTIONS: usize = 1024;
/// The most blobs that they drop, all together: as many as a site has.
const MAX_DROPS: usize = 1 << 20;

impl Retractions {
    /// The retractions of a site's log. Their blob lists are here.
    pub(super) fn load(store: &Store, state: &SiteState) -> Result<Self> {
        let mut this = Self::default();
        for number in store.records.retractions(state)? {
            this.add(store, &store.entry(state, Some(number))?)?;
        }
        Ok(this)
    }

    /// Takes a further entry of the log into account. Its blob lists must be here if it retracts anything.
    ///
    /// # Errors
    ///
    /// If a list is missing, or the log retracts more than the format allows.
    pub(crate) fn add(&mut self, store: &Store, entry: &Entry) -> Result<()> {
        let EntryKind::Retract(versions) = &entry.kind else {
            return Ok(());
        };
        let blobs = |set| Ok::<_, Error>(by_hash(store.blobs_of(set)?));
        let dropped = self
            .steps
            .iter()
            .map(|step| step.drops.len())
            .sum::<usize>();
        if self.steps.len() == MAX_RETRACTIONS
            || dropped as u64 + entry.drops.count() > MAX_DROPS as u64
        {
            return Err(Error::new(Kind::Hostile, "the log retracts without end"));
        }
        self.steps.push(Retraction {
            number: entry.number,
            adds: blobs(&entry.adds)?,
            drops: blobs(&entry.drops)?,
        });
        for version in versions {
            self.versions.entry(*version).or_insert(entry.number);
        }
        Ok(())
    }

    /// What the retractions among the first `length` entries say.
    pub(crate) fn up_to(mut self, length: u64) -> Self {
        self.steps.retain(|step| step.number <= length);
        self.versions.retain(|_, number| *number <= length);
        self
    }

    /// The entry that retracts `version`.
    pub fn by(&self, version: u64) -> Option<u64> {
        self.versions.get(&version).copied()
    }

    /// How many versions are retracted.
    pub fn count(&self) -> u64 {
        self.versions.len() as u64
    }

    /// The single retractions, in order.
    pub(crate) fn steps(&self) -> &[Retraction] {
        &self.steps
    }

    /// What is needed today in place of `blobs`, which version `number` needed.
    pub(crate) fn since(&self, number: u64, mut blobs: Blobs) -> Blobs {
        for step in self.steps.iter().filter(|step| step.number > number) {
            if blobs.keys().any(|hash| step.drops.contains_key(hash)) {
                blobs.retain(|hash, _| !step.drops.contains_key(hash));
                blobs.extend(step.adds.iter().map(|(hash, blob)| (*hash, *blob)));
            }
        }
        blobs
    }

    /// Every blob that a version needs. Its lists must be here.
    pub(crate) fn needs(&self, store: &Store, entry: &Entry) -> Result<Blobs> {
        let mut needs = by_hash(store.blobs_of(&entry.adds)?);
        needs.extend(by_hash(store.blobs_of(&entry.keeps)?));
        Ok(self.since(entry.number, needs))
    }

    /// Whether every blob that a version needs is here; no retracted version is.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn is_whole(&self, store: &Store, entry: &Entry) -> Result<bool> {
        if self.by(entry.number).is_some() || !store.has_lists(entry)? {
            return Ok(false);
        }
        for blob in self.needs(store, entry)?.values() {
            let size = store.blobs.size(blob.hash);
            let size = size.map_err(|e| Error::unreadable(format!("blob {}", blob.hash), &e))?;
            if size != Some(blob.size) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The blob lists that whoever reads a log needs of this entry, whichever versions are wanted.
pub(crate) fn lists(entry: &Entry) -> impl Iterator<Item = &ListRef> {
    let is_retraction = entry.kind != EntryKind::Publish;
    let lists = entry.adds.lists.iter().chain(&entry.drops.lists);
    lists.filter(move |_| is_retraction)
}

pub(crate) fn by_hash(blobs: Vec<BlobRef>) -> Blobs {
    blobs.into_iter().map(|blob| (blob.hash, blob)).collect()
}
