//! Bringing the blobs of new versions. iroh-blobs verifies them as they stream.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::Path,
    sync::Arc,
};

use iroh::{EndpointAddr, endpoint::Connection};

use super::{
    company::Company,
    layout::Layout,
    possession,
    transfer::{Given, Shared, bring},
};
use crate::{
    accept::{New, SITE_QUOTA, Wanted, check_named, retracted, wanted_entries},
    archive::{address::SiteId, entry::Entry, hash::ContentHash, log::Tip},
    error::{Error, Kind, Result},
    publish::needs,
    store::{Retractions, SiteState, Store, retractions},
    swarm::{
        limits::make_room,
        node::{Node, blocking},
    },
};

/// The most blobs of one site that a node takes.
const MAX_BLOBS: usize = 1 << 20;

/// A version that others may have, or fetch at the same time.
pub(super) struct Public<'a> {
    pub(super) tip: Tip,
    /// The connection to the first node, for our own protocol.
    pub(super) talk: &'a Connection,
}

/// What came, and how.
pub(super) struct Downloaded {
    /// How many bytes, on the wire.
    pub(super) received: u64,
    /// Who has shown that he has the version.
    pub(super) givers: Vec<EndpointAddr>,
    /// As long as this exists, others may have from here what has come.
    pub(super) given: Option<Given>,
}

/// Brings the blobs of the new versions: from `peer`, and if the version is public from whoever else has it.
pub(super) async fn download(
    node: &Arc<Node>,
    site: SiteId,
    state: Option<&SiteState>,
    peer: &EndpointAddr,
    new: &New,
    wanted: Wanted,
    public: Option<Public<'_>>,
) -> Result<Downloaded> {
    check_named(&new.entries, wanted)?;
    let store = node.store.clone();
    blocking(move || store.delete_dropped()).await?;
    let mut company = Company::of(node, site, peer).await?;
    let lists = lists_of(&new.entries, wanted);
    let (store, of) = (node.store.clone(), state.cloned());
    let proven = blocking(move || proven(&store, of.as_ref())).await?;
    let came: Vec<ContentHash> = lists.keys().copied().collect();
    fetch_all(node, site, &mut company, &proven, lists).await?;

    let (store, of, entries) = (node.store.clone(), state.cloned(), new.entries.clone());
    let (newest, blobs) = blocking(move || {
        let retractions = retracted::with_new(&store, of.as_ref(), &entries);
        let retractions = retractions.map_err(as_hostile)?;
        let (mut blobs, mut newest) = (BTreeMap::new(), BTreeMap::new());
        for entry in wanted_entries(&entries, wanted, &retractions) {
            let found = retractions.needs(&store, entry).map_err(as_hostile)?;
            newest = found.values().map(|blob| (blob.hash, blob.size)).collect();
            blobs.extend(newest.iter().map(|(hash, size)| (*hash, *size)));
            if blobs.len() > MAX_BLOBS {
                return Err(over_quota());
            }
        }
        if entries
            .last()
            .is_some_and(|last| retractions.by(last.number).is_some())
        {
            newest.clear();
        }
        if wanted == Wanted::Whole {
            // Versions that are here already need what these have added.
            for step in retractions.steps() {
                let needs = retractions.since(step.number, step.adds.clone());
                blobs.extend(needs.values().map(|blob| (blob.hash, blob.size)));
            }
        }
        check_new(&store, of.as_ref(), &retractions, &blobs)?;
        Ok((newest, blobs))
    })
    .await?;
    check_quota(blobs.values().copied())?;
    possession::check(node, site, &company, &proven, &blobs).await?;
    if let Err(e) = make_room(node, site, state, &blobs).await {
        give_up(node, site, state, came).await?;
        return Err(e);
    }
    // What everybody counts in the same way comes first.
    let mut layout = Layout::new(&newest);
    let common = layout.length();
    let rest = blobs.into_iter();
    layout.extend(rest.filter(|(hash, _)| !newest.contains_key(hash)));
    let given = match &public {
        Some(public) => Given::new(node, site, public.tip, common).await?,
        None => None,
    };
    let shared = match public {
        Some(Public { tip, talk }) => Some(Shared {
            tip,
            talk,
            common,
            from: match given {
                Some(_) => Some(node.address().await?),
                None => None,
            },
            given: given.as_ref(),
        }),
        None => None,
    };
    bring(node, site, &mut company, Arc::new(layout), &proven, shared).await?;
    Ok(Downloaded {
        received: company.received(),
        givers: company.givers(),
        given,
    })
}

/// Deletes the blob lists of versions for which there is no room, unless a version here has them too.
async fn give_up(
    node: &Arc<Node>,
    site: SiteId,
    state: Option<&SiteState>,
    mut lists: Vec<ContentHash>,
) -> Result<()> {
    let (store, state) = (node.store.clone(), state.cloned());
    blocking(move || {
        let log = match state.filter(|state| state.head.is_some()) {
            Some(state) => store.log(&state)?,
            None => Vec::new(),
        };
        let kept = log
            .iter()
            .flat_map(|entry| entry.adds.lists.iter().chain(&entry.keeps.lists));
        let kept: HashSet<ContentHash> = kept.map(|list| list.hash).collect();
        lists.retain(|hash| !kept.contains(hash));
        let removed = store.blobs.remove(&lists, site.0);
        removed.map_err(|e| Error::io("delete blobs in", Path::new("the store"), &e))
    })
    .await
}

/// Fails if a site would have more than its quota with these blobs.
pub(in crate::swarm) fn check_new(
    store: &Store,
    state: Option<&SiteState>,
    retractions: &Retractions,
    new: &BTreeMap<ContentHash, u64>,
) -> Result<()> {
    let before = match state {
        Some(state) => blobs_before(store, state)?,
        None => BTreeMap::new(),
    };
    let steps = retractions.steps();
    let dropped = |hash| steps.iter().any(|step| step.drops.contains_key(hash));
    let old = before.iter();
    let old = old.filter(|(hash, _)| !new.contains_key(*hash) && !dropped(*hash));
    check_quota(new.iter().chain(old).map(|(_, size)| *size))
}

/// The blobs of the newest version here: they were whole and durable before it was recorded. Of any other
/// blob a power cut can have kept the record that it is complete, and lost the blob.
pub(in crate::swarm) fn proven(
    store: &Store,
    state: Option<&SiteState>,
) -> Result<HashSet<ContentHash>> {
    let Some(state) = state.filter(|state| state.head.is_some()) else {
        return Ok(HashSet::new());
    };
    let newest = store.entry(state, None)?;
    let mut proven: HashSet<ContentHash> = needs(store, &newest)?.into_keys().collect();
    let lists = newest.adds.lists.iter().chain(&newest.keeps.lists);
    proven.extend(lists.map(|list| list.hash));
    Ok(proven)
}

/// The blobs that the versions here added, as far as their lists are here: what counts against the quota.
fn blobs_before(store: &Store, state: &SiteState) -> Result<BTreeMap<ContentHash, u64>> {
    let mut blobs = BTreeMap::new();
    for mut entry in store.log(state)? {
        let mut here = Vec::new();
        for list in entry.adds.lists {
            let size = store.blobs.size(list.hash);
            let size =
                size.map_err(|e| Error::unreadable(format!("blob list {}", list.hash), &e))?;
            if size == Some(list.size) {
                here.push(list);
            }
        }
        entry.adds.lists = here;
        let found = store.blobs_of(&entry.adds)?;
        blobs.extend(found.iter().map(|blob| (blob.hash, blob.size)));
    }
    Ok(blobs)
}

fn check_quota(mut sizes: impl Iterator<Item = u64>) -> Result<()> {
    let total = sizes.try_fold(0u64, |sum, size| sum.checked_add(size));
    match total.is_none_or(|total| total > SITE_QUOTA) {
        true => Err(over_quota()),
        false => Ok(()),
    }
}

/// The blob lists that are needed to know what the wanted versions need.
fn lists_of(entries: &[Entry], wanted: Wanted) -> BTreeMap<ContentHash, u64> {
    let gone: BTreeSet<u64> = entries.iter().flat_map(Entry::retracts).copied().collect();
    let newest = entries.last().map(|entry| entry.number);
    let mut lists = BTreeMap::new();
    for entry in entries {
        let is_wanted = wanted == Wanted::Whole || Some(entry.number) == newest;
        if is_wanted && !gone.contains(&entry.number) {
            // What it keeps was added by an entry before it; a whole archive
            // needs the lists of each version all the same.
            let all = entry.adds.lists.iter().chain(&entry.keeps.lists);
            lists.extend(all.map(|list| (list.hash, list.size)));
        }
        lists.extend(retractions::lists(entry).map(|list| (list.hash, list.size)));
    }
    lists
}

/// Brings blobs that others need not count in the same way.
pub(super) async fn fetch_all(
    node: &Arc<Node>,
    site: SiteId,
    company: &mut Company,
    proven: &HashSet<ContentHash>,
    blobs: BTreeMap<ContentHash, u64>,
) -> Result<()> {
    check_quota(blobs.values().copied())?;
    possession::check(node, site, company, proven, &blobs).await?;
    let layout = Arc::new(Layout::new(&blobs));
    bring(node, site, company, layout, proven, None).await
}

fn over_quota() -> Error {
    Error::new(
        Kind::Hostile,
        format!(
            "the site has more than {}, the most that a node takes",
            crate::words::bytes(SITE_QUOTA)
        ),
    )
}

/// A list that was just fetched and can't be read was sent so.
pub(super) fn as_hostile(error: Error) -> Error {
    Error {
        kind: Kind::Hostile,
        hint: None,
        ..error
    }
}
