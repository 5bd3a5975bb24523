//! The tree: the sorted map from path to file of one version, as a Merkle structure.
//!
//! It is a prolly tree: a search tree whose nodes end where a hash of a *path* says so. The same files
//! give the same root whatever the history was, an edit changes only the nodes above it, and two trees
//! are compared by skipping what has the same hash. Where bytes lie is no part of it.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`node`] | the encoding of one node |
//! | [`mod@build`] | sorted files to nodes |
//! | [`read`] | a file by its path, and all files |
//! | [`mod@diff`] | what changed between two trees |
//! | `shape` | whether a changed tree is the one that its files make |

pub mod build;
pub mod diff;
pub mod node;
pub mod read;
mod shape;

pub use build::{Built, build, build_from};
pub use diff::{Change, Diff, diff};
pub use node::File;
pub use read::{NodeSource, Object, TreeError, find, objects, walk};
pub use shape::check_shape;

#[cfg(test)]
mod tests;
