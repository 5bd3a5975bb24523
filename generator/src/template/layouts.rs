//! Layouts, which nest: the front matter of one may name the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Templates;
use crate::documents::{TemplateText, extension};
use crate::error::{Error, ErrorKind, did_you_mean};

/// By the name of each layout in `templates`, the name of its template: `post` is
/// `_layouts/post.html`. Where only the extensions differ, HTML goes first.
pub(crate) fn names(templates: &[(String, Arc<TemplateText>)]) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for (path, _) in templates {
        let Some(file) = path.strip_prefix("_layouts/") else {
            continue;
        };
        let extension = extension(file);
        let name = file.strip_suffix(extension).unwrap_or(file);
        let name = name.strip_suffix('.').unwrap_or(name);
        if extension == "html" || !names.contains_key(name) {
            names.insert(name.to_owned(), path.clone());
        }
    }
    names
}

impl Templates {
    pub(crate) fn has_layout(&self, name: &str) -> bool {
        self.layouts.contains_key(name)
    }

    /// The templates of the layout `name` and of those around it, innermost first.
    pub(crate) fn layout_chain(&self, name: &str) -> Result<Vec<String>, Error> {
        let mut chain: Vec<String> = Vec::new();
        let mut names = vec![name.to_owned()];
        let mut next = Some(name.to_owned());
        while let Some(name) = next {
            // The first name is known to exist; the others are checked below.
            let Some(template) = self.layouts.get(&name) else {
                break;
            };
            chain.push(template.clone());
            let Some(text) = self.texts.get(template) else {
                break;
            };
            next = text
                .front
                .string("layout")?
                .filter(|name| !name.is_empty() && name != "none");
            if let Some(outer) = &next {
                if !self.has_layout(outer) {
                    let (message, hint) = self.no_layout(outer);
                    return Err(text.front.wrong("layout", message).with_hint(hint));
                }
                if names.contains(outer) {
                    names.push(outer.clone());
                    let message =
                        format!("the layouts go round in a circle: {}", names.join(" → "));
                    let mut error = text.front.wrong("layout", message);
                    error.kind = ErrorKind::Template;
                    return Err(error.with_hint("take the line `layout:` out of one of them"));
                }
                names.push(outer.clone());
            }
        }
        Ok(chain)
    }

    /// What to say about a layout that does not exist, and the hint.
    pub(crate) fn no_layout(&self, name: &str) -> (String, String) {
        let names = || self.layouts.keys().map(String::as_str);
        let hint = match did_you_mean(name, names()) {
            Some(meant) => format!("did you mean '{meant}'?"),
            None if self.layouts.is_empty() => {
                format!("make one: _layouts/{name}.html with {{{{ content | safe }}}} in it")
            }
            None => format!(
                "the layouts are {}; or make _layouts/{name}.html",
                names().collect::<Vec<_>>().join(", ")
            ),
        };
        (format!("there is no layout '{name}'"), hint)
    }
}
