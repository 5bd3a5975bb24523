//! A power cut in the middle of a fetch, as the real store of blobs is found after it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use skep_publisher::home::Home;

use crate::fixture::{Author, check, checked_out, noise, read, start};

/// Files of which a store of blobs keeps the data, or data and hashes, beside its database.
fn author() -> Author {
    Author::new()
        .with("index.html", "i")
        .with("photo.png", noise(1, 70_000))
        .with("film.webm", noise(2, 5 << 20))
}

fn files(home: &Home, kind: &str) -> Vec<PathBuf> {
    let data = fs::read_dir(home.store().join("blobs/data")).unwrap();
    let paths = data.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|e| e == kind))
        .collect()
}

/// iroh-blobs' database says that the blobs are complete, and they are not: it was durable before them.
/// Nobody has seen the version yet, so it has to come whole, not as it lies here.
#[tokio::test(flavor = "multi_thread")]
async fn blobs_that_a_power_cut_took_come_again() {
    let author = author();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let dir = tempfile::tempdir().unwrap();
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 5] = [
        ("data", |file| fs::remove_file(file).unwrap()),
        ("data", |file| fs::write(file, []).unwrap()),
        ("data", |file| fs::write(file, [0; 70_000]).unwrap()),
        ("data", |file| {
            let bytes = fs::read(file).unwrap();
            fs::write(file, &bytes[..bytes.len() - 1]).unwrap();
        }),
        ("obao4", |file| fs::write(file, []).unwrap()),
    ];
    for (n, (kind, damage)) in damages.iter().enumerate() {
        let home = Home::new(dir.path().join(n.to_string()));
        let reader = start(&home).await;
        read(&reader, author.site, &desk).await.unwrap();
        reader.close().await;
        drop(reader);
        fs::remove_file(home.store().join("records.redb")).unwrap();
        let damaged = files(&home, kind);
        assert!(!damaged.is_empty(), "{kind}");
        damaged.iter().for_each(|file| damage(file));

        let reader = start(&home).await;
        read(&reader, author.site, &desk).await.unwrap();
        let store = reader.store.clone();
        check(&store, author.site).unwrap_or_else(|e| panic!("damage {n}: {e}"));
        assert_eq!(
            checked_out(&store, author.site, None).unwrap(),
            author.files()
        );
        reader.close().await;
    }
    desk.close().await;
}
