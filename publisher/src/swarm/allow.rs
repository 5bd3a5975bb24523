//! Which blobs others may have from this node: those of the sites that it shares, and no others.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
};

use iroh_blobs::provider::events::{
    AbortReason, ConnectMode, EventMask, EventSender, ObserveMode, ProviderMessage, RequestMode,
    ThrottleMode,
};

use crate::{
    archive::entry::Entry,
    error::Result,
    store::{SiteState, Store},
};

/// The blobs that others may have.
#[derive(Debug, Clone, Default)]
pub(super) struct AllowList(Arc<RwLock<HashSet<[u8; 32]>>>);

impl AllowList {
    /// Allows the blobs of all versions of a site from `first` on, if the site is shared.
    pub(super) fn add(&self, store: &Store, state: &SiteState, first: u64) -> Result<()> {
        if !state.relation.is_shared() {
            return Ok(());
        }
        let newest = state.head.as_ref().map_or(0, |head| head.length());
        for version in first..=newest {
            let entry = store.entry(state, Some(version))?;
            let blobs = blobs_of(store, &entry)?;
            self.0
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(blobs);
        }
        Ok(())
    }

    fn allows(&self, hash: &[u8; 32]) -> bool {
        let blobs = self.0.read().unwrap_or_else(PoisonError::into_inner);
        blobs.contains(hash)
    }

    /// The event sender that makes iroh-blobs ask this list before it answers.
    pub(super) fn guard(&self) -> EventSender {
        let (sender, mut requests) = EventSender::channel(64, MASK);
        let this = self.clone();
        tokio::spawn(async move {
            while let Some(message) = requests.recv().await {
                // Only plain blobs: read as a list of hashes, a site's blob
                // would give access to whatever else it names.
                match message {
                    ProviderMessage::GetRequestReceived(message) => {
                        let request = &message.request;
                        let ok = request.ranges.is_blob() && this.allows(request.hash.as_bytes());
                        let _ = message.tx.send(verdict(ok)).await;
                    }
                    ProviderMessage::ObserveRequestReceived(message) => {
                        let ok = this.allows(message.request.hash.as_bytes());
                        let _ = message.tx.send(verdict(ok)).await;
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
    get: RequestMode::Intercept,
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

/// Every blob that a version names and that is here, its lists included.
fn blobs_of(store: &Store, entry: &Entry) -> Result<Vec<[u8; 32]>> {
    let mut all = Vec::new();
    let listed = store.has_lists(entry)?;
    for set in [&entry.adds, &entry.keeps] {
        all.extend(set.lists.iter().map(|list| list.hash.0));
        all.extend(set.inline.iter().map(|blob| blob.hash.0));
        if listed {
            all.extend(store.blobs_of(set)?.iter().map(|blob| blob.hash.0));
        }
    }
    Ok(all)
}
