//! What a retraction has to pass before it is obeyed: it must not take from any version that stays.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{Wanted, wanted_entries};
use crate::{
    archive::{
        blobs::BlobKind,
        entry::{Entry, EntryKind},
        hash::ContentHash,
        pack::read_index,
        tree::Object,
    },
    error::{Error, Kind, Result},
    store::{Reader, Retractions, SiteState, Store, blobs::Blob},
};

/// The retractions of a log with new entries, and what they do here.
pub(crate) struct Retracted {
    /// All of them.
    pub(crate) retractions: Retractions,
    /// The numbers of the new ones.
    pub(crate) new: Vec<u64>,
    /// The blobs that the new ones delete.
    pub(crate) drops: Vec<ContentHash>,
}

/// The retractions of the log with new entries, whose blob lists are here. They may come before the end of
/// the log here: what that has after them is abandoned.
///
/// # Errors
///
/// If a list is not here, or there are too many.
pub(crate) fn with_new(
    store: &Store,
    state: Option<&SiteState>,
    new: &[Entry],
) -> Result<Retractions> {
    let mut retractions = match state {
        Some(state) => store.retractions(state)?,
        None => Retractions::default(),
    };
    if let Some(first) = new.first() {
        retractions = retractions.up_to(first.number - 1);
    }
    new.iter()
        .try_for_each(|entry| retractions.add(store, entry))?;
    Ok(retractions)
}

/// Fails if a retraction says other things of its files than the version before.
pub(crate) fn check_entry(before: &Entry, entry: &Entry) -> Result<()> {
    if entry.kind == EntryKind::Publish {
        return Ok(());
    }
    let says = |e: &Entry| (e.tree, e.sources, e.files, e.bytes);
    match says(before) == says(entry) {
        true => Ok(()),
        false => Err(hostile(format!(
            "version {} retracts others, and has other files than the version before",
            entry.number
        ))),
    }
}

/// Fails if an entry drops what it needs itself.
pub(crate) fn check_own(store: &Store, retractions: &Retractions, entry: &Entry) -> Result<()> {
    let mut steps = retractions.steps().iter();
    let Some(step) = steps.find(|step| step.number == entry.number) else {
        return Ok(());
    };
    for set in [&entry.adds, &entry.keeps] {
        let blobs = store.blobs_of(set)?;
        if blobs.iter().any(|blob| step.drops.contains_key(&blob.hash)) {
            return Err(hostile(format!(
                "version {} drops what it needs itself",
                entry.number
            )));
        }
    }
    Ok(())
}

impl Retracted {
    /// Checks what the new entries say of each other, and finds out what they delete.
    pub(crate) fn new(
        store: &Store,
        state: &SiteState,
        new: &[Entry],
        wanted: Wanted,
    ) -> Result<Self> {
        let retractions = with_new(store, Some(state), new)?;
        let mut this = Self {
            retractions,
            new: Vec::new(),
            drops: Vec::new(),
        };
        let old = match new.first().map(|entry| entry.number - 1) {
            Some(number) if number > 0 => Some(store.entry(state, Some(number))?),
            _ => None,
        };
        let before = old.iter().chain(new);
        for (before, entry) in before.zip(&new[usize::from(old.is_none()).min(new.len())..]) {
            check_entry(before, entry)?;
        }
        let retracting = new.iter().filter(|entry| entry.kind != EntryKind::Publish);
        this.new = retracting.map(|entry| entry.number).collect();
        if !this.new.is_empty() {
            this.drops = this.doomed(store, state, new, wanted)?;
        }
        Ok(this)
    }

    /// The blobs that the new retractions drop, without those that a later version needs again.
    fn doomed(
        &self,
        store: &Store,
        state: &SiteState,
        new: &[Entry],
        wanted: Wanted,
    ) -> Result<Vec<ContentHash>> {
        let mut doomed = BTreeSet::new();
        let mut steps = self.retractions.steps().iter().peekable();
        for entry in new {
            // Of others not even the lists are here.
            let is_wanted = wanted == Wanted::Whole || Some(entry) == new.last();
            if is_wanted && self.retractions.by(entry.number).is_none() {
                let needs = self.retractions.needs(store, entry)?;
                doomed.retain(|hash| !needs.contains_key(hash));
                check_own(store, &self.retractions, entry)?;
            }
            while let Some(step) = steps.next_if(|step| step.number <= entry.number) {
                if step.number == entry.number {
                    doomed.extend(step.drops.keys().copied());
                }
            }
        }
        // A list names what a version needs, and is no secret. Who drops one would break the log.
        for entry in store.log(state)?.iter().chain(new) {
            for set in [&entry.adds, &entry.keeps, &entry.drops] {
                set.lists.iter().for_each(|list| {
                    doomed.remove(&list.hash);
                });
            }
        }
        Ok(doomed.into_iter().collect())
    }

    /// Fails unless every version that stays is complete without the dropped blobs. Afterwards its objects
    /// are found where they stay.
    pub(super) fn check(
        &self,
        store: &Store,
        state: &SiteState,
        new: &[Entry],
        wanted: Wanted,
    ) -> Result<()> {
        if self.drops.is_empty() {
            return Ok(());
        }
        let staying = self.staying(store, state, new, wanted)?;
        self.move_objects(store, state, &staying)?;
        self.check_objects(store, state, &staying)
    }

    /// Has every object that lies in a dropped pack and in another one found in that.
    fn move_objects(&self, store: &Store, state: &SiteState, staying: &[Entry]) -> Result<()> {
        let mut objects = store
            .records
            .objects_in(state, self.drops.iter().copied())?;
        let mut remaining = BTreeMap::new();
        for entry in staying {
            remaining.extend(self.retractions.needs(store, entry)?);
        }
        let mut moved = Vec::new();
        for pack in remaining.values() {
            if pack.kind != BlobKind::Pack || !store.records.has_pack(state, pack.hash)? {
                continue;
            }
            let blob = Blob {
                blobs: &*store.blobs,
                hash: pack.hash,
            };
            // Its objects were verified when it was indexed.
            let index = read_index(&blob, pack.size).map_err(Error::damaged)?;
            for (object, place) in index.places() {
                if objects.remove(&object.hash) {
                    moved.push((object.hash, pack.hash, place));
                }
            }
        }
        store.records.move_objects(state, &moved)
    }

    /// The versions that are complete here and stay.
    fn staying(
        &self,
        store: &Store,
        state: &SiteState,
        new: &[Entry],
        wanted: Wanted,
    ) -> Result<Vec<Entry>> {
        let mut staying = Vec::new();
        let keep = new.first().map_or(u64::MAX, |entry| entry.number - 1);
        let log = store.log(state)?.into_iter();
        for entry in log.take_while(|entry| entry.number <= keep) {
            if self.retractions.is_whole(store, &entry)? {
                staying.push(entry);
            }
        }
        let new = wanted_entries(new, wanted, &self.retractions);
        staying.extend(new.cloned());
        Ok(staying)
    }

    /// Fails if a version that stays needs an object that is in nothing but dropped blobs.
    fn check_objects(&self, store: &Store, state: &SiteState, staying: &[Entry]) -> Result<()> {
        let dropped: HashSet<_> = self.drops.iter().copied().collect();
        let lost = store
            .records
            .objects_in(state, self.drops.iter().copied())?;
        let reader = Reader::new(store, state);
        let mut seen = HashSet::new();
        for entry in staying {
            let roots = [Some(entry.tree), entry.sources];
            for root in roots.into_iter().flatten() {
                reader.objects(root, &mut seen, |object| {
                    let gone = match object {
                        Object::Node(hash) => lost.contains(&hash.0),
                        // As a blob of its own it may be dropped, and lie in a pack too.
                        Object::File(_, file) if dropped.contains(&file.hash) => {
                            let packed = store.records.locate(state, file.hash.0)?;
                            packed.is_none() || lost.contains(&file.hash.0)
                        }
                        Object::File(_, file) => lost.contains(&file.hash.0),
                    };
                    match gone {
                        false => Ok(()),
                        true => Err(hostile(format!(
                            "a retraction drops what version {} needs",
                            entry.number
                        ))),
                    }
                })?;
            }
        }
        Ok(())
    }
}

fn hostile(message: String) -> Error {
    Error::new(Kind::Hostile, message)
}
