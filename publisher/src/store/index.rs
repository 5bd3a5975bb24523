//! The objects of a pack, each verified: what a peer's pack has to pass before it is used.

use super::{
    blobs::{Blob, Blobs},
    records::IndexedPack,
};
use crate::{
    archive::{
        blobs::BlobRef,
        codec::DecodeError,
        hash::{ContentHash, NodeHash},
        pack::{Decompressor, Index, ObjectKind, PackError, ReadAt, index::Frame, read_index},
    },
    error::{Error, Kind, Result},
    parallel,
};

/// How much of a pack is read at a time, in bytes, unless a frame is longer.
const RUN: u64 = 1 << 20;

/// How many objects are verified at a time, and a pack's more.
const MAX_OBJECTS: usize = 1 << 16;

/// What else is done with objects, when each is verified.
pub(crate) trait Sink: Sync {
    /// A tree node.
    fn node(&self, hash: NodeHash, bytes: &[u8]);
    /// All nodes of these packs were there.
    fn nodes_end(&self);
    /// A file. Nodes come before all files, but for those that share a frame with one.
    fn file(&self, hash: ContentHash, bytes: &[u8]);
}

/// Reads the next packs, checks every object against its hash, and returns where each lies. All of them together
/// have at most `room` bytes, which becomes less by that: a few megabytes of frames can claim to be a thousand
/// times as much.
///
/// # Errors
///
/// [`Kind::Hostile`] if one is not a pack, or has an object that is another than it says.
pub(crate) fn verified(
    blobs: &dyn Blobs,
    packs: &mut impl Iterator<Item = BlobRef>,
    room: &mut u64,
    sink: Option<&dyn Sink>,
) -> Result<Vec<IndexedPack>> {
    let mut open = Vec::new();
    let mut objects = 0;
    while objects < MAX_OBJECTS
        && let Some(pack) = packs.next()
    {
        let index = index(blobs, &pack, room).map_err(|e| named(&pack, &e))?;
        objects += index.frames.iter().map(|f| f.objects.len()).sum::<usize>();
        open.push((pack, index));
    }
    for with_nodes in [true, false] {
        for (pack, index) in &open {
            let blob = Blob {
                blobs,
                hash: pack.hash,
            };
            let runs = runs(index, with_nodes);
            let verified = parallel::each(
                runs.len(),
                || None,
                |decompressor, n| verify(&blob, &runs[n], decompressor, sink),
            );
            verified.map_err(|e| named(pack, &e))?;
        }
        if with_nodes && let Some(sink) = sink {
            sink.nodes_end();
        }
    }
    let places = |index: &Index| {
        let places = index.places();
        places.map(|(object, place)| (object.hash, place)).collect()
    };
    let open = open.into_iter();
    Ok(open.map(|(pack, index)| (pack, places(&index))).collect())
}

fn named(pack: &BlobRef, error: &PackError) -> Error {
    use std::io::ErrorKind::{InvalidData, NotFound, UnexpectedEof};
    match error {
        // The disk here fails, and the peer that sent the pack does not lie.
        PackError::Io(e) if !matches!(e.kind(), NotFound | UnexpectedEof | InvalidData) => {
            Error::unreadable(format!("pack {}", pack.hash), e)
        }
        _ => Error::new(Kind::Hostile, format!("pack {}: {error}", pack.hash)),
    }
}

fn index(blobs: &dyn Blobs, pack: &BlobRef, room: &mut u64) -> Result<Index, PackError> {
    let blob = Blob {
        blobs,
        hash: pack.hash,
    };
    let index = read_index(&blob, pack.size)?;
    let total = index.frames.iter().map(Frame::raw).sum();
    match room.checked_sub(total) {
        Some(left) => *room = left,
        None => {
            let why = "it swells to more than a site may have";
            return Err(DecodeError::invalid("pack", why).into());
        }
    }
    Ok(index)
}

/// Frames that lie one after the other in a pack, and where the first begins.
struct Run<'a> {
    start: u64,
    frames: &'a [Frame],
}

/// The frames that have nodes, or those that have none.
fn runs(index: &Index, with_nodes: bool) -> Vec<Run<'_>> {
    let has_nodes = |frame: &Frame| frame.objects.iter().any(|o| o.kind == ObjectKind::Node);
    let mut runs = Vec::new();
    let mut start = Index::FRAMES;
    let mut frames = &index.frames[..];
    while !frames.is_empty() {
        let kind = has_nodes(&frames[0]);
        let mut length = 0;
        let fit = frames.iter().take_while(|frame| {
            length += frame.compressed;
            length <= RUN && has_nodes(frame) == kind
        });
        let (run, rest) = frames.split_at(fit.count().max(1));
        if kind == with_nodes {
            runs.push(Run { start, frames: run });
        }
        start += run.iter().map(|frame| frame.compressed).sum::<u64>();
        frames = rest;
    }
    runs
}

/// Checks that each object of some frames is what the index says.
fn verify(
    pack: &Blob<'_>,
    run: &Run<'_>,
    decompressor: &mut Option<Decompressor>,
    sink: Option<&dyn Sink>,
) -> Result<(), PackError> {
    let decompressor = match decompressor {
        Some(decompressor) => decompressor,
        none => none.insert(Decompressor::new()?),
    };
    let length = run.frames.iter().map(|frame| frame.compressed).sum();
    let compressed = pack.read_at(run.start, length)?;
    let mut compressed = &compressed[..];
    for frame in run.frames {
        let end = (frame.compressed as usize).min(compressed.len());
        let (this, rest) = compressed.split_at(end);
        let bytes = decompressor.whole(this, frame.raw())?;
        compressed = rest;
        let mut bytes = &bytes[..];
        for object in &frame.objects {
            // A frame is as long as its objects together.
            let (this, rest) = bytes.split_at(object.size as usize);
            let hash = match object.kind {
                ObjectKind::Node => NodeHash::of(this).0,
                ObjectKind::File => ContentHash::of(this).0,
            };
            if hash != object.hash {
                let why = "its index names an object that it is not";
                return Err(DecodeError::invalid("pack", why).into());
            }
            match (sink, object.kind) {
                (None, _) => {}
                (Some(sink), ObjectKind::Node) => sink.node(NodeHash(hash), this),
                (Some(sink), ObjectKind::File) => sink.file(ContentHash(hash), this),
            }
            bytes = rest;
        }
    }
    Ok(())
}
