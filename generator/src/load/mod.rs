//! From a folder to a [`Site`].

mod loader;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::error::Error;
use crate::site::Site;
use crate::style::StyleCompiler;
pub(crate) use loader::{Change, Entry, Loader, Trails};

/// What of a site is loaded.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// The present moment. It decides which posts are in the future; nothing else asks a clock.
    pub as_of: Timestamp,
    /// Whether drafts are part of the site.
    pub drafts: bool,
    /// Whether posts with a date after `as_of` are part of the site.
    pub future: bool,
    /// Whether pages with `published: false` are part of the site.
    pub unpublished: bool,
    /// The start of absolute URLs. It goes before `url` in `skep.toml`.
    pub base_url: Option<String>,
    /// Whether the output is for a server that has it at the path of the base URL. An archive and a
    /// preview are at the root of an origin. It matters to pages that are served at any depth.
    pub below_base_url: bool,
    /// Whether the URLs of assets say which content they mean: `/style.css?v=0123456789`. A preview has plain ones, or it
    /// could not put a new stylesheet in the place of the old.
    pub fingerprint: bool,
    /// Who compiles stylesheets.
    pub styles: StyleCompiler,
    /// A folder for what may be used again by the next load, such as the colours of code. It need not exist, and may be
    /// deleted at any time: what comes out is the same.
    pub cache: Option<PathBuf>,
}

impl LoadOptions {
    /// What is published at the moment `as_of`: no drafts, nothing from the future.
    pub fn published(as_of: Timestamp) -> Self {
        Self {
            as_of,
            drafts: false,
            future: false,
            unpublished: false,
            base_url: None,
            below_base_url: false,
            fingerprint: true,
            styles: StyleCompiler::default(),
            cache: None,
        }
    }
}

/// Reads the sources of the site in `dir` into an immutable model. Every file that can't be
/// understood is told in the error, not only the first.
pub fn load(dir: &Path, options: &LoadOptions) -> Result<Site, Error> {
    Loader::new(options.cache.as_deref()).load(dir, options, &Change::Unknown)
}
