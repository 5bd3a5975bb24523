//! One at a time: who builds, reviews or signs a site in this process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use skep_publisher::archive::address::SiteId;
use tokio::sync::OwnedMutexGuard;

/// A lock for each site. Who holds one waits for none other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sites(Arc<Mutex<HashMap<SiteId, Lock>>>);

type Lock = Arc<tokio::sync::Mutex<()>>;

/// The right to build, review and sign a site. It ends with the value.
#[derive(Debug)]
pub(crate) struct Turn {
    _guard: OwnedMutexGuard<()>,
}

impl Sites {
    /// Waits for the right to work on a site.
    pub(crate) async fn turn(&self, site: SiteId) -> Turn {
        let guard = self.lock_of(site).lock_owned().await;
        Turn { _guard: guard }
    }

    /// The right to work on a site, if nobody has it.
    pub(crate) fn try_turn(&self, site: SiteId) -> Option<Turn> {
        let guard = self.lock_of(site).try_lock_owned().ok()?;
        Some(Turn { _guard: guard })
    }

    fn lock_of(&self, site: SiteId) -> Lock {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody holds or waits for one that is not known elsewhere.
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        locks.entry(site).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Whether the right to work on a site is there at once.
    async fn is_free(sites: &Sites, site: SiteId) -> bool {
        tokio::select! {
            biased;
            _ = sites.turn(site) => true,
            () = std::future::ready(()) => false,
        }
    }

    #[tokio::test]
    async fn a_site_is_worked_on_by_one_at_a_time() {
        let sites = Sites::default();
        let (one, other) = (SiteId([1; 32]), SiteId([2; 32]));
        let turn = sites.turn(one).await;
        assert!(!is_free(&sites, one).await);
        assert!(is_free(&sites, other).await);
        let order = Arc::new(AtomicUsize::new(0));
        let waiting = tokio::spawn({
            let (sites, order) = (sites.clone(), order.clone());
            async move {
                let _turn = sites.turn(one).await;
                order.load(Ordering::SeqCst)
            }
        });
        order.store(1, Ordering::SeqCst);
        drop(turn);
        assert_eq!(waiting.await.unwrap(), 1, "it waited");
        assert!(is_free(&sites, one).await);
        assert!(sites.0.lock().unwrap().len() <= 1, "what nobody holds goes");
    }
}
