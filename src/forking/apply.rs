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
        let file = path.in_folder(&root);
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

#[cfg(test)]
mod tests {
    use std::fs;

    use skep_publisher::archive::hash::ContentHash;

    use super::*;

    #[test]
    fn what_is_written_while_an_update_runs_is_left_as_it_is() {
        let world = tempfile::tempdir().unwrap();
        let dir = world.path().join("site");
        fs::create_dir(&dir).unwrap();
        let kept = Kept::at(world.path().join("kept"));
        for wanted in [None, Some("theirs")] {
            let path = ArchivePath::new("a.txt").unwrap();
            let read = Folder::from([(path.clone(), Some(ContentHash::of(b"as it was")))]);
            let mut plan = Plan::default();
            let change = wanted.map(|text| Change::Text(text.to_owned()));
            plan.changes.insert(path, change.unwrap_or(Change::Remove));
            let run = || apply(&dir, &kept, &read, &plan, |_, _, _| Ok(()));
            fs::write(dir.join("a.txt"), "just now").unwrap();
            assert_eq!(run().unwrap_err().kind, "changed");
            assert_eq!(fs::read(dir.join("a.txt")).unwrap(), b"just now");
            fs::write(dir.join("a.txt"), "as it was").unwrap();
            run().unwrap();
            let now = fs::read(dir.join("a.txt")).ok();
            assert_eq!(now.as_deref(), wanted.map(str::as_bytes));
            assert_eq!(
                fs::read(world.path().join("kept/a.txt")).unwrap(),
                b"as it was"
            );
        }
    }
}
