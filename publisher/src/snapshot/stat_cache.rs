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
    /// By path from the root, which is the empty one. The names are decoded when their turn comes: most of
    /// the memory of a small publish would else be theirs.
    folders: HashMap<&'a str, (Stamp, &'a [u8])>,
}

/// What the last snapshot saw of a folder.
#[derive(Debug, Default)]
pub(super) struct Folder<'a> {
    /// Its names, in the order of their bytes.
    pub(super) names: Vec<Seen<'a>>,
    /// Whether these are still all that are in it.
    pub(super) is_same: bool,
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

    /// What was seen of a folder, which has this stamp now.
    pub(super) fn folder(&self, path: &str, now: Stamp) -> Folder<'a> {
        let Some((stamp, names)) = self.folders.get(path) else {
            return Folder::default();
        };
        // Without inodes nothing is said of the times of folders.
        let is_same = cfg!(unix) && *stamp == now && stamp.is_settled(self.taken);
        match decode_names(names) {
            Ok(names) => Folder { names, is_same },
            Err(_) => Folder::default(),
        }
    }

    /// The hash of a file that was seen, if it is still the one that was read.
    pub(super) fn hash(&self, seen: &Seen<'_>, now: Stamp) -> Option<ContentHash> {
        let (stamp, hash) = seen.file?;
        (stamp == now && stamp.is_settled(self.taken)).then_some(hash)
    }
}

impl<'a> Folder<'a> {
    /// What was seen of a name in it.
    pub(super) fn find(&self, name: &str) -> Option<&Seen<'a>> {
        let at = self.names.binary_search_by(|seen| seen.name.cmp(name));
        Some(&self.names[at.ok()?])
    }
}

const MAGIC: &[u8] = b"skepstat\x01";
/// Another folder follows.
const MORE: u8 = 1;
const END: u8 = 0;

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
    let mut folders = HashMap::new();
    while reader.byte()? == MORE {
        let path = reader.text("folder", usize::MAX)?;
        let stamp = Stamp::decode(&mut reader)?;
        folders.insert(path, (stamp, reader.bytes("names", usize::MAX)?));
    }
    reader.finish()?;
    Ok(StatCache { taken, folders })
}

fn decode_names(bytes: &[u8]) -> Result<Vec<Seen<'_>>, DecodeError> {
    let mut reader = Reader::new("stat cache", bytes);
    let count = reader.count("names", usize::MAX, 2)?;
    let names = (0..count).map(|_| name(&mut reader));
    let names = names.collect::<Result<Vec<_>, _>>()?;
    let sorted = names.is_sorted_by(|a, b| a.name < b.name);
    reader.ensure(sorted, "its names are not in order")?;
    reader.finish()?;
    Ok(names)
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
    out: Vec<u8>,
    names: Vec<u8>,
}

impl Recorder {
    /// Begins the cache of the folder `root` as it is from the moment `taken` on. It may get about so many
    /// bytes.
    pub(super) fn new(root: &Path, taken: u64, expected: usize) -> Self {
        let mut out = Vec::with_capacity(expected + (4 << 10));
        out.extend_from_slice(MAGIC);
        put_bytes(&mut out, root.as_os_str().as_encoded_bytes());
        put_uint(&mut out, taken);
        Self {
            out,
            names: Vec::new(),
        }
    }

    /// Adds a folder with its names, in the order of their bytes.
    pub(super) fn folder(&mut self, path: &str, stamp: Stamp, names: &[Seen<'_>]) {
        self.names.clear();
        put_uint(&mut self.names, names.len() as u64);
        for seen in names {
            self.name(seen);
        }
        self.out.push(MORE);
        put_bytes(&mut self.out, path.as_bytes());
        stamp.encode(&mut self.out);
        put_bytes(&mut self.out, &self.names);
    }

    fn name(&mut self, seen: &Seen<'_>) {
        put_bytes(&mut self.names, seen.name.as_bytes());
        match (seen.kind, seen.file) {
            (Kind::Folder, _) => self.names.push(0),
            (Kind::File, None) => self.names.push(1),
            (Kind::Other, _) => self.names.push(2),
            (Kind::File, Some((stamp, hash))) => {
                self.names.push(3);
                stamp.encode(&mut self.names);
                self.names.extend_from_slice(&hash.0);
            }
        }
    }

    /// The cache's bytes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.out.push(END);
        let sum = blake3::hash(&self.out);
        self.out.extend_from_slice(sum.as_bytes());
        self.out
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

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::Index};

    use super::*;

    proptest! {
        /// The sum at the end is no secret: another program can write one.
        #[test]
        fn whatever_has_the_right_sum_is_read_or_refused(
            edits in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
            end in any::<Index>(),
            is_cut: bool,
        ) {
            let root = Path::new("/root");
            let names = [("a", None), ("b.html", Some((Stamp::default(), ContentHash([1; 32]))))];
            let names = names.map(|(name, file)| {
                let kind = if file.is_some() { Kind::File } else { Kind::Folder };
                Seen { name, kind, file }
            });
            let mut recorder = Recorder::new(root, 7, 0);
            recorder.folder("", Stamp::default(), &names);
            recorder.folder("a", Stamp::default(), &names[1..]);
            let mut body = recorder.finish();
            body.truncate(body.len() - 32);
            for (at, byte) in edits {
                *at.get_mut(&mut body) = byte;
            }
            if is_cut {
                body.truncate(end.index(body.len()));
            }
            let bytes = [&body[..], blake3::hash(&body).as_bytes()].concat();
            let cache = StatCache::decode(root, &bytes);
            for path in cache.folders.keys() {
                let seen = cache.folder(path, Stamp::default()).names;
                prop_assert!(seen.is_sorted_by(|a, b| a.name < b.name));
            }
        }
    }
}
