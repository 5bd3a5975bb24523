//! The log: an append-only list of entries under a Merkle tree.
//!
//! The tree is that of RFC 9162, section 2.1, over BLAKE2b-256. Whoever has seen n entries keeps only
//! the [`Peaks`], the roots of the full subtrees from left to right (one for each set bit of n), and can
//! append entry n + 1 and check the head that names it, without a proof. [`proof`] is for those who have
//! not seen all entries.
//!
//! A log may fork: one key on two machines. A [`History`] is a log with the branches that it abandons, and
//! [`fork`] decides from two of them whether a reader may move from one to the other.

pub mod fork;
pub mod history;
mod peaks;
pub mod proof;

pub use history::{History, HistoryError, Tip};
pub use peaks::Peaks;
