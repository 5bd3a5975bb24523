//! Posts and drafts: their dates, URLs and order, and which of them are shown.

use std::sync::Arc;

use jiff::civil;
use jiff::{Timestamp, Zoned};

use super::page::{self, Kind, Making, Page};
use crate::config::Config;
use crate::dates;
use crate::documents::{Document, extension};
use crate::error::{Error, ErrorKind};
use crate::load::LoadOptions;
use crate::permalink;
use crate::sources::{Role, Source};

/// Reads a post or a draft.
pub(super) fn read(
    making: Making<'_>,
    source: &Source,
    document: Arc<Document>,
) -> Result<Page, Error> {
    let config = making.config;
    let is_draft = source.role == Role::Draft;
    let kind = if is_draft { "drafts" } else { "posts" };
    let front = page::with_defaults(config, &document, source, kind);
    let (folders, stem) = place(&source.path);
    let (named_date, slug) = match dates::split_file_name(stem) {
        Some((date, slug)) => (Some(date), slug),
        None => (None, stem),
    };
    let slug = front.string("slug")?.unwrap_or_else(|| slug.to_owned());
    let written_date = front.date("date", &config.time_zone)?;
    let is_of_today = is_draft && written_date.is_none() && named_date.is_none();
    let date = match (written_date, named_date) {
        (Some(date), _) => date,
        (None, Some(date)) => midnight(config, source, date)?,
        // A draft is dated today; only today, so that it reads the same all day long.
        (None, None) if is_draft => midnight(config, source, making.today)?,
        (None, None) => {
            return Err(Error::new(ErrorKind::FrontMatter, "this post has no date")
                .in_file(&source.shown)
                .with_hint(format!(
                    "name it _posts/YYYY-MM-DD-{stem}.md, or add a line such as date: 2026-01-02 \
                     to its front matter"
                )));
        }
    };
    let terms = page::terms(config, &front, &folders)?;
    let own_pattern = pattern(&front)?;
    let place = permalink::place(
        own_pattern.as_deref().unwrap_or(&config.permalink),
        &permalink::Parts {
            date: Some(&date),
            title: &slug,
            path: &slug,
            collection: "posts",
            categories: &terms[CATEGORIES],
        },
    );
    Ok(Page {
        kind: Kind::Post,
        source: source.path.as_str().into(),
        from_theme: source.is_from_theme(),
        path: place.path,
        url: place.url,
        title: Some(front.string("title")?.unwrap_or_else(|| titleize(&slug))),
        updated: updated(config, &front)?,
        terms,
        weight: None,
        published: front.boolean("published")?.unwrap_or(true),
        draft: is_draft || front.boolean("draft")?.unwrap_or(false),
        has_output: true,
        date: Some(date),
        is_of_today,
        layout: page::layout(&front, &["post", "default"])?,
        aliases: page::aliases(&front)?,
        paginate: page::Paginate::Off,
        slug,
        table: front.table,
        document,
    })
}

/// The place of the categories among the taxonomies of the settings.
pub(super) const CATEGORIES: usize = 1;

/// The folders before `_posts` in `path`, which are categories, and the name of the post without its
/// extension. A post that is a folder with an `index.md` is called as its folder.
fn place(path: &str) -> (Vec<&str>, &str) {
    let mut parts: Vec<&str> = path.split('/').collect();
    let name = parts.pop().unwrap_or(path);
    let stem = match extension(name) {
        "" => name,
        extension => &name[..name.len() - extension.len() - 1],
    };
    let base = parts
        .iter()
        .position(|part| matches!(*part, "_posts" | "_drafts"))
        .unwrap_or(0);
    let stem = match (stem, parts.last()) {
        ("index", Some(folder)) if parts.len() > base + 1 => folder,
        _ => stem,
    };
    parts.truncate(base);
    (parts, stem)
}

/// The pattern of the permalink that the front matter sets.
pub(super) fn pattern(front: &crate::front_matter::FrontMatter) -> Result<Option<String>, Error> {
    match front.string("permalink")? {
        None => Ok(None),
        Some(style) => permalink::pattern(&style)
            .map(Some)
            .map_err(|problem| front.wrong("permalink", problem).with_hint(permalink::HINT)),
    }
}

/// When the page was changed last, as its front matter says.
pub(super) fn updated(
    config: &Config,
    front: &crate::front_matter::FrontMatter,
) -> Result<Option<Zoned>, Error> {
    match front.date("updated", &config.time_zone)? {
        Some(date) => Ok(Some(date)),
        // As Jekyll's plugin for it calls this.
        None => front.date("last_modified_at", &config.time_zone),
    }
}

/// Whether the page is dated after the present moment of `options`.
pub(crate) fn is_future(options: &LoadOptions, page: &Page) -> bool {
    let is_dated = matches!(page.kind, Kind::Post | Kind::Document(_));
    let date = page.date.as_ref().filter(|_| is_dated);
    date.is_some_and(|date| date.timestamp() > options.as_of)
}

/// Whether `options` let the page be seen.
pub(crate) fn is_shown(options: &LoadOptions, page: &Page) -> bool {
    is_shown_in_time(options, page) && (options.future || !is_future(options, page))
}

/// Whether `options` let the page be seen once its date has come.
fn is_shown_in_time(options: &LoadOptions, page: &Page) -> bool {
    (page.published || options.unpublished) && (!page.draft || options.drafts)
}

/// A page that is left out of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its source, relative to the site folder.
    pub path: String,
    /// Why.
    pub why: Why,
}

/// Why a page is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// It is a draft.
    Draft,
    /// Its front matter says `published: false`.
    Unpublished,
    /// Its date has not come.
    Future(Zoned),
}

/// The pages that `options` leave out, those with a date to wait for first.
pub(super) fn left_out<'a>(
    options: &LoadOptions,
    pages: impl Iterator<Item = &'a Page>,
) -> Vec<LeftOut> {
    let mut found: Vec<LeftOut> = pages
        .filter(|page| !is_shown(options, page) && !page.from_theme)
        .map(|page| LeftOut {
            path: page.source.to_string(),
            why: match &page.date {
                _ if page.draft && !options.drafts => Why::Draft,
                Some(date) if page.published || options.unpublished => Why::Future(date.clone()),
                _ => Why::Unpublished,
            },
        })
        .collect();
    let rank = |why: &Why| match why {
        Why::Future(date) => (0, Some(date.timestamp())),
        Why::Unpublished => (1, None),
        Why::Draft => (2, None),
    };
    found.sort_by(|a, b| (rank(&a.why), &a.path).cmp(&(rank(&b.why), &b.path)));
    found
}

/// When the next of `pages` becomes due that only its date keeps from being shown, or that is marked as
/// of the future until then.
pub(crate) fn next_due<'a>(
    options: &LoadOptions,
    pages: impl Iterator<Item = &'a Page>,
) -> Option<Timestamp> {
    pages
        .filter(|page| is_future(options, page) && is_shown_in_time(options, page))
        .filter_map(|page| page.date.as_ref().map(Zoned::timestamp))
        .min()
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
pub(super) fn titleize(slug: &str) -> String {
    let words = slug.replace(['-', '_'], " ");
    let mut chars = words.trim().chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => slug.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_folders_of_posts() {
        let none: Vec<&str> = Vec::new();
        for (path, folders, stem) in [
            ("_posts/2026-01-02-a.md", none.clone(), "2026-01-02-a"),
            ("_posts/x/a.b.md", none.clone(), "a.b"),
            (
                "_posts/2026-01-02-trip/index.md",
                none.clone(),
                "2026-01-02-trip",
            ),
            ("_posts/index.md", none, "index"),
            ("blog/en/_posts/a.md", vec!["blog", "en"], "a"),
        ] {
            assert_eq!(place(path), (folders, stem), "{path}");
        }
    }
}
