//! Answers to other nodes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use iroh::{
    EndpointId,
    endpoint::{Connection, RecvStream, SendStream, VarInt},
    protocol::{AcceptError, ProtocolHandler},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, broadcast::error::RecvError},
    time::Instant,
};

use super::{
    find, keep,
    node::{Node, blocking},
    page,
    presence::Present,
    wire::{self, MAX_ENTRIES, Request, Response, WATCH_TIME},
};
use crate::{
    archive::{address::SiteId, entry::Branch, hash::LogHash, head::Head},
    error::{Error, Kind, Result},
    store::SiteState,
};

/// How many requests of one connection are answered at a time.
const STREAMS: usize = 16;

/// How many streams it may have open: those, and such as wait.
const ALL_STREAMS: u32 = 128;

/// How many of one connection may wait for news at a time.
const WATCHES: usize = 64;

/// How many of all connections together may.
pub(super) const ALL_WATCHES: usize = 2048;

/// For how many sites a connection is counted among those that are there.
const SITES: usize = 64;

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
        connection.set_max_concurrent_bi_streams(VarInt::from_u32(ALL_STREAMS));
        let slots = Arc::new(Semaphore::new(STREAMS));
        let peer = Arc::new(Peer {
            id: connection.remote_id(),
            watches: Arc::new(Semaphore::new(WATCHES)),
            present: Mutex::default(),
        });
        while let Ok(slot) = slots.clone().acquire_owned().await {
            let Ok((send, receive)) = connection.accept_bi().await else {
                break;
            };
            let Some(node) = self.node.upgrade() else {
                break;
            };
            let peer = peer.clone();
            tokio::spawn(async move {
                // A peer that breaks the protocol gets no answer: its stream ends.
                let _ = answer(&node, &peer, send, receive, slot).await;
            });
        }
        Ok(())
    }
}

/// Who is at the other end of a connection.
struct Peer {
    id: EndpointId,
    watches: Arc<Semaphore>,
    /// For which sites it is there. They go with the connection and all its streams.
    present: Mutex<HashMap<SiteId, Present>>,
}

impl Peer {
    /// The peer asks for a site that this node shares.
    fn asks_for(&self, node: &Node, site: SiteId) {
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        if present.len() < SITES && !present.contains_key(&site) {
            present.insert(site, node.presence.enter(site, self.id));
        }
    }
}

async fn answer(
    node: &Arc<Node>,
    peer: &Peer,
    mut send: SendStream,
    mut receive: RecvStream,
    slot: OwnedSemaphorePermit,
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
        Request::Watch { site, length } => {
            // Who waits is in nobody's way.
            drop(slot);
            let response = tokio::select! {
                response = watch(node, peer, SiteId(site), length) => response?,
                // The peer does not wait any more.
                _ = send.stopped() => return Ok(()),
            };
            wire::send(&mut send, &response).await?;
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
            if from.id != peer.id || from.addrs.len() > MAX_ADDRESSES {
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

pub(super) async fn shared(node: &Node, site: SiteId) -> Result<Option<SiteState>> {
    let store = node.store.clone();
    let state = blocking(move || store.site(site)).await?;
    Ok(state.filter(|state| state.is_shared()))
}

/// The head of a site as soon as its log is longer than `length`, or as it is when it is time.
async fn watch(node: &Node, peer: &Peer, site: SiteId, length: u64) -> Result<Response> {
    // Before the first look, so that nothing comes in between.
    let mut news = node.news();
    let end = Instant::now() + WATCH_TIME;
    let permits = (
        peer.watches.clone().try_acquire_owned(),
        node.watches.clone().try_acquire_owned(),
    );
    let may_wait = permits.0.is_ok() && permits.1.is_ok();
    loop {
        let Some(head) = shared(node, site).await?.and_then(|state| state.head) else {
            return Ok(Response::NotShared);
        };
        peer.asks_for(node, site);
        if head.length() > length || !may_wait || Instant::now() >= end {
            return Ok(Response::Head(Head::encode(&head)));
        }
        loop {
            match tokio::time::timeout_at(end, news.recv()).await {
                Ok(Ok(other)) if other != site => {}
                // It has missed some: this site may be among them.
                Ok(Ok(_) | Err(RecvError::Lagged(_))) | Err(_) => break,
                Ok(Err(RecvError::Closed)) => return Ok(Response::NotShared),
            }
        }
    }
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
