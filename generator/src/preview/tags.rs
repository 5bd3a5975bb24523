//! The entity tags of files: made of what they hold.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::stamp::Stamp;

/// Of a larger file only the stamp is hashed: a film is not read whole before it is shown.
const MOST_READ: u64 = 64 << 20;
/// Of so many files the tags are kept.
const MOST_KEPT: usize = 4096;

/// The tags of files that were served, so that a file is read once for each of its states.
#[derive(Debug, Default)]
pub(super) struct Tags {
    known: Mutex<HashMap<PathBuf, (Stamp, String)>>,
}

impl Tags {
    /// The tag of the open `file` at `path`. Files of different bytes have different tags, also if their size and time
    /// are the same.
    pub(super) fn of(&self, path: &Path, file: &mut File) -> io::Result<String> {
        let seen = SystemTime::now();
        let stamp = Stamp::of(&file.metadata()?);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, tag)) = known.get(path).filter(|(known, _)| *known == stamp) {
            return Ok(tag.clone());
        }
        drop(known);
        let mut hasher = blake3::Hasher::new();
        if stamp.bytes > MOST_READ {
            hasher.update(format!("{stamp:?}").as_bytes());
        } else {
            hasher.update_reader(&mut *file)?;
            file.rewind()?;
        }
        let tag = format!("\"{}\"", &hasher.finalize().to_hex()[..32]);
        if stamp.is_settled(seen) {
            known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= MOST_KEPT {
                known.clear();
            }
            known.insert(path.to_owned(), (stamp, tag.clone()));
        }
        Ok(tag)
    }
}
