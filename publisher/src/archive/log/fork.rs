//! What to do with another log of the same site: decided from the two [histories](History) alone.

use super::{History, Tip};
use crate::archive::entry::{Branch, Entry};

/// How another log of a site stands to the one that is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the same.
    Same,
    /// It goes on where the own one ends.
    Extends,
    /// The own one has it, or has abandoned it.
    Behind,
    /// It abandons the own one, which has this many entries in common with it: a reader moves.
    Explained {
        /// How many.
        fork_point: u64,
    },
    /// The two can't both be true: they have this many entries in common. A reader stays.
    Contradicts {
        /// How many.
        fork_point: u64,
    },
}

/// How `theirs`, of which nothing is [missing](History::missing), stands to `ours`.
pub fn compare(ours: &History, theirs: &History) -> Verdict {
    let Some(own) = ours.tip() else {
        return match theirs.tip() {
            Some(_) => Verdict::Extends,
            None => Verdict::Same,
        };
    };
    let Some(other) = theirs.tip() else {
        return Verdict::Behind;
    };
    if own == other {
        Verdict::Same
    } else if theirs.has(own) {
        Verdict::Extends
    } else if ours.has(other) || ours.abandons(other) {
        Verdict::Behind
    } else {
        let fork_point = fork_point(ours, theirs);
        match theirs.abandons(own) {
            true => Verdict::Explained { fork_point },
            false => Verdict::Contradicts { fork_point },
        }
    }
}

/// How many entries two logs have in common.
pub fn fork_point(a: &History, b: &History) -> u64 {
    let length = |history: &History| history.tip().map_or(0, |tip| tip.length);
    let (mut common, mut end) = (0, length(a).min(length(b)));
    // Two logs with one root are one up to there, so that this can be searched by halves.
    while common < end {
        let middle = common + (end - common).div_ceil(2);
        match a.root_at(middle) == b.root_at(middle) {
            true => common = middle,
            false => end = middle - 1,
        }
    }
    common
}

/// How a forked log is mended: by an entry that is appended to one of its branches and abandons others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mend {
    /// Which of the logs it is appended to.
    pub onto: usize,
    /// Those that it abandons, by their place, with what the entry says of them.
    pub abandons: Vec<(usize, Branch)>,
}

/// How to mend a log of which `logs` are known, the own one first. `None` if they are one: nothing is to
/// be mended. More than an entry can abandon are left for the next.
pub fn mend(logs: &[&History]) -> Option<Mend> {
    // The longest, and of equally long ones that with the lower root: everyone chooses the same.
    let order = |n: &usize| {
        (
            logs[*n]
                .tip()
                .map(|t| (t.length, std::cmp::Reverse(t.root))),
            std::cmp::Reverse(*n),
        )
    };
    let mut by_length: Vec<usize> = (0..logs.len())
        .filter(|n| logs[*n].tip().is_some())
        .collect();
    by_length.sort_by_key(|n| std::cmp::Reverse(order(n)));
    let onto = *by_length.first()?;
    let known = |history: &History, tip: Tip| history.has(tip) || history.abandons(tip);
    let mut abandons: Vec<(usize, Branch)> = Vec::new();
    for n in by_length.into_iter().skip(1) {
        let Some(tip) = logs[n].tip() else {
            continue;
        };
        let taken = abandons.iter().map(|(other, _)| *other).chain([onto]);
        if taken.into_iter().any(|other| known(logs[other], tip)) {
            continue;
        }
        let branch = Branch {
            length: tip.length,
            root: tip.root,
            fork_point: fork_point(logs[onto], logs[n]),
        };
        abandons.push((n, branch));
        if abandons.len() == Entry::MAX_ABANDONED {
            break;
        }
    }
    (!abandons.is_empty()).then_some(Mend { onto, abandons })
}

#[cfg(test)]
mod tests;
