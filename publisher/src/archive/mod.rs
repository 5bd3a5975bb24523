//! The archive format: pure data, no network, no clock, no file system.
//!
//! Imports run one way, from the bottom of this list to its top:
//!
//! | module | what it is |
//! | --- | --- |
//! | [`codec`] | canonical integers and byte strings, bounded decoding |
//! | [`hash`] | the four kinds of hash, each a type of its own |
//! | [`path`] | [`ArchivePath`](path::ArchivePath), the only name that reaches a disk |
//! | [`address`] | `skep://…` |
//! | [`blobs`] | lists of the blobs that a version adds, keeps and drops |
//! | [`entry`] | the record of one version |
//! | [`log`] | the Merkle tree over the entries |
//! | [`head`] | the signed statement "the log has this length and this root" |
//! | [`receipt`] | the signed statement "this node keeps that version" |
//! | [`signpost`] | a head and some holders, as an item of the DHT that any holder can put again |
//! | [`tree`] | the Merkle map from path to file of one version |
//! | [`pack`] | one blob that holds many small files and tree nodes |

pub mod address;
pub mod blobs;
pub mod codec;
pub mod entry;
pub mod hash;
pub mod head;
pub mod log;
pub mod pack;
pub mod path;
pub mod receipt;
pub mod signpost;
pub mod tree;
