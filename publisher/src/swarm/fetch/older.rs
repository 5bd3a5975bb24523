//! Bringing an older version, of which a reader has the entry and not the bytes.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    company::Company,
    download::{as_hostile, check_new, fetch_all, proven},
    unless_removed,
};
use crate::{
    accept,
    archive::address::SiteId,
    error::Result,
    swarm::{
        limits::make_room,
        network::Ticket,
        node::{Node, blocking},
    },
};

/// Brings the bytes of a version of `site` from `peer`, if they are not here. Returns how many bytes were
/// received, on the wire.
///
/// # Errors
///
/// [`Kind::NotFound`](crate::error::Kind::NotFound) if the log here has no such version,
/// [`Kind::Retracted`](crate::error::Kind::Retracted) if its author took it back, and as
/// [`newest`](super::newest).
pub async fn older(node: &Arc<Node>, site: SiteId, peer: &Ticket, version: u64) -> Result<u64> {
    unless_removed(node, site, bring(node, site, peer, version)).await
}

async fn bring(node: &Arc<Node>, site: SiteId, peer: &Ticket, version: u64) -> Result<u64> {
    let lock = node.site_lock(site);
    let guard = lock.lock_owned().await;
    let store = node.store.clone();
    let wanted = blocking(move || {
        store.delete_dropped()?;
        let state = store.known(site)?;
        let entry = store.version(&state, Some(version))?;
        let here = store.retractions(&state)?.is_whole(&store, &entry)?;
        Ok((!here).then_some((state, entry)))
    });
    let Some((state, entry)) = wanted.await? else {
        return Ok(0);
    };
    let mut company = Company::of(node, site, &peer.0).await?;
    let lists = entry.adds.lists.iter().chain(&entry.keeps.lists);
    let lists = lists.map(|list| (list.hash, list.size)).collect();
    let (store, of) = (node.store.clone(), state.clone());
    let proven = blocking(move || proven(&store, Some(&of))).await?;
    fetch_all(node, site, &mut company, &proven, lists).await?;

    let (store, of, old) = (node.store.clone(), state.clone(), entry.clone());
    let blobs = blocking(move || {
        let retractions = store.retractions(&of)?;
        let needs = retractions.needs(&store, &old).map_err(as_hostile)?;
        let blobs: BTreeMap<_, _> = needs.values().map(|blob| (blob.hash, blob.size)).collect();
        check_new(&store, Some(&of), &retractions, &blobs)?;
        Ok(blobs)
    });
    let blobs = blobs.await?;
    make_room(node, site, Some(&state), &blobs).await?;
    fetch_all(node, site, &mut company, &proven, blobs).await?;
    let store = node.store.clone();
    blocking(move || {
        let _guard = guard;
        accept::complete(&store, &state, &entry)
    })
    .await?;
    node.share(site, version).await?;
    Ok(company.received())
}
