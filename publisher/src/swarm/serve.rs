//! Answers to other nodes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use iroh::{
    EndpointAddr, EndpointId,
    endpoint::{Connection, RecvStream, SendStream, VarInt},
    protocol::{AcceptError, ProtocolHandler},
};
use n0_future::boxed::BoxFuture;
use tokio::sync::Semaphore;

use super::{
    find, have, keep,
    link::{self, MAX_ADDRESSES, MAX_OF_NODE, Shared, Streams},
    node::{Node, blocking},
    page, peers,
    presence::Present,
    wire::{self, MAX_ENTRIES, Request, Response},
};
use crate::{
    archive::{address::SiteId, entry::Branch, hash::LogHash, log::Tip},
    error::{Error, Kind, Result},
    store::SiteState,
};

/// How many requests of one connection are answered at a time.
const STREAMS: usize = 16;

/// How many streams a node may have open at a time: its links, and what it asks.
const MAX_STREAMS: u32 = MAX_OF_NODE as u32 + 64;

/// For how many sites a connection is counted among those that are there.
const SITES: usize = 64;

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
        let shared = Shared::new(connection.clone());
        answer_all(&self.node, &connection, &Arc::downgrade(&shared)).await;
        Ok(())
    }
}

/// As [`answer_all`], for a connection that this node opened. In a box, as what is answered may open others.
pub(super) fn answer_caller(
    node: Weak<Node>,
    connection: Connection,
    shared: Weak<Shared>,
) -> BoxFuture<()> {
    Box::pin(async move { answer_all(&node, &connection, &shared).await })
}

/// Answers what the node at the other end of a connection asks, until that is closed.
async fn answer_all(node: &Weak<Node>, connection: &Connection, shared: &Weak<Shared>) {
    let slots = Arc::new(Semaphore::new(STREAMS));
    connection.set_max_concurrent_bi_streams(VarInt::from_u32(MAX_STREAMS));
    let present = Arc::new(Mutex::default());
    while let Ok(slot) = slots.clone().acquire_owned().await {
        let Ok((send, receive)) = connection.accept_bi().await else {
            return;
        };
        let (Some(node), Some(shared)) = (node.upgrade(), shared.upgrade()) else {
            return;
        };
        let peer = Peer {
            id: connection.remote_id(),
            shared,
            present: present.clone(),
        };
        tokio::spawn(async move {
            // A peer that breaks the protocol gets no answer: its stream ends.
            let _ = answer(&node, &peer, send, receive).await;
            drop(slot);
        });
    }
}

/// Who is at the other end of a connection.
struct Peer {
    id: EndpointId,
    /// The connection stays open while something is answered.
    shared: Arc<Shared>,
    /// For which sites it is there. They go with the connection and all its streams.
    present: Arc<Mutex<HashMap<SiteId, Present>>>,
}

impl Peer {
    /// The peer asks for a site that this node shares.
    fn asks_for(&self, node: &Node, site: SiteId) {
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        if present.len() < SITES && !present.contains_key(&site) {
            present.insert(site, node.presence.enter(site, self.id));
        }
    }

    /// A node speaks for itself: it can't make this one dial another. Nor does it have so many addresses that
    /// trying them floods others.
    fn speaks_for_itself(&self, from: &EndpointAddr) -> Result<()> {
        match from.id == self.id && from.addrs.len() <= MAX_ADDRESSES {
            true => Ok(()),
            false => Err(Error::new(Kind::Hostile, "a peer names another node")),
        }
    }
}

async fn answer(
    node: &Arc<Node>,
    peer: &Peer,
    mut send: SendStream,
    mut receive: RecvStream,
) -> Result<()> {
    match wire::receive(&mut receive, wire::FRAME_TIMEOUT).await? {
        Request::Head { site } => {
            let response = match shared(node, SiteId(site)).await?.and_then(|s| s.head) {
                Some(head) => {
                    peer.asks_for(node, SiteId(site));
                    Response::Head(head.encode())
                }
                None => Response::NotShared,
            };
            wire::send(&mut send, &response).await?;
        }
        Request::Link { site, head, from } => {
            peer.speaks_for_itself(&from)?;
            // Who asks for a link answers too, and keeps the connection open.
            node.connections.add(node.endpoint_id(), &peer.shared);
            let streams = Streams::new(node, peer.shared.clone(), (send, receive))?;
            return link::asked(node, SiteId(site), head, from, streams).await;
        }
        Request::Entries { site, first, count } => {
            entries(node, SiteId(site), first, count, &mut send).await?;
        }
        Request::Sought { salt, marks } => {
            let response = find::sought::answer(node, salt, marks).await?;
            wire::send(&mut send, &response).await?;
        }
        Request::Page { site, paths } => {
            page::answer(node, SiteId(site), paths, &mut send).await?;
        }
        Request::Signpost { site } => {
            let response = find::answer(node, SiteId(site)).await?;
            wire::send(&mut send, &response).await?;
        }
        Request::Have {
            site,
            length,
            root,
            from,
        } => {
            let (site, root) = (SiteId(site), LogHash(root));
            if shared(node, site).await?.is_some() {
                peer.asks_for(node, site);
                if let Some(from) = peers::own(from, peer.id) {
                    node.presence.reach(site, from);
                }
            }
            let tip = Tip { length, root };
            have::answer(node, site, tip, &mut send, &mut receive).await?;
        }
        Request::Peers { site } => {
            let response = peers::answer(node, SiteId(site), peer.id).await?;
            wire::send(&mut send, &response).await?;
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
            peer.speaks_for_itself(&from)?;
            let response = keep::keep(node, SiteId(site), &head, &from).await;
            wire::send(&mut send, &response).await?;
        }
    }
    let _ = send.finish();
    // The stream must not be dropped before the peer has read it.
    let _ = tokio::time::timeout(Duration::from_secs(10), send.stopped()).await;
    Ok(())
}

pub(super) async fn shared(node: &Node, site: SiteId) -> Result<Option<SiteState>> {
    let store = node.store.clone();
    let state = blocking(move || store.site(site)).await?;
    Ok(state.filter(|state| state.is_shared()))
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
        node.limits.upload.pass(entry.len() as u64).await;
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
        node.limits.upload.pass(entry.len() as u64).await;
        wire::send(send, &Response::Entry(entry)).await?;
    }
    Ok(())
}
