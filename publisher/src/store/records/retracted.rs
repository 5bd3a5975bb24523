//! The records of retractions: which entries they are, and which blobs are still to be deleted for them.

use std::collections::{BTreeMap, HashSet};

use redb::{ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::{Key, OBJECTS, PACK_NUMBERS, PACKS, Records, SiteState, damaged, place_to};
use crate::{
    archive::{address::SiteId, hash::ContentHash, pack::Place},
    error::Result,
};

/// (site's number, version that retracts others).
pub(super) const RETRACTIONS: TableDefinition<(u32, u64), ()> = TableDefinition::new("retractions");
/// (site's number, blob that is to be deleted).
pub(super) const DROPPED: TableDefinition<(u32, Key), ()> = TableDefinition::new("dropped");

impl Records {
    /// The numbers of the entries that retract versions, ascending.
    pub(crate) fn retractions(&self, state: &SiteState) -> Result<Vec<u64>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(RETRACTIONS).map_err(damaged)?;
        let all = (state.number, 0)..=(state.number, u64::MAX);
        let rows = table.range(all).map_err(damaged)?;
        rows.map(|row| Ok(row.map_err(damaged)?.0.value().1))
            .collect()
    }

    /// The blobs that are to be deleted, by site.
    pub(crate) fn dropped(&self) -> Result<Vec<(SiteId, Vec<ContentHash>)>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(DROPPED).map_err(damaged)?;
        let mut by_number: BTreeMap<u32, Vec<ContentHash>> = BTreeMap::new();
        for row in table.iter().map_err(damaged)? {
            let (number, hash) = row.map_err(damaged)?.0.value();
            by_number.entry(number).or_default().push(ContentHash(hash));
        }
        if by_number.is_empty() {
            return Ok(Vec::new());
        }
        let sites = self.sites()?.into_iter();
        let sites = sites.filter_map(|state| Some((state.site, by_number.remove(&state.number)?)));
        Ok(sites.collect())
    }

    /// The blobs are deleted.
    pub(crate) fn forget_dropped(&self, site: SiteId, hashes: &[ContentHash]) -> Result<()> {
        let Some(state) = self.site(site)? else {
            return Ok(());
        };
        self.write(site, |txn| {
            let mut table = txn.open_table(DROPPED)?;
            for hash in hashes {
                table.remove((state.number, hash.0))?;
            }
            Ok(())
        })
    }

    /// The objects that are recorded as lying in one of these packs.
    pub(crate) fn objects_in(
        &self,
        state: &SiteState,
        packs: impl IntoIterator<Item = ContentHash>,
    ) -> Result<HashSet<Key>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let numbers = txn.open_table(PACK_NUMBERS).map_err(damaged)?;
        let mut wanted = HashSet::new();
        for pack in packs {
            let number = numbers.get((state.number, pack.0)).map_err(damaged)?;
            wanted.extend(number.map(|number| number.value()));
        }
        let objects = txn.open_table(OBJECTS).map_err(damaged)?;
        let all = (state.number, [0; 32])..=(state.number, [0xff; 32]);
        let mut found = HashSet::new();
        if wanted.is_empty() {
            return Ok(found);
        }
        for row in objects.range(all).map_err(damaged)? {
            let (key, place) = row.map_err(damaged)?;
            if wanted.contains(&place.value().0) {
                found.insert(key.value().1);
            }
        }
        Ok(found)
    }

    /// Records another place of objects. The packs are indexed.
    pub(crate) fn move_objects(
        &self,
        state: &SiteState,
        objects: &[(Key, ContentHash, Place)],
    ) -> Result<()> {
        self.write(state.site, |txn| {
            let numbers = txn.open_table(PACK_NUMBERS)?;
            let mut table = txn.open_table(OBJECTS)?;
            for (object, pack, place) in objects {
                if let Some(number) = numbers.get((state.number, pack.0))? {
                    table.insert((state.number, *object), (number.value(), place_to(place)))?;
                }
            }
            Ok(())
        })
    }
}

/// Forgets dropped packs with all that lies in them, and notes that the blobs are to be deleted.
pub(super) fn drop_blobs(
    txn: &WriteTransaction,
    number: u32,
    drops: &[ContentHash],
) -> Result<(), redb::Error> {
    if drops.is_empty() {
        return Ok(());
    }
    let mut packs = txn.open_table(PACKS)?;
    let mut numbers = txn.open_table(PACK_NUMBERS)?;
    let mut dropped = txn.open_table(DROPPED)?;
    let mut gone = HashSet::new();
    for hash in drops {
        dropped.insert((number, hash.0), ())?;
        let pack = numbers.remove((number, hash.0))?.map(|pack| pack.value());
        if let Some(pack) = pack {
            packs.remove((number, pack))?;
            gone.insert(pack);
        }
    }
    let mut objects = txn.open_table(OBJECTS)?;
    let all = (number, [0; 32])..=(number, [0xff; 32]);
    objects.retain_in(all, |_, (pack, _)| !gone.contains(&pack))?;
    Ok(())
}

/// Notes which of the entries from version `first` on retract others; those that were there before are
/// no longer in the log.
pub(super) fn set_retractions(
    txn: &WriteTransaction,
    number: u32,
    first: u64,
    retractions: &[u64],
) -> Result<(), redb::Error> {
    let mut table = txn.open_table(RETRACTIONS)?;
    table.retain_in((number, first)..=(number, u64::MAX), |_, ()| false)?;
    for version in retractions {
        table.insert((number, *version), ())?;
    }
    Ok(())
}
