//! A folder that is filled while a version comes in.

use std::{fs, io::Cursor, path::Path, sync::Arc};

use skep_publisher::{
    archive::hash::NodeHash,
    checkout::{CheckedOut, Filling, Part},
    error::{Kind, Result},
    portable,
    store::{Reader, Relation, Store},
};

use crate::{
    disk::Disk,
    fixture::{Author, Files, files_below, noise},
};

/// A site with two versions, and the store of somebody who reads it, with a place for its files.
struct Scene {
    author: Author,
    archive: Vec<u8>,
    reader: Store,
    place: tempfile::TempDir,
}

impl Scene {
    /// The second version has `more` as well.
    fn new(more: &[&str]) -> Self {
        let author = Author::new().with("index.html", "one");
        author.write("picture.jpg", noise(1, 700_000));
        for n in 0..200 {
            author.write(&format!("posts/{}/{n}.html", n / 20), format!("post {n}"));
        }
        let store = Disk::new().open().unwrap();
        author.publish(&store);
        author.write("index.html", "two");
        // The same bytes under two names.
        author.write("copy.html", "post 7");
        for path in more {
            author.write(path, "more");
        }
        author.publish(&store);
        let mut archive = Vec::new();
        let state = store.known(author.site).unwrap();
        portable::export(&store, &state, &mut archive).unwrap();
        Self {
            author,
            archive,
            reader: Disk::new().open().unwrap(),
            place: tempfile::tempdir().unwrap(),
        }
    }

    fn filling(&self, part: Part) -> Arc<Filling> {
        let filling = Arc::new(Filling::new(&self.place.path().join("out"), part));
        self.reader.fill(self.author.site, &filling);
        filling
    }

    fn import(&self) {
        let scratch = tempfile::tempdir().unwrap();
        let mut file = Cursor::new(&self.archive);
        let relation = |_| Relation::Visited;
        portable::import(&self.reader, &mut file, relation, scratch.path()).unwrap();
    }

    fn checkout(&self, filling: &Filling, version: Option<u64>) -> Result<CheckedOut> {
        filling.checkout(&self.read(), self.tree(version))
    }

    fn read(&self) -> Reader {
        let state = self.reader.known(self.author.site).unwrap();
        Reader::new(&self.reader, &state)
    }

    fn tree(&self, version: Option<u64>) -> NodeHash {
        let state = self.reader.known(self.author.site).unwrap();
        self.reader.entry(&state, version).unwrap().tree
    }

    /// What lies where the folder is to be, hidden or not.
    fn there(&self) -> Files {
        files_below(self.place.path())
    }
}

fn without_its_folder(files: Files) -> Files {
    let bare = |path: String| path.split_once('/').unwrap().1.to_owned();
    files.into_iter().map(|(p, b)| (bare(p), b)).collect()
}

#[test]
fn what_comes_is_written_at_once_and_gets_its_name_at_the_end() {
    let scene = Scene::new(&[]);
    let filling = scene.filling(Part::Site);
    assert_eq!(scene.there(), Files::new());
    scene.import();
    // The picture too, which is in no pack.
    let written = scene.there();
    assert!(written.keys().all(|path| path.starts_with(".skep-clone-")));
    assert_eq!(without_its_folder(written), scene.author.files());

    let done = scene.checkout(&filling, None).unwrap();
    assert_eq!(done.files, scene.author.files().len() as u64);
    assert!(scene.there().keys().all(|path| path.starts_with("out/")));
    assert_eq!(without_its_folder(scene.there()), scene.author.files());
}

#[test]
fn another_version_than_the_one_that_came_is_made_from_the_store() {
    let scene = Scene::new(&[]);
    let filling = scene.filling(Part::Site);
    scene.import();
    scene.checkout(&filling, Some(1)).unwrap();
    let out = without_its_folder(scene.there());
    assert_eq!(out["index.html"], b"one");
    assert!(!out.contains_key("copy.html"));
}

#[test]
fn a_folder_that_nobody_wants_any_more_goes() {
    let scene = Scene::new(&[]);
    let filling = scene.filling(Part::Site);
    scene.import();
    drop(filling);
    assert_eq!(scene.there(), Files::new());
    // And what comes for one that went before is written nowhere.
    let scene = Scene::new(&[]);
    drop(scene.filling(Part::Site));
    scene.import();
    assert_eq!(scene.there(), Files::new());
}

#[test]
fn what_may_not_be_written_is_not_written_while_it_comes_either() {
    let scene = Scene::new(&["posts/.git/config"]);
    let filling = scene.filling(Part::Site);
    scene.import();
    assert_eq!(scene.there(), Files::new());
    let error = scene.checkout(&filling, None).unwrap_err();
    assert_eq!(error.kind, Kind::Hostile, "{error}");
    assert_eq!(scene.there(), Files::new());
}

#[test]
fn a_site_without_sources_fills_no_folder_for_them() {
    let scene = Scene::new(&[]);
    let _filling = scene.filling(Part::Sources);
    scene.import();
    assert_eq!(scene.there(), Files::new());
}

#[test]
fn a_folder_that_was_filled_meanwhile_by_somebody_else_stays_as_it_is() {
    let scene = Scene::new(&[]);
    let filling = scene.filling(Part::Site);
    scene.import();
    let out: &Path = &scene.place.path().join("out");
    fs::create_dir(out).unwrap();
    fs::write(out.join("precious"), "mine").unwrap();
    let error = scene.checkout(&filling, None).unwrap_err();
    assert_eq!(error.kind, Kind::Usage, "{error}");
    assert_eq!(scene.there().keys().collect::<Vec<_>>(), ["out/precious"]);
}
