#![no_main]

#[path = "../../tests/it/decoders/mod.rs"]
mod decoders;

use std::sync::LazyLock;

static DECODER: LazyLock<&decoders::Decoder> = LazyLock::new(|| decoders::decoder("config"));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    (DECODER.check)(bytes);
});
