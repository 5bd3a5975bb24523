//! What lies behind each output path.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::collisions::Rank;
use crate::names::SitePath;

/// What lies behind each output path.
pub(crate) type Outputs = BTreeMap<SitePath, Output>;

/// What lies behind an output path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Output {
    /// Part `part` (from 1) of the page with the number `id`.
    Page {
        id: u32,
        part: u32,
    },
    /// Part `part` (from 1) of the list with this index.
    List {
        index: u32,
        part: u32,
    },
    /// A page that leads on to the page with the number `id`.
    Redirect {
        id: u32,
    },
    /// A copy of this source.
    File(Arc<str>),
    /// This source in Sass, as CSS.
    Style(Arc<str>),
    /// The feed with this index.
    Feed(u32),
    Sitemap,
    Robots,
    Manifest,
}

/// Somebody's claim to an output path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) path: SitePath,
    pub(crate) rank: Rank,
    /// The source, if there is one.
    pub(crate) source: Option<Arc<str>>,
    pub(crate) output: Output,
}
