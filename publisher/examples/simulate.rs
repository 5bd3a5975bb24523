//! Runs the simulated swarm of the tests with as many nodes as one likes, and prints what was seen:
//!
//! ```text
//! cargo run --release -p skep-publisher --example simulate -- --nodes 1000 --seed 1
//! ```

#![allow(clippy::print_stdout)]

#[path = "../tests/it/sim/mod.rs"]
mod sim;

use sim::{report::Report, scenario};

/// The site that a crowd comes for, in MiB.
const SITE: u32 = 24;

fn main() -> Result<(), String> {
    let (mut nodes, mut seed) = (200, 1);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse().ok());
        match (name.as_str(), value) {
            ("--nodes", Some(value)) if (50..=100_000).contains(&value) => nodes = value as usize,
            ("--seed", Some(value)) => seed = value,
            _ => return Err("usage: simulate [--nodes 50..100000] [--seed NUMBER]".to_owned()),
        }
    }
    let runs: [(&str, &dyn Fn() -> Report); 7] = [
        ("crowd", &|| scenario::crowd(nodes, seed, SITE)),
        ("slow", &|| scenario::slow(nodes, seed, SITE)),
        ("news", &|| scenario::news(nodes, seed)),
        ("update", &|| scenario::update(nodes, seed)),
        ("bootstrap", &|| scenario::bootstrap(nodes, seed, 0)),
        ("a third", &|| scenario::bootstrap(nodes, seed, nodes / 3)),
        ("storm", &|| scenario::storm(nodes, seed)),
    ];
    println!("{:<9} {}", "", Report::head());
    for (name, run) in runs {
        println!("{name:<9} {}", run().row());
    }
    println!(
        "at rest: {:.0} messages a node and hour",
        scenario::idle(nodes, seed)
    );
    Ok(())
}
