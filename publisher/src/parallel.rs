//! Work in many parts, on all cores.

use std::{
    num::NonZero,
    panic::resume_unwind,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// The most threads: each has buffers of its own, and beyond a few they wait for the same disk.
const MAX_THREADS: usize = 4;

/// Calls `work` with every number below `count`, each once, on several threads. Each thread has something of its
/// own, which `own` makes.
///
/// # Errors
///
/// As `work` says: then no other part is begun. Of several failures, that of the lowest number.
pub(crate) fn each<T, E: Send>(
    count: usize,
    own: impl Fn() -> T + Sync,
    work: impl Fn(&mut T, usize) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<(usize, E)>> = Mutex::new(None);
    let run = || {
        let mut own = own();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            if let Err(error) = work(&mut own, number) {
                next.store(count, Ordering::Relaxed);
                let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                if failed.as_ref().is_none_or(|(first, _)| number < *first) {
                    *failed = Some((number, error));
                }
                return;
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = cores.min(MAX_THREADS).min(count);
    thread::scope(|scope| {
        for _ in 1..threads {
            // This thread does the work of one that can't be had.
            let _ = thread::Builder::new().spawn_scoped(scope, run);
        }
        run();
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.map_or(Ok(()), |(_, error)| Err(error))
}

/// Does two things at the same time.
pub(crate) fn both<A: Send, B>(
    one: impl FnOnce() -> A + Send,
    other: impl FnOnce() -> B,
) -> (A, B) {
    thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        let one = one.join().unwrap_or_else(|panic| resume_unwind(panic));
        (one, other)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_done_once() {
        for count in [0, 1, 2, 1000] {
            let done: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
            let all = each(
                count,
                || (),
                |(), n| {
                    done[n].fetch_add(1, Ordering::Relaxed);
                    Ok::<_, ()>(())
                },
            );
            assert_eq!(all, Ok(()));
            assert!(done.iter().all(|n| n.load(Ordering::Relaxed) == 1));
        }
    }

    #[test]
    fn after_a_failure_the_rest_is_left() {
        let begun = AtomicUsize::new(0);
        let failed = each(
            1_000_000,
            || (),
            |(), n| {
                begun.fetch_add(1, Ordering::Relaxed);
                match n < 3 {
                    true => Ok(()),
                    false => Err(n),
                }
            },
        );
        // The others may be at the parts after it.
        assert_eq!(failed, Err(3));
        assert!(begun.load(Ordering::Relaxed) <= 3 + MAX_THREADS);
    }
}
