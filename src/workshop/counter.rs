//! [`Counter`]: how many changes of a site would be published, counted anew whenever files have changed.

use std::{
    io,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

/// A thread that counts. It ends when this is dropped, and a count that is under way.
#[derive(Debug)]
pub(crate) struct Counter {
    wake: Sender<()>,
}

/// A count waits until nothing has changed for as long, at least.
const QUIET: Duration = Duration::from_millis(300);
/// And for as many times the length of the last count, so that counting never takes much of the machine.
const SHARE: u32 = 5;
/// Whoever writes without rest is shown a count all the same, after so many changes of patience.
const MOST_WAITS: u32 = 20;

impl Counter {
    /// Counts with `count` whenever it is woken, and hands the result to `tell`.
    ///
    /// # Errors
    ///
    /// If there can't be another thread.
    pub(crate) fn start(
        count: impl Fn() -> Option<usize> + Send + 'static,
        tell: impl Fn(Option<usize>) + Send + 'static,
    ) -> io::Result<Self> {
        Self::with_quiet(QUIET, count, tell)
    }

    fn with_quiet(
        quiet: Duration,
        count: impl Fn() -> Option<usize> + Send + 'static,
        tell: impl Fn(Option<usize>) + Send + 'static,
    ) -> io::Result<Self> {
        let (wake, woken) = mpsc::channel();
        thread::Builder::new()
            .name("skep-counter".into())
            .spawn(move || run(&woken, quiet, &count, &tell))?;
        Ok(Self { wake })
    }

    /// Files have changed, or a version was published.
    pub(crate) fn wake(&self) {
        // Without the thread the number stays as it is.
        let _ = self.wake.send(());
    }

    /// What wakes it, for others.
    pub(crate) fn waker(&self) -> impl Fn() + Send + Sync + use<> {
        let wake = self.wake.clone();
        move || {
            let _ = wake.send(());
        }
    }
}

fn run(
    woken: &Receiver<()>,
    quiet: Duration,
    count: &impl Fn() -> Option<usize>,
    tell: &impl Fn(Option<usize>),
) {
    let mut pause = quiet;
    while woken.recv().is_ok() {
        let mut waits = 0;
        loop {
            match woken.recv_timeout(pause) {
                Ok(()) if waits < MOST_WAITS => waits += 1,
                Err(RecvTimeoutError::Disconnected) => return,
                Ok(()) | Err(RecvTimeoutError::Timeout) => break,
            }
        }
        let start = Instant::now();
        tell(count());
        pause = quiet.max(start.elapsed() * SHARE);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn many_changes_are_counted_together_and_the_last_one_is_not_missed() {
        let files = Arc::new(AtomicUsize::new(0));
        let counts = Arc::new(AtomicUsize::new(0));
        let (told, telling) = mpsc::channel();
        let counter = {
            let (files, counts) = (files.clone(), counts.clone());
            let count = move || {
                counts.fetch_add(1, Ordering::SeqCst);
                Some(files.load(Ordering::SeqCst))
            };
            let tell = move |changes| told.send(changes).unwrap();
            Counter::with_quiet(Duration::from_millis(20), count, tell).unwrap()
        };
        for _ in 0..10 {
            files.fetch_add(1, Ordering::SeqCst);
            counter.wake();
        }
        while telling.recv_timeout(PATIENCE).unwrap() != Some(10) {}
        assert!(counts.load(Ordering::SeqCst) <= 10);
        counter.waker()();
        assert_eq!(telling.recv_timeout(PATIENCE).unwrap(), Some(10));
        drop(counter);
        // The thread has ended, and what tells with it.
        assert!(telling.recv_timeout(PATIENCE).is_err());
    }
}
