//! Brings the planned changes to the disk.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use rayon::prelude::*;

use super::{Change, Planned};
use crate::error::Error;

/// Writes every change to a temporary file beside its place, and then renames them all: a disk
/// that is full leaves the old output whole.
pub(super) fn changed(dir: &Path, changed: &[&Planned<'_>]) -> Result<(), Error> {
    fs::create_dir_all(dir)
        .map_err(|error| Error::io(format_args!("make the folder {}", dir.display()), &error))?;
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
    // Two builds at once must not write to one file.
    let process = std::process::id();
    let temporary = |index: usize, path: &str| {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        dir.join(folder)
            .join(format!("{TEMPORARY}{process}-{index}"))
    };
    let failed = |path: &str, error: &io::Error| {
        for (index, plan) in changed.iter().enumerate() {
            let _ = fs::remove_file(temporary(index, plan.path));
        }
        Error::io(format_args!("write {}", dir.join(path).display()), error)
    };

    let result: Result<(), (&str, io::Error)> =
        changed
            .par_iter()
            .enumerate()
            .try_for_each(|(index, plan)| {
                let to = temporary(index, plan.path);
                let written = match &plan.change {
                    Some(Change::Bytes(bytes)) => fs::write(&to, bytes),
                    Some(Change::Copy(from)) => copy_bytes(from, &to),
                    None => Ok(()),
                };
                written.map_err(|error| (plan.path, error))
            });
    result.map_err(|(path, error)| failed(path, &error))?;

    for (index, plan) in changed.iter().enumerate() {
        let to = dir.join(plan.path);
        if to.is_dir() && !to.is_symlink() {
            // An older build had a folder where there is a file now. What is left in it is stale.
            fs::remove_dir_all(&to).map_err(|error| failed(plan.path, &error))?;
        }
        fs::rename(temporary(index, plan.path), &to).map_err(|error| failed(plan.path, &error))?;
    }
    Ok(())
}

/// How the names of temporary files begin. One that a crash has left is removed by the next build.
const TEMPORARY: &str = ".skep-tmp-";

pub(super) fn is_temporary(path: &str) -> bool {
    path.rsplit('/')
        .next()
        .unwrap_or(path)
        .starts_with(TEMPORARY)
}

/// Copies the bytes of a file but not its permissions, which are no part of a site.
fn copy_bytes(from: &Path, to: &Path) -> io::Result<()> {
    io::copy(&mut File::open(from)?, &mut File::create(to)?).map(drop)
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
