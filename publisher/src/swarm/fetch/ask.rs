//! One part of a blob, asked of one node and verified as it streams.

use std::{
    num::NonZeroU64,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use iroh::endpoint::Connection;
use iroh_blobs::{
    Hash,
    get::{
        self,
        fsm::{AtBlobHeaderNextError, BlobContentNext, ConnectedNext, DecodeError, EndBlobNext},
    },
    protocol::{ChunkRanges, GetRequest},
    store::fs::FsStore,
};
use tokio::time::Instant;

use super::layout::PIECE;
use crate::{
    error::{Error, Kind},
    swarm::blobs::IrohBlobs,
};

/// How long a peer may send nothing.
pub(super) const STALL: Duration = Duration::from_secs(20);

/// A peer that sends a blob more slowly than this, in bytes a second, is given up.
const SLOWEST: u64 = 4 << 10;

/// How many items of a stream wait for the disk, of 16 KiB at most.
const WAITING: usize = 16;

/// Why a part did not come.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The node is away, or too slow.
    Gone(Error),
    /// The node does not have it, or does not give it away.
    Lacks(Error),
    /// It sent something else.
    Lied(Error),
    /// The disk here.
    Here(Error),
}

impl Trouble {
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Gone(e) | Self::Lacks(e) | Self::Lied(e) | Self::Here(e) => e,
        }
    }
}

/// A blob as it was signed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signed {
    pub(super) hash: Hash,
    pub(super) size: u64,
}

/// Brings a part of a blob, at most [`PIECE`] bytes, into `store`, adding to `moved` what comes. Only what is verified is kept.
pub(super) async fn ask(
    store: &FsStore,
    blobs: &IrohBlobs,
    connection: &Connection,
    blob: Signed,
    ranges: ChunkRanges,
    moved: &AtomicU64,
) -> Result<(), Trouble> {
    let deadline = Instant::now() + STALL + Duration::from_secs(PIECE / SLOWEST);
    let within = |limit: Instant| limit.min(Instant::now() + STALL);
    let slow = |_| {
        let message = format!(
            "the peer sent nothing for {} s, or less than {SLOWEST} bytes a second",
            STALL.as_secs()
        );
        let error = Error::new(Kind::Unreachable, message);
        Trouble::Gone(error.hint("try again: it goes on where it stopped"))
    };
    let here = |e: &dyn std::fmt::Display| Trouble::Here(broken(blobs, e));
    let other = |e: &dyn std::fmt::Display| match connection.close_reason() {
        Some(why) => Trouble::Gone(
            Error::new(
                Kind::Unreachable,
                format!("the connection to the peer broke: {why}"),
            )
            .hint("try again: it goes on where it stopped"),
        ),
        None => Trouble::Lacks(not_signed(blob.hash, e)),
    };
    let lied = |e: &dyn std::fmt::Display| Trouble::Lied(not_signed(blob.hash, e));

    let request = GetRequest::blob_ranges(blob.hash, ranges);
    let begin = async {
        let initial = get::fsm::start(connection.clone(), request, Default::default());
        let connected = initial.next().await.map_err(|e| other(&e))?;
        let root = match connected.next().await.map_err(|e| other(&e))? {
            ConnectedNext::StartRoot(root) => root,
            _ => return Err(here(&"nothing was asked for")),
        };
        root.next().next().await.map_err(|e| match e {
            AtBlobHeaderNextError::NotFound { .. } => Trouble::Lacks(not_signed(blob.hash, &e)),
            AtBlobHeaderNextError::Read { .. } => other(&e),
        })
    };
    let begun = tokio::time::timeout_at(within(deadline), begin).await;
    let (mut content, size) = begun.map_err(slow)??;
    // With another length the same bytes would lie in another tree.
    let Some(size) = NonZeroU64::new(size).filter(|size| size.get() == blob.size) else {
        return Err(lied(&format!(
            "it has {size} bytes instead of {}",
            blob.size
        )));
    };
    let import = store.blobs().import_bao(blob.hash, size, WAITING).await;
    let import = import.map_err(|e| here(&e))?;
    let (items, done) = (import.tx, import.rx);
    let mut read = 0;
    let end = loop {
        let next = tokio::time::timeout_at(within(deadline), content.next()).await;
        match next.map_err(slow)? {
            BlobContentNext::More((rest, item)) => {
                let item = item.map_err(|e| match e {
                    DecodeError::ParentHashMismatch { .. }
                    | DecodeError::LeafHashMismatch { .. } => lied(&e),
                    e => other(&e),
                })?;
                items.send(item).await.map_err(|e| here(&e))?;
                let now = rest.stats().payload_bytes_read;
                moved.fetch_add(now - read, Ordering::Relaxed);
                (content, read) = (rest, now);
            }
            BlobContentNext::Done(end) => break end,
        }
    };
    drop(items);
    let stored = done.await.map_err(|e| here(&e))?;
    stored.map_err(|e| here(&e))?;
    if let EndBlobNext::Closing(closing) = end.next() {
        let closed = tokio::time::timeout_at(within(deadline), closing.next()).await;
        // Whatever comes after the bytes changes nothing about them.
        drop(closed);
    }
    Ok(())
}

fn not_signed(blob: Hash, why: &dyn std::fmt::Display) -> Error {
    Error::new(
        Kind::Hostile,
        format!(
            "the peer does not send blob {} as it was signed: {why:#}",
            blob.fmt_short()
        ),
    )
    .hint("the peer's copy is damaged or incomplete: try another with `--peer TICKET`")
}

/// The store fails here, not the peer.
pub(super) fn broken(blobs: &IrohBlobs, error: &dyn std::fmt::Display) -> Error {
    Error::io(
        "write to",
        Path::new("the store of blobs"),
        &blobs.why(error),
    )
}
