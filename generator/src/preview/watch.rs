//! Notices when the site changes, or when a post becomes due.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use notify::{EventKind, PollWatcher, RecommendedWatcher, RecursiveMode};

use super::state::State;
use crate::config;
use crate::error::Error;
use crate::load::Change;
use crate::sources;

/// How long nothing must happen before the site is read: an editor writes one file in several
/// steps, and `git checkout` writes many files.
const QUIET: Duration = Duration::from_millis(8);
/// How long it is waited for quiet at most.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often files are looked at where the system does not tell of changes.
const POLL: Duration = Duration::from_millis(300);
/// How long the clock is trusted: a computer may have slept.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What the watching thread is told.
#[derive(Debug)]
pub(super) enum Signal {
    /// The file or folder at this path, relative to the site folder, changed.
    Changed(String),
    /// Something changed, and nobody knows what.
    Lost,
    Stop,
}

/// Tells of changes for as long as it lives.
pub(super) struct Watcher {
    _watcher: Box<dyn notify::Watcher + Send>,
    /// Why it polls although it was not asked to.
    pub(super) polls_because: Option<String>,
}

impl Watcher {
    /// Watches the folder `dir`, which no link leads to.
    pub(super) fn start(dir: &Path, polling: bool, signals: Sender<Signal>) -> Result<Self, Error> {
        let failed = |error: notify::Error| super::no_server(&error.to_string());
        if !polling {
            match told_by_system(dir, signals.clone()) {
                Ok(watcher) => {
                    return Ok(Self {
                        _watcher: Box::new(watcher),
                        polls_because: None,
                    });
                }
                Err(error) => {
                    let watcher = poll(dir, signals).map_err(failed)?;
                    return Ok(Self {
                        _watcher: Box::new(watcher),
                        polls_because: Some(error.to_string()),
                    });
                }
            }
        }
        Ok(Self {
            _watcher: Box::new(poll(dir, signals).map_err(failed)?),
            polls_because: None,
        })
    }
}

/// Starts the thread that reads the site again when it has to be.
pub(super) fn spawn(
    watcher: Watcher,
    signals: Receiver<Signal>,
    state: Arc<State>,
) -> Result<JoinHandle<()>, Error> {
    super::spawn("watch", move || {
        let _watcher = watcher;
        while let Some(changes) = next(&signals, &state) {
            state.reload(changes);
        }
        state.clients.close();
    })
}

/// Waits for the next reason to read the site: what changed (nothing if a post became due).
/// `None` at the end.
fn next(signals: &Receiver<Signal>, state: &State) -> Option<Change> {
    // `None`: nobody knows what changed.
    let mut paths = Some(BTreeSet::new());
    loop {
        let due = state.next_due();
        let wait = match due {
            None => LONGEST_WAIT,
            Some(due) => {
                let left = due.duration_since(state.now());
                Duration::try_from(left)
                    .unwrap_or(Duration::ZERO)
                    .min(LONGEST_WAIT)
            }
        };
        match signals.recv_timeout(wait) {
            Ok(signal) => {
                if !note(signal, &mut paths) {
                    return None;
                }
                break;
            }
            Err(RecvTimeoutError::Timeout) => {
                if due.is_some_and(|due| due <= state.now()) {
                    return Some(Change::Paths(Vec::new()));
                }
            }
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        match signals.recv_timeout(QUIET) {
            Ok(signal) => {
                if !note(signal, &mut paths) {
                    return None;
                }
            }
            Err(_) => break,
        }
    }
    Some(match paths {
        Some(paths) => Change::Paths(paths.into_iter().collect()),
        None => Change::Unknown,
    })
}

/// Notes what a signal says; `false` if it says to stop.
fn note(signal: Signal, paths: &mut Option<BTreeSet<String>>) -> bool {
    match signal {
        Signal::Changed(path) => {
            if let Some(paths) = paths {
                paths.insert(path);
            }
        }
        Signal::Lost => *paths = None,
        Signal::Stop => return false,
    }
    true
}

fn told_by_system(dir: &Path, signals: Sender<Signal>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(handler(dir.to_owned(), signals))?;
    notify::Watcher::watch(&mut watcher, dir, RecursiveMode::Recursive)?;
    Ok(watcher)
}

fn poll(dir: &Path, signals: Sender<Signal>) -> notify::Result<PollWatcher> {
    let config = notify::Config::default().with_poll_interval(POLL);
    let mut watcher = PollWatcher::new(handler(dir.to_owned(), signals), config)?;
    notify::Watcher::watch(&mut watcher, dir, RecursiveMode::Recursive)?;
    Ok(watcher)
}

fn handler(
    dir: PathBuf,
    signals: Sender<Signal>,
) -> impl Fn(notify::Result<notify::Event>) + Send + 'static {
    move |event| {
        let Ok(event) = event else {
            let _ = signals.send(Signal::Lost);
            return;
        };
        // Reading the site makes events of this kind itself.
        if matches!(event.kind, EventKind::Access(_)) {
            return;
        }
        if event.need_rescan() {
            let _ = signals.send(Signal::Lost);
        }
        for path in event.paths {
            if let Ok(inside) = sources::relative(&dir, &path)
                && matters(&inside)
            {
                let _ = signals.send(Signal::Changed(inside));
            }
        }
    }
}

/// Whether a change of the file or folder at `path` can change the site.
fn matters(path: &str) -> bool {
    if path.starts_with("_site") {
        return false;
    }
    path == config::FILE
        || path
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
        for path in ["skep.toml", "_posts/a.md", "a/b.css", "_posts"] {
            assert!(matters(path), "{path}");
        }
        for path in [
            "",
            "_site/index.html",
            ".git/index",
            "_posts/.a.md.swp",
            "a.md~",
        ] {
            assert!(!matters(path), "{path}");
        }
    }
}
