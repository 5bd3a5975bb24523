//! The seam between the site and whatever fills in its templates.

use std::fmt;

use tera::Map;

use super::Context;
use super::lookup::Lookup;
use crate::error::Error;

/// Compiled templates. Values are made once, by [`values`](super::values), and shared by all engines: an engine of
/// another language (Liquid, for Jekyll's sites) reads them through a view of its own.
pub(crate) trait Engine: fmt::Debug + Send + Sync {
    /// The templates, with what they may ask about the whole site.
    fn bind(&self, site: Lookup) -> Box<dyn Renderer>;
}

/// Compiled templates that belong to a site.
pub(crate) trait Renderer: fmt::Debug + Send + Sync {
    /// Fills in the template called `name`.
    fn render(&self, name: &str, context: &Context) -> Result<String, Error>;

    /// Fills in a component.
    fn render_component(&self, call: &ComponentCall<'_>) -> Result<String, Error>;
}

/// The call of a component from outside of a template, such as a shortcode in Markdown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ComponentCall<'a> {
    /// The name of the component, as in `{% component NAME(...) %}`.
    pub(crate) name: &'a str,
    /// Its arguments by their names.
    pub(crate) arguments: &'a Map,
    /// What it may ask for by `@site`, `@page` in its definition.
    pub(crate) around: &'a Context,
    /// What stands between its two ends, as finished HTML.
    pub(crate) body: Option<&'a str>,
}
