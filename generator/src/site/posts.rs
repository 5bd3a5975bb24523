//! Posts and drafts: their dates, URLs and order, and which of them are shown.

use std::sync::Arc;

use jiff::civil;
use jiff::{Timestamp, Zoned};

use super::page::{Kind, Layout, Page};
use crate::config::Config;
use crate::dates;
use crate::documents::Document;
use crate::error::{Error, ErrorKind};
use crate::load::LoadOptions;
use crate::permalink;
use crate::sources::{Role, Source};

/// Reads a post or a draft.
pub(crate) fn read(
    config: &Config,
    options: &LoadOptions,
    source: &Source,
    document: Arc<Document>,
) -> Result<Page, Error> {
    let front = &document.front;
    let name = source.path.rsplit('/').next().unwrap_or(&source.path);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let (named_date, slug) = match dates::split_file_name(stem) {
        Some((date, slug)) => (Some(date), slug),
        None => (None, stem),
    };
    let slug = front.string("slug")?.unwrap_or_else(|| slug.to_owned());

    let is_draft = source.role == Role::Draft;
    let date = match (front.date("date", &config.time_zone)?, named_date) {
        (Some(date), _) => date,
        (None, Some(date)) => midnight(config, source, date)?,
        // A draft is dated today; only today, so that it reads the same all day long.
        (None, None) if is_draft => {
            let today = options.as_of.to_zoned(config.time_zone.clone()).date();
            midnight(config, source, today)?
        }
        (None, None) => {
            return Err(Error::new(ErrorKind::FrontMatter, "this post has no date")
                .in_file(&source.shown)
                .with_hint(format!(
                    "name it _posts/YYYY-MM-DD-{stem}.md, or add a line such as date: 2026-01-02 \
                     to its front matter"
                )));
        }
    };
    let mut categories = front.strings("categories")?;
    if categories.is_empty() {
        categories = front.string("category")?.into_iter().collect();
    }
    let own_pattern = match front.string("permalink")? {
        Some(style) => Some(
            permalink::pattern(&style)
                .map_err(|problem| front.wrong("permalink", problem).with_hint(permalink::HINT))?,
        ),
        None => None,
    };
    let url = permalink::url(
        own_pattern.as_deref().unwrap_or(&config.permalink),
        &permalink::Parts {
            date: Some(&date),
            title: &slug,
            categories: &categories,
        },
    );
    Ok(Page {
        kind: Kind::Post,
        source: Some(source.path.clone()),
        from_theme: source.is_from_theme(),
        path: permalink::output_path(&url),
        url,
        title: Some(front.string("title")?.unwrap_or_else(|| titleize(&slug))),
        updated: front.date("updated", &config.time_zone)?,
        tags: front.strings("tags")?,
        categories,
        published: front.boolean("published")?.unwrap_or(true),
        draft: is_draft || front.boolean("draft")?.unwrap_or(false),
        future: date.timestamp() > options.as_of,
        date: Some(date),
        layout: layout(&document, &["post", "default"])?,
        layouts: Vec::new(),
        document: Some(document),
    })
}

/// The layout that the front matter names, else the first of `defaults` that exists.
pub(super) fn layout(
    document: &Document,
    defaults: &'static [&'static str],
) -> Result<Layout, Error> {
    Ok(match document.front.string("layout")? {
        None => Layout::FirstOf(defaults),
        Some(name) if name.is_empty() || name == "none" || name == "false" => Layout::None,
        Some(name) => Layout::Named(name),
    })
}

/// Whether `options` let the page be seen.
pub(crate) fn is_shown(options: &LoadOptions, page: &Page) -> bool {
    (page.published || options.unpublished)
        && (!page.draft || options.drafts)
        && (!page.future || options.future)
}

/// When the next of `posts` becomes due that only its date keeps from being shown.
pub(crate) fn next_due(options: &LoadOptions, posts: &[Page]) -> Option<Timestamp> {
    let waits = |post: &&Page| {
        post.future
            && !options.future
            && (post.published || options.unpublished)
            && (!post.draft || options.drafts)
    };
    let dates = posts
        .iter()
        .filter(waits)
        .filter_map(|post| post.date.as_ref());
    dates.map(Zoned::timestamp).min()
}

/// Newest first. Posts of one moment are in the reverse order of their names, as in Jekyll.
pub(crate) fn sort(posts: &mut [Page]) {
    let key = |post: &Page| {
        let date = post.date.as_ref().map(Zoned::timestamp);
        (date, post.source.clone())
    };
    posts.sort_by_cached_key(|post| std::cmp::Reverse(key(post)));
}

fn midnight(config: &Config, source: &Source, date: civil::Date) -> Result<Zoned, Error> {
    date.to_zoned(config.time_zone.clone()).map_err(|_| {
        Error::new(
            ErrorKind::FrontMatter,
            format!("{date} is not a date that skep can use"),
        )
        .in_file(&source.shown)
    })
}

/// `a-first-post` as `A first post`.
fn titleize(slug: &str) -> String {
    let words = slug.replace(['-', '_'], " ");
    let mut chars = words.trim().chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => slug.to_owned(),
    }
}
