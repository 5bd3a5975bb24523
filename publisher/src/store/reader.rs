//! Reading one site: every tree node and file is checked against the hash that names it.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    Store,
    blobs::{Blob, PIECE},
    records::{IndexedPack, Location, SiteState},
};
use crate::{
    archive::{
        blobs::{BlobKind, BlobRef},
        hash::{ContentHash, NodeHash},
        pack::{Decompressor, PackError, ReadAt},
        path::ArchivePath,
        tree::{self, Change, File, NodeSource, Object, TreeError},
    },
    error::{Error, Kind, Result},
    progress::{Phase, Tally, Unit},
};

/// Reads tree nodes and files of one site. Its methods may block.
pub struct Reader {
    store: Store,
    state: SiteState,
    /// Where objects lie that are not recorded yet.
    new: Arc<HashMap<[u8; 32], Location>>,
    frames: Mutex<Vec<CachedFrame>>,
    /// One that nobody uses at the moment.
    decompressor: Mutex<Option<Decompressor>>,
}

/// A decompressed frame. Files are read in the order in which they lie in frames, so that a few suffice.
struct CachedFrame {
    pack: ContentHash,
    start: u64,
    bytes: Arc<Vec<u8>>,
}

const CACHED_FRAMES: usize = 8;

impl Reader {
    /// A reader of `state`'s site.
    pub fn new(store: &Store, state: &SiteState) -> Self {
        Self {
            store: store.clone(),
            state: state.clone(),
            new: Arc::default(),
            frames: Mutex::default(),
            decompressor: Mutex::default(),
        }
    }

    /// Begins a phase of work on the site.
    pub(crate) fn begin(&self, phase: Phase, total: Option<u64>, unit: Unit) -> Tally {
        self.store.begin(self.state.site, phase, total, unit)
    }

    /// As [`new`](Self::new), for whom the objects of these packs are there too.
    pub(crate) fn with_packs(store: &Store, state: &SiteState, packs: &[IndexedPack]) -> Self {
        let mut new = HashMap::with_capacity(packs.iter().map(|(_, places)| places.len()).sum());
        for (pack, places) in packs {
            for (object, place) in places {
                let (pack, place) = (pack.hash, *place);
                // As when they are recorded, the first pack counts.
                new.entry(*object).or_insert(Location { pack, place });
            }
        }
        Self {
            new: Arc::new(new),
            ..Self::new(store, state)
        }
    }

    /// Another reader of the same site, for another thread.
    pub(crate) fn again(&self) -> Self {
        Self {
            new: self.new.clone(),
            ..Self::new(&self.store, &self.state)
        }
    }

    /// The file at `path` in the tree `root`.
    ///
    /// # Errors
    ///
    /// If the tree is not here or is damaged.
    pub fn find(&self, root: NodeHash, path: &ArchivePath) -> Result<Option<File>> {
        Ok(tree::find(self, root, path)?)
    }

    /// Calls `visit` for every file of the tree `root`, in order.
    ///
    /// # Errors
    ///
    /// If the tree is not here or is damaged, or as `visit` says.
    pub fn walk(
        &self,
        root: NodeHash,
        mut visit: impl FnMut(&ArchivePath, &File) -> Result<()>,
    ) -> Result<()> {
        tree::walk(self, root, &mut visit)
    }

    /// Calls `visit` for every node of the tree `root` that is not in `seen`, and for the files of those
    /// that are leaves. What was visited is in `seen` afterwards.
    ///
    /// # Errors
    ///
    /// If the tree is not here or is damaged, or as `visit` says.
    pub(crate) fn objects(
        &self,
        root: NodeHash,
        seen: &mut HashSet<NodeHash>,
        mut visit: impl FnMut(Object<'_>) -> Result<()>,
    ) -> Result<()> {
        tree::objects(self, root, seen, &mut visit)
    }

    /// The bytes of an object that lies in a pack.
    pub(crate) fn packed(&self, location: &Location) -> Result<Vec<u8>> {
        self.object(location)
    }

    /// What changed from the tree `old` to the tree `new`.
    ///
    /// # Errors
    ///
    /// If one of them is not here or is damaged.
    pub fn diff(&self, old: NodeHash, new: NodeHash) -> Result<Vec<Change>> {
        Ok(tree::diff(self, old, new)?.changes)
    }

    /// As [`diff`](Self::diff), and checks that `new` has the shape that its files make, as `old` has.
    pub(crate) fn diff_and_shape(&self, old: NodeHash, new: NodeHash) -> Result<Vec<Change>> {
        let diff = tree::diff(self, old, new)?;
        tree::check_shape(self, old, new, &diff)?;
        Ok(diff.changes)
    }

    /// Calls `sink` with the file's bytes, piece by piece, and fails at the end if they are not the
    /// file's: what was passed on before is then to be thrown away.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] if the bytes are not here, [`Kind::Damaged`] if they are not the file's, or
    /// as `sink` says.
    pub fn read(&self, file: &File, sink: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.read_from(file, self.locate(file.hash.0)?, sink)
    }

    /// As [`read`](Self::read), of a file that lies at that place in a pack, or in none.
    pub(crate) fn read_from(
        &self,
        file: &File,
        place: Option<Location>,
        mut sink: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut hasher = blake3::Hasher::new();
        let mut length = 0;
        self.pieces(file, place, &mut |piece| {
            hasher.update(piece);
            length += piece.len() as u64;
            sink(piece)
        })?;
        if length != file.size || hasher.finalize() != file.hash.0 {
            return Err(Error::damaged(format!(
                "a file's bytes are not those of {}",
                file.hash
            )));
        }
        Ok(())
    }

    /// In which pack each of these files lies, and where, if it is in one: for [`read_from`](Self::read_from).
    pub(crate) fn locate_files<'a>(
        &self,
        files: impl IntoIterator<Item = &'a File>,
    ) -> Result<Vec<Option<Location>>> {
        let hashes: Vec<_> = files.into_iter().map(|file| file.hash.0).collect();
        self.locate_all(&hashes)
    }

    /// The file's bytes, verified, if they are at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); and if the file is longer.
    pub fn bytes(&self, file: &File, limit: u64) -> Result<Vec<u8>> {
        if file.size > limit {
            return Err(Error::new(
                Kind::Usage,
                format!("the file has {} bytes, more than {limit}", file.size),
            ));
        }
        // The length is what a tree says; room is made as the bytes come.
        let mut bytes = Vec::with_capacity(file.size.min(PIECE) as usize);
        self.read(file, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(bytes)
    }

    /// The `length` bytes of the file from `offset` on. Those of a blob of its own were verified when
    /// they came, and are not hashed again.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn range(&self, file: &File, offset: u64, length: u64) -> Result<Vec<u8>> {
        if self.locate(file.hash.0)?.is_some() {
            let bytes = self.bytes(file, file.size)?;
            let start = (offset as usize).min(bytes.len());
            let end = (offset.saturating_add(length) as usize).min(bytes.len());
            return Ok(bytes[start..end].to_vec());
        }
        self.store
            .blobs
            .read_at(file.hash, offset, length)
            .map_err(read_error)
    }

    /// Whether the file's bytes are here, without reading them: in an indexed pack of the site, or as one
    /// of the blobs `needs` of the version. A blob that is here for another site's sake does not count.
    pub(crate) fn has(&self, file: &File, needs: &BTreeMap<ContentHash, BlobRef>) -> Result<bool> {
        self.has_at(file, self.locate(file.hash.0)?, needs)
    }

    /// As [`has`](Self::has), of a file that lies at that place in a pack, or in none.
    pub(crate) fn has_at(
        &self,
        file: &File,
        place: Option<Location>,
        needs: &BTreeMap<ContentHash, BlobRef>,
    ) -> Result<bool> {
        if let Some(location) = place {
            return Ok(location.place.size == file.size);
        }
        let own = needs.get(&file.hash);
        if own.is_none_or(|blob| blob.kind != BlobKind::File) {
            return Ok(false);
        }
        let size = self.store.blobs.size(file.hash).map_err(read_error)?;
        Ok(size == Some(file.size))
    }

    fn pieces(
        &self,
        file: &File,
        place: Option<Location>,
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        if let Some(place) = place {
            let bytes = self.object_or_moved(file.hash.0, &place)?;
            if bytes.len() as u64 != file.size {
                return Err(Error::damaged(format!(
                    "the tree says that {} has another length than it has",
                    file.hash
                )));
            }
            return sink(&bytes);
        }
        let missing = || {
            Error::new(
                Kind::NotFound,
                "the bytes of this file are not on this machine",
            )
            .hint("name a node that has them with `--peer TICKET`")
        };
        match self.store.blobs.size(file.hash).map_err(read_error)? {
            Some(size) if size == file.size => {}
            Some(_) => {
                return Err(Error::damaged(format!(
                    "blob {} has another length",
                    file.hash
                )));
            }
            None => return Err(missing()),
        }
        let mut offset = 0;
        while offset < file.size {
            let length = PIECE.min(file.size - offset);
            let piece = self.store.blobs.read_at(file.hash, offset, length);
            let piece = piece.map_err(read_error)?;
            if piece.is_empty() {
                return Err(Error::damaged(format!("blob {} ends too early", file.hash)));
            }
            sink(&piece)?;
            offset += piece.len() as u64;
        }
        Ok(())
    }

    fn locate(&self, hash: [u8; 32]) -> Result<Option<Location>> {
        Ok(self.locate_all(&[hash])?.pop().flatten())
    }

    fn locate_all(&self, hashes: &[[u8; 32]]) -> Result<Vec<Option<Location>>> {
        let mut found: Vec<_> = hashes
            .iter()
            .map(|hash| self.new.get(hash).copied())
            .collect();
        let unknown = found.iter().zip(hashes);
        let unknown = unknown.filter(|(place, _)| place.is_none());
        let unknown: Vec<_> = unknown.map(|(_, hash)| *hash).collect();
        if !unknown.is_empty() {
            let recorded = self.store.records.locate_all(&self.state, unknown)?;
            let places = found.iter_mut().filter(|place| place.is_none());
            places
                .zip(recorded)
                .for_each(|(place, recorded)| *place = recorded);
        }
        Ok(found)
    }

    /// The object of that hash, which was seen at that place.
    fn object_or_moved(&self, hash: [u8; 32], place: &Location) -> Result<Vec<u8>> {
        match self.object(place) {
            Ok(bytes) => Ok(bytes),
            // A retraction may have moved it meanwhile, and deleted the pack.
            Err(e) => match self.locate(hash)? {
                Some(now) if now != *place => self.object(&now),
                _ => Err(e),
            },
        }
    }

    fn object(&self, location: &Location) -> Result<Vec<u8>> {
        let place = &location.place;
        let frame = self.frame(location)?;
        let start = place.offset as usize;
        let object = frame.get(start..start + place.size as usize);
        let object = object.ok_or_else(|| Error::damaged("an object lies outside its frame"))?;
        Ok(object.to_vec())
    }

    fn frame(&self, location: &Location) -> Result<Arc<Vec<u8>>> {
        let (pack, place) = (location.pack, &location.place);
        let cached = |frames: &[CachedFrame]| {
            let found = frames
                .iter()
                .find(|frame| frame.pack == pack && frame.start == place.frame_start);
            found.map(|frame| frame.bytes.clone())
        };
        if let Some(bytes) = cached(&self.frames()) {
            return Ok(bytes);
        }
        let blob = Blob {
            blobs: &*self.store.blobs,
            hash: pack,
        };
        let compressed = blob.read_at(place.frame_start, place.frame_len);
        let compressed = compressed.map_err(read_error)?;
        let bytes = self.decompress(&compressed, place.frame_raw);
        let bytes = bytes.map_err(|e| pack_error(pack, &e))?;
        let bytes = Arc::new(bytes);
        let mut frames = self.frames();
        if frames.len() == CACHED_FRAMES {
            frames.remove(0);
        }
        frames.push(CachedFrame {
            pack,
            start: place.frame_start,
            bytes: bytes.clone(),
        });
        Ok(bytes)
    }

    fn decompress(&self, frame: &[u8], raw: u64) -> std::result::Result<Vec<u8>, PackError> {
        let spare = || {
            // One that failed begins anew with each frame.
            let spare = self.decompressor.lock();
            spare.unwrap_or_else(PoisonError::into_inner)
        };
        let taken = spare().take();
        let mut decompressor = match taken {
            Some(decompressor) => decompressor,
            None => Decompressor::new()?,
        };
        let bytes = decompressor.front(frame, raw);
        *spare() = Some(decompressor);
        bytes
    }

    fn frames(&self) -> std::sync::MutexGuard<'_, Vec<CachedFrame>> {
        // A cache is right at any moment, also after a panic elsewhere.
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NodeSource for Reader {
    type Error = Error;

    fn node(&self, hash: NodeHash) -> Result<Vec<u8>> {
        match self.locate(hash.0)? {
            Some(place) => self.object_or_moved(hash.0, &place),
            None => Err(Error::new(
                Kind::NotFound,
                "this version is not on this machine: a node of its tree is missing",
            )
            .hint("name a node that has it with `--peer TICKET`")),
        }
    }
}

impl From<TreeError<Error>> for Error {
    fn from(error: TreeError<Error>) -> Self {
        match error {
            TreeError::Source(error) => error,
            other => Self::damaged(other),
        }
    }
}

/// Why a pack of the store can't be read.
pub(crate) fn pack_error(pack: ContentHash, error: &PackError) -> Error {
    match error {
        PackError::Io(e) => Error::unreadable(format!("pack {pack}"), e),
        _ => Error::damaged(format!("pack {pack}: {error}")),
    }
}

fn read_error(error: io::Error) -> Error {
    Error::unreadable("a blob", &error)
}
