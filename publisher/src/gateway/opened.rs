//! Versions that were opened, kept as long as nothing is recorded that could change them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::version::Version;
use crate::{archive::address::SiteId, error::Result, store::Store};

/// How many versions are kept. Each may hold some frames and the paths that were asked for.
const MAX_OPEN: usize = 64;

type Key = (SiteId, Option<u64>);

/// Versions of a store that are open.
pub(super) struct Opened {
    store: Store,
    versions: Mutex<HashMap<Key, Open>>,
}

struct Open {
    version: Arc<Version>,
    /// How often the records of the site had been written when the version was last compared with them.
    as_of: u64,
}

impl Opened {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            versions: Mutex::default(),
        }
    }

    /// A version that is open, if nothing was recorded since.
    pub(super) fn at_once(&self, site: SiteId, number: Option<u64>) -> Option<Arc<Version>> {
        let versions = self.versions();
        let open = versions.get(&(site, number))?;
        (open.as_of == self.store.records.changes(site)).then(|| open.version.clone())
    }

    /// A version of a site, the newest if there is none given. May block.
    ///
    /// # Errors
    ///
    /// As [`Store::known`] and [`Store::version`].
    pub(super) fn get(&self, site: SiteId, number: Option<u64>) -> Result<Arc<Version>> {
        // First: what is recorded meanwhile is looked for again.
        let as_of = self.store.records.changes(site);
        let state = self.store.known(site)?;
        let key = (site, number);
        let same = self.versions().get(&key).and_then(|open| {
            let (version, head) = (&open.version, &open.version.head);
            let same = state.head.as_ref() == Some(head) && state.relation == version.relation;
            same.then(|| version.clone())
        });
        let version = match same {
            Some(version) => version,
            None => Arc::new(Version::stored(&self.store, &state, number)?),
        };
        let mut versions = self.versions();
        if versions.len() >= MAX_OPEN && !versions.contains_key(&key) {
            let oldest = versions.iter().min_by_key(|(_, open)| open.as_of);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                versions.remove(&oldest);
            }
        }
        let open = Open {
            version: version.clone(),
            as_of,
        };
        versions.insert(key, open);
        Ok(version)
    }

    fn versions(&self) -> MutexGuard<'_, HashMap<Key, Open>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
