//! Tera 2 as the template engine.
//!
//! Filters are registered in Tera and see of the site what they were registered with, so that each site has a Tera of its own. To
//! copy one costs up to a tenth of a millisecond a template, too much for each save in a preview; so those of sites that
//! are gone are used again. A preview has two or three sites at a time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tera::Tera;

use super::engine::{ComponentCall, Engine, Renderer};
use super::lookup::Lookup;
use super::surroundings::{SiteSlot, Surroundings};
use super::{Context, components, errors, filters, functions};
use crate::documents::TemplateText;
use crate::error::Error;

type Texts = BTreeMap<String, Arc<TemplateText>>;

/// Compiled templates.
#[derive(Debug)]
pub(super) struct TeraEngine {
    texts: Arc<Texts>,
    around: Surroundings,
    /// All copies. One that nobody else holds belongs to no site.
    copies: Mutex<Vec<Arc<Copy>>>,
}

/// A Tera, and what its filters see of a site.
#[derive(Debug)]
struct Copy {
    tera: Tera,
    site: Arc<SiteSlot>,
}

/// The copy that belongs to a site.
#[derive(Debug)]
struct Bound {
    copy: Arc<Copy>,
    texts: Arc<Texts>,
}

impl TeraEngine {
    /// Compiles `texts`, by their names.
    pub(super) fn compile(texts: Arc<Texts>, around: Surroundings) -> Result<Self, Error> {
        let empty = empty(&around);
        let mut tera = empty.clone();
        tera.add_raw_templates(texts.iter().map(|(name, text)| (name, text.body())))
            .map_err(|error| errors::all_of(&empty, &texts, &error))?;
        errors::misunderstood(&texts)?;
        let first = Copy {
            tera,
            site: Arc::clone(&around.site),
        };
        Ok(Self {
            texts,
            around,
            copies: Mutex::new(vec![Arc::new(first)]),
        })
    }

    /// A copy that belongs to no site.
    fn free(&self) -> Arc<Copy> {
        // A list of copies is whole at any moment.
        let mut copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(copy) = copies
            .iter_mut()
            .find_map(|copy| Arc::get_mut(copy).is_some().then(|| Arc::clone(copy)))
        {
            return copy;
        }
        let around = Surroundings {
            site: Arc::default(),
            ..self.around.clone()
        };
        let mut tera = match copies.first() {
            Some(copy) => copy.tera.clone(),
            None => empty(&around),
        };
        let site = Arc::clone(&around.site);
        register(&mut tera, around);
        let copy = Arc::new(Copy { tera, site });
        copies.push(Arc::clone(&copy));
        copy
    }
}

/// Tera without a template.
fn empty(around: &Surroundings) -> Tera {
    let mut tera = Tera::new();
    register(&mut tera, around.clone());
    // `{% include "a.html" %}` means `_includes/a.html`, `{% extends "b.html" %}` a layout. It fails only
    // where there are templates already.
    let _ = tera.set_fallback_prefixes(["_includes/", "_layouts/"]);
    tera
}

fn register(tera: &mut Tera, around: Surroundings) {
    let around = Arc::new(around);
    filters::register(tera, &around);
    functions::register(tera, &around);
}

impl Engine for TeraEngine {
    fn bind(&self, site: Lookup) -> Box<dyn Renderer> {
        let copy = self.free();
        copy.site.set(Some(Arc::new(site)));
        Box::new(Bound {
            copy,
            texts: Arc::clone(&self.texts),
        })
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // The pages of a site that is gone must not stay.
        self.copy.site.set(None);
    }
}

impl Renderer for Bound {
    fn render(&self, name: &str, context: &Context) -> Result<String, Error> {
        self.copy
            .tera
            .render(name, context)
            .map_err(|error| errors::while_rendering(&error, &self.texts, context))
    }

    fn render_component(&self, call: &ComponentCall<'_>) -> Result<String, Error> {
        let tera = &self.copy.tera;
        components::check(tera, call)?;
        let mut arguments = Context::new();
        for (key, value) in call.arguments {
            arguments.insert_value(key.to_string(), value.clone());
        }
        tera.render_component_with_implicits(call.name, &arguments, call.around, call.body, true)
            .map_err(|error| errors::while_rendering(&error, &self.texts, &arguments))
    }
}

#[cfg(test)]
mod tests {
    use tera::{Map, Value};

    use super::*;
    use crate::front_matter::FrontMatter;
    use crate::site::Assets;

    /// A site that has only the taxonomy `name`.
    fn site(name: &str) -> Lookup {
        let taxonomies: Map = [(name.to_owned().into(), Value::from("found"))]
            .into_iter()
            .collect();
        let mut site = Map::new();
        site.insert("taxonomies".into(), taxonomies.into());
        Lookup::new(Arc::default(), &site.into(), Assets::default())
    }

    #[test]
    fn each_site_sees_itself_and_copies_are_used_again() {
        let text = TemplateText {
            file: "a.html".to_owned(),
            front: FrontMatter::empty("a.html"),
            text: "{{ get_taxonomy(name='a') }}".to_owned(),
            body_start: 0,
        };
        let texts = BTreeMap::from([("a.html".to_owned(), Arc::new(text))]);
        let config = crate::config::parse("").unwrap();
        let around = Surroundings::new(&config, None, &Arc::default());
        let engine = TeraEngine::compile(Arc::new(texts), around).unwrap();
        let copies = || engine.copies.lock().unwrap().len();
        let print = |site: &dyn Renderer| site.render("a.html", &Context::new());

        let old = engine.bind(site("a"));
        assert_eq!(copies(), 1, "the first site needs no copy");
        for _ in 0..3 {
            let new = engine.bind(site("b"));
            assert_eq!(print(&*old).unwrap(), "found");
            assert!(
                print(&*new)
                    .unwrap_err()
                    .message
                    .contains("no taxonomy 'a'")
            );
            assert_eq!(copies(), 2);
        }
        drop(old);
        let again = engine.bind(site("a"));
        assert_eq!(print(&*again).unwrap(), "found");
        assert_eq!(copies(), 2);
    }
}
