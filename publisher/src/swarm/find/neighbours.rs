//! Which of the nodes on the local network have a site.

use std::{sync::Arc, time::Duration};

use iroh::{EndpointAddr, EndpointId, endpoint::Connection};
use tokio::{
    sync::{Semaphore, broadcast::error::RecvError, mpsc},
    task::JoinSet,
};

use super::sought;
use crate::{
    archive::address::SiteId,
    error::Result,
    store::Peer,
    swarm::{
        fetch,
        network::Ticket,
        node::{Node, blocking, now},
        proto::overlay::Source,
        wire::{self, MAX_SOUGHT},
    },
};

/// How long one of them may take for an answer: none is far away.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many are asked at a time.
const AT_ONCE: usize = 8;
/// How many wait for their turn to be asked.
const MAX_TASKS: usize = 256;
/// The most sites for which one that appears is asked.
const MAX_SITES: usize = 4 * MAX_SOUGHT;
/// Over which time those who are there spread their questions to one that appears.
const SPREAD: Duration = Duration::from_secs(1);

/// Tells `found` of nodes that have a site: of those that are there, and if this node has just come, of those that
/// are heard of in the next seconds.
pub(super) async fn seek(node: &Arc<Node>, site: SiteId, found: &mpsc::Sender<Ticket>) {
    let Some(lan) = node.lan().await else {
        return;
    };
    let mut arrivals = lan.arrivals();
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    let ask = |addr: EndpointAddr| {
        let (node, turns) = (node.clone(), turns.clone());
        async move {
            let _turn = turns.acquire().await;
            let asked = tokio::time::timeout(PATIENCE, holds(&node, &addr, site)).await;
            matches!(asked, Ok(Ok(true))).then_some(Ticket(addr))
        }
    };
    for addr in lan.nodes() {
        tasks.spawn(ask(addr));
    }
    let settled = lan.settled();
    tokio::pin!(settled);
    let mut is_settled = false;
    loop {
        tokio::select! {
            Some(asked) = tasks.join_next() => {
                if let Ok(Some(ticket)) = asked && found.send(ticket).await.is_err() {
                    return;
                }
            }
            arrival = arrivals.recv(), if !is_settled => if let Ok(addr) = arrival
                && tasks.len() < MAX_TASKS
            {
                tasks.spawn(ask(addr));
            },
            () = &mut settled, if !is_settled => is_settled = true,
            else => return,
        }
    }
}

/// Whether a node has a site: it says so, and shows a head that the site's key signed.
async fn holds(node: &Node, addr: &EndpointAddr, site: SiteId) -> Result<bool> {
    let connection = node.connect(addr, wire::ALPN).await?;
    if sought::ask(&connection, &[site]).await?.is_empty() {
        return Ok(false);
    }
    fetch::ask_head(&connection, site, addr).await?;
    Ok(true)
}

/// Asks each node that appears for the sites that are kept up to date here, for ever, and remembers which it has.
pub(in crate::swarm) async fn meet(node: &Arc<Node>) {
    let Some(lan) = node.lan().await else {
        return std::future::pending().await;
    };
    let mut arrivals = lan.arrivals();
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks: JoinSet<EndpointId> = JoinSet::new();
    let mut asking = std::collections::HashSet::new();
    let greet = |addr: EndpointAddr| {
        let (node, turns) = (node.clone(), turns.clone());
        // The more are there, the more would come at the same moment.
        let spread = SPREAD.mul_f64((lan.nodes().len() as f64 / 64.0).min(1.0));
        async move {
            tokio::time::sleep(spread.mul_f64(random())).await;
            let _turn = turns.acquire().await;
            // Who does not answer has nothing for us now.
            let _ = tokio::time::timeout(PATIENCE, get_to_know(&node, &addr)).await;
            addr.id
        }
    };
    for addr in lan.nodes() {
        asking.insert(addr.id);
        tasks.spawn(greet(addr));
    }
    loop {
        tokio::select! {
            Some(done) = tasks.join_next() => if let Ok(id) = done {
                asking.remove(&id);
            },
            arrival = arrivals.recv() => match arrival {
                Ok(addr) => if asking.insert(addr.id) {
                    tasks.spawn(greet(addr));
                },
                // Those that were missed will be found when a site is sought.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return std::future::pending().await,
            },
        }
    }
}

/// Asks a node which of the sites that are kept up to date here it has, and remembers it for those.
async fn get_to_know(node: &Arc<Node>, addr: &EndpointAddr) -> Result<()> {
    let store = node.store.clone();
    let mut sites: Vec<SiteId> = blocking(move || store.kept_up())
        .await?
        .iter()
        .map(|state| state.site)
        .collect();
    sites.truncate(MAX_SITES);
    if sites.is_empty() {
        return Ok(());
    }
    let connection = node.connect(addr, wire::ALPN).await?;
    for some in sites.chunks(MAX_SOUGHT) {
        for site in sought::ask(&connection, some).await? {
            remember(node, &connection, addr, site).await?;
        }
    }
    Ok(())
}

async fn remember(
    node: &Arc<Node>,
    connection: &Connection,
    addr: &EndpointAddr,
    site: SiteId,
) -> Result<()> {
    // Its word is not enough to be taken for a peer: those that are known are few.
    fetch::ask_head(connection, site, addr).await?;
    let peer = Peer {
        node: *addr.id.as_bytes(),
        ticket: Ticket(addr.clone()).to_string(),
        heard: now(),
        named: false,
    };
    let store = node.store.clone();
    blocking(move || store.remember_peer(site, &peer)).await?;
    node.heard_of(site, vec![addr.clone()], Source::Lan);
    Ok(())
}

/// From 0 to 1. Without randomness all ask at the same time, which is bearable.
fn random() -> f64 {
    let mut bytes = [0; 4];
    let _ = getrandom::fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}
