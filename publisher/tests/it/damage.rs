//! Noticing that a store is damaged, before anything is shown or signed.

use std::{fs, path::PathBuf};

use redb::{ReadableDatabase, ReadableTable};
use skep_publisher::{archive::entry::Entry, error::Kind};

use crate::fixture::{Author, check, checked_out, noise};

/// An author with two versions, both with a file blob, and a closed store.
async fn published() -> Author {
    let author = Author::new()
        .with("index.html", "one")
        .with("photo.png", noise(1, 70_000));
    let open = author.open();
    author.publish(&open.store);
    author.write("index.html", "two");
    author.publish(&open.store);
    open.close().await;
    author
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_on_the_disk_is_found() {
    let author = published().await;
    let data = author.home.store().join("blobs/data");
    let files: Vec<PathBuf> = fs::read_dir(data)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "data"))
        .collect();
    assert!(!files.is_empty());
    for file in files {
        let whole = fs::read(&file).unwrap();
        let mut bytes = whole.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&file, bytes).unwrap();
        let open = author.open();
        let error = check(&open.store, author.site).unwrap_err();
        assert_eq!(error.kind, Kind::Damaged, "{error}");
        // The packs are small, and the newest version needs a part of them only.
        if whole.len() > 40_000 {
            let error = checked_out(&open.store, author.site, None).unwrap_err();
            assert_eq!(error.kind, Kind::Damaged, "{error}");
        }
        open.close().await;
        fs::write(&file, whole).unwrap();
    }
    check(&author.open().store, author.site).unwrap();
}

const ENTRIES: redb::TableDefinition<(u32, u64), &[u8]> = redb::TableDefinition::new("entries");
const PEAKS: redb::TableDefinition<u32, &[u8]> = redb::TableDefinition::new("peaks");

fn records(author: &Author) -> redb::Database {
    redb::Database::open(author.home.store().join("records.redb")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_entry_is_found() {
    let author = published().await;
    let db = records(&author);
    let read = db.begin_read().unwrap();
    let table = read.open_table(ENTRIES).unwrap();
    let bytes = table.get((0, 1)).unwrap().unwrap().value().to_vec();
    let mut entry = Entry::decode(&bytes).unwrap();
    drop((table, read));
    entry.message = "another one".into();
    let txn = db.begin_write().unwrap();
    txn.open_table(ENTRIES)
        .unwrap()
        .insert((0, 1), entry.encode().unwrap().as_slice())
        .unwrap();
    txn.commit().unwrap();
    drop(db);
    let error = check(&author.open().store, author.site).unwrap_err();
    assert_eq!(error.kind, Kind::Damaged, "{error}");
}

/// A head over a wrong root would be signed for ever: readers would see a history that was rewritten.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_signed_over_a_damaged_log() {
    let author = published().await;
    let db = records(&author);
    let txn = db.begin_write().unwrap();
    let mut bytes = txn
        .open_table(PEAKS)
        .unwrap()
        .get(0)
        .unwrap()
        .unwrap()
        .value()
        .to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    txn.open_table(PEAKS)
        .unwrap()
        .insert(0, bytes.as_slice())
        .unwrap();
    txn.commit().unwrap();
    drop(db);
    let open = author.open();
    author.write("index.html", "three");
    let error = author.try_publish(&open.store).unwrap_err();
    assert_eq!(error.kind, Kind::Damaged, "{error}");
    let head = open.store.known(author.site).unwrap().head.unwrap();
    assert_eq!(head.length(), 2);
    let error = check(&open.store, author.site).unwrap_err();
    assert_eq!(error.kind, Kind::Damaged, "{error}");
}
