//! Notices when the site changes, or when time alone changes it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::state::State;
use super::watcher::{Signal, Watcher};
use crate::error::Error;
use crate::load::Change;

/// How long nothing must happen before the site is read, if every file that was written is closed. A tool that writes
/// many files does so without a pause as long as this one.
const QUIET: Duration = Duration::from_millis(2);
/// How long if the system does not tell that a file was closed.
const UNSURE: Duration = Duration::from_millis(12);
/// How long if a file is gone or empty: an editor may be about to write it.
const GONE: Duration = Duration::from_millis(60);
/// How long if a file is being written.
const WRITING: Duration = Duration::from_millis(300);
/// How long it is waited for quiet at most.
const PATIENCE: Duration = Duration::from_secs(1);
/// Of more files than this it is not looked whether they are gone.
const MANY: usize = 32;
/// How often the whole folder is looked at where the system does not tell of changes; at least.
const POLL: Duration = Duration::from_millis(300);
/// So many times as long as a look took is waited until the next one.
const REST: u32 = 10;
/// How often it is looked whether the site's folder is still the one that is watched: nobody tells of a folder above it
/// that was moved. The clock is looked at as often: a computer may have slept.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Starts the thread that reads the site again when it has to be.
pub(super) fn spawn(
    mut watcher: Watcher,
    signals: Receiver<Signal>,
    state: Arc<State>,
) -> Result<JoinHandle<()>, Error> {
    super::spawn("watch", move || {
        // Another program builds the site only now, so that a preview starts at once.
        if state.is_unread() {
            state.reload(&Change::Unknown, Duration::ZERO, false);
        }
        let polls = watcher.polls();
        let mut poll = polls.then_some(POLL);
        loop {
            watch_again(&mut watcher, &state);
            // What can't be read may be mended where nobody tells of it.
            let retry = poll.or_else(|| state.is_lost().then_some(POLL));
            let next = next(&signals, &state, &mut watcher, retry);
            let was_moved = !watch_again(&mut watcher, &state);
            match next {
                Next::Changed(_, waiting) if was_moved => {
                    state.reload(&Change::Unknown, waiting, false);
                }
                Next::Changed(change, waiting) => state.reload(&change, waiting, false),
                Next::Look => {
                    let started = Instant::now();
                    state.reload(&Change::Unknown, Duration::ZERO, true);
                    poll = poll.map(|_| POLL.max(started.elapsed() * REST));
                }
                Next::Poll(reason) => {
                    poll = Some(POLL);
                    state.set_polling(Some(reason));
                    state.reload(&Change::Unknown, Duration::ZERO, true);
                }
                Next::Stop => break,
            }
        }
        state.clients.close();
    })
}

/// Watches what the site's folder and its settings are now. False: it was another folder until now, of whose changes
/// nobody told, or it is gone.
fn watch_again(watcher: &mut Watcher, state: &State) -> bool {
    let is_current = watcher.is_current(&state.dir);
    let scope = state.scope();
    if (is_current && watcher.has_scope(&scope)) || !state.dir.exists() {
        watcher.attend(state.trails());
        return is_current;
    }
    *watcher = watcher.again(&state.dir, scope);
    if let Some(reason) = watcher.polls_because.take() {
        state.set_polling(Some(reason));
    }
    watcher.attend(state.trails());
    false
}

/// Why the site is read again.
enum Next {
    /// Something changed, and it was waited so long until that was over. No paths: only time has passed.
    Changed(Change, Duration),
    /// Perhaps something changed.
    Look,
    /// From now on the folder is looked at every so often, for this reason.
    Poll(String),
    Stop,
}

/// Waits for the next reason to read the site.
fn next(
    signals: &Receiver<Signal>,
    state: &State,
    watcher: &mut Watcher,
    poll: Option<Duration>,
) -> Next {
    let polled = Instant::now();
    let first = loop {
        let left = state.time_left();
        let until_poll = poll.map(|poll| poll.saturating_sub(polled.elapsed()));
        let wait = [left, until_poll].into_iter().flatten().min();
        match signals.recv_timeout(wait.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)) {
            Ok(signal) => break signal,
            Err(RecvTimeoutError::Timeout) => {
                if state.time_left() == Some(Duration::ZERO) {
                    return Next::Changed(Change::Paths(Vec::new()), Duration::ZERO);
                }
                let is_time = poll.is_some_and(|poll| poll <= polled.elapsed());
                if is_time || !watcher.is_current(&state.dir) {
                    return Next::Look;
                }
            }
            Err(RecvTimeoutError::Disconnected) => return Next::Stop,
        }
    };
    let started = Instant::now();
    let mut batch = Batch::default();
    let mut signal = Some(first);
    loop {
        match signal {
            Some(Signal::Stop) => return Next::Stop,
            Some(Signal::Blind(reason)) => return Next::Poll(reason),
            Some(signal) => {
                if let Signal::Settled(path) = &signal {
                    watcher.follow(path);
                }
                batch.note(signal);
            }
            None => break,
        }
        if started.elapsed() >= PATIENCE {
            break;
        }
        signal = signals.recv_timeout(batch.quiet(watcher.root())).ok();
    }
    Next::Changed(batch.change(), started.elapsed())
}

/// What was told since the first sign of a change.
#[derive(Debug, Default)]
struct Batch {
    paths: BTreeSet<String>,
    /// The files that are being written.
    open: BTreeSet<String>,
    /// Whether nobody knows what changed.
    is_lost: bool,
    /// Whether it is not told when a file is closed.
    is_unsure: bool,
}

impl Batch {
    fn note(&mut self, signal: Signal) {
        match signal {
            Signal::Written(path) => {
                self.open.insert(path.clone());
                self.paths.insert(path);
            }
            Signal::Settled(path) => {
                self.open.remove(&path);
                self.paths.insert(path);
            }
            Signal::Changed(path) => {
                self.is_unsure = true;
                self.paths.insert(path);
            }
            Signal::Lost => self.is_lost = true,
            Signal::Blind(_) | Signal::Stop => {}
        }
    }

    /// How long nothing must happen before what was told is the whole of it.
    fn quiet(&self, root: &Path) -> Duration {
        if !self.open.is_empty() {
            return WRITING;
        }
        let is_gone = |path: &String| {
            let metadata = std::fs::metadata(root.join(path));
            metadata.map_or(true, |metadata| metadata.is_file() && metadata.len() == 0)
        };
        if self.paths.len() <= MANY && self.paths.iter().any(is_gone) {
            return GONE;
        }
        if self.is_unsure || self.is_lost {
            UNSURE
        } else {
            QUIET
        }
    }

    fn change(self) -> Change {
        match self.is_lost {
            true => Change::Unknown,
            false => Change::Paths(self.paths.into_iter().collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_waited_for_as_long_as_it_is_written_gone_or_empty() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let path = || "a.md".to_owned();
        let mut batch = Batch::default();
        batch.note(Signal::Written(path()));
        std::fs::write(root.join("a.md"), "half").unwrap();
        assert_eq!(batch.quiet(root), WRITING);
        batch.note(Signal::Settled(path()));
        assert_eq!(batch.quiet(root), QUIET);
        std::fs::write(root.join("a.md"), "").unwrap();
        assert_eq!(batch.quiet(root), GONE);
        std::fs::remove_file(root.join("a.md")).unwrap();
        assert_eq!(batch.quiet(root), GONE);
        std::fs::write(root.join("a.md"), "whole").unwrap();
        batch.note(Signal::Changed(path()));
        assert_eq!(batch.quiet(root), UNSURE);
        assert_eq!(batch.change(), Change::Paths(vec![path()]));
    }

    #[test]
    fn when_events_were_lost_anything_may_have_changed() {
        let mut batch = Batch::default();
        batch.note(Signal::Settled("a.md".to_owned()));
        batch.note(Signal::Lost);
        assert_eq!(batch.change(), Change::Unknown);
    }
}
