//! Proofs about a log, in O(log n) hashes: that an entry is in it, and that it extends an earlier one.
//!
//! The algorithms are those of RFC 9162, sections 2.1.3 and 2.1.4, word for word; only the hash is
//! another, and a head signs the length together with the tree's hash.

use crate::archive::hash::LogHash;

/// Where the hashes of a log's full subtrees come from.
pub trait Subtrees {
    /// Why a hash can't be had.
    type Error;

    /// The hash of the full subtree over the 2^`level` entries from `index` · 2^`level` on.
    fn full(&self, level: u32, index: u64) -> Result<LogHash, Self::Error>;
}

/// The most hashes of a proof: no log is longer than 2^64.
pub const MAX_HASHES: usize = 65;

/// Proves that entry `index` (from 0) is in the log of the first `length` entries.
///
/// # Errors
///
/// As the source says. `index` must be less than `length`.
pub fn inclusion<S: Subtrees>(
    source: &S,
    index: u64,
    length: u64,
) -> Result<Vec<LogHash>, S::Error> {
    debug_assert!(index < length);
    let mut path = Vec::new();
    let (mut start, mut count) = (0, length);
    // From the root to the leaf: the sibling of each subtree on the way.
    while count > 1 {
        let left = split(count);
        if index - start < left {
            path.push(tree_hash(source, start + left, count - left)?);
            count = left;
        } else {
            path.push(tree_hash(source, start, left)?);
            start += left;
            count -= left;
        }
    }
    path.reverse();
    Ok(path)
}

/// Proves that the log of the first `new` entries extends that of the first `old`.
///
/// # Errors
///
/// As the source says. `old` must be from 1 to `new`.
pub fn consistency<S: Subtrees>(source: &S, old: u64, new: u64) -> Result<Vec<LogHash>, S::Error> {
    debug_assert!(0 < old && old <= new);
    let mut proof = Vec::new();
    let (mut start, mut count) = (0, new);
    // Whether the subtree of the old log that is looked at is the whole old log, whose hash the
    // verifier has.
    let mut whole = true;
    while old - start < count {
        let left = split(count);
        if old - start <= left {
            proof.push(tree_hash(source, start + left, count - left)?);
            count = left;
        } else {
            proof.push(tree_hash(source, start, left)?);
            start += left;
            count -= left;
            whole = false;
        }
    }
    if !whole {
        proof.push(tree_hash(source, start, count)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Whether `path` proves that the entry with hash `leaf` is entry `index` of the log with that length
/// and root.
pub fn verify_inclusion(
    leaf: LogHash,
    index: u64,
    length: u64,
    path: &[LogHash],
    root: LogHash,
) -> bool {
    if index >= length {
        return false;
    }
    let (mut at, mut last) = (index, length - 1);
    let mut hash = leaf;
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = LogHash::parent(*sibling, hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = LogHash::parent(hash, *sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && LogHash::root(length, hash) == root
}

/// Whether `proof` proves that the log with length `new` and root `new_root` extends the one with
/// length `old` and tree hash `old_tree`: the Merkle tree hash that [`Peaks::tree`](super::Peaks::tree)
/// gives, before the length is mixed in.
pub fn verify_consistency(
    (old, old_tree): (u64, LogHash),
    (new, new_root): (u64, LogHash),
    proof: &[LogHash],
) -> bool {
    if old == 0 || old > new {
        return false;
    }
    if old == new {
        return proof.is_empty() && LogHash::root(new, old_tree) == new_root;
    }
    let mut hashes = proof.iter().copied();
    // A full subtree is its own first hash, which the verifier has.
    let first = match old.is_power_of_two() {
        true => Some(old_tree),
        false => hashes.next(),
    };
    let Some(first) = first else {
        return false;
    };
    let shift = (old - 1).trailing_ones();
    let (mut at, mut last) = ((old - 1) >> shift, (new - 1) >> shift);
    let (mut of_old, mut of_new) = (first, first);
    for hash in hashes {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            of_old = LogHash::parent(hash, of_old);
            of_new = LogHash::parent(hash, of_new);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            of_new = LogHash::parent(of_new, hash);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && of_old == old_tree && LogHash::root(new, of_new) == new_root
}

/// MTH of the `count` entries from `start` on; `start` is where a subtree of the log begins.
fn tree_hash<S: Subtrees>(source: &S, start: u64, count: u64) -> Result<LogHash, S::Error> {
    if count.is_power_of_two() {
        let level = count.trailing_zeros();
        return source.full(level, start >> level);
    }
    let left = split(count);
    Ok(LogHash::parent(
        tree_hash(source, start, left)?,
        tree_hash(source, start + left, count - left)?,
    ))
}

/// The largest power of two that is less than `count`, which is at least 2.
fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

#[cfg(test)]
mod tests;
