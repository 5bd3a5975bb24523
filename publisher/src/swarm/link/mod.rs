//! Links: over one of them two nodes tell each other at once what is new of one site, for as long as both like.
//!
//! | module | what it does |
//! | --- | --- |
//! | `connections` | one connection to each node, for all links and requests |
//! | [`frame`] | what goes over a link |
//! | `stream` | a link: asking, answering, telling, listening |
//! | `push` | a small version with all its bytes: making and taking it |
//! | `driver` | a site's links: does what [`overlay`](super::proto::overlay) decides; `linking`: with whom, `versions`: what they tell of |
//! | `bring` | what the driver has fetched |
//! | `addresses` | how to reach the nodes that it knows |

mod addresses;
mod bring;
mod connections;
mod driver;
pub mod frame;
mod push;
mod stream;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub(super) use connections::{Connections, Shared, reach};
pub(super) use driver::{Part, drive};
use iroh::{EndpointAddr, EndpointId};
pub(super) use push::Pushes;
pub(super) use stream::Streams;
use tokio::sync::{Semaphore, mpsc};

use self::frame::Push;
use super::{
    node::{Node, blocking},
    proto::overlay::{MAX_PEERS, Source},
};
use crate::{
    archive::{address::SiteId, head::Head, log::Tip, receipt::Receipt},
    error::{Error, Kind, Result},
};

/// The most links with one node, for all sites.
pub(super) const MAX_OF_NODE: usize = 256;

/// The most links of all.
const MAX_ALL: usize = 4096;

/// The most addresses of one node: a machine has a few in each of its networks, and a relay.
pub(super) const MAX_ADDRESSES: usize = 32;

/// How much of what is heard may wait. Who tells more waits too.
const MAX_WAITING: usize = 16;

/// What the driver of a site's links hears.
pub(super) enum Heard {
    /// A node asks for a link.
    Asked {
        /// How to reach it, as it says itself.
        address: EndpointAddr,
        /// What it has.
        head: Option<Head>,
        streams: Streams,
    },
    /// A node that was asked for a link has answered.
    Answered {
        peer: EndpointId,
        /// Which of all that were asked.
        number: u64,
        answer: Result<stream::Answer>,
    },
    /// A link is there no more.
    Ended {
        peer: EndpointId,
        number: u64,
        end: End,
    },
    /// A linked node has a version, or is fetching it. The head's signature is verified.
    Told {
        peer: EndpointId,
        head: Head,
        whole: bool,
    },
    /// A linked node has sent a version. Only the head's signature is verified.
    Pushed {
        peer: EndpointId,
        head: Head,
        push: Push,
    },
    /// A linked node keeps a version. Its signature is verified.
    Kept { peer: EndpointId, receipt: Receipt },
    /// The receipt of this node for the newest version is made.
    Signed { tip: Tip, receipt: Vec<u8> },
    /// A linked node has named others.
    Named {
        peer: EndpointId,
        peers: Vec<EndpointAddr>,
    },
    /// Somebody says that these nodes follow the site.
    Known {
        nodes: Vec<EndpointAddr>,
        source: Source,
    },
    /// How a fetch went on.
    Brought(bring::Step),
    /// Another driver has taken over.
    Replaced,
}

/// How a link ended.
pub(super) enum End {
    /// It broke, or the other wished so and named these.
    Lost(Vec<EndpointAddr>),
    /// The other stops.
    Left,
    /// The other lied.
    Lied,
}

/// The drivers of the sites that have links.
#[derive(Debug)]
pub(super) struct Links {
    drivers: Mutex<HashMap<SiteId, mpsc::Sender<Heard>>>,
    /// Each link has one of these.
    places: Arc<Semaphore>,
}

impl Default for Links {
    fn default() -> Self {
        Self {
            drivers: Mutex::default(),
            places: Arc::new(Semaphore::new(MAX_ALL)),
        }
    }
}

impl Links {
    /// A new driver hears what there is to hear of a site, in the place of the one before.
    pub(super) fn register(&self, site: SiteId) -> (mpsc::Sender<Heard>, mpsc::Receiver<Heard>) {
        let (ear, heard) = mpsc::channel(MAX_WAITING);
        let mut drivers = self.drivers();
        drivers.retain(|_, ear| !ear.is_closed());
        if let Some(other) = drivers.insert(site, ear.clone()) {
            // If it has no room for this, it sees it at its next look.
            let _ = other.try_send(Heard::Replaced);
        }
        (ear, heard)
    }

    /// Whether `ear` is that of the site's driver.
    fn is_driver(&self, site: SiteId, ear: &mpsc::Sender<Heard>) -> bool {
        let drivers = self.drivers();
        drivers
            .get(&site)
            .is_some_and(|other| other.same_channel(ear))
    }

    fn ear(&self, site: SiteId) -> Option<mpsc::Sender<Heard>> {
        let ear = self.drivers().get(&site).cloned();
        ear.filter(|ear| !ear.is_closed())
    }

    fn drivers(&self) -> MutexGuard<'_, HashMap<SiteId, mpsc::Sender<Heard>>> {
        // Right at any moment, also after a panic elsewhere.
        self.drivers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers a node that asks for a link, over `streams`; `address` is how to reach it, as it says.
///
/// # Errors
///
/// [`Kind::Hostile`] if it breaks the protocol; or if it is gone.
pub(super) async fn asked(
    node: &Arc<Node>,
    site: SiteId,
    head: Option<Vec<u8>>,
    address: EndpointAddr,
    mut streams: Streams,
) -> Result<()> {
    let head = head.map(|bytes| Head::decode(site, &bytes)).transpose();
    let head = head.map_err(|e| Error::new(Kind::Hostile, e.to_string()))?;
    let store = node.store.clone();
    let state = blocking(move || store.site(site)).await?;
    if !state.is_some_and(|state| state.is_shared()) {
        return streams.refuse(Vec::new()).await;
    }
    // A driver may end at any moment; then another takes its place.
    for _ in 0..3 {
        let ear = node.links.ear(site).unwrap_or_else(|| {
            let (ear, heard) = node.links.register(site);
            node.spawn(drive(node.clone(), site, Part::Passive, ear.clone(), heard));
            ear
        });
        let asked = Heard::Asked {
            address: address.clone(),
            head: head.clone(),
            streams,
        };
        match ear.send(asked).await {
            Ok(()) => return Ok(()),
            Err(mpsc::error::SendError(Heard::Asked { streams: back, .. })) => streams = back,
            Err(_) => return Ok(()),
        }
    }
    streams.refuse(Vec::new()).await
}

impl Node {
    /// Somebody says that a node has a site, or follows it: if this one does, it may ask that one for a link.
    pub(super) fn heard_of(&self, site: SiteId, nodes: Vec<EndpointAddr>, source: Source) {
        if let Some(ear) = self.links.ear(site) {
            // Who hears of too many needs none.
            let _ = ear.try_send(Heard::Known { nodes, source });
        }
    }
}

/// Addresses that a peer sent: not too many, nor too many of one node.
fn bounded(mut peers: Vec<EndpointAddr>) -> Vec<EndpointAddr> {
    peers.retain(|peer| peer.addrs.len() <= MAX_ADDRESSES);
    peers.truncate(MAX_PEERS);
    peers
}
