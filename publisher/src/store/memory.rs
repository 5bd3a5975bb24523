//! A store in memory, for tests.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::Path,
    sync::{Arc, Mutex},
};

use super::{Blobs, Store};
use crate::archive::hash::ContentHash;

#[derive(Default)]
struct Memory(Mutex<HashMap<ContentHash, Blob>>);

#[derive(Default)]
struct Blob {
    bytes: Vec<u8>,
    owners: HashSet<[u8; 32]>,
}

/// A store of which nothing stays.
pub(crate) fn store() -> Store {
    let records = redb::backends::InMemoryBackend::new();
    Store::with_backend(records, Arc::new(Memory::default())).unwrap()
}

impl Blobs for Memory {
    fn size(&self, hash: ContentHash) -> io::Result<Option<u64>> {
        let blobs = self.0.lock().unwrap();
        Ok(blobs.get(&hash).map(|blob| blob.bytes.len() as u64))
    }

    fn read_at(&self, hash: ContentHash, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let blobs = self.0.lock().unwrap();
        let bytes = &blobs.get(&hash).ok_or(io::ErrorKind::NotFound)?.bytes;
        let start = (offset as usize).min(bytes.len());
        let end = (start + length as usize).min(bytes.len());
        Ok(bytes[start..end].to_vec())
    }

    fn add_file(&self, path: &Path, owner: [u8; 32]) -> io::Result<ContentHash> {
        self.add_bytes(fs::read(path)?, owner)
    }

    fn add_bytes(&self, bytes: Vec<u8>, owner: [u8; 32]) -> io::Result<ContentHash> {
        let hash = ContentHash::of(&bytes);
        let mut blobs = self.0.lock().unwrap();
        let blob = blobs.entry(hash).or_default();
        blob.bytes = bytes;
        blob.owners.insert(owner);
        Ok(hash)
    }

    fn remove(&self, hashes: &[ContentHash], owner: [u8; 32]) -> io::Result<()> {
        let mut blobs = self.0.lock().unwrap();
        for hash in hashes {
            if let Some(blob) = blobs.get_mut(hash) {
                blob.owners.remove(&owner);
            }
        }
        blobs.retain(|_, blob| !blob.owners.is_empty());
        Ok(())
    }

    fn kept(&self, owner: [u8; 32]) -> io::Result<Vec<(ContentHash, u64)>> {
        let blobs = self.0.lock().unwrap();
        let kept = blobs
            .iter()
            .filter(|(_, blob)| blob.owners.contains(&owner));
        Ok(kept
            .map(|(hash, blob)| (*hash, blob.bytes.len() as u64))
            .collect())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
