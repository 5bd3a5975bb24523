//! One connection of our own protocol to each node, whoever opened it, for all sites and requests. One that the other
//! opened is used when that has asked for a link over it: then it stays, and both ends answer.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use iroh::{
    EndpointAddr, EndpointId,
    endpoint::{Connection, ConnectionError, Side, VarInt},
};

use tokio::sync::Semaphore;

use super::MAX_OF_NODE;
use crate::{
    error::Result,
    swarm::{node::Node, serve, wire},
};

/// The connections that there are.
#[derive(Debug, Default)]
pub(in crate::swarm) struct Connections {
    open: Mutex<HashMap<EndpointId, Weak<Shared>>>,
    /// Who calls a node has this meanwhile, so that others wait for the same connection.
    calls: Mutex<HashMap<EndpointId, Arc<tokio::sync::Mutex<()>>>>,
}

/// A connection that whoever uses it keeps open: if this node opened it, it closes when nobody does any more.
#[derive(Debug)]
pub(in crate::swarm) struct Shared {
    pub(in crate::swarm) connection: Connection,
    /// Each link over it has one of these.
    pub(super) places: Arc<Semaphore>,
    since: Instant,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.connection.side() == Side::Client {
            self.connection.close(0u32.into(), b"not needed any more");
        }
    }
}

/// The code with which a node closes its connections when it stops: it need not be called until it calls again.
const LEAVING: VarInt = VarInt::from_u32(0x6c);

/// Two nodes that call each other within this time have done so at once, and neither knew of the other's call.
const AT_ONCE: Duration = Duration::from_secs(10);

impl Shared {
    pub(in crate::swarm) fn new(connection: Connection) -> Arc<Self> {
        Arc::new(Self {
            connection,
            places: Arc::new(Semaphore::new(MAX_OF_NODE)),
            since: Instant::now(),
        })
    }

    fn is_open(&self) -> bool {
        self.connection.close_reason().is_none()
    }

    /// Whether the other node stops, and has said so.
    pub(super) fn has_left(&self) -> bool {
        matches!(
            self.connection.close_reason(),
            Some(ConnectionError::ApplicationClosed(close)) if close.error_code == LEAVING
        )
    }
}

impl Connections {
    /// The connection to a node, if there is one.
    fn open_to(&self, id: EndpointId) -> Option<Arc<Shared>> {
        let known = self.all().get(&id).and_then(Weak::upgrade);
        known.filter(|shared| shared.is_open())
    }

    /// A connection was opened, by whomever. Of two that were opened at once both nodes use the same.
    pub(in crate::swarm) fn add(&self, me: EndpointId, shared: &Arc<Shared>) {
        let peer = shared.connection.remote_id();
        let mut all = self.all();
        all.retain(|_, shared| shared.strong_count() > 0);
        if let Some(other) = all.get(&peer).and_then(Weak::upgrade)
            && !Arc::ptr_eq(&other, shared)
            && other.is_open()
            && other.since.elapsed() < AT_ONCE
            && other.connection.side() != shared.connection.side()
            && opener(me, &other.connection) < opener(me, &shared.connection)
        {
            return;
        }
        // One that is opened later is there because the other end knows of no other.
        all.insert(peer, Arc::downgrade(shared));
    }

    /// Says everywhere that this node stops.
    pub(in crate::swarm) fn leave(&self) {
        for shared in self.all().values().filter_map(Weak::upgrade) {
            shared.connection.close(LEAVING, b"leaving");
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<EndpointId, Weak<Shared>>> {
        // A map of connections is right at any moment, also after a panic elsewhere.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self, id: EndpointId) -> Arc<tokio::sync::Mutex<()>> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.retain(|_, call| Arc::strong_count(call) > 1);
        calls.entry(id).or_default().clone()
    }
}

fn opener(me: EndpointId, connection: &Connection) -> EndpointId {
    match connection.side() {
        Side::Client => me,
        Side::Server => connection.remote_id(),
    }
}

/// The connection to a node: the one that is there, else a new one, over which that node may ask too.
///
/// # Errors
///
/// As [`Node::connect`].
pub(in crate::swarm) async fn reach(node: &Node, peer: &EndpointAddr) -> Result<Arc<Shared>> {
    let call = node.connections.call(peer.id);
    let _calling = call.lock().await;
    if let Some(shared) = node.connections.open_to(peer.id) {
        return Ok(shared);
    }
    let connection = node.connect(peer, wire::ALPN).await?;
    let shared = Shared::new(connection.clone());
    node.connections.add(node.endpoint_id(), &shared);
    let (asked, in_use) = (node.weak(), Arc::downgrade(&shared));
    tokio::spawn(serve::answer_caller(asked, connection, in_use));
    Ok(shared)
}
