//! The records of what is known of sites beside their versions: who has them, when they were read, and how
//! much went to and fro.

use redb::{ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::{Key, Records, SITES, SiteState, damaged};
use crate::{
    archive::address::SiteId,
    error::Result,
    store::{Peer, Relation, activity::Traffic},
};

/// (site's number, node) -> (when it was heard from last, whether a person named it, its ticket).
const PEERS: TableDefinition<(u32, Key), (u64, bool, &str)> = TableDefinition::new("peers");
/// Site's number -> when it was read last, in seconds since 1970.
const VISITS: TableDefinition<u32, u64> = TableDefinition::new("visits");
/// Site's number -> (bytes that went to others, bytes that came from them).
const TRAFFIC: TableDefinition<u32, (u64, u64)> = TableDefinition::new("traffic");
/// Site's number -> nothing: it is shared with nobody for now, whatever its relation.
pub(super) const PAUSED: TableDefinition<u32, ()> = TableDefinition::new("paused");

/// The most peers of a site that are remembered.
pub(crate) const MAX_PEERS: usize = 16;
/// The longest ticket that is remembered.
const MAX_TICKET: usize = 4096;
/// A peer that was heard from less long ago, in seconds, is not written anew.
const FRESH: u64 = 3600;

pub(super) fn open(txn: &WriteTransaction) -> Result<(), redb::Error> {
    txn.open_table(PEERS)?;
    txn.open_table(VISITS)?;
    txn.open_table(TRAFFIC)?;
    txn.open_table(PAUSED)?;
    Ok(())
}

pub(super) fn remove(txn: &WriteTransaction, number: u32) -> Result<(), redb::Error> {
    txn.open_table(PEERS)?
        .retain_in(all(number), |_, _| false)?;
    txn.open_table(VISITS)?.remove(number)?;
    txn.open_table(TRAFFIC)?.remove(number)?;
    txn.open_table(PAUSED)?.remove(number)?;
    Ok(())
}

impl Records {
    /// Makes a followed or pinned site a visited one. Others stay what they are.
    pub(crate) fn unfollow(&self, site: SiteId) -> Result<()> {
        self.write(site, |txn| {
            let mut sites = txn.open_table(SITES)?;
            let known = sites.get(site.0)?.map(|row| row.value());
            if let Some((number, code)) = known
                && [Relation::Followed, Relation::Pinned]
                    .map(Relation::code)
                    .contains(&code)
            {
                sites.insert(site.0, (number, Relation::Visited.code()))?;
                txn.open_table(PAUSED)?.remove(number)?;
            }
            Ok(())
        })
    }

    /// Notes whether a known site is shared with nobody for now.
    pub(crate) fn set_paused(&self, site: SiteId, paused: bool) -> Result<()> {
        self.write(site, |txn| {
            let sites = txn.open_table(SITES)?;
            if let Some(row) = sites.get(site.0)? {
                let mut table = txn.open_table(PAUSED)?;
                match paused {
                    true => drop(table.insert(row.value().0, ())?),
                    false => drop(table.remove(row.value().0)?),
                }
            }
            Ok(())
        })
    }

    /// The peers of a site, those that a person named first, then those heard from last.
    pub(crate) fn peers(&self, state: &SiteState) -> Result<Vec<Peer>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(PEERS).map_err(damaged)?;
        let mut peers = Vec::new();
        for row in table.range(all(state.number)).map_err(damaged)? {
            let (key, value) = row.map_err(damaged)?;
            let (heard, named, ticket) = value.value();
            peers.push(Peer {
                node: key.value().1,
                heard,
                named,
                ticket: ticket.to_owned(),
            });
        }
        peers.sort_by_key(|peer| std::cmp::Reverse((peer.named, peer.heard)));
        Ok(peers)
    }

    /// Remembers a peer, in the place of the one that is missed least if there are too many.
    pub(crate) fn put_peer(&self, state: &SiteState, new: &Peer) -> Result<()> {
        let known = self.peers(state)?;
        let old = known.iter().find(|peer| peer.node == new.node);
        let is_fresh = old.is_some_and(|old| {
            (old.named || !new.named)
                && old.ticket == new.ticket
                && new.heard < old.heard.saturating_add(FRESH)
        });
        if is_fresh || new.ticket.len() > MAX_TICKET {
            return Ok(());
        }
        let named = new.named || old.is_some_and(|old| old.named);
        let last = match old.is_none() && known.len() >= MAX_PEERS {
            true => known.last().map(|peer| peer.node),
            false => None,
        };
        self.write(state.site, |txn| {
            let mut table = txn.open_table(PEERS)?;
            if let Some(last) = last {
                table.remove((state.number, last))?;
            }
            let value = (new.heard, named, new.ticket.as_str());
            table.insert((state.number, new.node), value)?;
            Ok(())
        })
    }

    /// Records visits and adds to the traffic of sites.
    pub(crate) fn put_activity(
        &self,
        visits: impl IntoIterator<Item = (SiteId, u64)>,
        traffic: impl IntoIterator<Item = (SiteId, Traffic)>,
    ) -> Result<()> {
        self.write_any(|txn| {
            let sites = txn.open_table(SITES)?;
            let mut table = txn.open_table(VISITS)?;
            for (site, time) in visits {
                if let Some(row) = sites.get(site.0)? {
                    table.insert(row.value().0, time)?;
                }
            }
            let mut table = txn.open_table(TRAFFIC)?;
            for (site, new) in traffic {
                if let Some(row) = sites.get(site.0)? {
                    let number = row.value().0;
                    let (up, down) = table.get(number)?.map_or((0, 0), |row| row.value());
                    let sum = (up.saturating_add(new.up), down.saturating_add(new.down));
                    table.insert(number, sum)?;
                }
            }
            Ok(())
        })
    }

    /// When each site was read last, if ever, and its traffic.
    pub(crate) fn activity(&self) -> Result<Vec<(SiteId, u64, Traffic)>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let sites = txn.open_table(SITES).map_err(damaged)?;
        let visits = txn.open_table(VISITS).map_err(damaged)?;
        let traffic = txn.open_table(TRAFFIC).map_err(damaged)?;
        let mut all = Vec::new();
        for row in sites.iter().map_err(damaged)? {
            let (key, value) = row.map_err(damaged)?;
            let number = value.value().0;
            let visit = visits.get(number).map_err(damaged)?;
            let moved = traffic.get(number).map_err(damaged)?;
            let (up, down) = moved.map_or((0, 0), |row| row.value());
            let visit = visit.map_or(0, |row| row.value());
            all.push((SiteId(key.value()), visit, Traffic { up, down }));
        }
        Ok(all)
    }
}

fn all(number: u32) -> std::ops::RangeInclusive<(u32, Key)> {
    (number, [0; 32])..=(number, [0xff; 32])
}
