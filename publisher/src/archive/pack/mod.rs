//! Packs: one blob that holds many small files and tree nodes.
//!
//! ```text
//! header   "skeppack", format version (1 byte), encryption (1 byte, 0 = none), 6 zero bytes
//! frame*   zstd frames; no object lies in two of them
//! index    which object lies where
//! footer   length of the index (4 bytes, big-endian), "skepindx"
//! ```
//!
//! Frames end at object boundaries and are flushed after every object, so that a reader can fetch the
//! front of a frame up to the object that it wants. The index is a hint: every object is verified
//! against the hash by which it was asked for.

pub mod index;
pub mod read;
pub mod write;

pub use index::{Index, Object, ObjectKind, Place};
pub use read::{Decompressor, PackError, ReadAt, read_index};
pub use write::{PackWriter, Policy, Written};

/// The first bytes of a pack.
const MAGIC: &[u8; 8] = b"skeppack";
/// The last bytes of a pack.
const END_MAGIC: &[u8; 8] = b"skepindx";
const FORMAT_VERSION: u8 = 1;
/// Frames are not encrypted. Other values are kept for private sites.
const ENCRYPTION_NONE: u8 = 0;
const HEADER_LEN: u64 = 16;
const FOOTER_LEN: u64 = 12;

/// A frame ends with the object by which it reaches this many bytes, uncompressed.
pub const FRAME_TARGET: usize = 128 << 10;
/// The longest object in a pack, in bytes. Longer files are blobs of their own.
pub const MAX_OBJECT: usize = 512 << 10;
/// The most bytes of a frame, uncompressed. More is a bomb.
pub const MAX_FRAME: usize = FRAME_TARGET + MAX_OBJECT;
/// The longest frame as it lies in the pack, in bytes. An honest one is shorter than [`MAX_FRAME`] and four bytes an
/// object; without a bound, blocks of nothing would make one that no memory holds.
pub const MAX_COMPRESSED: u64 = 2 << 20;
/// The longest index, in bytes.
pub const MAX_INDEX: u64 = 64 << 20;

/// zstd's window is at most 2^20 bytes, 1 MiB: more than the longest frame, and little memory for a reader.
const WINDOW_LOG: u32 = 20;

#[cfg(test)]
mod tests;
