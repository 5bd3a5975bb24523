//! Time, latency, and who can reach whom.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    time::Duration,
};

use skep_publisher::swarm::proto::dice::Dice;

/// A place in the list of nodes. Beyond its end is nobody.
pub(super) type Place = usize;

/// What happens, in the order of time; at the same time, in the order in which it was planned.
#[derive(Debug)]
pub(super) struct Queue<E> {
    pub(super) now: Duration,
    order: BinaryHeap<Reverse<(Duration, u64)>>,
    events: BTreeMap<u64, E>,
    sequence: u64,
}

impl<E> Queue<E> {
    pub(super) fn new() -> Self {
        Self {
            now: Duration::ZERO,
            order: BinaryHeap::new(),
            events: BTreeMap::new(),
            sequence: 0,
        }
    }

    pub(super) fn at(&mut self, at: Duration, event: E) {
        self.sequence += 1;
        self.order.push(Reverse((at.max(self.now), self.sequence)));
        self.events.insert(self.sequence, event);
    }

    /// The next event up to `end`. Time is that of the event then, or `end` if there is none.
    pub(super) fn next(&mut self, end: Duration) -> Option<E> {
        match self.order.peek() {
            Some(Reverse((at, sequence))) if *at <= end => {
                let (at, sequence) = (*at, *sequence);
                self.order.pop();
                self.now = at;
                self.events.remove(&sequence)
            }
            _ => {
                self.now = self.now.max(end);
                None
            }
        }
    }
}

/// Where nodes are, and which of them a partition keeps apart.
#[derive(Debug)]
pub(super) struct Map {
    /// On a plane; a hundred milliseconds from edge to edge.
    points: Vec<(f64, f64)>,
    groups: Vec<u8>,
}

impl Map {
    pub(super) fn new(nodes: usize, dice: &mut Dice) -> Self {
        let mut coordinate = || dice.below(1_000_000) as f64 / 1e6;
        Self {
            points: (0..nodes).map(|_| (coordinate(), coordinate())).collect(),
            groups: vec![0; nodes],
        }
    }

    /// How long a message takes: at least 5 ms, at most 146.
    pub(super) fn latency(&self, from: Place, to: Place) -> Duration {
        let (Some(a), Some(b)) = (self.points.get(from), self.points.get(to)) else {
            return Duration::from_millis(50);
        };
        let distance = (a.0 - b.0).hypot(a.1 - b.1);
        Duration::from_micros(5_000 + (distance * 100_000.0) as u64)
    }

    /// Whether a message can pass.
    pub(super) fn joined(&self, from: Place, to: Place) -> bool {
        self.groups.get(from) == self.groups.get(to)
    }

    pub(super) fn set_group(&mut self, node: Place, group: u8) {
        self.groups[node] = group;
    }
}
