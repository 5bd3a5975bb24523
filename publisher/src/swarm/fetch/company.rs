//! [`Company`]: the nodes from which a version is fetched. One is known at the beginning, the others are found while
//! it comes: nodes that the site was had from, peers of peers, and whoever asks this node for the same version.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use iroh::{EndpointAddr, EndpointId, endpoint::Connection};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
};

use super::{
    Metered,
    ask::Trouble,
    talk::{begin, call, listen},
};
use crate::{
    archive::{address::SiteId, log::Tip},
    error::Result,
    swarm::{
        link::Shared,
        network::Ticket,
        node::{Node, blocking},
        peers::is_bounded,
        presence::Present,
        proto::{NodeId, pieces::Holder},
        wire::{More, Request, Response},
    },
};

/// How many parts are asked of one node at a time.
const STREAMS: usize = 8;

/// How many nodes are asked beside the first one at a time, and tried in one fetch.
const COMPANIONS: usize = 8;
const TRIED: usize = 32;

/// How many nodes are taken from one answer, and known in one fetch.
const FOUND: usize = 32;
const KNOWN: usize = 256;

/// How long a node may take to come to a fetch.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the first node may take to say how much may be asked of it.
const MANNERS: Duration = Duration::from_secs(1);

/// How often peers are asked for peers, at first and at last.
const ASKED: Duration = Duration::from_millis(250);
const ASKED_LAST: Duration = Duration::from_secs(8);

/// A node that is asked for pieces.
pub(super) struct Member {
    pub(super) connection: Connection,
    pub(super) holder: Holder,
    pub(super) slots: Arc<Semaphore>,
    /// Bytes that came from it, and how many of them were counted.
    pub(super) moved: Arc<AtomicU64>,
    pub(super) counted: u64,
    /// Where it is asked to show more.
    more: Option<mpsc::Sender<More>>,
    address: EndpointAddr,
    /// It closes when nobody has it any more.
    _talk: Option<Arc<Shared>>,
    _present: Present,
    metered: Vec<Metered>,
}

/// What happens to a fetch.
pub(super) enum Event {
    /// A node can be asked.
    Joined(Box<Joined>),
    /// A node could not be reached, or is of no use.
    Missed,
    /// A node has something else than was thought.
    Turns(NodeId, Holder),
    /// A node has these pieces too, or may be asked for them.
    Has(NodeId, Vec<Range<u32>>),
    /// Nodes that may have something, and whether that is the first that a node says of them.
    Found(Vec<EndpointAddr>, bool),
    /// A piece came, or did not.
    Piece(NodeId, u32, Result<(), Trouble>),
}

/// A node that was found while the version comes.
pub(super) struct Joined {
    pub(super) address: EndpointAddr,
    pub(super) talk: Arc<Shared>,
    pub(super) blobs: Connection,
    pub(super) holder: Holder,
    pub(super) more: mpsc::Sender<More>,
}

/// The nodes from which a version is fetched.
pub(super) struct Company {
    node: Arc<Node>,
    site: SiteId,
    pub(super) members: BTreeMap<NodeId, Member>,
    first: NodeId,
    candidates: VecDeque<EndpointAddr>,
    /// Who was found, and this node itself.
    known: BTreeSet<EndpointId>,
    dialled: usize,
    dialling: usize,
    /// How many have been asked for peers and have not said anything yet.
    seeking: usize,
    tasks: JoinSet<()>,
    /// What came from those who are not asked any more.
    received: u64,
    pub(super) sender: mpsc::Sender<Event>,
    pub(super) events: mpsc::Receiver<Event>,
}

impl Company {
    /// The company of one node.
    pub(super) async fn of(node: &Arc<Node>, site: SiteId, first: &EndpointAddr) -> Result<Self> {
        let connection = node.connect(first, iroh_blobs::ALPN).await?;
        let (sender, events) = mpsc::channel(256);
        let mut this = Self {
            members: BTreeMap::new(),
            first: *first.id.as_bytes(),
            candidates: VecDeque::new(),
            known: BTreeSet::from([node.address().await?.id, first.id]),
            dialled: 0,
            dialling: 0,
            seeking: 0,
            tasks: JoinSet::new(),
            received: 0,
            sender,
            events,
            node: node.clone(),
            site,
        };
        this.add(first.clone(), None, connection, Holder::Whole, None);
        Ok(this)
    }

    /// The first node is asked to say little by little what may be asked of it: others may fetch the same.
    pub(super) fn ask_first(&mut self, talk: &Connection, tip: Tip, from: Option<EndpointAddr>) {
        let Some(first) = self.members.get_mut(&self.first) else {
            return;
        };
        let (more, wants) = mpsc::channel(1);
        first.holder = Holder::Showing;
        first.more = Some(more);
        let (site, id, events, talk) = (self.site, self.first, self.sender.clone(), talk.clone());
        self.tasks.spawn(async move {
            let begun = tokio::time::timeout(MANNERS, begin(site, tip, from, &talk)).await;
            match begun {
                Ok(Ok(begun)) => {
                    if begun.holder != Holder::Showing {
                        let _ = events.send(Event::Turns(id, begun.holder)).await;
                    }
                    listen(begun, id, &events, wants).await;
                }
                // It has offered the version, so it has it, whatever it makes of the question.
                _ => drop(events.send(Event::Turns(id, Holder::Whole)).await),
            }
        });
    }

    /// Looks for others who have the version, from now on.
    pub(super) async fn gather(&mut self, talk: &Connection) -> Result<()> {
        let (store, site) = (self.node.store.clone(), self.site);
        let peers = blocking(move || store.peers(site)).await?;
        let tickets = peers.iter().filter_map(|peer| peer.ticket.parse().ok());
        self.found(tickets.map(|ticket: Ticket| ticket.0).collect());
        self.ask_for_peers(talk.clone());
        Ok(())
    }

    /// Asks a node for its peers, again and again.
    fn ask_for_peers(&mut self, talk: Connection) {
        let (site, events) = (self.site, self.sender.clone());
        self.seeking += 1;
        self.tasks.spawn(async move {
            let request = Request::Peers { site: site.0 };
            let (mut pause, mut is_first) = (ASKED, true);
            loop {
                let asked = tokio::time::timeout(PATIENCE, super::ask(&talk, &request)).await;
                let Ok(Ok(Response::Peers(peers))) = asked else {
                    if is_first {
                        let _ = events.send(Event::Found(Vec::new(), true)).await;
                    }
                    return;
                };
                if events.send(Event::Found(peers, is_first)).await.is_err() {
                    return;
                }
                is_first = false;
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(ASKED_LAST);
            }
        });
    }

    /// A node has said whom it knows.
    pub(super) fn heard(&mut self, peers: Vec<EndpointAddr>, is_first: bool) {
        self.seeking -= usize::from(is_first);
        self.found(peers);
    }

    /// These may have something.
    fn found(&mut self, mut peers: Vec<EndpointAddr>) {
        peers.truncate(FOUND);
        for peer in peers {
            if self.known.len() < KNOWN && is_bounded(&peer) && self.known.insert(peer.id) {
                self.candidates.push_back(peer);
            }
        }
    }

    /// The connection for blobs to one of them, if there is one: to the first, as long as it is alone.
    pub(super) fn any(&self) -> Option<&Connection> {
        self.members
            .values()
            .next()
            .map(|member| &member.connection)
    }

    /// Whether somebody may still come.
    pub(super) fn may_grow(&self) -> bool {
        self.dialling + self.seeking > 0 || (!self.candidates.is_empty() && self.dialled < TRIED)
    }

    /// Calls those who were found, as many as there is room for.
    pub(super) fn call(&mut self, tip: Tip, from: Option<&EndpointAddr>) {
        self.found(self.node.presence.reachable(self.site));
        while self.dialled < TRIED
            && self.members.len() + self.dialling <= COMPANIONS
            && let Some(address) = self.candidates.pop_front()
        {
            self.dialled += 1;
            self.dialling += 1;
            let (node, site, events) = (self.node.clone(), self.site, self.sender.clone());
            let from = from.cloned();
            self.tasks.spawn(async move {
                let id = *address.id.as_bytes();
                let called = call(&node, site, tip, from, address);
                match tokio::time::timeout(PATIENCE, called).await {
                    Ok(Ok((joined, begun, wants))) => {
                        if events.send(Event::Joined(Box::new(joined))).await.is_ok() {
                            listen(begun, id, &events, wants).await;
                        }
                    }
                    _ => drop(events.send(Event::Missed).await),
                }
            });
        }
    }

    pub(super) fn missed(&mut self) {
        self.dialling -= 1;
    }

    /// Takes a node in, and says which.
    pub(super) fn join(&mut self, joined: Joined) -> (NodeId, Holder) {
        self.dialling -= 1;
        let Joined {
            address,
            talk,
            blobs,
            holder,
            more,
        } = joined;
        let id = *address.id.as_bytes();
        self.ask_for_peers(talk.connection.clone());
        self.add(address, Some(talk), blobs, holder, Some(more));
        (id, holder)
    }

    /// Asks a node to show more. Is it busy with the question before, that one is as good.
    pub(super) fn more(&self, node: NodeId, wants: &[Range<u32>], alone: bool) {
        let more = self.members.get(&node).and_then(|m| m.more.as_ref());
        if let Some(more) = more {
            let wants = wants.iter().map(|run| (run.start, run.end)).collect();
            let _ = more.try_send(More { wants, alone });
        }
    }

    /// Has no more to do with a node.
    pub(super) fn leave(&mut self, node: NodeId) {
        if let Some(member) = self.members.remove(&node) {
            self.received += member.metered.iter().map(Metered::received).sum::<u64>();
        }
    }

    /// How many bytes came, on the wire.
    pub(super) fn received(&self) -> u64 {
        let open = self.members.values().flat_map(|m| &m.metered);
        self.received + open.map(Metered::received).sum::<u64>()
    }

    /// Those who gave something and did not fail; the first one also if there was nothing to give.
    pub(super) fn givers(&self) -> Vec<EndpointAddr> {
        let gave = self
            .members
            .iter()
            .filter(|(id, member)| **id == self.first || member.moved.load(Ordering::Relaxed) > 0);
        gave.map(|(_, member)| member.address.clone()).collect()
    }

    fn add(
        &mut self,
        address: EndpointAddr,
        talk: Option<Arc<Shared>>,
        blobs: Connection,
        holder: Holder,
        more: Option<mpsc::Sender<More>>,
    ) {
        let connections = talk.iter().map(|talk| &talk.connection);
        let metered = connections.chain([&blobs]);
        let metered = metered.map(|c| Metered::new(&self.node, self.site, c));
        let member = Member {
            holder,
            slots: Arc::new(Semaphore::new(STREAMS)),
            moved: Arc::default(),
            counted: 0,
            more,
            metered: metered.collect(),
            _talk: talk,
            _present: self.node.presence.enter(self.site, address.id),
            connection: blobs,
            address,
        };
        self.node.presence.reach(self.site, member.address.clone());
        self.members.insert(*member.address.id.as_bytes(), member);
    }
}
