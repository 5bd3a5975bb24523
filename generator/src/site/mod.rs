//! The site as a whole: an immutable model of everything that it publishes.

mod assemble;
mod assets;
pub(crate) mod bundles;
mod checks;
pub(crate) mod collisions;
mod files;
mod follow;
pub(crate) mod lists;
mod memory;
mod missing;
mod order;
pub(crate) mod outputs;
pub(crate) mod page;
pub(crate) mod pager;
pub(crate) mod posts;
mod resolve;
pub(crate) mod targets;
pub(crate) mod taxonomy;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use crate::config::{self, Config};
use crate::error::Error;
use crate::load::LoadOptions;
use crate::names::SitePath;
use crate::sources::Source;
use crate::template::{self, SiteTemplates};
pub(crate) use assemble::{Input, assemble};
pub(crate) use assets::{Assets, Files, Styles};
use lists::List;
pub(crate) use memory::Memory;
pub(crate) use outputs::{Output, Outputs};
use page::Page;
pub use posts::{LeftOut, Why};
use taxonomy::Taxonomy;

/// A site as it stood when it was loaded. Nothing in it changes any more; only files that are
/// copied as they are stay on disk until they are rendered.
#[derive(Debug)]
pub struct Site {
    /// The site folder, with all links followed.
    pub(crate) dir: PathBuf,
    pub(crate) config: Arc<Config>,
    pub(crate) options: LoadOptions,
    /// The start of absolute URLs, without a slash at its end.
    pub(crate) base_url: Option<String>,
    /// Every page out of a source by its number, also those that are not shown. A number stays with its source for
    /// as long as the same loader reads the site.
    pub(crate) pages: Arc<Vec<Option<Shown>>>,
    /// The posts that are shown, newest first.
    pub(crate) posts: Vec<u32>,
    /// The documents of each collection that are shown, in their order.
    pub(crate) collections: Vec<Vec<u32>>,
    pub(crate) taxonomies: Vec<Taxonomy>,
    /// The pages that skep makes.
    pub(crate) lists: Vec<List>,
    /// The pages out of sources that show a list in parts, by their numbers.
    pub(crate) paginated: HashMap<u32, (page::Over, pager::Pager)>,
    /// The feeds.
    pub(crate) feeds: Vec<crate::feed::Feed>,
    pub(crate) outputs: Arc<Outputs>,
    /// The number of each page by its source.
    pub(crate) ids: Arc<HashMap<Arc<str>, u32>>,
    pub(crate) names: targets::Names,
    /// The files that are copied or compiled, by their source.
    pub(crate) files: Arc<Files>,
    /// The stylesheets in Sass and their parts, by their source.
    pub(crate) styles: Arc<Styles>,
    /// The templates, which may ask about the rest of the site.
    pub(crate) templates: SiteTemplates,
    /// The place of each post and document in its order, by its number.
    pub(crate) places: Vec<u32>,
    /// What templates see as `site`.
    pub(crate) value: template::Value,
    /// The layouts, includes, data files and parts of stylesheets of the site folder, sorted.
    pub(crate) parts: Vec<String>,
    /// How many drafts there are, shown or not.
    pub(crate) drafts: usize,
    /// When the next post becomes due that is left out or marked now because it is in the future.
    pub(crate) next_due: Option<Timestamp>,
    pub(crate) left_out: Arc<[LeftOut]>,
    pub(crate) notes: Vec<Error>,
}

/// A page and what goes with it.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) page: Arc<Page>,
    /// What templates see of it.
    pub(crate) value: template::Value,
    /// The templates around its body, innermost first.
    pub(crate) layouts: Arc<[Arc<str>]>,
    /// Whether its date is after the present moment.
    pub(crate) future: bool,
}

/// A file that is no page.
#[derive(Debug)]
pub(crate) struct SiteFile {
    pub(crate) source: Arc<Source>,
    /// Its output path, if it has one.
    pub(crate) at: Option<SitePath>,
    /// The width and height of an image, once somebody has asked.
    pub(crate) size: OnceLock<Option<(u32, u32)>>,
}

impl Site {
    /// The paths of all files of the output, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.outputs.keys().map(SitePath::as_str)
    }

    /// The settings of the site.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The start of absolute URLs, without a slash at its end, if the site has one.
    pub fn base_url(&self) -> Option<&str> {
        self.base_url.as_deref()
    }

    /// The posts and pages that are left out of the site: drafts, what is not due yet, and what says that it is not
    /// published.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// What is odd about the site but keeps nothing from being built, in the order of the files.
    pub fn notes(&self) -> &[Error] {
        &self.notes
    }

    /// The file in the site folder that the output `path` is made of. `None` if there is no such
    /// path, or if it is made of no single file of the folder (a feed, a list, a theme's file).
    pub fn source_of(&self, path: &str) -> Option<&str> {
        match self.outputs.get(path)? {
            Output::Page { id, .. } | Output::Redirect { id } => {
                let page = self.page(*id)?;
                Some(&*page.source).filter(|_| !page.from_theme)
            }
            Output::File(source) | Output::Style(source) => {
                let file = self.files.get(source)?;
                Some(&**source).filter(|_| !file.source.is_from_theme())
            }
            _ => None,
        }
    }

    /// The files of the site folder that the site is made of, sorted: its settings, layouts, includes and
    /// data, and the sources of what it publishes. What is left out of the site is not among them.
    pub fn sources(&self) -> Vec<String> {
        let made_of = self.paths().filter_map(|path| self.source_of(path));
        let listed = self.posts.iter().chain(self.collections.iter().flatten());
        let listed = listed.filter_map(|id| Some(&*self.page(*id)?.source));
        let parts = self.parts.iter().map(String::as_str);
        let mut sources: Vec<String> = [config::FILE]
            .into_iter()
            .chain(parts)
            .chain(made_of)
            .chain(listed)
            .map(str::to_owned)
            .collect();
        sources.sort();
        sources.dedup();
        sources
    }

    /// The output path of the page out of the source `path` (relative to the site folder), if it has one
    /// and is shown.
    pub fn output_of(&self, source: &str) -> Option<&str> {
        let page = self.page(*self.ids.get(source)?)?;
        let (path, output) = self.outputs.get_key_value(page.path.as_str())?;
        match output {
            Output::Page { id, .. } if self.page(*id)?.source == page.source => Some(path),
            _ => None,
        }
    }

    /// Where the site is on the server of its base URL, such as `/blog`, if the output is for that
    /// place; empty for one at the root of an origin.
    pub(crate) fn mounted_at(&self) -> &str {
        let base = self.base_url().filter(|_| self.options.below_base_url);
        let host = base.and_then(|base| base.split_once("://"));
        host.and_then(|(_, host)| Some(&host[host.find('/')?..]))
            .unwrap_or_default()
    }

    pub(crate) fn shown(&self, id: u32) -> Option<&Shown> {
        self.pages.get(id as usize)?.as_ref()
    }

    pub(crate) fn page(&self, id: u32) -> Option<&Page> {
        Some(&self.shown(id)?.page)
    }

    /// The page at the output `path`, if a source lies behind it.
    pub(crate) fn page_at(&self, path: &str) -> Option<&Shown> {
        match self.outputs.get(path)? {
            Output::Page { id, .. } => self.shown(*id),
            _ => None,
        }
    }

    /// The place of the post or document `id` in the order in which it is listed.
    pub(crate) fn place_of(&self, id: u32) -> Option<usize> {
        let place = *self.places.get(id as usize)?;
        (place != u32::MAX).then_some(place as usize)
    }

    /// What templates see of the pages `ids`.
    pub(crate) fn values(&self, ids: &[u32]) -> Vec<template::Value> {
        let shown = ids.iter().filter_map(|id| self.shown(*id));
        shown.map(|shown| shown.value.clone()).collect()
    }

    /// What templates see of all terms of the taxonomy with this index.
    pub(crate) fn terms_value(&self, taxonomy: usize) -> template::Value {
        let all = self
            .value
            .as_map()
            .and_then(|site| site.get(&tera::value::Key::Str("taxonomies")));
        let name = self.config.taxonomies[taxonomy].as_str();
        let terms = all.and_then(|all| all.as_map()?.get(&tera::value::Key::Str(name)));
        terms.cloned().unwrap_or_else(template::Value::none)
    }

    /// What templates see of the term `number` of the taxonomy with this index.
    pub(crate) fn term_value(&self, taxonomy: usize, number: usize) -> template::Value {
        let terms = self.terms_value(taxonomy);
        let term = terms.as_array().and_then(|terms| terms.get(number));
        term.cloned().unwrap_or_else(template::Value::none)
    }
}
