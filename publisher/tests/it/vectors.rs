//! The test vectors of `tests/interop`, made from FORMAT.md by other code in another language.

use data_encoding::HEXLOWER;
use ed25519_dalek::SigningKey;
use serde_json::Value;
use skep_publisher::archive::{
    address::{Address, SiteId},
    codec::Reader,
    hash::{ContentHash, LogHash},
    head::Head,
    log::{History, Peaks},
    path::ArchivePath,
    tree::{self, File, node::MediaType},
};

fn cases(name: &str) -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/interop/vectors.json");
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = vectors[name].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    cases
}

fn bytes(case: &Value, name: &str) -> Vec<u8> {
    HEXLOWER
        .decode(case[name].as_str().unwrap().as_bytes())
        .unwrap()
}

fn array(case: &Value, name: &str) -> [u8; 32] {
    bytes(case, name).try_into().unwrap()
}

#[test]
fn addresses() {
    for case in cases("addresses") {
        let parsed = case["address"].as_str().unwrap().parse::<Address>();
        if case["valid"] == true {
            let parsed = parsed.unwrap_or_else(|e| panic!("{case}: {e}"));
            assert_eq!(parsed.site, SiteId(array(&case, "public_key")), "{case}");
            assert_eq!(parsed.to_string().parse(), Ok(parsed));
        } else {
            assert!(parsed.is_err(), "{case}");
        }
    }
}

#[test]
fn uints() {
    for case in cases("uints") {
        let bytes = bytes(&case, "hex");
        let mut reader = Reader::new("vector", &bytes);
        let value = reader
            .uint()
            .and_then(|value| reader.finish().map(|()| value));
        let expected = case["value"].as_str().map(|value| value.parse().unwrap());
        assert_eq!(value.ok(), expected, "{case}");
    }
}

#[test]
fn log_roots() {
    for case in cases("log_roots") {
        let mut peaks = Peaks::default();
        for leaf in case["leaves"].as_array().unwrap() {
            peaks.append(&HEXLOWER.decode(leaf.as_str().unwrap().as_bytes()).unwrap());
        }
        assert_eq!(peaks.root(), Some(LogHash(array(&case, "root"))), "{case}");
    }
}

#[test]
fn heads() {
    for case in cases("heads") {
        let site = SiteId(array(&case, "public_key"));
        let head = bytes(&case, "head");
        let read = Head::decode(site, &head);
        if case["valid"] == true {
            let length = case["length"].as_u64().unwrap();
            let root = LogHash(array(&case, "root"));
            let read = read.unwrap();
            assert_eq!((read.length(), read.root()), (length, root));
            // Ed25519 is deterministic: the same key signs the same bytes.
            let key = SigningKey::from_bytes(&array(&case, "seed"));
            assert_eq!(Head::sign(&key, length, root).encode(), head, "{case}");
        } else {
            assert!(read.is_err(), "{case}");
        }
    }
}

#[test]
fn forks() {
    for case in cases("forks") {
        let list = |name: &str| -> Vec<Vec<u8>> {
            let entries = case[name].as_array().unwrap().iter();
            let entries = entries.map(|entry| HEXLOWER.decode(entry.as_str().unwrap().as_bytes()));
            entries.map(Result::unwrap).collect()
        };
        let mut branches = list("branches").into_iter();
        let read = History::new(list("entries")).and_then(|mut history| {
            while let Some(branch) = history.missing() {
                let count = branch.length - branch.fork_point;
                history.supply(branches.by_ref().take(count as usize).collect())?;
            }
            Ok(history)
        });
        assert_eq!(read.is_ok(), case["valid"] == true, "{}", case["name"]);
        if let Ok(history) = read {
            assert_eq!(branches.count(), 0);
            let abandoned: Vec<_> = history.abandoned().map(|a| a.tip.length).collect();
            assert_eq!(case["abandoned"], serde_json::json!(abandoned));
        }
    }
}

#[test]
fn tree_roots() {
    for case in cases("tree_roots") {
        let files = (0..case["files"].as_u64().unwrap() as u32).map(|n| {
            let file = File {
                hash: ContentHash::of(&n.to_le_bytes()),
                size: 4,
                media_type: MediaType::new("text/html").unwrap(),
            };
            let path = format!("posts/{n:06}/index.html");
            (ArchivePath::new(&path).unwrap(), file)
        });
        let built = tree::build(files.collect());
        assert_eq!(built.root.0, array(&case, "root"), "{case}");
        assert_eq!(built.nodes.len() as u64, case["nodes"].as_u64().unwrap());
    }
}

#[test]
fn paths() {
    for case in cases("paths") {
        let bytes = bytes(&case, "hex");
        let path = std::str::from_utf8(&bytes).ok().map(ArchivePath::new);
        let valid = matches!(path, Some(Ok(_)));
        assert_eq!(valid, case["valid"] == true, "{case}");
        if let Some(Ok(path)) = path {
            assert_eq!(path.is_reserved(), case["reserved"] == true, "{case}");
        }
    }
}
