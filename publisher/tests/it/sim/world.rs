//! All nodes, and what happens to them.

use std::{collections::BTreeMap, time::Duration};

use skep_publisher::swarm::proto::{NodeId, Tip, dice::Dice, overlay::Input};

use super::{
    content::Content,
    message::{Alarm, Message, Stream},
    net::{Map, Place, Queue},
    node::{Character, Node},
    report::Counts,
    serving::time,
};

#[derive(Debug)]
enum Event {
    Message(Place, Place, Message),
    Alarm(Place, u32, Alarm),
}

/// A swarm of followers of one site. The first node is the author's.
#[derive(Debug)]
pub(super) struct World {
    queue: Queue<Event>,
    map: Map,
    pub(super) content: Content,
    pub(super) nodes: Vec<Node>,
    pub(super) dice: Dice,
    pub(super) counts: Counts,
    /// When each honest node had each version.
    seen: BTreeMap<(u64, Place), Duration>,
    streams: Stream,
    trace: u64,
}

/// The author's node.
pub(super) const AUTHOR: Place = 0;

const MBIT: u64 = 1_000_000 / 8;

impl World {
    /// Nodes that are off, with uplinks of 10 to 100 Mbit/s; the author's has 20.
    pub(super) fn new(nodes: usize, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let map = Map::new(nodes, &mut dice);
        let mut this = Self {
            queue: Queue::new(),
            map,
            content: Content::default(),
            nodes: Vec::new(),
            dice,
            counts: Counts::default(),
            seen: BTreeMap::new(),
            streams: 0,
            trace: 0,
        };
        for place in 0..nodes {
            let up = match place {
                AUTHOR => 20 * MBIT,
                _ => (10 + this.dice.below(90)) * MBIT,
            };
            let node = Node::new(this.id(place), Character::Honest, up, 100 * MBIT);
            this.nodes.push(node);
        }
        this
    }

    /// The id of the node at a place; also of one where nobody is. Their order has nothing to do with places.
    pub(super) fn id(&self, place: Place) -> NodeId {
        if let Some(node) = self.nodes.get(place) {
            return node.id;
        }
        let mut id = [0; 32];
        let mixed = Dice::new(place as u64).roll();
        id[..8].copy_from_slice(&mixed.to_be_bytes());
        id[28..].copy_from_slice(&(place as u32).to_be_bytes());
        id
    }

    pub(super) fn now(&self) -> Duration {
        self.queue.now
    }

    /// The hash of all that happened so far.
    pub(super) fn trace(&self) -> u64 {
        self.trace
    }

    pub(super) fn stream(&mut self) -> Stream {
        self.streams += 1;
        self.streams
    }

    pub(super) fn alarm(&mut self, node: Place, wait: Duration, alarm: Alarm) {
        let life = self.nodes[node].life;
        let at = self.queue.now + wait;
        self.queue.at(at, Event::Alarm(node, life, alarm));
    }

    /// Whether a message from one to the other arrives.
    pub(super) fn reaches(&self, from: Place, to: Place) -> bool {
        self.nodes.get(to).is_some_and(|node| node.online) && self.map.joined(from, to)
    }

    pub(super) fn send(&mut self, from: Place, to: Place, message: Message) {
        self.send_later(from, to, message, Duration::ZERO);
    }

    /// Sends what leaves the uplink after a while.
    pub(super) fn send_later(&mut self, from: Place, to: Place, message: Message, wait: Duration) {
        self.counts.sent(&message);
        if !self.reaches(from, to) {
            // Nothing is lost for ever in a stream: either it arrives, or the stream is dead.
            if to < self.nodes.len() {
                self.cut(from, to);
            }
            return;
        }
        let mut at = self.queue.now + wait + self.map.latency(from, to);
        if let Message::Bytes(_, _, bytes, _) = message {
            let node = &mut self.nodes[to];
            node.down_busy = node.down_busy.max(at) + time(bytes, node.down);
            at = node.down_busy;
        }
        self.queue.at(at, Event::Message(from, to, message));
    }

    /// Goes on until all honest nodes that are on have the newest version, or for so long. Says whether they do.
    pub(super) fn settle(&mut self, limit: Duration) -> bool {
        let end = self.now() + limit;
        while self.now() < end {
            if self.behind() == 0 {
                return true;
            }
            self.run(Duration::from_millis(50));
        }
        self.behind() == 0
    }

    /// How many honest nodes that are on lack the newest version.
    pub(super) fn behind(&self) -> usize {
        let newest = self.content.newest();
        let honest = self
            .nodes
            .iter()
            .filter(|node| node.online && node.is_honest());
        honest.filter(|node| node.tip != newest).count()
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now() + time;
        while let Some(event) = self.queue.next(end) {
            let seen = match &event {
                Event::Message(from, to, _) => (*from as u64, *to as u64),
                Event::Alarm(node, life, _) => (*node as u64, u64::from(*life) << 32),
            };
            let now = self.queue.now.as_micros() as u64;
            for part in [now, seen.0, seen.1] {
                self.trace = Dice::new(self.trace ^ part).roll();
            }
            match event {
                Event::Message(from, to, message) => {
                    if !self.reaches(from, to) {
                        self.cut(from, to);
                    } else if message.is_of_links() {
                        self.hear(to, from, message);
                    } else if message.is_to_fetcher() {
                        self.answered(to, from, message);
                    } else {
                        self.serve(to, from, message);
                    }
                }
                Event::Alarm(node, life, alarm) => {
                    if self.nodes[node].online && self.nodes[node].life == life {
                        self.wake(node, alarm);
                    }
                }
            }
        }
    }

    fn wake(&mut self, node: Place, alarm: Alarm) {
        match alarm {
            Alarm::Overlay(_) | Alarm::Dial(..) | Alarm::Dead(..) | Alarm::Lie => {
                self.ring(node, alarm);
            }
            Alarm::Sent => self.sent(node),
            Alarm::Say => self.say(node),
            Alarm::Show(tip) => self.show(node, tip),
            _ => self.remind(node, alarm),
        }
    }

    /// The author publishes.
    pub(super) fn publish(&mut self, pieces: u32, size: u64) -> Tip {
        let tip = self.content.publish(pieces, size);
        let store = (0..self.content.pieces(tip)).map(|piece| self.content.piece(piece));
        self.nodes[AUTHOR].store = store.collect();
        self.nodes[AUTHOR].tip = Some(tip);
        self.saw(AUTHOR, tip);
        if self.nodes[AUTHOR].online {
            self.feed(AUTHOR, Input::Has { tip });
        }
        tip
    }

    /// Counts from now on what each sends.
    pub(super) fn forget_sent(&mut self) {
        for node in &mut self.nodes {
            node.uplink.sent = 0;
        }
    }

    /// A node has a version.
    pub(super) fn saw(&mut self, node: Place, tip: Tip) {
        let now = self.now();
        self.seen.entry((tip.length, node)).or_insert(now);
    }

    /// How long after `since` half of those who have a version had it, and the last.
    pub(super) fn spread(&self, tip: Tip, since: Duration) -> (Duration, Duration) {
        let times = self.seen.range((tip.length, 0)..=(tip.length, usize::MAX));
        let times = times.filter(|((_, node), _)| self.nodes[*node].is_honest());
        let mut times: Vec<_> = times.map(|(_, at)| *at).collect();
        times.sort_unstable();
        let after = |at: Duration| at.saturating_sub(since);
        (after(times[times.len() / 2]), after(times[times.len() - 1]))
    }

    /// A partition begins or ends: nodes of different groups do not reach each other.
    pub(super) fn part(&mut self, group: impl Fn(Place) -> u8) {
        for node in 0..self.nodes.len() {
            self.map.set_group(node, group(node));
        }
        for one in 0..self.nodes.len() {
            for other in 0..self.nodes.len() {
                if !self.map.joined(one, other) {
                    self.cut(one, other);
                }
            }
        }
    }

    /// Panics if anything false counts as had, or a bound does not hold.
    pub(super) fn check(&self) {
        for node in &self.nodes {
            for (piece, held) in node.store.iter().enumerate() {
                let right = *held == 0 || *held == self.content.piece(piece as u32);
                assert!(right, "a false piece counts as had");
            }
            if let Some(tip) = node.tip
                && node.character != Character::Hoarder
            {
                assert!(self.content.is_signed(tip));
                let pieces = 0..self.content.pieces(tip);
                assert!(pieces.into_iter().all(|piece| node.has_piece(piece)));
            }
        }
        assert!(self.counts.links <= 32);
    }
}
