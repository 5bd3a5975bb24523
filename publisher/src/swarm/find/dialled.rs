//! Which of the nodes that the DHT names have a site: candidates are holders when they were dialled and have shown
//! a head of it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use iroh::{EndpointAddr, EndpointId, TransportAddr};
use tokio::{sync::mpsc, task::JoinSet};

use super::{dht::Found, signpost};
use crate::{
    archive::address::SiteId,
    swarm::{fetch, network::Ticket, node::Node},
};

/// The most candidates that are dialled at a time, and in one search.
const AT_ONCE: usize = 8;
const MAX_DIALLED: usize = 40;
/// How long a candidate may take to show a head. Its addresses are looked up meanwhile.
const PATIENCE: Duration = Duration::from_secs(15);
/// The most addresses of a node that are kept.
const MAX_ADDRESSES: usize = 32;

/// Tells `holders` of nodes that have a site, as they show it. It ends when the DHT names nobody more, within about
/// half a minute.
pub(super) async fn seek(node: &Arc<Node>, site: SiteId, holders: &mpsc::Sender<Ticket>) {
    let Ok(Some(dht)) = node.finder.dht(node).await else {
        return;
    };
    let mut found = dht.lookup(site);
    let mut dialled = HashSet::from([node.id()]);
    let mut dials = JoinSet::new();
    let mut waiting: Vec<[u8; 32]> = Vec::new();
    let mut is_over = false;
    loop {
        while dials.len() < AT_ONCE
            && let Some(candidate) = waiting.pop()
        {
            let node = node.clone();
            dials.spawn(async move { dial(&node, site, candidate).await });
        }
        if is_over && dials.is_empty() {
            return;
        }
        tokio::select! {
            said = found.recv(), if !is_over => {
                let named = match said {
                    Some(Found::Signpost(said)) => {
                        let named = said.holders().to_vec();
                        signpost::keep(node, *said).await;
                        named
                    }
                    Some(Found::Node(name)) => vec![name],
                    None => {
                        is_over = true;
                        continue;
                    }
                };
                // The best is named first, and taken last.
                for name in named.into_iter().rev() {
                    if dialled.len() <= MAX_DIALLED && dialled.insert(name) {
                        waiting.push(name);
                    }
                }
            }
            Some(done) = dials.join_next() => {
                if let Ok(Some(holder)) = done
                    && holders.send(holder).await.is_err()
                {
                    return;
                }
            }
        }
    }
}

/// Asks a candidate for its head.
async fn dial(node: &Arc<Node>, site: SiteId, candidate: [u8; 32]) -> Option<Ticket> {
    let id = EndpointId::from_bytes(&candidate).ok()?;
    let ticket = Ticket(EndpointAddr::from(id));
    let offered = tokio::time::timeout(PATIENCE, fetch::offered(node, site, &ticket));
    offered.await.ok()?.ok()?;
    // Where it was reached, others may reach it too, and this node sooner the next time.
    let known = node.endpoint().await.ok()?.remote_info(id).await;
    let addresses = known.into_iter().flat_map(|known| known.into_addrs());
    let addresses: Vec<TransportAddr> = addresses
        .map(|address| address.into_addr())
        .take(MAX_ADDRESSES)
        .collect();
    Some(Ticket(EndpointAddr::from_parts(id, addresses)))
}
