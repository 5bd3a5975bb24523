//! The two sides of a change.

use super::{LineDiff, Part, Review, line_diff};
use crate::{
    archive::tree::{Change, File},
    error::Result,
    store::{Reader, Store},
};

/// The bytes of a changed file before and after. `None` stands for a file that is not there, or is longer than
/// was asked for.
#[derive(Debug, Clone, Default)]
pub struct Sides {
    /// What the newest version has.
    pub old: Option<Vec<u8>>,
    /// What would be published.
    pub new: Option<Vec<u8>>,
}

impl Review {
    /// The bytes of a changed file of a part of this review, each side up to `limit` bytes.
    ///
    /// # Errors
    ///
    /// If a side can't be read.
    pub fn sides(&self, store: &Store, part: &Part, change: &Change, limit: u64) -> Result<Sides> {
        let reader = self.state.as_ref().map(|state| Reader::new(store, state));
        let stored = |file: Option<&File>| match (&reader, file) {
            (Some(reader), Some(file)) if file.size <= limit => reader.bytes(file, limit).map(Some),
            _ => Ok(None),
        };
        Ok(Sides {
            old: stored(change.old.as_ref())?,
            new: match part.new_bytes(change, limit)? {
                Some(bytes) => Some(bytes),
                None => stored(change.new.as_ref())?,
            },
        })
    }
}

impl Sides {
    /// How the lines of `change` differ; `None` if one of the sides is no text, or too long.
    pub fn lines(&self, change: &Change) -> Option<LineDiff> {
        line_diff(side(&self.old, &change.old)?, side(&self.new, &change.new)?)
    }
}

/// A side that is not there has no lines; one that is too long can't be shown.
fn side<'a>(bytes: &'a Option<Vec<u8>>, file: &Option<File>) -> Option<&'a [u8]> {
    match (bytes, file) {
        (Some(bytes), _) => Some(bytes),
        (None, None) => Some(&[]),
        (None, Some(_)) => None,
    }
}
