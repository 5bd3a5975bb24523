//! Retractions: what only retracted versions have is gone, and nothing else.

use std::{
    collections::{BTreeSet, HashSet},
    io::Cursor,
};

use proptest::prelude::*;
use skep_publisher::{
    archive::{
        hash::ContentHash,
        pack::{self, ObjectKind, ReadAt},
    },
    error::{Error, Kind, Result},
    portable,
    publish::{Deletion, Outcome, retract, retraction},
    review::revert,
    store::{Relation, Store},
};

use crate::{
    crash::at_every_step,
    disk::{After, Disk, Fault},
    fixture::{Author, Files, check, checked_out, files_below, noise},
};

impl Author {
    pub(crate) fn try_retract(&self, store: &Store, versions: &[u64]) -> Result<Deletion> {
        let plan = retraction(store, self.site, versions)?;
        let says = ("taken back", 1_795_392_000);
        let scratch = tempfile::tempdir().unwrap();
        retract(store, &self.key(), &plan, says, scratch.path(), |_| ())
    }

    /// Retracts versions, and has their bytes deleted at once.
    pub(crate) fn retract(&self, store: &Store, versions: &[u64]) -> Deletion {
        let done = self.try_retract(store, versions).unwrap();
        assert!(done.failed.is_none(), "{:?}", done.failed);
        done
    }
}

/// A store in memory.
struct Memory {
    disk: Disk,
    store: Store,
}

impl Memory {
    fn new() -> Self {
        let disk = Disk::new();
        Self {
            store: disk.open().unwrap(),
            disk,
        }
    }

    /// The hashes of all files whose bytes are here, in packs or as they are.
    fn contents(&self) -> HashSet<ContentHash> {
        struct Bytes<'a>(&'a [u8]);
        impl ReadAt for Bytes<'_> {
            fn read_at(&self, offset: u64, length: u64) -> std::io::Result<Vec<u8>> {
                Ok(self.0[offset as usize..(offset + length) as usize].to_vec())
            }
        }
        let mut found = HashSet::new();
        for (hash, bytes) in self.disk.blobs() {
            found.insert(hash);
            if let Ok(index) = pack::read_index(&Bytes(&bytes), bytes.len() as u64) {
                let files = index.places().filter(|(o, _)| o.kind == ObjectKind::File);
                found.extend(files.map(|(object, _)| ContentHash(object.hash)));
            }
        }
        found
    }

    fn import(&self, file: &[u8]) -> Result<u64> {
        let scratch = tempfile::tempdir().unwrap();
        let relation = |_| Relation::Pinned;
        let mut file = Cursor::new(file);
        let imported = portable::import(&self.store, &mut file, relation, scratch.path());
        imported.map(|imported| imported.new)
    }
}

fn export(author: &Author, store: &Store) -> Vec<u8> {
    let mut file = Vec::new();
    let state = store.known(author.site).unwrap();
    portable::export(store, &state, &mut file).unwrap();
    file
}

/// What a history should look like: the files of each version, and which were retracted.
#[derive(Default)]
struct Model {
    versions: Vec<Files>,
    retracted: BTreeSet<u64>,
}

impl Model {
    fn newest(&self) -> u64 {
        self.versions.len() as u64
    }

    fn staying(&self) -> impl Iterator<Item = (u64, &Files)> {
        let numbered = (1..).zip(&self.versions);
        numbered.filter(|(version, _)| !self.retracted.contains(version))
    }

    /// The files that only retracted versions have.
    fn gone(&self) -> Vec<ContentHash> {
        let of = |files: &Files| {
            files
                .values()
                .map(|b| ContentHash::of(b))
                .collect::<Vec<_>>()
        };
        let staying: HashSet<_> = self.staying().flat_map(|(_, files)| of(files)).collect();
        let all = self.versions.iter().flat_map(of);
        all.filter(|hash| !staying.contains(hash)).collect()
    }

    fn check(&self, author: &Author, memory: &Memory) {
        let store = &memory.store;
        let verified = check(store, author.site).unwrap();
        assert_eq!(verified.versions, self.newest());
        assert_eq!(verified.retracted, self.retracted.len() as u64);
        assert_eq!(verified.whole, self.newest() - verified.retracted);
        for (version, files) in self.staying() {
            assert_eq!(
                checked_out(store, author.site, Some(version)).unwrap(),
                *files,
                "version {version}"
            );
        }
        let state = store.known(author.site).unwrap();
        for version in &self.retracted {
            let error = store.version(&state, Some(*version)).unwrap_err();
            assert_eq!(error.kind, Kind::Retracted);
        }
        let contents = memory.contents();
        for hash in self.gone() {
            assert!(!contents.contains(&hash), "{hash} is still here");
        }
    }
}

/// Some lie in packs and some are blobs of their own; two compress well.
fn content(n: u8) -> Vec<u8> {
    match n % 3 {
        0 => noise(n.into(), 33_000),
        1 => noise(n.into(), 700),
        _ => vec![n; 2_000],
    }
}

const NAMES: [&str; 5] = ["index.html", "a/b.html", "photo.png", "z.png", "feed.xml"];

#[derive(Debug, Clone)]
enum Deed {
    /// A file gets a content, or goes.
    Publish(Vec<(usize, Option<u8>)>),
    /// The versions whose place from the newest on is in it.
    Retract(BTreeSet<u64>),
    /// The files of a version again.
    Revert(u64),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let file = (0..NAMES.len(), prop::option::weighted(0.8, 0..12u8));
    let edits = prop::collection::vec(file, 1..4);
    let deed = prop_oneof![
        5 => edits.prop_map(Deed::Publish),
        2 => prop::collection::btree_set(1..6u64, 1..4).prop_map(Deed::Retract),
        1 => (1..5u64).prop_map(Deed::Revert),
    ];
    prop::collection::vec(deed, 1..14)
}

fn publish(author: &Author, store: &Store, edits: &[(usize, Option<u8>)]) -> bool {
    for (name, edit) in edits {
        match edit {
            Some(n) => author.write(NAMES[*name], content(*n)),
            None => {
                let _ = std::fs::remove_file(author.folder().join(NAMES[*name]));
            }
        }
    }
    matches!(author.try_publish(store).unwrap(), Outcome::Published(_))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_is_retracted_the_rest_stays_and_nothing_else(deeds in deeds()) {
        let author = Author::new().with("first.html", "first");
        let (own, follower) = (Memory::new(), Memory::new());
        let mut model = Model::default();
        author.publish(&own.store);
        model.versions.push(author.files());
        follower.import(&export(&author, &own.store)).unwrap();
        for deed in deeds {
            match deed {
                Deed::Publish(edits) => {
                    if publish(&author, &own.store, &edits) {
                        model.versions.push(author.files());
                    }
                }
                Deed::Retract(places) => {
                    let newest = model.newest();
                    let versions = places.iter().filter_map(|place| newest.checked_sub(*place));
                    let versions: Vec<u64> = versions
                        .filter(|v| *v > 0 && !model.retracted.contains(v))
                        .collect();
                    if !versions.is_empty() {
                        author.retract(&own.store, &versions);
                        model.retracted.extend(versions);
                        model.versions.push(model.versions.last().unwrap().clone());
                    }
                }
                Deed::Revert(place) => {
                    let Some(version) = model.newest().checked_sub(place).filter(|v| *v > 0) else {
                        continue;
                    };
                    let review = match revert(&own.store, author.site, version) {
                        Ok(review) => review,
                        Err(error) => {
                            prop_assert!(model.retracted.contains(&version), "{error}");
                            prop_assert_eq!(error.kind, Kind::Retracted);
                            continue;
                        }
                    };
                    let files = model.versions[version as usize - 1].clone();
                    let outcome = author.publish_review(&own.store, &review, "back").unwrap();
                    if let Outcome::Published(_) = outcome {
                        model.versions.push(files);
                    }
                }
            }
            model.check(&author, &own);
            // Somebody who gets every version as it comes.
            follower.import(&export(&author, &own.store)).unwrap();
            model.check(&author, &follower);
        }
        // And somebody who comes at the end.
        let late = Memory::new();
        let file = export(&author, &follower.store);
        prop_assert_eq!(late.import(&file).unwrap(), model.newest());
        model.check(&author, &late);
        prop_assert_eq!(export(&author, &late.store), file);
    }
}

/// Version 1, and version 2 with a secret beside what version 3 still has.
fn with_secret(store: &Store) -> (Author, Model) {
    let author = Author::new().with("index.html", noise(1, 900));
    let mut model = Model::default();
    let publish = |model: &mut Model| {
        author.publish(store);
        model.versions.push(author.files());
    };
    publish(&mut model);
    author.write("about.html", noise(2, 900));
    author.write("secret.html", noise(3, 900));
    author.write("secret.png", noise(4, 50_000));
    publish(&mut model);
    std::fs::remove_file(author.folder().join("secret.html")).unwrap();
    std::fs::remove_file(author.folder().join("secret.png")).unwrap();
    publish(&mut model);
    (author, model)
}

#[test]
fn a_plan_names_what_goes_and_what_does_not() {
    let memory = Memory::new();
    let (author, _) = with_secret(&memory.store);
    let plan = retraction(&memory.store, author.site, &[2]).unwrap();
    let gone: Vec<_> = plan
        .gone
        .iter()
        .map(|g| (g.path.as_str(), g.size))
        .collect();
    assert_eq!(gone, [("secret.html", 900), ("secret.png", 50_000)]);
    assert!(plan.elsewhere.is_empty());
    // The blob of the picture, and a pack of which the page that stays is a part.
    assert!(plan.deleted > 51_800, "{}", plan.deleted);
    assert!((900..2_000).contains(&plan.repacked), "{}", plan.repacked);

    // With the secret in another version too, it is not gone.
    author.write("secret.html", noise(3, 900));
    author.publish(&memory.store);
    std::fs::remove_file(author.folder().join("secret.html")).unwrap();
    author.publish(&memory.store);
    let plan = retraction(&memory.store, author.site, &[2]).unwrap();
    assert_eq!(plan.gone.len(), 1);
    assert_eq!(plan.elsewhere.len(), 1);
    assert_eq!(plan.elsewhere[0].path.as_str(), "secret.html");
    assert_eq!(plan.elsewhere[0].versions, [4]);
    let plan = retraction(&memory.store, author.site, &[4, 2]).unwrap();
    assert_eq!((plan.versions, plan.gone.len()), (vec![2, 4], 2));
    assert!(plan.elsewhere.is_empty());
}

#[test]
fn what_can_not_be_retracted_is_refused() {
    let memory = Memory::new();
    let (author, mut model) = with_secret(&memory.store);
    let kind = |versions: &[u64]| -> (Kind, String) {
        let error: Error = author.try_retract(&memory.store, versions).unwrap_err();
        (error.kind, error.message)
    };
    assert_eq!(kind(&[3]).0, Kind::Unpublishable);
    assert_eq!(kind(&[2, 3]).0, Kind::Unpublishable);
    assert_eq!(kind(&[]).0, Kind::Unpublishable);
    assert_eq!(kind(&[0]).0, Kind::NotFound);
    assert_eq!(kind(&[4]).0, Kind::NotFound);
    assert_eq!(kind(&[2, 99]).0, Kind::NotFound);
    model.check(&author, &memory);
    author.retract(&memory.store, &[2]);
    let (kind, message) = kind(&[2]);
    assert_eq!(kind, Kind::Retracted);
    assert!(message.contains("in version 4"), "{message}");
    let error = revert(&memory.store, author.site, 2).err().unwrap();
    assert_eq!(error.kind, Kind::Retracted);
    model.retracted.insert(2);
    model.versions.push(model.versions[2].clone());
    model.check(&author, &memory);
}

#[test]
fn the_same_can_be_published_again() {
    let memory = Memory::new();
    let (author, mut model) = with_secret(&memory.store);
    author.retract(&memory.store, &[2]);
    model.retracted.insert(2);
    model.versions.push(model.versions[2].clone());
    author.write("secret.html", noise(3, 900));
    author.write("secret.png", noise(4, 50_000));
    author.publish(&memory.store);
    model.versions.push(author.files());
    model.check(&author, &memory);
    // Whoever gets retraction and return at once deletes nothing that came back.
    let late = Memory::new();
    late.import(&export(&author, &memory.store)).unwrap();
    model.check(&author, &late);
}

#[test]
fn a_fault_at_any_step_of_a_retraction_loses_nothing_and_it_is_finished_later() {
    let memory = Memory::new();
    let (author, _) = with_secret(&memory.store);
    let again = |store: &Store| match author.try_retract(store, &[2]) {
        Ok(done) => done.failed.map_or(Ok(()), Err),
        // It was recorded before the fault.
        Err(e) if e.kind == Kind::Retracted => Ok(()),
        Err(e) => Err(e),
    };
    drop(memory.store);
    let before = (3, author.files());
    at_every_step(&memory.disk, &author, before.clone(), again);

    // The same of somebody who keeps the site, and takes the retraction in.
    let follower = Memory::new();
    let old = memory.disk.open().unwrap();
    follower.import(&export(&author, &old)).unwrap();
    again(&old).unwrap();
    let file = export(&author, &old);
    drop(follower.store);
    at_every_step(&follower.disk, &author, before, |store| {
        let scratch = tempfile::tempdir().unwrap();
        let relation = |_| Relation::Pinned;
        portable::import(store, &mut Cursor::new(&file), relation, scratch.path()).map(|_| ())
    });
}

#[test]
fn what_a_crash_has_left_over_is_deleted_when_the_store_is_opened() {
    let memory = Memory::new();
    let (author, mut model) = with_secret(&memory.store);
    model.retracted.insert(2);
    model.versions.push(model.versions[2].clone());
    drop(memory.store);
    let probe = memory.disk.failing_after(usize::MAX, Fault::Io);
    author.retract(&probe.open().unwrap(), &[2]);
    let mut left_over = 0;
    for step in 0..probe.steps() {
        let disk = memory.disk.failing_after(step, Fault::Dead);
        let Ok(store) = disk.open() else { continue };
        let Ok(done) = author.try_retract(&store, &[2]) else {
            continue;
        };
        drop(store);
        if done.failed.is_some() {
            let blobs = |disk: &Disk| disk.blobs().len();
            let disk = disk.after(After::Cut);
            let there = blobs(&disk);
            let memory = Memory {
                store: disk.open().unwrap(),
                disk,
            };
            left_over += there - blobs(&memory.disk);
            model.check(&author, &memory);
        }
    }
    // The picture and the old pack, after a crash before each, and before the note that they are deleted.
    assert!(left_over >= 3, "{left_over}");
}

/// Whether `marker` is in some file of the store.
pub(crate) fn on_disk(author: &Author, marker: &[u8]) -> bool {
    let store = files_below(&author.home.store());
    let has = |bytes: &Vec<u8>| bytes.windows(marker.len()).any(|part| part == marker);
    store.values().any(has)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_are_gone_from_the_disk() {
    let author = Author::new().with("index.html", noise(1, 900));
    let open = author.open();
    author.publish(&open.store);
    let (page, picture) = (noise(3, 900), noise(4, 700_000));
    author.write("about.html", noise(2, 900));
    author.write("secret.html", &page);
    author.write("secret.png", &picture);
    author.publish(&open.store);
    std::fs::remove_file(author.folder().join("secret.html")).unwrap();
    std::fs::remove_file(author.folder().join("secret.png")).unwrap();
    author.publish(&open.store);
    for marker in [&page[..100], &picture[..100], &picture[600_000..600_100]] {
        assert!(on_disk(&author, marker));
    }
    // Another site of this node has the picture, and keeps it.
    let other = Author::new().with("mine.png", &picture);
    other.publish(&open.store);

    author.retract(&open.store, &[2]);
    assert!(!on_disk(&author, &page[..100]));
    assert!(on_disk(&author, &picture[..100]));
    assert_eq!(check(&open.store, author.site).unwrap().whole, 3);
    assert_eq!(check(&open.store, other.site).unwrap().whole, 1);
    open.close().await;

    let open = author.open();
    assert_eq!(check(&open.store, author.site).unwrap().whole, 3);
    assert_eq!(
        checked_out(&open.store, other.site, None).unwrap(),
        other.files()
    );
    // The other one lets go of it too.
    std::fs::remove_file(other.folder().join("mine.png")).unwrap();
    other.write("index.html", "no picture");
    other.publish(&open.store);
    other.retract(&open.store, &[1]);
    assert!(!on_disk(&author, &picture[..100]));
    assert!(!on_disk(&author, &picture[600_000..600_100]));
}
