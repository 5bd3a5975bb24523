//! What filters and functions know beside their arguments. Nothing of it changes while they belong to a site.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::tz::TimeZone;
use tera::TeraResult;

use super::lookup::Lookup;
use crate::code::Highlighter;
use crate::config::Config;
use crate::markdown;

/// What filters and functions know beside their arguments.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    /// The zone in which dates without an offset are read, and all are shown.
    pub(super) zone: TimeZone,
    /// The start of absolute URLs.
    pub(super) base_url: Option<String>,
    /// How `markdownify` reads Markdown.
    pub(super) markdown: markdown::Settings,
    pub(super) highlighter: Arc<Highlighter>,
    /// The whole site.
    pub(super) site: Arc<SiteSlot>,
}

/// The site to which filters and functions belong: none while templates are compiled, and one at a time. Whoever has it is the
/// only one to fill in templates with them.
#[derive(Debug, Default)]
pub(super) struct SiteSlot(RwLock<Option<Arc<Lookup>>>);

impl SiteSlot {
    pub(super) fn set(&self, site: Option<Arc<Lookup>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = site;
    }

    pub(super) fn get(&self) -> TeraResult<Arc<Lookup>> {
        let site = self.0.read().unwrap_or_else(PoisonError::into_inner);
        site.clone()
            .ok_or_else(|| tera::Error::message("these templates belong to no site"))
    }
}

impl Surroundings {
    pub(crate) fn new(
        config: &Config,
        base_url: Option<&str>,
        highlighter: &Arc<Highlighter>,
    ) -> Self {
        Self {
            zone: config.time_zone.clone(),
            base_url: base_url.map(str::to_owned),
            // A call of a component is found again by its place in a source. A text that a filter gets has none.
            markdown: markdown::Settings {
                components: false,
                ..config.markdown.clone()
            },
            highlighter: Arc::clone(highlighter),
            site: Arc::default(),
        }
    }
}
