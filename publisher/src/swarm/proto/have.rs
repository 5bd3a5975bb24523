//! [`Have`]: which pieces of a version somebody has.

use std::ops::Range;

/// A set of pieces, by their place in the order that all nodes agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Have {
    words: Vec<u64>,
    length: u32,
    count: u32,
}

const BITS: u32 = u64::BITS;

impl Have {
    /// None of `length` pieces.
    pub fn none(length: u32) -> Self {
        Self {
            words: vec![0; length.div_ceil(BITS) as usize],
            length,
            count: 0,
        }
    }

    /// All of `length` pieces.
    pub fn all(length: u32) -> Self {
        let mut this = Self::none(length);
        this.insert_run(0..length);
        this
    }

    /// How many pieces there are, here or not.
    pub fn length(&self) -> u32 {
        self.length
    }

    /// How many of them are in the set.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Whether all of them are.
    pub fn is_full(&self) -> bool {
        self.count == self.length
    }

    /// Whether a piece is in the set.
    pub fn contains(&self, piece: u32) -> bool {
        piece < self.length && self.words[(piece / BITS) as usize] & bit(piece) != 0
    }

    /// Adds a piece, and says whether it is new. One that does not exist is passed over.
    pub fn insert(&mut self, piece: u32) -> bool {
        if piece >= self.length || self.contains(piece) {
            return false;
        }
        self.words[(piece / BITS) as usize] |= bit(piece);
        self.count += 1;
        true
    }

    /// Adds those of a run that exist.
    pub fn insert_run(&mut self, run: Range<u32>) {
        for piece in run.start..run.end.min(self.length) {
            self.insert(piece);
        }
    }

    /// Takes a piece out, and says whether it was there.
    pub fn remove(&mut self, piece: u32) -> bool {
        if !self.contains(piece) {
            return false;
        }
        self.words[(piece / BITS) as usize] &= !bit(piece);
        self.count -= 1;
        true
    }

    /// The pieces in the set as runs, in order.
    pub fn runs(&self) -> Vec<Range<u32>> {
        runs((0..self.length).filter(|piece| self.contains(*piece)))
    }

    /// What is in this set and not in `other`, as runs.
    pub fn beyond(&self, other: &Self) -> Vec<Range<u32>> {
        let more = |piece: &u32| self.contains(*piece) && !other.contains(*piece);
        runs((0..self.length).filter(more))
    }
}

fn bit(piece: u32) -> u64 {
    1 << (piece % BITS)
}

/// Pieces in ascending order, as runs.
pub(super) fn runs(pieces: impl Iterator<Item = u32>) -> Vec<Range<u32>> {
    let mut runs: Vec<Range<u32>> = Vec::new();
    for piece in pieces {
        match runs.last_mut() {
            Some(run) if run.end == piece => run.end += 1,
            _ => runs.push(piece..piece + 1),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(length in 0u32..200, steps in prop::collection::vec((any::<bool>(), 0u32..220), 0..100)) {
            let mut have = Have::none(length);
            let mut model = BTreeSet::new();
            for (adds, piece) in steps {
                match adds {
                    true => prop_assert_eq!(have.insert(piece), piece < length && model.insert(piece)),
                    false => prop_assert_eq!(have.remove(piece), model.remove(&piece)),
                }
            }
            prop_assert_eq!(have.count() as usize, model.len());
            let flat: Vec<u32> = have.runs().into_iter().flatten().collect();
            prop_assert_eq!(&flat, &model.into_iter().collect::<Vec<_>>());
            let mut again = Have::none(length);
            have.runs().into_iter().for_each(|run| again.insert_run(run));
            prop_assert_eq!(&again, &have);
            let rest = Have::all(length).beyond(&have);
            prop_assert_eq!(rest.into_iter().flatten().count() + flat.len(), length as usize);
        }
    }

    #[test]
    fn what_does_not_exist_is_in_no_set() {
        let mut have = Have::none(3);
        have.insert_run(1..u32::MAX);
        assert_eq!(have.runs(), runs(1..3));
        assert!(!have.contains(u32::MAX) && !have.insert(3) && !have.remove(9));
        assert!(Have::all(0).is_full());
    }
}
