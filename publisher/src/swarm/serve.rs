//! Answers to other nodes.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use iroh::{
    EndpointId,
    endpoint::{Connection, RecvStream, SendStream},
    protocol::{AcceptError, ProtocolHandler},
};
use tokio::sync::Semaphore;

use super::{
    keep,
    node::{Node, blocking},
    wire::{self, MAX_ENTRIES, Request, Response},
};
use crate::{
    archive::{address::SiteId, entry::Branch, hash::LogHash},
    error::{Error, Kind, Result},
    store::SiteState,
};

/// How many requests of one connection are answered at a time.
const STREAMS: usize = 16;

/// The most addresses of one node: a machine has a few in each of its networks, and a relay.
const MAX_ADDRESSES: usize = 32;

/// Accepts the connections of our own protocol.
#[derive(Debug)]
pub(super) struct SkepProtocol {
    // The node owns the router, which owns this.
    node: Weak<Node>,
}

impl SkepProtocol {
    pub(super) fn new(node: &Arc<Node>) -> Self {
        Self {
            node: Arc::downgrade(node),
        }
    }
}

impl ProtocolHandler for SkepProtocol {
    async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
        let slots = Arc::new(Semaphore::new(STREAMS));
        let peer = connection.remote_id();
        while let Ok(slot) = slots.clone().acquire_owned().await {
            let Ok((send, receive)) = connection.accept_bi().await else {
                break;
            };
            let Some(node) = self.node.upgrade() else {
                break;
            };
            tokio::spawn(async move {
                // A peer that breaks the protocol gets no answer: its stream ends.
                let _ = answer(&node, peer, send, receive).await;
                drop(slot);
            });
        }
        Ok(())
    }
}

async fn answer(
    node: &Arc<Node>,
    peer: EndpointId,
    mut send: SendStream,
    mut receive: RecvStream,
) -> Result<()> {
    match wire::receive(&mut receive, wire::FRAME_TIMEOUT).await? {
        Request::Head { site } => {
            let response = match shared(node, SiteId(site)).await?.and_then(|s| s.head) {
                Some(head) => Response::Head(head.encode()),
                None => Response::NotShared,
            };
            wire::send(&mut send, &response).await?;
        }
        Request::Entries { site, first, count } => {
            entries(node, SiteId(site), first, count, &mut send).await?;
        }
        Request::Branch {
            site,
            root,
            length,
            first,
            count,
        } => {
            let branch = Branch {
                length,
                root: LogHash(root),
                fork_point: first.saturating_sub(1),
            };
            self::branch(node, SiteId(site), branch, count, &mut send).await?;
        }
        Request::Announce { site, head, from } => {
            // A node speaks for itself: it can't make this one dial another.
            // Nor does it have so many addresses that trying them floods others.
            if from.id != peer || from.addrs.len() > MAX_ADDRESSES {
                return Err(Error::new(
                    Kind::Hostile,
                    "an announcement names another node",
                ));
            }
            let response = keep::keep(node, SiteId(site), &head, &from).await;
            wire::send(&mut send, &response).await?;
        }
    }
    let _ = send.finish();
    // The stream must not be dropped before the peer has read it.
    let _ = tokio::time::timeout(Duration::from_secs(10), send.stopped()).await;
    Ok(())
}

async fn shared(node: &Node, site: SiteId) -> Result<Option<SiteState>> {
    let store = node.store.clone();
    let state = blocking(move || store.site(site)).await?;
    Ok(state.filter(|state| state.relation.is_shared()))
}

async fn entries(
    node: &Node,
    site: SiteId,
    first: u64,
    count: u64,
    send: &mut SendStream,
) -> Result<()> {
    let Some(state) = shared(node, site).await? else {
        return wire::send(send, &Response::NotShared).await;
    };
    let end = first.saturating_add(count.min(MAX_ENTRIES));
    for version in first..end {
        let (store, state) = (node.store.clone(), state.clone());
        let entry = blocking(move || store.records.entry_bytes(&state, version)).await?;
        let Some(entry) = entry else {
            return wire::send(send, &Response::NotShared).await;
        };
        wire::send(send, &Response::Entry(entry)).await?;
    }
    Ok(())
}

async fn branch(
    node: &Node,
    site: SiteId,
    branch: Branch,
    count: u64,
    send: &mut SendStream,
) -> Result<()> {
    let Some(state) = shared(node, site).await? else {
        return wire::send(send, &Response::NotShared).await;
    };
    let store = node.store.clone();
    let found = blocking(move || store.records.branch(&state, branch)).await?;
    let Some(entries) = found else {
        return wire::send(send, &Response::NotShared).await;
    };
    let count = usize::try_from(count.min(MAX_ENTRIES)).unwrap_or(usize::MAX);
    for entry in entries.into_iter().take(count) {
        wire::send(send, &Response::Entry(entry)).await?;
    }
    Ok(())
}
