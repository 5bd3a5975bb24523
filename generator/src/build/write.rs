//! Brings the planned changes to their places.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Planned;
use crate::error::Error;

/// Moves everything in `planned` that changed from where it lies to its place in `dir`.
pub(super) fn changed(
    dir: &Path,
    planned: &[Planned<'_>],
    from: impl Fn(&Planned<'_>) -> PathBuf,
) -> Result<(), Error> {
    let changed: Vec<&Planned<'_>> = planned.iter().filter(|plan| plan.changed).collect();
    let folders: BTreeSet<&str> = changed
        .iter()
        .flat_map(|plan| {
            plan.path
                .match_indices('/')
                .map(|(slash, _)| &plan.path[..slash])
        })
        .collect();
    for folder in folders {
        make_folder(&dir.join(folder))
            .map_err(|error| Error::io(format_args!("make the folder {folder}"), &error))?;
    }
    for plan in changed {
        let to = dir.join(plan.path);
        let failed = |error: &io::Error| Error::io(format_args!("write {}", to.display()), error);
        if to.is_dir() && !to.is_symlink() {
            // An older build had a folder where there is a file now. What is left in it is stale.
            fs::remove_dir_all(&to).map_err(|error| failed(&error))?;
        }
        fs::rename(from(plan), &to).map_err(|error| failed(&error))?;
    }
    Ok(())
}

/// How the names of scratch folders begin. One that a crash has left is removed by the next build.
pub(super) const TEMPORARY: &str = ".skep-tmp-";

pub(super) fn is_temporary(path: &str) -> bool {
    path.split('/').any(|name| name.starts_with(TEMPORARY))
}

/// Makes sure that `path` is a real folder. A link in its place is taken away, because writing
/// through it would change files outside the output.
fn make_folder(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => {
            fs::remove_file(path)?;
            fs::create_dir(path)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir(path),
        Err(error) => Err(error),
    }
}

/// Removes the files `stale` and the folders that they leave empty.
pub(super) fn remove(dir: &Path, stale: &[String]) -> Result<(), Error> {
    let mut folders = BTreeSet::new();
    for path in stale {
        let full = dir.join(path);
        // A folder is there by now if a new file lies in it.
        if fs::symlink_metadata(&full).is_ok_and(|metadata| metadata.is_dir()) {
            continue;
        }
        match fs::remove_file(full) {
            Ok(()) => {}
            // Gone with a folder that became a file.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) => {}
            Err(error) => return Err(Error::io(format_args!("remove {path}"), &error)),
        }
        folders.extend(path.match_indices('/').map(|(slash, _)| &path[..slash]));
    }
    // The deepest first. One that is not empty stays.
    for folder in folders.into_iter().rev() {
        let _ = fs::remove_dir(dir.join(folder));
    }
    Ok(())
}
