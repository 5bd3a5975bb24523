//! What the system tells of changes in a folder.

use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind};
use notify::{EventKind, RecommendedWatcher, RecursiveMode};

use super::mounts;
use crate::config;
use crate::sources;

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
    root: PathBuf,
    /// `None` if the folder is looked at every so often.
    told: Option<RecommendedWatcher>,
    signals: Sender<Signal>,
    /// Why it is not told, although nobody asked for that.
    pub(super) polls_because: Option<String>,
}

impl Watcher {
    /// Watches the folder `root`, to which no link leads.
    pub(super) fn start(root: &Path, polling: bool, signals: Sender<Signal>) -> Self {
        let mut watcher = Self {
            root: root.to_owned(),
            told: None,
            signals,
            polls_because: None,
        };
        if polling {
            return watcher;
        }
        if let Some(kind) = mounts::network_drive(root) {
            let reason = format!(
                "the folder is on a network drive ({kind}), which does not tell of changes"
            );
            watcher.polls_because = Some(reason);
            return watcher;
        }
        match told_by_system(root, watcher.signals.clone()) {
            Ok(told) => watcher.told = Some(told),
            Err(error) => watcher.polls_because = Some(reason(&error)),
        }
        watcher
    }

    pub(super) fn polls(&self) -> bool {
        self.told.is_none()
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Watches `path` too, if a folder has come at the top of the site.
    pub(super) fn follow(&mut self, path: &str) {
        if !BY_FOLDER || path.contains('/') || !is_watched(path) {
            return;
        }
        let full = self.root.join(path);
        if let Some(told) = &mut self.told
            && full.is_dir()
            && let Err(error) = notify::Watcher::watch(told, &full, RecursiveMode::Recursive)
            && full.is_dir()
        {
            let _ = self.signals.send(Signal::Blind(reason(&error)));
        }
    }
}

fn told_by_system(root: &Path, signals: Sender<Signal>) -> notify::Result<RecommendedWatcher> {
    let config = notify::Config::default().with_follow_symlinks(false);
    let mut watcher: RecommendedWatcher =
        notify::Watcher::new(handler(root.to_owned(), signals), config)?;
    if !BY_FOLDER {
        notify::Watcher::watch(&mut watcher, root, RecursiveMode::Recursive)?;
        return Ok(watcher);
    }
    // An output folder can have more folders than the system has watches to give.
    notify::Watcher::watch(&mut watcher, root, RecursiveMode::NonRecursive)?;
    for entry in std::fs::read_dir(root)?.flatten() {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && entry.file_name().to_str().is_some_and(is_watched) {
            notify::Watcher::watch(&mut watcher, &entry.path(), RecursiveMode::Recursive)?;
        }
    }
    Ok(watcher)
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

fn handler(
    dir: PathBuf,
    signals: Sender<Signal>,
) -> impl Fn(notify::Result<notify::Event>) + Send + 'static {
    move |event| {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                let is_full = matches!(error.kind, notify::ErrorKind::MaxFilesWatch);
                let _ = signals.send(match is_full {
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
            let _ = signals.send(Signal::Lost);
        }
        for path in event.paths {
            if let Ok(inside) = sources::relative(&dir, &path)
                && matters(&inside)
            {
                let _ = signals.send(signal(inside));
            }
        }
    }
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

/// Whether anything below the folder called `name` at the top of a site can be a source.
fn is_watched(name: &str) -> bool {
    sources::may_be_source(name) && !name.starts_with("_site") && name != "node_modules"
}

/// Whether a change of the file or folder at `path` can change the site.
fn matters(path: &str) -> bool {
    let top = path.split('/').next().unwrap_or(path);
    path == config::FILE
        || is_watched(top)
            && path
                .match_indices('/')
                .map(|(slash, _)| &path[..slash])
                .chain([path])
                .all(|part| !part.is_empty() && sources::may_be_source(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sources_matter() {
        for path in [
            "skep.toml",
            "_posts/a.md",
            "a/b.css",
            "_posts",
            ".well-known/a",
        ] {
            assert!(matters(path), "{path}");
        }
        for path in [
            "",
            "_site/index.html",
            ".git/index",
            "_posts/.a.md.swp",
            "_posts/.#a.md",
            "_posts/#a.md#",
            "a.md~",
            "node_modules/x/y.js",
        ] {
            assert!(!matters(path), "{path}");
        }
    }

    #[test]
    fn when_the_system_has_no_watch_left_that_is_said() {
        let (signals, received) = std::sync::mpsc::channel();
        let handle = handler(PathBuf::from("/site"), signals);
        handle(Err(notify::Error::new(notify::ErrorKind::MaxFilesWatch)));
        let Ok(Signal::Blind(reason)) = received.try_recv() else {
            panic!("not told");
        };
        assert!(reason.contains("max_user_watches"), "{reason}");
        handle(Err(notify::Error::generic("?")));
        assert_eq!(received.try_recv(), Ok(Signal::Lost));
    }
}
