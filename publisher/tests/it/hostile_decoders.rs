//! Every decoder, fed what is almost right and what is nothing at all.

use std::{fs, path::PathBuf};

use proptest::{
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, TestRunner},
};

use crate::decoders::{self, Decoder};

/// One thing that happens to bytes on the way.
#[derive(Debug, Clone)]
enum Edit {
    Flip(Index, u8),
    Set(Index, u8),
    Cut(Index),
    Remove(Index, usize),
    Insert(Index, Vec<u8>),
    Double(Index, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    prop_oneof![
        (at(), 0..8u8).prop_map(|(at, bit)| Edit::Flip(at, 1 << bit)),
        // Ends of ranges, and the bytes that make integers longer.
        (at(), select(vec![0, 1, 2, 0x7f, 0x80, 0xff])).prop_map(|(at, byte)| Edit::Set(at, byte)),
        at().prop_map(Edit::Cut),
        (at(), 1..40usize).prop_map(|(at, count)| Edit::Remove(at, count)),
        (at(), prop::collection::vec(any::<u8>(), 1..20))
            .prop_map(|(at, new)| Edit::Insert(at, new)),
        (at(), 1..80usize).prop_map(|(at, count)| Edit::Double(at, count)),
    ]
}

impl Edit {
    fn apply(self, bytes: &mut Vec<u8>) {
        let length = bytes.len();
        let place = |at: Index| at.index(length + 1);
        let range = |at: Index, count: usize| place(at)..(place(at) + count).min(length);
        match self {
            Self::Flip(at, bit) if !bytes.is_empty() => *at.get_mut(bytes) ^= bit,
            Self::Set(at, byte) if !bytes.is_empty() => *at.get_mut(bytes) = byte,
            Self::Flip(..) | Self::Set(..) => {}
            Self::Cut(at) => bytes.truncate(place(at)),
            Self::Remove(at, count) => drop(bytes.drain(range(at, count))),
            Self::Insert(at, new) => drop(bytes.splice(place(at)..place(at), new)),
            Self::Double(at, count) => {
                let range = range(at, count);
                let again = bytes[range.clone()].to_vec();
                drop(bytes.splice(range.end..range.end, again));
            }
        }
    }
}

/// Something valid with a few edits, or any bytes.
fn bytes(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let edited = (select(seeds), prop::collection::vec(edit(), 0..5)).prop_map(|(seed, edits)| {
        let mut bytes = seed;
        edits.into_iter().for_each(|edit| edit.apply(&mut bytes));
        bytes
    });
    prop_oneof![4 => edited, 1 => prop::collection::vec(any::<u8>(), 0..400)]
}

fn corpus_dir(decoder: &Decoder) -> PathBuf {
    let all = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus");
    PathBuf::from(all).join(decoder.name)
}

fn corpus(decoder: &Decoder) -> Vec<(PathBuf, Vec<u8>)> {
    let files = fs::read_dir(corpus_dir(decoder)).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    paths
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

#[test]
fn no_bytes_make_a_decoder_panic_and_what_decodes_is_canonical() {
    for Decoder { name, .. } in &decoders::ALL {
        let decoder = decoders::decoder(name);
        let mut seeds = (decoder.seeds)();
        seeds.extend(corpus(decoder).into_iter().map(|(_, bytes)| bytes));
        // These two write to a disk.
        let cases = match *name {
            "import" | "key" => 200,
            _ => 2000,
        };
        let mut runner = TestRunner::new(Config {
            failure_persistence: None,
            ..Config::with_cases(cases)
        });
        let run = runner.run(&bytes(seeds), |bytes| {
            (decoder.check)(&bytes);
            Ok(())
        });
        run.unwrap_or_else(|e| panic!("{}: {e}", decoder.name));
    }
}

/// What the fuzz targets begin from is small, and accepted, so that they get past the first check. After a
/// change of the format, `SKEP_WRITE_CORPORA=1 cargo test -p skep-publisher corpus` writes it anew.
#[test]
fn each_decoder_has_a_corpus_that_it_knows() {
    let write = std::env::var_os("SKEP_WRITE_CORPORA").is_some();
    for decoder in &decoders::ALL {
        let seeds = (decoder.seeds)().into_iter().enumerate();
        for (n, seed) in seeds.filter(|_| write) {
            let dir = corpus_dir(decoder);
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join(format!("seed-{n:02}")), seed).unwrap();
        }
        let (name, files) = (decoder.name, corpus(decoder));
        assert!((1..=20).contains(&files.len()), "{name}: {}", files.len());
        for (path, bytes) in &files {
            assert!(bytes.len() <= 4096, "{path:?}");
        }
        let accepted = |(_, bytes): &&(PathBuf, Vec<u8>)| (decoder.check)(bytes);
        assert!(files.iter().filter(accepted).count() > 0, "{name}");
    }
}
