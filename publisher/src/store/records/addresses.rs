//! Which addresses of this machine were given to a site as its origin: of its mirror, or for browsers
//! that do not resolve names below `localhost`. Browsers keep what a site stores by origin, so that an
//! address once given stays given.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
};

use redb::{ReadableDatabase, ReadableTable, TableDefinition};

use super::{Key, Records, damaged};
use crate::{archive::address::SiteId, error::Result, store::Store};

/// Address -> site.
pub(super) const ADDRESSES: TableDefinition<&str, Key> = TableDefinition::new("addresses");

/// Site -> the port of its mirror, the last one if it had several.
pub(super) const MIRRORS: TableDefinition<Key, u16> = TableDefinition::new("mirrors");

impl Store {
    /// The port that the mirror of a site has had last.
    ///
    /// # Errors
    ///
    /// If the records can't be read.
    pub fn mirror_of(&self, site: SiteId) -> Result<Option<u16>> {
        self.records.mirror_of(site)
    }

    /// The ports of `127.0.0.1` that were given to a site. None of them is ever another site's.
    ///
    /// # Errors
    ///
    /// If the records can't be read.
    pub fn given_ports(&self) -> Result<BTreeMap<u16, SiteId>> {
        self.records.given_ports()
    }

    /// Gives a port of `127.0.0.1` to the mirror of a site, for ever; false if another site has it.
    ///
    /// # Errors
    ///
    /// If the records can't be written.
    pub fn claim_mirror(&self, port: u16, site: SiteId) -> Result<bool> {
        self.records.claim(address_of(port), site, Some(port))
    }

    /// The addresses that were given to a site.
    pub(crate) fn addresses_of(&self, site: SiteId) -> Result<Vec<SocketAddr>> {
        self.records.addresses_of(site)
    }

    /// Gives an address to a site; false if another has it.
    pub(crate) fn claim_address(&self, address: SocketAddr, site: SiteId) -> Result<bool> {
        self.records.claim(address, site, None)
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

    fn mirror_of(&self, site: SiteId) -> Result<Option<u16>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(MIRRORS).map_err(damaged)?;
        let port = table.get(site.0).map_err(damaged)?;
        Ok(port.map(|port| port.value()))
    }

    fn given_ports(&self) -> Result<BTreeMap<u16, SiteId>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(ADDRESSES).map_err(damaged)?;
        let mut ports = BTreeMap::new();
        for row in table.iter().map_err(damaged)? {
            let (address, owner) = row.map_err(damaged)?;
            if let Ok(address) = address.value().parse::<SocketAddr>()
                && address.ip() == Ipv4Addr::LOCALHOST
            {
                ports.insert(address.port(), SiteId(owner.value()));
            }
        }
        Ok(ports)
    }

    fn claim(&self, address: SocketAddr, site: SiteId, mirror: Option<u16>) -> Result<bool> {
        let address = address.to_string();
        let mut is_ours = false;
        self.write(site, |txn| {
            let mut table = txn.open_table(ADDRESSES)?;
            let owner = table.get(address.as_str())?.map(|owner| owner.value());
            is_ours = owner.is_none_or(|owner| owner == site.0);
            if is_ours {
                table.insert(address.as_str(), site.0)?;
                if let Some(port) = mirror {
                    txn.open_table(MIRRORS)?.insert(site.0, port)?;
                }
            }
            Ok(())
        })?;
        Ok(is_ours)
    }
}

fn address_of(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
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

    #[test]
    fn a_port_of_a_mirror_is_never_another_sites_not_even_after_that_has_another() {
        let store = memory::store();
        let (one, other) = (SiteId([1; 32]), SiteId([2; 32]));
        assert_eq!(store.mirror_of(one).unwrap(), None);
        assert!(store.claim_mirror(8080, one).unwrap());
        assert!(!store.claim_mirror(8080, other).unwrap());
        assert_eq!(store.mirror_of(other).unwrap(), None);
        assert!(store.claim_mirror(9000, one).unwrap());
        assert_eq!(store.mirror_of(one).unwrap(), Some(9000));
        assert!(!store.claim_mirror(8080, other).unwrap());
        assert!(!store.claim_address(address_of(8080), other).unwrap());
        assert!(store.claim_address(address_of(25_000), other).unwrap());
        assert!(!store.claim_mirror(25_000, one).unwrap());
        let given = BTreeMap::from([(8080, one), (9000, one), (25_000, other)]);
        assert_eq!(store.given_ports().unwrap(), given);
    }
}
