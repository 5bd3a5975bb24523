//! Whether who offers a version has those of its blobs that lie here for another reason.
//!
//! What a version names, others may have from here once it was accepted. Of a blob that is here for the sake of a site
//! that is shared with nobody, an author may know the hash and no more: without this, a version that names it would
//! open it to everybody.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use iroh::endpoint::Connection;
use iroh_blobs::{
    Hash,
    get::fsm::{self, BlobContentNext, ConnectedNext},
    protocol::{ChunkRanges, ChunkRangesExt, GetRequest},
};
use n0_future::{BufferedStreamExt, StreamExt, stream};

use super::{company::Company, transfer::random};
use crate::{
    archive::{address::SiteId, hash::ContentHash},
    error::{Error, Kind, Result},
    store::Blobs as _,
    swarm::{
        blobs::iroh_hash,
        node::{Node, blocking},
    },
};

/// How many proofs are asked for at a time.
const AT_ONCE: usize = 8;

/// How long a proof may take, which is 16 KiB and some hashes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Has the first node of `company` show a piece, chosen by chance, of each of these blobs that is here, but neither for this
/// site nor for everybody. Those in `proven` are here for this site.
///
/// # Errors
///
/// [`Kind::Unreachable`] if one can't show it.
pub(super) async fn check(
    node: &Arc<Node>,
    site: SiteId,
    company: &Company,
    proven: &HashSet<ContentHash>,
    blobs: &BTreeMap<ContentHash, u64>,
) -> Result<()> {
    let Some(connection) = company.any() else {
        return Ok(());
    };
    let wanted = blobs.iter().filter(|(hash, _)| !proven.contains(hash));
    let wanted: Vec<_> = wanted.map(|(hash, size)| (*hash, *size)).collect();
    let here = node.clone();
    let doubtful = blocking(move || {
        let mut doubtful = Vec::new();
        for (hash, size) in wanted {
            let length = here.blobs.size(hash);
            let length = length.map_err(|e| Error::unreadable(format!("blob {hash}"), &e))?;
            if length.is_some() && !here.allow.is_public(hash) {
                doubtful.push((hash, size));
            }
        }
        Ok(doubtful)
    })
    .await?;
    if doubtful.is_empty() {
        return Ok(());
    }
    let store = node.store.clone();
    let others = blocking(move || {
        let mut sites = store.records.site_ids()?;
        sites.remove(&site);
        Ok(sites)
    });
    let others = &others.await?;
    let asked = doubtful.into_iter().map(|(hash, size)| async move {
        let is_marked = async |site: SiteId| {
            let marked = node.blobs.is_marked(iroh_hash(hash), site.0).await;
            marked.map_err(|e| Error::unreadable(format!("blob {hash}"), &e))
        };
        // It came for this site alone, in a fetch that broke off.
        let mut is_own = is_marked(site).await?;
        for other in others {
            is_own = is_own && !is_marked(*other).await?;
        }
        match is_own {
            true => Ok(()),
            false => prove(connection, iroh_hash(hash), size).await,
        }
    });
    let mut asked = std::pin::pin!(stream::iter(asked).buffered_unordered(AT_ONCE));
    while let Some(shown) = asked.next().await {
        shown?;
    }
    Ok(())
}

/// Asks for a piece of a blob, which is verified and thrown away.
async fn prove(connection: &Connection, hash: Hash, size: u64) -> Result<()> {
    let at = random() % size.max(1);
    let request = GetRequest::blob_ranges(hash, ChunkRanges::bytes(at..at + 1));
    let shown = tokio::time::timeout(PATIENCE, show(connection, request, size)).await;
    match shown {
        Ok(Some(())) => Ok(()),
        // It may be honest, and keep the newest version alone.
        Ok(None) if connection.close_reason().is_none() => Err(Error::new(
            Kind::Unreachable,
            format!(
                "the peer offers a version with blob {}, and does not show that it has it",
                hash.fmt_short()
            ),
        )
        .hint("the peer's copy is incomplete: try another with `--peer TICKET`")),
        Ok(None) | Err(_) => Err(Error::new(
            Kind::Unreachable,
            "the connection to the peer broke, or it took too long",
        )
        .hint("try again")),
    }
}

/// None if it does not come. iroh-blobs' own `get_chunk_probe` believes whatever length a peer says, and so takes nothing
/// for an answer.
async fn show(connection: &Connection, request: GetRequest, size: u64) -> Option<()> {
    let initial = fsm::start(connection.clone(), request, Default::default());
    let connected = initial.next().await.ok()?;
    let ConnectedNext::StartRoot(root) = connected.next().await.ok()? else {
        return None;
    };
    let (mut content, length) = root.next().next().await.ok()?;
    if length != size {
        return None;
    }
    let mut read = 0;
    while let BlobContentNext::More((rest, item)) = content.next().await {
        item.ok()?;
        read = rest.stats().payload_bytes_read;
        content = rest;
    }
    (read > 0 || size == 0).then_some(())
}
