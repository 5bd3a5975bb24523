//! One node: what it is, and the driver of its `Overlay`.

use std::{collections::BTreeMap, time::Duration};

use skep_publisher::swarm::proto::{
    NodeId, Tip,
    overlay::{Config, Input, Output, Overlay, Source},
};

use super::{
    content::forged,
    fetching::Fetch,
    message::{Alarm, Message, Stream},
    net::Place,
    serving::Uplink,
    world::World,
};

/// How long a dial may take.
const DIAL: Duration = Duration::from_secs(5);
/// The largest version that is given unasked, in bytes.
const GIVEN: u64 = 64 << 10;
/// How many nodes are kept over a restart.
const CONTACTS: usize = 8;

/// What a node does with what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Character {
    Honest,
    /// Tells of versions that nobody signed.
    Forger,
    /// Says that it has every version that it hears of, and never delivers a byte.
    Hoarder,
    /// Delivers other bytes.
    Corrupter,
    /// Names nodes that do not exist, tells the same again and again, and asks everybody for links.
    Flooder,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) id: NodeId,
    pub(super) character: Character,
    /// Bytes a second.
    pub(super) up: u64,
    pub(super) down: u64,
    pub(super) online: bool,
    /// Counts its starts: what was planned in another life does not happen.
    pub(super) life: u32,
    pub(super) overlay: Overlay,
    pub(super) links: BTreeMap<Place, Stream>,
    dials: BTreeMap<Place, Stream>,
    /// Who asks for a link just now.
    guest: Option<(Place, Stream)>,
    wake: Duration,
    /// Who is kept in mind over a restart.
    contacts: Vec<NodeId>,
    /// What is here of the content, 0 for what is not.
    pub(super) store: Vec<u64>,
    pub(super) tip: Option<Tip>,
    pub(super) fetch: Option<Fetch>,
    pub(super) fetches: u32,
    pub(super) uplink: Uplink,
    /// Until when its downlink is busy.
    pub(super) down_busy: Duration,
}

impl Node {
    pub(super) fn new(id: NodeId, character: Character, up: u64, down: u64) -> Self {
        Self {
            id,
            character,
            up,
            down,
            online: false,
            life: 0,
            overlay: Overlay::new(id, Config::default(), 0),
            links: BTreeMap::new(),
            dials: BTreeMap::new(),
            guest: None,
            wake: Duration::ZERO,
            contacts: Vec::new(),
            store: Vec::new(),
            tip: None,
            fetch: None,
            fetches: 0,
            uplink: Uplink::default(),
            down_busy: Duration::ZERO,
        }
    }

    pub(super) fn has_piece(&self, piece: u32) -> bool {
        self.store
            .get(piece as usize)
            .is_some_and(|held| *held != 0)
    }

    pub(super) fn is_honest(&self) -> bool {
        self.character == Character::Honest
    }
}

/// Where a node is, by its id.
pub(super) fn place(id: &NodeId) -> Place {
    u32::from_be_bytes([id[28], id[29], id[30], id[31]]) as Place
}

impl World {
    /// A node starts. It knows these, and whom it was linked with before.
    pub(super) fn start(&mut self, me: Place, known: &[Place]) {
        let seed = self.dice.roll();
        let mut nodes: Vec<_> = known.iter().map(|other| self.nodes[*other].id).collect();
        let node = &mut self.nodes[me];
        node.online = true;
        node.life += 1;
        node.overlay = Overlay::new(node.id, Config::default(), seed);
        nodes.append(&mut node.contacts);
        let tip = node.tip;
        if let Some(tip) = tip {
            self.feed(me, Input::Has { tip });
        }
        let source = Source::Own;
        self.feed(me, Input::Known { nodes, source });
        if self.nodes[me].character != Character::Honest {
            self.alarm(me, Duration::from_secs(5), Alarm::Lie);
        }
    }

    /// A node stops. Its links end at once if it says so; otherwise the others find out.
    pub(super) fn stop(&mut self, me: Place, says_so: bool) {
        let node = &mut self.nodes[me];
        node.contacts = node.overlay.links().take(CONTACTS).collect();
        let links = std::mem::take(&mut node.links);
        if says_so {
            for (other, stream) in links {
                self.send(me, other, Message::Leave(stream));
            }
            self.end_fetch(me);
        }
        let node = &mut self.nodes[me];
        node.online = false;
        node.life += 1;
        node.dials.clear();
        node.fetch = None;
        node.uplink = Uplink::default();
        for other in 0..self.nodes.len() {
            self.forget_fetcher(other, me);
            self.cut(other, me);
        }
    }

    /// A node can't reach another any more, and finds out after a while.
    pub(super) fn cut(&mut self, me: Place, other: Place) {
        let node = &self.nodes[me];
        let stream = node.links.get(&other).copied();
        let fetches = node.fetch.as_ref().is_some_and(|fetch| fetch.asks(other));
        if stream.is_some() || fetches {
            let wait = Duration::from_millis(5_000 + self.dice.below(15_000));
            self.alarm(me, wait, Alarm::Dead(other, stream.unwrap_or(0)));
        }
    }

    /// Tells an overlay what happened, and does what it says.
    pub(super) fn feed(&mut self, me: Place, input: Input) {
        let now = self.now();
        for output in self.nodes[me].overlay.handle(now, input) {
            self.act(me, output);
        }
        self.counts.links = self.counts.links.max(self.nodes[me].links.len());
    }

    fn act(&mut self, me: Place, output: Output) {
        match output {
            Output::Dial { node, tip } => {
                let (other, stream) = (place(&node), self.stream());
                self.nodes[me].dials.insert(other, stream);
                self.send(me, other, Message::Ask(stream, tip));
                self.alarm(me, DIAL, Alarm::Dial(other, stream));
            }
            Output::Admit { node, tip, peers } => {
                let guest = self.nodes[me].guest.take();
                let (other, stream) = guest.expect("only who asked is admitted");
                assert_eq!(other, place(&node));
                self.nodes[me].dials.remove(&other);
                self.link(me, other, stream);
                self.send(me, other, Message::Admit(stream, tip, peers));
            }
            Output::Refuse { node, peers } => {
                let other = place(&node);
                let guest = self.nodes[me].guest.take_if(|guest| guest.0 == other);
                let stream = match guest {
                    Some((_, stream)) => Some(stream),
                    None => self.nodes[me].links.remove(&other),
                };
                if let Some(stream) = stream {
                    self.send(me, other, Message::Refuse(stream, peers));
                }
            }
            Output::Tell {
                node, tip, give, ..
            } => {
                let other = place(&node);
                let stream = self.nodes[me].links[&other];
                let small = self.content.added(tip) <= GIVEN;
                match give && small && self.nodes[me].is_honest() {
                    true => self.give(me, other, stream, tip),
                    false => {
                        let whole = self.nodes[me].tip >= Some(tip);
                        self.send(me, other, Message::Tell(stream, tip, whole));
                    }
                }
            }
            Output::Peers { node, peers } => {
                let other = place(&node);
                let stream = self.nodes[me].links[&other];
                self.send(me, other, Message::Peers(stream, peers));
            }
            Output::Fetch { tip, from } => self.start_fetch(me, tip, &from),
            Output::AlsoHas { tip, node } => self.also_has(me, tip, place(&node)),
            // No DHT here: what nodes name to each other must do.
            Output::Seek => {}
            Output::Wake { at } => {
                self.nodes[me].wake = at;
                let wait = at.saturating_sub(self.now());
                self.alarm(me, wait, Alarm::Overlay(at));
            }
        }
    }

    fn link(&mut self, me: Place, other: Place, stream: Stream) {
        let before = self.nodes[me].links.insert(other, stream);
        if let Some(before) = before {
            self.send(me, other, Message::Close(before));
        }
    }

    /// A message of a link has come.
    pub(super) fn hear(&mut self, me: Place, from: Place, message: Message) {
        let node = self.nodes[from].id;
        let linked =
            |world: &Self, stream| world.nodes[me].links.get(&from).copied() == Some(stream);
        let dialled =
            |world: &Self, stream| world.nodes[me].dials.get(&from).copied() == Some(stream);
        match message {
            Message::Ask(stream, tip) => {
                if let Some(tip) = self.verified(me, from, tip) {
                    self.nodes[me].guest = Some((from, stream));
                    self.feed(me, Input::Asked { node, tip });
                }
            }
            Message::Admit(stream, tip, peers) => {
                if !dialled(self, stream) {
                    self.send(me, from, Message::Close(stream));
                } else if let Some(tip) = self.verified(me, from, tip) {
                    self.nodes[me].dials.remove(&from);
                    self.link(me, from, stream);
                    self.feed(me, Input::Linked { node, tip, peers });
                }
            }
            Message::Refuse(stream, peers) => {
                if dialled(self, stream) {
                    self.nodes[me].dials.remove(&from);
                    self.feed(me, Input::Refused { node, peers });
                } else if linked(self, stream) {
                    self.nodes[me].links.remove(&from);
                    self.feed(me, Input::Ended { node, peers });
                }
            }
            Message::Close(stream) if linked(self, stream) => self.lose(me, from),
            Message::Leave(stream) if linked(self, stream) => {
                self.nodes[me].links.remove(&from);
                self.feed(me, Input::Left { node });
            }
            Message::Tell(stream, tip, whole) if linked(self, stream) => {
                self.told(me, from, tip, whole);
            }
            Message::Give(stream, tip) if linked(self, stream) => {
                let here = self.nodes[me].tip.map_or(0, |tip| tip.length);
                self.hoard(me, tip);
                match tip.length == here + 1 && self.nodes[me].fetch.is_none() {
                    true => {
                        self.feed(me, Input::Given { node, tip });
                        self.take(me, tip);
                    }
                    false => {
                        let whole = true;
                        self.feed(me, Input::Told { node, tip, whole });
                    }
                }
            }
            Message::Peers(stream, peers) if linked(self, stream) => {
                self.feed(me, Input::Peers { node, peers });
            }
            _ => {}
        }
    }

    fn told(&mut self, me: Place, from: Place, tip: Tip, whole: bool) {
        if self.verified(me, from, Some(tip)).is_some() {
            let node = self.nodes[from].id;
            self.hoard(me, tip);
            self.feed(me, Input::Told { node, tip, whole });
        }
    }

    /// Waits no longer for an answer, if there was none.
    fn hang_up(&mut self, me: Place, other: Place, stream: Stream) {
        if self.nodes[me].dials.get(&other).copied() == Some(stream) {
            self.nodes[me].dials.remove(&other);
            let node = self.id(other);
            self.send(me, other, Message::Close(stream));
            self.feed(me, Input::Unreachable { node });
        }
    }

    /// Checks the signature of what another says to have. `None` if it lies.
    fn verified(&mut self, me: Place, from: Place, tip: Option<Tip>) -> Option<Option<Tip>> {
        if tip.is_none_or(|tip| self.content.is_signed(tip)) {
            return Some(tip);
        }
        self.counts.forged += 1;
        self.nodes[me].dials.remove(&from);
        let node = self.nodes[from].id;
        self.feed(me, Input::Lied { node });
        None
    }

    /// A hoarder believes that it has what it hears of.
    fn hoard(&mut self, me: Place, tip: Tip) {
        let node = &mut self.nodes[me];
        if node.character == Character::Hoarder && Some(tip) > node.tip {
            node.tip = Some(tip);
            self.feed(me, Input::Has { tip });
        }
    }

    pub(super) fn lose(&mut self, me: Place, other: Place) {
        let node = self.nodes[other].id;
        self.nodes[me].links.remove(&other);
        let peers = Vec::new();
        self.feed(me, Input::Ended { node, peers });
    }

    /// An alarm of the overlay's driver.
    pub(super) fn ring(&mut self, me: Place, alarm: Alarm) {
        match alarm {
            Alarm::Overlay(at) if self.nodes[me].wake == at => self.feed(me, Input::Tick),
            Alarm::Dial(other, stream) => self.hang_up(me, other, stream),
            Alarm::Dead(other, stream) => {
                if self.nodes[me].links.get(&other).copied() == Some(stream) {
                    self.send(me, other, Message::Close(stream));
                    self.lose(me, other);
                }
                if !self.reaches(me, other) {
                    self.lose_provider(me, other);
                }
            }
            Alarm::Lie => self.lie(me),
            _ => {}
        }
    }

    /// What those who lie do every now and then.
    fn lie(&mut self, me: Place) {
        let links: Vec<_> = self.nodes[me].links.clone().into_iter().collect();
        let length = self.nodes[me].tip.map_or(0, |tip| tip.length);
        match self.nodes[me].character {
            Character::Forger => {
                for (other, stream) in links {
                    let tip = forged(length + 1 + self.dice.below(1000));
                    self.send(me, other, Message::Tell(stream, tip, true));
                }
            }
            Character::Flooder => {
                for (other, stream) in links {
                    let far = self.nodes.len() as u64;
                    let peers = (0..8).map(|_| far + self.dice.below(1 << 20));
                    let peers: Vec<_> = peers.collect();
                    let peers = peers.into_iter().map(|place| self.id(place as Place));
                    let peers = peers.collect();
                    self.send(me, other, Message::Peers(stream, peers));
                    if let Some(tip) = self.nodes[me].tip {
                        self.send(me, other, Message::Tell(stream, tip, true));
                    }
                }
                for _ in 0..5 {
                    let other = self.dice.below(self.nodes.len() as u64) as Place;
                    let (stream, tip) = (self.stream(), self.nodes[me].tip);
                    self.send(me, other, Message::Ask(stream, tip));
                }
            }
            _ => return,
        }
        self.alarm(me, Duration::from_secs(5), Alarm::Lie);
    }
}
