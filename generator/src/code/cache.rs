//! Blocks that were highlighted before, by their content, in memory and in a file.
//!
//! A block's key is a hash of the highlighter's version, the language and the code. What is kept
//! of it is its spans, about a quarter of its bytes; they are checked against the code before they
//! are used. A cache can make a build faster, and nothing else.

mod file;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::spans::{self, Span};
use crate::error::Error;

/// What names a block.
type Key = [u8; 16];

/// The version of the highlighter: its code, its sheets and its grammars (`build.rs`).
const VERSION: &str = include_str!(concat!(env!("OUT_DIR"), "/highlighter-version"));

/// So many bytes of entries are kept in memory, that is some 250,000 blocks. A file is not longer either.
const MAX_BYTES: usize = 64 << 20;

/// What an entry costs beside its spans: key, age and length; about what a map needs for it.
const ENTRY_BYTES: usize = 40;

/// An entry goes when so many saves in turn did not use it.
const MAX_AGE: u8 = 20;

/// Threads hardly ever wait for each other with so many parts.
const SHARDS: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    spans: Box<[u8]>,
    /// How many saves ago it was used.
    age: u8,
}

/// The blocks that were highlighted before.
#[derive(Debug, Default)]
pub(super) struct Cache {
    shards: [Mutex<HashMap<Key, Entry>>; SHARDS],
    bytes: AtomicUsize,
    has_new: AtomicBool,
}

/// The key of `code` in the language of that name.
pub(super) fn key(language: &str, code: &str) -> Key {
    let mut hasher = blake3::Hasher::new();
    for part in [VERSION, language] {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    hasher.update(code.as_bytes());
    let mut key = Key::default();
    key.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    key
}

impl Cache {
    /// What the file at `path` holds; nothing if it can't be read or is not whole.
    pub(super) fn open(path: &Path) -> Self {
        let cache = Self::default();
        for (key, entry) in file::read(path, MAX_BYTES).unwrap_or_default() {
            cache.put(key, entry);
        }
        cache
    }

    /// The spans of `code`, if they are known and can be its.
    pub(super) fn get(&self, key: &Key, code: &str) -> Option<Vec<Span>> {
        let mut shard = self.shard(key);
        let entry = shard.get_mut(key)?;
        entry.age = 0;
        spans::decode(&entry.spans, code)
    }

    /// Keeps the spans of a code.
    pub(super) fn add(&self, key: Key, spans: &[Span]) {
        let spans = spans::encode(spans).into_boxed_slice();
        if self.put(key, Entry { spans, age: 0 }) {
            self.has_new.store(true, Ordering::Relaxed);
        }
    }

    /// Writes everything to `path` if there is anything new. What another process has written there
    /// meanwhile is kept too.
    pub(super) fn save(&self, path: &Path) -> Result<(), Error> {
        if !self.has_new.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let mut entries = file::read(path, MAX_BYTES).unwrap_or_default();
        for shard in &self.shards {
            for (key, entry) in &*lock(shard) {
                // Both may have used it.
                let age = entries
                    .get(key)
                    .map_or(entry.age, |other| other.age.min(entry.age));
                let spans = entry.spans.clone();
                entries.insert(*key, Entry { spans, age });
            }
        }
        entries.retain(|_, entry| entry.age <= MAX_AGE);
        file::write(path, entries, MAX_BYTES)
    }

    /// Whether there was room for it.
    fn put(&self, key: Key, entry: Entry) -> bool {
        let bytes = ENTRY_BYTES + entry.spans.len();
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > MAX_BYTES {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.shard(&key).insert(key, entry);
        true
    }

    fn shard(&self, key: &Key) -> MutexGuard<'_, HashMap<Key, Entry>> {
        lock(&self.shards[usize::from(key[0]) % SHARDS])
    }
}

fn lock(shard: &Mutex<HashMap<Key, Entry>>) -> MutexGuard<'_, HashMap<Key, Entry>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
