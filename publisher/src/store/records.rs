//! What a node knows of sites, in one redb file: heads, logs, and where each object lies.
//!
//! A version arrives in one transaction, after its blobs are durable: a reader sees all of it or nothing.

mod addresses;
mod elsewhere;
mod forks;
mod known;
mod news;
mod removed;
mod retracted;
mod signposts;

use std::{
    collections::{BTreeSet, HashMap},
    ops::Deref,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

#[cfg(test)]
pub(crate) use known::MAX_PEERS;
use redb::{
    Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition, WriteTransaction,
};

use super::{
    relation::Relation,
    uses::{self, Counted, Trees, Uses},
};
use crate::{
    archive::{
        address::SiteId,
        blobs::BlobRef,
        entry::Entry,
        hash::ContentHash,
        head::Head,
        log::{History, Peaks},
        pack::Place,
        receipt::Receipt,
        signpost::Signpost,
    },
    database,
    error::{Error, Result},
    home::StoreLock,
};

type Key = [u8; 32];

/// Site -> (its number here, [`Relation`]).
const SITES: TableDefinition<Key, (u32, u8)> = TableDefinition::new("sites");
/// Site's number -> the newest head.
const HEADS: TableDefinition<u32, &[u8]> = TableDefinition::new("heads");
/// Site's number -> the peaks of its log.
const PEAKS: TableDefinition<u32, &[u8]> = TableDefinition::new("peaks");
/// (site's number, version) -> entry.
const ENTRIES: TableDefinition<(u32, u64), &[u8]> = TableDefinition::new("entries");
/// (site's number, hash of a file or tree node) -> (pack's number, [`Place`]).
const OBJECTS: TableDefinition<(u32, Key), (u32, [u64; 6])> = TableDefinition::new("objects");
/// (site's number, pack's number) -> pack.
const PACKS: TableDefinition<(u32, u32), Key> = TableDefinition::new("packs");
/// (site's number, pack) -> pack's number.
const PACK_NUMBERS: TableDefinition<(u32, Key), u32> = TableDefinition::new("pack-numbers");
/// (site's number, node) -> the newest receipt of that node.
const RECEIPTS: TableDefinition<(u32, Key), &[u8]> = TableDefinition::new("receipts");

/// What is known of a site.
#[derive(Debug, Clone)]
pub struct SiteState {
    /// The site.
    pub site: SiteId,
    /// Why it is known.
    pub relation: Relation,
    /// The newest head; none yet of a pinned site that nobody has sent so far.
    pub head: Option<Head>,
    /// Whether a person has stopped its sharing for now.
    pub paused: bool,
    pub(crate) number: u32,
}

/// Where an object lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) pack: ContentHash,
    pub(crate) place: Place,
}

/// A pack with its verified objects.
pub(crate) type IndexedPack = (BlobRef, Vec<([u8; 32], Place)>);

/// A version, or several, with all that has to be recorded with them.
///
/// They extend the log as it was when they were made. If it has grown since, they are refused: between
/// a review and its publish, or while a peer was slow, another version may have come.
pub(crate) struct Commit<'a> {
    pub(crate) site: SiteId,
    /// What the site becomes if it was not known before.
    pub(crate) relation: Relation,
    /// The new entries, in order, as bytes.
    pub(crate) entries: &'a [Vec<u8>],
    pub(crate) head: &'a Head,
    pub(crate) peaks: &'a Peaks,
    /// Packs that are new here, with their verified objects.
    pub(crate) packs: &'a [IndexedPack],
    /// Which of the new entries retract others.
    pub(crate) retractions: &'a [u64],
    /// The blobs that no version needs since then: to be deleted once this is recorded.
    pub(crate) drops: &'a [ContentHash],
    /// How many objects of each blob the newest of the versions uses, if that was counted.
    pub(crate) uses: Option<&'a Counted>,
    /// How long the log was for which they were made.
    pub(crate) before: u64,
    /// How many of its entries stay: all, unless the new log abandons it.
    pub(crate) keep: u64,
    /// The new log with its branches, if there are new ones.
    pub(crate) history: Option<&'a History>,
    /// What the DHT is to say of the head, if it is here already.
    pub(crate) signpost: Option<&'a Signpost>,
}

/// The records of a node.
#[derive(Clone)]
pub(crate) struct Records {
    db: Arc<Owned>,
    /// How often the records of each site were written since they were opened.
    changes: Arc<Mutex<HashMap<SiteId, u64>>>,
}

/// The database, and the right to have it open. Fields are dropped in this order: another process that gets the
/// right finds the database closed.
struct Owned {
    db: Database,
    _lock: Option<Arc<StoreLock>>,
}

impl Deref for Owned {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.db
    }
}

fn damaged(error: impl Into<redb::Error>) -> Error {
    database::explain("use", Path::new("the store's records"), error)
}

impl Records {
    /// Opens the records at `path`. The store is given up, with `lock`, when they are closed.
    pub(crate) fn open(path: &Path, lock: Option<Arc<StoreLock>>) -> Result<Self> {
        let db = database::open(path)?;
        Self::new(Owned { db, _lock: lock })
    }

    /// Records that are elsewhere than in a file of their own.
    pub(crate) fn with_backend(backend: impl StorageBackend) -> Result<Self> {
        let db = Database::builder().create_with_backend(backend);
        let db = db.map_err(damaged)?;
        Self::new(Owned { db, _lock: None })
    }

    fn new(db: Owned) -> Result<Self> {
        let this = Self {
            db: Arc::new(db),
            changes: Arc::default(),
        };
        this.make_tables().map_err(damaged)?;
        Ok(this)
    }

    /// Makes what tables there are not yet, so that a reader never meets a missing one.
    fn make_tables(&self) -> Result<(), redb::Error> {
        let txn = self.db.begin_write()?;
        let before = txn.list_tables()?.count();
        txn.open_table(SITES)?;
        txn.open_table(HEADS)?;
        txn.open_table(PEAKS)?;
        txn.open_table(ENTRIES)?;
        txn.open_table(OBJECTS)?;
        txn.open_table(PACKS)?;
        txn.open_table(PACK_NUMBERS)?;
        txn.open_table(RECEIPTS)?;
        Self::create_fork_tables(&txn)?;
        txn.open_table(addresses::ADDRESSES)?;
        txn.open_table(elsewhere::ELSEWHERE)?;
        txn.open_table(addresses::MIRRORS)?;
        txn.open_table(retracted::RETRACTIONS)?;
        txn.open_table(retracted::DROPPED)?;
        txn.open_table(removed::REMOVED)?;
        txn.open_table(removed::SEEN)?;
        txn.open_table(removed::NEXT)?;
        txn.open_table(news::NEWS)?;
        txn.open_table(signposts::SIGNPOSTS)?;
        known::open(&txn)?;
        uses::open(&txn)?;
        // A commit waits for the disk, and mostly there is nothing to be kept.
        let after = txn.list_tables()?.count();
        match after == before {
            true => Ok(txn.abort()?),
            false => Ok(txn.commit()?),
        }
    }

    /// Makes a site known. What is known already as closely is not written, nor waited for.
    pub(crate) fn add_site(&self, site: SiteId, relation: Relation) -> Result<()> {
        let known = self.site(site)?;
        if known.is_some_and(|known| known.relation.code() <= relation.code()) {
            return Ok(());
        }
        self.write(site, |txn| site_number(txn, site, relation).map(|_| ()))
    }

    pub(crate) fn site(&self, site: SiteId) -> Result<Option<SiteState>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let sites = txn.open_table(SITES).map_err(damaged)?;
        let Some(found) = sites.get(site.0).map_err(damaged)? else {
            return Ok(None);
        };
        let (number, relation) = found.value();
        let heads = txn.open_table(HEADS).map_err(damaged)?;
        let head = match heads.get(number).map_err(damaged)? {
            Some(bytes) => Some(Head::decode(site, bytes.value()).map_err(Error::damaged)?),
            None => None,
        };
        let paused = txn.open_table(known::PAUSED).map_err(damaged)?;
        Ok(Some(SiteState {
            site,
            relation: Relation::from_code(relation)?,
            head,
            paused: paused.get(number).map_err(damaged)?.is_some(),
            number,
        }))
    }

    pub(crate) fn sites(&self) -> Result<Vec<SiteState>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(SITES).map_err(damaged)?;
        let ids = table
            .iter()
            .map_err(damaged)?
            .map(|row| Ok(SiteId(row.map_err(damaged)?.0.value())))
            .collect::<Result<Vec<_>>>()?;
        let states = ids.into_iter().map(|id| self.site(id));
        states.filter_map(Result::transpose).collect()
    }

    /// The ids of all sites, without a look at their heads.
    pub(crate) fn site_ids(&self) -> Result<BTreeSet<SiteId>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(SITES).map_err(damaged)?;
        let rows = table.iter().map_err(damaged)?;
        rows.map(|row| Ok(SiteId(row.map_err(damaged)?.0.value())))
            .collect()
    }

    /// Notes that something of a site has changed that is not in the records.
    pub(crate) fn touch(&self, site: SiteId) {
        *self.changed().entry(site).or_default() += 1;
    }

    pub(crate) fn peaks(&self, state: &SiteState) -> Result<Peaks> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(PEAKS).map_err(damaged)?;
        match table.get(state.number).map_err(damaged)? {
            Some(bytes) => Peaks::decode(bytes.value()).map_err(Error::damaged),
            None => Ok(Peaks::default()),
        }
    }

    /// The bytes of an entry.
    pub(crate) fn entry_bytes(&self, state: &SiteState, version: u64) -> Result<Option<Vec<u8>>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(ENTRIES).map_err(damaged)?;
        let found = table.get((state.number, version)).map_err(damaged)?;
        Ok(found.map(|bytes| bytes.value().to_vec()))
    }

    pub(crate) fn entry(&self, state: &SiteState, version: u64) -> Result<Option<Entry>> {
        self.entry_bytes(state, version)?
            .map(|bytes| Entry::decode(&bytes).map_err(Error::damaged))
            .transpose()
    }

    /// The entries up to that of `newest`, the oldest first.
    pub(crate) fn entries(&self, state: &SiteState, newest: u64) -> Result<Vec<Entry>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(ENTRIES).map_err(damaged)?;
        // There is no version 0, and a site without any has no range from 1 on.
        let all = (state.number, 0)..=(state.number, newest);
        let rows = table.range(all).map_err(damaged)?;
        rows.map(|row| Entry::decode(row.map_err(damaged)?.1.value()).map_err(Error::damaged))
            .collect()
    }

    pub(crate) fn locate(&self, state: &SiteState, object: Key) -> Result<Option<Location>> {
        Ok(self.locate_all(state, [object])?.pop().flatten())
    }

    /// Where each object lies, in their order.
    pub(crate) fn locate_all(
        &self,
        state: &SiteState,
        hashes: impl IntoIterator<Item = Key>,
    ) -> Result<Vec<Option<Location>>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let objects = txn.open_table(OBJECTS).map_err(damaged)?;
        let packs = txn.open_table(PACKS).map_err(damaged)?;
        let mut locations = Vec::new();
        for hash in hashes {
            let Some(row) = objects.get((state.number, hash)).map_err(damaged)? else {
                locations.push(None);
                continue;
            };
            let (number, place) = row.value();
            let pack = packs.get((state.number, number)).map_err(damaged)?;
            let pack = pack.ok_or_else(|| Error::damaged("an object lies in an unknown pack"))?;
            locations.push(Some(Location {
                pack: ContentHash(pack.value()),
                place: place_from(place),
            }));
        }
        Ok(locations)
    }

    /// Whether a pack was indexed here: all its objects are verified.
    pub(crate) fn has_pack(&self, state: &SiteState, pack: ContentHash) -> Result<bool> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(PACK_NUMBERS).map_err(damaged)?;
        let found = table.get((state.number, pack.0)).map_err(damaged)?;
        Ok(found.is_some())
    }

    /// Records new versions, all or nothing, durably. Their blobs must be durable already.
    pub(crate) fn commit(&self, commit: &Commit<'_>) -> Result<()> {
        let mut overtaken = false;
        self.write(commit.site, |txn| {
            let number = site_number(txn, commit.site, commit.relation)?;
            // Peaks begin with the length of their log.
            let length = txn.open_table(PEAKS)?.get(number)?.map(|bytes| {
                let length = bytes.value().first_chunk().copied();
                length.map_or(u64::MAX, u64::from_be_bytes)
            });
            if length.unwrap_or(0) != commit.before {
                overtaken = true;
                return Ok(());
            }
            let mut entries = txn.open_table(ENTRIES)?;
            // The new log is longer: where it takes the place of another, nothing of that is left.
            for (version, entry) in (commit.keep + 1..).zip(commit.entries) {
                entries.insert((number, version), entry.as_slice())?;
            }
            retracted::set_retractions(txn, number, commit.keep + 1, commit.retractions)?;
            // Before the new packs: what they have of the old ones shall be found in them.
            retracted::drop_blobs(txn, number, commit.drops)?;
            if let Some(history) = commit.history {
                forks::settle(txn, (number, commit.site), history, commit.keep)?;
            }
            insert_packs(txn, number, commit.packs)?;
            match commit.uses {
                Some(counted) => uses::put(txn, number, counted)?,
                None => uses::forget(txn, number)?,
            }
            txn.open_table(PEAKS)?
                .insert(number, commit.peaks.encode().as_slice())?;
            txn.open_table(HEADS)?
                .insert(number, commit.head.encode().as_slice())?;
            signposts::put(txn, number, commit.signpost)?;
            Ok(())
        })?;
        match overtaken {
            false => Ok(()),
            true => Err(super::overtaken()),
        }
    }

    /// How many objects of the blobs the version with the trees `of` uses; `None` if it was not counted.
    pub(crate) fn uses(
        &self,
        state: &SiteState,
        of: Trees,
        blobs: impl IntoIterator<Item = ContentHash>,
    ) -> Result<Option<Uses>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        uses::get(&txn, state.number, of, blobs).map_err(damaged)
    }

    /// Records where the verified objects of packs lie.
    pub(crate) fn add_packs(&self, state: &SiteState, packs: &[IndexedPack]) -> Result<()> {
        self.write(state.site, |txn| {
            // An object that lay in a blob of its own may be said to lie in a pack from now on.
            uses::forget(txn, state.number)?;
            insert_packs(txn, state.number, packs)
        })
    }

    /// Keeps a receipt, in the place of an older one of the same node.
    pub(crate) fn put_receipt(&self, state: &SiteState, receipt: &Receipt) -> Result<()> {
        self.write(state.site, |txn| {
            let mut table = txn.open_table(RECEIPTS)?;
            table.insert((state.number, receipt.node), receipt.encode().as_slice())?;
            Ok(())
        })
    }

    pub(crate) fn forget_receipt(&self, state: &SiteState, node: [u8; 32]) -> Result<()> {
        self.write(state.site, |txn| {
            txn.open_table(RECEIPTS)?.remove((state.number, node))?;
            Ok(())
        })
    }

    pub(crate) fn receipts(&self, state: &SiteState) -> Result<Vec<Receipt>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(RECEIPTS).map_err(damaged)?;
        let all = (state.number, [0; 32])..=(state.number, [0xff; 32]);
        let mut receipts = Vec::new();
        for row in table.range(all).map_err(damaged)? {
            let (key, bytes) = row.map_err(damaged)?;
            let receipt = Receipt::decode(state.site, key.value().1, bytes.value());
            receipts.push(receipt.map_err(Error::damaged)?);
        }
        Ok(receipts)
    }

    /// How often the records of a site were written: who keeps what it made of them sees whether it is old.
    pub(crate) fn changes(&self, site: SiteId) -> u64 {
        self.changed().get(&site).copied().unwrap_or(0)
    }

    /// Changes the records of a site.
    fn write(
        &self,
        site: SiteId,
        change: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<()> {
        let written = self.write_any(change);
        // Also after a failure, which may have come after the change.
        self.touch(site);
        written
    }

    fn changed(&self) -> MutexGuard<'_, HashMap<SiteId, u64>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_any(
        &self,
        change: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<()> {
        // A transaction that is not committed is rolled back when it is dropped.
        let txn = self.db.begin_write().map_err(damaged)?;
        change(&txn).map_err(damaged)?;
        txn.commit().map_err(damaged)
    }
}

fn insert_packs(
    txn: &WriteTransaction,
    number: u32,
    indexed: &[IndexedPack],
) -> Result<(), redb::Error> {
    let mut packs = txn.open_table(PACKS)?;
    let mut numbers = txn.open_table(PACK_NUMBERS)?;
    let mut objects = txn.open_table(OBJECTS)?;
    let mut next = packs
        .range((number, 0)..=(number, u32::MAX))?
        .next_back()
        .transpose()?
        .map_or(0, |(key, _)| key.value().1 + 1);
    for (pack, places) in indexed {
        if numbers.get((number, pack.hash.0))?.is_some() {
            continue;
        }
        packs.insert((number, next), pack.hash.0)?;
        numbers.insert((number, pack.hash.0), next)?;
        // In the order of the table each leaf of it is come to once.
        let mut places: Vec<_> = places.iter().collect();
        places.sort_unstable_by_key(|(hash, _)| *hash);
        for (hash, place) in places {
            // The first pack that has an object stays the one that is used.
            if objects.get((number, *hash))?.is_none() {
                objects.insert((number, *hash), (next, place_to(place)))?;
            }
        }
        next += 1;
    }
    Ok(())
}

fn site_number(
    txn: &WriteTransaction,
    site: SiteId,
    relation: Relation,
) -> Result<u32, redb::Error> {
    let mut sites = txn.open_table(SITES)?;
    let known = sites.get(site.0)?.map(|row| row.value());
    match known {
        // A closer relation takes the place of a looser one, never the reverse.
        Some((number, code)) if code <= relation.code() => Ok(number),
        Some((number, _)) => {
            sites.insert(site.0, (number, relation.code()))?;
            Ok(number)
        }
        None => {
            let number = removed::next_number(txn, &sites)?;
            sites.insert(site.0, (number, relation.code()))?;
            Ok(number)
        }
    }
}

fn place_to(place: &Place) -> [u64; 6] {
    [
        place.frame_start,
        place.frame_len,
        place.frame_raw,
        place.prefix,
        place.offset,
        place.size,
    ]
}

fn place_from([frame_start, frame_len, frame_raw, prefix, offset, size]: [u64; 6]) -> Place {
    Place {
        frame_start,
        frame_len,
        frame_raw,
        prefix,
        offset,
        size,
    }
}
