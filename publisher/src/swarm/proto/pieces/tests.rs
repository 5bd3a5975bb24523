use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::swarm::proto::reveal::Reveal;

const MIB: u64 = 1 << 20;
const STEP: Duration = Duration::from_millis(10);

fn node(n: u8) -> NodeId {
    [n; 32]
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn one(run: Range<u32>) -> Vec<Range<u32>> {
    std::iter::once(run).collect()
}

/// One fetch, and nodes that deliver in the order in which they are asked.
struct World {
    pieces: Pieces,
    peers: BTreeMap<NodeId, Peer>,
    now: Duration,
}

struct Peer {
    /// Bytes a second.
    rate: u64,
    queue: VecDeque<u32>,
    /// What is delivered of the first in the queue.
    done: u64,
    given: Vec<u32>,
    idle: bool,
}

impl World {
    fn new(pieces: u32) -> Self {
        Self {
            pieces: Pieces::new(vec![MIB; pieces as usize], Have::none(pieces), 5),
            peers: BTreeMap::new(),
            now: Duration::ZERO,
        }
    }

    fn join(&mut self, n: u8, holder: Holder, rate: u64) {
        assert!(self.pieces.join(node(n), holder, self.now));
        let peer = Peer {
            rate,
            queue: VecDeque::new(),
            done: 0,
            given: Vec::new(),
            idle: false,
        };
        self.peers.insert(node(n), peer);
    }

    fn plan(&mut self) -> Vec<Output> {
        let plan = self.pieces.plan(self.now);
        for output in &plan {
            match output {
                Output::Ask { provider, pieces } => {
                    let peer = self.peers.get_mut(provider).unwrap();
                    peer.queue.extend(pieces.clone());
                }
                Output::Cancel { provider, piece } => {
                    if let Some(peer) = self.peers.get_mut(provider) {
                        if peer.queue.front() == Some(piece) {
                            peer.done = 0;
                        }
                        peer.queue.retain(|other| other != piece);
                    }
                }
                Output::Drop { provider } => drop(self.peers.remove(provider)),
                Output::More { .. } => {}
            }
        }
        plan
    }

    fn step(&mut self) {
        self.plan();
        self.now += STEP;
        for (id, peer) in &mut self.peers {
            peer.idle |= peer.queue.is_empty();
            let mut bytes = peer.rate / 100;
            self.pieces
                .moved(*id, bytes.min(peer.queue.len() as u64), self.now);
            while bytes > 0
                && let Some(piece) = peer.queue.front().copied()
            {
                let part = bytes.min(MIB - peer.done);
                (peer.done, bytes) = (peer.done + part, bytes - part);
                self.pieces.moved(*id, part, self.now);
                if peer.done == MIB {
                    peer.queue.pop_front();
                    peer.done = 0;
                    peer.given.push(piece);
                    self.pieces.arrived(*id, piece, self.now);
                }
            }
        }
    }

    /// Goes on until all is here, and returns when that was.
    fn finish(&mut self, limit: Duration) -> Duration {
        while !self.pieces.is_done() {
            assert!(self.now < limit, "{:?}", self.pieces.here());
            self.step();
        }
        self.now
    }

    fn given(&self, n: u8) -> usize {
        self.peers[&node(n)].given.len()
    }
}

#[test]
fn one_node_alone_is_kept_busy_until_the_end() {
    for rate in [MIB / 4, 20 * MIB, 100 * MIB] {
        let mut world = World::new(64);
        world.join(1, Holder::Whole, rate);
        let time = world.finish(Duration::from_secs(300));
        let best = seconds(64 * MIB, rate);
        assert!(time <= best + best / 10 + 2 * STEP, "{time:?} of {best:?}");
        assert_eq!(world.given(1), 64);
        assert_eq!(world.pieces.wake(), None);
        assert_eq!(world.plan(), []);
    }
}

#[test]
fn runs_are_as_long_as_a_node_is_fast_and_begin_somewhere() {
    let mut world = World::new(400);
    world.join(1, Holder::Whole, 20 * MIB);
    let first = world.plan();
    let Output::Ask { pieces, .. } = &first[0] else {
        panic!("{first:?}")
    };
    assert!(first.len() >= 2 && pieces.start > 0, "{first:?}");
    while world.now < Duration::from_secs(5) {
        world.step();
    }
    let left = world.peers[&node(1)].queue.len();
    assert!((10..=21).contains(&left), "about a second of work: {left}");
}

#[test]
fn what_others_have_is_not_asked_of_the_one_who_has_all() {
    let mut world = World::new(40);
    world.join(1, Holder::Whole, 10 * MIB);
    for (n, run) in [(2, 0..20), (3, 10..36)] {
        world.join(n, Holder::Part, 10 * MIB);
        world.pieces.has(node(n), &one(run));
    }
    world.finish(Duration::from_secs(20));
    assert_eq!(world.given(1), 4);
    assert_eq!(world.given(2) + world.given(3), 36);
    // Unless those would take too long.
    let mut world = World::new(40);
    world.join(1, Holder::Whole, 10 * MIB);
    world.join(2, Holder::Part, MIB / 4);
    world.pieces.has(node(2), &one(0..40));
    let time = world.finish(Duration::from_secs(20));
    assert!(time < ms(8500), "{time:?}");
}

#[test]
fn what_a_silent_node_was_asked_for_is_asked_of_others_after_a_second() {
    let mut world = World::new(30);
    world.join(1, Holder::Whole, 0);
    world.plan();
    let stuck = world.peers[&node(1)].queue.clone();
    assert!(!stuck.is_empty());
    world.join(2, Holder::Whole, 30 * MIB);
    let time = world.finish(Duration::from_secs(20));
    assert!((ms(900)..ms(2600)).contains(&time), "{time:?}");
    assert!(
        stuck
            .iter()
            .all(|p| world.peers[&node(2)].given.contains(p))
    );
    world.plan();
    assert!(world.peers[&node(1)].queue.is_empty(), "cancelled");
}

#[test]
fn a_node_that_was_silent_is_tried_again_when_the_others_are_gone() {
    let mut world = World::new(40);
    world.join(1, Holder::Whole, 0);
    world.plan();
    world.join(2, Holder::Whole, 4 * MIB);
    while world.now < ms(4000) {
        world.step();
    }
    world.peers.remove(&node(2));
    world.pieces.failed(node(2), Failure::Gone);
    world.peers.get_mut(&node(1)).unwrap().rate = 10 * MIB;
    let time = world.finish(Duration::from_secs(20));
    assert!(time < ms(14_000), "{time:?}");
}

#[test]
fn a_node_that_is_gone_is_replaced_at_once_and_a_liar_never_comes_back() {
    for failure in [Failure::Gone, Failure::Lied] {
        let mut world = World::new(30);
        world.join(1, Holder::Whole, 10 * MIB);
        world.join(2, Holder::Whole, 10 * MIB);
        (0..40).for_each(|_| world.step());
        world.peers.remove(&node(1));
        world.pieces.failed(node(1), failure);
        let plan = world.plan();
        let drops = plan.contains(&Output::Drop { provider: node(1) });
        assert_eq!(drops, failure == Failure::Lied);
        let time = world.finish(Duration::from_secs(20));
        assert!(time < ms(3000), "{time:?}");
        let again = world.pieces.join(node(1), Holder::Whole, world.now);
        assert_eq!(again, failure == Failure::Gone);
    }
}

#[test]
fn a_slow_node_does_not_hold_the_others_up() {
    let mut world = World::new(100);
    world.join(1, Holder::Whole, MIB / 20);
    world.join(2, Holder::Whole, 10 * MIB);
    world.join(3, Holder::Whole, 10 * MIB);
    let time = world.finish(Duration::from_secs(60));
    assert!(time < ms(6500), "{time:?}");
    let twice = world.given(1) + world.given(2) + world.given(3) - 100;
    assert!(twice <= 2, "{twice}");
}

#[test]
fn two_slow_nodes_do_not_keep_a_piece_from_a_third() {
    let mut world = World::new(1);
    for (n, rate) in [(1, 0), (2, MIB / 100)] {
        world.join(n, Holder::Whole, rate);
        (0..150).for_each(|_| world.step());
    }
    let asked = [1, 2].map(|n| world.peers[&node(n)].queue.len());
    assert_eq!(asked, [1, 1], "both are asked for it");
    world.join(3, Holder::Whole, 10 * MIB);
    let joined = world.now;
    let time = world.finish(Duration::from_secs(20)) - joined;
    assert!(time < ms(500), "{time:?}");
    assert_eq!(world.given(3), 1);
}

#[test]
fn one_that_shows_little_by_little_is_asked_for_what_is_late_elsewhere() {
    let mut world = World::new(2);
    world.join(1, Holder::Whole, MIB / 50);
    (0..150).for_each(|_| world.step());
    assert_eq!(world.peers[&node(1)].queue.len(), 2);
    world.join(2, Holder::Showing, 10 * MIB);
    let plan = world.plan();
    let [Output::More { wants, .. }] = &plan[..] else {
        panic!("{plan:?}")
    };
    assert_eq!(wants, &one(0..2));
    world.pieces.has(node(2), &one(0..2));
    let joined = world.now;
    let time = world.finish(Duration::from_secs(20)) - joined;
    assert!(time < ms(1000), "{time:?}");
}

#[test]
fn what_a_node_has_not_is_asked_of_another() {
    let mut world = World::new(4);
    world.join(1, Holder::Whole, MIB);
    let asked = world.plan();
    assert!(!asked.is_empty());
    (0..4).for_each(|piece| world.pieces.lacks(node(1), piece));
    assert_eq!(world.plan(), []);
    world.peers.get_mut(&node(1)).unwrap().queue.clear();
    world.join(2, Holder::Part, MIB);
    world.pieces.has(node(2), &[2..9, 0..1, 3..u32::MAX]);
    (0..300).for_each(|_| world.step());
    assert_eq!(world.pieces.here().runs(), one(2..4));
}

#[test]
fn a_node_that_never_shows_anything_is_asked_all_the_same_in_the_end() {
    let mut world = World::new(8);
    world.join(1, Holder::Showing, 10 * MIB);
    let plan = world.plan();
    assert!(
        matches!(&plan[..], [Output::More { alone: true, .. }]),
        "{plan:?}"
    );
    assert_eq!(world.pieces.wake(), Some(SHOWN));
    let time = world.finish(Duration::from_secs(20));
    assert!(time > SHOWN);
}

#[test]
fn a_node_that_shows_nothing_because_it_is_busy_is_asked_for_little_beyond_it() {
    let mut world = World::new(64);
    world.join(1, Holder::Showing, 0);
    world.plan();
    let asked = |world: &World| world.peers[&node(1)].queue.len();
    while world.now < SHOWN - STEP {
        world.step();
    }
    assert_eq!(asked(&world), 0);
    (0..2).for_each(|_| world.step());
    assert_eq!(asked(&world), 1);
    // It has not forgotten what it was asked, and shows something then.
    world.pieces.has(node(1), &one(0..2));
    let before = world.now;
    while world.now < before + SHOWN - STEP {
        world.step();
    }
    assert!(asked(&world) <= 3, "{}", asked(&world));
}

/// Many who fetch at the same time from one who has all, and know each other. Returns how many pieces that one
/// gave, and how long it took until all had all.
fn crowd(size: u8, count: u32, known: u8) -> (usize, Duration) {
    const RATE: u64 = 4 * MIB;
    let author = node(255);
    let mut reveal = Reveal::new(count, 9);
    let mut nodes: BTreeMap<NodeId, Pieces> = (0..size)
        .map(|n| {
            let sizes = vec![MIB; count as usize];
            (
                node(n),
                Pieces::new(sizes, Have::none(count), u64::from(n) * 77),
            )
        })
        .collect();
    // What each gives to whom, in the order in which it was asked.
    let mut queues: BTreeMap<NodeId, VecDeque<(NodeId, u32, u64)>> = BTreeMap::new();
    let (mut now, mut given) = (Duration::ZERO, 0);
    for (me, pieces) in &mut nodes {
        pieces.join(author, Holder::Showing, now);
        reveal.enter(*me);
        for by in 1..=known {
            let other = node((me[0] + by * (1 + me[0] % 3)) % size);
            if other != *me {
                pieces.join(other, Holder::Part, now);
            }
        }
    }
    while nodes.values().any(|pieces| !pieces.is_done()) {
        assert!(now < Duration::from_secs(600), "they never end");
        let ids: Vec<NodeId> = nodes.keys().copied().collect();
        for (to, runs) in reveal.due(now) {
            nodes.get_mut(&to).unwrap().has(author, &runs);
        }
        for me in ids {
            let outputs = nodes.get_mut(&me).unwrap().plan(now);
            for output in outputs {
                match output {
                    Output::Ask { provider, pieces } => {
                        let queue = queues.entry(provider).or_default();
                        queue.extend(pieces.map(|piece| (me, piece, 0)));
                    }
                    Output::Cancel { provider, piece } => {
                        let queue = queues.entry(provider).or_default();
                        queue.retain(|(to, other, _)| (*to, *other) != (me, piece));
                    }
                    Output::More { wants, alone, .. } => {
                        let shown = reveal.more(me, &wants, alone, now);
                        nodes.get_mut(&me).unwrap().has(author, &shown);
                    }
                    Output::Drop { .. } => panic!("nobody lies"),
                }
            }
        }
        now += STEP;
        for (from, queue) in &mut queues {
            // As streams of one connection share it, so do those of all.
            let mut bytes = RATE / 100;
            while bytes > 0
                && let Some((to, piece, done)) = queue.front_mut()
            {
                let part = bytes.min(MIB - *done);
                (*done, bytes) = (*done + part, bytes - part);
                let (to, piece, done) = (*to, *piece, *done);
                nodes.get_mut(&to).unwrap().moved(*from, part, now);
                if done < MIB {
                    continue;
                }
                queue.pop_front();
                given += usize::from(*from == author);
                let pieces = nodes.get_mut(&to).unwrap();
                pieces.arrived(*from, piece, now);
                if pieces.is_done() {
                    reveal.leave(to);
                }
                for pieces in nodes.values_mut() {
                    pieces.has(to, &one(piece..piece + 1));
                }
            }
        }
    }
    (given, now)
}

#[test]
fn the_one_who_has_all_gives_each_piece_about_once_to_a_crowd() {
    for (size, known) in [(8, 7), (40, 8)] {
        let (given, time) = crowd(size, 48, known);
        assert!(
            given <= 72,
            "{size} nodes: {given} of 48 pieces in {time:?}"
        );
        // One alone would take twelve seconds.
        assert!(time < ms(40_000), "{size} nodes: {given} pieces, {time:?}");
    }
}

proptest! {
    /// Whatever nodes say and do: nobody is asked for what it has not said to have, no piece of more than two, and in
    /// the end all is here if one honest node is.
    #[test]
    fn it_never_asks_wrongly_and_ends(
        count in 1u32..40,
        steps in prop::collection::vec((0u8..8, 0u8..5, any::<u32>(), any::<u16>()), 0..120),
        seed: u64,
    ) {
        let sizes: Vec<u64> = (0..count).map(|n| u64::from(n * 7919 % 1000) * 1000).collect();
        let mut pieces = Pieces::new(sizes, Have::none(count), seed);
        let mut now = Duration::ZERO;
        let mut said: BTreeMap<NodeId, Have> = BTreeMap::new();
        let mut asked: BTreeSet<(NodeId, u32)> = BTreeSet::new();
        let mut liars = BTreeSet::new();
        let honest = node(200);
        for (what, who, number, time) in steps {
            now += ms(u64::from(time) / 20);
            let (id, piece) = (node(who), number % count);
            match what {
                0 => {
                    let holder = match number % 3 {
                        0 => Holder::Whole,
                        1 => Holder::Showing,
                        _ => Holder::Part,
                    };
                    prop_assert_eq!(pieces.join(id, holder, now), !liars.contains(&id));
                    if !liars.contains(&id) {
                        let all = holder != Holder::Part;
                        said.insert(id, if all { Have::all(count) } else { Have::none(count) });
                        asked.retain(|(other, _)| *other != id);
                    }
                }
                1 => {
                    let run = piece..number;
                    pieces.has(id, std::slice::from_ref(&run));
                    if let Some(said) = said.get_mut(&id) {
                        said.insert_run(run);
                    }
                }
                2 => {
                    let of_it = asked.iter().find(|(other, _)| *other == id).copied();
                    if let Some((_, piece)) = of_it {
                        pieces.moved(id, 1000, now);
                        pieces.arrived(id, piece, now);
                        asked.remove(&(id, piece));
                    }
                }
                3 => {
                    pieces.lacks(id, piece);
                    asked.remove(&(id, piece));
                    if let Some(said) = said.get_mut(&id) {
                        said.remove(piece);
                    }
                }
                4 => {
                    let lied = number % 4 == 0;
                    pieces.failed(id, if lied { Failure::Lied } else { Failure::Gone });
                    said.remove(&id);
                    asked.retain(|(other, _)| *other != id);
                    if lied {
                        liars.insert(id);
                    }
                }
                _ => pieces.moved(id, u64::from(number), now),
            }
            for output in pieces.plan(now) {
                match output {
                    Output::Ask { provider, pieces: run } => for piece in run {
                        prop_assert!(said[&provider].contains(piece));
                        prop_assert!(!pieces.here().contains(piece));
                        prop_assert!(asked.insert((provider, piece)), "twice of one");
                        let of = asked.iter().filter(|(_, other)| *other == piece).count();
                        prop_assert!(of <= 2, "{of} are asked for a piece");
                    },
                    Output::Cancel { provider, piece } => {
                        asked.remove(&(provider, piece));
                    }
                    Output::Drop { provider } => prop_assert!(liars.contains(&provider)),
                    Output::More { provider, wants, .. } => {
                        prop_assert!(said.contains_key(&provider));
                        prop_assert!(!wants.is_empty() && wants.len() <= MAX_WANTS);
                        prop_assert!(wants.is_sorted_by_key(|run| run.start));
                    }
                }
            }
            prop_assert!(pieces.wake().is_none_or(|at| at > now));
        }
        for id in 0..8 {
            pieces.failed(node(id), Failure::Gone);
        }
        prop_assert!(pieces.is_deserted());
        prop_assert!(pieces.join(honest, Holder::Whole, now));
        let mut rounds = 0;
        while !pieces.is_done() {
            rounds += 1;
            prop_assert!(rounds < 100);
            now += STEP;
            for output in pieces.plan(now) {
                if let Output::Ask { pieces: run, .. } = output {
                    for piece in run {
                        pieces.moved(honest, 1000, now);
                        pieces.arrived(honest, piece, now);
                    }
                }
            }
        }
    }
}
