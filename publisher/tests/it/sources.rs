//! Versions whose sources are published beside the site's files.

use std::{fs, io::Cursor, path::Path};

use skep_publisher::{
    archive::{entry::Entry, hash::NodeHash},
    checkout::checkout,
    error::Kind,
    home::Home,
    portable,
    publish::{Outcome, Published},
    review::{Sources, WarningKind, revert, warnings},
    snapshot::{Options, snapshot},
    store::{Reader, Relation, Store},
    swarm::{
        OpenStore,
        fetch::{Wanted, newest},
    },
};

use crate::{
    fixture::{Author, Files, Other, check, checked_out, files_below, noise},
    hostile_author::{leaf, refused},
    liar::{Forge, pack},
};

/// A folder of sources: two texts, and a picture that the site has as well.
fn folder(dir: &Path) -> Sources {
    fs::create_dir_all(dir.join("_posts")).unwrap();
    fs::write(dir.join("skep.toml"), "title = 'T'").unwrap();
    fs::write(dir.join("_posts/a.md"), "# A").unwrap();
    fs::write(dir.join("bee.png"), noise(1, 50_000)).unwrap();
    taken(dir)
}

fn taken(dir: &Path) -> Sources {
    Sources::Files(snapshot(dir, &Options::default()).unwrap())
}

fn author() -> Author {
    Author::new()
        .with("a/index.html", "<h1>A</h1>")
        .with("bee.png", noise(1, 50_000))
}

fn publish(author: &Author, store: &Store, sources: Sources) -> Published {
    let review = author.review_with(store, sources);
    match author.publish_review(store, &review, "").unwrap() {
        Outcome::Published(published) => *published,
        Outcome::Unchanged(_) => panic!("nothing was published"),
    }
}

fn sources_of(store: &Store, entry: &Entry) -> Files {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let state = store.sites().unwrap().remove(0);
    checkout(&Reader::new(store, &state), entry.sources.unwrap(), &out).unwrap();
    files_below(&out)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_a_version_has_its_sources() {
    let sources = tempfile::tempdir().unwrap();
    let author = author();
    let desk = author.start().await;
    let published = publish(&author, &desk.store, folder(sources.path()));
    desk.share(author.site, 1).await.unwrap();
    let here = files_below(sources.path());
    assert_eq!(sources_of(&desk.store, &published.entry), here);
    assert_eq!(published.entry.files, 2, "these are the site's files");
    let large = published.entry.adds.inline.iter();
    assert_eq!(
        large.filter(|blob| blob.size == 50_000).count(),
        1,
        "stored once"
    );

    let host = Other::pinning(author.site).await;
    author.announce(&desk, &host.node).await.unwrap();
    let reader = Other::new().await;
    reader.read(author.site, &host.node).await.unwrap();
    for store in [&host.node.store, &reader.node.store] {
        assert_eq!(check(store, author.site).unwrap().files, 5);
        assert_eq!(sources_of(store, &published.entry), here);
    }
    let mut file = Vec::new();
    let state = host.node.store.known(author.site).unwrap();
    portable::export(&host.node.store, &state, &mut file).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let open = OpenStore::open(&Home::new(dir.path()), "a test").unwrap();
    let scratch = open.scratch();
    portable::import(
        &open.store,
        &mut Cursor::new(&file),
        |_| Relation::Visited,
        &scratch,
    )
    .unwrap();
    check(&open.store, author.site).unwrap();
    assert_eq!(sources_of(&open.store, &published.entry), here);
}

#[test]
fn sources_change_by_themselves_stay_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let author = author();
    let open = author.open();
    let store = &open.store;
    publish(&author, store, folder(dir.path()));
    let same = author.review_with(store, taken(dir.path()));
    assert!(same.is_empty());
    assert!(matches!(
        author.publish_review(store, &same, "").unwrap(),
        Outcome::Unchanged(_)
    ));

    fs::write(dir.path().join("_posts/a.md"), "# B").unwrap();
    fs::rename(dir.path().join("skep.toml"), dir.path().join("x.toml")).unwrap();
    let review = author.review_with(store, taken(dir.path()));
    assert!(review.output.changes.is_empty() && !review.is_empty());
    assert_eq!(
        (review.sources.changes.len(), review.sources.moves.len()),
        (3, 1)
    );
    let second = publish(&author, store, taken(dir.path()));
    assert!(second.added < 1000, "{}", second.added);
    let both = files_below(dir.path());

    author.write("a/index.html", "<h1>B</h1>");
    let third = publish(&author, store, Sources::AsPublished);
    assert_eq!(third.entry.sources, second.entry.sources);
    let none = author.review_with(store, Sources::None);
    assert!(
        none.sources
            .changes
            .iter()
            .all(|change| change.new.is_none())
    );
    let fourth = publish(&author, store, Sources::None);
    assert_eq!(fourth.entry.sources, None);
    check(store, author.site).unwrap();

    // An old version comes back with what it was made of.
    let back = revert(store, author.site, 2).unwrap();
    let Outcome::Published(fifth) = author.publish_review(store, &back, "").unwrap() else {
        panic!("nothing was published");
    };
    assert_eq!(sources_of(store, &fifth.entry), both);
    let old = checked_out(store, author.site, None).unwrap();
    assert_eq!(old["a/index.html"], b"<h1>A</h1>");
    assert_eq!(check(store, author.site).unwrap().versions, 5);
}

#[test]
fn what_is_found_in_sources_is_said_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let author = author();
    let open = author.open();
    folder(dir.path());
    fs::create_dir(dir.path().join("_data")).unwrap();
    fs::write(
        dir.path().join("_data/keys.yml"),
        "aws: AKIAQ3EGW5TXJ7LM2ZPB",
    )
    .unwrap();
    let review = author.review_with(&open.store, taken(dir.path()));
    let found = warnings(&review, |_| Default::default()).unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|w| (w.kind, w.path.as_str(), w.in_sources))
        .collect();
    assert_eq!(found, [(WarningKind::Secret, "_data/keys.yml", true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_are_not_there_or_no_tree_are_refused() {
    let reader = Other::new().await;
    let files = leaf(&[("a", b"x")]);
    let sources = leaf(&[("b.md", b"y")]);
    let twins = leaf(&[("B.md", b"y"), ("b.md", b"y")]);
    let (nodes, both) = (
        [files.clone(), sources.clone()],
        [files.clone(), twins.clone()],
    );
    for (seed, root, nodes, contents) in [
        (5, &sources, &nodes[..1], &[&b"x"[..], b"y"][..]),
        (6, &sources, &nodes[..], &[b"x"]),
        (7, &twins, &both[..], &[b"x", b"y"]),
    ] {
        // What came before with a site of that key would count.
        let mut forge = Forge::new(seed);
        let pack = pack(nodes, contents);
        let mut entry = forge.entry(NodeHash::of(&files), 1, 1, &pack);
        entry.sources = Some(NodeHash::of(root));
        forge.push(&entry, pack);
        let error = refused(&reader, &forge, Wanted::Latest).await;
        assert_eq!(error.kind, Kind::Hostile, "{error}");
    }
    // And what is right passes.
    let mut forge = Forge::new(8);
    let pack = pack(&nodes, &[b"x", b"y"]);
    let mut entry = forge.entry(NodeHash::of(&files), 1, 1, &pack);
    entry.sources = Some(NodeHash::of(&sources));
    forge.push(&entry, pack);
    let peer = forge.serve().await;
    newest(&reader.node, forge.site(), &peer.ticket, Wanted::Latest)
        .await
        .unwrap();
    peer.close().await;
}
