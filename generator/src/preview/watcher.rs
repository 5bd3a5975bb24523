//! What the system tells of changes in a folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, PoisonError, RwLock};

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind};
use notify::{EventKind, RecommendedWatcher, RecursiveMode};

use super::mounts;
use super::scope::Scope;
use crate::load::Trails;
use crate::sources;
use crate::stamp::Stamp;

/// What the watching thread is told. Paths are relative to the site folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Signal {
    /// Somebody writes the file at this path; it is told when it is closed.
    Written(String),
    /// The file or folder at this path changed, and nobody writes it.
    Settled(String),
    /// The file or folder at this path changed; whether somebody still writes it is not told.
    Changed(String),
    /// Something changed, and nobody knows what.
    Lost,
    /// The system does not tell of all changes any more, for this reason.
    Blind(String),
    Stop,
}

/// Whether the system tells when a file that was written is closed, and each folder below a watched one is watched for itself.
/// Elsewhere one watch is for the whole of a folder, whatever lies in it.
const BY_FOLDER: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Tells of changes for as long as it lives.
pub(super) struct Watcher {
    /// The folder, with all links followed.
    root: PathBuf,
    /// Which folder that was when the watch began: another one may take its place.
    identity: Option<(u64, u64)>,
    scope: Arc<Scope>,
    /// The paths behind links. They can be in folders that are not watched otherwise.
    trails: Arc<RwLock<Trails>>,
    /// The folders that are watched because of them.
    beside: BTreeSet<PathBuf>,
    /// `None` if the folder is looked at every so often.
    told: Option<RecommendedWatcher>,
    signals: Sender<Signal>,
    /// Why it is not told, although nobody asked for that.
    pub(super) polls_because: Option<String>,
}

impl Watcher {
    /// Watches the site's folder `dir`.
    pub(super) fn start(dir: &Path, scope: Scope, polling: bool, signals: Sender<Signal>) -> Self {
        let root = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        let mut watcher = Self {
            identity: identity(&root),
            root,
            scope: Arc::new(scope),
            trails: Arc::default(),
            beside: BTreeSet::new(),
            told: None,
            signals,
            polls_because: None,
        };
        if polling {
            return watcher;
        }
        if let Some(kind) = mounts::network_drive(&watcher.root) {
            let reason = format!(
                "the folder is on a network drive ({kind}), which does not tell of changes"
            );
            watcher.polls_because = Some(reason);
            return watcher;
        }
        match watcher.told_by_system() {
            Ok(told) => watcher.told = Some(told),
            Err(error) => watcher.polls_because = Some(reason(&error)),
        }
        watcher
    }

    /// Watches the site's folder `dir` from now on, as this watched another.
    pub(super) fn again(&self, dir: &Path, scope: Scope) -> Self {
        let polling = self.told.is_none();
        Self::start(dir, scope, polling, self.signals.clone())
    }

    /// Whether the folder at `dir` is still the one that is watched.
    pub(super) fn is_current(&self, dir: &Path) -> bool {
        dir.canonicalize().is_ok_and(|root| root == self.root)
            && identity(&self.root) == self.identity
    }

    /// Whether what is watched is what `scope` says.
    pub(super) fn has_scope(&self, scope: &Scope) -> bool {
        *self.scope == *scope
    }

    /// Tells of changes of the paths in `trails` too.
    pub(super) fn attend(&mut self, trails: Trails) {
        let folders: BTreeSet<PathBuf> = trails.keys().flat_map(|path| self.above(path)).collect();
        let mut known = self.trails.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = trails.keys().any(|path| !known.contains_key(path));
        *known = trails;
        drop(known);
        if let Some(told) = &mut self.told {
            for folder in &folders {
                // A folder that is not there is watched once it is, as its own folder tells.
                if BY_FOLDER || !folder.starts_with(&self.root) {
                    let _ = notify::Watcher::watch(told, folder, RecursiveMode::NonRecursive);
                }
            }
        }
        self.beside = folders;
        if is_new && self.told.is_some() {
            // Nobody told of a change between the reading and the watching.
            let _ = self.signals.send(Signal::Lost);
        }
    }

    /// The folders to be watched for `path` that are not watched otherwise.
    fn above(&self, path: &Path) -> Vec<PathBuf> {
        let Ok(inside) = sources::relative(&self.root, path) else {
            return Vec::new();
        };
        if !path.starts_with(&self.root) {
            return path.parent().map(Path::to_owned).into_iter().collect();
        }
        let (top, below) = inside.split_once('/').unwrap_or(("", &inside));
        if top.is_empty() || self.scope.is_watched(top) {
            return Vec::new();
        }
        let tops = below
            .match_indices('/')
            .map(|(at, _)| self.root.join(top).join(&below[..at]));
        [self.root.join(top)].into_iter().chain(tops).collect()
    }

    pub(super) fn polls(&self) -> bool {
        self.told.is_none()
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Watches `path` too, if a folder has come at the top of the site.
    pub(super) fn follow(&mut self, path: &str) {
        let full = self.root.join(path);
        if let Some(told) = &mut self.told
            && self.beside.contains(&full)
        {
            let _ = notify::Watcher::watch(told, &full, RecursiveMode::NonRecursive);
            return;
        }
        if !BY_FOLDER || path.contains('/') || !self.scope.is_watched(path) {
            return;
        }
        if let Some(told) = &mut self.told
            && full.is_dir()
            && let Err(error) = notify::Watcher::watch(told, &full, RecursiveMode::Recursive)
            && full.is_dir()
        {
            let _ = self.signals.send(Signal::Blind(reason(&error)));
        }
    }

    fn told_by_system(&self) -> notify::Result<RecommendedWatcher> {
        let (root, scope) = (self.root.as_path(), &*self.scope);
        let config = notify::Config::default().with_follow_symlinks(false);
        let listener = Listener {
            root: self.root.clone(),
            scope: Arc::clone(&self.scope),
            trails: Arc::clone(&self.trails),
            signals: self.signals.clone(),
        };
        let mut watcher: RecommendedWatcher =
            notify::Watcher::new(move |event| listener.hear(event), config)?;
        if !BY_FOLDER {
            notify::Watcher::watch(&mut watcher, root, RecursiveMode::Recursive)?;
            return Ok(watcher);
        }
        // An output folder can have more folders than the system has watches to give.
        notify::Watcher::watch(&mut watcher, root, RecursiveMode::NonRecursive)?;
        for entry in std::fs::read_dir(root)?.flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let name = entry.file_name();
            if is_folder && name.to_str().is_some_and(|name| scope.is_watched(name)) {
                notify::Watcher::watch(&mut watcher, &entry.path(), RecursiveMode::Recursive)?;
            }
        }
        Ok(watcher)
    }
}

/// Which folder is at `dir` now, whatever it is called. `None`: none.
fn identity(dir: &Path) -> Option<(u64, u64)> {
    let metadata = std::fs::metadata(dir).ok()?;
    Some(Stamp::of(&metadata).identity())
}

fn reason(error: &notify::Error) -> String {
    match error.kind {
        notify::ErrorKind::MaxFilesWatch => {
            "the system's limit of watched folders is reached (fs.inotify.max_user_watches)"
                .to_owned()
        }
        _ => error.to_string(),
    }
}

/// Turns what the system tells into signals.
struct Listener {
    root: PathBuf,
    scope: Arc<Scope>,
    trails: Arc<RwLock<Trails>>,
    signals: Sender<Signal>,
}

impl Listener {
    fn hear(&self, event: notify::Result<notify::Event>) {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                let is_full = matches!(error.kind, notify::ErrorKind::MaxFilesWatch);
                self.tell(match is_full {
                    true => Signal::Blind(reason(&error)),
                    false => Signal::Lost,
                });
                return;
            }
        };
        let Some(signal) = signal_of(event.kind) else {
            return;
        };
        if event.need_rescan() {
            self.tell(Signal::Lost);
        }
        for path in &event.paths {
            self.tell_linked(path, signal);
            if *path == self.root && is_move_or_removal(event.kind) {
                self.tell(Signal::Lost);
            }
            if let Ok(inside) = sources::relative(&self.root, path)
                && path.starts_with(&self.root)
                && self.scope.matters(&inside)
            {
                self.tell(signal(inside));
            }
        }
    }

    /// Tells of the sources that are read at `path`, or below it, by way of a link.
    fn tell_linked(&self, path: &Path, signal: fn(String) -> Signal) {
        let trails = self.trails.read().unwrap_or_else(PoisonError::into_inner);
        let mut sources = BTreeSet::new();
        for (_, linked) in trails
            .range(path.to_owned()..)
            .take_while(|(at, _)| at.starts_with(path))
        {
            sources.extend(linked.iter().map(ToString::to_string));
        }
        if !sources.is_empty()
            && path.is_dir()
            && let Ok(inside) = sources::relative(&self.root, path)
        {
            // It may be a new one.
            self.tell(Signal::Settled(inside));
        }
        for source in sources {
            self.tell(signal(source));
        }
    }

    fn tell(&self, signal: Signal) {
        // Once nobody listens, the preview has ended.
        let _ = self.signals.send(signal);
    }
}

fn is_move_or_removal(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
    )
}

/// What an event of this kind says of its paths. `None`: nothing that matters.
fn signal_of(kind: EventKind) -> Option<fn(String) -> Signal> {
    if !BY_FOLDER {
        return (!matches!(kind, EventKind::Access(_))).then_some(Signal::Changed);
    }
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Signal::Settled),
        // Reading the site makes events of this kind itself.
        EventKind::Access(_) => None,
        EventKind::Create(CreateKind::File) | EventKind::Modify(ModifyKind::Data(_)) => {
            Some(Signal::Written)
        }
        _ => Some(Signal::Settled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_the_system_has_no_watch_left_that_is_said() {
        let (signals, received) = std::sync::mpsc::channel();
        let listener = Listener {
            root: PathBuf::from("/site"),
            scope: Arc::new(Scope::of(None)),
            trails: Arc::default(),
            signals,
        };
        listener.hear(Err(notify::Error::new(notify::ErrorKind::MaxFilesWatch)));
        let Ok(Signal::Blind(reason)) = received.try_recv() else {
            panic!("not told");
        };
        assert!(reason.contains("max_user_watches"), "{reason}");
        listener.hear(Err(notify::Error::generic("?")));
        assert_eq!(received.try_recv(), Ok(Signal::Lost));
    }
}
