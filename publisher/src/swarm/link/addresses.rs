//! How to reach the nodes of a site's overlay.

use std::collections::HashMap;

use iroh::EndpointAddr;

use super::MAX_ADDRESSES;
use crate::swarm::proto::NodeId;

/// The most nodes whose addresses are kept, beside those that the overlay knows.
const SPARE: usize = 64;

/// The addresses of nodes, and whether they are more than hearsay.
#[derive(Debug, Default)]
pub(super) struct Addresses(HashMap<NodeId, (EndpointAddr, bool)>);

impl Addresses {
    /// Somebody says how to reach a node. What is known already counts for more, unless it is `better`.
    pub(super) fn learn(&mut self, address: EndpointAddr, better: bool) -> NodeId {
        let node = *address.id.as_bytes();
        let is_new = better || !self.0.contains_key(&node);
        if is_new && address.addrs.len() <= MAX_ADDRESSES {
            self.0.insert(node, (address, better));
        }
        node
    }

    /// How to reach a node.
    pub(super) fn of(&self, node: &NodeId) -> Option<&EndpointAddr> {
        self.0.get(node).map(|(address, _)| address)
    }

    /// How to reach some nodes.
    pub(super) fn all(&self, nodes: &[NodeId]) -> Vec<EndpointAddr> {
        nodes
            .iter()
            .filter_map(|node| self.of(node).cloned())
            .collect()
    }

    /// A node was not where others say it is: the next who names it may know better.
    pub(super) fn was_wrong(&mut self, node: &NodeId) {
        if self.0.get(node).is_some_and(|(_, is_firm)| !is_firm) {
            self.0.remove(node);
        }
    }

    /// Forgets all but those that are `known`, if there are too many.
    pub(super) fn tidy(&mut self, most: usize, known: impl Fn(&NodeId) -> bool) {
        if self.0.len() > most + SPARE {
            self.0.retain(|node, _| known(node));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;

    fn address(key: u8, ports: std::ops::Range<u16>) -> EndpointAddr {
        let id = iroh::SecretKey::from_bytes(&[key; 32]).public();
        ports.fold(EndpointAddr::new(id), |address, port| {
            address.with_ip_addr(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        })
    }

    #[test]
    fn hearsay_changes_no_address_and_the_table_stays_small() {
        let mut addresses = Addresses::default();
        let node = addresses.learn(address(1, 1..2), false);
        addresses.learn(address(1, 2..3), false);
        assert_eq!(addresses.of(&node), Some(&address(1, 1..2)));
        addresses.was_wrong(&node);
        addresses.learn(address(1, 3..4), false);
        assert_eq!(addresses.of(&node), Some(&address(1, 3..4)));
        addresses.learn(address(1, 4..5), true);
        addresses.was_wrong(&node);
        addresses.learn(address(1, 5..6), false);
        assert_eq!(addresses.all(&[node]), [address(1, 4..5)]);
        let long = addresses.learn(address(2, 0..1000), true);
        assert_eq!(addresses.of(&long), None);
        for key in 2..=100 {
            addresses.learn(address(key, 1..2), false);
            addresses.tidy(8, |other| *other == node);
        }
        assert!(addresses.0.len() <= 8 + SPARE && addresses.of(&node).is_some());
    }
}
