//! A site's links: what happens to them goes into the overlay's state machine, and what that decides is done.

mod linking;
mod versions;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::{Arc, PoisonError},
};

use iroh::EndpointAddr;
use tokio::{
    sync::{broadcast::error::RecvError, mpsc},
    task::AbortHandle,
    time::Instant,
};

use self::{
    linking::{Asking, Guest, Link},
    versions::Job,
};
use super::{End, Heard, addresses::Addresses, frame::Frame};
use crate::{
    archive::{address::SiteId, head::Head, log},
    store::{Relation, SiteState},
    swarm::{
        network::Ticket,
        node::{Node, blocking},
        proto::{
            NodeId, Tip,
            overlay::{Config, Input, Output, Overlay, Source},
        },
    },
};

/// What a node does for a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::swarm) enum Part {
    /// It looks for others, and keeps the site up to date.
    Active,
    /// It answers those who ask, and ends when nobody is linked any more.
    Passive,
}

/// Drives the links of a site until it is not kept any more. `ear` leads to `heard`.
pub(in crate::swarm) async fn drive(
    node: Arc<Node>,
    site: SiteId,
    part: Part,
    ear: mpsc::Sender<Heard>,
    mut heard: mpsc::Receiver<Heard>,
) {
    // Before the first look, so that nothing comes in between.
    let mut news = node.news();
    let mut driver = Driver::new(node, site, part, ear);
    if !driver.look().await {
        return;
    }
    loop {
        let wake = driver.wake;
        tokio::select! {
            Some(heard) = heard.recv() => {
                if matches!(heard, Heard::Replaced) {
                    return;
                }
                driver.hear(heard);
                if part == Part::Passive && driver.links.is_empty() {
                    return;
                }
            }
            other = news.recv() => match other {
                Ok(other) if other != site => {}
                // It has missed some: this site may be among them.
                Ok(_) | Err(RecvError::Lagged(_)) => match driver.look().await {
                    true => {}
                    false => return,
                },
                Err(RecvError::Closed) => return,
            },
            () = until(wake) => {
                driver.wake = None;
                driver.feed(Input::Tick);
            }
        }
        if !driver.is_in_charge() {
            return;
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

struct Driver {
    node: Arc<Node>,
    site: SiteId,
    part: Part,
    ear: mpsc::Sender<Heard>,
    overlay: Overlay,
    /// From when on the overlay's time counts.
    origin: Instant,
    wake: Option<Instant>,
    relation: Relation,
    is_shared: bool,
    head: Option<Head>,
    links: HashMap<NodeId, Link>,
    asking: HashMap<NodeId, Asking>,
    /// How many links there were or were asked for.
    count: u64,
    addresses: Addresses,
    /// Who asks for a link right now.
    guest: Option<Guest>,
    /// Heads of what linked nodes have and this one has not.
    heads: BTreeMap<Tip, Head>,
    /// Those of a site of one's own that were compared with the log here.
    doubted: BTreeSet<Tip>,
    job: Option<Job>,
    /// What this node says of the newest version: that it keeps it.
    receipt: Option<Vec<u8>>,
    signing: Option<Task>,
    seeking: Option<Task>,
}

/// A task that ends when this is dropped.
struct Task(Option<AbortHandle>);

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

impl Driver {
    fn new(node: Arc<Node>, site: SiteId, part: Part, ear: mpsc::Sender<Heard>) -> Self {
        let mut seed = [0; 8];
        // Without it nodes are less different from each other, which is bearable.
        let _ = getrandom::fill(&mut seed);
        let config = match part {
            Part::Active => Config::default(),
            Part::Passive => Config {
                active: 0,
                ..Config::default()
            },
        };
        let overlay = Overlay::new(node.id(), config, u64::from_le_bytes(seed));
        Self {
            node,
            site,
            part,
            ear,
            overlay,
            origin: Instant::now(),
            wake: None,
            relation: Relation::Visited,
            is_shared: false,
            head: None,
            links: HashMap::new(),
            asking: HashMap::new(),
            count: 0,
            addresses: Addresses::default(),
            guest: None,
            heads: BTreeMap::new(),
            doubted: BTreeSet::new(),
            job: None,
            receipt: None,
            signing: None,
            seeking: None,
        }
    }

    fn is_in_charge(&self) -> bool {
        self.node.links.is_driver(self.site, &self.ear)
    }

    /// Looks at what is here. False if the site is not kept any more.
    async fn look(&mut self) -> bool {
        let (store, site) = (self.node.store.clone(), self.site);
        let seen = blocking(move || Ok((store.site(site)?, store.peers(site)?))).await;
        let (state, peers) = match seen {
            Ok((Some(state), peers)) if state.relation != Relation::Visited => (state, peers),
            Ok(_) => return false,
            // If the records can't be read now, they may be later.
            Err(_) => return true,
        };
        let SiteState { relation, head, .. } = &state;
        self.relation = *relation;
        let was_shared = std::mem::replace(&mut self.is_shared, state.is_shared());
        if was_shared && !self.is_shared {
            let guests = self.links.extract_if(|_, link| !link.by_us);
            let guests: Vec<_> = guests.map(|(node, _)| node).collect();
            for node in guests {
                let peers = Vec::new();
                self.feed(Input::Ended { node, peers });
            }
        }
        if let Some(head) = head.clone().filter(|head| Some(head) != self.head.as_ref()) {
            let tip = tip_of(&head);
            self.heads.retain(|other, _| other.length > tip.length);
            self.head = Some(head);
            self.receipt = None;
            self.feed(Input::Has { tip });
            let is_done = |job: &Job| job.tip.length <= tip.length;
            // It ends by itself: it has just recorded the version.
            if let Some(job) = self.job.take_if(|job| is_done(job)) {
                job.let_go();
            }
        }
        if self.receipt.is_none() {
            self.sign();
        }
        if self.part == Part::Active {
            let tickets = peers.iter().filter_map(|peer| peer.ticket.parse().ok());
            let nodes = tickets.map(|ticket: Ticket| ticket.0).collect();
            self.learn(nodes, Source::Own);
        }
        true
    }

    fn learn(&mut self, addresses: Vec<EndpointAddr>, source: Source) {
        let better = source == Source::Own;
        let nodes = addresses
            .into_iter()
            .map(|address| self.addresses.learn(address, better));
        let nodes = nodes.collect();
        self.feed(Input::Known { nodes, source });
        let overlay = &self.overlay;
        self.addresses
            .tidy(Config::default().known, |node| overlay.knows(node));
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Asked {
                address,
                head,
                streams,
            } => self.asked(address, head, streams),
            Heard::Answered {
                peer,
                number,
                answer,
            } => self.answered(peer, number, answer),
            Heard::Ended { peer, number, end } => {
                let node = *peer.as_bytes();
                let link = self.links.get(&node);
                if link.is_some_and(|link| link.handle.number == number) {
                    self.links.remove(&node);
                    let input = match end {
                        End::Lied => Input::Lied { node },
                        End::Left => Input::Left { node },
                        End::Lost(peers) => {
                            let peers = self.learn_named(peers);
                            Input::Ended { node, peers }
                        }
                    };
                    self.feed(input);
                }
            }
            Heard::Told { peer, head, whole } => {
                let node = *peer.as_bytes();
                let tip = self.keep_head(&node, head);
                self.feed(Input::Told { node, tip, whole });
            }
            Heard::Pushed { peer, head, push } => self.given(peer, head, push),
            Heard::Kept { peer, receipt } => self.kept(peer, receipt),
            Heard::Signed { tip, receipt } => {
                let is_newest = self.head.as_ref().is_some_and(|head| head.tip() == tip);
                // Once is enough, also if there were several looks at it.
                if is_newest && self.receipt.is_none() {
                    let links = self.links.values();
                    links.for_each(|link| link.handle.send(Frame::Kept(receipt.clone())));
                    self.receipt = Some(receipt);
                }
            }
            Heard::Named { peer, peers } => {
                let node = *peer.as_bytes();
                let peers = self.learn_named(peers);
                self.feed(Input::Peers { node, peers });
            }
            Heard::Known { nodes, source } => self.learn(nodes, source),
            Heard::Brought(step) => self.brought(step),
            Heard::Replaced => {}
        }
    }

    fn learn_named(&mut self, peers: Vec<EndpointAddr>) -> Vec<NodeId> {
        let peers = peers.into_iter();
        peers
            .map(|peer| self.addresses.learn(peer, false))
            .collect()
    }

    /// Tells the overlay what happened, and does what it says; what comes of that at once is told it too.
    fn feed(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let now = Instant::now().saturating_duration_since(self.origin);
            for output in self.overlay.handle(now, input) {
                inputs.extend(self.act(output));
            }
        }
    }

    fn act(&mut self, output: Output) -> Option<Input> {
        match output {
            Output::Dial { node, .. } => return self.dial(node),
            Output::Admit { node, peers, .. } => self.admit(node, &peers),
            Output::Refuse { node, peers } => self.refuse(node, &peers),
            Output::Tell {
                node,
                tip,
                whole,
                give,
            } => {
                let here = self.head.clone().filter(|head| tip_of(head) == tip);
                let head = here.or_else(|| self.heads.get(&tip).cloned());
                if let (Some(link), Some(head), true) =
                    (self.links.get(&node), head, self.is_shared)
                {
                    link.handle.tell(head, whole, give);
                }
            }
            Output::Peers { node, peers } => {
                if let Some(link) = self.links.get(&node) {
                    link.handle.send(Frame::Peers(self.addresses.all(&peers)));
                }
            }
            Output::Fetch { tip, from } => return self.fetch(tip, &from),
            Output::AlsoHas { tip, node } => {
                let job = self.job.as_ref().filter(|job| job.tip == tip);
                if let (Some(job), Some(address)) = (job, self.addresses.of(&node)) {
                    let providers = job.providers.lock();
                    let mut providers = providers.unwrap_or_else(PoisonError::into_inner);
                    providers.push_back(address.clone());
                }
            }
            Output::Seek => self.seek(),
            Output::Wake { at } => self.wake = Some(self.origin + at),
        }
        None
    }
}

fn tip_of(head: &Head) -> Tip {
    from_log(head.tip())
}

fn from_log(tip: log::Tip) -> Tip {
    Tip {
        length: tip.length,
        root: tip.root.0,
    }
}
