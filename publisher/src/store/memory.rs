//! A store in memory, for tests.

use std::{
    collections::HashMap,
    fs, io,
    path::Path,
    sync::{Arc, Mutex},
};

use super::{Blobs, Store};
use crate::archive::hash::ContentHash;

#[derive(Default)]
struct Memory(Mutex<HashMap<ContentHash, Vec<u8>>>);

/// A store of which nothing stays.
pub(crate) fn store() -> Store {
    let records = redb::backends::InMemoryBackend::new();
    Store::with_backend(records, Arc::new(Memory::default())).unwrap()
}

impl Blobs for Memory {
    fn size(&self, hash: ContentHash) -> io::Result<Option<u64>> {
        let blobs = self.0.lock().unwrap();
        Ok(blobs.get(&hash).map(|bytes| bytes.len() as u64))
    }

    fn read_at(&self, hash: ContentHash, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let blobs = self.0.lock().unwrap();
        let bytes = blobs.get(&hash).ok_or(io::ErrorKind::NotFound)?;
        let start = (offset as usize).min(bytes.len());
        let end = (start + length as usize).min(bytes.len());
        Ok(bytes[start..end].to_vec())
    }

    fn add_file(&self, path: &Path, owner: [u8; 32]) -> io::Result<ContentHash> {
        self.add_bytes(fs::read(path)?, owner)
    }

    fn add_bytes(&self, bytes: Vec<u8>, _: [u8; 32]) -> io::Result<ContentHash> {
        let hash = ContentHash::of(&bytes);
        self.0.lock().unwrap().insert(hash, bytes);
        Ok(hash)
    }

    fn remove(&self, hashes: &[ContentHash], _: [u8; 32]) -> io::Result<()> {
        self.0
            .lock()
            .unwrap()
            .retain(|hash, _| !hashes.contains(hash));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
