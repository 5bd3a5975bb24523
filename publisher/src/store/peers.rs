//! Who has a site: the nodes that it was had from.

use super::{Relation, SiteState, Store};
use crate::{
    archive::address::SiteId,
    error::{Error, Kind, Result},
};

/// A node that has a site, or had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its public key.
    pub node: [u8; 32],
    /// How to reach it, as text: a [`Ticket`](crate::swarm::Ticket).
    pub ticket: String,
    /// When it was heard from last, in seconds since 1970; 0 for never.
    pub heard: u64,
    /// Whether a person named it. Such ones are the last to be forgotten.
    pub named: bool,
}

impl Store {
    /// The nodes that a site was had from, at most 16: those that a person named first, then the newest.
    ///
    /// # Errors
    ///
    /// If the records can't be read.
    pub fn peers(&self, site: SiteId) -> Result<Vec<Peer>> {
        match self.records.site(site)? {
            Some(state) => self.records.peers(&state),
            None => Ok(Vec::new()),
        }
    }

    /// Remembers a node for a known site, for others nothing.
    ///
    /// # Errors
    ///
    /// If the records can't be written.
    pub fn remember_peer(&self, site: SiteId, peer: &Peer) -> Result<()> {
        match self.records.site(site)? {
            Some(state) => self.records.put_peer(&state, peer),
            None => Ok(()),
        }
    }

    /// Stops following or pinning a site: it is a visited one from then on. A running node does more:
    /// [`follow::unfollow`](crate::swarm::follow::unfollow).
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] if the site is not known, [`Kind::Usage`] if it is one's own: such a site stays what it is.
    pub fn unfollow(&self, site: SiteId) -> Result<SiteState> {
        self.records.unfollow(site)?;
        match self.records.site(site)? {
            Some(state) if state.relation == Relation::Visited => Ok(state),
            Some(_) => Err(Error::new(
                Kind::Usage,
                format!("skep://{site} is a site of your own, and neither followed nor pinned"),
            )),
            None => Err(Error::new(
                Kind::NotFound,
                format!("skep://{site} is not on this machine"),
            )),
        }
    }

    /// The sites that are kept up to date: followed and pinned ones.
    ///
    /// # Errors
    ///
    /// If the records can't be read.
    pub fn kept_up(&self) -> Result<Vec<SiteState>> {
        let mut sites = self.records.sites()?;
        sites.retain(|state| matches!(state.relation, Relation::Followed | Relation::Pinned));
        Ok(sites)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{memory, records::MAX_PEERS};

    fn peer(n: u8, heard: u64, named: bool) -> Peer {
        Peer {
            node: [n; 32],
            ticket: format!("ticket {n}"),
            heard,
            named,
        }
    }

    #[test]
    fn the_peers_of_a_site_are_bounded_and_named_ones_stay_longest() {
        let store = memory::store();
        let site = SiteId([1; 32]);
        store.remember_peer(site, &peer(0, 1, true)).unwrap();
        assert!(store.peers(site).unwrap().is_empty(), "not known yet");
        store.add_site(site, Relation::Followed).unwrap();
        store.remember_peer(site, &peer(0, 1, true)).unwrap();
        for n in 1..100 {
            store
                .remember_peer(site, &peer(n, 1000 + u64::from(n), false))
                .unwrap();
        }
        let known = store.peers(site).unwrap();
        assert_eq!(known.len(), MAX_PEERS);
        assert_eq!((known[0].node, known[1].node), ([0; 32], [99; 32]));
        let long = Peer {
            ticket: "x".repeat(100_000),
            ..peer(200, 9999, true)
        };
        store.remember_peer(site, &long).unwrap();
        assert_eq!(store.peers(site).unwrap(), known);
    }

    #[test]
    fn to_unfollow_demotes_followed_and_pinned_sites_and_no_own_ones() {
        let store = memory::store();
        for (n, before, after) in [
            (1, Relation::Own, Err(Kind::Usage)),
            (2, Relation::Pinned, Ok(Relation::Visited)),
            (3, Relation::Followed, Ok(Relation::Visited)),
            (4, Relation::Visited, Ok(Relation::Visited)),
        ] {
            let site = SiteId([n; 32]);
            store.add_site(site, before).unwrap();
            let done = store.unfollow(site);
            let done = done.map(|state| state.relation).map_err(|e| e.kind);
            assert_eq!(done, after, "{before:?}");
            let stays = store.records.site(site).unwrap().unwrap().relation;
            assert_eq!(stays, after.unwrap_or(before));
        }
        let unknown = store.unfollow(SiteId([9; 32])).unwrap_err();
        assert_eq!(unknown.kind, Kind::NotFound);
    }
}
