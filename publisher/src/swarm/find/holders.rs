//! [`Holders`]: the nodes that may have a site.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use tokio::sync::mpsc;

use super::{dialled, neighbours};
use crate::{
    archive::address::SiteId,
    swarm::{
        fetch::{self, Wanted},
        network::Ticket,
        node::Node,
    },
};

/// The most nodes that are found for one site in one search.
const MAX_FOUND: usize = 16;

/// The nodes that may have a site, one after the other: those that are known, and those that are found meanwhile.
/// Nobody is looked for before the first of the known ones turned out to be of no use.
pub(crate) struct Holders {
    node: Arc<Node>,
    site: SiteId,
    known: VecDeque<Ticket>,
    given: HashSet<[u8; 32]>,
    found: Option<mpsc::Receiver<Ticket>>,
}

impl Holders {
    /// The holders of `site`; `known` may be those, the likeliest first.
    pub(crate) fn new(node: &Arc<Node>, site: SiteId, known: Vec<Ticket>) -> Self {
        Self {
            node: node.clone(),
            site,
            known: known.into(),
            given: HashSet::new(),
            found: None,
        }
    }

    /// Asks those that are found from now on too, in the background: one of them may have a newer version than the
    /// first that was used.
    pub(crate) fn go_on(self, wanted: Wanted) {
        let Some(mut found) = self.found else {
            return;
        };
        let (node, site) = (self.node, self.site);
        tokio::spawn(async move {
            let rest = async {
                while let Some(ticket) = found.recv().await {
                    if !self.given.contains(&ticket.node()) {
                        // Whoever has nothing newer is remembered, as one who has the site.
                        let _ = fetch::newest(&node, site, &ticket, wanted).await;
                    }
                }
            };
            tokio::select! {
                () = rest => {}
                () = node.closed() => {}
            }
        });
    }

    /// The next node to ask; `None` if there are no more. It waits for what is being found.
    pub(crate) async fn next(&mut self) -> Option<Ticket> {
        loop {
            let next = match &mut self.found {
                // Who has just shown that it has the site goes before those that had it once.
                Some(found) => match found.try_recv() {
                    Ok(ticket) => Some(ticket),
                    Err(_) => match self.known.pop_front() {
                        Some(ticket) => Some(ticket),
                        None => found.recv().await,
                    },
                },
                None => self.known.pop_front(),
            };
            if self.found.is_none() && (next.is_none() || !self.given.is_empty()) {
                self.found = Some(seek(&self.node, self.site));
                if next.is_none() {
                    continue;
                }
            }
            let ticket = next?;
            if self.given.insert(ticket.node()) {
                return Some(ticket);
            }
        }
    }
}

/// Looks for nodes that have a site, in every way that the node's network knows. The search ends when nobody
/// listens any more.
fn seek(node: &Arc<Node>, site: SiteId) -> mpsc::Receiver<Ticket> {
    let (sender, receiver) = mpsc::channel(MAX_FOUND);
    if node.finds() {
        let node = node.clone();
        tokio::spawn(async move {
            let all = async {
                tokio::join!(
                    neighbours::seek(&node, site, &sender),
                    dialled::seek(&node, site, &sender),
                );
            };
            tokio::select! {
                () = all => {}
                () = sender.closed() => {}
                () = node.closed() => {}
            }
        });
    }
    receiver
}
