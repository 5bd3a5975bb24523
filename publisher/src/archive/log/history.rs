//! [`History`]: a log with the branches that it abandons, down to the last entry of each.
//!
//! An entry names a branch by length, root and fork point. Whoever has the branch's entries after the fork
//! point can compute the root of each of its prefixes, and so recognise a reader who sits anywhere on it;
//! nothing has to be taken on trust. The entries of a branch may name further branches: all of them
//! together are a tree, in which an entry is known by the root of the log that ends with it.

use std::collections::{HashMap, VecDeque};

use thiserror::Error;

use super::Peaks;
use crate::archive::{
    codec::DecodeError,
    entry::{Branch, Entry},
    hash::LogHash,
};

/// The most branches that the entries of a log name, those of its branches included.
pub const MAX_BRANCHES: usize = 1024;

/// The most entries that have to be supplied for a log's branches.
pub const MAX_BRANCH_ENTRIES: u64 = 16_384;

/// A log with the branches that it abandons.
///
/// It begins with the log alone. As long as a branch is [`missing`](Self::missing), its entries are to be
/// [supplied](Self::supply).
#[derive(Debug, Clone, Default)]
pub struct History {
    log: Vec<Step>,
    /// The entries of branches that are not in the log, by the root of the branch up to them.
    off: HashMap<LogHash, Off>,
    /// The keys of `off`, in the order in which they came.
    order: Vec<LogHash>,
    named: VecDeque<Named>,
    branches: usize,
    supplied: u64,
}

/// An entry, and the log that ends with it.
#[derive(Debug, Clone)]
struct Step {
    entry: Vec<u8>,
    peaks: Peaks,
    root: LogHash,
}

#[derive(Debug, Clone)]
struct Off {
    step: Step,
    before: Option<LogHash>,
}

/// A branch, and the log that ends with the entry that names it.
#[derive(Debug, Clone, Copy)]
struct Named {
    branch: Branch,
    by: Tip,
}

/// A log, by its length and root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tip {
    /// How many entries it has.
    pub length: u64,
    /// Its root.
    pub root: LogHash,
}

/// An entry of an abandoned branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abandoned<'a> {
    /// The branch, up to this entry.
    pub tip: Tip,
    /// The root of the branch up to the entry before; `None` if there is none.
    pub before: Option<LogHash>,
    /// The entry.
    pub entry: &'a [u8],
}

/// Why entries are not a log with its branches.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HistoryError {
    /// One of them is no entry.
    #[error(transparent)]
    Entry(#[from] DecodeError),
    /// One has another number than its place.
    #[error("entry {number} came as entry {place}")]
    Number {
        /// What it says.
        number: u64,
        /// Where it is.
        place: u64,
    },
    /// The entries of a branch do not make the root by which it was named.
    #[error("the entries of an abandoned branch are not those that were named")]
    NotTheBranch,
    /// A branch does not part from the log at its fork point.
    #[error("an abandoned branch does not part from the log where it is said to")]
    ForkPoint,
    /// There are too many branches, or they are too long.
    #[error("the log abandons more than {MAX_BRANCHES} branches or {MAX_BRANCH_ENTRIES} entries")]
    TooMany,
}

impl History {
    /// The log of `entries`, without the branches that they name.
    ///
    /// # Errors
    ///
    /// If one is not an entry, or not the next, or they name too many branches.
    pub fn new(entries: impl IntoIterator<Item = Vec<u8>>) -> Result<Self, HistoryError> {
        let mut this = Self::default();
        for entry in entries {
            this.push(entry)?;
        }
        Ok(this)
    }

    /// Appends an entry to the log.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn push(&mut self, entry: Vec<u8>) -> Result<(), HistoryError> {
        let peaks = self
            .log
            .last()
            .map_or(Peaks::default(), |s| s.peaks.clone());
        let (step, branches) = next(peaks, entry)?;
        let by = step.tip();
        self.log.push(step);
        self.name(by, branches)?;
        self.settle()
    }

    /// The log; `None` if it is empty.
    pub fn tip(&self) -> Option<Tip> {
        self.log.last().map(Step::tip)
    }

    /// The peaks of the log.
    pub fn peaks(&self) -> Peaks {
        self.log
            .last()
            .map_or(Peaks::default(), |s| s.peaks.clone())
    }

    /// The log's entries from number `first` on.
    pub fn entries_from(&self, first: u64) -> impl Iterator<Item = &[u8]> {
        let skipped = usize::try_from(first.saturating_sub(1)).unwrap_or(usize::MAX);
        self.log
            .iter()
            .skip(skipped)
            .map(|step| step.entry.as_slice())
    }

    /// The root of the log's first `length` entries.
    pub fn root_at(&self, length: u64) -> Option<LogHash> {
        Some(self.step_at(length)?.root)
    }

    /// The entries of abandoned branches that are not in the log, in the order in which they were supplied.
    pub fn abandoned(&self) -> impl Iterator<Item = Abandoned<'_>> {
        let known = self.order.iter().filter_map(|root| self.off.get(root));
        known.map(|off| Abandoned {
            tip: off.step.tip(),
            before: off.before,
            entry: &off.step.entry,
        })
    }

    /// Whether `tip` is the log up to some entry.
    pub fn has(&self, tip: Tip) -> bool {
        self.root_at(tip.length) == Some(tip.root)
    }

    /// Whether `tip` is an abandoned branch up to some entry.
    pub fn abandons(&self, tip: Tip) -> bool {
        let off = self.off.get(&tip.root);
        off.is_some_and(|off| off.step.tip() == tip)
    }

    /// The next branch whose entries are not known.
    pub fn missing(&self) -> Option<Branch> {
        self.named.front().map(|named| named.branch)
    }

    /// The entries of `branch` after its fork point, if they are known.
    pub fn entries_of(&self, branch: Branch) -> Option<Vec<Vec<u8>>> {
        let mut at = branch.tip();
        let mut entries = Vec::new();
        while at.length > branch.fork_point {
            let (step, before) = self.step(at)?;
            entries.push(step.entry.clone());
            at = Tip {
                length: at.length - 1,
                root: match before {
                    Some(root) => root,
                    None => break,
                },
            };
        }
        entries.reverse();
        Some(entries)
    }

    /// Supplies the entries of the branch that is [`missing`](Self::missing), those after its fork point.
    ///
    /// # Errors
    ///
    /// If they are not that branch's, or its own branches are not what they are said to be, or too many.
    pub fn supply(&mut self, entries: Vec<Vec<u8>>) -> Result<(), HistoryError> {
        let Some(Named { branch, by }) = self.named.front().copied() else {
            return Err(HistoryError::NotTheBranch);
        };
        self.supplied += entries.len() as u64;
        let (base, parts) = self.fork(by, branch.fork_point)?;
        let mut before = base.map(|step| step.root);
        let mut peaks = base.map_or(Peaks::default(), |step| step.peaks.clone());
        let mut steps = Vec::new();
        let mut names = Vec::new();
        for entry in entries {
            let (step, branches) = next(peaks, entry)?;
            peaks = step.peaks.clone();
            if steps.is_empty() && step.root == parts {
                return Err(HistoryError::ForkPoint);
            }
            names.push((step.tip(), branches));
            let root = step.root;
            steps.push(Off { step, before });
            before = Some(root);
        }
        if steps.last().map(|off| off.step.tip()) != Some(branch.tip()) {
            return Err(HistoryError::NotTheBranch);
        }
        // Only now: what is kept of a branch is all of it.
        for (off, (tip, branches)) in steps.into_iter().zip(names) {
            if !self.has(tip) && !self.abandons(tip) {
                self.order.push(tip.root);
                self.off.insert(tip.root, off);
                self.name(tip, branches)?;
            }
        }
        self.settle()
    }

    /// Supplies what is missing from other histories, as far as they know it.
    ///
    /// # Errors
    ///
    /// As [`supply`](Self::supply).
    pub fn supply_from(&mut self, others: &[&Self]) -> Result<(), HistoryError> {
        while let Some(branch) = self.missing() {
            let found = others.iter().find_map(|other| other.entries_of(branch));
            match found {
                Some(entries) => self.supply(entries)?,
                None => break,
            }
        }
        Ok(())
    }

    fn name(&mut self, by: Tip, branches: Vec<Branch>) -> Result<(), HistoryError> {
        self.branches += branches.len();
        if self.branches > MAX_BRANCHES {
            return Err(HistoryError::TooMany);
        }
        let named = branches.into_iter();
        self.named.extend(named.map(|branch| Named { branch, by }));
        Ok(())
    }

    /// Passes over the named branches that are known, after a look at their fork points, up to the first
    /// that is missing.
    fn settle(&mut self) -> Result<(), HistoryError> {
        while let Some(Named { branch, by }) = self.named.front().copied() {
            let tip = branch.tip();
            if !self.has(tip) && !self.abandons(tip) {
                let wanted = branch.length.saturating_sub(branch.fork_point);
                return match self.supplied.saturating_add(wanted) > MAX_BRANCH_ENTRIES {
                    true => Err(HistoryError::TooMany),
                    false => Ok(()),
                };
            }
            let (base, parts) = self.fork(by, branch.fork_point)?;
            let (own_base, own_parts) = self.fork(tip, branch.fork_point)?;
            if base.map(|s| s.root) != own_base.map(|s| s.root) || parts == own_parts {
                return Err(HistoryError::ForkPoint);
            }
            self.named.pop_front();
        }
        Ok(())
    }

    /// The log `tip` at its first `length` entries, and its root one entry further.
    fn fork(&self, tip: Tip, length: u64) -> Result<(Option<&Step>, LogHash), HistoryError> {
        let further = self.ancestor(tip, length + 1);
        let (further, before) = further.ok_or(HistoryError::ForkPoint)?;
        let base = match before {
            None => None,
            Some(root) => Some(
                self.step(Tip { length, root })
                    .ok_or(HistoryError::ForkPoint)?
                    .0,
            ),
        };
        Ok((base, further.root))
    }

    fn ancestor(&self, mut tip: Tip, length: u64) -> Option<(&Step, Option<LogHash>)> {
        loop {
            if self.has(tip) {
                return self.step(Tip {
                    length,
                    root: self.root_at(length)?,
                });
            }
            let (step, before) = self.step(tip)?;
            if tip.length <= length {
                return (tip.length == length).then_some((step, before));
            }
            tip = Tip {
                length: tip.length - 1,
                root: before?,
            };
        }
    }

    /// The entry with which `tip` ends, and the root before it.
    fn step(&self, tip: Tip) -> Option<(&Step, Option<LogHash>)> {
        if self.has(tip) {
            return Some((self.step_at(tip.length)?, self.root_at(tip.length - 1)));
        }
        let off = self.off.get(&tip.root)?;
        (off.step.tip() == tip).then_some((&off.step, off.before))
    }

    fn step_at(&self, length: u64) -> Option<&Step> {
        self.log.get(usize::try_from(length.checked_sub(1)?).ok()?)
    }
}

impl Step {
    fn tip(&self) -> Tip {
        Tip {
            length: self.peaks.length(),
            root: self.root,
        }
    }
}

impl Branch {
    /// The branch's log.
    pub fn tip(&self) -> Tip {
        Tip {
            length: self.length,
            root: self.root,
        }
    }
}

/// The log with one entry more, and the branches that this names.
fn next(mut peaks: Peaks, entry: Vec<u8>) -> Result<(Step, Vec<Branch>), HistoryError> {
    let decoded = Entry::decode(&entry)?;
    peaks.append(&entry);
    let place = peaks.length();
    let number = decoded.number;
    // A log that an entry was just appended to has a root.
    match peaks.root() {
        Some(root) if number == place => Ok((Step { entry, peaks, root }, decoded.abandoned)),
        _ => Err(HistoryError::Number { number, place }),
    }
}
