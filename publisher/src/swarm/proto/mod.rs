//! What nodes say to each other and do about it, without IO: inputs in, outputs out, time as a parameter and
//! randomness from a seed. A running node drives it with iroh, and tests with a simulated network.
//!
//! | module | what it decides |
//! | --- | --- |
//! | [`have`] | which pieces of a version somebody has |
//! | [`pieces`] | whom to ask for which pieces |
//! | [`reveal`] | what a node that has all shows to each of many who fetch at the same time |

pub mod have;
pub mod pieces;
pub mod reveal;

/// A node's public key.
pub type NodeId = [u8; 32];
