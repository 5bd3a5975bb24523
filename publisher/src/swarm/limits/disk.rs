//! Room on the disk for sites of others.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    archive::{address::SiteId, hash::ContentHash},
    error::{Error, Kind, Result},
    store::{Relation, SiteState, Store},
    swarm::{
        cache,
        node::{Node, blocking},
    },
    words::bytes,
};

/// Makes sure that there is room for these blobs of a site of others. Visited sites make room for it.
///
/// # Errors
///
/// [`Kind::DiskFull`] if there is none within the limit.
pub(in crate::swarm) async fn make_room(
    node: &Arc<Node>,
    site: SiteId,
    state: Option<&SiteState>,
    blobs: &BTreeMap<ContentHash, u64>,
) -> Result<()> {
    let relation = state.map_or(Relation::Visited, |state| state.relation);
    if node.limits.disk() == u64::MAX || !is_of_others(relation) {
        return Ok(());
    }
    let (store, blobs) = (node.store.clone(), blobs.clone());
    let missing = blocking(move || missing(&store, &blobs)).await?;
    let limit = node.limits.disk();
    if missing == 0 || used(node).await?.saturating_add(missing) <= limit {
        return Ok(());
    }
    cache::clear(node, missing).await?;
    let used = used(node).await?;
    if used.saturating_add(missing) <= limit {
        return Ok(());
    }
    let message = format!(
        "there is no room for skep://{site}: it needs {} more, and sites of others have {} of the {} that they may have here",
        bytes(missing),
        bytes(used),
        bytes(limit)
    );
    Err(Error::new(Kind::DiskFull, message).hint(
        "raise `disk` under `[limits]` in config.toml of skep's home, or give up another site with `skep unfollow`",
    ))
}

/// Whether there is room for a version that came by itself. Nothing makes room for it: it can be fetched.
pub(in crate::swarm) async fn has_room(
    node: &Arc<Node>,
    relation: Relation,
    bytes: u64,
) -> Result<bool> {
    let limit = node.limits.disk();
    let counts = limit != u64::MAX && is_of_others(relation);
    Ok(!counts || used(node).await?.saturating_add(bytes) <= limit)
}

/// How many bytes visited sites may have, if they may have `limit` of their own: what followed and pinned ones leave
/// of the limit for all, without `reserved`.
pub(in crate::swarm) async fn visited(node: &Node, limit: u64, reserved: u64) -> Result<u64> {
    let all = node.limits.disk();
    if all == u64::MAX {
        return Ok(limit);
    }
    let store = node.store.clone();
    let is_kept = |relation| matches!(relation, Relation::Followed | Relation::Pinned);
    let kept = blocking(move || sum(&store, is_kept)).await?;
    let left = all.saturating_sub(kept).saturating_sub(reserved);
    Ok(limit.min(left))
}

async fn used(node: &Node) -> Result<u64> {
    let store = node.store.clone();
    blocking(move || sum(&store, is_of_others)).await
}

/// What is somebody else's. A pinned site too: its author decides how large it grows.
fn is_of_others(relation: Relation) -> bool {
    relation != Relation::Own
}

fn sum(store: &Store, of: impl Fn(Relation) -> bool) -> Result<u64> {
    let mut sum = 0u64;
    for state in store.sites()? {
        if of(state.relation) {
            sum = sum.saturating_add(store.bytes_here(state.site)?);
        }
    }
    Ok(sum)
}

/// How many bytes of these blobs are not here.
fn missing(store: &Store, blobs: &BTreeMap<ContentHash, u64>) -> Result<u64> {
    let mut missing = 0u64;
    for (hash, size) in blobs {
        let here = store.blobs.size(*hash);
        let here = here.map_err(|e| Error::unreadable(format!("blob {hash}"), &e))?;
        if here != Some(*size) {
            missing = missing.saturating_add(*size);
        }
    }
    Ok(missing)
}
