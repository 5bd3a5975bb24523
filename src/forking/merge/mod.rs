//! What a newer version of the other site changes in the folder of a fork: three trees of files, and what becomes of
//! each path. Pure but for the texts that it asks for.

mod lines;
mod names;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use skep_publisher::archive::{hash::ContentHash, path::ArchivePath};

use crate::error::Result;
pub(crate) use lines::{Labels, MAX_TEXT, open_conflicts};
use names::Taken;

/// Files by their paths.
pub(crate) type Tree = BTreeMap<ArchivePath, ContentHash>;
/// The files of the fork's folder. `None`: something is there that is neither compared nor merged.
pub(crate) type Folder = BTreeMap<ArchivePath, Option<ContentHash>>;

/// One of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The version that the fork was made of, or that it took over last.
    Base,
    /// The folder.
    Ours,
    /// The version that is to be taken over.
    Theirs,
}

/// What is to be done in the folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// What becomes of files. What is not named stays.
    pub(crate) changes: BTreeMap<ArchivePath, Change>,
    /// What a person has to decide, in the order of the paths.
    pub(crate) conflicts: Vec<Conflict>,
}

/// What becomes of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It goes.
    Remove,
    /// It is this file of theirs.
    Theirs(ArchivePath),
    /// It has this text, of both.
    Text(String),
}

/// What a person has to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conflict {
    /// Where.
    pub(crate) path: ArchivePath,
    /// What it is about.
    pub(crate) about: About,
    /// Where their file was put, if it could not have its own place.
    pub(crate) beside: Option<ArchivePath>,
}

/// What a conflict is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// Both changed the same lines. The first mark is on this line, from 1.
    Lines(usize),
    /// Both changed what can't be merged.
    NotText,
    /// They removed what was changed here. It stays.
    RemovedThere,
    /// They changed what was removed here. It is back.
    RemovedHere,
    /// Another file or folder here has the name of a new file of theirs, or one that differs by case only.
    Name,
}

/// Plans what has to be done so that `ours` has what changed from `base` to `theirs` too. `read` gives the bytes of a
/// file, `None` if they are too many for a text.
///
/// # Errors
///
/// As `read`.
pub(crate) fn plan(
    base: &Tree,
    ours: &Folder,
    theirs: &Tree,
    labels: Labels,
    mut read: impl FnMut(Side, &ArchivePath) -> Result<Option<Vec<u8>>>,
) -> Result<Plan> {
    let mut plan = Plan::default();
    // Theirs, by path, that have to find a place.
    let mut new: Vec<(&ArchivePath, Option<About>)> = Vec::new();
    let paths: BTreeSet<&ArchivePath> = base.keys().chain(theirs.keys()).collect();
    for path in paths {
        let (old, their) = (base.get(path), theirs.get(path));
        let our = ours.get(path);
        let same = |side: Option<&ContentHash>| match our {
            Some(our) => our.is_some() && our.as_ref() == side,
            None => side.is_none(),
        };
        if old == their || same(their) {
            continue;
        }
        match (our, their) {
            (None, Some(_)) => new.push((path, old.map(|_| About::RemovedHere))),
            (Some(_), Some(_)) if same(old) => {
                plan.set(path, Change::Theirs(path.clone()));
            }
            (Some(_), None) if same(old) => plan.set(path, Change::Remove),
            (Some(_), None) => plan.conflict(path, About::RemovedThere, None),
            (Some(our), Some(_)) => {
                let mut get = |side, is_there: bool| match is_there {
                    true => read(side, path),
                    false => Ok(Some(Vec::new())),
                };
                let base = get(Side::Base, old.is_some())?;
                let our = get(Side::Ours, our.is_some())?.filter(|_| our.is_some());
                let their = get(Side::Theirs, true)?;
                let texts = base.zip(our).zip(their);
                let merged = texts
                    .and_then(|((base, our), their)| lines::merge(&base, &our, &their, labels));
                match merged {
                    Some(merged) => {
                        for line in merged.conflicts {
                            plan.conflict(path, About::Lines(line), None);
                        }
                        plan.set(path, Change::Text(merged.text));
                    }
                    None => new.push((path, Some(About::NotText))),
                }
            }
            // Both are gone.
            (None, None) => {}
        }
    }
    place(&mut plan, new, ours, theirs, labels.theirs);
    plan.conflicts.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(plan)
}

/// Gives files of theirs a place: their own, or one beside it if that is taken.
fn place(
    plan: &mut Plan,
    new: Vec<(&ArchivePath, Option<About>)>,
    ours: &Folder,
    theirs: &Tree,
    version: u64,
) {
    let stays = |path: &&ArchivePath| plan.changes.get(*path) != Some(&Change::Remove);
    let taken = Taken::by(ours.keys().filter(stays));
    let their_names = Taken::by(theirs.keys());
    let mut beside_others = BTreeSet::new();
    for (path, about) in new {
        let clash = match about {
            Some(About::NotText) => Some(path.as_str().len()),
            _ => taken.clash(path),
        };
        let Some(end) = clash else {
            if let Some(about) = about {
                plan.conflict(path, about, None);
            }
            plan.set(path, Change::Theirs(path.clone()));
            continue;
        };
        let from = path;
        let is_free = |path: &ArchivePath| {
            // A file of that name may be left from an update that was broken off.
            let is_there = ours.get(path);
            let is_left = is_there.is_some_and(|there| there.as_ref() == theirs.get(from));
            !theirs.contains_key(path)
                && their_names.clash(path).is_none()
                && !beside_others.contains(&path.case_key())
                && (is_left || is_there.is_none() && taken.clash(path).is_none())
        };
        let beside = names::beside(path, end, version, is_free);
        plan.conflict(path, about.unwrap_or(About::Name), beside.clone());
        if let Some(beside) = beside {
            beside_others.insert(beside.case_key());
            plan.set(&beside, Change::Theirs(path.clone()));
        }
    }
}

impl Plan {
    fn set(&mut self, path: &ArchivePath, change: Change) {
        self.changes.insert(path.clone(), change);
    }

    fn conflict(&mut self, path: &ArchivePath, about: About, beside: Option<ArchivePath>) {
        self.conflicts.push(Conflict {
            path: path.clone(),
            about,
            beside,
        });
    }
}
