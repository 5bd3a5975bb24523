//! The log: an append-only list of entries under a Merkle tree.
//!
//! The tree is that of RFC 9162, section 2.1, over BLAKE2b-256. Whoever has seen n entries keeps only
//! the [`Peaks`], the roots of the full subtrees from left to right (one for each set bit of n), and can
//! append entry n + 1 and check the head that names it, without a proof. [`proof`] is for those who have
//! not seen all entries.

mod peaks;
pub mod proof;

pub use peaks::Peaks;
