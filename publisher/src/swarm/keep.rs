//! What a node does with the announcement of a version: fetch it, and say that it keeps it.

use std::{sync::Arc, time::Duration};

use iroh::EndpointAddr;
use tokio::time::Instant;

use super::{
    fetch::{self, Wanted},
    node::{Event, Node, blocking},
    wire::{Reason, Response},
};
use crate::{
    archive::{address::SiteId, head::Head, receipt::Mode},
    error::{Error, Kind, Result},
    store::{Relation, Store},
};

/// How long an announcement waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// Keeps the version of `head`, if this node keeps the site.
pub(super) async fn keep(
    node: &Arc<Node>,
    site: SiteId,
    head: &[u8],
    from: &EndpointAddr,
) -> Response {
    let store = node.store.clone();
    let state = match blocking(move || store.site(site)).await {
        Ok(Some(state)) if state.is_shared() => state,
        Ok(_) => return Response::Declined(Reason::NotPinned),
        Err(e) => return failed(node, site, &e).await,
    };
    let head = match Head::decode(site, head) {
        Ok(head) => head,
        Err(e) => return failed(node, site, &Error::new(Kind::Hostile, e.to_string())).await,
    };
    let is_newer = state.head.is_none_or(|have| have.length() < head.length());
    if state.relation == Relation::Followed && is_newer {
        let turn = node.pace.turn(site, Instant::now(), PATIENCE);
        let Some(turn) = turn else {
            let busy =
                "new versions come faster than this node takes them; it will ask for the newest";
            return Response::Declined(Reason::Failed(busy.into()));
        };
        tokio::time::sleep_until(turn).await;
    }
    let wanted = wanted(state.relation);
    let fetched = fetch::fetch(node, site, from, Some(head.clone()), wanted).await;
    let fetched = match fetched {
        Ok(fetched) => fetched,
        Err(e) => return failed(node, site, &e).await,
    };
    match mode(node, site).await {
        Ok(mode) => Response::Kept {
            receipt: node.receipt(&head, mode).encode(),
            received: fetched.received,
        },
        Err(e) => failed(node, site, &e).await,
    }
}

/// How much a node keeps of a site. A follower has the newest version: what is old is the author's and the
/// hosts' to keep, and would grow without end on the disks of those who only read.
pub(super) fn wanted(relation: Relation) -> Wanted {
    match relation {
        Relation::Own | Relation::Pinned => Wanted::Whole,
        Relation::Followed | Relation::Visited => Wanted::Latest,
    }
}

/// What a receipt may claim. A site that was only read before it was pinned lacks older versions.
async fn mode(node: &Node, site: SiteId) -> Result<Mode> {
    let store = node.store.clone();
    blocking(move || mode_of(&store, site)).await
}

/// A receipt of this node for the newest version of a site, with the head that it is for.
pub(super) async fn receipt(node: &Node, site: SiteId) -> Result<(Head, Vec<u8>)> {
    let store = node.store.clone();
    let (head, mode) = blocking(move || {
        // In this order: what is kept of a version that came in between is said of that one.
        let head = store.known(site)?.head;
        let head = head.ok_or_else(|| Error::new(Kind::NotFound, "there is no version"))?;
        Ok((head, mode_of(&store, site)?))
    })
    .await?;
    let receipt = node.receipt(&head, mode).encode();
    Ok((head, receipt))
}

fn mode_of(store: &Store, site: SiteId) -> Result<Mode> {
    let state = store.known(site)?;
    let retractions = store.retractions(&state)?;
    for entry in store.log(&state)? {
        let gone = retractions.by(entry.number).is_some();
        if !gone && !retractions.is_whole(store, &entry)? {
            return Ok(Mode::Latest);
        }
    }
    Ok(Mode::Whole)
}

async fn failed(node: &Node, site: SiteId, error: &Error) -> Response {
    node.emit(Event::Refused {
        site,
        reason: error.message.clone(),
    });
    Response::Declined(match error.kind {
        Kind::Conflict => Reason::Conflict,
        Kind::Older => {
            let store = node.store.clone();
            let state = blocking(move || store.site(site)).await.ok().flatten();
            let head = state.and_then(|state| state.head);
            Reason::Older {
                newest: head.map_or(0, |head| head.length()),
            }
        }
        // Long enough for any of ours, short enough for a frame.
        _ => Reason::Failed(error.message.chars().take(500).collect()),
    })
}
