//! Small versions, as they are pushed to whoever has the version before: making and taking them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::frame::{MAX_BLOBS, MAX_PUSH, Push};
use crate::{
    accept::{self, New, Wanted, check_named, retracted},
    archive::{
        address::SiteId,
        blobs::decode_list,
        entry::{Entry, EntryKind},
        hash::ContentHash,
        head::Head,
        log::{Peaks, Tip},
        signpost::Signpost,
    },
    error::{Error, Kind, Result},
    store::{SiteState, Store, retractions::by_hash},
    swarm::fetch,
};

/// Of how many sites the newest version is kept as it is pushed.
const MAX_KEPT: usize = 64;

/// The longest log that is read to know the root of the version before.
const MAX_READ: u64 = 1 << 12;

/// The newest versions of sites, made ready once for all links.
#[derive(Debug, Default)]
pub(in crate::swarm) struct Pushes(Mutex<HashMap<SiteId, Arc<Ready>>>);

/// The newest version of a site.
#[derive(Debug)]
pub(in crate::swarm) struct Ready {
    /// Its head.
    pub(in crate::swarm) head: Head,
    /// What a log was before it; `None` if it is the first version.
    pub(in crate::swarm) before: Option<Tip>,
    /// The version; `None` if it is too large, or does more than go on from there.
    pub(in crate::swarm) push: Option<Push>,
    peaks: Peaks,
}

impl Pushes {
    /// The version of `head`, if that is the newest of a site that is shared. May block.
    ///
    /// # Errors
    ///
    /// If the records or blobs can't be read.
    pub(in crate::swarm) fn ready(
        &self,
        store: &Store,
        site: SiteId,
        head: &Head,
    ) -> Result<Option<Arc<Ready>>> {
        // All links wait for the same one, instead of making one each.
        let mut kept = self.kept();
        let Some(state) = store.site(site)?.filter(SiteState::is_shared) else {
            return Ok(None);
        };
        if state.head.as_ref() != Some(head) {
            return Ok(None);
        }
        let known = kept.get(&site).cloned();
        if let Some(ready) = known.as_ref().filter(|ready| ready.head == *head) {
            return Ok(Some(ready.clone()));
        }
        let ready = Arc::new(make(store, &state, head, known.as_deref())?);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(site, ready.clone());
        Ok(Some(ready))
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<SiteId, Arc<Ready>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn make(store: &Store, state: &SiteState, head: &Head, last: Option<&Ready>) -> Result<Ready> {
    let mut ready = Ready {
        head: head.clone(),
        before: None,
        push: None,
        peaks: store.log_peaks(state)?,
    };
    let number = head.length();
    let Some(bytes) = store.records.entry_bytes(state, number)? else {
        return Err(Error::damaged("an entry is missing"));
    };
    let peaks = match last.filter(|last| last.peaks.length() + 1 == number) {
        Some(last) => last.peaks.clone(),
        None if number <= MAX_READ => peaks_of(store, state, number - 1)?,
        None => return Ok(ready),
    };
    let mut with = peaks.clone();
    with.append(&bytes);
    if with.root() != Some(head.root()) {
        return Ok(ready);
    }
    ready.before = peaks.root().map(|root| Tip {
        length: number - 1,
        root,
    });
    let entry = store.entry(state, Some(number))?;
    let signpost = store.signpost(state.site)?;
    let signpost = signpost.filter(|signpost| signpost.head() == head);
    ready.push = blobs_of(store, state, &entry)?.map(|blobs| Push {
        head: head.encode(),
        entry: bytes,
        signpost: signpost.map(|signpost| signpost.encode()),
        blobs,
    });
    Ok(ready)
}

fn peaks_of(store: &Store, state: &SiteState, length: u64) -> Result<Peaks> {
    let mut peaks = Peaks::default();
    for version in 1..=length {
        let entry = store.records.entry_bytes(state, version)?;
        peaks.append(&entry.ok_or_else(|| Error::damaged("an entry is missing"))?);
    }
    Ok(peaks)
}

/// The blobs that a version needs and the one before it does not, lists first; `None` if they are too many.
fn blobs_of(store: &Store, state: &SiteState, entry: &Entry) -> Result<Option<Vec<Vec<u8>>>> {
    if !goes_on(entry) {
        return Ok(None);
    }
    let before = match entry.number {
        1 => None,
        number => Some(store.entry(state, Some(number - 1))?),
    };
    let mut old = HashSet::new();
    if let Some(before) = &before {
        if !store.has_lists(before)? {
            return Ok(None);
        }
        old.extend(lists(before).map(|list| list.hash));
        let needs = store.retractions(state)?.needs(store, before)?;
        old.extend(needs.into_keys());
    }
    let needs = store.retractions(state)?.needs(store, entry)?;
    let lists = lists(entry).map(|list| (list.hash, list.size));
    let all = lists.chain(needs.values().map(|blob| (blob.hash, blob.size)));
    let mut seen = HashSet::new();
    let new: Vec<_> = all
        .filter(|(hash, _)| !old.contains(hash) && seen.insert(*hash))
        .collect();
    let total = new
        .iter()
        .try_fold(0u64, |sum, (_, size)| sum.checked_add(*size));
    if new.len() > MAX_BLOBS || total.is_none_or(|total| total > MAX_PUSH as u64) {
        return Ok(None);
    }
    let mut blobs = Vec::with_capacity(new.len());
    for (hash, size) in new {
        let bytes = store.blobs.read_at(hash, 0, size);
        blobs.push(bytes.map_err(|e| Error::unreadable(format!("blob {hash}"), &e))?);
    }
    Ok(Some(blobs))
}

/// Whether a version does nothing but add files: others need a look at what was before.
fn goes_on(entry: &Entry) -> bool {
    entry.kind == EntryKind::Publish && entry.abandoned.is_empty()
}

fn lists(entry: &Entry) -> impl Iterator<Item = &crate::archive::blobs::ListRef> {
    entry.adds.lists.iter().chain(&entry.keeps.lists)
}

/// What became of a pushed version.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::swarm) enum Taken {
    /// It is here now.
    Here,
    /// It has to be fetched: it does not go on from what is here, or needs more than came with it.
    ToFetch,
}

/// Checks a pushed version as one that was fetched, and records it. Nothing of it is stored before its entry is
/// the next of the log that `head` signs, and each of its blobs is one that the entry names. May block.
///
/// # Errors
///
/// [`Kind::Hostile`] if it is not what was signed; nothing is recorded then.
pub(in crate::swarm) fn take(
    store: &Store,
    site: SiteId,
    head: &Head,
    push: Push,
    wanted: Wanted,
) -> Result<Taken> {
    let Some(state) = store.site(site)? else {
        return Err(refused("the site is not known"));
    };
    let known = state.head.as_ref().map_or(0, Head::length);
    if known.checked_add(1) != Some(head.length()) {
        return Ok(Taken::ToFetch);
    }
    if known == 0 && store.records.seen(site)?.is_some() {
        // It was here before: the whole log tells whether it goes on from that.
        return Ok(Taken::ToFetch);
    }
    let mut new = New::after(store.log_peaks(&state)?);
    new.push(push.entry)?;
    if new.peaks.root() != Some(head.root()) {
        return Ok(Taken::ToFetch);
    }
    let Some(entry) = new.entries.first().filter(|entry| goes_on(entry)) else {
        return Ok(Taken::ToFetch);
    };
    check_named(&new.entries, wanted)?;
    let proven = fetch::proven(store, state.head.as_ref().map(|_| &state))?;
    let Some(blobs) = named(store, entry, &proven, push.blobs)? else {
        return Ok(Taken::ToFetch);
    };
    let retractions = retracted::with_new(store, Some(&state), &new.entries)?;
    fetch::check_new(store, Some(&state), &retractions, &blobs.needs)?;
    for bytes in blobs.new {
        let added = store.blobs.add_bytes(bytes, site.0);
        added.map_err(|e| Error::io("write to", std::path::Path::new("the store of blobs"), &e))?;
    }
    accept::accept(store, site, state.relation, head, &new, wanted)?;
    let signpost = push.signpost.as_deref();
    if let Some(Ok(signpost)) = signpost.map(|bytes| Signpost::decode(site, bytes)) {
        // It is no part of the version, which is here.
        let _ = store.keep_signpost(&signpost);
    }
    Ok(Taken::Here)
}

/// The blobs of a pushed version.
struct Named {
    /// All that the version needs, by size.
    needs: BTreeMap<ContentHash, u64>,
    /// Those that came.
    new: Vec<Vec<u8>>,
}

/// Checks that each blob that came is one that the entry names, in clear or by a list, and that with those that
/// are here nothing is missing; `None` if something is.
fn named(
    store: &Store,
    entry: &Entry,
    proven: &HashSet<ContentHash>,
    came: Vec<Vec<u8>>,
) -> Result<Option<Named>> {
    let mut by_name: HashMap<ContentHash, Vec<u8>> = HashMap::new();
    for bytes in came {
        by_name.insert(ContentHash::of(&bytes), bytes);
    }
    let mut needs = Vec::new();
    let mut sizes = BTreeMap::new();
    for list in lists(entry) {
        let listed = match by_name.get(&list.hash) {
            Some(bytes) => decode_list(list, bytes).map_err(refused)?,
            None if proven.contains(&list.hash) => {
                let bytes = store.blobs.read_at(list.hash, 0, list.size);
                let bytes =
                    bytes.map_err(|e| Error::unreadable(format!("blob list {}", list.hash), &e))?;
                decode_list(list, &bytes).map_err(refused)?
            }
            None => return Ok(None),
        };
        sizes.insert(list.hash, list.size);
        needs.extend(listed);
    }
    needs.extend(entry.adds.inline.iter().chain(&entry.keeps.inline));
    let needs: BTreeMap<_, _> = by_hash(needs)
        .into_values()
        .map(|blob| (blob.hash, blob.size))
        .collect();
    sizes.extend(&needs);
    if let Some((hash, _)) = by_name
        .iter()
        .find(|(hash, bytes)| sizes.get(hash) != Some(&(bytes.len() as u64)))
    {
        return Err(refused(format!("the version does not name blob {hash}")));
    }
    let is_here = |hash: &ContentHash| proven.contains(hash) || by_name.contains_key(hash);
    Ok(sizes.keys().all(is_here).then(|| Named {
        needs,
        new: by_name.into_values().collect(),
    }))
}

fn refused(why: impl std::fmt::Display) -> Error {
    Error::new(
        Kind::Hostile,
        format!("a peer pushed a version that is refused: {why}"),
    )
}
