//! export and import: a whole archive as one file.

use std::io::Cursor;

use skep_publisher::{
    error::{Error, Kind},
    home::Home,
    portable::{self, Imported},
    store::{Relation, Store},
    swarm::OpenStore,
    verify::verify,
};

use crate::fixture::Author;

fn export(author: &Author, store: &Store) -> Vec<u8> {
    let mut file = Vec::new();
    let state = store.known(author.site).unwrap();
    let exported = portable::export(store, &state, &mut file).unwrap();
    assert_eq!(exported.bytes, file.len() as u64);
    file
}

/// Another machine's store.
struct Elsewhere {
    _dir: tempfile::TempDir,
    open: OpenStore,
}

impl Elsewhere {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let open = OpenStore::open(&Home::new(dir.path()), "a test").unwrap();
        Self { _dir: dir, open }
    }

    fn import(&self, file: &[u8]) -> Result<Imported, Error> {
        let store = &self.open.store;
        let mut input = Cursor::new(file);
        portable::import(
            store,
            &mut input,
            |_| Relation::Visited,
            &self.open.scratch(),
        )
    }

    fn versions(&self, author: &Author) -> u64 {
        let state = self.open.store.site(author.site).unwrap();
        state.and_then(|s| s.head).map_or(0, |head| head.length())
    }
}

/// Three versions with packs, large files, and enough blobs for lists.
fn author() -> (Author, OpenStore) {
    let author = Author::new().with("index.html", "one");
    for n in 0..20u32 {
        let bytes: Vec<u8> = (0..40_000u32)
            .map(|i| (i.wrapping_mul(n * 2 + 1) >> 3) as u8)
            .collect();
        author.write(&format!("{n}.png"), bytes);
    }
    let open = author.open();
    author.publish(&open.store);
    author.write("index.html", "two");
    author.publish(&open.store);
    author.write("about.html", "three");
    author.publish(&open.store);
    (author, open)
}

#[test]
fn an_archive_travels_in_a_file() {
    let (author, open) = author();
    let file = export(&author, &open.store);
    let elsewhere = Elsewhere::new();
    let imported = elsewhere.import(&file).unwrap();
    assert_eq!(
        (imported.version, imported.new, imported.site),
        (3, 3, author.site)
    );
    let state = elsewhere.open.store.known(author.site).unwrap();
    assert_eq!(verify(&elsewhere.open.store, &state).unwrap().whole, 3);
    // What was imported exports to the same bytes.
    assert_eq!(export(&author, &elsewhere.open.store), file);
    assert_eq!(elsewhere.import(&file).unwrap().new, 0);
}

#[test]
fn a_newer_file_goes_on_where_an_older_one_ended() {
    let author = Author::new().with("index.html", "one");
    let open = author.open();
    author.publish(&open.store);
    let old = export(&author, &open.store);
    author.write("index.html", "two");
    author.publish(&open.store);
    let new = export(&author, &open.store);
    let elsewhere = Elsewhere::new();
    elsewhere.import(&old).unwrap();
    assert_eq!(elsewhere.import(&new).unwrap().new, 1);
    assert_eq!(elsewhere.import(&old).unwrap_err().kind, Kind::Older);
    assert_eq!(elsewhere.versions(&author), 2);
}

#[test]
fn two_histories_are_not_mixed() {
    let author = Author::new().with("index.html", "one");
    let twin = author.on_second_machine();
    let (open, twin_open) = (author.open(), twin.open());
    author.write("index.html", "mine");
    author.publish(&open.store);
    twin.write("index.html", "yours");
    twin.publish(&twin_open.store);
    twin.write("index.html", "yours again");
    twin.publish(&twin_open.store);
    let elsewhere = Elsewhere::new();
    elsewhere.import(&export(&author, &open.store)).unwrap();
    let error = elsewhere
        .import(&export(&twin, &twin_open.store))
        .unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert_eq!(elsewhere.versions(&author), 1);
}

#[test]
fn a_cut_or_altered_file_changes_nothing() {
    let author = Author::new().with("index.html", "words ".repeat(500));
    let open = author.open();
    author.publish(&open.store);
    let file = export(&author, &open.store);
    let elsewhere = Elsewhere::new();
    for end in 0..file.len() {
        let error = elsewhere.import(&file[..end]).unwrap_err();
        assert_eq!(error.kind, Kind::Hostile, "cut at {end}: {error}");
    }
    for at in 0..file.len() {
        let mut altered = file.clone();
        altered[at] ^= 1 << (at % 8);
        let error = elsewhere.import(&altered).unwrap_err();
        assert_eq!(error.kind, Kind::Hostile, "altered at {at}: {error}");
    }
    assert_eq!(elsewhere.versions(&author), 0);
    elsewhere.import(&file).unwrap();
}
