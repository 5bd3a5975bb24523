//! Templates: layouts, includes and the bodies of pages, and what they see.

mod components;
#[cfg(test)]
mod documented;
mod engine;
mod errors;
mod filters;
pub(crate) mod fuel;
mod functions;
mod layouts;
mod lookup;
mod surroundings;
mod tera;
pub(crate) mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) use ::tera::{Context, Value};

use crate::documents::TemplateText;
use crate::error::Error;
pub(crate) use engine::ComponentCall;
use engine::{Engine, Renderer};
pub(crate) use layouts::Layout;
pub(crate) use lookup::Lookup;
pub(crate) use surroundings::Surroundings;

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
const COSTLY: [&str; 2] = ["related", "toc"];

impl Templates {
    /// Compiles the layouts and includes in `shared`, by path, and the bodies of pages in `own`,
    /// by a name that no include can have.
    pub(crate) fn compile(
        shared: &[(String, Arc<TemplateText>)],
        own: &[(String, Arc<TemplateText>)],
        around: Surroundings,
    ) -> Result<Self, Error> {
        let texts: BTreeMap<String, Arc<TemplateText>> =
            shared.iter().chain(own).cloned().collect();
        let texts = Arc::new(texts);
        // The one engine so far: settings that name another do not come this far.
        let engine = tera::TeraEngine::compile(Arc::clone(&texts), around)?;
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

/// The templates of a site that has been loaded.
#[derive(Debug)]
pub(crate) struct SiteTemplates {
    compiled: Arc<Templates>,
    renderer: Box<dyn Renderer>,
}

impl SiteTemplates {
    /// Templates that may ask about the whole `site`.
    pub(crate) fn new(compiled: Arc<Templates>, site: Lookup) -> Self {
        Self {
            renderer: compiled.engine.bind(site),
            compiled,
        }
    }

    /// Fills in the template called `name`.
    pub(crate) fn render(&self, name: &str, context: &Context) -> Result<String, Error> {
        self.renderer.render(name, context)
    }

    /// Fills in a component, as a shortcode asks for it. An error in the call has no place; one inside of
    /// the component has that of its file.
    pub(crate) fn render_component(&self, call: &ComponentCall<'_>) -> Result<String, Error> {
        self.renderer.render_component(call)
    }
}

impl std::ops::Deref for SiteTemplates {
    type Target = Templates;

    fn deref(&self) -> &Templates {
        &self.compiled
    }
}

#[cfg(test)]
mod tests {
    use ::tera::Map;

    use super::*;
    use crate::front_matter::FrontMatter;
    use crate::site::Assets;

    const FIGURE: &str = "{% component figure(src: String, width=0, @page) %}\
        <figure id=\"{{ page.slug }}\"><img src=\"{{ src }}\" width=\"{{ width }}\">{{ body }}</figure>\
        {% endcomponent %}\
        {% component broken(x) %}\n{{ x.y.z }}{% endcomponent %}\
        {% component bare() %}-{% endcomponent %}";

    fn templates() -> SiteTemplates {
        let text = TemplateText {
            file: "_includes/figure.html".to_owned(),
            front: FrontMatter::empty("_includes/figure.html"),
            text: FIGURE.to_owned(),
            body_start: 0,
        };
        let shared = [("_includes/figure.html".to_owned(), Arc::new(text))];
        let config = crate::config::parse("").unwrap();
        let around = Surroundings::new(&config, None, &Arc::default());
        let compiled = Templates::compile(&shared, &[], around).unwrap();
        let nothing = Lookup::new(Arc::default(), &Value::none(), Assets::default());
        SiteTemplates::new(Arc::new(compiled), nothing)
    }

    fn call(name: &str, arguments: &[(&'static str, Value)]) -> Result<String, Error> {
        let pairs = arguments.iter().cloned();
        let arguments: Map = pairs.map(|(key, value)| (key.into(), value)).collect();
        let mut page = Map::new();
        values::put(&mut page, "slug", "p");
        let mut around = Context::new();
        around.insert_value("page", Value::from(page));
        templates().render_component(&ComponentCall {
            name,
            arguments: &arguments,
            around: &around,
            body: Some("<b>x</b>"),
        })
    }

    #[test]
    fn a_component_is_filled_in_with_its_arguments_and_body_and_what_it_asks_for() {
        assert_eq!(
            call("figure", &[("src", "a&b".into())]).unwrap(),
            "<figure id=\"p\"><img src=\"a&amp;b\" width=\"0\"><b>x</b></figure>"
        );
    }

    #[test]
    fn a_call_that_does_not_fit_says_what_would() {
        for (name, arguments, message, hint) in [
            (
                "figre",
                vec![],
                "no component 'figre'",
                "did you mean 'figure'?",
            ),
            (
                "video",
                vec![],
                "no component 'video'",
                "the components are bare, broken, figure",
            ),
            ("figure", vec![], "needs the argument 'src'", "src=\"…\""),
            (
                "figure",
                vec![("scr", Value::from("a"))],
                "no argument 'scr'",
                "did you mean 'src'?",
            ),
            (
                "figure",
                vec![("src", Value::from(1))],
                "must be a text, and is a whole number",
                "quotes",
            ),
            (
                "bare",
                vec![("x", Value::from(1))],
                "no argument 'x'",
                "it takes none",
            ),
        ] {
            let error = call(name, &arguments).unwrap_err();
            assert!(error.message.contains(message), "{error}");
            assert!(error.hint.as_ref().unwrap().contains(hint), "{error}");
            assert_eq!(error.place, None);
        }
    }

    #[test]
    fn an_error_inside_of_a_component_is_placed_in_its_file() {
        let error = call("broken", &[("x", Value::from(1))]).unwrap_err();
        let place = error.place.unwrap();
        assert_eq!(
            (place.file.as_str(), place.line),
            ("_includes/figure.html", Some(2))
        );
    }
}
