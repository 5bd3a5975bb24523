//! Tera 2 as the template engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use tera::Tera;

use super::engine::{ComponentCall, Engine};
use super::lookup::Lookup;
use super::surroundings::Surroundings;
use super::{Context, components, errors, filters, functions};
use crate::documents::TemplateText;
use crate::error::Error;

/// Compiled templates.
#[derive(Debug)]
pub(super) struct TeraEngine {
    tera: Tera,
    texts: Arc<BTreeMap<String, Arc<TemplateText>>>,
    around: Surroundings,
}

impl TeraEngine {
    /// Compiles `texts`, by their names.
    pub(super) fn compile(
        texts: Arc<BTreeMap<String, Arc<TemplateText>>>,
        around: Surroundings,
    ) -> Result<Self, Error> {
        let empty = empty(&around);
        let mut tera = empty.clone();
        tera.add_raw_templates(texts.iter().map(|(name, text)| (name, text.body())))
            .map_err(|error| errors::all_of(&empty, &texts, &error))?;
        errors::misunderstood(&texts)?;
        Ok(Self {
            tera,
            texts,
            around,
        })
    }
}

/// Tera without a template.
fn empty(around: &Surroundings) -> Tera {
    let mut tera = Tera::new();
    register(&mut tera, around);
    // `{% include "a.html" %}` means `_includes/a.html`, `{% extends "b.html" %}` a layout. It fails only
    // where there are templates already.
    let _ = tera.set_fallback_prefixes(["_includes/", "_layouts/"]);
    tera
}

fn register(tera: &mut Tera, around: &Surroundings) {
    let around = Arc::new(around.clone());
    filters::register(tera, &around);
    functions::register(tera, &around);
}

impl Engine for TeraEngine {
    fn bind(&self, site: Arc<Lookup>) -> Box<dyn Engine> {
        let mut tera = self.tera.clone();
        let around = Surroundings {
            site: Some(site),
            ..self.around.clone()
        };
        register(&mut tera, &around);
        Box::new(Self {
            tera,
            texts: Arc::clone(&self.texts),
            around,
        })
    }

    fn render(&self, name: &str, context: &Context) -> Result<String, Error> {
        self.tera
            .render(name, context)
            .map_err(|error| errors::while_rendering(&error, &self.texts, context))
    }

    fn render_component(&self, call: &ComponentCall<'_>) -> Result<String, Error> {
        components::check(&self.tera, call)?;
        let mut arguments = Context::new();
        for (key, value) in call.arguments {
            arguments.insert_value(key.to_string(), value.clone());
        }
        self.tera
            .render_component_with_implicits(call.name, &arguments, call.around, call.body, true)
            .map_err(|error| errors::while_rendering(&error, &self.texts, &arguments))
    }
}
