//! Tera 2 as the template engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use tera::Tera;

use super::engine::{ComponentCall, Engine};
use super::{Context, components, errors, filters};
use crate::config::Config;
use crate::documents::TemplateText;
use crate::error::Error;

/// Compiled templates.
#[derive(Debug)]
pub(super) struct TeraEngine {
    tera: Tera,
    texts: Arc<BTreeMap<String, Arc<TemplateText>>>,
}

impl TeraEngine {
    /// Compiles `texts`, by their names.
    pub(super) fn compile(
        texts: Arc<BTreeMap<String, Arc<TemplateText>>>,
        config: &Config,
        base_url: Option<&str>,
    ) -> Result<Self, Error> {
        let mut tera = Tera::new();
        filters::register(&mut tera, &config.time_zone, base_url);
        // `{% include "a.html" %}` means `_includes/a.html`, `{% extends "b.html" %}` a layout.
        let folders = vec!["_includes/".to_owned(), "_layouts/".to_owned()];
        tera.set_fallback_prefixes(folders)
            .map_err(|error| errors::convert(&error, &texts))?;
        tera.add_raw_templates(texts.iter().map(|(name, text)| (name, text.body())))
            .map_err(|error| errors::convert(&error, &texts))?;
        Ok(Self { tera, texts })
    }
}

impl Engine for TeraEngine {
    fn render(&self, name: &str, context: &Context) -> Result<String, Error> {
        self.tera
            .render(name, context)
            .map_err(|error| errors::convert(&error, &self.texts))
    }

    fn render_component(&self, call: &ComponentCall<'_>) -> Result<String, Error> {
        components::check(&self.tera, call)?;
        let mut arguments = Context::new();
        for (key, value) in call.arguments {
            arguments.insert_value(key.to_string(), value.clone());
        }
        self.tera
            .render_component_with_implicits(call.name, &arguments, call.around, call.body, true)
            .map_err(|error| errors::convert(&error, &self.texts))
    }
}
