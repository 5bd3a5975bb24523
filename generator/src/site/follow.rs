//! The next site after a change of nothing but the texts of pages: most saves are of that kind.
//!
//! Every list, order, path and name then stays as it is. What remains is one page, its value, and the values that hold it.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use super::assemble::Input;
use super::lists::List;
use super::memory::{MadeWith, Memory, document, is_template, making, value};
use super::outputs::Outputs;
use super::page::{self, Making, Over, Page};
use super::pager::Pager;
use super::posts::LeftOut;
use super::targets::Names;
use super::taxonomy::Taxonomy;
use super::{Assets, Files, Shown, Site, Styles, checks, posts};
use crate::error::Error;
use crate::feed::Feed;
use crate::template::{self, Lookup, SiteTemplates, Templates, values};

/// Of more texts than this the whole site is made anew.
const MOST: usize = 32;

/// What a site is made of, so that the next one can be made of it. What is large in it is shared.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) as_of: Timestamp,
    pub(super) fingerprint: bool,
    pub(super) pages: Arc<Vec<Option<Shown>>>,
    pub(super) posts: Vec<u32>,
    pub(super) collections: Vec<Vec<u32>>,
    pub(super) taxonomies: Vec<Taxonomy>,
    pub(super) lists: Vec<List>,
    pub(super) paginated: HashMap<u32, (Over, Pager)>,
    pub(super) feeds: Vec<Feed>,
    pub(super) outputs: Arc<Outputs>,
    pub(super) ids: Arc<HashMap<Arc<str>, u32>>,
    pub(super) files: Arc<Files>,
    pub(super) styles: Arc<Styles>,
    pub(super) templates: Arc<Templates>,
    pub(super) places: Vec<u32>,
    pub(super) value: template::Value,
    pub(super) parts: Vec<String>,
    pub(super) drafts: usize,
    pub(super) next_due: Option<Timestamp>,
    pub(super) left_out: Arc<[LeftOut]>,
    /// The notes of all pages.
    pub(super) notes: Vec<Error>,
}

impl Frame {
    /// The site of this, without what is odd about it.
    pub(super) fn site(&self, input: &Input<'_>) -> Site {
        let assets = Assets::new(
            Arc::clone(&self.outputs),
            Arc::clone(&self.files),
            Arc::clone(&self.styles),
            self.fingerprint,
        );
        let lookup = Lookup::new(Arc::clone(&self.pages), &self.value, assets);
        Site {
            dir: input.root.to_owned(),
            config: Arc::clone(input.config),
            options: input.options.clone(),
            base_url: input.base_url.clone(),
            pages: Arc::clone(&self.pages),
            posts: self.posts.clone(),
            collections: self.collections.clone(),
            taxonomies: self.taxonomies.clone(),
            lists: self.lists.clone(),
            paginated: self.paginated.clone(),
            feeds: self.feeds.clone(),
            outputs: Arc::clone(&self.outputs),
            files: Arc::clone(&self.files),
            styles: Arc::clone(&self.styles),
            templates: SiteTemplates::new(Arc::clone(&self.templates), lookup),
            places: self.places.clone(),
            value: self.value.clone(),
            parts: self.parts.clone(),
            drafts: self.drafts,
            next_due: self.next_due,
            left_out: Arc::clone(&self.left_out),
            notes: input.config.notes.clone(),
            ids: Arc::clone(&self.ids),
            names: Names::default(),
        }
    }
}

/// The site after `input`, if nothing but texts of pages changed since `memory` was filled. `None`, and nothing has happened, if more did
/// or there is an error.
pub(super) fn follow(input: &Input<'_>, memory: &mut Memory) -> Option<Site> {
    let changed = input.changed.filter(|changed| changed.len() <= MOST)?;
    let frame = memory.frame.as_ref()?;
    let as_of = input.options.as_of;
    let is_same_time = frame.as_of <= as_of && frame.next_due.is_none_or(|due| as_of < due);
    if !is_same_time
        || frame.fingerprint != input.options.fingerprint
        || !memory.is_made_with(input)
    {
        return None;
    }
    let making = Making {
        config: input.config,
        today: memory.today()?,
    };
    let mut ids = Vec::with_capacity(changed.len());
    let mut pages: Vec<(u32, Page)> = Vec::with_capacity(changed.len());
    for path in changed {
        let entry = input.entries.get(path);
        let (id, document) = (memory.id(path)?, document(entry)?);
        let page = page::read(making, &entry?.source, Arc::clone(document)).ok()?;
        let slot = memory.slots[id as usize].as_ref()?;
        if !is_same_but_for_text(&slot.page, &page) {
            return None;
        }
        if ids.contains(&id) {
            continue;
        }
        ids.push(id);
        pages.push((id, page));
    }
    let mut next = frame.clone();
    next.as_of = as_of;
    let mut shown = Vec::clone(&frame.pages);
    let mut slots = Vec::with_capacity(pages.len());
    for (id, page) in pages {
        let (page, value) = memory.with_page(input, id, page)?;
        if posts::is_shown(input.options, &page) {
            let shown = shown[id as usize].as_mut()?;
            (shown.page, shown.value) = (Arc::clone(&page), value.clone());
        }
        slots.push((id, page, value));
    }
    next.pages = Arc::new(shown);
    ids.retain(|id| next.pages[*id as usize].is_some());
    let data = memory.data(input);
    let parts = values::SiteParts {
        config: input.config,
        options: input.options,
        base_url: input.base_url.as_deref(),
        pages: &next.pages,
        posts: &next.posts,
        collections: &next.collections,
        taxonomies: &next.taxonomies,
        templates: &next.templates,
        feeds: &next.feeds,
        data,
    };
    next.value = values::site(&parts, Some((&next.value, &ids)));
    let mut site = next.site(input);
    for id in &ids {
        let page = site.page(*id)?;
        next.notes.retain(|note| {
            note.place
                .as_ref()
                .is_none_or(|place| place.file != *page.source)
        });
        checks::page(&site, page, &mut next.notes).ok()?;
    }
    checks::sort(&mut next.notes);
    site.notes.extend(next.notes.iter().cloned());
    // Only now: whatever failed has not happened.
    for (id, page, value) in slots {
        memory.set_page(id, page, value);
    }
    memory.frame = Some(next);
    Some(site)
}

impl Memory {
    /// Whether the pages were made with what `input` says.
    fn is_made_with(&self, input: &Input<'_>) -> bool {
        self.made_with.as_ref() == Some(&MadeWith::new(input))
    }

    /// The day on which the pages were made.
    fn today(&self) -> Option<Date> {
        self.made_with.as_ref().map(|made_with| made_with.today)
    }

    /// `page` as the page with the number `id`, whose terms it has, and its value.
    fn with_page(
        &self,
        input: &Input<'_>,
        id: u32,
        page: Page,
    ) -> Option<(Arc<Page>, template::Value)> {
        let (slot, templates) = (self.slots[id as usize].as_ref()?, self.templates.as_ref()?);
        let value = value(&making(input, templates), &page, slot, &self.terms);
        Some((Arc::new(page), value))
    }

    /// Takes `page` with its `value` for the one with the number `id`.
    fn set_page(&mut self, id: u32, page: Arc<Page>, value: template::Value) {
        if let Some(slot) = &mut self.slots[id as usize] {
            (slot.page, slot.value) = (page, Some(value));
        }
    }
}

/// Whether two states of a page differ in nothing that another page, a list or a path is made of, but for the text
/// and what is made of it.
fn is_same_but_for_text(old: &Page, new: &Page) -> bool {
    let is_plain = !is_template(&old.document) && !is_template(&new.document);
    let ids = |page: &Page| page.content().map(|content| content.ids.clone());
    is_plain
        && old.kind == new.kind
        && old.source == new.source
        && old.from_theme == new.from_theme
        && old.url == new.url
        && old.path == new.path
        && old.title == new.title
        && old.slug == new.slug
        && old.date == new.date
        && old.is_of_today == new.is_of_today
        && old.updated == new.updated
        && old.terms == new.terms
        && old.weight == new.weight
        && old.published == new.published
        && old.draft == new.draft
        && old.has_output == new.has_output
        && old.layout == new.layout
        && old.aliases == new.aliases
        && old.paginate == new.paginate
        && old.table == new.table
        // Links of other pages lead to them.
        && ids(old) == ids(new)
}
