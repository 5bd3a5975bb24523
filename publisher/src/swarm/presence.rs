//! Which nodes are connected for which site, right now.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use iroh::EndpointId;

use crate::archive::address::SiteId;

/// How many connections of each node there are, by site.
#[derive(Debug, Clone, Default)]
pub(super) struct Presence(Arc<Mutex<HashMap<SiteId, HashMap<EndpointId, usize>>>>);

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
        *self
            .sites()
            .entry(site)
            .or_default()
            .entry(node)
            .or_default() += 1;
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

    fn sites(&self) -> MutexGuard<'_, HashMap<SiteId, HashMap<EndpointId, usize>>> {
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
        if let Some(count) = nodes.get_mut(&self.node) {
            *count -= 1;
            if *count == 0 {
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
        drop(two);
        assert!(presence.of(site).is_empty());
        assert!(presence.sites().is_empty());
    }
}
