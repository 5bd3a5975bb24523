//! Removing a site: its records in one transaction, then the blobs that no other site needs.

use std::{collections::HashSet, io, path::Path};

use super::{Relation, SiteState, Store};
use crate::{
    archive::{address::SiteId, hash::ContentHash},
    error::{Error, Kind, Result},
};

/// What a removal takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removal {
    /// How many versions are known.
    pub versions: u64,
    /// The bytes that come free on the disk.
    pub frees: u64,
    /// The bytes that stay, because other sites here have the same files.
    pub shared: u64,
}

/// Whether a site of one's own may be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnSites {
    /// It is refused.
    Keep,
    /// They go like any. The key stays, and remembers what it has signed.
    Remove,
}

impl Store {
    /// What [`remove_site`](Self::remove_site) would take away.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] if the site is not known.
    pub fn removal(&self, site: SiteId) -> Result<Removal> {
        let state = self.removable(site)?;
        let mut others = HashSet::new();
        for other in self.records.sites()? {
            if other.site != site {
                others.extend(self.kept(other.site)?.iter().map(|(hash, _)| *hash));
            }
        }
        let mut removal = Removal {
            versions: state.head.as_ref().map_or(0, |head| head.length()),
            frees: 0,
            shared: 0,
        };
        for (hash, size) in self.kept(site)? {
            match others.contains(&hash) {
                true => removal.shared += size,
                false => removal.frees += size,
            }
        }
        Ok(removal)
    }

    /// Removes a site and deletes its blobs, as far as no other site needs them. How far its log was seen
    /// is remembered: a peer can't bring back an older one. May block.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] if the site is not known, [`Kind::Usage`] if it is one's own and was not meant. If
    /// blobs can't be deleted the site is gone nevertheless; it is tried again when the store is opened.
    pub fn remove_site(&self, site: SiteId, own: OwnSites) -> Result<()> {
        let state = self.check_removable(site, own)?;
        let blobs: Vec<ContentHash> = self.kept(site)?.iter().map(|(hash, _)| *hash).collect();
        self.records.remove_site(&state, &blobs)?;
        self.delete_dropped()
    }

    /// Fails if the site can't be removed.
    pub(crate) fn check_removable(&self, site: SiteId, own: OwnSites) -> Result<SiteState> {
        let state = self.removable(site)?;
        if state.relation == Relation::Own && own == OwnSites::Keep {
            return Err(Error::new(
                Kind::Usage,
                format!("skep://{site} is a site of your own: this may be its only copy"),
            )
            .hint("save it with `skep export` first, and say that a site of your own is meant"));
        }
        Ok(state)
    }

    /// The bytes that are kept for a site on the disk, also if other sites have the same ones.
    pub(crate) fn bytes_here(&self, site: SiteId) -> Result<u64> {
        Ok(self.kept(site)?.iter().map(|(_, size)| size).sum())
    }

    pub(super) fn kept(&self, site: SiteId) -> Result<Vec<(ContentHash, u64)>> {
        let kept = self.blobs.kept(site.0);
        kept.map_err(|e: io::Error| Error::io("list the blobs in", Path::new("the store"), &e))
    }

    fn removable(&self, site: SiteId) -> Result<SiteState> {
        self.records.site(site)?.ok_or_else(|| {
            Error::new(
                Kind::NotFound,
                format!("skep://{site} is not on this machine"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory;

    #[test]
    fn a_removal_spares_what_another_site_has_and_frees_the_rest() {
        let store = memory::store();
        let (one, other) = (SiteId([1; 32]), SiteId([2; 32]));
        for site in [one, other] {
            store.add_site(site, Relation::Followed).unwrap();
            store.blobs.add_bytes(vec![7; 100], site.0).unwrap();
        }
        let shared = ContentHash::of(&[7; 100]);
        let alone = store.blobs.add_bytes(vec![8; 30], one.0).unwrap();
        let dry = store.removal(one).unwrap();
        assert_eq!((dry.frees, dry.shared), (30, 100));
        assert_eq!(store.bytes_here(one).unwrap(), 130);
        store.remove_site(one, OwnSites::Keep).unwrap();
        assert_eq!(store.blobs.size(alone).unwrap(), None);
        assert_eq!(store.blobs.size(shared).unwrap(), Some(100));
        assert!(store.site(one).unwrap().is_none());
        assert!(store.records.removed().unwrap().is_empty());
        assert_eq!(store.removal(one).unwrap_err().kind, Kind::NotFound);
    }

    #[test]
    fn a_site_of_ones_own_goes_only_if_that_is_meant() {
        let store = memory::store();
        let site = SiteId([1; 32]);
        store.add_site(site, Relation::Own).unwrap();
        let refused = store.remove_site(site, OwnSites::Keep).unwrap_err();
        assert_eq!(refused.kind, Kind::Usage);
        assert!(store.site(site).unwrap().is_some());
        store.remove_site(site, OwnSites::Remove).unwrap();
        assert!(store.site(site).unwrap().is_none());
    }

    #[test]
    fn no_site_gets_the_number_of_a_removed_one() {
        let store = memory::store();
        let sites = [1, 2, 3].map(|n| SiteId([n; 32]));
        store.add_site(sites[0], Relation::Followed).unwrap();
        store.add_site(sites[1], Relation::Followed).unwrap();
        let old = store.site(sites[1]).unwrap().unwrap().number;
        store.remove_site(sites[1], OwnSites::Keep).unwrap();
        store.add_site(sites[2], Relation::Followed).unwrap();
        assert!(store.site(sites[2]).unwrap().unwrap().number > old);
        store.add_site(sites[1], Relation::Followed).unwrap();
        assert!(store.site(sites[1]).unwrap().unwrap().number > old + 1);
    }
}
