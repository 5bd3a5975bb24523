//! Bringing the blobs of new versions. iroh-blobs verifies them as they stream.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use iroh::{EndpointAddr, endpoint::Connection};
use iroh_blobs::{
    Hash,
    api::{blobs::BlobStatus, remote::GetProgressItem},
    get::GetError,
    protocol::{ChunkRanges, ChunkRangesExt, GetRequest},
    store::fs::FsStore,
};
use n0_future::StreamExt;
use tokio::{task::JoinSet, time::Instant};

use crate::{
    accept::{New, SITE_QUOTA, Wanted, check_named, retracted, wanted_entries},
    archive::{address::SiteId, entry::Entry, hash::ContentHash},
    error::{Error, Kind, Result},
    publish::needs,
    store::{Blobs, Retractions, SiteState, Store, blobs::is_intact, retractions},
    swarm::{
        blobs::{IrohBlobs, iroh_hash},
        fetch::Metered,
        limits::make_room,
        node::{Node, blocking},
    },
};

/// How many blobs are fetched at a time.
const PARALLEL: usize = 8;
/// How long a peer may send nothing.
const STALL: Duration = Duration::from_secs(20);
/// A peer that sends a blob more slowly than this, in bytes a second, is given up.
const SLOWEST: u64 = 4 << 10;
/// The most blobs of one site that a node takes.
const MAX_BLOBS: usize = 1 << 20;

/// Brings the blobs of the new versions and returns how many bytes that took.
pub(super) async fn download(
    node: &Arc<Node>,
    site: SiteId,
    state: Option<&SiteState>,
    peer: &EndpointAddr,
    new: &New,
    wanted: Wanted,
) -> Result<u64> {
    check_named(&new.entries, wanted)?;
    let store = node.store.clone();
    blocking(move || store.delete_dropped()).await?;
    let connection = node.connect(peer, iroh_blobs::ALPN).await?;
    let _metered = Metered::new(node, site, &connection);
    let lists = lists_of(&new.entries, wanted);
    let (store, of) = (node.store.clone(), state.cloned());
    let proven = Arc::new(blocking(move || proven(&store, of.as_ref())).await?);
    fetch_all(node, site, &connection, &proven, lists).await?;

    let (store, of, entries) = (node.store.clone(), state.cloned(), new.entries.clone());
    let blobs = blocking(move || {
        let retractions = retracted::with_new(&store, of.as_ref(), &entries);
        let retractions = retractions.map_err(as_hostile)?;
        let mut blobs = BTreeMap::new();
        for entry in wanted_entries(&entries, wanted, &retractions) {
            let found = retractions.needs(&store, entry).map_err(as_hostile)?;
            blobs.extend(found.values().map(|blob| (blob.hash, blob.size)));
            if blobs.len() > MAX_BLOBS {
                return Err(over_quota());
            }
        }
        if wanted == Wanted::Whole {
            // Versions that are here already need what these have added.
            for step in retractions.steps() {
                let needs = retractions.since(step.number, step.adds.clone());
                blobs.extend(needs.values().map(|blob| (blob.hash, blob.size)));
            }
        }
        check_new(&store, of.as_ref(), &retractions, &blobs)?;
        Ok(blobs)
    })
    .await?;
    make_room(node, site, state, &blobs).await?;
    fetch_all(node, site, &connection, &proven, blobs).await?;
    Ok(connection.stats().udp_rx.bytes)
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
            let size = size.map_err(|e| Error::damaged(format!("blob list: {e}")))?;
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

pub(super) async fn fetch_all(
    node: &Arc<Node>,
    site: SiteId,
    connection: &Connection,
    proven: &Arc<HashSet<ContentHash>>,
    blobs: BTreeMap<ContentHash, u64>,
) -> Result<()> {
    check_quota(blobs.values().copied())?;
    let mut tasks = JoinSet::new();
    for (hash, size) in blobs {
        if tasks.len() >= PARALLEL {
            finish_one(&mut tasks).await?;
        }
        let (node, connection) = (node.clone(), connection.clone());
        let proven = proven.contains(&hash);
        tasks.spawn(async move { fetch_one(&node, site, &connection, hash, size, proven).await });
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
    node: &Arc<Node>,
    site: SiteId,
    connection: &Connection,
    hash: ContentHash,
    size: u64,
    proven: bool,
) -> Result<()> {
    let store = &node.blobs.fs;
    let blob = iroh_hash(hash);
    // Before the first byte, so that what is half here is known to be wanted.
    let marked = node.blobs.mark(blob, site.0).await;
    marked.map_err(|e| broken(&node.blobs, &e))?;
    let broken_here = match get(node, store, connection, blob, size).await? {
        Had::Nothing => false,
        Had::Unreadable => true,
        Had::Part if proven => false,
        Had::Part => {
            let blobs = node.blobs.clone();
            blocking(move || Ok(!is_intact(&blobs, hash, size))).await?
        }
    };
    if broken_here {
        get_anew(node, site, connection, blob, size).await?;
    }
    match store
        .blobs()
        .status(blob)
        .await
        .map_err(|e| broken(&node.blobs, &e))?
    {
        BlobStatus::Complete { size: found } if found == size => {
            node.blobs.came(blob);
            Ok(())
        }
        _ => Err(Error::new(
            Kind::Hostile,
            format!(
                "blob {} does not have the length that was signed",
                blob.fmt_short()
            ),
        )),
    }
}

/// Brings a blob that `store` says it has, and has not, by way of an empty store: iroh-blobs drops nothing.
async fn get_anew(
    node: &Arc<Node>,
    site: SiteId,
    connection: &Connection,
    blob: Hash,
    size: u64,
) -> Result<()> {
    let failed = |e: &dyn std::fmt::Display| broken(&node.blobs, e);
    let dir = node.blobs.temporary_folder().map_err(|e| failed(&e))?;
    let empty = FsStore::load(dir.path()).await.map_err(|e| failed(&e))?;
    get(node, &empty, connection, blob, size).await?;
    let file = dir.path().join("blob");
    let exported = empty.blobs().export(blob, &file).await;
    exported.map_err(|e| failed(&e))?;
    let _ = empty.shutdown().await;
    let blobs = node.blobs.clone();
    let added = blocking(move || Ok(blobs.add_file(&file, site.0))).await?;
    drop(dir);
    added.map(|_| ()).map_err(|e| failed(&e))
}

/// What a store had of a blob.
enum Had {
    Nothing,
    Part,
    Unreadable,
}

/// Brings what `store` lacks of a blob, and says what it had of it.
async fn get(
    node: &Node,
    store: &FsStore,
    connection: &Connection,
    blob: Hash,
    size: u64,
) -> Result<Had> {
    // No more than the entry says: a longer blob ends up incomplete.
    let ranges = ChunkRanges::bytes(0..size);
    let request = GetRequest::blob_ranges(blob, ranges);
    let Ok(local) = store.remote().local_for_request(request).await else {
        return Ok(Had::Unreadable);
    };
    let had = match local.local_bytes() {
        0 => Had::Nothing,
        _ => Had::Part,
    };
    if local.is_complete() {
        return Ok(had);
    }
    let progress = store
        .remote()
        .execute_get(connection.clone(), local.missing());
    let mut progress = std::pin::pin!(progress.stream());
    let deadline = Instant::now() + STALL + Duration::from_secs(size / SLOWEST);
    loop {
        let limit = deadline.min(Instant::now() + STALL);
        match tokio::time::timeout_at(limit, progress.next()).await {
            Ok(Some(GetProgressItem::Progress(_))) => {}
            Ok(Some(GetProgressItem::Done(_)) | None) => return Ok(had),
            // The disk here, not the peer.
            Ok(Some(GetProgressItem::Error(
                e @ (GetError::LocalFailure { .. } | GetError::IrpcSend { .. }),
            ))) => {
                return Err(broken(&node.blobs, &e));
            }
            Ok(Some(GetProgressItem::Error(e))) => {
                if let Some(why) = connection.close_reason() {
                    return Err(Error::new(
                        Kind::Unreachable,
                        format!("the connection to the peer broke: {why}"),
                    )
                    .hint("try again: it goes on where it stopped"));
                }
                return Err(Error::new(
                    Kind::Hostile,
                    format!(
                        "the peer does not send blob {} as it was signed: {e:#}",
                        blob.fmt_short()
                    ),
                )
                .hint(
                    "the peer's copy is damaged or incomplete: try another with `--peer TICKET`",
                ));
            }
            Err(_) => {
                return Err(Error::new(
                    Kind::Unreachable,
                    format!(
                        "the peer sent nothing for {} s, or less than {SLOWEST} bytes a second",
                        STALL.as_secs()
                    ),
                )
                .hint("try again: it goes on where it stopped"));
            }
        }
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
fn broken(blobs: &IrohBlobs, error: &dyn std::fmt::Display) -> Error {
    Error::io(
        "write to",
        Path::new("the store of blobs"),
        &blobs.why(error),
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
