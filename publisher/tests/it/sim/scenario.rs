//! Runs: what happens to a swarm, and what is seen then.

use std::time::Duration;

use super::{
    net::Place,
    node::Character,
    report::Report,
    world::{AUTHOR, World},
};

const MINUTE: Duration = Duration::from_secs(60);
const MIB: u64 = 1 << 20;
/// The size of a small version, and the uplink of a slow node a second.
const SMALL: u64 = 20 << 10;
const SLOW: u64 = 20 << 10;

/// Readers come within a second to a site of so many MiB that the author alone has.
pub(crate) fn crowd(nodes: usize, seed: u64, pieces: u32) -> Report {
    gather(World::new(nodes, seed), seed, pieces)
}

/// The same, with a fifth of the nodes so slow that a piece from them takes most of a minute.
pub(crate) fn slow(nodes: usize, seed: u64, pieces: u32) -> Report {
    let mut world = World::new(nodes, seed);
    for node in (5..nodes).step_by(5) {
        world.nodes[node].up = SLOW;
    }
    gather(world, seed, pieces)
}

fn gather(mut world: World, seed: u64, pieces: u32) -> Report {
    let nodes = world.nodes.len();
    world.publish(pieces, MIB);
    world.start(AUTHOR, &[]);
    for node in 1..nodes {
        world.run(Duration::from_secs(1) / nodes as u32);
        world.start(node, &[AUTHOR]);
    }
    world.settle(60 * MINUTE);
    report(&world, seed, 0, Duration::ZERO)
}

/// A small version is published to a swarm at rest, whose nodes knew one other at first.
pub(crate) fn news(nodes: usize, seed: u64) -> Report {
    let mut world = rest(nodes, seed);
    let before = world.counts.messages();
    let since = world.now();
    world.publish(1, SMALL);
    world.settle(10 * MINUTE);
    report(&world, seed, before, since)
}

/// A version of 8 MiB is published to a swarm at rest.
pub(crate) fn update(nodes: usize, seed: u64) -> Report {
    let mut world = rest(nodes, seed);
    let before = world.counts.messages();
    let since = world.now();
    world.publish(8, MIB);
    world.settle(30 * MINUTE);
    report(&world, seed, before, since)
}

/// How many messages of the overlay a swarm at rest costs each node in an hour.
pub(crate) fn idle(nodes: usize, seed: u64) -> f64 {
    let mut world = rest(nodes, seed);
    let before = world.counts.messages();
    world.run(60 * MINUTE);
    (world.counts.messages() - before) as f64 / nodes as f64
}

/// The node by which all others found each other is gone without a word, and with it so many more as `gone` says. At the
/// same moment the author publishes.
pub(crate) fn bootstrap(nodes: usize, seed: u64, gone: usize) -> Report {
    const BOOTSTRAP: Place = 1;
    let mut world = World::new(nodes, seed);
    world.publish(1, SMALL);
    world.start(BOOTSTRAP, &[]);
    for node in (0..nodes).filter(|node| *node != BOOTSTRAP) {
        world.start(node, &[BOOTSTRAP]);
    }
    world.settle(10 * MINUTE);
    for node in BOOTSTRAP..=BOOTSTRAP + gone {
        world.stop(node, false);
    }
    let (before, since) = (world.counts.messages(), world.now());
    world.publish(1, SMALL);
    world.settle(10 * MINUTE);
    report(&world, seed, before, since)
}

/// Half an hour of everything at once: nodes come and go, a tenth of them lies, a tenth is slow, a third is cut off
/// three times; the author publishes small and large versions, and is away half of the time. When the last partition
/// heals, the smaller part lacks versions, and nothing is published any more: how long until all have the newest?
pub(crate) fn storm(nodes: usize, seed: u64) -> Report {
    let mut world = World::new(nodes, seed);
    for node in 2..nodes {
        world.nodes[node].character = match node % 40 {
            7 => Character::Forger,
            17 => Character::Hoarder,
            27 => Character::Corrupter,
            37 => Character::Flooder,
            _ => Character::Honest,
        };
        if node % 10 == 3 {
            world.nodes[node].up = SLOW;
        }
    }
    world.publish(4, MIB);
    for node in 0..nodes {
        world.start(node, &[AUTHOR, 1]);
        world.run(Duration::from_millis(50));
    }
    for minute in 0..30u64 {
        match minute {
            5 | 15 | 25 => world.part(|node| u8::from(node % 3 == 1)),
            10 | 22 => world.part(|_| 0),
            _ => {}
        }
        match minute % 8 {
            2 | 6 => world.stop(AUTHOR, minute % 8 == 2),
            0 | 4 if minute > 0 => world.start(AUTHOR, &[1]),
            _ => {}
        }
        if world.nodes[AUTHOR].online && minute % 2 == 1 {
            match minute % 5 {
                0 => world.publish(4, MIB),
                _ => world.publish(1, SMALL),
            };
        }
        // A tenth changes its mind.
        let some = (nodes / 10).max(1);
        for _ in 0..some {
            let node = 2 + world.dice.below(nodes as u64 - 2) as Place;
            match world.nodes[node].online {
                true => world.stop(node, minute % 2 == 0),
                false => world.start(node, &[1]),
            }
            world.run(MINUTE / some as u32);
        }
        world.check();
    }
    let before = world.counts.messages();
    let lacking = world.behind();
    world.forget_sent();
    world.part(|_| 0);
    let since = world.now();
    world.settle(30 * MINUTE);
    Report {
        lacking,
        ..report(&world, seed, before, since)
    }
}

/// A swarm whose nodes came one after the other, each knowing one of those before, and that has rested for ten minutes.
fn rest(nodes: usize, seed: u64) -> World {
    let mut world = World::new(nodes, seed);
    world.publish(1, SMALL);
    for node in 0..nodes {
        let known = world.dice.below(node.max(1) as u64) as Place;
        match node {
            AUTHOR => world.start(node, &[]),
            _ => world.start(node, &[known]),
        }
        world.run(Duration::from_millis(20));
    }
    world.run(10 * MINUTE);
    world.forget_sent();
    world
}

fn report(world: &World, seed: u64, before: u64, since: Duration) -> Report {
    world.check();
    let tip = world.content.newest().expect("something was published");
    let size = world.content.added(tip) as f64;
    let (half, all) = world.spread(tip, since);
    let sent = world.nodes.iter().map(|node| node.uplink.sent);
    Report {
        nodes: world.nodes.len(),
        seed,
        lacking: world.nodes.len() - 1,
        behind: world.behind(),
        half,
        all,
        author: world.nodes[AUTHOR].uplink.sent as f64 / size,
        most: sent.max().unwrap_or(0) as f64 / size,
        messages: world.counts.messages() - before,
        counts: world.counts.clone(),
        trace: world.trace(),
    }
}
