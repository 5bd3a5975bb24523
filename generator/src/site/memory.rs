//! What is kept from one state of a site to the next, so that a change costs what it changed.
//!
//! Nothing in here can be stale: each part is kept with exactly what it was made of, and made anew when that
//! is another.

mod terms;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;
use rayon::prelude::*;

use super::assemble::Input;
use super::follow::Frame;
use super::outputs::{Claim, Outputs};
use super::page::{self, Kind, Making, Page};
use super::taxonomy::{self, Numbers, Taxonomy};
use super::{Shown, order, posts};
use crate::config::Config;
use crate::documents::{Body, Document, Item, TemplateText};
use crate::error::Error;
use crate::load::Entry;
use crate::sources::Source;
use crate::template::{self, Surroundings, Templates};

/// Everything that is kept.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(super) made_with: Option<MadeWith>,
    /// Shared with the sites that were made: a change of one page changes no number.
    ids: Arc<HashMap<Arc<str>, u32>>,
    free: Vec<u32>,
    pub(super) slots: Vec<Option<Slot>>,
    /// The numbers of the terms of each taxonomy.
    numbers: Vec<Numbers>,
    /// What each term is called, and its slug, by its number; `None` if no page has it.
    called: Vec<Vec<Option<Called>>>,
    /// What templates see of each term, by its number.
    pub(super) terms: Vec<Vec<template::Value>>,
    pub(super) taxonomies: Vec<Taxonomy>,
    pub(super) templates: Option<Arc<Templates>>,
    /// The posts in their order.
    pub(super) posts: Vec<u32>,
    pub(super) settled: Option<(Vec<Claim>, Arc<Outputs>)>,
    data: Option<template::Value>,
    /// The site that was made last.
    pub(super) frame: Option<Frame>,
}

/// The name and the slug of a term.
type Called = (String, Arc<str>);

/// What all pages depend on.
#[derive(Debug, PartialEq)]
pub(super) struct MadeWith {
    config: ByAddress,
    base_url: Option<String>,
    drafts: bool,
    future: bool,
    unpublished: bool,
    pub(super) today: Date,
}

impl MadeWith {
    pub(super) fn new(input: &Input<'_>) -> Self {
        let today = input.options.as_of.to_zoned(input.config.time_zone.clone());
        Self {
            config: ByAddress(Arc::clone(input.config)),
            base_url: input.base_url.clone(),
            drafts: input.options.drafts,
            future: input.options.future,
            unpublished: input.options.unpublished,
            today: today.date(),
        }
    }
}

/// Settings that are the same only if they are the same object: the loader keeps it while they are equal.
#[derive(Debug)]
struct ByAddress(Arc<Config>);

impl PartialEq for ByAddress {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A page and what was made of it so far.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) page: Arc<Page>,
    /// The numbers of its terms, for each taxonomy.
    pub(super) numbers: Vec<Vec<u32>>,
    pub(super) future: bool,
    pub(super) value: Option<template::Value>,
    pub(super) layouts: Option<Arc<[Arc<str>]>>,
}

impl Memory {
    /// Takes in what changed in `input`: pages, templates, data.
    pub(super) fn update(&mut self, input: &Input<'_>) -> Result<Arc<Templates>, Error> {
        let made_with = MadeWith::new(input);
        let mut changed = input.changed;
        if self.made_with.as_ref() != Some(&made_with) {
            *self = Self::default();
            let count = input.config.taxonomies.len();
            self.numbers.resize_with(count, Numbers::default);
            self.called.resize_with(count, Vec::new);
            self.terms.resize_with(count, Vec::new);
            changed = None;
        }
        // Whatever fails from here on, the next site is made anew.
        self.frame = None;
        let today = made_with.today;
        self.forget(input, changed);
        let making = Making {
            config: input.config,
            today,
        };
        self.read_pages(input, changed, making)?;
        // Only now: whatever failed is done again.
        self.made_with = Some(made_with);
        let templates = self.templates(input)?;
        self.choose_layouts(input, &templates)?;
        self.sort_posts(input);
        self.group_terms(input);
        self.make_values(input, &templates);
        Ok(templates)
    }

    /// Forgets what was made of the sources in `changed`, or of any that is no more.
    fn forget(&mut self, input: &Input<'_>, changed: Option<&[Arc<str>]>) {
        let Some(changed) = changed else {
            self.templates = None;
            self.data = None;
            let gone: Vec<Arc<str>> = self
                .ids
                .keys()
                .filter(|path| document(input.entries.get(*path)).is_none())
                .cloned()
                .collect();
            for path in gone {
                self.remove(&path);
            }
            return;
        };
        for path in changed {
            let entry = input.entries.get(path);
            let of_templates = path.starts_with("_layouts/") || path.starts_with("_includes/");
            let had_template = self
                .ids
                .get(path)
                .and_then(|id| self.slots[*id as usize].as_ref())
                .is_some_and(|slot| is_template(&slot.page.document));
            if of_templates || had_template || document(entry).is_some_and(|new| is_template(new)) {
                self.templates = None;
            }
            if path.starts_with("_data/") {
                self.data = None;
            }
            if document(entry).is_none() {
                self.remove(path);
            }
        }
    }

    fn remove(&mut self, path: &Arc<str>) {
        if let Some(id) = Arc::make_mut(&mut self.ids).remove(path) {
            self.slots[id as usize] = None;
            self.free.push(id);
        }
    }

    /// Makes the pages of all sources that changed.
    fn read_pages(
        &mut self,
        input: &Input<'_>,
        changed: Option<&[Arc<str>]>,
        making: Making<'_>,
    ) -> Result<(), Error> {
        let is_new = |path: &Arc<str>, document: &Arc<Document>| {
            let id = self.ids.get(path);
            let slot = id.and_then(|id| self.slots[*id as usize].as_ref());
            slot.is_none_or(|slot| !Arc::ptr_eq(&slot.page.document, document))
        };
        let mut todo: Vec<(&Arc<str>, &Source, &Arc<Document>)> = Vec::new();
        let mut visit = |path, entry| {
            if let Some(document) = document(Some(entry))
                && is_new(path, document)
            {
                todo.push((path, &*entry.source, document));
            }
        };
        match changed {
            None => input
                .entries
                .iter()
                .for_each(|(path, entry)| visit(path, entry)),
            Some(changed) => changed
                .iter()
                .filter_map(|path| input.entries.get_key_value(path))
                .for_each(|(path, entry)| visit(path, entry)),
        }
        let pages: Vec<Result<Page, Error>> = todo
            .par_iter()
            .map(|(_, source, document)| page::read(making, source, Arc::clone(document)))
            .collect();
        let mut errors = Vec::new();
        for ((path, ..), page) in todo.into_iter().zip(pages) {
            match page {
                Ok(page) => self.insert(path, page),
                Err(error) => errors.push(error),
            }
        }
        Error::collect(errors)
    }

    fn insert(&mut self, path: &Arc<str>, page: Page) {
        let numbers = taxonomy::numbers(&page, &mut self.numbers);
        let slot = Slot {
            page: Arc::new(page),
            numbers,
            future: false,
            value: None,
            layouts: None,
        };
        let id = match self.ids.get(path) {
            Some(id) => *id,
            None => {
                let id = self.free.pop().unwrap_or_else(|| {
                    self.slots.push(None);
                    u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
                });
                Arc::make_mut(&mut self.ids).insert(Arc::clone(path), id);
                id
            }
        };
        self.slots[id as usize] = Some(slot);
    }

    /// The templates; those of before if none of them changed.
    fn templates(&mut self, input: &Input<'_>) -> Result<Arc<Templates>, Error> {
        if let Some(templates) = &self.templates {
            return Ok(Arc::clone(templates));
        }
        for slot in self.slots.iter_mut().flatten() {
            slot.layouts = None;
            // Whether a term has a page depends on the layouts.
            slot.value = None;
        }
        let mut shared: Vec<(String, Arc<TemplateText>)> = Vec::new();
        let mut own: Vec<(String, Arc<TemplateText>)> = Vec::new();
        for (path, entry) in input.entries {
            match &entry.item {
                Ok(Item::Template(text)) => shared.push((path.to_string(), Arc::clone(text))),
                Ok(Item::Document(document)) => {
                    if let Body::Template(text) = &document.body
                        && let Some(slot) = self.slot(path)
                        && posts::is_shown(input.options, &slot.page)
                    {
                        own.push((page::template_name(path), Arc::clone(text)));
                    }
                }
                _ => {}
            }
        }
        let base_url = input.base_url.as_deref();
        let around = Surroundings::new(input.config, base_url, input.highlighter);
        let templates = Arc::new(Templates::compile(&shared, &own, around)?);
        self.templates = Some(Arc::clone(&templates));
        Ok(templates)
    }

    fn slot(&self, path: &str) -> Option<&Slot> {
        self.slots[*self.ids.get(path)? as usize].as_ref()
    }

    /// The number of the page out of the source `path`.
    pub(super) fn id(&self, path: &str) -> Option<u32> {
        self.ids.get(path).copied()
    }

    /// The numbers of all pages by their sources.
    pub(super) fn ids(&self) -> Arc<HashMap<Arc<str>, u32>> {
        Arc::clone(&self.ids)
    }

    fn choose_layouts(&mut self, input: &Input<'_>, templates: &Templates) -> Result<(), Error> {
        let mut errors = Vec::new();
        for slot in self.slots.iter_mut().flatten() {
            if slot.layouts.is_none() && posts::is_shown(input.options, &slot.page) {
                match templates.layouts_of(&slot.page) {
                    Ok(layouts) => slot.layouts = Some(layouts),
                    Err(error) => errors.push(error),
                }
            }
        }
        // In the order of the files, whatever the numbers of their pages are.
        errors.sort_by(|a, b| {
            a.place
                .as_ref()
                .map(|p| &p.file)
                .cmp(&b.place.as_ref().map(|p| &p.file))
        });
        Error::collect(errors)
    }

    /// Sorts the posts that are shown, newest first. They are in order already but for what changed.
    fn sort_posts(&mut self, input: &Input<'_>) {
        let slots = &self.slots;
        let post = |id: u32| {
            let page = &slots[id as usize].as_ref()?.page;
            let is_listed = page.kind == Kind::Post && posts::is_shown(input.options, page);
            is_listed.then_some(&**page)
        };
        let mut is_listed = vec![false; slots.len()];
        let mut posts: Vec<(u32, &Page)> = Vec::with_capacity(slots.len());
        for id in &self.posts {
            if let Some(page) = slots.get(*id as usize).and_then(|_| post(*id)) {
                is_listed[*id as usize] = true;
                posts.push((*id, page));
            }
        }
        for (id, _) in is_listed.iter().enumerate().filter(|(_, listed)| !**listed) {
            let id = u32::try_from(id).unwrap_or(u32::MAX);
            posts.extend(post(id).map(|page| (id, page)));
        }
        posts.sort_by(|(_, a), (_, b)| order::posts(a, b));
        self.posts = posts.into_iter().map(|(id, _)| id).collect();
    }

    /// Makes what templates see of the pages that changed.
    fn make_values(&mut self, input: &Input<'_>, templates: &Templates) {
        let taxonomies = &input.config.taxonomies;
        for slot in self.slots.iter_mut().flatten() {
            let future = posts::is_future(input.options, &slot.page);
            if slot.future != future {
                slot.future = future;
                slot.value = None;
            }
            if slot.value.is_some() {
                continue;
            }
            for (index, numbers) in slot.numbers.iter().enumerate() {
                for number in numbers {
                    let value = &mut self.terms[index][*number as usize];
                    if value.is_none()
                        && let Some((name, slug)) = &self.called[index][*number as usize]
                    {
                        let taxonomy = &taxonomies[index];
                        let has_page = templates.has_term_pages(taxonomy);
                        *value = template::values::term_link(taxonomy, name, slug, has_page);
                    }
                }
            }
        }
        let terms = &self.terms;
        let made = making(input, templates);
        self.slots.par_iter_mut().flatten().for_each(|slot| {
            if slot.value.is_none() {
                let value = value(&made, &slot.page, slot, terms);
                slot.value = Some(value);
            }
        });
    }

    /// What templates see as `site.data`.
    pub(super) fn data(&mut self, input: &Input<'_>) -> template::Value {
        self.data
            .get_or_insert_with(|| template::values::data(input.entries))
            .clone()
    }
}

impl Slot {
    /// The page for the finished site. A page that is not shown has no value that anybody sees.
    pub(super) fn shown(&self) -> Shown {
        Shown {
            page: Arc::clone(&self.page),
            value: self.value.clone().unwrap_or_else(template::Value::none),
            layouts: self.layouts.clone().unwrap_or_default(),
            future: self.future,
        }
    }
}

pub(super) fn making<'a>(
    input: &'a Input<'_>,
    templates: &Templates,
) -> template::values::Making<'a> {
    template::values::Making {
        config: input.config,
        base_url: input.base_url.as_deref(),
        with_toc: templates.mentions("toc"),
    }
}

/// What templates see of `page`, which has the terms and the date of the one in `slot`.
pub(super) fn value(
    made: &template::values::Making<'_>,
    page: &Page,
    slot: &Slot,
    terms: &[Vec<template::Value>],
) -> template::Value {
    let terms = slot.numbers.iter().zip(terms).map(|(numbers, terms)| {
        let values = numbers.iter().map(|number| terms[*number as usize].clone());
        values.collect()
    });
    template::values::page(made, page, slot.future, terms.collect())
}

pub(super) fn document(entry: Option<&Entry>) -> Option<&Arc<Document>> {
    match entry?.item.as_ref().ok()? {
        Item::Document(document) => Some(document),
        _ => None,
    }
}

pub(super) fn is_template(document: &Document) -> bool {
    matches!(document.body, Body::Template(_))
}
