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

const USAGE: &str = "usage: simulate [--nodes 50..100000] [--seed NUMBER] [--run NAME]";

fn main() -> Result<(), String> {
    let (mut nodes, mut seed, mut only) = (200, 1, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        match (name.as_str(), value.parse()) {
            ("--nodes", Ok(value)) if (50..=100_000).contains(&value) => nodes = value as usize,
            ("--seed", Ok(value)) => seed = value,
            ("--run", _) if !value.is_empty() => only = Some(value),
            _ => return Err(USAGE.to_owned()),
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
    let is_wanted = |name: &str| only.as_ref().is_none_or(|only| only == name);
    for (name, run) in runs.into_iter().filter(|(name, _)| is_wanted(name)) {
        println!("{name:<9} {}", run().row());
    }
    if is_wanted("rest") {
        println!(
            "at rest: {:.0} messages a node and hour",
            scenario::idle(nodes, seed)
        );
    }
    Ok(())
}
