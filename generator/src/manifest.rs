//! What a build made, and of what.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::site::Site;

/// The record of a build. It lies beside the output, never in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildManifest {
    /// The format of this record.
    pub format: u32,
    /// The present moment of the build.
    pub as_of: Timestamp,
    /// The start of absolute URLs.
    pub base_url: Option<String>,
    /// Whether drafts were built.
    pub drafts: bool,
    /// Whether posts from the future were built.
    pub future: bool,
    /// Whether unpublished pages were built.
    pub unpublished: bool,
    /// Every file of the output, by its path.
    pub files: BTreeMap<String, Provenance>,
}

/// Where a file of the output comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Its source in the site folder. `None` for what is made of many files or is the theme's.
    pub source: Option<String>,
    /// Whether that is a draft.
    pub draft: bool,
    /// Whether its date is in the future.
    pub future: bool,
}

/// The format that this version writes.
pub(crate) const FORMAT: u32 = 1;

/// The manifest of all of `site`.
pub(crate) fn of(site: &Site) -> BuildManifest {
    let provenance = |path: &str| {
        let page = site.page(path);
        Provenance {
            source: site.source_of(path).map(str::to_owned),
            draft: page.is_some_and(|page| page.draft),
            future: page.is_some_and(|page| page.future),
        }
    };
    BuildManifest {
        format: FORMAT,
        as_of: site.options.as_of,
        base_url: site.base_url.clone(),
        drafts: site.options.drafts,
        future: site.options.future,
        unpublished: site.options.unpublished,
        files: site
            .paths()
            .map(|path| (path.to_owned(), provenance(path)))
            .collect(),
    }
}
