//! Whether all blobs of a version are here in the end, and what of them must come once more.

use std::{collections::HashSet, sync::Arc};

use iroh_blobs::{
    api::blobs::BlobStatus,
    protocol::{ChunkRanges, ChunkRangesExt},
    store::fs::FsStore,
};

use super::{
    ask::{Signed, Trouble, ask, broken},
    company::{Company, Member},
    layout::{Layout, PIECE},
    prepare::{Found, Had},
    transfer::nobody,
};
use crate::{
    archive::{address::SiteId, hash::ContentHash},
    error::{Error, Kind, Result},
    store::{Blobs as _, blobs::is_intact},
    swarm::{
        blobs::iroh_hash,
        node::{Node, blocking},
    },
};

/// Looks whether every blob is here with its bytes, and brings anew what is not.
pub(super) async fn finish(
    node: &Arc<Node>,
    site: SiteId,
    company: &Company,
    layout: &Layout,
    found: &[Found],
    proven: &HashSet<ContentHash>,
) -> Result<()> {
    for ((hash, size), found) in layout.blobs.iter().zip(found) {
        let blob = Signed {
            hash: iroh_hash(*hash),
            size: *size,
        };
        let broken_here = match found.had {
            Had::Nothing => false,
            Had::Unreadable => true,
            Had::Part if proven.contains(hash) => false,
            Had::Part => {
                let (blobs, hash, size) = (node.blobs.clone(), *hash, *size);
                blocking(move || Ok(!is_intact(&blobs, hash, size))).await?
            }
        };
        if broken_here {
            get_anew(node, site, company, blob).await?;
        }
        let status = node.blobs.fs.blobs().status(blob.hash).await;
        match status.map_err(|e| broken(&node.blobs, &e))? {
            BlobStatus::Complete { size: found } if found == *size => {
                node.blobs.came(blob.hash);
            }
            _ => {
                let message = format!(
                    "blob {} does not have the length that was signed",
                    blob.hash.fmt_short()
                );
                return Err(Error::new(Kind::Hostile, message));
            }
        }
    }
    Ok(())
}

/// Brings a blob that the store says it has, and has not, by way of an empty store: iroh-blobs drops nothing.
async fn get_anew(node: &Arc<Node>, site: SiteId, company: &Company, blob: Signed) -> Result<()> {
    let failed = |e: &dyn std::fmt::Display| broken(&node.blobs, e);
    let dir = node.blobs.temporary_folder().map_err(|e| failed(&e))?;
    let empty = FsStore::load(dir.path()).await.map_err(|e| failed(&e))?;
    let mut result = Err(nobody());
    for member in company.members.values() {
        result = whole(node, &empty, member, blob).await;
        if result.is_ok() {
            break;
        }
    }
    if result.is_ok() {
        let file = dir.path().join("blob");
        let exported = empty.blobs().export(blob.hash, &file).await;
        exported.map_err(|e| failed(&e))?;
        let blobs = node.blobs.clone();
        let added = blocking(move || Ok(blobs.add_file(&file, site.0))).await?;
        result = added.map(|_| ()).map_err(|e| failed(&e));
    }
    let _ = empty.shutdown().await;
    result
}

async fn whole(node: &Node, store: &FsStore, member: &Member, blob: Signed) -> Result<()> {
    let mut start = 0;
    while start < blob.size {
        let end = blob.size.min(start + PIECE);
        let ranges = ChunkRanges::bytes(start..end);
        start = end;
        let (connection, moved) = (&member.connection, &member.moved);
        let asked = ask(store, &node.blobs, connection, blob, ranges, moved).await;
        asked.map_err(Trouble::into_error)?;
    }
    Ok(())
}
