//! One page: a post, a page of the author or one that skep makes.

use std::sync::Arc;

use jiff::Zoned;

use crate::documents::{Body, Document};
use crate::error::Error;
use crate::template::Templates;

/// A page of the site.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) kind: Kind,
    /// The source file in the site folder or the theme. Generated pages have none.
    pub(crate) source: Option<String>,
    pub(crate) from_theme: bool,
    /// The URL from the root of the site, with a slash at its start.
    pub(crate) url: String,
    /// The output path.
    pub(crate) path: String,
    pub(crate) title: Option<String>,
    pub(crate) date: Option<Zoned>,
    pub(crate) updated: Option<Zoned>,
    pub(crate) tags: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) published: bool,
    pub(crate) draft: bool,
    pub(crate) future: bool,
    pub(crate) layout: Layout,
    /// The templates around the body, innermost first.
    pub(crate) layouts: Vec<String>,
    /// What the source holds. Generated pages have nothing.
    pub(crate) document: Option<Arc<Document>>,
}

/// What sort of page it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Post,
    Page,
    Home,
    /// The page of the tag with this index.
    Tag(usize),
    Tags,
    Archive,
}

/// Which layout a page asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Layout {
    None,
    /// The first of these that exists, or none.
    FirstOf(&'static [&'static str]),
    Named(String),
}

impl Page {
    /// Whether the output is HTML.
    pub(crate) fn is_html(&self) -> bool {
        self.path.ends_with(".html") || self.path.ends_with(".htm")
    }

    /// The HTML of the body, where it does not need a template to be known.
    pub(crate) fn body_html(&self) -> Option<&crate::markdown::Rendered> {
        match &self.document.as_ref()?.body {
            Body::Html(rendered) => Some(rendered),
            Body::Template(_) => None,
        }
    }

    /// The name under which the page's own body is known to the template engine. No include can
    /// have this name.
    pub(crate) fn template_name(&self) -> Option<String> {
        Some(format!("page:{}", self.source.as_ref()?))
    }

    pub(crate) fn choose_layouts(&mut self, templates: &Templates) -> Result<(), Error> {
        self.layouts = match &self.layout {
            Layout::None => Vec::new(),
            Layout::FirstOf(names) => match names.iter().find(|name| templates.has_layout(name)) {
                Some(name) => templates.layout_chain(name)?,
                None => Vec::new(),
            },
            Layout::Named(name) if templates.has_layout(name) => templates.layout_chain(name)?,
            Layout::Named(name) => {
                let (message, hint) = templates.no_layout(name);
                let error = match &self.document {
                    Some(document) => document.front.wrong("layout", message),
                    None => Error::new(crate::error::ErrorKind::Template, message),
                };
                return Err(error.with_hint(hint));
            }
        };
        Ok(())
    }
}
