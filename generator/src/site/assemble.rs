//! From everything that was read to the model.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::bundles::{self, Place};
use super::collisions::{self, Rank};
use super::follow::{self, Frame};
use super::lists::{self, List};
use super::outputs::Claim;
use super::page::{Kind, Over, Page, Paginate};
use super::pager::{self, Pager};
use super::{Memory, Output, Shown, Site, SiteFile, Styles, checks, order, posts};
use crate::code::Highlighter;
use crate::config::{self, Config};
use crate::documents::{Item, extension};
use crate::error::{Error, ErrorKind};
use crate::feed;
use crate::load::{Entry, LoadOptions};
use crate::names::SitePath;
use crate::site_manifest;
use crate::sources::Source;
use crate::template;

/// What a site is made of.
#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub(crate) root: &'a Path,
    pub(crate) config: &'a Arc<Config>,
    pub(crate) options: &'a LoadOptions,
    pub(crate) base_url: Option<String>,
    pub(crate) highlighter: &'a Arc<Highlighter>,
    /// All sources by their paths. None of them is an error.
    pub(crate) entries: &'a BTreeMap<Arc<str>, Entry>,
    /// The sources that came, changed or went since `memory` was filled; `None` if that may be any.
    pub(crate) changed: Option<&'a [Arc<str>]>,
}

/// Makes the model. What did not change since the last time is taken from `memory`.
pub(crate) fn assemble(input: &Input<'_>, memory: &mut Memory) -> Result<Site, Error> {
    if let Some(site) = follow::follow(input, memory) {
        return Ok(site);
    }
    let (config, options) = (input.config, input.options);
    let templates = memory.update(input)?;
    let is_shown = |page: &Page| posts::is_shown(options, page);
    let next_due = posts::next_due(
        options,
        memory.slots.iter().flatten().map(|slot| &*slot.page),
    );

    let slots = memory.slots.iter().flatten();
    let left_out = posts::left_out(options, slots.map(|slot| &*slot.page)).into();
    let slots = memory.slots.iter().flatten();
    let drafts = slots.filter(|slot| slot.page.draft).count();

    let posts = memory.posts.clone();
    let pages: Vec<Option<Shown>> = memory
        .slots
        .iter()
        .map(|slot| Some(slot.as_ref().filter(|slot| is_shown(&slot.page))?.shown()))
        .collect();
    let page = |id: u32| pages[id as usize].as_ref().map(|shown| &*shown.page);
    let collections = collections(config, &pages);
    let mut places = vec![u32::MAX; pages.len()];
    for order in [&posts].into_iter().chain(&collections) {
        for (place, id) in (0..).zip(order) {
            places[*id as usize] = place;
        }
    }
    let taxonomies = std::mem::take(&mut memory.taxonomies);
    let lists = lists::make(&lists::Parts {
        config,
        templates: &templates,
        taxonomies: &taxonomies,
        collections: &collections,
        posts: &posts,
        pages: &pages,
    })?;
    let feeds = feed::all(
        config,
        &posts,
        &taxonomies,
        &collections,
        input.base_url.as_deref(),
    );

    let mut files = HashMap::new();
    let mut styles = BTreeMap::new();
    let mut parts = Vec::new();
    let mut copies = Vec::new();
    let mut errors = Vec::new();
    for (path, entry) in input.entries {
        let source = &entry.source;
        match &entry.item {
            Ok(Item::Document(_)) | Err(_) => continue,
            Ok(Item::File) => {
                let at = if source.role.is_collected() {
                    let page = |source: &str| page(memory.id(source)?);
                    match bundles::place(config, source, input.entries, page) {
                        Ok(Place::At(at)) => at,
                        Ok(Place::Nowhere) => continue,
                        Err(error) => {
                            errors.push(error);
                            continue;
                        }
                    }
                } else {
                    SitePath::of(path)
                };
                files.insert(Arc::clone(path), file(source, Some(&at)));
                copies.push((at, Output::File(Arc::clone(path)), source));
                continue;
            }
            Ok(Item::Style(text)) => {
                styles.insert(Arc::clone(path), Arc::clone(text));
                let is_part = source.role != crate::sources::Role::Other;
                let stem = &path[..path.len() - extension(path).len()];
                let at = SitePath::of(&format!("{stem}css"));
                files.insert(Arc::clone(path), file(source, (!is_part).then_some(&at)));
                if !is_part {
                    copies.push((at, Output::Style(Arc::clone(path)), source));
                    continue;
                }
            }
            Ok(Item::Template(_) | Item::Data(_)) => {}
        }
        if !source.is_from_theme() {
            parts.push(path.to_string());
        }
    }
    Error::collect(errors)?;

    let mut claims = Vec::with_capacity(pages.len() + copies.len() + lists.len());
    for (path, output, source) in copies {
        claims.push(Claim {
            rank: if source.is_from_theme() {
                Rank::Theme
            } else {
                Rank::Site
            },
            source: Some(source.path.as_str().into()),
            path,
            output,
        });
    }
    let mut paginated = HashMap::new();
    let parts_of = |id: u32, page: &Page| {
        let pager = pager_of(config, &templates, page, |over| match over {
            Over::Posts => posts.len(),
            Over::Collection(index) => collections[*index].len(),
            Over::Term(index, name) => {
                let term = taxonomies[*index].find(name);
                term.map_or(0, |term| term.posts.len())
            }
        })?;
        Some((id, pager))
    };
    for (id, shown) in pages.iter().enumerate() {
        let Some(shown) = shown.as_ref().filter(|shown| shown.page.has_output) else {
            continue;
        };
        let id = u32::try_from(id).unwrap_or(u32::MAX);
        paginated.extend(parts_of(id, &shown.page));
        claim_page(config, id, &shown.page, paginated.get(&id), &mut claims);
    }
    claim_lists(config, &lists, &mut claims);
    for (index, feed) in (0..).zip(&feeds) {
        claims.push(made(&feed.path, Output::Feed(index)));
    }
    if input.base_url.is_some() {
        claims.push(made("sitemap.xml", Output::Sitemap));
        claims.push(made("robots.txt", Output::Robots));
    }
    if config.web.is_some() {
        claims.push(made(site_manifest::PATH, Output::Manifest));
    }
    let outputs = match &memory.settled {
        Some((before, outputs)) if *before == claims => Arc::clone(outputs),
        _ => {
            let outputs = Arc::new(collisions::settle(&claims)?);
            memory.settled = Some((claims, Arc::clone(&outputs)));
            outputs
        }
    };
    if let Some(page) = config.web.as_ref().and_then(|web| web.fallback.as_ref())
        && !outputs.contains_key(page.as_str())
    {
        let message = format!("the site has no file /{page}, which `fallback` in [web] names");
        return Err(Error::new(ErrorKind::Config, message)
            .in_file(config::FILE)
            .with_hint("write the path of the built page, such as \"app/index.html\""));
    }
    let data = memory.data(input);
    let value = template::values::site(
        &template::values::SiteParts {
            config,
            options,
            base_url: input.base_url.as_deref(),
            pages: &pages,
            posts: &posts,
            collections: &collections,
            taxonomies: &taxonomies,
            templates: &templates,
            feeds: &feeds,
            data,
        },
        None,
    );
    let mut frame = Frame {
        as_of: options.as_of,
        fingerprint: options.fingerprint,
        pages: Arc::new(pages),
        posts,
        collections,
        taxonomies,
        lists,
        paginated,
        feeds,
        outputs,
        ids: memory.ids(),
        files: Arc::new(files),
        styles: Arc::new(Styles {
            texts: styles,
            compiler: options.styles.clone(),
        }),
        templates,
        places,
        value,
        parts,
        drafts,
        next_due,
        left_out,
        notes: Vec::new(),
    };
    let mut site = frame.site(input);
    frame.notes = checks::links(&site)?;
    site.notes.extend(frame.notes.iter().cloned());
    memory.frame = Some(frame);
    Ok(site)
}

fn file(source: &Arc<Source>, at: Option<&SitePath>) -> SiteFile {
    SiteFile {
        source: Arc::clone(source),
        at: at.cloned(),
        size: OnceLock::new(),
    }
}

/// The documents of each collection in their order.
fn collections(config: &Config, pages: &[Option<Shown>]) -> Vec<Vec<u32>> {
    let mut collections: Vec<Vec<(u32, &Page)>> = vec![Vec::new(); config.collections.len()];
    if collections.is_empty() {
        return Vec::new();
    }
    for (id, shown) in (0..).zip(pages) {
        if let Some(shown) = shown
            && let Kind::Document(index) = shown.page.kind
        {
            collections[index].push((id, &shown.page));
        }
    }
    let all = collections.into_iter().zip(&config.collections);
    all.map(|(mut documents, settings)| {
        documents.sort_by(|(_, a), (_, b)| order::documents(settings, a, b));
        documents.into_iter().map(|(id, _)| id).collect()
    })
    .collect()
}

/// How the list that `page` shows is divided. `None` if it shows none in parts.
fn pager_of(
    config: &Config,
    templates: &template::Templates,
    page: &Page,
    count: impl Fn(&Over) -> usize,
) -> Option<(Over, Pager)> {
    if page.kind == Kind::Post {
        return None;
    }
    let of_layout = templates.paginates(&page.layout);
    let (own, over) = match (&page.paginate, of_layout) {
        (Paginate::Off, _) | (Paginate::AsLayout, None) => return None,
        (Paginate::AsLayout, Some(_)) => (None, Over::Posts),
        (Paginate::On { per_page, over }, _) => (*per_page, over.clone()),
    };
    let per_page = own
        .or(config.paginate)
        .or(of_layout.flatten())
        .unwrap_or(lists::DEFAULT);
    let items = count(&over);
    Some((over, Pager { per_page, items }))
}

fn claim_page(
    config: &Config,
    id: u32,
    page: &Page,
    pager: Option<&(Over, Pager)>,
    claims: &mut Vec<Claim>,
) {
    let rank = if page.from_theme {
        Rank::Theme
    } else {
        Rank::Site
    };
    claims.push(Claim {
        path: page.path.clone(),
        rank,
        source: Some(Arc::clone(&page.source)),
        output: Output::Page { id, part: 1 },
    });
    for part in 2..=pager.map_or(1, |(_, pager)| pager.parts()) {
        let place = pager::place(&page.url, &config.paginate_path, part);
        claims.push(Claim {
            path: place.path,
            rank: Rank::Generated,
            source: Some(Arc::clone(&page.source)),
            output: Output::Page {
                id,
                part: u32::try_from(part).unwrap_or(u32::MAX),
            },
        });
    }
    for alias in &page.aliases {
        if *alias != page.path {
            claims.push(Claim {
                path: alias.clone(),
                rank: Rank::Generated,
                source: Some(Arc::clone(&page.source)),
                output: Output::Redirect { id },
            });
        }
    }
}

/// Claims the paths of all parts of `lists`. A page of the author or the theme at the place of one, such as
/// an `index.md`, stands for all of it.
fn claim_lists(config: &Config, lists: &[List], claims: &mut Vec<Claim>) {
    let place = |list: &List, part| pager::place(&list.url, &config.paginate_path, part);
    let wanted: HashSet<SitePath> = lists.iter().map(|list| place(list, 1).path).collect();
    let taken: HashSet<SitePath> = claims
        .iter()
        .filter(|claim| claim.rank > Rank::Generated && wanted.contains(&claim.path))
        .map(|claim| claim.path.clone())
        .collect();
    for (index, list) in (0..).zip(lists) {
        if taken.contains(&place(list, 1).path) {
            continue;
        }
        for part in 1..=list.pager.map_or(1, Pager::parts) {
            let path = place(list, part).path;
            let part = u32::try_from(part).unwrap_or(u32::MAX);
            claims.push(made(&path, Output::List { index, part }));
        }
    }
}

/// The claim of something that skep makes.
fn made(path: &str, output: Output) -> Claim {
    Claim {
        path: SitePath::of(path),
        rank: Rank::Generated,
        source: None,
        output,
    }
}
