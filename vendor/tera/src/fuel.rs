//! How much a template may cost. Not part of Tera: see `vendor/tera/PATCH.md`.
//!
//! A template is a program of whoever wrote it. What runs within [`metered`] pays for each instruction, for what it
//! makes and for how deep it nests; when nothing is left, it ends in an error at the instruction that it could not pay. The
//! same template costs the same on every machine. What does not run within [`metered`] costs nothing.

use std::cell::Cell;

use crate::errors::{Error, TeraResult};
use crate::value::{Value, ValueInner};

/// What there is to spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Instructions of the interpreter, and what is as much work in a filter.
    pub steps: usize,
    /// Bytes of texts and lists that are made, whether they are kept or not.
    pub bytes: usize,
}

/// The message of the error when all steps are spent.
pub const STEPS: &str = "Out of fuel: steps";
/// The message of the error when all bytes are spent.
pub const BYTES: &str = "Out of fuel: bytes";
/// The message of the error when includes, components and blocks, or lists and maps, nest too deep.
pub const DEPTH: &str = "Out of fuel: depth";

/// So many includes, components and calls of `super()` may be in each other. One takes some 4 KB of the stack in a build
/// that is not optimised.
const MOST_LEVELS: u32 = 64;
/// Lists and maps may be so deep in each other: dropping, printing and comparing them recurses.
const MOST_NESTED: usize = 512;
/// A page that makes no more lists and maps than this cannot have nested them too deep.
const FREE_LISTS: u32 = 512;

thread_local! {
    static STEPS_LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
    static BYTES_LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
    static IS_METERED: Cell<bool> = const { Cell::new(false) };
    static LISTS: Cell<u32> = const { Cell::new(0) };
    static LEVEL: Cell<u32> = const { Cell::new(0) };
}

/// Gives the thread's meter back what it was, also if the work panics.
struct Restore {
    steps: usize,
    bytes: usize,
    lists: u32,
}

impl Drop for Restore {
    fn drop(&mut self) {
        STEPS_LEFT.set(self.steps);
        BYTES_LEFT.set(self.bytes);
        LISTS.set(self.lists);
        IS_METERED.set(false);
    }
}

/// Does `work`, all templates of which together may cost as much as `limits` say. Within another call, those of the outer one hold.
pub fn metered<T>(limits: Limits, work: impl FnOnce() -> T) -> T {
    if IS_METERED.replace(true) {
        return work();
    }
    let _restore = Restore {
        steps: STEPS_LEFT.replace(limits.steps),
        bytes: BYTES_LEFT.replace(limits.bytes),
        lists: LISTS.replace(0),
    };
    work()
}

/// Pays for `count` steps.
#[inline]
pub fn steps(count: usize) -> TeraResult<()> {
    pay(&STEPS_LEFT, count, STEPS)
}

/// Pays for `count` bytes.
#[inline]
pub fn bytes(count: usize) -> TeraResult<()> {
    pay(&BYTES_LEFT, count, BYTES)
}

#[inline]
fn pay(
    purse: &'static std::thread::LocalKey<Cell<usize>>,
    count: usize,
    message: &str,
) -> TeraResult<()> {
    let left = purse.get();
    match left.checked_sub(count) {
        // Whoever has no meter has all there is.
        Some(_) if left == usize::MAX => Ok(()),
        Some(less) => {
            purse.set(less);
            Ok(())
        }
        None => {
            // Whatever asks next is told the same.
            purse.set(0);
            Err(Error::message(message))
        }
    }
}

/// Pays for all that is in `value`, as often as it is in it: for what prints, compares or copies it whole.
pub fn weigh(value: &Value) -> TeraResult<()> {
    walk(value, MOST_NESTED)
}

/// Fails if lists and maps are too deep in each other in `value`.
pub(crate) fn check_depth(value: &Value) -> TeraResult<()> {
    match LISTS.get() > FREE_LISTS {
        true => walk(value, MOST_NESTED),
        false => Ok(()),
    }
}

fn walk(value: &Value, levels: usize) -> TeraResult<()> {
    let Some(levels) = levels.checked_sub(1) else {
        return Err(Error::message(DEPTH));
    };
    match &value.inner {
        ValueInner::String(text) => {
            steps(1 + text.len() / 64)?;
            bytes(text.len())
        }
        ValueInner::Array(items) => {
            steps(1 + items.len())?;
            items.iter().try_for_each(|item| walk(item, levels))
        }
        ValueInner::Map(map) => {
            steps(1 + map.len())?;
            map.values().try_for_each(|item| walk(item, levels))
        }
        _ => steps(1),
    }
}

/// Pays for a value that a filter or function has made: what is in its lists is shared.
pub(crate) fn made(value: &Value) -> TeraResult<()> {
    match &value.inner {
        ValueInner::String(text) => bytes(text.len()),
        ValueInner::Array(items) => list(items.len()),
        ValueInner::Map(map) => list(map.len().saturating_mul(4)),
        _ => Ok(()),
    }
}

/// Pays for a list of so many items.
pub(crate) fn list(items: usize) -> TeraResult<()> {
    LISTS.set(LISTS.get().saturating_add(1));
    bytes(items.saturating_mul(size_of::<Value>()))
}

/// A level of includes, components and blocks. It ends with the value.
pub(crate) struct Level(());

impl Drop for Level {
    fn drop(&mut self) {
        LEVEL.set(LEVEL.get() - 1);
    }
}

/// One level deeper.
pub(crate) fn deeper() -> TeraResult<Level> {
    let level = LEVEL.get() + 1;
    if level > MOST_LEVELS && IS_METERED.get() {
        return Err(Error::message(DEPTH));
    }
    LEVEL.set(level);
    Ok(Level(()))
}
