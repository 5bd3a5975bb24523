//! A site's links: what happens to them goes into the overlay's state machine, and what that decides is done.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use iroh::{EndpointAddr, EndpointId};
use tokio::{
    sync::{broadcast::error::RecvError, mpsc},
    task::AbortHandle,
    time::Instant,
};

use super::{
    End, Heard,
    addresses::Addresses,
    bring::{Providers, Step, bring},
    frame::{Frame, Push},
    stream::{self, Answer, Handle, Streams},
};
use crate::{
    archive::{address::SiteId, head::Head, log, receipt::Receipt},
    error::{Kind, Result},
    store::{Relation, SiteState},
    swarm::{
        find::Holders,
        keep,
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
    job: Option<Job>,
    /// What this node says of the newest version: that it keeps it.
    receipt: Option<Vec<u8>>,
    signing: Option<Task>,
    seeking: Option<Task>,
}

struct Link {
    handle: Handle,
    by_us: bool,
}

struct Guest {
    peer: EndpointId,
    streams: Streams,
    head: Option<Head>,
}

struct Asking {
    number: u64,
    _task: Task,
}

struct Job {
    tip: Tip,
    providers: Providers,
    _task: Task,
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
                let (node, tip) = (*peer.as_bytes(), self.keep_head(head));
                self.feed(Input::Told { node, tip, whole });
            }
            Heard::Pushed { peer, head, push } => self.given(peer, head, push),
            Heard::Kept(receipt) => self.kept(receipt),
            Heard::Signed { tip, receipt } => {
                if self.head.as_ref().is_some_and(|head| head.tip() == tip) {
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

    fn given(&mut self, peer: EndpointId, head: Head, push: Push) {
        let (node, tip) = (*peer.as_bytes(), self.keep_head(head.clone()));
        let is_next = tip.length == self.head.as_ref().map_or(0, Head::length) + 1;
        let address = self.addresses.of(&node).cloned();
        match address.filter(|_| is_next && self.job.is_none() && self.keeps()) {
            Some(address) => {
                self.feed(Input::Given { node, tip });
                self.begin(head, Some((address.clone(), push)), vec![address]);
            }
            None => {
                let whole = true;
                self.feed(Input::Told { node, tip, whole });
            }
        }
    }

    /// Says over all links that the newest version is kept here. Nothing of that is urgent.
    fn sign(&mut self) {
        if self.relation == Relation::Own || !self.is_shared || self.head.is_none() {
            return;
        }
        let (node, site, ear) = (self.node.clone(), self.site, self.ear.clone());
        let task = self.node.spawn(async move {
            let Ok((head, receipt)) = keep::receipt(&node, site).await else {
                return;
            };
            let tip = head.tip();
            let _ = ear.send(Heard::Signed { tip, receipt }).await;
        });
        self.signing = Some(Task(task));
    }

    /// A node keeps a version. Of other sites than one's own nobody asks for that.
    fn kept(&self, receipt: Receipt) {
        if self.relation == Relation::Own {
            let store = self.node.store.clone();
            self.node.spawn(async move {
                // It is said again on the next link.
                let _ = blocking(move || store.keep_receipt(&receipt)).await;
            });
        }
    }

    fn learn_named(&mut self, peers: Vec<EndpointAddr>) -> Vec<NodeId> {
        let peers = peers.into_iter();
        peers
            .map(|peer| self.addresses.learn(peer, false))
            .collect()
    }

    /// Keeps the head of a version that is not here, and says which one that is.
    fn keep_head(&mut self, head: Head) -> Tip {
        let tip = tip_of(&head);
        if tip.length > self.head.as_ref().map_or(0, Head::length) {
            self.heads.insert(tip, head);
        }
        // A linked node tells of one at a time. The shortest are those that are of the least use.
        if self.heads.len() > 2 * Config::default().most {
            self.heads.pop_first();
        }
        tip
    }

    fn asked(&mut self, address: EndpointAddr, head: Option<Head>, streams: Streams) {
        let peer = address.id;
        if !self.is_shared {
            self.node
                .spawn(async move { drop(streams.refuse(Vec::new()).await) });
            return;
        }
        let node = self.addresses.learn(address, true);
        let tip = head.clone().map(|head| self.keep_head(head));
        self.guest = Some(Guest {
            peer,
            streams,
            head,
        });
        self.feed(Input::Asked { node, tip });
        self.guest = None;
    }

    fn answered(&mut self, peer: EndpointId, number: u64, answer: Result<Answer>) {
        let node = *peer.as_bytes();
        if self.asking.get(&node).is_none_or(|it| it.number != number) {
            // Overtaken by a link that it asked for.
            return;
        }
        self.asking.remove(&node);
        match answer {
            Ok(Answer::Link {
                streams,
                head,
                peers,
            }) => {
                let theirs = head.as_ref().map(Head::tip);
                let tip = head.map(|head| self.keep_head(head));
                self.link(peer, number, *streams, (None, theirs), true);
                let peers = self.learn_named(peers);
                if tip.is_some() {
                    self.remember(node);
                }
                self.feed(Input::Linked { node, tip, peers });
            }
            Ok(Answer::Refused(peers)) => {
                let peers = self.learn_named(peers);
                self.feed(Input::Refused { node, peers });
            }
            Err(e) if e.kind == Kind::Hostile => self.feed(Input::Lied { node }),
            Err(_) => {
                self.addresses.was_wrong(&node);
                self.feed(Input::Unreachable { node });
            }
        }
    }

    /// Whoever has the site and was there is asked again after a restart.
    fn remember(&self, node: NodeId) {
        let Some(address) = self.addresses.of(&node).cloned() else {
            return;
        };
        let (remembering, site) = (self.node.clone(), self.site);
        self.node.spawn(async move {
            let _ = crate::swarm::fetch::heard(&remembering, site, &address).await;
        });
    }

    fn link(
        &mut self,
        peer: EndpointId,
        number: u64,
        streams: Streams,
        (welcome, theirs): (Option<Frame>, Option<log::Tip>),
        by_us: bool,
    ) {
        let handle = stream::start(
            &self.node,
            self.site,
            (peer, number),
            streams,
            welcome,
            theirs,
            self.ear.clone(),
        );
        if let Some(address) = self.addresses.of(peer.as_bytes()) {
            self.node.presence.reach(self.site, address.clone());
        }
        if let Some(receipt) = self.receipt.clone().filter(|_| self.is_shared) {
            handle.send(Frame::Kept(receipt));
        }
        self.links.insert(*peer.as_bytes(), Link { handle, by_us });
    }

    fn brought(&mut self, step: Step) {
        match step {
            Step::Failed { peer, tip, lied } => {
                let node = *peer.as_bytes();
                let tip = from_log(tip);
                self.feed(Input::Failed { node, tip });
                if lied {
                    self.links.remove(&node);
                    self.feed(Input::Lied { node });
                }
            }
            Step::Missed { tip, again } => {
                let tip = from_log(tip);
                if self.job.as_ref().is_some_and(|job| job.tip == tip) {
                    self.job = None;
                }
                self.feed(Input::Missed { tip, again });
            }
        }
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

    fn dial(&mut self, node: NodeId) -> Option<Input> {
        let address = self.addresses.of(&node).cloned();
        let Some(address) = address.filter(|_| self.part == Part::Active) else {
            return Some(Input::Unreachable { node });
        };
        self.count += 1;
        let (number, peer) = (self.count, address.id);
        let (asker, site, ear) = (self.node.clone(), self.site, self.ear.clone());
        let head = self.head.clone().filter(|_| self.is_shared);
        let task = self.node.spawn(async move {
            let answer = stream::ask(&asker, site, &address, head).await;
            let answered = Heard::Answered {
                peer,
                number,
                answer,
            };
            // Nobody hears it if the driver has ended.
            let _ = ear.send(answered).await;
        });
        let _task = Task(task);
        self.asking.insert(node, Asking { number, _task });
        None
    }

    /// Looks for more nodes, in every way that the network knows.
    fn seek(&mut self) {
        if self.part != Part::Active {
            return;
        }
        let mut holders = Holders::new(&self.node, self.site, Vec::new());
        let ear = self.ear.clone();
        let task = self.node.spawn(async move {
            while let Some(ticket) = holders.next().await {
                let (nodes, source) = (vec![ticket.0], Source::Dht);
                if ear.send(Heard::Known { nodes, source }).await.is_err() {
                    return;
                }
            }
        });
        self.seeking = Some(Task(task));
    }

    fn admit(&mut self, node: NodeId, peers: &[NodeId]) {
        let guest = self.guest.take_if(|guest| *guest.peer.as_bytes() == node);
        let Some(guest) = guest else {
            return;
        };
        // If this node has asked that one meanwhile, that is settled too.
        self.asking.remove(&node);
        self.count += 1;
        let welcome = Frame::Welcome {
            head: self.head.as_ref().map(Head::encode),
            peers: self.addresses.all(peers),
        };
        let theirs = guest.head.as_ref().map(Head::tip);
        self.link(
            guest.peer,
            self.count,
            guest.streams,
            (Some(welcome), theirs),
            false,
        );
    }

    fn refuse(&mut self, node: NodeId, peers: &[NodeId]) {
        let peers = self.addresses.all(peers);
        let guest = self.guest.take_if(|guest| *guest.peer.as_bytes() == node);
        if let Some(guest) = guest {
            self.node
                .spawn(async move { drop(guest.streams.refuse(peers).await) });
        } else if let Some(link) = self.links.remove(&node) {
            link.handle.send(Frame::Refused(peers));
        }
    }

    fn fetch(&mut self, tip: Tip, from: &[NodeId]) -> Option<Input> {
        if !self.keeps() {
            return Some(Input::Missed { tip, again: false });
        }
        let Some(head) = self.heads.get(&tip).cloned() else {
            // Forgotten for others: whoever has the version tells of it again on the next link.
            return Some(Input::Missed { tip, again: true });
        };
        self.begin(head, None, self.addresses.all(from));
        None
    }

    /// Whether newer versions are brought here. A site of one's own is published, not fetched: what another machine
    /// has published is shown first.
    fn keeps(&self) -> bool {
        self.part == Part::Active && self.relation != Relation::Own
    }

    fn begin(
        &mut self,
        head: Head,
        pushed: Option<(EndpointAddr, Push)>,
        providers: Vec<EndpointAddr>,
    ) {
        let tip = tip_of(&head);
        let providers = Providers::new(Mutex::new(providers.into()));
        let (node, site, ear) = (self.node.clone(), self.site, self.ear.clone());
        let queue = providers.clone();
        let task = self.node.spawn(async move {
            bring(&node, site, head, pushed, &queue, &ear).await;
        });
        self.job = Some(Job {
            tip,
            providers,
            _task: Task(task),
        });
    }
}

impl Job {
    /// Lets it end by itself.
    fn let_go(mut self) {
        self._task.0 = None;
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
