//! One page out of a source: a post, a document of a collection, or a page of the author or the theme.

use std::sync::Arc;

use jiff::Zoned;

use crate::config::Config;
use crate::data::Table;
use crate::documents::{Body, Content, Document};
use crate::error::Error;
use crate::front_matter::FrontMatter;
use crate::names::{SitePath, Url, nfc};
use crate::slugs;
use crate::sources::{Role, Source};

use super::{files, posts};

/// A page of the site. It depends on its source, the settings and, where it has no date of its own, the
/// present day; on no other page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) kind: Kind,
    /// The source file in the site folder or the theme.
    pub(crate) source: Arc<str>,
    pub(crate) from_theme: bool,
    /// The URL from the root of the site.
    pub(crate) url: Url,
    /// The output path.
    pub(crate) path: SitePath,
    pub(crate) title: Option<String>,
    /// The last part of the URL, or the name of the source where that has none.
    pub(crate) slug: String,
    pub(crate) date: Option<Zoned>,
    /// Whether it is a draft without a date, which is dated the present day and is newer than all else of that day.
    pub(crate) is_of_today: bool,
    pub(crate) updated: Option<Zoned>,
    /// The terms of each taxonomy of the settings, in their order.
    pub(crate) terms: Vec<Vec<String>>,
    /// The place in the order of a collection.
    pub(crate) weight: Option<f64>,
    pub(crate) published: bool,
    pub(crate) draft: bool,
    /// Whether it has a page of its own.
    pub(crate) has_output: bool,
    pub(crate) layout: Layout,
    /// The paths of pages that lead on to this one.
    pub(crate) aliases: Vec<SitePath>,
    pub(crate) paginate: Paginate,
    /// The front matter with the defaults of the settings in it.
    pub(crate) table: Table,
    pub(crate) document: Arc<Document>,
}

/// What sort of page it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Post,
    /// Of the collection with this index.
    Document(usize),
    Page,
}

/// Which layout a page asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Layout {
    None,
    /// The first of these that exists, or none.
    FirstOf(&'static [&'static str]),
    Named(String),
}

/// Whether a page shows a list in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Paginate {
    Off,
    /// If its layout does.
    AsLayout,
    On {
        /// How many items a part has; `None` if the settings or the layout say.
        per_page: Option<usize>,
        over: Over,
    },
}

/// What is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Over {
    Posts,
    /// The documents of the collection with this index.
    Collection(usize),
    /// The posts with a term: the index of the taxonomy, and the name of the term, or its slug.
    Term(usize, String),
}

impl Page {
    /// Whether the output is HTML.
    pub(crate) fn is_html(&self) -> bool {
        self.path.ends_with(".html") || self.path.ends_with(".htm")
    }

    /// The body, where it does not need a template to be known.
    pub(crate) fn content(&self) -> Option<&Content> {
        match &self.document.body {
            Body::Html(content) => Some(content),
            Body::Template(_) => None,
        }
    }

    /// The name under which the page's own body is known to the template engine. No include can
    /// have this name.
    pub(crate) fn template_name(&self) -> String {
        template_name(&self.source)
    }
}

/// The name under which the body of the source `path` is known to the template engine.
pub(crate) fn template_name(path: &str) -> String {
    format!("page:{path}")
}

/// What a page is made with beside its source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Making<'a> {
    pub(crate) config: &'a Config,
    /// The day on which drafts without a date are written.
    pub(crate) today: jiff::civil::Date,
}

/// Reads the page that `document`, the text of `source`, is.
pub(crate) fn read(
    making: Making<'_>,
    source: &Source,
    document: Arc<Document>,
) -> Result<Page, Error> {
    match source.role {
        Role::Post | Role::Draft => posts::read(making, source, document),
        Role::Document(collection) => files::read_document(making, source, document, collection),
        _ => files::read_page(making, source, document),
    }
}

/// The front matter of `document` with the defaults for pages of the sort `kind`.
pub(super) fn with_defaults(
    config: &Config,
    document: &Document,
    source: &Source,
    kind: &str,
) -> FrontMatter {
    let mut front = document.front.clone();
    if !source.is_from_theme() && !config.defaults.is_empty() {
        crate::config::defaults::apply(&config.defaults, &source.path, kind, &mut front.table);
    }
    front
}

/// The layout that the front matter names, else the first of `defaults` that exists.
pub(super) fn layout(
    front: &FrontMatter,
    defaults: &'static [&'static str],
) -> Result<Layout, Error> {
    Ok(match front.string("layout")? {
        None => Layout::FirstOf(defaults),
        Some(name) if is_no_layout(&name) => Layout::None,
        Some(name) => Layout::Named(nfc(&name).into_owned()),
    })
}

fn is_no_layout(name: &str) -> bool {
    let is = |no: &str| name.eq_ignore_ascii_case(no);
    name.is_empty() || name == "none" || is("false") || is("no") || is("off")
}

/// The terms of each taxonomy that `front` names. Jekyll lets one be written in the singular.
pub(super) fn terms(
    config: &Config,
    front: &FrontMatter,
    folders: &[&str],
) -> Result<Vec<Vec<String>>, Error> {
    let mut all = Vec::with_capacity(config.taxonomies.len());
    for name in &config.taxonomies {
        let mut terms = match name.as_str() {
            // Names of people have spaces.
            "authors" => front.names("authors")?,
            name => front.strings(name)?,
        };
        let one = match name.as_str() {
            "tags" => Some("tag"),
            "categories" => Some("category"),
            "authors" => Some("author"),
            _ => None,
        };
        if let Some(one) = one.filter(|_| terms.is_empty()) {
            terms = front.string(one)?.into_iter().collect();
        }
        if name == "categories" {
            let folders = folders.iter().map(|folder| (*folder).to_owned());
            terms = folders.chain(terms).collect();
        }
        let mut identities = Vec::with_capacity(terms.len());
        terms = terms.iter().map(|term| slugs::tidy(term)).collect();
        terms.retain(|term| {
            let identity = slugs::identity(term);
            let is_new = !term.is_empty() && !identities.contains(&identity);
            identities.push(identity);
            is_new
        });
        all.push(terms);
    }
    Ok(all)
}

/// The files of the URLs that lead to this page as well: `aliases`, or Jekyll's `redirect_from`.
/// An old URL stays as it is written, or it would never answer.
pub(super) fn aliases(front: &FrontMatter) -> Result<Vec<SitePath>, Error> {
    let mut aliases = Vec::new();
    for key in ["aliases", "redirect_from"] {
        for alias in written(front, key)? {
            let wrong = |problem: &str| {
                let shown = alias.escape_debug();
                let message = format!("`{key}`: '{shown}' can't be an old URL: {problem}");
                front.wrong(key, message).with_hint(
                    "write its path from the root of the site, such as /old/page/; \
                     in the name of a file ? is %3F and # is %23",
                )
            };
            if alias.contains("://") || alias.starts_with("//") {
                return Err(wrong("it is on another site"));
            }
            if alias.contains(['?', '#']) {
                return Err(wrong("files answer to no query and no fragment"));
            }
            // As in Hugo: a page that leads on is HTML, whatever looks like an extension.
            let is_file = [".html", ".htm", "/"]
                .iter()
                .any(|end| alias.ends_with(end));
            let whole = match is_file {
                true => alias.clone(),
                false => format!("{alias}/"),
            };
            aliases.push(SitePath::literal(&whole).map_err(|problem| wrong(&problem))?);
        }
    }
    Ok(aliases)
}

/// The URLs under `key`: a list, or one text. That may hold several, each with a slash at its start.
fn written(front: &FrontMatter, key: &str) -> Result<Vec<String>, Error> {
    let Some(serde_json::Value::String(text)) = front.table.get(key) else {
        return front.strings(key);
    };
    let mut urls: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match urls.last_mut() {
            Some(last) if !word.starts_with('/') => {
                last.push(' ');
                last.push_str(word);
            }
            _ => urls.push(word.to_owned()),
        }
    }
    let urls = urls.into_iter().map(|url| url.trim().to_owned());
    Ok(urls.filter(|url| !url.is_empty()).collect())
}

/// What `front` says about showing a list in parts.
pub(super) fn paginate(config: &Config, front: &FrontMatter) -> Result<Paginate, Error> {
    let per_page = match front.table.get("paginate") {
        None | Some(serde_json::Value::Null) => return Ok(Paginate::AsLayout),
        Some(serde_json::Value::Bool(false)) => return Ok(Paginate::Off),
        Some(serde_json::Value::Bool(true)) => None,
        Some(_) => Some(front.count("paginate")?),
    };
    let over = match front.string("paginate_over")? {
        None => Over::Posts,
        Some(name) if name == "posts" => Over::Posts,
        Some(name) => match config.collection(&name) {
            Some(index) => Over::Collection(index),
            None => {
                let names = config.collections.iter().map(|one| one.name.as_str());
                let message = format!("there is no collection '{name}'");
                let hint = match crate::error::did_you_mean(&name, names) {
                    Some(meant) => format!("did you mean '{meant}'?"),
                    None => format!("add it to skep.toml: [collections.{name}]"),
                };
                return Err(front.wrong("paginate_over", message).with_hint(hint));
            }
        },
    };
    let over = match (
        front.string("paginate_tag")?,
        front.string("paginate_category")?,
    ) {
        (Some(tag), _) => Over::Term(0, tag),
        (None, Some(category)) => Over::Term(1, category),
        (None, None) => over,
    };
    Ok(Paginate::On { per_page, over })
}
