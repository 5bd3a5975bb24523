#![no_main]

#[path = "../../tests/it/evaluators/mod.rs"]
mod evaluators;

use std::sync::LazyLock;

static EVALUATOR: LazyLock<&evaluators::Evaluator> =
    LazyLock::new(|| evaluators::evaluator("data"));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    (EVALUATOR.check)(bytes);
});
