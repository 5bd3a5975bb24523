//! Whether others may have a site from this node.

use super::{SiteState, Store};
use crate::{
    archive::address::SiteId,
    error::{Error, Kind, Result},
};

impl SiteState {
    /// Whether others may have the site from this node: its relation says so, and nobody has stopped that.
    pub fn is_shared(&self) -> bool {
        self.relation.is_shared() && !self.paused
    }
}

impl Store {
    /// Stops the sharing of a site until it is started again, or starts it. A running node does more:
    /// [`follow::pause`](crate::swarm::follow::pause).
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] if the site is not known, [`Kind::Usage`] if it is a visited one, which is shared with
    /// nobody.
    pub fn set_paused(&self, site: SiteId, paused: bool) -> Result<()> {
        match self.site(site)? {
            Some(state) if state.relation.is_shared() => self.records.set_paused(site, paused),
            Some(_) => Err(Error::new(
                Kind::Usage,
                format!("skep://{site} is only visited, and shared with nobody"),
            )
            .hint("follow it, and it is shared")),
            None => Err(Error::new(
                Kind::NotFound,
                format!("skep://{site} is not on this machine"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{OwnSites, Relation, memory};

    #[test]
    fn a_pause_lasts_until_it_is_ended_or_the_site_is_another() {
        let store = memory::store();
        let site = SiteId([1; 32]);
        let shared = || store.site(site).unwrap().is_some_and(|s| s.is_shared());
        assert_eq!(
            store.set_paused(site, true).unwrap_err().kind,
            Kind::NotFound
        );
        store.add_site(site, Relation::Followed).unwrap();
        assert!(shared());
        store.set_paused(site, true).unwrap();
        store.set_paused(site, true).unwrap();
        assert!(!shared());
        // It is still kept up to date.
        assert_eq!(store.kept_up().unwrap().len(), 1);
        store.set_paused(site, false).unwrap();
        assert!(shared());

        store.set_paused(site, true).unwrap();
        store.unfollow(site).unwrap();
        store.add_site(site, Relation::Followed).unwrap();
        assert!(shared(), "followed anew");
        store.set_paused(site, true).unwrap();
        store.remove_site(site, OwnSites::Keep).unwrap();
        store.add_site(site, Relation::Pinned).unwrap();
        assert!(shared(), "added anew");
    }
}
