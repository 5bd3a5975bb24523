//! [`Snapshot`]: the files of an output folder with their hashes.

mod stat_cache;
mod walk;

pub use walk::media_type;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    archive::{
        path::{ArchivePath, Names},
        tree::File,
    },
    error::{Error, Kind, Result},
    foreign::{Obeyed, Screen},
    progress::Watch,
};

/// The files of an output folder at one moment, sorted by path.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The files.
    pub files: Vec<SnapshotFile>,
    /// How many of them were read for it; the others were known from the last one.
    pub read: u64,
}

/// One file of an output folder.
#[derive(Debug, Clone)]
pub struct SnapshotFile {
    /// Its path in the archive.
    pub path: ArchivePath,
    /// Its hash, length and media type.
    pub file: File,
    /// Where its bytes are.
    pub source: Source,
}

/// Where the bytes of a file are that would be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In a file of the output folder.
    Disk(PathBuf),
    /// In the store: an earlier version has it.
    Store,
}

/// How a folder is read.
#[derive(Default)]
pub struct Options<'a> {
    /// Where it is remembered what was read, so that the next snapshot of the folder reads only what changed
    /// since. Anything may lie there, or nothing.
    pub cache: Option<&'a Path>,
    /// Whether a file or folder is passed over, by its path from the folder, `/`-separated.
    pub leave_out: Option<&'a dyn Fn(&str) -> bool>,
    /// Who is told how many bytes were read. How many there are is not known before.
    pub watch: Option<Arc<Watch>>,
}

/// Reads the folder `dir`.
///
/// # Errors
///
/// [`Kind::Unpublishable`] if it holds what can't be in an archive: a symbolic link, a device, a name
/// that is not the same on every platform, two names that differ by case only, or no file at all.
pub fn snapshot(dir: &Path, options: &Options<'_>) -> Result<Snapshot> {
    snapshot_at(dir, options, stat_cache::now())
}

fn snapshot_at(dir: &Path, options: &Options<'_>, now: u64) -> Result<Snapshot> {
    let (mut files, read) = walk::walk(dir, options, now)?;
    if files.is_empty() {
        return Err(Error::new(
            Kind::Unpublishable,
            format!("{} has no files", dir.display()),
        )
        .hint("build the site first: `skep build`"));
    }
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    refuse_twins(&files)?;
    refuse_obeyed(&files, |obeyed| dir.join(&obeyed.path))?;
    Ok(Snapshot { files, read })
}

/// Refuses names that would be one on some disk.
fn refuse_twins(files: &[SnapshotFile]) -> Result<()> {
    // Names without capitals differ on every disk if they do on this one.
    if files.iter().all(|file| file.path.is_case_key()) {
        return Ok(());
    }
    let mut names = Names::default();
    let Some(second) = files.iter().position(|file| !names.add(&file.path)) else {
        return Ok(());
    };
    let twin = &files[second];
    let Source::Disk(source) = &twin.source else {
        return Ok(());
    };
    let others = files[..second].iter();
    let why = others
        .filter_map(|other| clash(&other.path, &twin.path).map(|why| (other, why)))
        .map(|(other, why)| match &other.source {
            Source::Disk(other) => format!(
                "{why} {}, and many disks hold just one of them",
                other.display()
            ),
            Source::Store => format!("{why} {}, and many disks hold just one of them", other.path),
        })
        .next();
    let why = why.unwrap_or_else(|| "many disks take its name for that of another file".into());
    Err(unpublishable(source, &why))
}

/// In what two paths differ that are one on some disk, as the beginning of a sentence; `None` if they are not one.
fn clash(one: &ArchivePath, other: &ArchivePath) -> Option<&'static str> {
    if one == other {
        // On this disk they differ in the form in which their letters are composed.
        return Some(
            "its name differs only in how accents are composed (Unicode NFC and NFD) from that of",
        );
    }
    let (one, other) = (one.case_key(), other.case_key());
    let is_inside = |inner: &str, outer: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    if one == other {
        return Some("its name differs by case only from that of");
    }
    if is_inside(&one, &other) {
        return Some("its name differs by case only from that of a folder above");
    }
    is_inside(&other, &one).then_some("a folder above it differs by case only from the file")
}

/// Refuses folders that a program of a reader would obey. `named` says where they are.
pub(crate) fn refuse_obeyed(
    files: &[SnapshotFile],
    named: impl Fn(&Obeyed) -> PathBuf,
) -> Result<()> {
    let mut screen = Screen::of_site();
    let obeyed = files
        .iter()
        .find_map(|file| screen.add_own(&file.path).err());
    match obeyed {
        None => Ok(()),
        Some(obeyed) => Err(unpublishable(
            &named(&obeyed),
            &format!(
                "it {}, on the machine of anyone who clones the site",
                obeyed.why
            ),
        )),
    }
}

fn unpublishable(source: &Path, why: &str) -> Error {
    Error::new(
        Kind::Unpublishable,
        format!("{} can't be published: {why}", source.display()),
    )
    .hint("rename or remove it, or list its source under `exclude` in skep.toml")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::archive::hash::ContentHash;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for name in names {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        dir
    }

    #[test]
    fn files_are_sorted_by_path_as_bytes() {
        let dir = folder(&["b.html", "a/z.css", "a.html", "a-b/c.png"]);
        let files = snapshot(dir.path(), &Options::default()).unwrap().files;
        let seen: Vec<_> = files
            .iter()
            .map(|f| (f.path.as_str(), f.file.media_type.as_str(), f.file.size))
            .collect();
        assert_eq!(
            seen,
            [
                ("a-b/c.png", "image/png", 9),
                ("a.html", "text/html", 6),
                ("a/z.css", "text/css", 7),
                ("b.html", "text/html", 6),
            ]
        );
        assert_eq!(files[3].file.hash, ContentHash::of(b"b.html"));
    }

    #[test]
    fn decomposed_names_are_composed() {
        let dir = folder(&["cafe\u{301}.html"]);
        let files = snapshot(dir.path(), &Options::default()).unwrap().files;
        assert_eq!(files[0].path.as_str(), "caf\u{e9}.html");
    }

    #[test]
    fn what_can_not_be_in_an_archive_is_named() {
        for names in [
            &["nul.html"][..],
            &["A.html", "a.html"],
            &[".well-known/skep"],
            &["x/HEAD", "x/objects/a", "x/refs/b"],
            &["HEAD", "commondir", "index.html"],
            &["a\\b"],
            &[],
        ] {
            let dir = folder(names);
            let error = snapshot(dir.path(), &Options::default()).unwrap_err();
            assert_eq!(error.kind, Kind::Unpublishable, "{names:?}: {error}");
        }
    }

    #[test]
    fn what_is_left_out_is_not_looked_at() {
        let dir = folder(&["a.html", "x/nul.html", "x/y/b.html", "z/x/c.html"]);
        let options = Options {
            cache: None,
            leave_out: Some(&|path| path == "x"),
            watch: None,
        };
        let files = snapshot(dir.path(), &options).unwrap().files;
        let paths: Vec<_> = files.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(paths, ["a.html", "z/x/c.html"]);
    }

    #[test]
    fn of_two_names_that_are_one_on_some_disk_both_are_named_with_what_differs() {
        for (one, other, differs) in [
            ("caf\u{e9}.txt", "cafe\u{301}.txt", "accents"),
            ("caf\u{e9}/a.txt", "cafe\u{301}/a.txt", "accents"),
            ("A.txt", "a.txt", "case only"),
            ("B/x.txt", "b/X.txt", "case only"),
            ("\u{c9}.txt", "e\u{301}.txt", "case only"),
            ("Ab", "ab/c.txt", "case only"),
            ("AB/c.txt", "Ab", "case only"),
        ] {
            let dir = folder(&["index.html", one, other]);
            let error = snapshot(dir.path(), &Options::default()).unwrap_err();
            assert!(error.message.contains(differs), "{error}");
            for name in [one, other] {
                assert!(error.message.contains(name), "{error} does not name {name}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_is_not_followed() {
        let dir = folder(&["a.html"]);
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("b.html")).unwrap();
        let error = snapshot(dir.path(), &Options::default()).unwrap_err();
        assert!(error.message.contains("symbolic link"), "{error}");
    }

    /// Long enough after the last change that no clock is too coarse.
    fn later() -> u64 {
        stat_cache::now() + 10_000_000_000
    }

    fn cached(dir: &Path, cache: &Path, now: u64) -> Snapshot {
        let options = Options {
            cache: Some(cache),
            leave_out: None,
            watch: None,
        };
        snapshot_at(dir, &options, now).unwrap()
    }

    #[test]
    fn only_what_changed_is_read_again() {
        let dir = folder(&["a.html", "b/c.html", "b/d.html", "e/f/g.html"]);
        let place = tempfile::tempdir().unwrap();
        let cache = place.path().join("seen");
        let read = || cached(dir.path(), &cache, later()).read;
        assert_eq!(read(), 4);
        assert_eq!(read(), 0);
        fs::write(dir.path().join("b/c.html"), "B/C.html").unwrap();
        assert_eq!(read(), 1);
        fs::write(dir.path().join("b/new.html"), "new").unwrap();
        fs::remove_file(dir.path().join("a.html")).unwrap();
        assert_eq!(read(), 1);
        fs::rename(dir.path().join("e"), dir.path().join("h")).unwrap();
        assert_eq!(read(), 1, "a moved folder is another one");
        assert_eq!(read(), 0);
    }

    #[test]
    fn what_was_written_at_nearly_the_moment_of_the_last_look_is_read_again() {
        let dir = folder(&["a.html"]);
        let place = tempfile::tempdir().unwrap();
        let cache = place.path().join("seen");
        let first = cached(dir.path(), &cache, stat_cache::now());
        // As long, and by the clock of a coarse file system at the same moment.
        fs::write(dir.path().join("a.html"), "A.HTML").unwrap();
        let second = cached(dir.path(), &cache, stat_cache::now());
        assert_ne!(first.files[0].file.hash, second.files[0].file.hash);
        assert_eq!(cached(dir.path(), &cache, stat_cache::now()).read, 1);
    }

    #[test]
    fn a_time_that_was_set_back_hides_nothing() {
        let dir = folder(&["a.html"]);
        let place = tempfile::tempdir().unwrap();
        let cache = place.path().join("seen");
        let path = dir.path().join("a.html");
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        cached(dir.path(), &cache, later());
        fs::write(&path, "A.HTML").unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(before).unwrap();
        drop(file);
        let now = cached(dir.path(), &cache, later());
        assert_eq!(now.files[0].file.hash, ContentHash::of(b"A.HTML"));
    }

    #[test]
    fn what_is_left_out_is_not_forgotten() {
        let dir = folder(&["a.html", "b/c.html", "b/d.html"]);
        let place = tempfile::tempdir().unwrap();
        let cache = place.path().join("seen");
        let paths = |leave_out: &dyn Fn(&str) -> bool| -> Vec<String> {
            let options = Options {
                cache: Some(&cache),
                leave_out: Some(leave_out),
                watch: None,
            };
            let files = snapshot_at(dir.path(), &options, later()).unwrap().files;
            files.iter().map(|f| f.path.to_string()).collect()
        };
        assert_eq!(paths(&|path| path == "b"), ["a.html"]);
        assert_eq!(
            paths(&|path| path.ends_with("c.html")),
            ["a.html", "b/d.html"]
        );
        assert_eq!(paths(&|_| false), ["a.html", "b/c.html", "b/d.html"]);
    }

    #[test]
    fn a_cache_of_another_folder_or_a_damaged_one_is_none() {
        let place = tempfile::tempdir().unwrap();
        let cache = place.path().join("seen");
        let (a, b) = (folder(&["a.html"]), folder(&["a.html"]));
        assert_eq!(cached(a.path(), &cache, later()).read, 1);
        assert_eq!(cached(b.path(), &cache, later()).read, 1);
        assert_eq!(cached(b.path(), &cache, later()).read, 0);
        let whole = fs::read(&cache).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&cache, bytes).unwrap();
            assert_eq!(cached(b.path(), &cache, later()).read, 1, "byte {at}");
            fs::write(&cache, &whole[..at]).unwrap();
            assert_eq!(cached(b.path(), &cache, later()).read, 1, "cut at {at}");
        }
    }

    mod random {
        use proptest::prelude::*;

        use super::*;

        /// What happens to a folder between two snapshots: a file is written, removed or moved.
        fn edits() -> impl Strategy<Value = Vec<(u8, u8, u8)>> {
            prop::collection::vec((0..4u8, 0..8u8, any::<u8>()), 0..6)
        }

        fn edit(root: &Path, (what, which, how): (u8, u8, u8)) {
            let path = |n: u8| {
                root.join(["a", "b/c", "b/d", "e/f/g"][usize::from(n % 4)])
                    .join(format!("{}.html", n / 4))
            };
            let from = path(which);
            // Whatever fails was not possible, and changes nothing.
            let _ = match what {
                0 | 1 => {
                    let _ = fs::create_dir_all(from.parent().unwrap());
                    fs::write(&from, format!("{:03}", how % 4))
                }
                2 => fs::remove_file(&from),
                _ => {
                    let to = path(how % 8);
                    let _ = fs::create_dir_all(to.parent().unwrap());
                    fs::rename(&from, to)
                }
            };
        }

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(48))]

            #[test]
            fn a_cache_changes_nothing_but_the_work(rounds in prop::collection::vec((edits(), any::<bool>()), 1..6)) {
                let dir = folder(&["index.html"]);
                let place = tempfile::tempdir().unwrap();
                let cache = place.path().join("seen");
                for (edits, settled) in rounds {
                    for one in edits {
                        edit(dir.path(), one);
                    }
                    let now = if settled { later() } else { stat_cache::now() };
                    let with = cached(dir.path(), &cache, now).files;
                    let without = snapshot(dir.path(), &Options::default()).unwrap().files;
                    let flat = |files: Vec<SnapshotFile>| -> Vec<_> {
                        files.into_iter().map(|f| (f.path, f.file)).collect()
                    };
                    prop_assert_eq!(flat(with), flat(without));
                }
            }
        }
    }
}
