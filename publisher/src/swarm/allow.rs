//! Which blobs others may have from this node: those of the sites that it shares, and no others.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock, RwLockWriteGuard},
};

use iroh_blobs::provider::events::{
    AbortReason, ConnectMode, EventMask, EventSender, ObserveMode, ProviderMessage, RequestMode,
    RequestUpdate, ThrottleMode,
};

use super::limits::Flow;
use crate::{
    archive::{address::SiteId, entry::Entry, hash::ContentHash},
    error::Result,
    store::{
        Activity, Retractions, SiteState, Store,
        retractions::{self, by_hash},
    },
};

/// The blobs that others may have, by site.
#[derive(Debug, Clone, Default)]
pub(super) struct AllowList(Arc<RwLock<Sites>>);

#[derive(Debug, Default)]
struct Sites {
    /// Of the versions that are here.
    whole: HashMap<SiteId, HashSet<[u8; 32]>>,
    /// Of versions that are on their way here: those of which some bytes came from another node. What lay here
    /// before, for another site, is not given away because a version names it that nobody has checked yet.
    coming: HashMap<SiteId, HashSet<[u8; 32]>>,
}

/// The blobs of a version that is on its way here, for as long as it is.
#[derive(Debug)]
pub(super) struct Coming {
    list: AllowList,
    site: SiteId,
}

impl Coming {
    /// Others may have from here what is here of this blob. The signed entries of the site must name it, and
    /// some of it must have come from another node just now.
    pub(super) fn allow(&self, hash: ContentHash) {
        let mut sites = self.list.sites();
        // A site that is not shared any more has none.
        if let Some(coming) = sites.coming.get_mut(&self.site) {
            coming.insert(hash.0);
        }
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        self.list.sites().coming.remove(&self.site);
    }
}

impl AllowList {
    /// Allows the blobs of all versions of a site from `first` on, if the site is shared.
    pub(super) fn add(&self, store: &Store, state: &SiteState, mut first: u64) -> Result<()> {
        if !state.is_shared() {
            return Ok(());
        }
        let retractions = store.retractions(state)?;
        if retractions.steps().iter().any(|step| step.number >= first) {
            // They change what may be had of the versions before.
            first = 1;
        }
        let newest = state.head.as_ref().map_or(0, |head| head.length());
        let mut blobs = HashSet::new();
        for version in first..=newest {
            let entry = store.entry(state, Some(version))?;
            blobs.extend(blobs_of(store, &retractions, &entry)?);
        }
        let mut sites = self.sites();
        // Who ends the sharing says so in the store, and then here: what was read before may be old by now.
        if !store.site(state.site)?.is_some_and(|now| now.is_shared()) {
            return Ok(());
        }
        let allowed = sites.whole.entry(state.site).or_default();
        match first {
            1 => *allowed = blobs,
            _ => allowed.extend(blobs),
        }
        Ok(())
    }

    /// Nobody may have a site's blobs any more, unless another site has the same.
    pub(super) fn forget(&self, site: SiteId) {
        let mut sites = self.sites();
        sites.whole.remove(&site);
        sites.coming.remove(&site);
    }

    /// A version of a site is on its way here, one at a time. `None` if the site is not shared.
    pub(super) fn coming(&self, store: &Store, site: SiteId) -> Result<Option<Coming>> {
        let mut sites = self.sites();
        if !store.site(site)?.is_some_and(|now| now.is_shared()) {
            return Ok(None);
        }
        sites.coming.insert(site, HashSet::new());
        Ok(Some(Coming {
            list: self.clone(),
            site,
        }))
    }

    /// Whether others may have a blob for the sake of this site.
    pub(super) fn has(&self, site: SiteId, hash: ContentHash) -> bool {
        let sites = self.sites();
        let whole = sites.whole.get(&site);
        whole.is_some_and(|blobs| blobs.contains(&hash.0))
    }

    /// Whether everybody may have a blob, for whichever site's sake.
    pub(super) fn is_public(&self, hash: ContentHash) -> bool {
        self.site_of(&hash.0).is_some()
    }

    fn sites(&self) -> RwLockWriteGuard<'_, Sites> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// A site for whose sake others may have the blob: of several always the same, the one with the
    /// lowest id.
    fn site_of(&self, hash: &[u8; 32]) -> Option<SiteId> {
        let sites = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let all = sites.whole.iter().chain(&sites.coming);
        let with = all.filter(|(_, blobs)| blobs.contains(hash));
        with.map(|(site, _)| *site).min()
    }

    /// The event sender that makes iroh-blobs ask this list before it answers. What is sent is added to the
    /// traffic of the blob's site, and goes as `upload` lets it.
    pub(super) fn guard(&self, counters: Activity, upload: Option<Flow>) -> EventSender {
        let throttle = match upload {
            Some(_) => ThrottleMode::Intercept,
            None => ThrottleMode::None,
        };
        let mask = EventMask { throttle, ..MASK };
        let (sender, mut requests) = EventSender::channel(64, mask);
        let this = self.clone();
        tokio::spawn(async move {
            while let Some(message) = requests.recv().await {
                // Only plain blobs: read as a list of hashes, a site's blob
                // would give access to whatever else it names.
                match message {
                    ProviderMessage::GetRequestReceived(message) => {
                        let request = &message.request;
                        let site = match request.ranges.is_blob() {
                            true => this.site_of(request.hash.as_bytes()),
                            false => None,
                        };
                        let (tx, mut updates) = (message.tx, message.rx);
                        let _ = tx.send(verdict(site.is_some())).await;
                        let Some(site) = site else {
                            continue;
                        };
                        let counters = counters.clone();
                        tokio::spawn(async move {
                            while let Ok(Some(update)) = updates.recv().await {
                                let stats = match update {
                                    RequestUpdate::Completed(done) => done.stats,
                                    RequestUpdate::Aborted(done) => done.stats,
                                    _ => continue,
                                };
                                let sent = stats.payload_bytes_sent + stats.other_bytes_sent;
                                counters.moved(site, sent, 0);
                            }
                        });
                    }
                    ProviderMessage::ObserveRequestReceived(message) => {
                        let ok = this.site_of(message.request.hash.as_bytes()).is_some();
                        let _ = message.tx.send(verdict(ok)).await;
                    }
                    ProviderMessage::Throttle(message) => {
                        let (size, tx, upload) = (message.size, message.tx, upload.clone());
                        tokio::spawn(async move {
                            if let Some(upload) = upload {
                                upload.pass(size).await;
                            }
                            let _ = tx.send(verdict(true)).await;
                        });
                    }
                    // Everything else is disabled in the mask; a request whose
                    // sender is dropped is refused.
                    _ => {}
                }
            }
        });
        sender
    }
}

const MASK: EventMask = EventMask {
    connected: ConnectMode::None,
    get: RequestMode::InterceptLog,
    get_many: RequestMode::Disabled,
    push: RequestMode::Disabled,
    observe: ObserveMode::Intercept,
    throttle: ThrottleMode::None,
};

fn verdict(ok: bool) -> Result<(), AbortReason> {
    if ok {
        Ok(())
    } else {
        Err(AbortReason::Permission)
    }
}

/// Every blob that a version needs and that may be here, its lists included.
fn blobs_of(store: &Store, retractions: &Retractions, entry: &Entry) -> Result<Vec<[u8; 32]>> {
    let mut all: Vec<_> = retractions::lists(entry).map(|list| list.hash.0).collect();
    if let Some(step) = retractions
        .steps()
        .iter()
        .find(|s| s.number == entry.number)
    {
        // Versions before it need these, even if it was retracted itself.
        let needs = retractions.since(step.number, step.adds.clone());
        all.extend(needs.keys().map(|hash| hash.0));
    }
    if retractions.by(entry.number).is_some() {
        return Ok(all);
    }
    for set in [&entry.adds, &entry.keeps] {
        all.extend(set.lists.iter().map(|list| list.hash.0));
    }
    let needs = match store.has_lists(entry)? {
        true => retractions.needs(store, entry)?,
        false => {
            let inline = entry.adds.inline.iter().chain(&entry.keeps.inline);
            retractions.since(entry.number, by_hash(inline.copied().collect()))
        }
    };
    all.extend(needs.keys().map(|hash| hash.0));
    Ok(all)
}
