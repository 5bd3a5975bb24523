//! The folder of a fork, as an update finds it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use skep_publisher::{
    archive::{hash::ContentHash, path::ArchivePath},
    error::printable,
};
use walkdir::WalkDir;

use super::merge::{Folder, MAX_TEXT, open_conflicts};
use crate::{
    error::{CliError, Result},
    kept,
};

/// Every file in the folder `dir` but those of a repository and of the `output` of builds. Those that `matters` have
/// their hashes.
pub(super) fn read(
    dir: &Path,
    output: &str,
    matters: impl Fn(&ArchivePath) -> bool,
) -> Result<Folder> {
    let failed =
        |e: walkdir::Error| CliError::failed("io", format!("can't read {}: {e}", dir.display()));
    let mut folder = BTreeMap::new();
    let output = dir.join(output);
    let walk = WalkDir::new(dir).min_depth(1).into_iter();
    for entry in walk.filter_entry(|e| e.file_name() != ".git" && e.path() != output) {
        let entry = entry.map_err(failed)?;
        if entry.file_type().is_dir() {
            continue;
        }
        // What can't be the name of a file of any site is in nobody's way.
        let Some(path) = name_of(dir, entry.path()) else {
            continue;
        };
        let is_plain = entry.file_type().is_file();
        let hash = match is_plain && matters(&path) {
            true => Some(hash_of(entry.path())?),
            false => None,
        };
        folder.insert(path, hash);
    }
    Ok(folder)
}

fn name_of(dir: &Path, file: &Path) -> Option<ArchivePath> {
    let parts = file.strip_prefix(dir).ok()?.components();
    let parts: Option<Vec<&str>> = parts.map(|part| part.as_os_str().to_str()).collect();
    ArchivePath::composed(&parts?.join("/")).ok()
}

/// The hash of what a file holds now.
pub(super) fn hash_of(file: &Path) -> Result<ContentHash> {
    let hash = fs::File::open(file).and_then(ContentHash::read);
    hash.map_err(|e| kept::cant("read", file, &e))
}

/// The bytes of a file of the folder, if they are not too many for a text.
pub(super) fn text_of(dir: &Path, path: &ArchivePath) -> Result<Option<Vec<u8>>> {
    let file = path.in_folder(dir);
    let failed = |e| kept::cant("read", &file, &e);
    match fs::metadata(&file).map_err(failed)?.len() <= MAX_TEXT as u64 {
        true => fs::read(&file).map_err(failed).map(Some),
        false => Ok(None),
    }
}

/// Fails if the settings in `dir` have a conflict that is still open: nothing else can be read then.
pub(crate) fn is_decided(dir: &Path) -> Result<()> {
    let file = dir.join(skep_generator::config::FILE);
    // That there is none is said by whoever reads them.
    let bytes = fs::read(&file).unwrap_or_default();
    match open_conflicts(&bytes).first() {
        None => Ok(()),
        Some(open) => Err(undecided(&[format!("{}:{}", file.display(), open.line)])),
    }
}

/// The error for conflicts of an earlier update that are still open.
pub(super) fn undecided(places: &[String]) -> CliError {
    let shown: Vec<String> = places
        .iter()
        .take(10)
        .map(|place| printable(place))
        .collect();
    let more = match places.len() - shown.len() {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let message = format!(
        "conflicts of an earlier update are still open: {}{more}",
        shown.join(", ")
    );
    CliError::failed("conflicts", message).hint(
        "choose between what stands below `<<<<<<< yours` and above `>>>>>>> version`, take the marks out, and do this again",
    )
}

/// Removes the folders above `file` that are empty now, up to `dir`.
pub(super) fn prune(dir: &Path, file: PathBuf) {
    let above = file.ancestors().skip(1).take_while(|above| *above != dir);
    for folder in above {
        // One that is not empty ends it.
        if fs::remove_dir(folder).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decomposed_file_is_that_of_the_archive() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("u\u{308}.md"), "x").unwrap();
        let folder = read(dir.path(), "_site", |_| true).unwrap();
        let path = ArchivePath::new("\u{fc}.md").unwrap();
        assert_eq!(folder.get(&path), Some(&Some(ContentHash::of(b"x"))));
        let text = text_of(dir.path(), &path).unwrap();
        assert_eq!(text.as_deref(), Some(b"x".as_slice()));
        let file = kept::place(dir.path(), &path).unwrap();
        assert_eq!(fs::read(file).unwrap(), b"x");
    }
}
