//! The control pages at `http://localhost:7537`: the library, new websites, review and publish.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`workshop`] | what the program around this library does for the pages: where websites lie, how they are built |
//! | [`access`] | who may ask: the cookie, the origin, the forms' token |
//! | `neighbour` | other users of this machine |
//! | `routes` | which page a URL is |
//! | `page` | what all pages have in common |
//! | `form` | what a form has sent |
//! | `assets` | style sheet, script, icon |
//! | `library`, `row` | the sites of this node |
//! | `new` | making a website |
//! | `open` | addresses that are typed, or come as links of other pages |
//! | `feed` | news of followed sites |
//! | `following` | following sites, and no longer |
//! | `site`, `history` | one site, with its versions |
//! | `fork` | a website of one's own, made of the sources of a site |
//! | `export` | a site as one file |
//! | `remove` | removing a site, with what that frees |
//! | `review` | what a publish would change, and the publish |
//!
//! Whoever may use these pages can publish. So nothing is shown or done without a cookie that only the
//! address that skep prints gives, nothing is done by a `GET`, and a form counts only if this origin has made it.

pub mod access;
mod assets;
mod export;
mod feed;
mod following;
mod fork;
mod form;
mod history;
mod library;
mod neighbour;
mod new;
mod open;
mod page;
mod remove;
mod review;
mod routes;
mod row;
mod site;
pub mod workshop;

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

pub use access::Access;
pub(super) use routes::answer;
pub use workshop::Workshop;

use crate::{archive::address::SiteId, home::Home, library::Library, store::Store};

/// What the control pages work with.
pub struct Control {
    /// Who may use them.
    pub access: Access,
    /// The program around this library.
    pub workshop: Arc<dyn Workshop>,
    home: Home,
    library: Library,
    /// How many news were not read, when they were last counted.
    unread: AtomicU64,
    reviews: Mutex<Recent<SiteId, Arc<review::Shown>>>,
    publishes: Mutex<Recent<u64, Arc<review::Publishing>>>,
    messages: Mutex<Recent<SiteId, String>>,
}

impl Control {
    /// Control pages of a node with that home and store, for whoever has `access`.
    pub fn new(access: Access, workshop: Arc<dyn Workshop>, home: &Home, store: &Store) -> Self {
        Self {
            access,
            workshop,
            home: home.clone(),
            library: Library::new(store),
            unread: AtomicU64::new(0),
            reviews: Mutex::default(),
            publishes: Mutex::default(),
            messages: Mutex::default(),
        }
    }

    /// Reads what the library page shows, so that the first one comes as soon as any. May block.
    pub(super) fn look_ahead(&self) {
        // What can't be read is told on the page.
        let _ = crate::library::list(&self.library, |_| 0);
    }

    fn unread(&self) -> u64 {
        self.unread.load(Ordering::Relaxed)
    }

    fn set_unread(&self, count: u64) {
        self.unread.store(count, Ordering::Relaxed);
    }

    fn reviews(&self) -> MutexGuard<'_, Recent<SiteId, Arc<review::Shown>>> {
        self.reviews.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publishes(&self) -> MutexGuard<'_, Recent<u64, Arc<review::Publishing>>> {
        self.publishes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The message of a publish that did not come about.
    fn unsent(&self, site: SiteId) -> String {
        let messages = self.messages.lock();
        let messages = messages.unwrap_or_else(PoisonError::into_inner);
        messages.get(site).unwrap_or_default()
    }

    fn keep_unsent(&self, site: SiteId, message: String) {
        let messages = self.messages.lock();
        let mut messages = messages.unwrap_or_else(PoisonError::into_inner);
        messages.put(site, message);
    }
}

/// The last few values, by key.
struct Recent<K, V> {
    values: HashMap<K, V>,
    order: VecDeque<K>,
}

/// So many are kept: as many pages as somebody may have open.
const KEPT: usize = 16;

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self {
            values: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl<K: Copy + Eq + std::hash::Hash, V: Clone> Recent<K, V> {
    fn put(&mut self, key: K, value: V) {
        self.order.retain(|other| *other != key);
        self.order.push_back(key);
        self.values.insert(key, value);
        while self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.values.remove(&oldest);
        }
    }

    fn get(&self, key: K) -> Option<V> {
        self.values.get(&key).cloned()
    }

    fn take(&mut self, key: K) -> Option<V> {
        self.order.retain(|other| *other != key);
        self.values.remove(&key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten() {
        let mut recent = Recent::default();
        for key in 0..KEPT {
            recent.put(key, key);
        }
        recent.put(0, 100);
        recent.put(KEPT, KEPT);
        assert_eq!((recent.get(0), recent.get(1)), (Some(100), None));
        assert_eq!(recent.take(2), Some(2));
        assert_eq!(recent.get(2), None);
        assert_eq!(recent.values.len(), recent.order.len());
    }
}
