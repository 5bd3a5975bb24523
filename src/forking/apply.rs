//! Carries out the plan of an update in the folder of a fork.

use std::{collections::BTreeSet, fs::File, io::Write, path::Path};

use skep_publisher::archive::path::ArchivePath;

use super::{
    folder::{hash_of, prune},
    merge::{Change, Folder, Plan},
    upstream::is_settings,
};
use crate::{
    error::{CliError, Result},
    kept::{self, Kept},
};

/// Changes the files in `dir` as `plan` says, but not the settings. What is there, which `folder` tells, is kept before it goes.
/// `theirs` writes the bytes of a file of theirs to a file at that place.
///
/// # Errors
///
/// If a file can't be written, or has changed since `folder` was read: what was done until then stays, and can be done again.
pub(super) fn apply(
    dir: &Path,
    kept: &Kept,
    folder: &Folder,
    plan: &Plan,
    theirs: impl Fn(&ArchivePath, &Path, &mut File) -> Result<()>,
) -> Result<()> {
    let root = dir.canonicalize();
    let root = root.map_err(|e| kept::cant("open", dir, &e))?;
    // What can't be done is said before anything is.
    for path in plan.changes.keys() {
        // A file that goes may be where a folder is to be.
        if let Err(e) = kept::place(dir, path)
            && !makes_room(plan, path)
        {
            return Err(e);
        }
    }
    let keep = |path: &ArchivePath| {
        let file = path.under(&root);
        if let Some(Some(known)) = folder.get(path)
            && hash_of(&file)? != *known
        {
            return Err(changed(&file));
        }
        kept.keep(&file, path)
    };
    let changes = plan.changes.iter().filter(|(path, _)| !is_settings(path));
    let (removed, written): (Vec<_>, Vec<_>) =
        changes.partition(|(_, change)| **change == Change::Remove);
    for (path, _) in removed {
        keep(path)?;
        let file = kept::place(dir, path)?;
        kept::remove(&file)?;
        prune(&root, file);
    }
    for (path, change) in written {
        keep(path)?;
        let file = kept::target(dir, path)?;
        kept::write(&file, |out| match change {
            Change::Theirs(from) => theirs(from, &file, out),
            Change::Text(text) => {
                let written = out.write_all(text.as_bytes());
                written.map_err(|e| kept::cant("write", &file, &e))
            }
            Change::Remove => Ok(()),
        })?;
    }
    Ok(())
}

/// Whether what is in the way of `path` goes in the same update.
fn makes_room(plan: &Plan, path: &ArchivePath) -> bool {
    let changes = plan.changes.iter();
    let gone: BTreeSet<&str> = changes
        .filter(|(_, change)| **change == Change::Remove)
        .map(|(path, _)| path.as_str())
        .collect();
    let (text, below) = (path.as_str(), format!("{path}/"));
    let mut above = text.match_indices('/').map(|(at, _)| &text[..at]);
    above.any(|folder| gone.contains(folder)) || gone.iter().any(|gone| gone.starts_with(&below))
}

/// The error for a file that somebody is just writing.
pub(super) fn changed(file: &Path) -> CliError {
    let message = format!("{} was changed just now", file.display());
    CliError::failed("changed", message)
        .hint("save what you are writing, and do this again: it goes on where it was")
}
