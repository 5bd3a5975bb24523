//! [`Review`]: what a publish would change. What is published is a review, so that nothing goes out that
//! was not in one.

mod forms;
mod images;
mod lines;
mod local_links;
mod mend;
mod moves;
mod names;
mod only;
mod own_address;
mod part;
mod phrases;
mod rows;
mod scan;
mod secrets;
mod sides;
mod tokens;
mod warnings;

pub use images::{ImageSize, image_size, stored_image};
pub use lines::{Hunk, Line, LineDiff, MAX_TEXT, Side, line_diff};
pub use mend::{Abandons, Mend};
pub use moves::{Move, moves};
pub use only::only;
pub use part::Part;
pub use rows::{Row, RowKind, Rows};
pub use scan::{Finding, MAX_SCANNED, scan};
pub use sides::Sides;
pub use warnings::{LARGE, Origin, Warning, WarningKind, warnings};

use crate::{
    archive::{address::SiteId, entry::Entry, hash::NodeHash},
    error::{Error, Kind, Result},
    snapshot::Snapshot,
    store::{Reader, Rival, SiteState, Store},
};

/// What a publish would change.
pub struct Review {
    /// The site.
    pub site: SiteId,
    /// The version that it is compared with; `None` if nothing was published yet.
    pub base: Option<Entry>,
    /// The site's files.
    pub output: Part,
    /// The sources beside them: of no files if none are published.
    pub sources: Part,
    /// The fork of the log that a publish mends; the base is then the version on which it goes on.
    pub mend: Option<Mend>,
    /// Heads that contradict what is here, and can't be mended because their versions are not here.
    pub unseen: Vec<Rival>,
    pub(crate) state: Option<SiteState>,
}

/// Which sources go with a version.
pub enum Sources {
    /// None.
    None,
    /// Those of the newest version, if it has any.
    AsPublished,
    /// These files.
    Files(Snapshot),
}

/// Compares files and sources with the newest version of `site` here.
///
/// # Errors
///
/// If that version can't be read.
pub fn review(store: &Store, site: SiteId, snapshot: Snapshot, sources: Sources) -> Result<Review> {
    let state = store.site(site)?;
    let plan = mend::of(store, state.as_ref())?;
    let base = match (&plan.mend, &state) {
        (Some(mend), _) => Some(mend.base.clone()),
        (None, Some(state)) if state.head.is_some() => Some(store.entry(state, None)?),
        _ => None,
    };
    let reader = state.as_ref().map(|state| Reader::new(store, state));
    let reader = reader.as_ref();
    let old = base.as_ref().map(|base| base.tree);
    let old_sources = base.as_ref().and_then(|base| base.sources);
    let sources = match (sources, reader) {
        (Sources::Files(files), _) => Part::new(reader, old_sources, Some(files))?,
        (Sources::AsPublished, Some(reader)) => Part::stored(reader, old_sources, old_sources)?,
        _ => Part::new(reader, old_sources, None)?,
    };
    let review = Review {
        site,
        output: Part::new(reader, old, Some(snapshot))?,
        sources,
        base,
        mend: None,
        unseen: Vec::new(),
        state,
    };
    mend::show(store, plan, review)
}

/// Compares an earlier version of `site` with the newest: to publish that is to bring it back, its sources
/// too.
///
/// # Errors
///
/// [`Kind::NotFound`] if there is no such version, or not all of it is here.
pub fn revert(store: &Store, site: SiteId, version: u64) -> Result<Review> {
    let state = store.known(site)?;
    let plan = mend::of(store, Some(&state))?;
    let base = match &plan.mend {
        Some(mend) => mend.base.clone(),
        None => store.entry(&state, None)?,
    };
    let old = store.version(&state, Some(version))?;
    if !store.retractions(&state)?.is_whole(store, &old)? {
        return Err(Error::new(
            Kind::NotFound,
            format!("not all of version {version} is on this machine"),
        ));
    }
    let reader = Reader::new(store, &state);
    let review = Review {
        site,
        output: Part::stored(&reader, Some(base.tree), Some(old.tree))?,
        sources: Part::stored(&reader, base.sources, old.sources)?,
        base: Some(base),
        mend: None,
        unseen: Vec::new(),
        state: Some(state),
    };
    mend::show(store, plan, review)
}

impl Review {
    /// Whether a publish would change nothing.
    pub fn is_empty(&self) -> bool {
        self.parts().all(|part| part.changes.is_empty())
    }

    /// The date of the version on which the next one follows, in seconds since 1970, if it is later than `now`: the
    /// clock of this machine is behind, or was ahead then. The next version has that date too.
    pub fn clock_behind(&self, now: u64) -> Option<u64> {
        let before = self.base.as_ref().map(|base| base.time);
        before.filter(|before| *before > now)
    }

    /// The site's files and the sources.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Part> {
        [&self.output, &self.sources].into_iter()
    }

    /// The roots of the trees: that of the files and that of the sources.
    pub(crate) fn roots(&self) -> Result<(NodeHash, Option<NodeHash>)> {
        let root = self.output.root();
        let root = root.ok_or_else(|| Error::new(Kind::Unpublishable, "the site has no files"))?;
        Ok((root, self.sources.root()))
    }
}
