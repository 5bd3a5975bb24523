//! The file of a cache.
//!
//! ```text
//! "skepcode" 1    what it is, and the version of this format
//! entries         each: key (16), age (1), length (4, little-endian), spans
//! checksum (32)   BLAKE3 of all before
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{Entry, Key};
use crate::error::Error;
use crate::files;

const HEAD: &[u8] = b"skepcode\x01";
const CHECKSUM: usize = 32;

/// The entries of the file at `path`. Nothing if it is not there, not whole, or longer than
/// `most` bytes.
pub(super) fn read(path: &Path, most: usize) -> Option<BTreeMap<Key, Entry>> {
    let mut bytes = Vec::new();
    let bound = u64::try_from(most).ok()?.saturating_add(1);
    let mut file = File::open(path).ok()?.take(bound);
    file.read_to_end(&mut bytes).ok()?;
    if bytes.len() > most {
        return None;
    }
    decode(&bytes)
}

/// Replaces the file at `path` in one step. The oldest entries are left out if they are too many.
pub(super) fn write(path: &Path, entries: BTreeMap<Key, Entry>, most: usize) -> Result<(), Error> {
    let failed = |error: &std::io::Error| {
        Error::io(
            format_args!("keep the highlighted code in {}", path.display()),
            error,
        )
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    }
    files::replace(path, &encode(entries, most)).map_err(|error| failed(&error))
}

/// The file's bytes. Each entry is a save older than it was when it was read or used.
pub(super) fn encode(entries: BTreeMap<Key, Entry>, most: usize) -> Vec<u8> {
    let mut by_age: Vec<(Key, Entry)> = entries.into_iter().collect();
    by_age.sort_by_key(|(_, entry)| entry.age);
    let mut bytes = HEAD.to_vec();
    for (key, entry) in by_age {
        let Ok(length) = u32::try_from(entry.spans.len()) else {
            continue;
        };
        if bytes.len() + key.len() + 5 + entry.spans.len() + CHECKSUM > most {
            break;
        }
        bytes.extend_from_slice(&key);
        bytes.push(entry.age.saturating_add(1));
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&entry.spans);
    }
    let checksum = blake3::hash(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    bytes
}

pub(super) fn decode(bytes: &[u8]) -> Option<BTreeMap<Key, Entry>> {
    let (content, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM)?)?;
    if blake3::hash(content).as_bytes() != checksum {
        return None;
    }
    let mut rest = content.strip_prefix(HEAD)?;
    let mut entries = BTreeMap::new();
    while !rest.is_empty() {
        let (key, after) = rest.split_first_chunk::<16>()?;
        let (age, after) = after.split_first()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (spans, after) = after.split_at_checked(length)?;
        let entry = Entry {
            spans: spans.into(),
            age: *age,
        };
        entries.insert(*key, entry);
        rest = after;
    }
    Some(entries)
}
