//! What is here of the blobs of a version before any of it comes.

use std::sync::Arc;

use iroh_blobs::protocol::{ChunkRanges, ChunkRangesExt};
use n0_future::{BufferedStreamExt, StreamExt, stream};

use super::{
    ask::broken,
    layout::{Layout, Part},
    transfer::AT_ONCE,
};
use crate::{
    archive::{address::SiteId, hash::ContentHash},
    error::Result,
    swarm::{blobs::iroh_hash, node::Node, proto::have::Have},
};

/// Marks all blobs as wanted, before the first byte, and looks what is here of them.
pub(super) async fn prepare(
    node: &Arc<Node>,
    site: SiteId,
    layout: &Layout,
) -> Result<(Have, Vec<Found>)> {
    let blobs = layout.blobs.clone().into_iter();
    let (of, node) = (site, node.clone());
    let looked = blobs.map(move |(hash, size)| look(node.clone(), of, hash, size));
    let mut looked = std::pin::pin!(stream::iter(looked).buffered_ordered(AT_ONCE));
    let mut blobs = Vec::with_capacity(layout.blobs.len());
    while let Some(blob) = looked.next().await {
        blobs.push(blob?);
    }
    let mut here = Have::none(layout.length());
    for (piece, parts) in layout.pieces.iter().enumerate() {
        let is_here = |part: &Part| {
            let blob = &blobs[part.blob];
            // What can't be read comes anew in the end.
            blob.had == Had::Unreadable || blob.lacks(part).is_empty()
        };
        if parts.iter().all(is_here) {
            here.insert(piece as u32);
        }
    }
    Ok((here, blobs))
}

/// What there was of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Had {
    Nothing,
    Part,
    Unreadable,
}

/// What was found of a blob.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) had: Had,
    pub(super) ranges: ChunkRanges,
}

impl Found {
    /// What is not here of a part.
    pub(super) fn lacks(&self, part: &Part) -> ChunkRanges {
        &ChunkRanges::bytes(part.range.clone()) - &self.ranges
    }
}

async fn look(node: Arc<Node>, site: SiteId, hash: ContentHash, size: u64) -> Result<Found> {
    let blob = iroh_hash(hash);
    let marked = node.blobs.mark(blob, site.0).await;
    marked.map_err(|e| broken(&node.blobs, &e))?;
    let Ok(found) = node.blobs.fs.blobs().observe(blob).await else {
        return Ok(Found {
            had: Had::Unreadable,
            ranges: ChunkRanges::empty(),
        });
    };
    let had = match found.ranges.intersects(&ChunkRanges::bytes(0..size)) {
        true => Had::Part,
        false => Had::Nothing,
    };
    Ok(Found {
        had,
        ranges: found.ranges,
    })
}
