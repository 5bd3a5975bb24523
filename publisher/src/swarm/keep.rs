//! What a node does with the announcement of a version: fetch it, and say that it keeps it.

use std::sync::Arc;

use iroh::EndpointAddr;

use super::{
    fetch::{self, Wanted},
    node::{Event, Node, blocking},
    wire::{Reason, Response},
};
use crate::{
    archive::{address::SiteId, head::Head},
    error::{Error, Kind},
    store::Relation,
};

/// Keeps the version of `head`, if this node keeps the site.
pub(super) async fn keep(
    node: &Arc<Node>,
    site: SiteId,
    head: &[u8],
    from: &EndpointAddr,
) -> Response {
    let store = node.store.clone();
    match blocking(move || store.site(site)).await {
        Ok(Some(state)) if state.relation == Relation::Pinned => {}
        Ok(_) => return Response::Declined(Reason::NotPinned),
        Err(e) => return failed(node, site, &e),
    }
    let head = match Head::decode(site, head) {
        Ok(head) => head,
        Err(e) => return failed(node, site, &Error::new(Kind::Hostile, e.to_string())),
    };
    match fetch::fetch(node, site, from, Some(head.clone()), Wanted::Whole).await {
        Ok(fetched) => Response::Kept {
            receipt: node.receipt(&head).encode(),
            received: fetched.received,
        },
        Err(e) => failed(node, site, &e),
    }
}

fn failed(node: &Node, site: SiteId, error: &Error) -> Response {
    node.emit(Event::Refused {
        site,
        reason: error.message.clone(),
    });
    Response::Declined(match error.kind {
        Kind::Conflict => Reason::Conflict,
        Kind::Older => {
            let state = node.store.site(site).ok().flatten();
            let head = state.and_then(|state| state.head);
            Reason::Older {
                newest: head.map_or(0, |head| head.length()),
            }
        }
        // Long enough for any of ours, short enough for a frame.
        _ => Reason::Failed(error.message.chars().take(500).collect()),
    })
}
