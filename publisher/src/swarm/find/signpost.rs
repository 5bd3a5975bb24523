//! The author's word for the DHT, from node to node: each holder has it, and can say it when the author is gone.

use std::time::Duration;

use iroh::endpoint::Connection;

use crate::{
    archive::{address::SiteId, head::Head, signpost::Signpost},
    error::Result,
    store::SiteState,
    swarm::{
        fetch::ask,
        network::Ticket,
        node::{Node, blocking},
        serve::shared,
        wire::{self, Request, Response},
    },
};

/// How long a version that is here waits for its signpost.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many nodes are asked for one that is missing.
const ASKED: usize = 2;

/// What a node answers that is asked for the signpost of a site.
pub(in crate::swarm) async fn answer(node: &Node, site: SiteId) -> Result<Response> {
    if shared(node, site).await?.is_none() {
        return Ok(Response::NotShared);
    }
    let store = node.store.clone();
    let signpost = blocking(move || store.signpost(site)).await?;
    Ok(signpost.map_or(Response::NotShared, |signpost| {
        Response::Signpost(signpost.encode())
    }))
}

/// Brings the signpost of a head that is here. It is no part of the version: whoever gives none has done nothing
/// wrong.
pub(in crate::swarm) async fn bring(node: &Node, connection: &Connection, head: &Head) {
    let request = Request::Signpost {
        site: head.site().0,
    };
    let asked = tokio::time::timeout(PATIENCE, ask(connection, &request));
    let Ok(Ok(Response::Signpost(bytes))) = asked.await else {
        return;
    };
    if let Ok(signpost) = Signpost::decode(head.site(), &bytes) {
        keep(node, signpost).await;
    }
}

/// Brings the signpost of the newest version here from one of the nodes that the site was had from.
pub(super) async fn ask_around(node: &Node, state: &SiteState) -> Option<Signpost> {
    let (store, site) = (node.store.clone(), state.site);
    let peers = blocking(move || store.peers(site)).await.ok()?;
    let tickets = peers.iter().filter_map(|peer| peer.ticket.parse().ok());
    for ticket in tickets.take(ASKED) {
        let ticket: Ticket = ticket;
        if let Ok(connection) = node.connect(&ticket.0, wire::ALPN).await {
            bring(node, &connection, state.head.as_ref()?).await;
        }
        let store = node.store.clone();
        if let Ok(Some(signpost)) = blocking(move || store.signpost(site)).await {
            return Some(signpost);
        }
    }
    None
}

/// Keeps a signpost, if it is that of the version here.
pub(super) async fn keep(node: &Node, signpost: Signpost) {
    let store = node.store.clone();
    // Without it the node is found all the same, by what it says itself.
    let _ = blocking(move || store.keep_signpost(&signpost)).await;
}
