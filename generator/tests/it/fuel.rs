//! Every evaluator, fed what is almost right and what is nothing at all. `generator/fuzz` does the same for longer.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};

use crate::evaluators::ALL;

/// A seed with parts of it doubled, taken out or put elsewhere, or with any bytes in it.
fn bytes(seeds: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let at = any::<Index>;
    let edit = (
        at(),
        at(),
        0..24_usize,
        prop::collection::vec(any::<u8>(), 0..6),
        0..4_u8,
    );
    (select(seeds), prop::collection::vec(edit, 0..6)).prop_map(|(seed, edits)| {
        let mut bytes = seed.as_bytes().to_vec();
        for (from, to, count, new, kind) in edits {
            let from = from.index(bytes.len() + 1);
            let end = (from + count).min(bytes.len());
            let part = bytes[from..end].to_vec();
            match kind {
                0 => drop(bytes.drain(from..end)),
                1 => drop(bytes.splice(from..from, new)),
                _ => {
                    let to = to.index(bytes.len() + 1);
                    drop(bytes.splice(to..to, part));
                }
            }
        }
        bytes
    })
}

/// What the fuzz targets begin from. After a change of the seeds, `SKEP_WRITE_CORPORA=1 cargo test -p skep-generator corpus`
/// writes it anew.
#[test]
fn each_evaluator_has_a_corpus_of_its_seeds() {
    for evaluator in &ALL {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus");
        let dir = std::path::Path::new(dir).join(evaluator.name);
        for (number, seed) in evaluator.seeds.iter().enumerate() {
            let file = dir.join(format!("seed-{number:02}"));
            if std::env::var_os("SKEP_WRITE_CORPORA").is_some() {
                std::fs::create_dir_all(&dir).unwrap();
                std::fs::write(&file, seed).unwrap();
            }
            assert_eq!(std::fs::read_to_string(&file).unwrap(), *seed, "{file:?}");
        }
    }
}

#[test]
fn nothing_that_is_evaluated_panics_or_runs_on() {
    for evaluator in &ALL {
        for seed in evaluator.seeds {
            assert!(
                (evaluator.check)(seed.as_bytes()),
                "{}: {seed}",
                evaluator.name
            );
        }
        let mut runner = TestRunner::new(Config {
            failure_persistence: None,
            ..Config::with_cases(150)
        });
        let run = runner.run(&bytes(evaluator.seeds), |bytes| {
            (evaluator.check)(&bytes);
            Ok(())
        });
        run.unwrap_or_else(|e| panic!("{}: {e}", evaluator.name));
    }
}
