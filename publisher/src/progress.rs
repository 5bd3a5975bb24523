//! How far long work is, for whoever shows it.
//!
//! Work on a site that is in a store reports to everybody who watches that site there ([`Store::watch`]); work on a
//! folder takes a [`Watch`] as an argument. A report is cheap: whoever shows it decides how often.
//!
//! [`Store::watch`]: crate::store::Store::watch

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::archive::address::SiteId;

/// What a piece of long work does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Reads the files that would be published.
    Hash,
    /// Writes new files into the store.
    Store,
    /// Makes what was written durable.
    Sync,
    /// Looks for nodes that have a version, and asks them for it.
    Ask,
    /// Receives a version.
    Fetch,
    /// Checks what was received.
    Check,
    /// Writes files into a folder.
    Write,
    /// Checks signatures and hashes of a site that is in the store.
    Verify,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Files.
    Files,
}

/// How far a phase is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The phase.
    pub phase: Phase,
    /// How much of it is done.
    pub done: u64,
    /// How much there is to do, as far as that is known. It may grow.
    pub total: Option<u64>,
    /// What is counted.
    pub unit: Unit,
    /// Whether the phase has ended, with or without success.
    pub is_over: bool,
}

/// Whoever is told of progress. It is called often, from any thread, and must not block.
pub type Watch = dyn Fn(Progress) + Send + Sync;

/// Who watches which site.
#[derive(Clone, Default)]
pub(crate) struct Watchers(Arc<Mutex<HashMap<SiteId, Vec<Weak<Watch>>>>>);

impl Watchers {
    /// Reports work on `site` to `watch`, as long as somebody holds it.
    pub(crate) fn add(&self, site: SiteId, watch: &Arc<Watch>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, of| {
            of.retain(|watch| watch.strong_count() > 0);
            !of.is_empty()
        });
        all.entry(site).or_default().push(Arc::downgrade(watch));
    }

    /// Begins a phase of work on `site`.
    pub(crate) fn begin(
        &self,
        site: SiteId,
        phase: Phase,
        total: Option<u64>,
        unit: Unit,
    ) -> Tally {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = all.get(&site).map_or(&[][..], Vec::as_slice);
        let watches = of.iter().filter_map(Weak::upgrade).collect();
        drop(all);
        Tally::new(watches, phase, total, unit)
    }
}

/// The count of a phase. The phase ends with the value.
pub(crate) struct Tally {
    watches: Vec<Arc<Watch>>,
    phase: Phase,
    unit: Unit,
    done: AtomicU64,
    total: Option<u64>,
}

impl Tally {
    /// Begins a phase that is reported to `watches`.
    pub(crate) fn new(
        watches: Vec<Arc<Watch>>,
        phase: Phase,
        total: Option<u64>,
        unit: Unit,
    ) -> Self {
        let this = Self {
            watches,
            phase,
            unit,
            done: AtomicU64::new(0),
            total,
        };
        this.report(0, false);
        this
    }

    /// Counts `more`.
    pub(crate) fn add(&self, more: u64) {
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        self.report(done, false);
    }

    /// Reports that `done` is done now.
    pub(crate) fn set(&self, done: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.report(done, false);
    }

    fn report(&self, done: u64, is_over: bool) {
        for watch in &self.watches {
            watch(Progress {
                phase: self.phase,
                // What comes twice, as from two nodes, is not more than all.
                done: self.total.map_or(done, |total| done.min(total)),
                total: self.total,
                unit: self.unit,
                is_over,
            });
        }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.report(self.done.load(Ordering::Relaxed), true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> (Arc<Watch>, Arc<Mutex<Vec<Progress>>>) {
        let seen: Arc<Mutex<Vec<Progress>>> = Arc::default();
        let to = seen.clone();
        (Arc::new(move |p| to.lock().unwrap().push(p)), seen)
    }

    #[test]
    fn who_watches_a_site_sees_the_begin_the_steps_and_the_end() {
        let watchers = Watchers::default();
        let (one, other) = (SiteId([1; 32]), SiteId([2; 32]));
        let (watch, seen) = watch();
        watchers.add(one, &watch);
        drop(watchers.begin(other, Phase::Check, None, Unit::Files));
        let tally = watchers.begin(one, Phase::Fetch, Some(10), Unit::Bytes);
        tally.add(4);
        tally.add(8);
        drop(tally);
        let seen = seen.lock().unwrap();
        let counts: Vec<_> = seen.iter().map(|p| (p.done, p.is_over)).collect();
        assert_eq!(counts, [(0, false), (4, false), (10, false), (10, true)]);
        assert!(
            seen.iter()
                .all(|p| p.phase == Phase::Fetch && p.total == Some(10))
        );
    }

    #[test]
    fn who_is_gone_is_told_nothing_and_kept_no_longer() {
        let watchers = Watchers::default();
        let site = SiteId([1; 32]);
        let (gone, seen) = watch();
        watchers.add(site, &gone);
        drop(gone);
        drop(watchers.begin(site, Phase::Sync, None, Unit::Bytes));
        assert!(seen.lock().unwrap().is_empty());
        let (watch, _) = watch();
        watchers.add(SiteId([2; 32]), &watch);
        assert!(!watchers.0.lock().unwrap().contains_key(&site));
    }
}
