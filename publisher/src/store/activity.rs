//! What happens to sites at a node: visits, and bytes that go to and fro. It is counted in memory and
//! written now and then: a page view must not wait for the disk.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Store;
use crate::{archive::address::SiteId, error::Result};

/// Bytes that went to and fro for a site, on the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// To other nodes.
    pub up: u64,
    /// From other nodes.
    pub down: u64,
}

impl Traffic {
    /// What went up by what came down, with two digits, which are enough for people and programs; `None` if nothing
    /// came.
    pub fn ratio(self) -> Option<f64> {
        (self.down > 0).then(|| (self.up as f64 / self.down as f64 * 100.0).round() / 100.0)
    }
}

impl std::iter::Sum for Traffic {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            up: sum.up.saturating_add(one.up),
            down: sum.down.saturating_add(one.down),
        })
    }
}

/// What was not written yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Activity(Arc<Mutex<Pending>>);

#[derive(Debug, Default)]
struct Pending {
    visits: HashMap<SiteId, u64>,
    traffic: HashMap<SiteId, Traffic>,
    held: HashMap<SiteId, usize>,
}

/// A site that is open somewhere: it is not removed to make room while this exists.
#[derive(Debug)]
pub struct Held {
    activity: Activity,
    site: SiteId,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut pending = self.activity.pending();
        if let Some(count) = pending.held.get_mut(&self.site) {
            *count -= 1;
            if *count == 0 {
                pending.held.remove(&self.site);
            }
        }
    }
}

impl Activity {
    /// Adds to the traffic of a site.
    pub(crate) fn moved(&self, site: SiteId, up: u64, down: u64) {
        let mut pending = self.pending();
        let traffic = pending.traffic.entry(site).or_default();
        traffic.up = traffic.up.saturating_add(up);
        traffic.down = traffic.down.saturating_add(down);
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        // Counters are right at any moment, also after a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Notes that a page of a site was read at `now`, in seconds since 1970. Costs next to nothing.
    pub fn visited(&self, site: SiteId, now: u64) {
        self.activity.pending().visits.insert(site, now);
    }

    /// Says that a site is open, as long as the value lives.
    pub fn hold(&self, site: SiteId) -> Held {
        *self.activity.pending().held.entry(site).or_default() += 1;
        Held {
            activity: self.activity.clone(),
            site,
        }
    }

    /// Where the traffic of sites is counted. It keeps no store open.
    pub(crate) fn counters(&self) -> Activity {
        self.activity.clone()
    }

    /// Whether somebody holds the site.
    pub(crate) fn is_held(&self, site: SiteId) -> bool {
        self.activity.pending().held.contains_key(&site)
    }

    /// Writes visits and traffic, if there were any since the last time.
    ///
    /// # Errors
    ///
    /// If the records can't be written. Nothing is lost then: it is tried again the next time.
    pub fn write_activity(&self) -> Result<()> {
        // The lock is held until all is written, so that nobody counts it twice, or not at all.
        let mut pending = self.activity.pending();
        if pending.visits.is_empty() && pending.traffic.is_empty() {
            return Ok(());
        }
        let visits = pending.visits.iter().map(|(site, time)| (*site, *time));
        let traffic = pending.traffic.iter().map(|(site, moved)| (*site, *moved));
        self.records.put_activity(visits, traffic)?;
        pending.visits.clear();
        pending.traffic.clear();
        Ok(())
    }

    /// When each site was read last, in seconds since 1970 (0 for never), and its traffic.
    ///
    /// # Errors
    ///
    /// If the records can't be read.
    pub fn activity(&self) -> Result<HashMap<SiteId, (u64, Traffic)>> {
        let pending = self.activity.pending();
        let mut all = HashMap::new();
        for (site, visit, written) in self.records.activity()? {
            let visit = pending.visits.get(&site).copied().unwrap_or(visit);
            let new = pending.traffic.get(&site).copied().unwrap_or_default();
            let traffic = Traffic {
                up: written.up.saturating_add(new.up),
                down: written.down.saturating_add(new.down),
            };
            all.insert(site, (visit, traffic));
        }
        Ok(all)
    }
}
