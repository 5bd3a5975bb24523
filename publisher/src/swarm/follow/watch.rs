//! Waiting until a peer has more: a long poll.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use iroh::{EndpointId, endpoint::Connection};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    archive::{address::SiteId, head::Head},
    error::{Error, Kind, Result},
    swarm::{
        fetch,
        keep::wanted,
        network::Ticket,
        node::{Node, blocking},
        wire::{self, Request, Response, WATCH_TIME},
    },
};

/// How many peers of a site are asked to say when there is more.
const WATCHED: usize = 2;

/// The connections over which nodes are waited for: one to each, for all sites.
#[derive(Debug, Default)]
pub(in crate::swarm) struct Watching(Mutex<HashMap<EndpointId, Weak<Connection>>>);

impl Watching {
    /// The connection to a peer. It closes when nobody has it any more.
    async fn connection(&self, node: &Node, peer: &Ticket) -> Result<Arc<Connection>> {
        let id = peer.0.id;
        let open = |connection: &Arc<Connection>| connection.close_reason().is_none();
        let known = self.connections().get(&id).and_then(Weak::upgrade);
        if let Some(connection) = known.filter(open) {
            return Ok(connection);
        }
        let connection = Arc::new(node.connect(&peer.0, wire::ALPN).await?);
        let mut connections = self.connections();
        connections.retain(|_, connection| connection.strong_count() > 0);
        connections.insert(id, Arc::downgrade(&connection));
        Ok(connection)
    }

    fn connections(&self) -> std::sync::MutexGuard<'_, HashMap<EndpointId, Weak<Connection>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for news of a site from some of `peers`, the last first, and brings what is new, until `end`. False if
/// before that none of them is of use any more.
pub(super) async fn until(
    node: &Arc<Node>,
    site: SiteId,
    mut peers: Vec<Ticket>,
    watching: &Arc<Watching>,
    end: Instant,
) -> bool {
    let mut tasks = JoinSet::new();
    loop {
        while tasks.len() < WATCHED
            && let Some(peer) = peers.pop()
        {
            let (node, watching) = (node.clone(), watching.clone());
            tasks.spawn(async move {
                let told = watch(&node, site, &peer, &watching).await;
                (peer, told)
            });
        }
        match tokio::time::timeout_at(end, tasks.join_next()).await {
            // Such a peer keeps its word: it is asked again.
            Ok(Some(Ok((peer, Ok(()))))) => peers.push(peer),
            // One that is away, or says what is not so, is asked in the next round.
            Ok(Some(_)) => {}
            Ok(None) => return false,
            Err(_) => return true,
        }
    }
}

/// Waits until a peer has more than is here, and brings that; or until it has waited as long as it should.
async fn watch(node: &Arc<Node>, site: SiteId, peer: &Ticket, watching: &Watching) -> Result<()> {
    let store = node.store.clone();
    let state = blocking(move || store.site(site)).await?;
    let Some(state) = state else {
        return Err(useless());
    };
    let length = state.head.as_ref().map_or(0, Head::length);
    let connection = watching.connection(node, peer).await?;
    let _present = node.presence.enter(site, peer.0.id);
    let asked = Instant::now();
    let head = ask(&connection, site, length).await?;
    if head.length() <= length {
        // A peer that answers at once again and again would keep both busy.
        return match asked.elapsed() >= WATCH_TIME / 2 {
            true => Ok(()),
            false => Err(useless()),
        };
    }
    let turn = node.pace.turn(site, Instant::now(), PATIENCE);
    tokio::time::sleep_until(turn.ok_or_else(useless)?).await;
    let fetched = fetch::newest(node, site, peer, wanted(state.relation)).await?;
    match fetched.head.length() > length {
        true => Ok(()),
        false => Err(useless()),
    }
}

/// Longer than any turn is away.
const PATIENCE: Duration = Duration::from_secs(300);

async fn ask(connection: &Connection, site: SiteId, length: u64) -> Result<Head> {
    let (mut send, mut receive) = connection
        .open_bi()
        .await
        .map_err(|e| Error::new(Kind::Unreachable, format!("the connection broke: {e}")))?;
    let request = Request::Watch {
        site: site.0,
        length,
    };
    wire::send(&mut send, &request).await?;
    let _ = send.finish();
    match wire::receive(&mut receive, WATCH_TIME + wire::FRAME_TIMEOUT).await? {
        Response::Head(bytes) => {
            Head::decode(site, &bytes).map_err(|e| Error::new(Kind::Hostile, e.to_string()))
        }
        _ => Err(useless()),
    }
}

fn useless() -> Error {
    Error::new(Kind::NotFound, "the peer has no news of the site")
}
