//! The record of versions of one's own sites that another machine has published, and nobody has seen.

use redb::{ReadableDatabase, ReadableTable, TableDefinition};

use super::{Records, SITES, damaged};
use crate::{archive::address::SiteId, error::Result};

/// Site's number -> the newest version that was here before others came.
pub(super) const ELSEWHERE: TableDefinition<u32, u64> = TableDefinition::new("elsewhere");

impl Records {
    /// The newest version that was here before versions came from another machine.
    pub(crate) fn elsewhere(&self, number: u32) -> Result<Option<u64>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(ELSEWHERE).map_err(damaged)?;
        let found = table.get(number).map_err(damaged)?;
        Ok(found.map(|before| before.value()))
    }

    /// Notes it, or forgets it.
    pub(crate) fn put_elsewhere(&self, site: SiteId, before: Option<u64>) -> Result<()> {
        self.write(site, |txn| {
            let sites = txn.open_table(SITES)?;
            let Some(number) = sites.get(site.0)?.map(|row| row.value().0) else {
                return Ok(());
            };
            let mut table = txn.open_table(ELSEWHERE)?;
            match before {
                Some(before) => drop(table.insert(number, before)?),
                None => drop(table.remove(number)?),
            }
            Ok(())
        })
    }
}
