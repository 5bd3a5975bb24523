//! [`Flow`]: bytes a second. Whoever wants to send takes its place in the flow and waits until what is before it has
//! had its time.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

/// How much may go at once after a pause, in bytes.
const BURST: f64 = 64.0 * 1024.0;

/// A bound of bytes a second, for all who share it.
#[derive(Debug, Clone)]
pub(in crate::swarm) struct Flow {
    book: Arc<Mutex<Book>>,
    /// Changes with the rate.
    changes: Arc<watch::Sender<()>>,
}

impl Default for Flow {
    fn default() -> Self {
        Self {
            book: Arc::new(Mutex::new(Book::new(Instant::now()))),
            changes: Arc::new(watch::Sender::new(())),
        }
    }
}

impl Flow {
    /// Lets at most `rate` bytes a second through from now on, also of what waits already; `None` is no bound.
    pub(super) fn set(&self, rate: Option<u64>) {
        self.book().set(rate, Instant::now());
        self.changes.send_replace(());
    }

    /// Whether there is a bound.
    pub(super) fn is_bounded(&self) -> bool {
        self.book().rate.is_some()
    }

    /// Is there when there is a bound.
    pub(super) async fn bounded(&self) {
        let mut changes = self.changes.subscribe();
        while !self.is_bounded() {
            // The sender is this one's own.
            let _ = changes.changed().await;
        }
    }

    /// Takes `bytes` and waits until they may go.
    pub(in crate::swarm) async fn pass(&self, bytes: u64) {
        let mut changes = self.changes.subscribe();
        let place = self.book().take(bytes, Instant::now());
        loop {
            let Some(wait) = self.book().wait(place, Instant::now()) else {
                return;
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = changes.changed() => {}
            }
        }
    }

    /// Takes `bytes` if they may go at once: for what need not go.
    pub(in crate::swarm) fn at_once(&self, bytes: u64) -> bool {
        self.book().at_once(bytes, Instant::now())
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Numbers are right at any moment, also after a panic elsewhere.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the flow: how many bytes go before its end.
#[derive(Debug, Clone, Copy)]
struct Place(f64);

/// Who may go when. It knows no clock.
#[derive(Debug)]
struct Book {
    /// Bytes a second.
    rate: Option<f64>,
    /// All bytes that were ever taken.
    taken: f64,
    /// Those of them that may have gone by `at`, and a burst at most before them.
    granted: f64,
    at: Instant,
}

impl Book {
    fn new(now: Instant) -> Self {
        Self {
            rate: None,
            taken: 0.0,
            granted: BURST,
            at: now,
        }
    }

    fn set(&mut self, rate: Option<u64>, now: Instant) {
        self.advance(now);
        self.rate = rate.map(|rate| rate as f64);
    }

    fn take(&mut self, bytes: u64, now: Instant) -> Place {
        self.advance(now);
        self.taken += bytes as f64;
        Place(self.taken)
    }

    /// Whether nothing is before these bytes: then they are taken. What is more than a burst keeps others waiting.
    fn at_once(&mut self, bytes: u64, now: Instant) -> bool {
        self.advance(now);
        let left = self.granted - self.taken;
        let may = self.rate.is_none() || left >= (bytes as f64).min(BURST);
        if may {
            self.taken += bytes as f64;
        }
        may
    }

    /// How long a place still has to wait; `None` if it has its turn.
    fn wait(&mut self, place: Place, now: Instant) -> Option<Duration> {
        self.advance(now);
        let missing = place.0 - self.granted;
        // Less than a byte is an error of rounding.
        let rate = self.rate.filter(|_| missing >= 1.0)?;
        Some(Duration::from_secs_f64((missing / rate).max(0.001)))
    }

    fn advance(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        let most = self.taken + BURST;
        self.granted = match self.rate {
            Some(rate) => (self.granted + rate * passed).min(most),
            None => most,
        };
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A flow under a clock of its own.
    struct Bench {
        book: Book,
        start: Instant,
    }

    impl Bench {
        fn new(rate: Option<u64>) -> Self {
            let start = Instant::now();
            let mut book = Book::new(start);
            book.set(rate, start);
            Self { book, start }
        }

        fn at(&self, millis: u64) -> Instant {
            self.start + Duration::from_millis(millis)
        }
    }

    #[test]
    fn after_a_burst_bytes_go_at_the_rate_and_each_in_its_turn() {
        let mut bench = Bench::new(Some(100 << 10));
        let now = bench.at(0);
        let first = bench.book.take(64 << 10, now);
        assert_eq!(bench.book.wait(first, now), None);
        let second = bench.book.take(100 << 10, now);
        let third = bench.book.take(50 << 10, now);
        assert_eq!(bench.book.wait(second, now), Some(Duration::from_secs(1)));
        assert_eq!(
            bench.book.wait(third, now),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(bench.book.wait(second, bench.at(1000)), None);
        assert!(bench.book.wait(third, bench.at(1000)).is_some());
        assert_eq!(bench.book.wait(third, bench.at(1500)), None);
        // A pause gives no more than a burst.
        let later = bench.at(3_600_000);
        let place = bench.book.take(164 << 10, later);
        assert_eq!(bench.book.wait(place, later), Some(Duration::from_secs(1)));
    }

    #[test]
    fn what_need_not_go_goes_when_nobody_waits() {
        let mut bench = Bench::new(Some(100 << 10));
        let now = bench.at(0);
        assert!(bench.book.at_once(164 << 10, now));
        assert!(!bench.book.at_once(1, now));
        let place = bench.book.take(1 << 10, now);
        assert_eq!(
            bench.book.wait(place, now),
            Some(Duration::from_millis(1010))
        );
        // What did not go costs nothing, and what has gone is made up for.
        assert!(!bench.book.at_once(64 << 10, bench.at(1600)));
        assert!(bench.book.at_once(64 << 10, bench.at(1700)));
        bench.book.set(None, bench.at(1700));
        assert!(bench.book.at_once(1 << 30, bench.at(1700)));
    }

    #[test]
    fn a_new_rate_is_that_of_what_waits_already() {
        let mut bench = Bench::new(Some(1 << 10));
        let now = bench.at(0);
        let place = bench.book.take(164 << 10, now);
        assert_eq!(bench.book.wait(place, now), Some(Duration::from_secs(100)));
        bench.book.set(Some(10 << 10), bench.at(10_000));
        let wait = bench.book.wait(place, bench.at(10_000));
        assert_eq!(wait, Some(Duration::from_secs(9)));
        bench.book.set(None, bench.at(10_000));
        assert_eq!(bench.book.wait(place, bench.at(10_000)), None);
        // What went without a bound is not made up for.
        bench.book.take(1 << 30, bench.at(11_000));
        bench.book.set(Some(1 << 10), bench.at(12_000));
        let place = bench.book.take(64 << 10, bench.at(12_000));
        assert_eq!(bench.book.wait(place, bench.at(12_000)), None);
    }

    proptest! {
        /// However bytes come, over any time no more go than the rate gives, and a burst.
        #[test]
        fn no_more_goes_than_the_rate_gives(
            rate in 16_u64..10_000,
            sends in prop::collection::vec((0_u64..2_000, 1_u64..200_000), 1..60),
        ) {
            let mut bench = Bench::new(Some(rate << 10));
            let (mut now, mut gone) = (0, 0);
            for (pause, bytes) in sends {
                now += pause;
                let place = bench.book.take(bytes, bench.at(now));
                // It waits before the next one comes.
                while let Some(wait) = bench.book.wait(place, bench.at(now)) {
                    now += u64::try_from(wait.as_millis()).unwrap() + 1;
                }
                gone += bytes;
                let most = (rate << 10) as f64 * now as f64 / 1000.0 + BURST;
                prop_assert!(gone as f64 <= most + 1.0, "{gone} of {most}");
            }
        }
    }
}
