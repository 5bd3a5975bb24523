//! Templates: the one place that knows the template engine (Tera 2).

mod errors;
mod filters;
mod layouts;
mod values;

use std::collections::BTreeMap;
use std::sync::Arc;

use tera::{Context, Tera, Value};

use crate::config::Config;
use crate::documents::TemplateText;
use crate::error::Error;
pub(crate) use layouts::names as layout_names;
pub(crate) use values::{SiteParts, Values};

/// All templates of a site, compiled.
#[derive(Debug)]
pub(crate) struct Templates {
    tera: Tera,
    /// By the name of the layout, the name of its template.
    layouts: BTreeMap<String, String>,
    /// By the name of the template, its file.
    texts: BTreeMap<String, Arc<TemplateText>>,
}

impl Templates {
    /// Compiles the layouts and includes in `shared`, by path, and the bodies of pages in `own`,
    /// by a name that no include can have.
    pub(crate) fn compile(
        shared: &[(String, Arc<TemplateText>)],
        own: &[(String, Arc<TemplateText>)],
        layouts: BTreeMap<String, String>,
        config: &Config,
        base_url: Option<&str>,
    ) -> Result<Self, Error> {
        let texts: BTreeMap<String, Arc<TemplateText>> =
            shared.iter().chain(own).cloned().collect();
        let mut tera = Tera::new();
        filters::register(&mut tera, &config.time_zone, base_url);
        // `{% include "a.html" %}` means `_includes/a.html`, `{% extends "b.html" %}` a layout.
        let folders = vec!["_includes/".to_owned(), "_layouts/".to_owned()];
        tera.set_fallback_prefixes(folders)
            .map_err(|error| errors::convert(&error, &texts))?;
        tera.add_raw_templates(texts.iter().map(|(name, text)| (name, text.body())))
            .map_err(|error| errors::convert(&error, &texts))?;
        Ok(Self {
            tera,
            layouts,
            texts,
        })
    }

    /// Fills in the template called `name`.
    pub(crate) fn render(&self, name: &str, context: &Context) -> Result<String, Error> {
        self.tera
            .render(name, context)
            .map_err(|error| errors::convert(&error, &self.texts))
    }

    /// The front matter of the layout whose template is called `name`.
    pub(crate) fn front_matter(&self, name: &str) -> Value {
        match self.texts.get(name) {
            Some(text) => values::from_table(&text.front.table),
            None => Value::from(tera::Map::new()),
        }
    }
}
