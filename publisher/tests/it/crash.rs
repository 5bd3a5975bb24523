//! A store of blobs that fails at any moment, and forgets what was not synced.

use std::{
    collections::HashMap,
    fs, io,
    path::Path,
    sync::{Arc, Mutex},
};

use skep_publisher::{
    archive::hash::ContentHash,
    error::Kind,
    publish::Outcome,
    store::{Blobs, Store},
};

use crate::fixture::{Author, check, checked_out, noise};

/// What survives a crash.
type Disk = Arc<Mutex<HashMap<ContentHash, Vec<u8>>>>;

struct Failing {
    disk: Disk,
    unsynced: Mutex<HashMap<ContentHash, Vec<u8>>>,
    /// How many more writes and syncs succeed.
    left: Mutex<usize>,
}

impl Failing {
    fn step(&self) -> io::Result<()> {
        let mut left = self.left.lock().unwrap();
        *left = left
            .checked_sub(1)
            .ok_or_else(|| io::Error::from(io::ErrorKind::StorageFull))?;
        Ok(())
    }

    fn get(&self, hash: ContentHash) -> Option<Vec<u8>> {
        let unsynced = self.unsynced.lock().unwrap().get(&hash).cloned();
        unsynced.or_else(|| self.disk.lock().unwrap().get(&hash).cloned())
    }
}

impl Blobs for Failing {
    fn size(&self, hash: ContentHash) -> io::Result<Option<u64>> {
        Ok(self.get(hash).map(|bytes| bytes.len() as u64))
    }

    fn read_at(&self, hash: ContentHash, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let bytes = self.get(hash).ok_or(io::ErrorKind::NotFound)?;
        let start = (offset as usize).min(bytes.len());
        let end = (start + length as usize).min(bytes.len());
        Ok(bytes[start..end].to_vec())
    }

    fn add_file(&self, path: &Path, owner: [u8; 32]) -> io::Result<ContentHash> {
        self.add_bytes(fs::read(path)?, owner)
    }

    fn add_bytes(&self, bytes: Vec<u8>, _: [u8; 32]) -> io::Result<ContentHash> {
        self.step()?;
        let hash = ContentHash::of(&bytes);
        self.unsynced.lock().unwrap().insert(hash, bytes);
        Ok(hash)
    }

    fn sync(&self) -> io::Result<()> {
        self.step()?;
        let mut unsynced = self.unsynced.lock().unwrap();
        self.disk.lock().unwrap().extend(unsynced.drain());
        Ok(())
    }
}

#[test]
fn a_failure_at_any_write_leaves_the_old_version() {
    let author = Author::new()
        .with("index.html", "one")
        .with("photo.png", noise(0, 40_000));
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let open = |left: usize| {
        let blobs = Failing {
            disk: disk.clone(),
            unsynced: Mutex::default(),
            left: Mutex::new(left),
        };
        Store::open(&dir.path().join("records.redb"), Arc::new(blobs)).unwrap()
    };
    let whole = author.publish(&open(usize::MAX));
    assert_eq!(whole.head.length(), 1);
    let old = author.files();

    // Ten blobs are too many to be listed in clear: a list is among the writes.
    author.write("index.html", "two");
    for n in 1..=10 {
        author.write(&format!("{n}.png"), noise(n, 40_000));
    }
    let mut failures = 0;
    loop {
        let store = open(failures);
        let result = author.try_publish(&store);
        drop(store);
        let Err(error) = result else {
            break;
        };
        failures += 1;
        assert_eq!(error.kind, Kind::DiskFull, "{error}");
        let store = open(usize::MAX);
        let state = store.known(author.site).unwrap();
        assert_eq!(state.head, Some(whole.head.clone()));
        check(&store, author.site).unwrap();
        assert_eq!(checked_out(&store, author.site, None).unwrap(), old);
    }
    // Ten blobs, a pack, a list, a sync.
    assert_eq!(failures, 13);
    let store = open(usize::MAX);
    assert_eq!(store.known(author.site).unwrap().head.unwrap().length(), 2);
    check(&store, author.site).unwrap();

    author.write("index.html", "three");
    let Outcome::Published(third) = author.try_publish(&store).unwrap() else {
        panic!("unchanged")
    };
    assert_eq!(third.head.length(), 3);
    check(&store, author.site).unwrap();
    assert_eq!(
        checked_out(&store, author.site, None).unwrap(),
        author.files()
    );
}
