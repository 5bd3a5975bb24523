//! Which addresses of this machine were given to a site as its origin. Browsers keep what a site stores by
//! origin, so that an address once given stays given.

use std::net::SocketAddr;

use redb::{ReadableDatabase, ReadableTable, TableDefinition};

use super::{Key, Records, damaged};
use crate::{archive::address::SiteId, error::Result, store::Store};

/// Address -> site.
pub(super) const ADDRESSES: TableDefinition<&str, Key> = TableDefinition::new("addresses");

impl Store {
    /// The addresses that were given to a site.
    pub(crate) fn addresses_of(&self, site: SiteId) -> Result<Vec<SocketAddr>> {
        self.records.addresses_of(site)
    }

    /// Gives an address to a site; false if another has it.
    pub(crate) fn claim_address(&self, address: SocketAddr, site: SiteId) -> Result<bool> {
        self.records.claim_address(address, site)
    }
}

impl Records {
    fn addresses_of(&self, site: SiteId) -> Result<Vec<SocketAddr>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(ADDRESSES).map_err(damaged)?;
        let mut addresses = Vec::new();
        for row in table.iter().map_err(damaged)? {
            let (address, owner) = row.map_err(damaged)?;
            if owner.value() == site.0 {
                addresses.extend(address.value().parse::<SocketAddr>());
            }
        }
        Ok(addresses)
    }

    fn claim_address(&self, address: SocketAddr, site: SiteId) -> Result<bool> {
        let address = address.to_string();
        let mut is_ours = false;
        self.write(site, |txn| {
            let mut table = txn.open_table(ADDRESSES)?;
            let owner = table.get(address.as_str())?.map(|owner| owner.value());
            is_ours = owner.is_none_or(|owner| owner == site.0);
            if is_ours {
                table.insert(address.as_str(), site.0)?;
            }
            Ok(())
        })?;
        Ok(is_ours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory;

    #[test]
    fn an_address_is_never_given_to_another_site() {
        let store = memory::store();
        let (one, other) = (SiteId([1; 32]), SiteId([2; 32]));
        let address: SocketAddr = "127.5.6.7:7537".parse().unwrap();
        assert!(store.claim_address(address, one).unwrap());
        assert!(!store.claim_address(address, other).unwrap());
        assert!(store.claim_address(address, one).unwrap());
        assert_eq!(store.addresses_of(one).unwrap(), [address]);
        assert!(store.addresses_of(other).unwrap().is_empty());
    }
}
