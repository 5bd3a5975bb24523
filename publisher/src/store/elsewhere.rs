//! Versions of a site of one's own that another machine has published, until somebody has seen them: to publish
//! over what nobody has seen would take it back unnoticed.

use super::{Relation, Store};
use crate::{
    archive::{address::SiteId, head::Head},
    error::Result,
};

/// Versions that came from another machine, and that nobody has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elsewhere {
    /// The newest version that was here before.
    pub before: u64,
    /// The newest one now.
    pub newest: u64,
}

impl Store {
    /// The versions of a site of one's own that came from another machine, and were not [`shown`](Self::shown) yet.
    ///
    /// # Errors
    ///
    /// If the records can't be read.
    pub fn elsewhere(&self, site: SiteId) -> Result<Option<Elsewhere>> {
        let Some(state) = self.records.site(site)? else {
            return Ok(None);
        };
        let newest = state.head.as_ref().map_or(0, Head::length);
        let before = self.records.elsewhere(state.number)?;
        let before = before.filter(|before| *before < newest);
        Ok(before.map(|before| Elsewhere { before, newest }))
    }

    /// Somebody has seen what the newest version has.
    ///
    /// # Errors
    ///
    /// If the records can't be written.
    pub fn shown(&self, site: SiteId) -> Result<()> {
        match self.elsewhere(site)? {
            Some(_) => self.records.put_elsewhere(site, None),
            None => Ok(()),
        }
    }

    /// A version from another machine is about to be recorded, if the site is one's own.
    pub(crate) fn comes_from_elsewhere(&self, site: SiteId) -> Result<()> {
        let Some(state) = self.records.site(site)? else {
            return Ok(());
        };
        if state.relation != Relation::Own || self.elsewhere(site)?.is_some() {
            return Ok(());
        }
        let before = state.head.as_ref().map_or(0, Head::length);
        self.records.put_elsewhere(site, Some(before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory;

    #[test]
    fn only_what_comes_for_a_site_of_ones_own_waits_to_be_seen() {
        let store = memory::store();
        for (n, relation) in [
            (1, Relation::Own),
            (2, Relation::Pinned),
            (3, Relation::Followed),
        ] {
            let site = SiteId([n; 32]);
            store.comes_from_elsewhere(site).unwrap();
            store.add_site(site, relation).unwrap();
            store.comes_from_elsewhere(site).unwrap();
            let noted = store.records.elsewhere(store.known_number(site)).unwrap();
            assert_eq!(
                noted,
                (relation == Relation::Own).then_some(0),
                "{relation:?}"
            );
            // Nothing has come so far.
            assert_eq!(store.elsewhere(site).unwrap(), None);
        }
    }

    impl Store {
        fn known_number(&self, site: SiteId) -> u32 {
            self.site(site).unwrap().unwrap().number
        }
    }
}
