//! The site as a whole: an immutable model of everything that it publishes.

pub(crate) mod collisions;
pub(crate) mod page;
pub(crate) mod pages;
pub(crate) mod posts;
pub(crate) mod taxonomy;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::config::{self, Config};
use crate::data::Table;
use crate::documents::{Body, Item, TemplateText};
use crate::error::Error;
use crate::load::LoadOptions;
use crate::sources::{Role, Source};
use crate::template::{self, Templates};
use page::{Kind, Page};

/// A site as it stood when it was loaded. Nothing in it changes any more; only files that are
/// copied as they are stay on disk until they are rendered.
#[derive(Debug)]
pub struct Site {
    /// The site folder, with all links followed.
    pub(crate) dir: PathBuf,
    pub(crate) config: Config,
    pub(crate) options: LoadOptions,
    /// The start of absolute URLs, without a slash at its end.
    pub(crate) base_url: Option<String>,
    /// Posts first, the newest at the head, then all other pages.
    pub(crate) pages: Vec<Page>,
    /// How many of the pages are posts.
    pub(crate) posts: usize,
    pub(crate) outputs: BTreeMap<String, Output>,
    pub(crate) templates: Templates,
    pub(crate) values: template::Values,
    /// The layouts, includes and data files of the site folder, sorted.
    pub(crate) parts: Vec<String>,
    /// When the next post becomes due that is left out now because it is in the future.
    pub(crate) next_due: Option<Timestamp>,
}

/// What lies behind an output path.
#[derive(Debug)]
pub(crate) enum Output {
    /// The page with this index.
    Page(usize),
    File(Source),
    Feed,
    Sitemap,
}

impl Site {
    /// The paths of all files of the output, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.outputs.keys().map(String::as_str)
    }

    /// The settings of the site.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The start of absolute URLs, without a slash at its end, if the site has one.
    pub fn base_url(&self) -> Option<&str> {
        self.base_url.as_deref()
    }

    /// The file in the site folder that the output `path` is made of. `None` if there is no such
    /// path, or if it is made of no single file of the folder (a feed, a list, a theme's file).
    pub fn source_of(&self, path: &str) -> Option<&str> {
        match self.outputs.get(path)? {
            Output::Page(index) => {
                let page = &self.pages[*index];
                page.source.as_deref().filter(|_| !page.from_theme)
            }
            Output::File(source) if !source.is_from_theme() => Some(&source.path),
            _ => None,
        }
    }

    /// The files of the site folder that the site is made of, sorted: its settings, layouts, includes and
    /// data, and the sources of what it publishes. What is left out of the site is not among them.
    pub fn sources(&self) -> Vec<String> {
        let made_of = self.paths().filter_map(|path| self.source_of(path));
        let parts = self.parts.iter().map(String::as_str);
        let mut sources: Vec<String> = [config::FILE]
            .into_iter()
            .chain(parts)
            .chain(made_of)
            .map(str::to_owned)
            .collect();
        sources.sort();
        sources.dedup();
        sources
    }

    pub(crate) fn page(&self, path: &str) -> Option<&Page> {
        match self.outputs.get(path)? {
            Output::Page(index) => Some(&self.pages[*index]),
            _ => None,
        }
    }

    /// The posts, newest first.
    pub(crate) fn posts(&self) -> &[Page] {
        &self.pages[..self.posts]
    }
}

/// Makes the model out of everything that was read.
pub(crate) fn assemble(
    dir: PathBuf,
    config: Config,
    options: &LoadOptions,
    base_url: Option<String>,
    items: Vec<(Source, Item)>,
) -> Result<Site, Error> {
    let mut errors = Vec::new();
    let mut templates: Vec<(String, Arc<TemplateText>)> = Vec::new();
    let mut data = Table::new();
    let mut files = Vec::new();
    let mut posts = Vec::new();
    let mut pages = Vec::new();
    let mut parts = Vec::new();
    for (source, item) in items {
        if matches!(item, Item::Template(_) | Item::Data(_)) && !source.is_from_theme() {
            parts.push(source.path.clone());
        }
        match item {
            Item::Template(text) => templates.push((source.path, text)),
            Item::Data(value) => put_data(&mut data, &source.path, (*value).clone()),
            Item::File => files.push(source),
            Item::Document(document) if matches!(source.role, Role::Post | Role::Draft) => {
                match posts::read(&config, options, &source, document) {
                    Ok(post) => posts.push(post),
                    Err(error) => errors.push(error),
                }
            }
            Item::Document(document) => match pages::read(&config, &source, document) {
                Ok(page) => pages.push(page),
                Err(error) => errors.push(error),
            },
        }
    }
    Error::collect(errors)?;

    let next_due = posts::next_due(options, &posts);
    posts.retain(|post| posts::is_shown(options, post));
    pages.retain(|page| posts::is_shown(options, page));
    posts::sort(&mut posts);
    pages.sort_by(|a, b| a.url.cmp(&b.url));

    let layouts = template::layout_names(&templates);
    let has = |name: &str| layouts.contains_key(name);
    let tags = taxonomy::terms(&posts, |page| &page.tags, has("tag").then_some("/tags/"));
    let categories = taxonomy::terms(&posts, |page| &page.categories, None);
    let count = posts.len();
    pages.extend(pages::generated(&tags, &pages, has));
    let mut pages: Vec<Page> = posts.into_iter().chain(pages).collect();

    let own: Vec<(String, Arc<TemplateText>)> = pages
        .iter()
        .filter_map(|page| match &page.document.as_ref()?.body {
            Body::Template(text) => Some((page.template_name()?, Arc::clone(text))),
            Body::Html(_) => None,
        })
        .collect();
    let templates = Templates::compile(&templates, &own, layouts, &config, base_url.as_deref())?;
    let errors = pages
        .iter_mut()
        .filter_map(|page| page.choose_layouts(&templates).err())
        .collect();
    Error::collect(errors)?;

    let outputs = outputs(&config, base_url.as_deref(), &pages, files)?;
    let values = template::Values::new(&template::SiteParts {
        config: &config,
        options,
        base_url: base_url.as_deref(),
        pages: &pages,
        posts: count,
        tags: &tags,
        categories: &categories,
        data: &data,
    });
    Ok(Site {
        dir,
        config,
        options: options.clone(),
        base_url,
        pages,
        posts: count,
        outputs,
        templates,
        values,
        parts,
        next_due,
    })
}

/// All output paths and what lies behind each.
fn outputs(
    config: &Config,
    base_url: Option<&str>,
    pages: &[Page],
    files: Vec<Source>,
) -> Result<BTreeMap<String, Output>, Error> {
    let mut claims = collisions::Claims::default();
    for (index, page) in pages.iter().enumerate() {
        let rank = match (&page.source, page.from_theme) {
            (None, _) => collisions::Rank::Generated,
            (_, true) => collisions::Rank::Theme,
            _ => collisions::Rank::Site,
        };
        claims.add(
            page.path.clone(),
            rank,
            page.source.as_deref(),
            Output::Page(index),
        );
    }
    for file in files {
        let rank = if file.is_from_theme() {
            collisions::Rank::Theme
        } else {
            collisions::Rank::Site
        };
        let path = file.path.clone();
        claims.add(path.clone(), rank, Some(&path), Output::File(file));
    }
    let generated = collisions::Rank::Generated;
    let has_posts = pages.iter().any(|page| page.kind == Kind::Post);
    if has_posts && (base_url.is_some() || config.address.is_some()) {
        claims.add("feed.xml".to_owned(), generated, None, Output::Feed);
    }
    if base_url.is_some() {
        claims.add("sitemap.xml".to_owned(), generated, None, Output::Sitemap);
    }
    claims.settle()
}

/// Puts the value of `_data/a/b.yml` to `a.b`.
fn put_data(data: &mut Table, path: &str, value: Value) {
    let inside = path.strip_prefix("_data/").unwrap_or(path);
    let stem = inside.rsplit_once('.').map_or(inside, |(stem, _)| stem);
    let mut table = data;
    let mut names = stem.split('/').peekable();
    while let Some(name) = names.next() {
        let slot = table.entry(name).or_insert(Value::Null);
        if names.peek().is_none() {
            *slot = value;
            return;
        }
        if !slot.is_object() {
            *slot = Value::Object(Table::new());
        }
        let Value::Object(inner) = slot else { return };
        table = inner;
    }
}
