//! Finding who has a site, without a ticket. Each way is a task of its own, and the first node that is found is used
//! at once.
//!
//! | module | from → to |
//! | --- | --- |
//! | `holders` | those that are known, and those that are found → one after the other |
//! | `lan` | multicast DNS → the nodes on the local network |
//! | `neighbours` | these → those of them that have a site |
//! | `sought` | which of some sites a node has, without naming them to one that has none |
//! | `settings` | what a person decides about the DHT |
//! | `dht` | what is said and asked on the Mainline DHT → its names of nodes |
//! | `dialled` | these → those of them that have a site |
//! | [`board`] | holders of a site as a plain item of the DHT |
//! | `whereabouts` | from a node's name to its addresses |
//! | `herald` | says of each site that is shared here that this node holds it |
//! | `signpost` | the author's word for the DHT, from node to node |

pub mod board;
mod dht;
mod dialled;
mod herald;
mod holders;
pub(super) mod lan;
mod neighbours;
mod settings;
mod signpost;
pub(super) mod sought;
mod whereabouts;

use dht::Dht;
pub(super) use herald::herald;
pub(crate) use holders::Holders;
pub(super) use neighbours::meet;
pub use settings::{Addresses, DhtSettings, Place};
pub(super) use signpost::{answer, bring as bring_signpost};
use tokio::sync::OnceCell;

use super::node::Node;
use crate::error::Result;

/// How a node finds others.
pub(super) struct Finder {
    /// How the DHT is used, if it is.
    settings: Option<DhtSettings>,
    dht: OnceCell<Dht>,
}

impl Finder {
    pub(super) fn new(settings: Option<DhtSettings>) -> Self {
        Self {
            settings,
            dht: OnceCell::new(),
        }
    }

    /// Whether the DHT is used.
    pub(super) fn uses_dht(&self) -> bool {
        self.settings.is_some()
    }

    /// Says no more where the node is.
    fn hide(&self) {
        if let Some(dht) = self.dht.get() {
            dht.hide();
        }
    }

    /// The DHT, which is joined when it is first needed; `None` if it is not used.
    async fn dht(&self, node: &Node) -> Result<Option<&Dht>> {
        let Some(settings) = &self.settings else {
            return Ok(None);
        };
        let open = || async { Dht::open(settings, node.endpoint().await?).await };
        self.dht.get_or_try_init(open).await.map(Some)
    }
}

/// Has a node's endpoint look names up wherever they can be, from now on.
pub(super) async fn look_up(node: &Node) {
    // Where that fails, the names are not found, which is said then.
    let _ = node.finder.dht(node).await;
}
