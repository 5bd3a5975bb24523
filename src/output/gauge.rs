//! How far a command is, for people at a terminal and for programs: nothing in the first half second, and then a few
//! times a second.

use std::{
    io::{self, BufRead, Read, Write},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use skep_publisher::progress::{self, Progress};

use super::{bytes, count};

/// Work that takes less is not shown.
pub(super) const SOON: Duration = Duration::from_millis(500);
/// How often a terminal is drawn.
const DRAWN: Duration = Duration::from_millis(100);
/// How often a program is told.
const TOLD: Duration = Duration::from_millis(500);
/// A phase that follows the one before within this time belongs to the same work.
const GAP: Duration = Duration::from_millis(150);

/// What a command does for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Reads the sources of a site.
    Load,
    /// Builds pages.
    Build,
    /// Reads the files that would be published.
    Hash,
    /// Writes new files into the store.
    Store,
    /// Makes what was written durable.
    Sync,
    /// Looks for nodes that have a version.
    Ask,
    /// Receives a version.
    Fetch,
    /// Checks what was received.
    Check,
    /// Writes files into a folder.
    Write,
    /// Checks signatures and hashes.
    Verify,
    /// Writes an archive into a file.
    Export,
    /// Reads an archive from a file.
    Import,
    /// Waits until nodes say that they keep a version.
    Confirm,
}

impl Phase {
    /// All of them, in the order in which the manual lists them.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 13] = [
        Self::Load,
        Self::Build,
        Self::Hash,
        Self::Store,
        Self::Sync,
        Self::Ask,
        Self::Fetch,
        Self::Check,
        Self::Write,
        Self::Verify,
        Self::Export,
        Self::Import,
        Self::Confirm,
    ];

    /// The name for programs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Build => "build",
            Self::Hash => "hash",
            Self::Store => "store",
            Self::Sync => "sync",
            Self::Ask => "ask",
            Self::Fetch => "fetch",
            Self::Check => "check",
            Self::Write => "write",
            Self::Verify => "verify",
            Self::Export => "export",
            Self::Import => "import",
            Self::Confirm => "confirm",
        }
    }

    /// The words for people, before how much of it is done.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Load => "reading the sources",
            Self::Build => "building",
            Self::Hash => "looking for changes:",
            Self::Store => "storing",
            Self::Sync => "making it durable",
            Self::Ask => "asking other nodes",
            Self::Fetch => "fetching",
            Self::Check => "checking what came",
            Self::Write => "writing",
            Self::Verify => "verifying",
            Self::Export => "exporting",
            Self::Import => "importing",
            Self::Confirm => "waiting for",
        }
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    Bytes,
    Files,
    Nodes,
}

impl Unit {
    /// The name for programs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Files => "files",
            Self::Nodes => "nodes",
        }
    }

    fn amount(self, number: u64) -> String {
        match self {
            Self::Bytes => bytes(number),
            Self::Files => count(number, "file"),
            Self::Nodes => count(number, "node"),
        }
    }
}

/// How far a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct At {
    pub(crate) phase: Phase,
    pub(crate) done: u64,
    pub(crate) total: Option<u64>,
    pub(crate) unit: Unit,
}

impl At {
    /// One line for people: `fetching 12 MB of 48 MB`.
    pub(crate) fn words(&self) -> String {
        let words = self.phase.words();
        match (self.done, self.total) {
            (done, Some(total)) => {
                // `12 of 48 MB` where both have the same unit.
                let (done, total) = (self.unit.amount(done), self.unit.amount(total));
                let done = match (done.split_once(' '), total.split_once(' ')) {
                    (Some((number, unit)), Some((_, of)))
                        if unit.trim_end_matches('s') == of.trim_end_matches('s') =>
                    {
                        number.to_owned()
                    }
                    _ => done,
                };
                format!("{words} {done} of {total}")
            }
            (0, None) => words.to_owned(),
            (done, None) => format!("{words} {}", self.unit.amount(done)),
        }
    }
}

/// Who is shown how far a command is.
pub(super) trait Show: Send + Sync {
    /// Shows it to a person; `None` when the work is over.
    fn draw(&self, at: Option<&At>);
    /// Tells a program.
    fn tell(&self, at: &At);
    /// Whether a program is told, and not a person.
    fn is_told(&self) -> bool;
}

/// What is known of the work of a command.
#[derive(Default)]
struct State {
    at: Option<At>,
    /// When the work began.
    since: Option<Instant>,
    /// When the last phase ended, if none has begun after it.
    over: Option<Instant>,
    /// What was told last, and when.
    told: Option<(At, Instant)>,
    is_drawn: bool,
    /// Whether a thread looks after it.
    is_running: bool,
}

/// Shows how far a command is.
pub(super) struct Gauge {
    state: Mutex<State>,
    /// Held while something is shown, so that nothing is shown after the end. Taken before `state`, which is never
    /// held meanwhile: whoever reports progress does not wait for a terminal.
    showing: Mutex<()>,
    show: Box<dyn Show>,
}

impl Gauge {
    pub(super) fn new(show: Box<dyn Show>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            showing: Mutex::default(),
            show,
        })
    }

    /// Notes how far a phase is; with `is_over` that it has ended.
    pub(super) fn note(self: &Arc<Self>, at: At, is_over: bool) {
        let now = Instant::now();
        let mut state = self.lock();
        if is_over && state.at.is_none_or(|shown| shown.phase != at.phase) {
            // Another phase has begun meanwhile.
            return;
        }
        if state.over.is_some_and(|over| now - over > GAP) {
            state.since = None;
        }
        state.since.get_or_insert(now);
        state.over = is_over.then_some(now);
        state.at = Some(at);
        if !state.is_running {
            let weak = Arc::downgrade(self);
            let thread = thread::Builder::new().name("skep-progress".to_owned());
            // Without a thread nothing is shown, and nothing else is lacking.
            state.is_running = thread.spawn(move || look_after(&weak)).is_ok();
        }
    }

    /// Looks once. Returns whether there is anything to look after.
    fn look(&self, now: Instant) -> bool {
        let _showing = self.showing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.lock();
        let (Some(at), Some(since)) = (state.at, state.since) else {
            state.is_running = false;
            return false;
        };
        let is_over = state.over.is_some_and(|over| now - over > GAP);
        if is_over {
            let shown = std::mem::take(&mut *state);
            drop(state);
            self.clear(&shown);
            return false;
        }
        if now - since < SOON {
            return true;
        }
        if !self.show.is_told() {
            state.is_drawn = true;
            drop(state);
            self.show.draw(Some(&at));
            return true;
        }
        let is_due = match state.told {
            None => true,
            Some((last, when)) => last.phase != at.phase || (last != at && now - when >= TOLD),
        };
        if is_due {
            state.told = Some((at, now));
            drop(state);
            self.show.tell(&at);
        }
        true
    }

    /// The work is over: what is drawn goes away.
    pub(super) fn end(&self) {
        let _showing = self.showing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.lock();
        let rest = State {
            is_running: state.is_running,
            ..State::default()
        };
        let shown = std::mem::replace(&mut *state, rest);
        drop(state);
        self.clear(&shown);
    }

    /// As [`end`](Self::end), if no phase is under way: text follows.
    pub(super) fn settle(&self) {
        if self.lock().over.is_some() {
            self.end();
        }
    }

    /// Takes away what was drawn, and tells a program how far it came.
    fn clear(&self, shown: &State) {
        if shown.is_drawn {
            self.show.draw(None);
        }
        if let (Some(at), Some((last, _))) = (&shown.at, &shown.told)
            && last != at
        {
            self.show.tell(at);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks again and again, until the work is over or nobody has the gauge any more.
fn look_after(gauge: &Weak<Gauge>) {
    while let Some(gauge) = gauge.upgrade() {
        if !gauge.look(Instant::now()) {
            return;
        }
        drop(gauge);
        thread::sleep(DRAWN);
    }
}

/// A phase of a command. It ends with the value.
pub(crate) struct Work {
    pub(super) gauge: Option<Arc<Gauge>>,
    pub(super) phase: Phase,
    pub(super) unit: Unit,
    pub(super) total: Option<u64>,
    pub(super) done: AtomicU64,
}

impl Work {
    /// Counts `more`.
    pub(crate) fn add(&self, more: u64) {
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        self.note(done, self.total, false);
    }

    /// Says how much is done of how much.
    pub(crate) fn set(&self, done: u64, total: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.note(done, Some(total), false);
    }

    pub(super) fn note(&self, done: u64, total: Option<u64>, is_over: bool) {
        if let Some(gauge) = &self.gauge {
            let (phase, unit) = (self.phase, self.unit);
            let at = At {
                phase,
                done: total.map_or(done, |total| done.min(total)),
                total,
                unit,
            };
            gauge.note(at, is_over);
        }
    }

    /// Counts what is read from `stream`.
    pub(crate) fn counting<S>(&self, stream: S) -> Counting<'_, S> {
        Counting { stream, work: self }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.note(self.done.load(Ordering::Relaxed), self.total, true);
    }
}

/// A stream whose bytes are counted.
pub(crate) struct Counting<'a, S> {
    stream: S,
    work: &'a Work,
}

impl<S: Read> Read for Counting<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.work.add(read as u64);
        Ok(read)
    }
}

impl<S: BufRead> BufRead for Counting<'_, S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.stream.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.work.add(amount as u64);
        self.stream.consume(amount);
    }
}

impl<S: Write> Write for Counting<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stream.write(bytes)?;
        self.work.add(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl From<progress::Phase> for Phase {
    fn from(phase: progress::Phase) -> Self {
        use progress::Phase as P;
        match phase {
            P::Hash => Self::Hash,
            P::Store => Self::Store,
            P::Sync => Self::Sync,
            P::Ask => Self::Ask,
            P::Fetch => Self::Fetch,
            P::Check => Self::Check,
            P::Write => Self::Write,
            P::Verify => Self::Verify,
        }
    }
}

impl From<Progress> for At {
    fn from(progress: Progress) -> Self {
        Self {
            phase: progress.phase.into(),
            done: progress.done,
            total: progress.total,
            unit: match progress.unit {
                progress::Unit::Bytes => Unit::Bytes,
                progress::Unit::Files => Unit::Files,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was shown: `None` for an empty line.
    type Shown = Arc<Mutex<Vec<Option<At>>>>;

    struct Kept(Shown, bool);

    impl Show for Kept {
        fn draw(&self, at: Option<&At>) {
            self.0.lock().unwrap().push(at.copied());
        }

        fn tell(&self, at: &At) {
            self.0.lock().unwrap().push(Some(*at));
        }

        fn is_told(&self) -> bool {
            self.1
        }
    }

    /// A gauge that nobody but the test looks after.
    fn gauge(is_told: bool) -> (Arc<Gauge>, Shown) {
        let shown = Shown::default();
        let gauge = Gauge::new(Box::new(Kept(shown.clone(), is_told)));
        gauge.lock().is_running = true;
        (gauge, shown)
    }

    fn at(phase: Phase, done: u64) -> At {
        At {
            phase,
            done,
            total: Some(10),
            unit: Unit::Bytes,
        }
    }

    #[test]
    fn work_of_less_than_half_a_second_is_not_shown() {
        for is_told in [false, true] {
            let (gauge, shown) = gauge(is_told);
            gauge.note(at(Phase::Fetch, 1), false);
            let begun = Instant::now();
            assert!(gauge.look(begun + Duration::from_millis(400)));
            gauge.note(at(Phase::Fetch, 10), true);
            assert!(!gauge.look(begun + Duration::from_secs(9)));
            assert!(shown.lock().unwrap().is_empty(), "{is_told}");
        }
    }

    #[test]
    fn longer_work_is_drawn_until_it_is_over_and_leaves_nothing() {
        let (gauge, shown) = gauge(false);
        gauge.note(at(Phase::Ask, 0), false);
        let begun = Instant::now();
        gauge.note(at(Phase::Ask, 0), true);
        // It goes on with another phase.
        gauge.note(at(Phase::Fetch, 3), false);
        assert!(gauge.look(begun + SOON));
        gauge.note(at(Phase::Fetch, 9), true);
        assert!(!gauge.look(begun + Duration::from_secs(9)));
        let expected = [Some(at(Phase::Fetch, 3)), None];
        assert_eq!(*shown.lock().unwrap(), expected);
        gauge.note(at(Phase::Write, 1), false);
        gauge.look(Instant::now() + SOON);
        gauge.end();
        gauge.end();
        assert_eq!(
            shown.lock().unwrap()[2..],
            [Some(at(Phase::Write, 1)), None]
        );
    }

    #[test]
    fn a_program_is_told_each_phase_twice_a_second_and_its_end() {
        let (gauge, shown) = gauge(true);
        gauge.note(at(Phase::Fetch, 0), false);
        let begun = Instant::now() + SOON;
        gauge.look(begun);
        for step in 1..=9 {
            gauge.note(at(Phase::Fetch, step), false);
            gauge.look(begun + DRAWN * u32::try_from(step).unwrap());
        }
        gauge.note(at(Phase::Fetch, 10), true);
        gauge.look(begun + Duration::from_secs(9));
        let done: Vec<u64> = shown
            .lock()
            .unwrap()
            .iter()
            .flatten()
            .map(|a| a.done)
            .collect();
        assert_eq!(done, [0, 5, 10]);
    }

    #[test]
    fn how_far_it_is_has_few_words() {
        let words = |phase, done, total, unit| {
            At {
                phase,
                done,
                total,
                unit,
            }
            .words()
        };
        let mb = 1_000_000;
        assert_eq!(
            words(Phase::Fetch, 12 * mb, Some(48 * mb), Unit::Bytes),
            "fetching 12 of 48 MB"
        );
        assert_eq!(
            words(Phase::Confirm, 1, Some(2), Unit::Nodes),
            "waiting for 1 of 2 nodes"
        );
        assert_eq!(
            words(Phase::Build, 7, Some(900), Unit::Files),
            "building 7 of 900 files"
        );
        assert_eq!(
            words(Phase::Ask, 0, None, Unit::Bytes),
            "asking other nodes"
        );
        assert_eq!(
            words(Phase::Hash, 5 * mb, None, Unit::Bytes),
            "looking for changes: 5.0 MB"
        );
    }

    #[test]
    fn a_phase_is_called_the_same_everywhere() {
        for phase in Phase::ALL {
            let name = serde_json::to_value(phase).unwrap();
            assert_eq!(name, phase.name());
        }
    }
}
