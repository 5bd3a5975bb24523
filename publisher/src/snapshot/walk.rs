//! Reading a folder with all that is in it, or as much of it as the stat cache does not know.

use std::{fs, io::Read, path::Path};

use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::{
    Options, SnapshotFile, Source,
    stat_cache::{self, Kind as NameKind, Recorder, Seen, Stamp, StatCache},
    unpublishable,
};
use crate::{
    archive::{
        entry::Entry,
        hash::ContentHash,
        path::ArchivePath,
        tree::{File, node::MediaType},
    },
    error::{Error, Kind, Result},
    progress::{Phase, Tally, Unit},
};

/// The files below `root`, in any order, and how many of them were read. `now` is the present moment, in
/// nanoseconds since 1970.
pub(super) fn walk(
    root: &Path,
    options: &Options<'_>,
    now: u64,
) -> Result<(Vec<SnapshotFile>, u64)> {
    // What was seen of a folder is nobody's but this one's, by whatever name it is called.
    let known_as = root.canonicalize();
    let known_as = known_as.map_err(|e| Error::io("read", root, &e))?;
    let bytes = options.cache.and_then(|path| fs::read(path).ok());
    let watches = options.watch.iter().cloned().collect();
    let mut walk = Walk {
        root,
        leave_out: options.leave_out,
        cache: StatCache::decode(&known_as, bytes.as_deref().unwrap_or_default()),
        recorder: Recorder::new(&known_as, now, bytes.as_ref().map_or(0, Vec::len)),
        buffer: vec![0; 64 << 10],
        files: Vec::new(),
        read: 0,
        folders: vec![String::new()],
        tally: Tally::new(watches, Phase::Hash, None, Unit::Bytes),
    };
    while let Some(folder) = walk.folders.pop() {
        walk.folder(&folder)?;
    }
    if let Some(path) = options.cache {
        // Without it the next snapshot is slower, and nothing else.
        let _ = stat_cache::write(path, &walk.recorder.finish());
    }
    Ok((walk.files, walk.read))
}

struct Walk<'a> {
    root: &'a Path,
    leave_out: Option<&'a dyn Fn(&str) -> bool>,
    cache: StatCache<'a>,
    recorder: Recorder,
    buffer: Vec<u8>,
    files: Vec<SnapshotFile>,
    read: u64,
    /// Those that are still to be read, by path from the root.
    folders: Vec<String>,
    tally: Tally,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &str) -> Result<()> {
        let mut path = self.root.join(folder);
        let io = |e: &std::io::Error| Error::io("read", &self.root.join(folder), e);
        // The root itself may be a link: it is the folder that was asked for.
        let stamp = Stamp::of(&fs::metadata(&path).map_err(|e| io(&e))?);
        let before = self.cache.folder(folder, stamp);
        let read;
        let mut names: Vec<Seen<'_>> = match before.is_same {
            true => before.names.clone(),
            false => {
                read = names_in(&path)?;
                let names = read.iter();
                let names = names.map(|(name, kind)| Seen {
                    name,
                    kind: *kind,
                    file: before.find(name).and_then(|seen| seen.file),
                });
                names.collect()
            }
        };
        for seen in &mut names {
            let relative = match folder {
                "" => seen.name.to_owned(),
                _ => format!("{folder}/{}", seen.name),
            };
            path.push(seen.name);
            let left_out = self
                .leave_out
                .is_some_and(|leave_out| match is_nfc(&relative) {
                    true => leave_out(&relative),
                    false => leave_out(&relative.nfc().collect::<String>()),
                });
            match seen.kind {
                _ if left_out => seen.file = None,
                NameKind::Folder => self.folders.push(relative),
                NameKind::File => seen.file = self.file(seen, &path, &relative)?,
                NameKind::Other => return Err(not_a_file(&path)),
            }
            path.pop();
        }
        self.recorder.folder(folder, stamp, &names);
        Ok(())
    }

    /// Adds a file, and says what to remember of it.
    fn file(
        &mut self,
        seen: &Seen<'_>,
        source: &Path,
        relative: &str,
    ) -> Result<Option<(Stamp, ContentHash)>> {
        let meta = fs::symlink_metadata(source).map_err(|e| Error::io("read", source, &e))?;
        if !meta.is_file() {
            return Err(not_a_file(source));
        }
        let stamp = Stamp::of(&meta);
        let (hash, size) = match self.cache.hash(seen, stamp) {
            Some(hash) => (hash, meta.len()),
            None => self.read(source)?,
        };
        let path = archive_path(source, relative)?;
        let media_type = media_type(&path);
        self.files.push(SnapshotFile {
            path,
            file: File {
                hash,
                size,
                media_type,
            },
            source: Source::Disk(source.to_owned()),
        });
        if self.files.len() as u64 > Entry::MAX_FILES {
            return Err(Error::new(
                Kind::Unpublishable,
                format!("the site has more than {} files", Entry::MAX_FILES),
            ));
        }
        // A file that grows while it is read has another length than was seen: it is read again next time.
        Ok((size == meta.len()).then_some((stamp, hash)))
    }

    fn read(&mut self, source: &Path) -> Result<(ContentHash, u64)> {
        let io = |e: &std::io::Error| Error::io("read", source, e);
        let mut file = fs::File::open(source).map_err(|e| io(&e))?;
        self.read += 1;
        let mut hasher = blake3::Hasher::new();
        let mut size = 0;
        loop {
            let count = file.read(&mut self.buffer).map_err(|e| io(&e))?;
            if count == 0 {
                let hash = ContentHash(*hasher.finalize().as_bytes());
                return Ok((hash, size));
            }
            hasher.update(&self.buffer[..count]);
            size += count as u64;
            self.tally.add(count as u64);
        }
    }
}

/// The names in a folder and what they stand for, in the order of their bytes.
fn names_in(folder: &Path) -> Result<Vec<(String, NameKind)>> {
    let io = |e: std::io::Error| Error::io("read", folder, &e);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let kind = entry.file_type().map_err(io)?;
        let kind = match (kind.is_dir(), kind.is_file()) {
            (true, _) => NameKind::Folder,
            (_, true) => NameKind::File,
            _ => NameKind::Other,
        };
        let name = entry.file_name().into_string();
        let name = name.map_err(|_| unpublishable(&entry.path(), "its name is not UTF-8"))?;
        names.push((name, kind));
    }
    names.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Ok(names)
}

fn archive_path(source: &Path, relative: &str) -> Result<ArchivePath> {
    let path = ArchivePath::composed(relative)
        .map_err(|e| unpublishable(source, &e.problem.to_string()))?;
    if path.is_reserved() {
        return Err(unpublishable(
            source,
            "`.well-known/skep*` is kept for skep itself",
        ));
    }
    Ok(path)
}

/// What the registry says otherwise than the table of `mime_guess`. The generator's preview has the same list: a test
/// of the program compares the two.
const OVERRIDES: [(&str, &str); 4] = [
    // RFC 9239: one type for scripts of all kinds.
    ("js", "text/javascript"),
    ("mjs", "text/javascript"),
    ("cjs", "text/javascript"),
    // ECMA-426: a source map is JSON.
    ("map", "application/json"),
];

/// The media type that a new version records for the file at `path`. Older versions keep what they say.
pub fn media_type(path: &ArchivePath) -> MediaType {
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    let extension = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension.to_ascii_lowercase(),
        _ => String::new(),
    };
    let own = OVERRIDES.iter().find(|(known, _)| *known == extension);
    let guess = match own {
        Some((_, media_type)) => Some(*media_type),
        None => mime_guess::from_ext(&extension).first_raw(),
    };
    guess
        .and_then(MediaType::fixed)
        .unwrap_or_else(MediaType::octet_stream)
}

fn not_a_file(source: &Path) -> Error {
    match source.is_symlink() {
        true => unpublishable(source, "it is a symbolic link"),
        false => unpublishable(source, "it is neither a file nor a folder"),
    }
}
