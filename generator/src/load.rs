//! From a folder to a [`Site`].

use std::path::Path;

use jiff::Timestamp;

use crate::config;
use crate::documents::{self, Cache};
use crate::error::{Error, ErrorKind};
use crate::site::{self, Site};
use crate::sources;

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
        }
    }
}

/// Reads the sources of the site in `dir` into an immutable model. Every file that can't be
/// understood is told in the error, not only the first.
pub fn load(dir: &Path, options: &LoadOptions) -> Result<Site, Error> {
    load_again(dir, options, &mut Cache::default())
}

/// Like [`load`], but reads only what has changed since `cache` was filled.
pub(crate) fn load_again(
    dir: &Path,
    options: &LoadOptions,
    cache: &mut Cache,
) -> Result<Site, Error> {
    let config = config::read(dir)?;
    config.engine.expect_tera()?;
    let root = dir
        .canonicalize()
        .map_err(|error| Error::io(format_args!("open {}", dir.display()), &error))?;
    let base_url = match &options.base_url {
        None => config.url.clone(),
        Some(url) => Some(config::base_url(url).ok_or_else(|| {
            Error::new(
                ErrorKind::Refused,
                format!("'{url}' is not the URL of a website"),
            )
            .with_hint("write it whole, such as https://example.org")
        })?),
    };
    let sources = sources::find(&root, &config)?;
    let items = documents::read_all(sources, cache)?;
    site::assemble(root, config, options, base_url, items)
}
