//! Templates: layouts, includes and the bodies of pages, and what they see.

mod engine;
mod errors;
mod filters;
mod layouts;
mod tera;
pub(crate) mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) use ::tera::{Context, Value};

use crate::config::Config;
use crate::documents::TemplateText;
use crate::error::Error;
use engine::Engine;
pub(crate) use layouts::Layout;

/// All templates of a site, compiled.
#[derive(Debug)]
pub(crate) struct Templates {
    engine: Box<dyn Engine>,
    /// The layouts by their names.
    layouts: BTreeMap<String, Result<Layout, Error>>,
    /// What templates see of the front matter of each layout.
    front_matter: BTreeMap<Arc<str>, Value>,
    /// Those of [`COSTLY`] that a template mentions.
    mentioned: BTreeSet<&'static str>,
}

/// What is made for a page only if some template has this word in it, because it takes time.
const COSTLY: [&str; 1] = ["related"];

impl Templates {
    /// Compiles the layouts and includes in `shared`, by path, and the bodies of pages in `own`,
    /// by a name that no include can have.
    pub(crate) fn compile(
        shared: &[(String, Arc<TemplateText>)],
        own: &[(String, Arc<TemplateText>)],
        config: &Config,
        base_url: Option<&str>,
    ) -> Result<Self, Error> {
        let texts: BTreeMap<String, Arc<TemplateText>> =
            shared.iter().chain(own).cloned().collect();
        let texts = Arc::new(texts);
        // The one engine so far: settings that name another do not come this far.
        let engine = tera::TeraEngine::compile(Arc::clone(&texts), config, base_url)?;
        let mentioned = COSTLY
            .into_iter()
            .filter(|word| texts.values().any(|text| text.body().contains(word)));
        let layouts = layouts::read(shared, &texts);
        let front_matter = layouts
            .values()
            .flatten()
            .filter_map(|layout| layout.chain.first())
            .filter_map(|name| {
                let text = texts.get(&**name)?;
                Some((Arc::clone(name), values::from_table(&text.front.table)))
            });
        Ok(Self {
            engine: Box::new(engine),
            front_matter: front_matter.collect(),
            mentioned: mentioned.collect(),
            layouts,
        })
    }

    /// Fills in the template called `name`.
    pub(crate) fn render(&self, name: &str, context: &Context) -> Result<String, Error> {
        self.engine.render(name, context)
    }

    /// Whether any template has `word`, one of [`COSTLY`], in it.
    pub(crate) fn mentions(&self, word: &str) -> bool {
        self.mentioned.contains(word)
    }

    /// The front matter of the layout whose template is called `name`.
    pub(crate) fn front_matter(&self, name: &str) -> Value {
        match self.front_matter.get(name) {
            Some(value) => value.clone(),
            None => Value::from(::tera::Map::new()),
        }
    }

    /// Whether the terms of the taxonomy `name` have pages.
    pub(crate) fn has_term_pages(&self, name: &str) -> bool {
        let layouts = crate::site::lists::term_layouts(name);
        layouts.iter().any(|layout| self.has_layout(layout))
    }
}
