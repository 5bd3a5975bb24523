//! The swarm's state machines in a simulated network of up to 200 nodes: what must hold of any run. What is modelled:
//! `publisher/docs/simulation.md`; more nodes: `cargo run --release -p skep-publisher --example simulate`.

use std::time::Duration;

use crate::sim::{
    report::Report,
    scenario::{bootstrap, crowd, idle, news, slow, storm, update},
};

fn shown(report: &Report) -> String {
    format!("\n{}\n{}", Report::head(), report.row())
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let (one, same, other) = (storm(40, 1), storm(40, 1), storm(40, 2));
    assert_eq!(one.row(), same.row());
    assert_ne!(one.trace, other.trace);
}

#[test]
fn a_crowd_has_the_site_and_the_author_gives_it_three_times_at_most() {
    for seed in 1..=2 {
        let report = crowd(200, seed, 24);
        assert_eq!(report.behind, 0, "{}", shown(&report));
        assert!(report.author <= 3.0, "{}", shown(&report));
        // From the author alone it would take half an hour.
        assert!(report.all < Duration::from_secs(120), "{}", shown(&report));
    }
}

#[test]
fn with_slow_nodes_the_author_gives_it_three_times_at_most() {
    for seed in 2..=3 {
        let report = slow(200, seed, 24);
        assert_eq!(report.behind, 0, "{}", shown(&report));
        assert!(report.author <= 3.0, "{}", shown(&report));
    }
}

#[test]
fn slow_nodes_do_not_hold_the_others_up() {
    let (quick, slow) = (crowd(100, 3, 24), slow(100, 3, 24));
    assert_eq!(slow.behind, 0, "{}", shown(&slow));
    // A piece from one of the slow takes 51 s alone.
    assert!(slow.all < quick.all * 2, "{}", shown(&slow));
}

#[test]
fn the_node_that_all_knew_does_not_matter_once_it_was_there() {
    for seed in 1..=2 {
        let report = bootstrap(200, seed, 0);
        assert_eq!(report.behind, 0, "{}", shown(&report));
        assert!(report.all < Duration::from_secs(5), "{}", shown(&report));
        // Of a third that goes at once, others find out after up to 20 s, and so who had no other link.
        let report = bootstrap(200, seed, 66);
        assert_eq!(report.behind, 0, "{}", shown(&report));
        assert!(report.all < Duration::from_secs(60), "{}", shown(&report));
    }
}

#[test]
fn after_churn_partitions_and_lies_all_have_the_newest_version() {
    for seed in 1..=2 {
        let report = storm(200, seed);
        assert!(report.lacking > 0 && report.counts.forged > 0 && report.counts.corrupt > 0);
        assert_eq!(report.behind, 0, "{}", shown(&report));
        assert!(report.all < Duration::from_secs(300), "{}", shown(&report));
    }
}

#[test]
fn messages_grow_no_faster_than_n_log_n() {
    for run in [news, update] {
        let reports = [50, 100, 200].map(|nodes| run(nodes, 5));
        for pair in reports.windows(2) {
            assert_eq!(pair[1].behind, 0, "{}", shown(&pair[1]));
            assert!(pair[1].growth() <= pair[0].growth(), "{}", shown(&pair[1]));
        }
    }
}

#[test]
fn a_swarm_at_rest_says_little() {
    let messages = idle(100, 1);
    assert!(messages < 90.0, "{messages} a node and hour");
}
