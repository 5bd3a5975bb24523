//! The seam between the site and whatever fills in its templates.

use std::fmt;

use super::Context;
use crate::error::Error;

/// What fills in templates. Values are made once, by [`values`](super::values), and shared by all engines: an engine of
/// another language (Liquid, for Jekyll's sites) reads them through a view of its own.
pub(crate) trait Engine: fmt::Debug + Send + Sync {
    /// Fills in the template called `name`.
    fn render(&self, name: &str, context: &Context) -> Result<String, Error>;
}
