//! The nodes that are known to have a site: the one place that commands and pages ask whom to ask and whom to tell.

use std::collections::BTreeSet;

use iroh::{EndpointAddr, EndpointId};

use super::{network::Ticket, node::Node};
use crate::{archive::address::SiteId, error::Result, store::Store};

/// A node that has a site, or had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// How to reach it.
    pub ticket: Ticket,
    /// Whether it keeps the site for its author, as far as is known: a person named it, or it said, signed, that it
    /// kept a version. Others are readers.
    pub keeps: bool,
}

/// The most nodes that are asked for one site.
const MAX_KNOWN: usize = 32;

/// The nodes that are remembered as having `site`, those that keep it first.
///
/// # Errors
///
/// If the records can't be read.
pub fn remembered(store: &Store, site: SiteId) -> Result<Vec<Known>> {
    let receipts: BTreeSet<[u8; 32]> = match store.site(site)? {
        Some(state) => store.receipts(&state)?.iter().map(|r| r.node).collect(),
        None => BTreeSet::new(),
    };
    let peers = store.peers(site)?.into_iter();
    let mut known: Vec<Known> = peers
        .filter_map(|peer| {
            Some(Known {
                ticket: peer.ticket.parse().ok()?,
                keeps: peer.named || receipts.contains(&peer.node),
            })
        })
        .collect();
    known.sort_by_key(|known| !known.keeps);
    Ok(known)
}

impl Node {
    /// The nodes that are [`remembered`] as having a site, those that are connected for it now, and those of which
    /// no more than a receipt is here, if the network finds nodes by their keys.
    ///
    /// # Errors
    ///
    /// If the records can't be read.
    pub fn known(&self, site: SiteId) -> Result<Vec<Known>> {
        let mut known = remembered(&self.store, site)?;
        let receipts = match self.store.site(site)? {
            Some(state) => self.store.receipts(&state)?,
            None => Vec::new(),
        };
        let is_receipt = |node: &[u8; 32]| receipts.iter().any(|receipt| receipt.node == *node);
        let connected = self
            .presence
            .reachable(site)
            .into_iter()
            .map(|address| Known {
                keeps: is_receipt(address.id.as_bytes()),
                ticket: Ticket(address),
            });
        let by_key = receipts.iter().filter(|_| self.network().finds());
        let by_key = by_key.filter_map(|receipt| {
            let id = EndpointId::from_bytes(&receipt.node).ok()?;
            Some(Known {
                ticket: Ticket(EndpointAddr::new(id)),
                keeps: true,
            })
        });
        for one in connected.chain(by_key) {
            let is_new = known
                .iter()
                .all(|other| other.ticket.node() != one.ticket.node());
            if is_new && one.ticket.node() != self.id() && known.len() < MAX_KNOWN {
                known.push(one);
            }
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Peer, Relation, memory};

    #[test]
    fn nodes_that_keep_a_site_come_before_its_readers() {
        let store = memory::store();
        let site = SiteId([1; 32]);
        store.add_site(site, Relation::Own).unwrap();
        for (n, named) in [(2, false), (3, true), (4, false)] {
            let id = iroh::SecretKey::from_bytes(&[n; 32]).public();
            let peer = Peer {
                node: *id.as_bytes(),
                ticket: Ticket(EndpointAddr::new(id)).to_string(),
                heard: 1,
                named,
            };
            store.remember_peer(site, &peer).unwrap();
        }
        let known = remembered(&store, site).unwrap();
        let keep: Vec<_> = known.iter().map(|known| known.keeps).collect();
        assert_eq!(keep, [true, false, false]);
        assert!(remembered(&store, SiteId([9; 32])).unwrap().is_empty());
    }
}
