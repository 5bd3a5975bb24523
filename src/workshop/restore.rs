//! Puts the file behind a change back to what was published, and keeps a copy of what was there.

use std::{fs, io::Write};

use skep_publisher::{
    archive::{path::ArchivePath, tree::File},
    error::printable,
    gateway::control::workshop::{Draft, Place, Restored},
    store::{Reader, Store},
};

use crate::{
    context::Context,
    error::{CliError, Result},
    kept::{Kept, cant, remove, target, write},
    site::SiteDir,
};

/// What a file in the site's folder is to become.
struct Plan {
    /// The file, by its path in the site's folder.
    path: ArchivePath,
    /// What it was; `None` if it was not there.
    old: Option<File>,
}

/// A file that is longer is not put back: it can be had with `skep show`.
const MAX_BYTES: u64 = 256 << 20;

/// Puts back what is behind a change of `draft`.
pub(super) fn restore(
    ctx: &Context,
    store: &Store,
    dir: &SiteDir,
    draft: &Draft,
    place: Place<'_>,
) -> Result<Restored> {
    let state = store.known(draft.review.site)?;
    let reader = Reader::new(store, &state);
    let plans = plans(&reader, dir, draft, place)?;
    let kept = Kept::now(ctx, draft.review.site);
    let mut restored = None;
    for plan in plans {
        let bytes = match &plan.old {
            Some(old) => Some(reader.bytes(old, MAX_BYTES)?),
            None => None,
        };
        let file = target(&dir.dir, &plan.path)?;
        let kept = kept.keep(&file, &plan.path)?;
        match bytes {
            Some(bytes) => write(&file, |out| {
                out.write_all(&bytes).map_err(|e| cant("write", &file, &e))
            })?,
            None => remove(&file)?,
        }
        restored = Some(Restored { file, kept });
    }
    restored.ok_or_else(|| CliError::failed("not-found", "there is nothing to put back"))
}

/// The files behind a change, and what they were.
fn plans(reader: &Reader, dir: &SiteDir, draft: &Draft, place: Place<'_>) -> Result<Vec<Plan>> {
    let review = &draft.review;
    let part = match place.in_sources {
        true => &review.sources,
        false => &review.output,
    };
    let change = part
        .changes
        .iter()
        .find(|change| change.path == *place.path);
    let change = change.ok_or_else(|| CliError::failed("not-found", "there is no such change"))?;
    let mut changes = vec![change];
    if let Some(moved) = part.moves.iter().find(|moved| moved.to == change.path) {
        let from = part.changes.iter().find(|change| change.path == moved.from);
        changes.extend(from);
    }
    let plan = |change: &&skep_publisher::archive::tree::Change| {
        if place.in_sources {
            return Ok(Plan {
                path: change.path.clone(),
                old: change.old.clone(),
            });
        }
        of_output(reader, dir, draft, change)
    };
    changes.iter().map(plan).collect()
}

/// The source behind a file of the site.
fn of_output(
    reader: &Reader,
    dir: &SiteDir,
    draft: &Draft,
    change: &skep_publisher::archive::tree::Change,
) -> Result<Plan> {
    let shown = printable(change.path.as_str());
    let path = match draft.origins.get(&change.path) {
        Some(source) => ArchivePath::new(source).map_err(|e| {
            CliError::failed(
                "refused",
                format!("the source of {shown} can't be written: {e}"),
            )
        })?,
        // A file that is gone was no page of a source, or that is gone as well.
        None if change.new.is_none() => change.path.clone(),
        None => {
            let message = format!("{shown} is made from many files, so there is none to put back");
            return Err(
                CliError::failed("refused", message).hint("put back the one that you changed")
            );
        }
    };
    // Where the sources were published, theirs is the truth.
    let sources = draft.review.base.as_ref().and_then(|base| base.sources);
    if let Some(old) = sources
        .map(|root| reader.find(root, &path))
        .transpose()?
        .flatten()
    {
        return Ok(Plan {
            path,
            old: Some(old),
        });
    }
    if change.old.is_none() {
        return Ok(Plan { path, old: None });
    }
    let is_copied = match &change.new {
        Some(new) => fs::read(path.in_folder(&dir.dir))
            .is_ok_and(|bytes| skep_publisher::archive::hash::ContentHash::of(&bytes) == new.hash),
        None => path == change.path && !shown.ends_with(".html"),
    };
    match is_copied {
        true => Ok(Plan {
            path,
            old: change.old.clone(),
        }),
        false => Err(CliError::failed(
            "refused",
            format!(
                "{shown} is built from {}, and what that was in the newest version is not known: sources are not published with this site",
                printable(path.as_str())
            ),
        )
        .hint("take it from a backup; `publish_source = true` in skep.toml keeps sources from now on")),
    }
}
