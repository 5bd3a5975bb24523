//! The fetches of a node: the driver of `Pieces`, as `swarm::fetch` is.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use skep_publisher::swarm::proto::{
    NodeId, Tip,
    have::Have,
    overlay::Input,
    pieces::{Failure, Holder, Pieces},
};

use super::{
    message::{Alarm, Message, Session},
    net::Place,
    node::{Character, place},
    world::World,
};

/// How many nodes are asked beside the first at a time, and tried in one fetch.
const COMPANIONS: usize = 8;
const TRIED: usize = 32;
/// How long a node may take to come to a fetch.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long one node is waited for with entries before the next is asked too.
const ENTRIES: Duration = Duration::from_secs(1);
/// How often others are asked for others, at first and at last.
const ASKED: Duration = Duration::from_millis(250);
const ASKED_LAST: Duration = Duration::from_secs(8);
/// A fetch in which nothing comes for so long is given up.
const STUCK: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) tip: Tip,
    pub(super) number: u32,
    /// Once the entries are here.
    pub(super) pieces: Option<Pieces>,
    /// Who told that it has all of it.
    told: Vec<Place>,
    entries_asked: u32,
    pub(super) members: BTreeSet<Place>,
    calling: BTreeMap<Place, Duration>,
    candidates: VecDeque<Place>,
    known: BTreeSet<Place>,
    tried: usize,
    pub(super) plan: Option<Duration>,
    /// How much has come.
    pub(super) progress: u64,
}

impl Fetch {
    /// What is here, if the entries are.
    pub(super) fn here(&self) -> Option<Have> {
        self.pieces.as_ref().map(|pieces| pieces.here().clone())
    }

    pub(super) fn asks(&self, other: Place) -> bool {
        self.members.contains(&other)
    }

    fn find(&mut self, other: Place) {
        if self.known.insert(other) {
            self.candidates.push_back(other);
        }
    }
}

impl World {
    pub(super) fn start_fetch(&mut self, me: Place, tip: Tip, from: &[NodeId]) {
        let node = &mut self.nodes[me];
        if node.character == Character::Hoarder {
            return;
        }
        node.fetches += 1;
        let mut fetch = Fetch {
            tip,
            number: node.fetches,
            pieces: None,
            told: from.iter().map(place).collect(),
            entries_asked: 0,
            members: BTreeSet::new(),
            calling: BTreeMap::new(),
            candidates: VecDeque::new(),
            known: BTreeSet::from([me]),
            tried: 0,
            plan: None,
            progress: 0,
        };
        for other in fetch.told.clone() {
            fetch.find(other);
        }
        let number = fetch.number;
        self.nodes[me].fetch = Some(fetch);
        self.ask_entries(me, number, 0);
        self.alarm(me, STUCK, Alarm::Stuck(number, 0));
    }

    /// Asks the next who told of the version for its entries, if nobody has answered so far.
    fn ask_entries(&mut self, me: Place, number: u32, turn: u32) {
        let Some(fetch) = self.fetch(me, number) else {
            return;
        };
        if fetch.pieces.is_some() || fetch.entries_asked > turn {
            return;
        }
        fetch.entries_asked = turn + 1;
        let tip = fetch.tip;
        if let Some(other) = fetch.told.get(turn as usize).copied() {
            let session = Session {
                fetcher: me,
                number,
            };
            self.send(me, other, Message::Entries(session, tip));
            self.alarm(me, ENTRIES, Alarm::Entries(number, turn + 1));
        }
    }

    pub(super) fn fetch(&mut self, me: Place, number: u32) -> Option<&mut Fetch> {
        let fetch = self.nodes[me].fetch.as_mut();
        fetch.filter(|fetch| fetch.number == number)
    }

    /// Another told of the version that is being fetched.
    pub(super) fn also_has(&mut self, me: Place, tip: Tip, other: Place) {
        if let Some(fetch) = &mut self.nodes[me].fetch
            && fetch.tip == tip
        {
            fetch.told.push(other);
            fetch.find(other);
            let number = fetch.number;
            if fetch.pieces.is_some() {
                self.call(me, number);
            }
        }
    }

    /// Another fetches the same.
    pub(super) fn meets(&mut self, me: Place, other: Place, tip: Tip) {
        if let Some(fetch) = &mut self.nodes[me].fetch
            && fetch.tip == tip
        {
            fetch.find(other);
            let number = fetch.number;
            self.call(me, number);
        }
    }

    fn call(&mut self, me: Place, number: u32) {
        loop {
            let now = self.now();
            let Some(fetch) = self.fetch(me, number) else {
                return;
            };
            fetch.calling.retain(|_, since| now < *since + PATIENCE);
            let full = fetch.members.len() + fetch.calling.len() > COMPANIONS;
            if full || fetch.tried >= TRIED {
                return;
            }
            let Some(other) = fetch.candidates.pop_front() else {
                return;
            };
            fetch.tried += 1;
            fetch.calling.insert(other, now);
            let tip = fetch.tip;
            let session = Session {
                fetcher: me,
                number,
            };
            self.send(me, other, Message::Have(session, tip));
        }
    }

    /// A message of a fetch has come to the one who fetches.
    pub(super) fn answered(&mut self, me: Place, from: Place, message: Message) {
        let now = self.now();
        let node = self.nodes[from].id;
        match message {
            Message::EntriesAre(session, here) => {
                let turn = self.fetch(me, session.number).map(|f| f.entries_asked);
                match (here, turn) {
                    (true, Some(_)) => self.begin(me, session.number),
                    (false, Some(turn)) => self.ask_entries(me, session.number, turn),
                    (_, None) => {}
                }
            }
            Message::HaveIs(session, whole, runs) => {
                let Some(fetch) = self.fetch(me, session.number) else {
                    return self.send(me, from, Message::Bye(session));
                };
                let called = fetch.calling.remove(&from).is_some();
                let (Some(pieces), Some(whole), true) = (&mut fetch.pieces, whole, called) else {
                    return;
                };
                let holder = match whole {
                    true => Holder::Showing,
                    false => Holder::Part,
                };
                if pieces.join(node, holder, now) {
                    pieces.has(node, &runs);
                    fetch.members.insert(from);
                    self.send(me, from, Message::Others(session));
                    self.plan_soon(me, session.number);
                }
            }
            Message::Has(session, runs) => {
                let pieces = self
                    .fetch(me, session.number)
                    .and_then(|f| f.pieces.as_mut());
                if let Some(pieces) = pieces {
                    pieces.has(node, &runs);
                    self.plan_soon(me, session.number);
                }
            }
            Message::Lacks(session, piece) => {
                let pieces = self
                    .fetch(me, session.number)
                    .and_then(|f| f.pieces.as_mut());
                if let Some(pieces) = pieces {
                    pieces.lacks(node, piece);
                    self.plan_soon(me, session.number);
                }
            }
            Message::OthersAre(session, others) => {
                if let Some(fetch) = self.fetch(me, session.number) {
                    for other in others {
                        fetch.find(place(&other));
                    }
                    self.call(me, session.number);
                }
            }
            Message::Bytes(session, piece, bytes, content) => {
                self.bytes(me, from, session, piece, bytes, content);
            }
            _ => {}
        }
    }

    /// The entries are here.
    fn begin(&mut self, me: Place, number: u32) {
        let Some(fetch) = self.fetch(me, number) else {
            return;
        };
        if fetch.pieces.is_some() {
            return;
        }
        let tip = fetch.tip;
        let count = self.content.pieces(tip);
        let seed = self.dice.roll();
        let sizes = self.content.sizes[..count as usize].to_vec();
        let node = &mut self.nodes[me];
        node.store.resize(node.store.len().max(count as usize), 0);
        let mut here = Have::none(count);
        for piece in 0..count {
            if node.has_piece(piece) {
                here.insert(piece);
            }
        }
        let pieces = Pieces::new(sizes, here, seed);
        let done = pieces.is_done();
        if let Some(fetch) = self.fetch(me, number) {
            fetch.pieces = Some(pieces);
        }
        self.feed(me, Input::Getting { tip });
        if done {
            return self.finish(me);
        }
        self.call(me, number);
        self.alarm(me, ASKED, Alarm::Others(number, 0));
    }

    /// An alarm of a fetch.
    pub(super) fn remind(&mut self, me: Place, alarm: Alarm) {
        match alarm {
            Alarm::Plan(number) => self.plan(me, number),
            Alarm::Entries(number, turn) => self.ask_entries(me, number, turn),
            Alarm::Others(number, turn) => {
                let Some(fetch) = self.fetch(me, number) else {
                    return;
                };
                let members: Vec<_> = fetch.members.iter().copied().collect();
                let session = Session {
                    fetcher: me,
                    number,
                };
                if members.len() <= COMPANIONS {
                    for other in members {
                        self.send(me, other, Message::Others(session));
                    }
                }
                self.call(me, number);
                let wait = (ASKED * (1 << turn.min(8))).min(ASKED_LAST);
                self.alarm(me, wait, Alarm::Others(number, turn + 1));
            }
            Alarm::Stuck(number, before) => {
                let Some(fetch) = self.fetch(me, number) else {
                    return;
                };
                let (progress, tip) = (fetch.progress, fetch.tip);
                if progress > before {
                    return self.alarm(me, STUCK, Alarm::Stuck(number, progress));
                }
                let told = fetch.told.clone();
                self.end_fetch(me);
                self.counts.missed += 1;
                for other in told {
                    let node = self.nodes[other].id;
                    self.feed(me, Input::Failed { node, tip });
                }
                self.feed(me, Input::Missed { tip, again: true });
            }
            Alarm::Checked(tip) => self.record(me, tip),
            _ => {}
        }
    }

    /// A provider is away.
    pub(super) fn lose_provider(&mut self, me: Place, other: Place) {
        let node = self.nodes[other].id;
        if let Some(fetch) = &mut self.nodes[me].fetch
            && fetch.members.remove(&other)
        {
            let number = fetch.number;
            if let Some(pieces) = &mut fetch.pieces {
                pieces.failed(node, Failure::Gone);
            }
            self.plan_soon(me, number);
        }
    }

    /// A fetch ends, whatever came of it.
    pub(super) fn end_fetch(&mut self, me: Place) {
        if let Some(fetch) = self.nodes[me].fetch.take() {
            let session = Session {
                fetcher: me,
                number: fetch.number,
            };
            for other in fetch.members {
                self.send(me, other, Message::Bye(session));
            }
        }
    }
}
