//! Telling a node of a version, and its receipt.

use std::time::Duration;

use super::{
    link,
    network::Ticket,
    node::{Node, blocking, now},
    wire::{self, Reason, Request, Response},
};
use crate::{
    archive::{head::Head, receipt::Receipt},
    error::{Error, Kind, Result},
    store::Peer,
};

/// A node's word that it keeps a version.
#[derive(Debug, Clone)]
pub struct Announced {
    /// The receipt, verified.
    pub receipt: Receipt,
    /// How many bytes the node says it received for the version.
    pub received: u64,
}

/// Tells the node `peer` of the version of `head` and waits at most `limit` until it has it.
///
/// # Errors
///
/// [`Kind::Unreachable`] if it does not answer, [`Kind::Declined`], [`Kind::Older`] or
/// [`Kind::Conflict`] if it does not keep the version; [`Kind::Usage`] if the site's sharing was stopped here.
pub async fn announce(
    node: &Node,
    head: &Head,
    peer: &Ticket,
    limit: Duration,
) -> Result<Announced> {
    let (store, site) = (node.store.clone(), head.site());
    if blocking(move || store.site(site))
        .await?
        .is_some_and(|state| state.paused)
    {
        let message = format!("the sharing of skep://{site} was stopped on this machine");
        return Err(Error::new(Kind::Usage, message)
            .hint("start it again on the page of the site, in `skep browse`"));
    }
    let told = tell(node, head, peer, limit);
    let name = peer.0.id.fmt_short();
    let (receipt, received) = match tokio::time::timeout(limit, told).await {
        Ok(Ok(Response::Kept { receipt, received })) => (receipt, received),
        Ok(Ok(Response::Declined(reason))) => return Err(declined(&name.to_string(), &reason)),
        Ok(Ok(_)) => {
            return Err(Error::new(
                Kind::Hostile,
                format!("the node {name} answers something else"),
            ));
        }
        Ok(Err(e)) => return Err(e),
        Err(_) => {
            let message = format!(
                "the node {name} did not get the version within {} s",
                limit.as_secs()
            );
            return Err(Error::new(Kind::Unreachable, message)
                .hint("publish again: it goes on where it stopped"));
        }
    };
    let receipt = Receipt::decode(head.site(), peer.node(), &receipt)
        .ok()
        .filter(|receipt| receipt.is_for(head));
    let Some(receipt) = receipt else {
        return Err(Error::new(
            Kind::Hostile,
            format!("the node {name} sent a receipt that is not for this version, or is forged"),
        ));
    };
    let (store, kept) = (node.store.clone(), receipt.clone());
    let keeper = Peer {
        node: peer.node(),
        ticket: peer.to_string(),
        heard: now(),
        named: true,
    };
    blocking(move || match store.site(kept.site)? {
        Some(state) => {
            store.records.put_receipt(&state, &kept)?;
            // Who keeps this version is likely to keep the next.
            store.records.put_peer(&state, &keeper)
        }
        None => Ok(()),
    })
    .await?;
    Ok(Announced { receipt, received })
}

async fn tell(node: &Node, head: &Head, peer: &Ticket, limit: Duration) -> Result<Response> {
    let shared = link::reach(node, &peer.0).await?;
    let (mut send, mut receive) = shared
        .connection
        .open_bi()
        .await
        .map_err(|e| Error::new(Kind::Unreachable, format!("the connection broke: {e}")))?;
    let request = Request::Announce {
        site: head.site().0,
        head: head.encode(),
        from: node.address().await?,
    };
    wire::send(&mut send, &request).await?;
    let _ = send.finish();
    // The peer answers when it has fetched the version.
    wire::receive(&mut receive, limit).await
}

fn declined(name: &str, reason: &Reason) -> Error {
    match reason {
        Reason::NotPinned => Error::new(
            Kind::Declined,
            format!("the node {name} does not keep this site"),
        )
        .hint("its owner can add it: `skep host --pin ADDRESS`"),
        Reason::Older { newest } => Error::new(
            Kind::Older,
            format!(
                "the node {name} has version {newest}, which is newer than what is published here"
            ),
        )
        .hint("was this site published from another machine, or is this an old backup?"),
        Reason::Conflict => Error::new(
            Kind::Conflict,
            format!(
                "the node {name} has versions that contradict those here: the site was published from two machines"
            ),
        )
        .hint("publish again with the same `--peer`: that shows what the other machine has published, and mends it"),
        Reason::Failed(why) => Error::new(
            Kind::Declined,
            format!(
                "the node {name} could not keep the version: {}",
                // As long as ours are.
                why.chars().take(500).collect::<String>()
            ),
        ),
    }
}
