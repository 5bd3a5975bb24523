//! A whole archive as one file: `skep export` and `skep import`. The format is in FORMAT.md, section 12.

mod export;
mod import;

pub use export::{Exported, export};
pub use import::{Imported, import};

/// The first bytes of an exported archive.
const MAGIC: &[u8; 8] = b"skeparch";
const FORMAT_VERSION: u8 = 1;
/// The most entries in one file, as many as are ever taken at once.
const MAX_ENTRIES: u64 = crate::accept::MAX_NEW;
