//! The stat cache: what the last snapshot of a folder saw, so that the next one reads only what changed.
//!
//! A file whose size, times and inode are those that were seen has the bytes that were hashed, and a folder
//! whose times and inode are the same has the same names in it. That is how git's index works, and so is
//! the exception: a file that was written at nearly the moment of the snapshot may have been written again
//! within one tick of its file system's clock, and is "racily clean". It is read again.
//! <https://git-scm.com/docs/racy-git>
//!
//! The cache is a hint for one machine. Whatever is wrong with it, the folder is read as if there were none.

use std::{
    collections::HashMap,
    fs::{self, Metadata},
    io::Write,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tempfile::NamedTempFile;

use crate::archive::{
    codec::{DecodeError, Reader, put_bytes, put_uint},
    hash::ContentHash,
};

/// By what a file or folder is known again without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Stamp {
    size: u64,
    /// Nanoseconds since 1970.
    modified: u64,
    /// When its inode changed, where there are inodes: a program can set the other time back.
    changed: u64,
    inode: u64,
}

/// File systems keep times in steps of up to two seconds.
const TICK: u64 = 2_000_000_000;

impl Stamp {
    pub(super) fn of(meta: &Metadata) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let nanos = |seconds: i64, nanos: i64| {
                let seconds = u64::try_from(seconds).unwrap_or(0);
                seconds.saturating_mul(1_000_000_000) + nanos.cast_unsigned()
            };
            Self {
                size: meta.len(),
                modified: nanos(meta.mtime(), meta.mtime_nsec()),
                changed: nanos(meta.ctime(), meta.ctime_nsec()),
                inode: meta.ino(),
            }
        }
        #[cfg(not(unix))]
        Self {
            size: meta.len(),
            modified: meta.modified().map_or(u64::MAX, since_1970),
            changed: 0,
            inode: 0,
        }
    }

    /// Whether it was old enough when it was seen, at `taken`, to be told from a later one.
    fn is_settled(&self, taken: u64) -> bool {
        self.modified.max(self.changed).saturating_add(TICK) < taken
    }

    fn encode(&self, out: &mut Vec<u8>) {
        for number in [self.size, self.modified, self.changed, self.inode] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut next = || Ok(u64::from_le_bytes(reader.array()?));
        Ok(Self {
            size: next()?,
            modified: next()?,
            changed: next()?,
            inode: next()?,
        })
    }
}

/// What a name in a folder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    File,
    /// A link, a device: nothing that can be published.
    Other,
}

/// A name in a folder, as it was seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) name: &'a str,
    pub(super) kind: Kind,
    /// Of a file that was read.
    pub(super) file: Option<(Stamp, ContentHash)>,
}

/// What the last snapshot saw.
#[derive(Debug, Default)]
pub(super) struct StatCache<'a> {
    taken: u64,
    /// By path from the root, which is the empty one.
    folders: HashMap<&'a str, (Stamp, Vec<Seen<'a>>)>,
}

impl<'a> StatCache<'a> {
    /// The cache of the folder `root` in `bytes`; an empty one if they are anything else.
    pub(super) fn decode(root: &Path, bytes: &'a [u8]) -> Self {
        let Some((body, sum)) = bytes.split_last_chunk::<32>() else {
            return Self::default();
        };
        // Damage must not pass as a hash of a file.
        if blake3::hash(body) != *sum {
            return Self::default();
        }
        decode(root, body).unwrap_or_default()
    }

    /// The names in a folder, if they are still those that were seen.
    pub(super) fn names(&self, folder: &str, stamp: Stamp) -> Option<&[Seen<'a>]> {
        // Without inodes nothing is said of the times of folders.
        if !cfg!(unix) {
            return None;
        }
        let (seen, names) = self.folders.get(folder)?;
        (*seen == stamp && stamp.is_settled(self.taken)).then_some(names)
    }

    /// The hash of the file `name` in a folder, if it is still the one that was read.
    pub(super) fn hash(&self, folder: &str, name: &str, stamp: Stamp) -> Option<ContentHash> {
        let (_, names) = self.folders.get(folder)?;
        let at = names.binary_search_by(|seen| seen.name.cmp(name)).ok()?;
        self.known(&names[at], stamp)
    }

    /// The same, of a name in hand.
    pub(super) fn known(&self, seen: &Seen<'_>, stamp: Stamp) -> Option<ContentHash> {
        let (was, hash) = seen.file?;
        (was == stamp && stamp.is_settled(self.taken)).then_some(hash)
    }
}

const MAGIC: &[u8] = b"skepstat\x01";

fn decode<'a>(root: &Path, body: &'a [u8]) -> Result<StatCache<'a>, DecodeError> {
    let mut reader = Reader::new("stat cache", body);
    let magic = reader.take(MAGIC.len())?;
    reader.ensure(magic == MAGIC, "it does not begin as one")?;
    let of = reader.bytes("root", 1 << 16)?;
    reader.ensure(
        of == root.as_os_str().as_encoded_bytes(),
        "another folder's",
    )?;
    let taken = reader.uint()?;
    let count = reader.count("folders", usize::MAX, 34)?;
    let mut folders = HashMap::with_capacity(count);
    for _ in 0..count {
        let path = reader.text("folder", usize::MAX)?;
        let stamp = Stamp::decode(&mut reader)?;
        let count = reader.count("names", usize::MAX, 2)?;
        let names = (0..count)
            .map(|_| name(&mut reader))
            .collect::<Result<Vec<_>, _>>()?;
        reader.ensure(
            names.is_sorted_by(|a, b| a.name < b.name),
            "its names are not in order",
        )?;
        folders.insert(path, (stamp, names));
    }
    reader.finish()?;
    Ok(StatCache { taken, folders })
}

fn name<'a>(reader: &mut Reader<'a>) -> Result<Seen<'a>, DecodeError> {
    let name = reader.text("name", usize::MAX)?;
    let (kind, file) = match reader.byte()? {
        0 => (Kind::Folder, None),
        1 => (Kind::File, None),
        2 => (Kind::Other, None),
        3 => {
            let stamp = Stamp::decode(reader)?;
            (Kind::File, Some((stamp, ContentHash(reader.array()?))))
        }
        _ => return Err(DecodeError::invalid("stat cache", "unknown kind of name")),
    };
    Ok(Seen { name, kind, file })
}

/// A cache in the making, folder by folder.
pub(super) struct Recorder {
    folders: u64,
    body: Vec<u8>,
}

impl Recorder {
    pub(super) fn new() -> Self {
        Self {
            folders: 0,
            body: Vec::new(),
        }
    }

    /// Begins a folder with so many names, which follow in the order of their bytes.
    pub(super) fn folder(&mut self, path: &str, stamp: Stamp, names: usize) {
        self.folders += 1;
        put_bytes(&mut self.body, path.as_bytes());
        stamp.encode(&mut self.body);
        put_uint(&mut self.body, names as u64);
    }

    pub(super) fn name(&mut self, seen: &Seen<'_>) {
        put_bytes(&mut self.body, seen.name.as_bytes());
        match (seen.kind, seen.file) {
            (Kind::Folder, _) => self.body.push(0),
            (Kind::File, None) => self.body.push(1),
            (Kind::Other, _) => self.body.push(2),
            (Kind::File, Some((stamp, hash))) => {
                self.body.push(3);
                stamp.encode(&mut self.body);
                self.body.extend_from_slice(&hash.0);
            }
        }
    }

    /// The cache's bytes, of the folder `root` as it was seen from the moment `taken` on.
    pub(super) fn finish(self, root: &Path, taken: u64) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.body.len() + 256);
        out.extend_from_slice(MAGIC);
        put_bytes(&mut out, root.as_os_str().as_encoded_bytes());
        put_uint(&mut out, taken);
        put_uint(&mut out, self.folders);
        out.extend_from_slice(&self.body);
        let sum = blake3::hash(&out);
        out.extend_from_slice(sum.as_bytes());
        out
    }
}

/// Puts the cache at `path`. It need not be durable: a lost one costs a reading of the folder.
pub(super) fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    let mut file = NamedTempFile::new_in(dir)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// Now, in nanoseconds since 1970: by the clock from which the times of files come.
pub(super) fn now() -> u64 {
    since_1970(SystemTime::now())
}

fn since_1970(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
