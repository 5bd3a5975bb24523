//! Exported archives that anybody may have made.

use std::{
    collections::HashMap,
    fs,
    io::{self, Cursor},
    path::Path,
    sync::{Arc, Mutex},
};

use skep_publisher::{
    archive::hash::ContentHash,
    portable,
    store::{Blobs, Relation, Store},
    verify::verify,
};

/// Blobs in memory.
#[derive(Default)]
pub(super) struct Memory(Mutex<HashMap<ContentHash, Vec<u8>>>);

impl Blobs for Memory {
    fn size(&self, hash: ContentHash) -> io::Result<Option<u64>> {
        let blobs = self.0.lock().unwrap();
        Ok(blobs.get(&hash).map(|bytes| bytes.len() as u64))
    }

    fn read_at(&self, hash: ContentHash, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let blobs = self.0.lock().unwrap();
        let bytes = blobs.get(&hash).ok_or(io::ErrorKind::NotFound)?;
        let rest = bytes.get(offset as usize..).unwrap_or_default();
        Ok(rest[..rest.len().min(length as usize)].to_vec())
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
        let mut blobs = self.0.lock().unwrap();
        blobs.retain(|hash, _| !hashes.contains(hash));
        Ok(())
    }

    fn kept(&self, _: [u8; 32]) -> io::Result<Vec<(ContentHash, u64)>> {
        let blobs = self.0.lock().unwrap();
        Ok(blobs
            .iter()
            .map(|(hash, bytes)| (*hash, bytes.len() as u64))
            .collect())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn store() -> Store {
    let records = redb::backends::InMemoryBackend::new();
    Store::with_backend(records, Arc::new(Memory::default())).unwrap()
}

/// What is taken in is whole, and the same when it is given away again.
pub(super) fn import(bytes: &[u8]) -> bool {
    let store = store();
    let scratch = tempfile::tempdir().unwrap();
    let mut input = Cursor::new(bytes);
    let visited = |_| Relation::Visited;
    let Ok(imported) = portable::import(&store, &mut input, visited, scratch.path()) else {
        assert!(store.sites().unwrap().is_empty());
        return false;
    };
    let state = store.known(imported.site).unwrap();
    verify(&store, &state).unwrap();
    let mut again = Vec::new();
    portable::export(&store, &state, &mut again).unwrap();
    assert!(again.len() <= bytes.len());
    true
}
