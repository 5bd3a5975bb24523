//! Proofs against the definitions of RFC 9162, for all sizes up to some hundreds and random larger ones.

use std::{cell::Cell, convert::Infallible};

use proptest::prelude::*;

use super::*;
use crate::archive::log::Peaks;

/// A log with every full subtree's hash, as a store would hold them.
struct Log {
    levels: Vec<Vec<LogHash>>,
    reads: Cell<usize>,
}

impl Log {
    fn new(length: u64) -> Self {
        Self::rewritten(length, u64::MAX)
    }

    /// The log whose entry `changed` is another.
    fn rewritten(length: u64, changed: u64) -> Self {
        let leaves = (0..length).map(|n| LogHash::leaf(&entry(n, n == changed)));
        let mut levels = vec![leaves.collect::<Vec<_>>()];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let pairs = below.chunks_exact(2);
            let level = pairs
                .map(|pair| LogHash::parent(pair[0], pair[1]))
                .collect();
            levels.push(level);
        }
        Self {
            levels,
            reads: Cell::new(0),
        }
    }

    fn root(&self, length: u64) -> LogHash {
        LogHash::root(length, self.tree(length))
    }

    fn tree(&self, length: u64) -> LogHash {
        naive(&self.levels[0][..length as usize])
    }
}

impl Subtrees for Log {
    type Error = Infallible;

    fn full(&self, level: u32, index: u64) -> Result<LogHash, Infallible> {
        self.reads.set(self.reads.get() + 1);
        Ok(self.levels[level as usize][index as usize])
    }
}

fn entry(n: u64, changed: bool) -> Vec<u8> {
    let mut bytes = n.to_le_bytes().to_vec();
    bytes.push(changed.into());
    bytes
}

/// MTH of RFC 9162, section 2.1.1, from the hashes of the leaves.
fn naive(leaves: &[LogHash]) -> LogHash {
    match leaves {
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            LogHash::parent(naive(left), naive(right))
        }
    }
}

/// PATH of RFC 9162, section 2.1.3.1, word for word, from the hashes of the leaves.
fn naive_path(index: usize, leaves: &[LogHash]) -> Vec<LogHash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    match index < left.len() {
        true => [naive_path(index, left), vec![naive(right)]].concat(),
        false => [naive_path(index - left.len(), right), vec![naive(left)]].concat(),
    }
}

/// SUBPROOF of RFC 9162, section 2.1.4.1, word for word.
fn naive_subproof(old: usize, leaves: &[LogHash], whole: bool) -> Vec<LogHash> {
    if old == leaves.len() {
        return if whole {
            Vec::new()
        } else {
            vec![naive(leaves)]
        };
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    match old <= left.len() {
        true => [naive_subproof(old, left, whole), vec![naive(right)]].concat(),
        false => {
            let part = naive_subproof(old - left.len(), right, false);
            [part, vec![naive(left)]].concat()
        }
    }
}

/// The roots of the log whose entry `changed` is another, after each of its entries.
fn roots(changed: u64) -> Vec<LogHash> {
    let mut peaks = Peaks::default();
    let append = |n| {
        peaks.append(&entry(n, n == changed));
        peaks.root().unwrap()
    };
    (0..ALL).map(append).collect()
}

/// Up to here every size is tried with every other.
const ALL: u64 = 300;

#[test]
fn every_entry_of_every_log_up_to_300_is_proved_as_the_rfc_says() {
    let log = Log::new(ALL);
    for length in 1..=ALL {
        let tree = log.tree(length);
        let root = LogHash::root(length, tree);
        for index in 0..length {
            let path = inclusion(&log, index, length).unwrap();
            let leaves = &log.levels[0][..length as usize];
            assert_eq!(
                path,
                naive_path(index as usize, leaves),
                "{index} of {length}"
            );
            let leaf = leaves[index as usize];
            assert!(verify_inclusion(leaf, index, length, &path, root));
            let other = LogHash::leaf(&entry(index, true));
            assert!(!verify_inclusion(other, index, length, &path, root));
            assert!(!verify_inclusion(leaf, index, length, &path, tree));
            let elsewhere = (index + 1) % length;
            assert!(length == 1 || !verify_inclusion(leaf, elsewhere, length, &path, root));
        }
    }
}

#[test]
fn every_extension_up_to_300_is_proved_as_the_rfc_says_and_no_rewritten_one() {
    let log = Log::new(ALL);
    let trees: Vec<_> = (1..=ALL).map(|length| log.tree(length)).collect();
    for old in 1..=ALL {
        let before = (old, trees[old as usize - 1]);
        // The same log with another entry as the last of the old one.
        let rewritten = Log::rewritten(ALL, old - 1);
        let changed = (old, rewritten.tree(old));
        let forged_roots = roots(old - 1);
        for new in old..=ALL {
            let root = LogHash::root(new, trees[new as usize - 1]);
            let proof = consistency(&log, old, new).unwrap();
            let leaves = &log.levels[0][..new as usize];
            assert_eq!(
                proof,
                naive_subproof(old as usize, leaves, true),
                "{old} to {new}"
            );
            assert!(proof.len() <= MAX_HASHES);
            assert!(verify_consistency(before, (new, root), &proof));
            assert!(!verify_consistency(changed, (new, root), &proof));
            let forged = consistency(&rewritten, old, new).unwrap();
            let forged_root = forged_roots[new as usize - 1];
            assert!(!verify_consistency(before, (new, forged_root), &forged));
        }
    }
}

/// A follower keeps peaks alone: it needs no proof to tell the next version from a rewritten history.
#[test]
fn a_follower_of_n_checks_n_plus_1_from_its_peaks() {
    let log = Log::new(ALL + 1);
    let mut peaks = Peaks::default();
    for length in 1..=ALL {
        peaks.append(&entry(length - 1, false));
        let kept = Peaks::decode(&peaks.encode()).unwrap();
        let with = |next: &[u8]| {
            let mut peaks = kept.clone();
            peaks.append(next);
            peaks.root().unwrap()
        };
        let root = log.root(length + 1);
        assert_eq!(with(&entry(length, false)), root);
        assert_ne!(with(&entry(length, true)), root);
        // A head over a log that was rewritten at any entry before: the first, the last, one between.
        for changed in [0, length / 2, length - 1] {
            let rewritten = Log::rewritten(length + 1, changed);
            assert_ne!(with(&entry(length, false)), rewritten.root(length + 1));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn random_sizes_take_few_hashes((new, old, index) in (2..=100_000u64)
        .prop_flat_map(|new| (Just(new), 1..=new, 0..new)))
    {
        let log = Log::new(new);
        let root = log.root(new);
        let bound = new.ilog2() as usize + 2;
        let path = inclusion(&log, index, new).unwrap();
        prop_assert!(path.len() <= bound);
        prop_assert_eq!(&path, &naive_path(index as usize, &log.levels[0]));
        prop_assert!(verify_inclusion(log.levels[0][index as usize], index, new, &path, root));
        let proof = consistency(&log, old, new).unwrap();
        prop_assert!(proof.len() <= bound);
        prop_assert_eq!(&proof, &naive_subproof(old as usize, &log.levels[0], true));
        prop_assert!(verify_consistency((old, log.tree(old)), (new, root), &proof));
        // Each hash of a proof is made of O(log n) stored ones; most are stored as they are.
        prop_assert!(log.reads.get() <= 4 * bound, "{} reads", log.reads.get());
    }

    #[test]
    fn no_altered_proof_passes(new in 3..2_000u64, pick: u64, bit in 0..256usize) {
        let log = Log::new(new);
        let old = 1 + pick % (new - 1);
        let root = log.root(new);
        let mut proof = consistency(&log, old, new).unwrap();
        let at = pick as usize % proof.len();
        proof[at].0[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!verify_consistency((old, log.tree(old)), (new, root), &proof));
        proof[at].0[bit / 8] ^= 1 << (bit % 8);
        proof.push(root);
        prop_assert!(!verify_consistency((old, log.tree(old)), (new, root), &proof));
        proof.truncate(at);
        prop_assert!(!verify_consistency((old, log.tree(old)), (new, root), &proof));
    }

    #[test]
    fn no_garbage_makes_a_verifier_panic(
        index: u64, length: u64, old: u64, hashes in prop::collection::vec(any::<[u8; 32]>(), 0..70)
    ) {
        let hashes: Vec<_> = hashes.into_iter().map(LogHash).collect();
        let root = LogHash([0; 32]);
        prop_assert!(!verify_inclusion(root, index, length, &hashes, root));
        prop_assert!(!verify_consistency((old, root), (length, root), &hashes));
    }
}
