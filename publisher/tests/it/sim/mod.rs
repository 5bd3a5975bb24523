//! A swarm in one thread: virtual time, a virtual network, and the state machines of `skep_publisher::swarm::proto` as
//! they are. The same seed gives the same run, event by event.
//!
//! `tests/it/simulation.rs` runs it with up to 200 nodes, `examples/simulate.rs` with as many as one likes.
//! `publisher/docs/simulation.md` says what is modelled and what is not.
//!
//! | module | what is in it |
//! | --- | --- |
//! | `net` | time, latency, who can reach whom |
//! | `message` | what nodes send each other |
//! | `content` | the site's versions, and who is honest |
//! | `node` | one node: the driver of its `Overlay` |
//! | `fetching`, `taking` | its fetches: the driver of `Pieces` |
//! | `serving` | what it gives others: uplink, `Reveal` |
//! | `world` | all nodes, and what happens to them |
//! | `scenario`, `report` | runs, and what is seen in them |

mod content;
mod fetching;
mod message;
mod net;
mod node;
pub(crate) mod report;
pub(crate) mod scenario;
mod serving;
mod taking;
mod world;
