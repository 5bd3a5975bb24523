//! A part of what changed.

use super::{Review, review};
use crate::{
    archive::path::{ArchivePath, Names},
    error::{Error, Kind, Result},
    snapshot::{SnapshotFile, Source},
    store::Store,
};

/// The review of a publish that takes the chosen paths alone: all others stay as the newest version has
/// them, or stay away. Also, how many changes that leaves out.
///
/// # Errors
///
/// [`Kind::Unpublishable`] if a chosen file and one that stays can't both be in an archive, or no file is left.
pub fn only(
    store: &Store,
    all: Review,
    chosen: impl Fn(&ArchivePath) -> bool,
) -> Result<(Review, usize)> {
    let Review {
        site,
        changes,
        mut snapshot,
        ..
    } = all;
    let mut left_out = 0;
    let mut stay = Vec::new();
    let mut changes = changes
        .into_iter()
        .filter(|change| !chosen(&change.path))
        .peekable();
    // Both are in the order of their paths.
    snapshot.files.retain_mut(|file| {
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
    snapshot
        .files
        .extend(stay.into_iter().map(|(path, file)| SnapshotFile {
            path,
            file,
            source: Source::Store,
        }));
    snapshot.files.sort_by(|a, b| a.path.cmp(&b.path));
    if snapshot.files.is_empty() {
        return Err(Error::new(
            Kind::Unpublishable,
            "no file is left of the site in what was chosen",
        ));
    }
    let mut names = Names::default();
    if let Some(twin) = snapshot.files.iter().find(|file| !names.add(&file.path)) {
        return Err(Error::new(
            Kind::Unpublishable,
            format!(
                "{} can't be published without what takes its place: many disks hold just one of them",
                twin.path
            ),
        )
        .hint("choose both paths"));
    }
    Ok((review(store, site, snapshot)?, left_out))
}
