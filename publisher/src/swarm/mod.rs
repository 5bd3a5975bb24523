//! The swarm: nodes that find, fetch and keep each other's archives. The only folder that knows iroh.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`node`] | a running peer: opens the store, accepts connections, closes |
//! | [`network`] | which network an endpoint uses; tickets |
//! | `services` | whose relay and DNS are used on the internet |
//! | [`wire`] | the messages of our own protocol |
//! | `blobs` | the blob store, on iroh-blobs' `FsStore` |
//! | [`proto`] | the same without IO: who is linked with whom, whom to ask for which pieces |
//! | `open_files` | the files of the blobs that were read last |
//! | `sweep` | deletes what nobody keeps any more |
//! | `allow` | which blobs others may have |
//! | `serve` | answers to other nodes |
//! | [`fetch`] | a site's newer versions from a peer, verified before they are kept |
//! | [`find`] | who has a site, without a ticket |
//! | `have`, `peers` | what of a version is here, and who else has it, told to those who fetch it |
//! | [`follow`] | following sites, keeping them up to date, removing them |
//! | `link` | links: telling each other of new versions, small ones with all their bytes |
//! | `proto` | who is linked with whom: without IO |
//! | [`known`] | the nodes that are known to have a site, remembered in one place |
//! | [`cache`] | what goes when visited sites have too many bytes |
//! | [`page`] | some files of a version that is not here yet, proved |
//! | `doors`, `transport` | how many connections others may open, and how much each may hold in memory |
//! | `presence`, `pace` | who is connected for which site; how often a site's versions are taken |
//! | `limits` | what a node gives and keeps at most, changed while it runs |
//! | [`announce`] | telling a node of a version, and its receipt |

mod allow;
pub mod announce;
mod blobs;
pub mod cache;
mod doors;
pub mod fetch;
pub mod find;
pub mod follow;
mod have;
mod keep;
pub mod known;
mod limits;
pub mod link;
pub mod network;
pub mod node;
mod open_files;
mod pace;
pub mod page;
mod peers;
mod presence;
pub mod proto;
mod serve;
mod services;
mod sweep;
mod transport;
pub mod wire;

pub use announce::Announced;
pub use fetch::Fetched;
pub use known::Known;
pub use limits::Limits;
pub use network::{Network, Ticket};
pub use node::{Event, Node, OpenStore};
pub use services::Services;
