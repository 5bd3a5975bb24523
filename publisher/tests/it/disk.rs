//! A machine's disk in memory: it fails at the n-th write or sync, of blobs and records alike, and at a
//! power cut it forgets what was not synced, or all but any part of it.

use std::{
    collections::HashMap,
    fs, io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
};

use skep_publisher::{
    archive::hash::ContentHash,
    error::Result,
    store::{Blobs, Store},
};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// There is no room from then on: every write fails, syncs and reads do not.
    Full,
    /// One operation fails, those after it do not.
    Io,
    /// The process is dead: nothing it does reaches the disk any more.
    Dead,
}

/// What the next process finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// All that was written: the machine went on.
    Running,
    /// What was synced, and nothing else.
    Cut,
    /// What was synced, and any part of the rest, by this seed.
    Torn(u64),
}

/// The disk, as its one user sees it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Clone, Default)]
struct State {
    /// How many writes and syncs there were.
    steps: usize,
    /// After how many of them what goes wrong.
    plan: Option<(usize, Fault)>,
    file: Vec<u8>,
    synced_file: Vec<u8>,
    unsynced: Vec<Write>,
    blobs: HashMap<ContentHash, Blob>,
    synced_blobs: HashMap<ContentHash, Blob>,
}

#[derive(Debug, Clone)]
enum Write {
    Bytes(u64, Vec<u8>),
    Length(u64),
}

/// A blob as iroh-blobs has it: its database says that it is complete and how long it is, but its bytes
/// are in another file.
#[derive(Debug, Clone)]
struct Blob {
    length: u64,
    bytes: Vec<u8>,
}

impl Disk {
    /// A disk with a database without tables, which appears on a real one whole or not at all.
    pub(crate) fn new() -> Self {
        let disk = Self::default();
        redb::Database::builder()
            .create_with_backend(disk.clone())
            .unwrap();
        disk
    }

    /// Opens the store on this disk.
    pub(crate) fn open(&self) -> Result<Store> {
        let blobs = Arc::new(self.clone());
        Store::with_backend(self.clone(), blobs)
    }

    /// How many writes and syncs there were since the disk was copied.
    pub(crate) fn steps(&self) -> usize {
        self.state().steps
    }

    /// The same disk for another run, in which `fault` comes after `steps` writes and syncs.
    pub(crate) fn failing_after(&self, steps: usize, fault: Fault) -> Self {
        let mut state = self.state().clone();
        state.steps = 0;
        state.plan = Some((steps, fault));
        Self(Arc::new(Mutex::new(state)))
    }

    /// What a new process finds on it.
    pub(crate) fn after(&self, after: After) -> Self {
        let mut state = self.state().clone();
        state.plan = None;
        match after {
            After::Running => {}
            After::Cut => {
                state.file = state.synced_file.clone();
                state.blobs = state.synced_blobs.clone();
                state.unsynced.clear();
            }
            After::Torn(seed) => state.tear(&mut Random(seed)),
        }
        Self(Arc::new(Mutex::new(state)))
    }

    /// The blobs on it.
    pub(crate) fn blobs(&self) -> Vec<(ContentHash, Vec<u8>)> {
        let state = self.state();
        let blobs = state.blobs.iter();
        blobs
            .map(|(hash, blob)| (*hash, blob.bytes.clone()))
            .collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    /// Counts a write (or else a sync), and fails if it is to.
    fn step(&mut self, is_write: bool) -> io::Result<()> {
        let done = self.steps;
        self.steps += 1;
        let Some((at, fault)) = self.plan.filter(|(at, _)| done >= *at) else {
            return Ok(());
        };
        match fault {
            Fault::Full if is_write => Err(io::ErrorKind::StorageFull.into()),
            Fault::Io if done == at => Err(io::Error::other("input/output error")),
            Fault::Full | Fault::Io => Ok(()),
            Fault::Dead => Err(io::Error::other("the process is dead")),
        }
    }

    /// A power cut in which any part of what was not synced has reached the disk.
    fn tear(&mut self, random: &mut Random) {
        let mut file = self.synced_file.clone();
        for write in self.unsynced.drain(..) {
            match write {
                _ if random.below(3) == 0 => {}
                Write::Length(length) => file.resize(length as usize, 0),
                Write::Bytes(offset, mut bytes) => {
                    // Whole, or in any two pieces of which one is there.
                    let mut start = 0;
                    if random.below(2) == 0 {
                        let middle = random.below(bytes.len() + 1);
                        match random.below(2) {
                            0 => bytes.truncate(middle),
                            _ => start = middle,
                        }
                    }
                    let at = offset as usize;
                    file.resize(file.len().max(at + bytes.len()), 0);
                    file[at + start..at + bytes.len()].copy_from_slice(&bytes[start..]);
                }
            }
        }
        self.file = file.clone();
        self.synced_file = file;
        let mut hashes: Vec<ContentHash> = self.blobs.keys().copied().collect();
        hashes.sort();
        for hash in hashes {
            if self.synced_blobs.contains_key(&hash) {
                continue;
            }
            let blob = self.blobs.get_mut(&hash).unwrap();
            match random.below(4) {
                0 => {}
                1 => blob.bytes.fill(0),
                2 => blob.bytes.truncate(random.below(blob.bytes.len() + 1)),
                _ => {
                    self.blobs.remove(&hash);
                }
            }
        }
        self.synced_blobs = self.blobs.clone();
    }
}

impl redb::StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().file.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        let from = state.file.get(offset as usize..).unwrap_or_default();
        let bytes = from.get(..out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut state = self.state();
        state.step(true)?;
        state.file.resize(length as usize, 0);
        state.unsynced.push(Write::Length(length));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state();
        state.step(false)?;
        state.synced_file = state.file.clone();
        state.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.step(true)?;
        let at = offset as usize;
        let length = state.file.len().max(at + bytes.len());
        state.file.resize(length, 0);
        state.file[at..at + bytes.len()].copy_from_slice(bytes);
        state.unsynced.push(Write::Bytes(offset, bytes.to_vec()));
        Ok(())
    }
}

impl Blobs for Disk {
    fn size(&self, hash: ContentHash) -> io::Result<Option<u64>> {
        Ok(self.state().blobs.get(&hash).map(|blob| blob.length))
    }

    fn read_at(&self, hash: ContentHash, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let state = self.state();
        let bytes = &state.blobs.get(&hash).ok_or(io::ErrorKind::NotFound)?.bytes;
        let start = (offset as usize).min(bytes.len());
        let end = (start + length as usize).min(bytes.len());
        Ok(bytes[start..end].to_vec())
    }

    fn add_file(&self, path: &Path, owner: [u8; 32]) -> io::Result<ContentHash> {
        self.add_bytes(fs::read(path)?, owner)
    }

    fn add_bytes(&self, bytes: Vec<u8>, _: [u8; 32]) -> io::Result<ContentHash> {
        let mut state = self.state();
        state.step(true)?;
        let hash = ContentHash::of(&bytes);
        let length = bytes.len() as u64;
        state.blobs.insert(hash, Blob { length, bytes });
        Ok(hash)
    }

    fn remove(&self, hashes: &[ContentHash], _: [u8; 32]) -> io::Result<()> {
        for hash in hashes {
            let mut state = self.state();
            state.step(true)?;
            state.blobs.remove(hash);
            state.synced_blobs.remove(hash);
        }
        Ok(())
    }

    fn kept(&self, _: [u8; 32]) -> io::Result<Vec<(ContentHash, u64)>> {
        let state = self.state();
        let kept = state.blobs.iter();
        Ok(kept.map(|(hash, blob)| (*hash, blob.length)).collect())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state();
        state.step(false)?;
        state.synced_blobs = state.blobs.clone();
        Ok(())
    }
}

/// xorshift64*: the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let value = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        (value % bound as u64) as usize
    }
}
