//! The pages that skep makes: the home page, the archive, the terms of taxonomies, collections.

use std::sync::Arc;

use super::Shown;
use super::page::Page;
use super::pager::Pager;
use super::taxonomy::{self, Taxonomy};
use crate::config::Config;
use crate::error::Error;
use crate::names::Url;
use crate::template::Templates;

/// A page that skep makes because the theme has a layout for it.
#[derive(Debug, Clone)]
pub(crate) struct List {
    pub(crate) kind: Kind,
    /// The URL of its first part.
    pub(crate) url: Url,
    pub(crate) title: Option<String>,
    /// The templates around its body, innermost first.
    pub(crate) layouts: Arc<[Arc<str>]>,
    /// The numbers of the posts or documents that it lists, in their order.
    pub(crate) items: Vec<u32>,
    /// How it is divided; `None` if it is shown in one.
    pub(crate) pager: Option<Pager>,
}

/// What a list is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Home,
    Archive,
    Year(i16),
    Month(i16, i8),
    /// All terms of the taxonomy with this index.
    Terms(usize),
    /// The posts with a term: the index of the taxonomy, and of the term in it.
    Term(usize, usize),
    /// The documents of the collection with this index.
    Collection(usize),
}

/// What lists are made of.
pub(crate) struct Parts<'a> {
    pub(crate) config: &'a Config,
    pub(crate) templates: &'a Templates,
    pub(crate) taxonomies: &'a [Taxonomy],
    pub(crate) collections: &'a [Vec<u32>],
    /// The posts, newest first.
    pub(crate) posts: &'a [u32],
    pub(crate) pages: &'a [Option<Shown>],
}

/// All lists that the layouts are there for.
pub(crate) fn make(parts: &Parts<'_>) -> Result<Vec<List>, Error> {
    let mut lists = Vec::new();
    let mut add = |kind, names: &[&str], url: String, title: Option<String>, items: Vec<u32>| {
        let Some(layout) = parts.templates.first_of(names)? else {
            return Ok(());
        };
        let per_page = layout
            .paginate
            .map(|own| parts.config.paginate.or(own).unwrap_or(DEFAULT));
        lists.push(List {
            kind,
            url: Url::written(&url),
            title,
            pager: per_page.map(|per_page| Pager {
                per_page,
                items: items.len(),
            }),
            layouts: Arc::clone(&layout.chain),
            items,
        });
        Ok::<(), Error>(())
    };
    let title = |title: &str| Some(title.to_owned());
    let posts = || parts.posts.to_vec();
    add(Kind::Home, &["home"], "/".to_owned(), None, posts())?;
    add(
        Kind::Archive,
        &["archive"],
        "/archive/".to_owned(),
        title("Archive"),
        posts(),
    )?;
    for (index, taxonomy) in parts.taxonomies.iter().enumerate() {
        let name = taxonomy.name.as_str();
        if taxonomy.terms.is_empty() && name != "tags" {
            continue;
        }
        add(
            Kind::Terms(index),
            &terms_layouts(name),
            taxonomy.url(),
            title(&capitalize(name)),
            Vec::new(),
        )?;
        let layouts = term_layouts(name);
        for (number, term) in taxonomy.terms.iter().enumerate() {
            let url = taxonomy.term_url(&term.slug);
            add(
                Kind::Term(index, number),
                &layouts,
                url,
                title(&term.name),
                term.posts.clone(),
            )?;
        }
    }
    for (index, collection) in parts.config.collections.iter().enumerate() {
        // A list of links that lead nowhere would be of no use.
        if !collection.output {
            continue;
        }
        let url = format!("/{}/", collection.name);
        let items = parts.collections[index].clone();
        add(
            Kind::Collection(index),
            &["collection"],
            url,
            title(&collection.title),
            items,
        )?;
    }
    let has = |name| parts.templates.has_layout(name);
    if has("year") || has("month") {
        let date = |id: &u32| {
            let page: Option<&Page> = parts.pages[*id as usize].as_ref().map(|shown| &*shown.page);
            page.and_then(|page| page.date.as_ref())
                .map(|date| (date.year(), date.month()))
        };
        // Newest first, so that the posts of one month lie beside each other.
        for posts in parts
            .posts
            .chunk_by(|a, b| date(a).map(|d| d.0) == date(b).map(|d| d.0))
        {
            let Some((year, _)) = posts.first().and_then(date) else {
                continue;
            };
            add(
                Kind::Year(year),
                &["year"],
                format!("/{year}/"),
                title(&year.to_string()),
                posts.to_vec(),
            )?;
            for posts in posts.chunk_by(|a, b| date(a) == date(b)) {
                let Some((year, month)) = posts.first().and_then(date) else {
                    continue;
                };
                let url = format!("/{year}/{month:02}/");
                add(
                    Kind::Month(year, month),
                    &["month"],
                    url,
                    title(&format!("{year}-{month:02}")),
                    posts.to_vec(),
                )?;
            }
        }
    }
    Ok(lists)
}

/// How many items a part has where nobody says it.
pub(crate) const DEFAULT: usize = 10;

/// The layouts for the page of one term of the taxonomy `name`, the first that exists.
pub(crate) fn term_layouts(name: &str) -> [&str; 2] {
    [taxonomy::singular(name), "term"]
}

/// The layouts for the page of all terms of the taxonomy `name`, the first that exists.
fn terms_layouts(name: &str) -> [&str; 2] {
    [name, "taxonomy"]
}

fn capitalize(name: &str) -> String {
    let mut chars = name.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
