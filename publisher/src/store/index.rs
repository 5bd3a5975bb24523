//! The objects of a pack, each verified: what a peer's pack has to pass before it is used.

use super::blobs::{Blob, Blobs};
use crate::archive::{
    blobs::BlobRef,
    codec::DecodeError,
    hash::{ContentHash, NodeHash},
    pack::{ObjectKind, PackError, Place, ReadAt, decompress_whole, read_index},
};

/// Reads a pack, checks every object against its hash, and returns where each lies. All of them together
/// have at most `limit` bytes: a few megabytes of frames can claim to be a thousand times as much.
pub(crate) fn verified_objects(
    blobs: &dyn Blobs,
    pack: &BlobRef,
    limit: u64,
) -> Result<Vec<([u8; 32], Place)>, PackError> {
    let blob = Blob {
        blobs,
        hash: pack.hash,
    };
    let index = read_index(&blob, pack.size)?;
    let total: u64 = index.frames.iter().map(|frame| frame.raw()).sum();
    if total > limit {
        return Err(DecodeError::invalid("pack", "it swells to more than a site may have").into());
    }
    let mut objects = Vec::new();
    let mut frame: (u64, Vec<u8>) = (0, Vec::new());
    for (object, place) in index.places() {
        if frame.0 != place.frame_start {
            let compressed = blob.read_at(place.frame_start, place.frame_len)?;
            frame = (
                place.frame_start,
                decompress_whole(&compressed, place.frame_raw)?,
            );
        }
        let start = place.offset as usize;
        // The index was checked: the objects of a frame are as long as it together.
        let bytes = &frame.1[start..start + place.size as usize];
        let hash = match object.kind {
            ObjectKind::Node => NodeHash::of(bytes).0,
            ObjectKind::File => ContentHash::of(bytes).0,
        };
        if hash != object.hash {
            return Err(
                DecodeError::invalid("pack", "its index names an object that it is not").into(),
            );
        }
        objects.push((hash, place));
    }
    Ok(objects)
}
