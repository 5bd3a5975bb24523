//! Where a version's files may be written, and where nothing is.

#![cfg(unix)]

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use skep_publisher::{
    archive::path::ArchivePath,
    checkout::{CheckedOut, check_target, checkout},
    error::{Kind, Result},
    review::{Sources, review},
    snapshot::{Options, snapshot},
    store::{Reader, Store},
};

use crate::{
    disk::Disk,
    fixture::{Author, files_below},
};

/// A published site and a folder to write it in.
struct Scene {
    author: Author,
    store: Store,
    dir: tempfile::TempDir,
}

fn scene() -> Scene {
    let author = Author::new().with("a/b.html", "ab").with("index.html", "i");
    let store = Disk::new().open().unwrap();
    author.publish(&store);
    Scene {
        author,
        store,
        dir: tempfile::tempdir().unwrap(),
    }
}

impl Scene {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn checkout(&self, target: &Path) -> Result<CheckedOut> {
        let state = self.store.known(self.author.site)?;
        let entry = self.store.entry(&state, None)?;
        checkout(&Reader::new(&self.store, &state), entry.tree, target)
    }

    /// Everything that lies in the folder, links as such.
    fn names(&self) -> Vec<String> {
        let entries = walkdir::WalkDir::new(self.dir.path()).min_depth(1);
        let paths = entries.sort_by_file_name().into_iter();
        paths
            .map(|entry| entry.unwrap().into_path())
            .map(|path| {
                path.strip_prefix(self.dir.path())
                    .unwrap()
                    .display()
                    .to_string()
            })
            .collect()
    }
}

#[test]
fn a_target_that_is_taken_stays_as_it_is() {
    let scene = scene();
    fs::create_dir_all(scene.path("full")).unwrap();
    fs::write(scene.path("full/precious"), "mine").unwrap();
    fs::write(scene.path("file"), "mine").unwrap();
    fs::create_dir(scene.path("elsewhere")).unwrap();
    // Who named the link meant what it leads to, or forgot that it is there.
    symlink(scene.path("elsewhere"), scene.path("link")).unwrap();
    symlink(scene.path("nowhere"), scene.path("broken")).unwrap();
    symlink("loop", scene.path("loop")).unwrap();
    let before = scene.names();
    for target in ["full", "file", "link", "broken", "loop"] {
        let target = scene.path(target);
        assert_eq!(check_target(&target).unwrap_err().kind, Kind::Usage);
        let error = scene.checkout(&target).unwrap_err();
        assert_eq!(error.kind, Kind::Usage, "{}: {error}", target.display());
        assert_eq!(scene.names(), before, "{}", target.display());
    }
    // A file where a folder above the target should be, and a place where nobody can write.
    for target in [
        scene.path("file/out"),
        "/proc/skep/out".into(),
        "/proc/skep".into(),
    ] {
        let error = scene.checkout(&target).unwrap_err();
        assert_eq!(error.kind, Kind::Io, "{}: {error}", target.display());
        assert_eq!(scene.names(), before, "{}", target.display());
    }
}

#[test]
fn an_absent_or_empty_folder_is_filled_and_links_above_it_are_followed() {
    let scene = scene();
    fs::create_dir(scene.path("empty")).unwrap();
    fs::create_dir(scene.path("real")).unwrap();
    symlink(scene.path("real"), scene.path("link")).unwrap();
    for target in ["empty", "absent", "deep/er/still", "link/out"] {
        let done = scene.checkout(&scene.path(target)).unwrap();
        assert_eq!((done.files, done.bytes), (2, 3));
        assert_eq!(files_below(&scene.path(target)), scene.author.files());
    }
    assert!(scene.path("real/out/index.html").is_file());
    assert!(
        !scene
            .names()
            .iter()
            .any(|name| name.contains(".skep-clone"))
    );
}

/// A tree that is not here.
#[test]
fn a_checkout_that_fails_leaves_nothing() {
    let scene = scene();
    let state = scene.store.known(scene.author.site).unwrap();
    let other = skep_publisher::archive::hash::NodeHash([9; 32]);
    let reader = Reader::new(&scene.store, &state);
    assert!(checkout(&reader, other, &scene.path("out")).is_err());
    assert_eq!(scene.names(), Vec::<String>::new());
}

#[test]
fn what_a_version_control_system_would_obey_is_not_written() {
    for path in [
        "sub/.git/config",
        ".GIT/hooks/post-checkout",
        ".g\u{200c}it/config",
        "git~1/config",
        ".hg/hgrc",
        ".jj/repo/config.toml",
        ".envrc",
        "a/.vscode/tasks.json",
        ".github/workflows/ci.yml",
    ] {
        let scene = scene();
        scene.author.write(path, "[core]\nfsmonitor = touch ran\n");
        scene.author.publish(&scene.store);
        let error = scene.checkout(&scene.path("out")).unwrap_err();
        assert_eq!(error.kind, Kind::Hostile, "{path}: {error}");
        assert_eq!(scene.names(), Vec::<String>::new(), "{path}");
    }
    let scene = scene();
    scene.author.write(".gitignore", "_site\n");
    scene.author.write("git/x", "x");
    scene.author.publish(&scene.store);
    assert_eq!(scene.checkout(&scene.path("out")).unwrap().files, 4);
}

/// A folder that git takes for a repository has no single name that gives it away. Nobody can
/// publish one with this program, so somebody else's is used.
#[test]
fn a_folder_that_git_takes_for_a_repository_is_neither_published_nor_written() {
    for (folder, files) in [
        ("", &["HEAD", "config", "objects/x", "refs/x"][..]),
        ("deep/er/", &["head", "CONFIG", "Objects/x", "REFS/x"]),
        ("worktree/", &["HEAD", "commondir", "gitdir"]),
    ] {
        let scene = scene();
        for file in files {
            let path = format!("{folder}{file}");
            scene
                .author
                .write(&path, "[core]\nworktree = .\nfsmonitor = touch ran\n");
        }
        let taken = || snapshot(&scene.author.folder(), &Options::default());
        let error = taken().unwrap_err();
        assert_eq!(error.kind, Kind::Unpublishable, "{error}");
        let named = folder.trim_end_matches('/');
        assert!(error.message.contains(named), "{error}");

        // The same files under names that begin otherwise, until the snapshot is made.
        for file in files {
            let path = format!("{folder}{file}");
            scene
                .author
                .rename(&path, &path.replace(file, &format!("no-{file}")));
        }
        let mut harmful = taken().unwrap();
        for file in &mut harmful.files {
            file.path = ArchivePath::new(&file.path.as_str().replace("no-", "")).unwrap();
        }
        harmful.files.sort_by(|a, b| a.path.cmp(&b.path));
        let review = review(&scene.store, scene.author.site, harmful, Sources::None).unwrap();
        scene
            .author
            .publish_review(&scene.store, &review, "harmful")
            .unwrap();
        let error = scene.checkout(&scene.path("out")).unwrap_err();
        assert_eq!(error.kind, Kind::Hostile, "{error}");
        assert!(error.message.contains(named), "{error}");
        assert_eq!(scene.names(), Vec::<String>::new());
    }
}
