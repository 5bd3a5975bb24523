//! [`Filling`]: a folder that is filled while a version comes in. What is verified of it is written at once, and
//! need not be unpacked and verified a second time.

use std::{
    collections::HashMap,
    fs::File as FsFile,
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    CheckedOut, check_target, checkout, complete, files, make_folders, parent_of, partial_folder,
    write,
};
use crate::{
    archive::{
        entry::Entry,
        hash::{ContentHash, NodeHash},
        path::ArchivePath,
        tree::{File, NodeSource},
    },
    error::{Error, Kind, Result},
    progress::{Phase, Unit},
    scratch::Scratch,
    store::{Reader, index::Sink},
};

/// The most bytes of tree nodes that are kept for it; a larger site is written when all of it is here.
const MAX_NODES: usize = 16 << 20;

/// Which tree of a version is wanted in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The published files.
    Site,
    /// What they were made of.
    Sources,
}

/// A folder that is to have the files of the version that is about to come.
pub struct Filling {
    dir: PathBuf,
    part: Part,
    state: Mutex<State>,
}

enum State {
    /// Which files there are is not known yet.
    Waiting {
        root: Option<NodeHash>,
        nodes: Nodes,
    },
    Begun(Arc<Plan>),
    /// It is not worth it, or something went wrong: the folder is made in the ordinary way, which says what.
    Given,
}

/// The nodes that were verified so far.
#[derive(Default)]
struct Nodes {
    found: HashMap<NodeHash, Vec<u8>>,
    bytes: usize,
}

/// The files of a tree, of which some are written.
struct Plan {
    root: NodeHash,
    partial: Scratch,
    files: Vec<(ArchivePath, File)>,
    by_hash: HashMap<ContentHash, Vec<usize>>,
    written: Vec<AtomicBool>,
}

impl Filling {
    /// The folder `dir`, which must be absent or empty. It is not touched before [`checkout`](Self::checkout).
    pub fn new(dir: &Path, part: Part) -> Self {
        let state = State::Waiting {
            root: None,
            nodes: Nodes::default(),
        };
        Self {
            dir: dir.to_owned(),
            part,
            state: Mutex::new(state),
        }
    }

    /// As [`checkout`], which is what remains to be done if nothing was written so far.
    ///
    /// # Errors
    ///
    /// As [`checkout`].
    pub fn checkout(&self, reader: &Reader, root: NodeHash) -> Result<CheckedOut> {
        let state = std::mem::replace(&mut *self.state(), State::Given);
        let plan = match state {
            State::Begun(plan) if plan.root == root => Arc::into_inner(plan),
            _ => None,
        };
        let Some(plan) = plan else {
            return checkout(reader, root, &self.dir);
        };
        check_target(&self.dir)?;
        let left = plan.files.iter().zip(&plan.written);
        let left = left.filter(|(_, written)| !written.load(Ordering::Relaxed));
        let left: Vec<_> = left.map(|(file, _)| file.clone()).collect();
        complete(reader, &plan.files, &left, plan.partial, &self.dir)
    }

    /// The version that comes is that of `entry`: what verifies it tells the result of each object.
    pub(crate) fn expect(&self, entry: &Entry) {
        let wanted = match self.part {
            Part::Site => Some(entry.tree),
            Part::Sources => entry.sources,
        };
        let mut state = self.state();
        if let State::Waiting { root, .. } = &mut *state {
            *root = wanted;
        }
    }

    /// Writes what no pack has brought: the files that are blobs of their own. They are here, or the version is not
    /// accepted.
    pub(crate) fn write_blobs(&self, reader: &Reader) {
        let Some(plan) = self.plan() else {
            return;
        };
        let left = plan.files.iter().zip(&plan.written);
        let left = left.filter(|(_, written)| !written.load(Ordering::Relaxed));
        let bytes = left.map(|((_, file), _)| file.size).sum();
        let tally = reader.begin(Phase::Write, Some(bytes), Unit::Bytes);
        for (n, file) in plan.files.iter().enumerate() {
            if plan.written[n].swap(true, Ordering::Relaxed) {
                continue;
            }
            let file = std::slice::from_ref(file);
            if write(reader, file, plan.partial.path(), &tally).is_err() {
                *self.state() = State::Given;
                return;
            }
        }
    }

    fn plan(&self) -> Option<Arc<Plan>> {
        match &*self.state() {
            State::Begun(plan) => Some(plan.clone()),
            State::Waiting { .. } | State::Given => None,
        }
    }

    fn begin(&self, root: NodeHash, nodes: &Nodes) -> Result<Plan> {
        let files = files(nodes, root)?;
        let partial = partial_folder(parent_of(&self.dir)?)?;
        make_folders(partial.path(), &files)?;
        let mut by_hash: HashMap<_, Vec<_>> = HashMap::with_capacity(files.len());
        for (n, (_, file)) in files.iter().enumerate() {
            by_hash.entry(file.hash).or_default().push(n);
        }
        Ok(Plan {
            root,
            partial,
            written: files.iter().map(|_| AtomicBool::new(false)).collect(),
            files,
            by_hash,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Filling {
    fn node(&self, hash: NodeHash, bytes: &[u8]) {
        let mut state = self.state();
        let State::Waiting { nodes, .. } = &mut *state else {
            return;
        };
        nodes.bytes += bytes.len();
        match nodes.bytes > MAX_NODES {
            true => *state = State::Given,
            false => drop(nodes.found.insert(hash, bytes.to_vec())),
        }
    }

    fn nodes_end(&self) {
        let mut state = self.state();
        if let State::Waiting { root, nodes } = &*state {
            let begun = root.map(|root| self.begin(root, nodes));
            *state = match begun {
                Some(Ok(plan)) => State::Begun(Arc::new(plan)),
                _ => State::Given,
            };
        }
    }

    fn file(&self, hash: ContentHash, bytes: &[u8]) {
        let Some(plan) = self.plan() else {
            return;
        };
        for n in plan.by_hash.get(&hash).into_iter().flatten() {
            let (path, file) = &plan.files[*n];
            if file.size != bytes.len() as u64 || plan.written[*n].swap(true, Ordering::Relaxed) {
                continue;
            }
            let target = path.under(plan.partial.path());
            let written = FsFile::create_new(&target).and_then(|mut out| out.write_all(bytes));
            if written.is_err() {
                *self.state() = State::Given;
                return;
            }
        }
    }
}

impl NodeSource for Nodes {
    type Error = Error;

    fn node(&self, hash: NodeHash) -> Result<Vec<u8>> {
        let missing = || Error::new(Kind::NotFound, "a node of the tree has not come");
        self.found.get(&hash).cloned().ok_or_else(missing)
    }
}
