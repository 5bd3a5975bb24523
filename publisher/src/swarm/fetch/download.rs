//! Bringing the blobs of new versions. iroh-blobs verifies them as they stream.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use iroh::{EndpointAddr, endpoint::Connection};
use iroh_blobs::{
    HashAndFormat,
    api::{blobs::BlobStatus, remote::GetProgressItem},
    protocol::{ChunkRanges, ChunkRangesExt, GetRequest},
};
use n0_future::StreamExt;
use tokio::task::JoinSet;

use super::{SITE_QUOTA, Wanted, log::New};
use crate::{
    archive::{
        address::SiteId,
        blobs::{BlobSet, ListRef},
        entry::Entry,
        hash::ContentHash,
    },
    error::{Error, Kind, Result},
    swarm::{
        blobs::{iroh_hash, tag},
        node::{Node, blocking},
    },
};

/// How many blobs are fetched at a time.
const PARALLEL: usize = 8;
/// How long a peer may send nothing.
const STALL: Duration = Duration::from_secs(20);
/// The most blobs of one site that a node takes.
const MAX_BLOBS: usize = 1 << 20;

/// Brings the blobs of the new versions and returns how many bytes that took.
pub(super) async fn download(
    node: &Arc<Node>,
    site: SiteId,
    peer: &EndpointAddr,
    new: &New,
    wanted: Wanted,
) -> Result<u64> {
    let connection = node.connect(peer, iroh_blobs::ALPN).await?;
    let sets = sets(&new.entries, wanted);
    let lists: Vec<ListRef> = sets.iter().flat_map(|set| set.lists.clone()).collect();
    let lists = lists
        .into_iter()
        .map(|list| (list.hash, list.size))
        .collect();
    fetch_all(node, site, &connection, lists).await?;

    let store = node.store.clone();
    let blobs = blocking(move || {
        let mut blobs = BTreeMap::new();
        for set in &sets {
            let found = store.blobs_of(set).map_err(as_hostile)?;
            blobs.extend(found.iter().map(|blob| (blob.hash, blob.size)));
            if blobs.len() > MAX_BLOBS {
                return Err(over_quota());
            }
        }
        Ok(blobs)
    })
    .await?;
    fetch_all(node, site, &connection, blobs).await?;
    Ok(connection.stats().udp_rx.bytes)
}

/// The blob sets that are wanted of the new entries.
fn sets(entries: &[Entry], wanted: Wanted) -> Vec<BlobSet> {
    let newest = entries.len().saturating_sub(1);
    let mut sets = Vec::new();
    for (n, entry) in entries.iter().enumerate() {
        if wanted == Wanted::Whole || n == newest {
            sets.push(entry.adds.clone());
            // What it keeps was added by an entry before it; a whole archive
            // needs the lists of each version all the same.
            sets.push(entry.keeps.clone());
        }
    }
    sets
}

async fn fetch_all(
    node: &Arc<Node>,
    site: SiteId,
    connection: &Connection,
    blobs: BTreeMap<ContentHash, u64>,
) -> Result<()> {
    let total = blobs
        .values()
        .try_fold(0u64, |sum, size| sum.checked_add(*size));
    if total.is_none_or(|total| total > SITE_QUOTA) {
        return Err(over_quota());
    }
    let mut tasks = JoinSet::new();
    for (hash, size) in blobs {
        if tasks.len() >= PARALLEL {
            finish_one(&mut tasks).await?;
        }
        let (node, connection) = (node.clone(), connection.clone());
        tasks.spawn(async move { fetch_one(&node, site, &connection, hash, size).await });
    }
    while !tasks.is_empty() {
        finish_one(&mut tasks).await?;
    }
    Ok(())
}

async fn finish_one(tasks: &mut JoinSet<Result<()>>) -> Result<()> {
    match tasks.join_next().await {
        Some(Ok(result)) => result,
        Some(Err(e)) => Err(Error::new(Kind::Io, format!("a download broke off: {e}"))),
        None => Ok(()),
    }
}

async fn fetch_one(
    node: &Node,
    site: SiteId,
    connection: &Connection,
    hash: ContentHash,
    size: u64,
) -> Result<()> {
    let store = &node.blobs.0;
    let hash = iroh_hash(hash);
    // Before the first byte, so that what is half here is known to be wanted.
    let content = HashAndFormat::raw(hash);
    let tagged = store.tags().set(tag(site.0, hash), content).await;
    tagged.map_err(|e| broken(&e))?;
    // No more than the entry says: a longer blob ends up incomplete.
    let ranges = ChunkRanges::bytes(0..size);
    let request = GetRequest::blob_ranges(hash, ranges);
    let local = store.remote().local_for_request(request).await;
    let local = local.map_err(|e| broken(&e))?;
    if !local.is_complete() {
        let progress = store
            .remote()
            .execute_get(connection.clone(), local.missing());
        let mut progress = std::pin::pin!(progress.stream());
        loop {
            match tokio::time::timeout(STALL, progress.next()).await {
                Ok(Some(GetProgressItem::Progress(_))) => {}
                Ok(Some(GetProgressItem::Done(_)) | None) => break,
                Ok(Some(GetProgressItem::Error(e))) => {
                    return Err(Error::new(
                        Kind::Hostile,
                        format!("the peer does not send blob {} as it was signed: {e:#}", hash.fmt_short()),
                    )
                    .hint("the peer's copy is damaged or incomplete: try another with `--peer TICKET`"));
                }
                Err(_) => {
                    return Err(Error::new(
                        Kind::Unreachable,
                        format!("the peer sent nothing for {} s", STALL.as_secs()),
                    )
                    .hint("try again: it goes on where it stopped"));
                }
            }
        }
    }
    match store.blobs().status(hash).await.map_err(|e| broken(&e))? {
        BlobStatus::Complete { size: found } if found == size => Ok(()),
        _ => Err(Error::new(
            Kind::Hostile,
            format!(
                "blob {} does not have the length that was signed",
                hash.fmt_short()
            ),
        )),
    }
}

fn over_quota() -> Error {
    Error::new(
        Kind::Hostile,
        format!(
            "the site has more than {} GiB, the most that a node takes",
            SITE_QUOTA >> 30
        ),
    )
}

/// The store fails here, not the peer.
fn broken(error: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Io, format!("the store of blobs failed: {error:#}")).hint("is the disk full?")
}

/// A list that was just fetched and can't be read was sent so.
fn as_hostile(error: Error) -> Error {
    Error {
        kind: Kind::Hostile,
        hint: None,
        ..error
    }
}
