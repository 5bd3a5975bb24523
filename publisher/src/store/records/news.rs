//! The records of what the feeds of sites said, as bytes that [`feeds`](crate::feeds) knows.

use redb::{ReadableDatabase, ReadableTable, TableDefinition};

use super::{Records, SITES, damaged};
use crate::{archive::address::SiteId, error::Result};

/// Site's number -> its news.
pub(super) const NEWS: TableDefinition<u32, &[u8]> = TableDefinition::new("news");

impl Records {
    /// What `look` makes of the news of a site; `None` if there are none.
    pub(crate) fn news<T>(
        &self,
        site: SiteId,
        look: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<Option<T>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let sites = txn.open_table(SITES).map_err(damaged)?;
        let Some(number) = sites.get(site.0).map_err(damaged)?.map(|row| row.value().0) else {
            return Ok(None);
        };
        let table = txn.open_table(NEWS).map_err(damaged)?;
        let bytes = table.get(number).map_err(damaged)?;
        Ok(bytes.and_then(|bytes| look(bytes.value())))
    }

    /// Puts what `change` makes of a known site's news in their place, unless it makes nothing.
    pub(crate) fn change_news(
        &self,
        site: SiteId,
        change: impl FnOnce(Option<&[u8]>) -> Option<Vec<u8>>,
    ) -> Result<()> {
        // Nothing that is shown of the site itself changes by it.
        self.write_any(|txn| {
            let sites = txn.open_table(SITES)?;
            let Some(number) = sites.get(site.0)?.map(|row| row.value().0) else {
                return Ok(());
            };
            let mut table = txn.open_table(NEWS)?;
            let changed = {
                let bytes = table.get(number)?;
                change(bytes.as_ref().map(redb::AccessGuard::value))
            };
            if let Some(changed) = changed {
                table.insert(number, changed.as_slice())?;
            }
            Ok(())
        })
    }
}
