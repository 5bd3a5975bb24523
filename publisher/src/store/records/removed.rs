//! The records of removed sites: which blobs are still to be deleted for them, how far their logs were seen,
//! and which numbers they had.

use std::collections::BTreeMap;

use redb::{ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::{
    ENTRIES, HEADS, Key, OBJECTS, PACK_NUMBERS, PACKS, PEAKS, RECEIPTS, Records, SITES, SiteState,
    damaged, elsewhere, forks, known, news, retracted, signposts,
};
use crate::{
    archive::{address::SiteId, hash::ContentHash, head::Head},
    error::{Error, Result},
    store::{Relation, uses},
};

/// (site, blob that is to be deleted).
pub(super) const REMOVED: TableDefinition<(Key, Key), ()> = TableDefinition::new("removed");
/// Site -> the newest head that was here before it was removed: a reader never goes back.
pub(super) const SEEN: TableDefinition<Key, &[u8]> = TableDefinition::new("seen");
/// The number of the next site. No number is given twice: who still reads a removed site must not meet
/// the records of another.
pub(super) const NEXT: TableDefinition<(), u32> = TableDefinition::new("next-number");

/// The most heads of removed sites that are remembered.
const MAX_SEEN: u64 = 4096;

impl Records {
    /// Forgets a site, and notes that these blobs are to be deleted for it.
    pub(crate) fn remove_site(&self, state: &SiteState, blobs: &[ContentHash]) -> Result<()> {
        let number = state.number;
        self.write(state.site, |txn| {
            let mut sites = txn.open_table(SITES)?;
            if sites.get(state.site.0)?.map(|row| row.value().0) != Some(number) {
                return Ok(());
            }
            let next = next_number(txn, &sites)?;
            txn.open_table(NEXT)?.insert((), next)?;
            sites.remove(state.site.0)?;
            if let Some(head) = txn.open_table(HEADS)?.remove(number)?
                // What one's own key has signed is remembered beside it.
                && state.relation != Relation::Own
            {
                put_seen(txn, state.site, head.value())?;
            }
            txn.open_table(PEAKS)?.remove(number)?;
            signposts::put(txn, number, None)?;
            let versions = (number, 0)..=(number, u64::MAX);
            let hashes = (number, [0; 32])..=(number, [0xff; 32]);
            let mut entries = txn.open_table(ENTRIES)?;
            entries.retain_in(versions.clone(), |_, _| false)?;
            let mut objects = txn.open_table(OBJECTS)?;
            objects.retain_in(hashes.clone(), |_, _| false)?;
            let mut packs = txn.open_table(PACKS)?;
            packs.retain_in((number, 0)..=(number, u32::MAX), |_, _| false)?;
            let mut numbers = txn.open_table(PACK_NUMBERS)?;
            numbers.retain_in(hashes.clone(), |_, _| false)?;
            let mut receipts = txn.open_table(RECEIPTS)?;
            receipts.retain_in(hashes.clone(), |_, _| false)?;
            let mut retractions = txn.open_table(retracted::RETRACTIONS)?;
            retractions.retain_in(versions, |_, ()| false)?;
            let mut dropped = txn.open_table(retracted::DROPPED)?;
            dropped.retain_in(hashes, |_, ()| false)?;
            forks::remove(txn, number)?;
            txn.open_table(elsewhere::ELSEWHERE)?.remove(number)?;
            uses::remove(txn, number)?;
            known::remove(txn, number)?;
            txn.open_table(news::NEWS)?.remove(number)?;
            let mut removed = txn.open_table(REMOVED)?;
            for hash in blobs {
                removed.insert((state.site.0, hash.0), ())?;
            }
            Ok(())
        })
    }

    /// The blobs of removed sites that are to be deleted.
    pub(crate) fn removed(&self) -> Result<Vec<(SiteId, Vec<ContentHash>)>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(REMOVED).map_err(damaged)?;
        let mut by_site: BTreeMap<Key, Vec<ContentHash>> = BTreeMap::new();
        for row in table.iter().map_err(damaged)? {
            let (site, hash) = row.map_err(damaged)?.0.value();
            by_site.entry(site).or_default().push(ContentHash(hash));
        }
        Ok(by_site
            .into_iter()
            .map(|(key, all)| (SiteId(key), all))
            .collect())
    }

    /// The blobs are deleted.
    pub(crate) fn forget_removed(&self, site: SiteId, hashes: &[ContentHash]) -> Result<()> {
        self.write(site, |txn| {
            let mut table = txn.open_table(REMOVED)?;
            for hash in hashes {
                table.remove((site.0, hash.0))?;
            }
            Ok(())
        })
    }

    /// Remembers the head of a site of which nothing is here, as if it had been here; false if one is here, or
    /// another was: then only the whole log can tell whether it goes on from there.
    pub(crate) fn see(&self, head: &Head) -> Result<bool> {
        let site = head.site();
        match (
            self.site(site)?.and_then(|state| state.head),
            self.seen(site)?,
        ) {
            (Some(_), _) => Ok(false),
            (None, Some(seen)) => Ok(seen.tip() == head.tip()),
            (None, None) => {
                self.write(site, |txn| put_seen(txn, site, &head.encode()))?;
                Ok(true)
            }
        }
    }

    /// As [`see`](Self::see), of a head whose log was read, and goes on from what was seen.
    pub(crate) fn saw(&self, head: &Head) -> Result<()> {
        let site = head.site();
        if self.site(site)?.is_some_and(|state| state.head.is_some()) {
            return Ok(());
        }
        self.write(site, |txn| put_seen(txn, site, &head.encode()))
    }

    /// The newest head of a removed site that was ever here.
    pub(crate) fn seen(&self, site: SiteId) -> Result<Option<Head>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(SEEN).map_err(damaged)?;
        let Some(bytes) = table.get(site.0).map_err(damaged)? else {
            return Ok(None);
        };
        let head = Head::decode(site, bytes.value()).map_err(Error::damaged)?;
        Ok(Some(head))
    }
}

fn put_seen(txn: &WriteTransaction, site: SiteId, head: &[u8]) -> Result<(), redb::Error> {
    let mut seen = txn.open_table(SEEN)?;
    if redb::ReadableTableMetadata::len(&seen)? >= MAX_SEEN && seen.get(site.0)?.is_none() {
        // Any of them: ids are as good as random.
        let first = seen.first()?.map(|(key, _)| key.value());
        if let Some(first) = first {
            seen.remove(first)?;
        }
    }
    seen.insert(site.0, head)?;
    Ok(())
}

/// The number that the next site gets.
pub(super) fn next_number(
    txn: &WriteTransaction,
    sites: &impl ReadableTable<Key, (u32, u8)>,
) -> Result<u32, redb::Error> {
    let mut number = txn
        .open_table(NEXT)?
        .get(())?
        .map_or(0, |next| next.value());
    for row in sites.iter()? {
        number = number.max(row?.1.value().0 + 1);
    }
    Ok(number)
}
