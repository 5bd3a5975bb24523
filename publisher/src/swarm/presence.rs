//! Which nodes are connected for which site, right now.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use iroh::{EndpointAddr, EndpointId};

use crate::archive::address::SiteId;

/// The nodes that are there, by site.
#[derive(Debug, Clone, Default)]
pub(super) struct Presence(Arc<Mutex<HashMap<SiteId, HashMap<EndpointId, Seen>>>>);

#[derive(Debug, Default)]
struct Seen {
    /// How many connections it has.
    connections: usize,
    /// Where others can reach it, if it said so.
    address: Option<EndpointAddr>,
}

/// A node is there for a site as long as this exists.
#[derive(Debug)]
pub(super) struct Present {
    presence: Presence,
    site: SiteId,
    node: EndpointId,
}

impl Presence {
    /// Says that a node is connected for a site.
    pub(super) fn enter(&self, site: SiteId, node: EndpointId) -> Present {
        let mut sites = self.sites();
        let nodes = sites.entry(site).or_default();
        nodes.entry(node).or_default().connections += 1;
        drop(sites);
        Present {
            presence: self.clone(),
            site,
            node,
        }
    }

    /// The nodes that are connected for a site.
    pub(super) fn of(&self, site: SiteId) -> Vec<[u8; 32]> {
        let sites = self.sites();
        let nodes = sites.get(&site).into_iter().flat_map(HashMap::keys);
        nodes.map(|node| *node.as_bytes()).collect()
    }

    /// Says where a node that is there for a site can be reached by others.
    pub(super) fn reach(&self, site: SiteId, address: EndpointAddr) {
        let mut sites = self.sites();
        let nodes = sites.get_mut(&site);
        if let Some(seen) = nodes.and_then(|nodes| nodes.get_mut(&address.id)) {
            seen.address = Some(address);
        }
    }

    /// Where the nodes that are there for a site can be reached, as far as they said so.
    pub(super) fn reachable(&self, site: SiteId) -> Vec<EndpointAddr> {
        let sites = self.sites();
        let nodes = sites.get(&site).into_iter().flat_map(HashMap::values);
        nodes.filter_map(|seen| seen.address.clone()).collect()
    }

    fn sites(&self) -> MutexGuard<'_, HashMap<SiteId, HashMap<EndpointId, Seen>>> {
        // Counters are right at any moment, also after a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let mut sites = self.presence.sites();
        let Some(nodes) = sites.get_mut(&self.site) else {
            return;
        };
        if let Some(seen) = nodes.get_mut(&self.node) {
            seen.connections -= 1;
            if seen.connections == 0 {
                nodes.remove(&self.node);
            }
        }
        if nodes.is_empty() {
            sites.remove(&self.site);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_with_two_connections_is_one_node_until_both_are_gone() {
        let presence = Presence::default();
        let site = SiteId([1; 32]);
        let node = iroh::SecretKey::from_bytes(&[2; 32]).public();
        let one = presence.enter(site, node);
        let two = presence.enter(site, node);
        assert_eq!(presence.of(site).len(), 1);
        drop(one);
        assert_eq!(presence.of(site).len(), 1);
        assert!(presence.reachable(site).is_empty());
        let address = EndpointAddr::new(node);
        presence.reach(site, address.clone());
        let stranger = EndpointAddr::new(iroh::SecretKey::from_bytes(&[3; 32]).public());
        presence.reach(site, stranger);
        assert_eq!(presence.reachable(site), [address]);
        drop(two);
        assert!(presence.of(site).is_empty() && presence.reachable(site).is_empty());
        assert!(presence.sites().is_empty());
    }
}
