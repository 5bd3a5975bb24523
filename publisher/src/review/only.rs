//! A part of what changed.

use super::{Part, Review};
use crate::{
    archive::path::{ArchivePath, Names},
    error::{Error, Kind, Result},
    snapshot::{Snapshot, SnapshotFile, Source, refuse_obeyed},
    store::{Reader, Store},
};

/// The review of a publish that takes the chosen paths of the site's files alone: all others stay as the newest
/// version has them, or stay away. Also, how many changes that leaves out.
///
/// # Errors
///
/// [`Kind::Unpublishable`] if a chosen file and one that stays can't both be in an archive, or no file is left.
pub fn only(
    store: &Store,
    all: Review,
    chosen: impl Fn(&ArchivePath) -> bool,
) -> Result<(Review, usize)> {
    let Part {
        changes, mut files, ..
    } = all.output;
    let mut left_out = 0;
    let mut stay = Vec::new();
    let mut changes = changes
        .into_iter()
        .filter(|change| !chosen(&change.path))
        .peekable();
    // Both are in the order of their paths.
    files.retain_mut(|file| {
        while let Some(gone) = changes.next_if(|change| change.path < file.path) {
            left_out += 1;
            stay.extend(gone.old.map(|old| (gone.path, old)));
        }
        let Some(change) = changes.next_if(|change| change.path == file.path) else {
            return true;
        };
        left_out += 1;
        let Some(old) = change.old else {
            return false;
        };
        file.file = old;
        file.source = Source::Store;
        true
    });
    for gone in changes {
        left_out += 1;
        stay.extend(gone.old.map(|old| (gone.path, old)));
    }
    files.extend(stay.into_iter().map(|(path, file)| SnapshotFile {
        path,
        file,
        source: Source::Store,
    }));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    if files.is_empty() {
        return Err(Error::new(
            Kind::Unpublishable,
            "no file is left of the site in what was chosen",
        ));
    }
    let mut names = Names::default();
    if let Some(twin) = files.iter().find(|file| !names.add(&file.path)) {
        return Err(Error::new(
            Kind::Unpublishable,
            format!(
                "{} can't be published without what takes its place: many disks hold just one of them",
                twin.path
            ),
        )
        .hint("choose both paths"));
    }
    refuse_obeyed(&files, |obeyed| obeyed.path.clone().into())?;
    let reader = all.state.as_ref().map(|state| Reader::new(store, state));
    let old = all.base.as_ref().map(|base| base.tree);
    let snapshot = Snapshot { files, read: 0 };
    let output = Part::new(reader.as_ref(), old, Some(snapshot))?;
    Ok((Review { output, ..all }, left_out))
}
