//! Finding who has a site, without a ticket. Each way is a task of its own, and the first node that is found is used
//! at once.
//!
//! | module | from → to |
//! | --- | --- |
//! | `holders` | those that are known, and those that are found → one after the other |
//! | `lan` | multicast DNS → the nodes on the local network |
//! | `neighbours` | these → those of them that have a site |
//! | `sought` | which of some sites a node has, without naming them to one that has none |

mod holders;
pub(super) mod lan;
mod neighbours;
pub(super) mod sought;

pub(crate) use holders::Holders;
pub(super) use neighbours::meet;

use std::time::Duration;

use iroh::endpoint::Connection;

use super::{
    fetch::ask,
    node::{Node, blocking},
    serve::shared,
    wire::{Request, Response},
};
use crate::{
    archive::{address::SiteId, head::Head, signpost::Signpost},
    error::Result,
};

/// How long a version that is here waits for what the DHT is to say of it.
const SIGNPOST_PATIENCE: Duration = Duration::from_secs(5);

/// What a node answers that is asked for the signpost of a site.
pub(super) async fn answer(node: &Node, site: SiteId) -> Result<Response> {
    if shared(node, site).await?.is_none() {
        return Ok(Response::NotShared);
    }
    let store = node.store.clone();
    let signpost = blocking(move || store.signpost(site)).await?;
    Ok(signpost.map_or(Response::NotShared, |signpost| {
        Response::Signpost(signpost.encode())
    }))
}

/// Brings the signpost of a head that is here, so that this node can put it on the DHT when its author is gone.
/// It is no part of the version: whoever gives none has done nothing wrong.
pub(super) async fn bring_signpost(node: &Node, connection: &Connection, head: &Head) {
    let request = Request::Signpost {
        site: head.site().0,
    };
    let asked = tokio::time::timeout(SIGNPOST_PATIENCE, ask(connection, &request));
    let Ok(Ok(Response::Signpost(bytes))) = asked.await else {
        return;
    };
    let Ok(signpost) = Signpost::decode(head.site(), &bytes) else {
        return;
    };
    let store = node.store.clone();
    // Without it the node is found all the same, by what it says itself.
    let _ = blocking(move || store.keep_signpost(&signpost)).await;
}
