//! Layouts, which nest: the front matter of one may name the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Templates;
use crate::documents::{TemplateText, extension};
use crate::error::{Error, ErrorKind, did_you_mean};
use crate::site::page;

/// A layout.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// Its template and those of the layouts around it, innermost first.
    pub(crate) chain: Arc<[Arc<str>]>,
    /// Whether it shows a list in parts, and if it says so, how many items a part has.
    pub(crate) paginate: Option<Option<usize>>,
}

type Texts = BTreeMap<String, Arc<TemplateText>>;

/// The layouts in `templates` by their names: `post` is `_layouts/post.html`. Where only the extensions differ, HTML
/// goes first.
pub(super) fn read(
    templates: &[(String, Arc<TemplateText>)],
    texts: &Texts,
) -> BTreeMap<String, Result<Layout, Error>> {
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    for (path, _) in templates {
        let Some(file) = path.strip_prefix("_layouts/") else {
            continue;
        };
        let extension = extension(file);
        let name = file.strip_suffix(extension).unwrap_or(file);
        let name = name.strip_suffix('.').unwrap_or(name);
        if extension == "html" || !names.contains_key(name) {
            names.insert(name.to_owned(), path);
        }
    }
    let layout = |name: &String| (name.clone(), read_one(name, &names, texts));
    names.keys().map(layout).collect()
}

fn read_one(name: &str, names: &BTreeMap<String, &str>, texts: &Texts) -> Result<Layout, Error> {
    let mut chain: Vec<Arc<str>> = Vec::new();
    let mut seen = vec![name.to_owned()];
    let mut paginate = None;
    let mut next = Some(name.to_owned());
    while let Some(name) = next {
        let Some(text) = names.get(&name).and_then(|path| texts.get(*path)) else {
            break;
        };
        if chain.is_empty() {
            paginate = paginates(text)?;
        }
        chain.push(names[&name].into());
        next = text
            .front
            .string("layout")?
            .filter(|name| !name.is_empty() && name != "none");
        if let Some(outer) = &next {
            if !names.contains_key(outer) {
                let (message, hint) = no_layout(outer, names.keys());
                return Err(text.front.wrong("layout", message).with_hint(hint));
            }
            if seen.contains(outer) {
                seen.push(outer.clone());
                let message = format!("the layouts go round in a circle: {}", seen.join(" → "));
                let mut error = text.front.wrong("layout", message);
                error.kind = ErrorKind::Template;
                return Err(error.with_hint("take the line `layout:` out of one of them"));
            }
            seen.push(outer.clone());
        }
    }
    Ok(Layout {
        chain: chain.into(),
        paginate,
    })
}

fn paginates(text: &TemplateText) -> Result<Option<Option<usize>>, Error> {
    Ok(match text.front.table.get("paginate") {
        None | Some(serde_json::Value::Null | serde_json::Value::Bool(false)) => None,
        Some(serde_json::Value::Bool(true)) => Some(None),
        Some(_) => Some(Some(text.front.count("paginate")?)),
    })
}

impl Templates {
    pub(crate) fn has_layout(&self, name: &str) -> bool {
        self.layouts.contains_key(name)
    }

    /// The first layout of `names` that exists.
    pub(crate) fn first_of(&self, names: &[&str]) -> Result<Option<&Layout>, Error> {
        match names.iter().find_map(|name| self.layouts.get(*name)) {
            None => Ok(None),
            Some(Ok(layout)) => Ok(Some(layout)),
            Some(Err(error)) => Err(error.clone()),
        }
    }

    /// Whether the layout that is asked for shows a list in parts, and if it says so, how many items a part has.
    pub(crate) fn paginates(&self, layout: &page::Layout) -> Option<Option<usize>> {
        let layout = match layout {
            page::Layout::None => return None,
            page::Layout::FirstOf(names) => self.first_of(names).ok()??,
            page::Layout::Named(name) => self.layouts.get(name)?.as_ref().ok()?,
        };
        layout.paginate
    }

    /// The templates around the body of `page`, innermost first.
    pub(crate) fn layouts_of(&self, page: &page::Page) -> Result<Arc<[Arc<str>]>, Error> {
        match &page.layout {
            page::Layout::None => Ok(Arc::default()),
            page::Layout::FirstOf(names) => match self.first_of(names)? {
                Some(layout) => Ok(Arc::clone(&layout.chain)),
                None => Ok(Arc::default()),
            },
            page::Layout::Named(name) => match self.layouts.get(name) {
                Some(Ok(layout)) => Ok(Arc::clone(&layout.chain)),
                Some(Err(error)) => Err(error.clone()),
                None => {
                    let (message, hint) = no_layout(name, self.layouts.keys());
                    let error = page.document.front.wrong("layout", message);
                    Err(error.with_hint(hint))
                }
            },
        }
    }
}

/// What to say about a layout that does not exist, and the hint.
fn no_layout<'a>(name: &str, names: impl Iterator<Item = &'a String> + Clone) -> (String, String) {
    let hint = match did_you_mean(name, names.clone().map(String::as_str)) {
        Some(meant) => format!("did you mean '{meant}'?"),
        None => {
            let names: Vec<&str> = names.map(String::as_str).collect();
            if names.is_empty() {
                format!("make one: _layouts/{name}.html with {{{{ content | safe }}}} in it")
            } else {
                let names = names.join(", ");
                format!("the layouts are {names}; or make _layouts/{name}.html")
            }
        }
    };
    (format!("there is no layout '{name}'"), hint)
}
