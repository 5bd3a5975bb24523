//! [`Shown`]: a draft that a browser shows. What is published is this one, and nothing that came later.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use crate::{
    archive::{address::SiteId, path::ArchivePath, tree::Change},
    error::{Error, Kind, Result},
    gateway::control::workshop::{Draft, Place},
    review::{Part, Review, RowKind, Rows},
};

/// A draft that a browser shows.
pub(in crate::gateway::control) struct Shown {
    /// Tells it from drafts that are shown earlier or later.
    pub(super) id: u64,
    /// Its rows, in the order in which they are shown; their index is their number.
    pub(super) rows: Vec<ShownRow>,
    /// `None` once it is being published.
    draft: RwLock<Option<Draft>>,
}

/// A row of the page.
#[derive(Debug, Clone)]
pub(super) struct ShownRow {
    pub(super) kind: RowKind,
    pub(super) in_sources: bool,
    /// The index of its change in the part.
    index: usize,
    /// Where a moved file was.
    pub(super) from: Option<ArchivePath>,
}

impl Shown {
    pub(super) fn new(draft: Draft) -> Result<Self> {
        let mut rows = Vec::new();
        for (part, in_sources) in [(&draft.review.output, false), (&draft.review.sources, true)] {
            for (kind, group) in Rows::of(part).by_kind() {
                for row in group {
                    let at = part
                        .changes
                        .binary_search_by(|change| change.path.cmp(&row.change.path));
                    rows.push(ShownRow {
                        kind,
                        in_sources,
                        index: at.map_err(|_| Error::damaged("a row has no change"))?,
                        from: row.from.cloned(),
                    });
                }
            }
        }
        let mut id = [0; 8];
        getrandom::fill(&mut id)
            .map_err(|e| Error::new(Kind::Io, format!("the system has no randomness: {e}")))?;
        Ok(Self {
            id: u64::from_le_bytes(id),
            rows,
            draft: RwLock::new(Some(draft)),
        })
    }

    /// The draft, unless it is being published.
    pub(super) fn draft(&self) -> RwLockReadGuard<'_, Option<Draft>> {
        self.draft.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the draft, to publish it: once.
    pub(super) fn take(&self) -> Option<Draft> {
        self.draft
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// The name by which a form says which draft it shows.
    pub(super) fn name(&self) -> String {
        format!("{:016x}", self.id)
    }
}

impl ShownRow {
    pub(super) fn part<'a>(&self, review: &'a Review) -> &'a Part {
        match self.in_sources {
            true => &review.sources,
            false => &review.output,
        }
    }

    pub(super) fn change<'a>(&self, review: &'a Review) -> &'a Change {
        &self.part(review).changes[self.index]
    }

    pub(super) fn place<'a>(&self, review: &'a Review) -> Place<'a> {
        Place {
            path: &self.change(review).path,
            in_sources: self.in_sources,
        }
    }
}

/// What says where the sites of drafts are.
pub(super) fn url(site: SiteId) -> String {
    format!("/sites/{site}/review")
}
