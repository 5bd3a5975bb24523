//! What nodes say to each other and do about it, without IO: inputs in, outputs out, time as a parameter and
//! randomness from a seed. A running node drives it with iroh, and tests with a simulated network.
//!
//! | module | what it decides |
//! | --- | --- |
//! | [`overlay`] | who of a site's followers is linked with whom, and who tells whom of new versions |
//! | [`dice`] | chance that can be repeated |
//! | [`have`] | which pieces of a version somebody has |
//! | [`pieces`] | whom to ask for which pieces |
//! | [`reveal`] | what a node that has all shows to each of many who fetch at the same time |

pub mod dice;
pub mod have;
pub mod overlay;
pub mod pieces;
pub mod reveal;

/// A node's public key.
pub type NodeId = [u8; 32];

/// A version of a site, as its signed head names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tip {
    /// The length of the log.
    pub length: u64,
    /// Its root.
    pub root: [u8; 32],
}
