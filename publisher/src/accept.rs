//! The one door by which versions that were made elsewhere come in: is every byte of them here, and is it
//! the right one?

mod new;
pub(crate) mod retracted;
mod tree;

use std::{collections::BTreeMap, path::Path};

pub(crate) use new::{MAX_NEW, New};
use retracted::Retracted;
use tree::{Checked, check_tree};

use crate::{
    archive::{
        address::SiteId,
        blobs::{BlobKind, BlobSet},
        entry::Entry,
        head::Head,
        tree::File,
    },
    checkout::Filling,
    error::{Error, Kind, Result},
    parallel,
    store::{
        Reader, Relation, Retractions, SiteState, Store,
        index::{Sink, verified},
        records::{Commit, IndexedPack},
    },
};

/// How much of a site is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Every version: what a host keeps.
    Whole,
    /// The newest version: what a reader needs.
    Latest,
}

/// The most bytes of one site that a node takes, over all versions: 16 GiB.
pub const SITE_QUOTA: u64 = 16 << 30;

/// The most blobs that versions taken at once name together, each as often as one names it.
const MAX_NAMED: u64 = 1 << 26;

/// Fails if the wanted ones among these entries name too many blobs. A few lists are quickly sent, and would
/// be read for weeks if thousands of versions name them.
///
/// # Errors
///
/// [`Kind::Hostile`] in that case.
pub(crate) fn check_named(entries: &[Entry], wanted: Wanted) -> Result<()> {
    let passed_over = match wanted {
        Wanted::Whole => 0,
        Wanted::Latest => entries.len().saturating_sub(1),
    };
    let sets = entries[passed_over..].iter();
    let sets = sets.flat_map(|entry| [&entry.adds, &entry.keeps, &entry.drops]);
    let named: u64 = sets.map(BlobSet::count).sum();
    match named > MAX_NAMED {
        true => Err(Error::new(
            Kind::Hostile,
            format!("the new versions name {named} blobs together, more than {MAX_NAMED}"),
        )),
        false => Ok(()),
    }
}

/// A head whose log contradicts the one that is here; they part after `fork_point`, if that is known.
pub(crate) fn forked(head: &Head, fork_point: Option<u64>) -> Error {
    let parts = match fork_point {
        Some(0) => ", from the first version on".to_owned(),
        Some(version) => format!(", from which it parts after version {version}"),
        None => String::new(),
    };
    Error::new(
        Kind::Conflict,
        format!(
            "version {} that is offered contradicts the versions that were seen before{parts}: the site was published from two machines, or its history was rewritten",
            head.length()
        ),
    )
    .hint("what is here stays as it is, and both heads are kept as evidence; the author's next `skep publish` mends it")
}

/// Checks the new versions and records them. Their blobs are in the store already. May block.
///
/// # Errors
///
/// [`Kind::Hostile`] if they are incomplete or not what was signed; nothing is recorded then.
pub(crate) fn accept(
    store: &Store,
    site: SiteId,
    relation: Relation,
    head: &Head,
    new: &New,
    wanted: Wanted,
) -> Result<()> {
    store.add_site(site, relation)?;
    let state = store
        .records
        .site(site)?
        .ok_or_else(|| Error::damaged("a site vanished"))?;
    let retracted = Retracted::new(store, &state, &new.entries, wanted).map_err(as_hostile)?;
    let retractions = &retracted.retractions;
    let filling = store.filling(site);
    if let (Some(filling), Some(newest)) = (&filling, new.entries.last()) {
        filling.expect(newest);
    }
    let filling = filling.as_deref();
    let packs = index_packs(store, &state, &new.entries, wanted, retractions, filling);
    let mut packs = packs.map_err(as_hostile)?;
    if !retracted.drops.is_empty() {
        // What is dropped may be in them too, and is looked for in the records.
        store
            .records
            .add_packs(&state, &std::mem::take(&mut packs))?;
    }
    let reader = Reader::with_packs(store, &state, &packs);
    let checked = || check(store, &reader, &state, new, wanted, retractions);
    let checked = match filling {
        Some(filling) => {
            let other = reader.again();
            parallel::both(move || filling.write_blobs(&other), checked).1
        }
        None => checked(),
    };
    checked.map_err(as_hostile)?;
    for entry in &new.abandoned {
        check_alone(store, &state, entry).map_err(as_hostile)?;
    }
    retracted
        .check(store, &state, &new.entries, wanted)
        .map_err(as_hostile)?;
    store.records.commit(&Commit {
        site,
        relation,
        entries: &new.bytes,
        head,
        peaks: &new.peaks,
        packs: &packs,
        retractions: &retracted.new,
        drops: &retracted.drops,
        // Whoever reads a site does not publish it; if it comes to that, it is counted then.
        uses: None,
        before: new.before,
        keep: new.keep,
        history: new.history.as_ref(),
        // It is asked for when the version is here.
        signpost: None,
    })?;
    // The version is here. What can't be deleted now is when the next comes, or the store is opened.
    let _ = store.delete_dropped();
    Ok(())
}

/// Checks the bytes of a version whose entry is recorded; what was not here lies in the store now. May
/// block.
///
/// # Errors
///
/// As [`accept`].
pub(crate) fn complete(store: &Store, state: &SiteState, entry: &Entry) -> Result<()> {
    let retractions = store.retractions(state)?;
    let entries = std::slice::from_ref(entry);
    let packs = index_packs(store, state, entries, Wanted::Whole, &retractions, None);
    store
        .records
        .add_packs(state, &packs.map_err(as_hostile)?)?;
    let newest = store.entry(state, None)?;
    let entries = wanted_entries(entries, Wanted::Whole, &retractions);
    let reader = Reader::new(store, state);
    check_entries(store, &reader, entries, Some(&newest), &retractions).map_err(as_hostile)?;
    // It may have needed nothing but blobs.
    store.records.touch(state.site);
    Ok(())
}

/// Checks the versions of a log that contradicts the one here, so that its author may mend the two. Their
/// blobs are in the store already. May block.
///
/// # Errors
///
/// As [`accept`].
pub(crate) fn check_rival(
    store: &Store,
    state: &SiteState,
    new: &New,
    wanted: Wanted,
) -> Result<()> {
    let retracted = Retracted::new(store, state, &new.entries, wanted).map_err(as_hostile)?;
    let retractions = &retracted.retractions;
    let packs = index_packs(store, state, &new.entries, wanted, retractions, None);
    store
        .records
        .add_packs(state, &packs.map_err(as_hostile)?)?;
    let reader = Reader::new(store, state);
    check(store, &reader, state, new, wanted, retractions).map_err(as_hostile)?;
    // A mend that goes on from there must not rely on what was dropped there.
    retracted
        .check(store, state, &new.entries, wanted)
        .map_err(as_hostile)
}

/// Makes the blobs that came durable, and verifies every object of the packs that are new here. Those that are not
/// recorded yet are returned, to be recorded with the versions in one go. If they are too many for that, they are
/// recorded: where an object lies is true whatever becomes of the versions.
fn index_packs(
    store: &Store,
    state: &SiteState,
    entries: &[Entry],
    wanted: Wanted,
    retractions: &Retractions,
    filling: Option<&Filling>,
) -> Result<Vec<IndexedPack>> {
    let mut new = BTreeMap::new();
    for entry in wanted_entries(entries, wanted, retractions) {
        for blob in retractions.needs(store, entry)?.into_values() {
            if blob.kind == BlobKind::Pack && !store.records.has_pack(state, blob.hash)? {
                new.insert(blob.hash, blob);
            }
        }
    }
    let mut new = new.into_values();
    let mut room = SITE_QUOTA;
    let blobs = &*store.blobs;
    let sink = filling.map(|filling| filling as &dyn Sink);
    // The disk has its time while the first are verified.
    let (synced, indexed) = parallel::both(
        || blobs.sync(),
        || verified(blobs, &mut new, &mut room, sink),
    );
    // First: that an object is in a pack is recorded once, and then relied on.
    synced.map_err(|e| Error::io("make durable", Path::new("the store's blobs"), &e))?;
    let mut indexed = indexed?;
    loop {
        // The first were the only ones that a folder could be filled from.
        let more = verified(blobs, &mut new, &mut room, None)?;
        if more.is_empty() {
            return Ok(indexed);
        }
        store.records.add_packs(state, &indexed)?;
        indexed = more;
    }
}

/// Checks that every file and source of the wanted versions is here, reading only what changed between them.
fn check(
    store: &Store,
    reader: &Reader,
    state: &SiteState,
    new: &New,
    wanted: Wanted,
    retractions: &Retractions,
) -> Result<()> {
    let mut base = base(store, state, new, wanted, retractions)?;
    let mut entries = wanted_entries(&new.entries, wanted, retractions).peekable();
    if let (Wanted::Latest, Some(before), Some(entry)) = (wanted, &base, entries.peek())
        && gives_up_files(store, retractions, before, entry)?
    {
        // Whether one of them is needed all the same, a look at what changed does not tell.
        base = None;
    }
    check_entries(store, reader, entries, base.as_ref(), retractions)
}

/// Whether a version does without a file that is a blob of its own, and that the version before needs.
fn gives_up_files(
    store: &Store,
    retractions: &Retractions,
    before: &Entry,
    entry: &Entry,
) -> Result<bool> {
    let needs = retractions.needs(store, entry)?;
    let old = retractions.needs(store, before)?;
    let mut files = old.values().filter(|blob| blob.kind == BlobKind::File);
    Ok(files.any(|blob| !needs.contains_key(&blob.hash)))
}

fn check_entries<'a>(
    store: &Store,
    reader: &Reader,
    entries: impl Iterator<Item = &'a Entry>,
    mut before: Option<&'a Entry>,
    retractions: &Retractions,
) -> Result<()> {
    for entry in entries {
        let needs = retractions.needs(store, entry)?;
        let present = |files: &[&File]| -> Result<()> {
            let places = reader.locate_files(files.iter().copied())?;
            for (file, place) in files.iter().zip(places) {
                if !reader.has_at(file, place, &needs)? {
                    return Err(hostile(format!(
                        "version {} has a file whose bytes are in none of its blobs",
                        entry.number
                    )));
                }
            }
            Ok(())
        };
        let old = before.map(|before| Checked {
            tree: before.tree,
            files: before.files.into(),
            bytes: before.bytes.into(),
        });
        let checked = check_tree(store, reader, old, entry.tree, &present)?;
        if checked.files != i128::from(entry.files) || checked.bytes != i128::from(entry.bytes) {
            return Err(hostile(format!(
                "version {} does not have the files that its entry counts",
                entry.number
            )));
        }
        if let Some(sources) = entry.sources {
            let old = before.and_then(|before| before.sources);
            // Nobody says how many they are.
            let old = old.map(|tree| Checked {
                tree,
                files: 0,
                bytes: 0,
            });
            check_tree(store, reader, old, sources, &present)?;
        }
        before = Some(entry);
    }
    Ok(())
}

/// Checks one version that is not in the log.
fn check_alone(store: &Store, state: &SiteState, entry: &Entry) -> Result<()> {
    let none = Retractions::default();
    let alone = std::slice::from_ref(entry);
    let packs = index_packs(store, state, alone, Wanted::Latest, &none, None)?;
    store.records.add_packs(state, &packs)?;
    let reader = Reader::new(store, state);
    check_entries(store, &reader, alone.iter(), None, &none)
}

/// The version after which the new ones come, if all of it is here and was checked. Of an older one than the newest
/// only who keeps them all knows that.
fn base(
    store: &Store,
    state: &SiteState,
    new: &New,
    wanted: Wanted,
    retractions: &Retractions,
) -> Result<Option<Entry>> {
    if new.keep == 0 {
        return Ok(None);
    }
    let base = store.entry(state, Some(new.keep))?;
    let is_checked = match new.keep == new.before {
        true => true,
        false => wanted == Wanted::Whole && retractions.is_whole(store, &base)?,
    };
    Ok(is_checked.then_some(base))
}

/// The new versions that are wanted: of a whole site, all but those that were retracted.
pub(crate) fn wanted_entries<'a>(
    entries: &'a [Entry],
    wanted: Wanted,
    retractions: &'a Retractions,
) -> impl Iterator<Item = &'a Entry> {
    let from = match wanted {
        Wanted::Whole => 0,
        Wanted::Latest => entries.len().saturating_sub(1),
    };
    let entries = entries[from..].iter();
    entries.filter(|entry| retractions.by(entry.number).is_none())
}

fn hostile(message: String) -> Error {
    Error::new(Kind::Hostile, message)
}

/// What just came and does not hold together was sent so.
fn as_hostile(error: Error) -> Error {
    match error.kind {
        Kind::Damaged | Kind::NotFound => Error {
            kind: Kind::Hostile,
            hint: Some("ask another node with `--peer TICKET`".into()),
            message: format!(
                "what came is incomplete or not what was signed: {}",
                error.message
            ),
        },
        _ => error,
    }
}
