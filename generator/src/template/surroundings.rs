//! What filters and functions know beside their arguments. Nothing of it ever changes.

use std::sync::Arc;

use jiff::tz::TimeZone;

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
    /// The whole site. `None` while templates are compiled.
    pub(super) site: Option<Arc<Lookup>>,
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
            site: None,
        }
    }
}
