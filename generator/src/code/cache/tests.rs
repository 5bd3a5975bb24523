use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;

use super::super::spans::Class;
use super::*;

const CODE: &str = "fn main() {}";

fn some_spans(length: u32) -> Vec<Span> {
    vec![Span {
        class: Class::Keyword,
        length,
    }]
}

#[test]
fn what_was_added_is_there_and_in_the_next_run_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/cache");
    let cache = Cache::open(&path);
    let key = key("rust", CODE);
    assert_eq!(cache.get(&key, CODE), None);
    cache.add(key, &some_spans(2));
    assert_eq!(cache.get(&key, CODE), Some(some_spans(2)));
    cache.save(&path).unwrap();
    assert_eq!(Cache::open(&path).get(&key, CODE), Some(some_spans(2)));
}

#[test]
fn nothing_is_written_that_is_not_new() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache");
    let cache = Cache::open(&path);
    cache.save(&path).unwrap();
    assert!(!path.exists());
    cache.add(key("rust", CODE), &[]);
    cache.save(&path).unwrap();
    fs::remove_file(&path).unwrap();
    cache.get(&key("rust", CODE), CODE);
    cache.save(&path).unwrap();
    assert!(!path.exists());
}

#[test]
fn a_language_and_its_code_can_not_be_taken_for_others() {
    assert_ne!(key("c", "pp"), key("cpp", ""));
    assert_ne!(key("c", CODE), key("rust", CODE));
    assert_eq!(VERSION.len(), 16);
}

#[test]
fn spans_that_can_not_be_of_the_code_are_not_used() {
    let cache = Cache::default();
    let key = key("rust", "é");
    for length in [1, 3] {
        cache.add(key, &some_spans(length));
        assert_eq!(cache.get(&key, "é"), None);
    }
}

#[test]
fn damage_and_foreign_files_are_an_empty_cache() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache");
    let cache = Cache::default();
    let key = key("rust", CODE);
    cache.add(key, &some_spans(2));
    cache.save(&path).unwrap();
    let whole = fs::read(&path).unwrap();

    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x20;
        fs::write(&path, &damaged).unwrap();
        assert_eq!(Cache::open(&path).get(&key, CODE), None, "byte {at}");
        fs::write(&path, &whole[..at]).unwrap();
        assert_eq!(Cache::open(&path).get(&key, CODE), None, "cut at {at}");
    }
    // Another version of the format, whole.
    let mut other = whole[..whole.len() - 32].to_vec();
    other[8] = 2;
    other.extend_from_slice(blake3::hash(&other).as_bytes());
    fs::write(&path, &other).unwrap();
    assert_eq!(Cache::open(&path).get(&key, CODE), None);
    // A folder.
    assert_eq!(Cache::open(folder.path()).get(&key, CODE), None);
}

#[test]
fn what_is_not_used_goes_after_some_saves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache");
    let (old, used) = (key("rust", "old"), key("rust", "used"));
    let cache = Cache::default();
    cache.add(old, &[]);
    cache.add(used, &[]);
    cache.save(&path).unwrap();
    for run in 0..=MAX_AGE {
        let cache = Cache::open(&path);
        assert_eq!(cache.get(&used, "used"), Some(Vec::new()));
        let entries = file::read(&path, MAX_BYTES).unwrap();
        assert!(entries.contains_key(&old), "{run}");
        cache.add(key("rust", &run.to_string()), &[]);
        cache.save(&path).unwrap();
    }
    let entries = file::read(&path, MAX_BYTES).unwrap();
    assert!(entries.contains_key(&used) && !entries.contains_key(&old));
}

#[test]
fn two_runs_at_once_keep_what_both_have_added() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache");
    let (one, two) = (Cache::open(&path), Cache::open(&path));
    one.add(key("rust", "one"), &[]);
    two.add(key("rust", "two"), &[]);
    one.save(&path).unwrap();
    two.save(&path).unwrap();
    let both = Cache::open(&path);
    for code in ["one", "two"] {
        assert_eq!(
            both.get(&key("rust", code), code),
            Some(Vec::new()),
            "{code}"
        );
    }
}

#[test]
fn what_does_not_fit_is_left_out_the_oldest_first() {
    let entry = |age| Entry {
        spans: vec![0x11; 100].into(),
        age,
    };
    let entries = BTreeMap::from([
        ([1; 16], entry(5)),
        ([2; 16], entry(0)),
        ([3; 16], entry(3)),
    ]);
    let bytes = file::encode(entries, 300);
    let kept = file::decode(&bytes).unwrap();
    assert_eq!(kept.keys().collect::<Vec<_>>(), [&[2; 16], &[3; 16]]);
    assert!(bytes.len() <= 300);

    let cache = Cache::default();
    cache.bytes.store(MAX_BYTES, Ordering::Relaxed);
    cache.add([7; 16], &some_spans(1));
    assert_eq!(cache.get(&[7; 16], "a"), None);
    assert_eq!(cache.bytes.load(Ordering::Relaxed), MAX_BYTES);
}

proptest! {
    #[test]
    fn entries_come_back_from_their_bytes(list in proptest::collection::btree_map(any::<Key>(), (proptest::collection::vec(any::<u8>(), 0..50), 0..30_u8), 0..20)) {
        let entries: BTreeMap<Key, Entry> = list
            .into_iter()
            .map(|(key, (spans, age))| (key, Entry { spans: spans.into(), age }))
            .collect();
        let decoded = file::decode(&file::encode(entries.clone(), usize::MAX)).unwrap();
        prop_assert_eq!(decoded.len(), entries.len());
        for (key, entry) in entries {
            prop_assert_eq!(&decoded[&key].spans, &entry.spans);
            prop_assert_eq!(decoded[&key].age, entry.age + 1);
        }
    }

    #[test]
    fn any_bytes_with_a_right_checksum_are_entries_or_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut whole = b"skepcode\x01".to_vec();
        whole.extend_from_slice(&bytes);
        whole.extend_from_slice(blake3::hash(&whole).as_bytes());
        if let Some(entries) = file::decode(&whole) {
            let size: usize = entries.values().map(|entry| entry.spans.len() + 21).sum();
            prop_assert!(size <= bytes.len());
        }
    }
}
