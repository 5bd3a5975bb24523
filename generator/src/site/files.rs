//! Pages of the author or the theme, and documents of collections: what is named by its file.

use std::sync::Arc;

use super::page::{self, Kind, Layout, Making, Page};
use super::posts;
use crate::documents::{self, Body, Document};
use crate::error::Error;
use crate::front_matter::FrontMatter;
use crate::permalink::{self, Place};
use crate::sources::Source;

/// Reads a page.
pub(super) fn read_page(
    making: Making<'_>,
    source: &Source,
    document: Arc<Document>,
) -> Result<Page, Error> {
    let config = making.config;
    let front = page::with_defaults(config, &document, source, "pages");
    let date = front.date("date", &config.time_zone)?;
    let terms = page::terms(config, &front, &[])?;
    let name = source.path.rsplit('/').next().unwrap_or(&source.path);
    let slug = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let place = match posts::pattern(&front)? {
        Some(pattern) => permalink::place(
            &pattern,
            &permalink::Parts {
                date: date.as_ref(),
                title: slug,
                path: stem(&source.path),
                collection: "",
                categories: &terms[posts::CATEGORIES],
            },
        ),
        None => Place::at(&url(&source.path, config.permalink.ends_with('/'))),
    };
    let title = front.string("title")?;
    let slug = front.string("slug")?.unwrap_or_else(|| slug.to_owned());
    let named = Named {
        kind: Kind::Page,
        layouts: &["page", "default"],
        date,
        terms,
        place,
        title,
        slug,
    };
    finish(making, source, document, front, named)
}

/// Reads a document of the collection with the index `collection`.
pub(super) fn read_document(
    making: Making<'_>,
    source: &Source,
    document: Arc<Document>,
    collection: usize,
) -> Result<Page, Error> {
    let config = making.config;
    let settings = &config.collections[collection];
    let front = page::with_defaults(config, &document, source, &settings.name);
    let terms = page::terms(config, &front, &[])?;
    let inside = source.path.split_once('/').map_or("", |(_, inside)| inside);
    let mut path = stem(inside);
    // A document that is a folder is called as its folder.
    if let Some(folder) = path.strip_suffix("/index") {
        path = folder;
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let (named_date, named) = match crate::dates::split_file_name(name) {
        Some((date, slug)) => (Some(date), slug),
        None => (None, name),
    };
    let slug = front.string("slug")?.unwrap_or_else(|| named.to_owned());
    let date = match front.date("date", &config.time_zone)? {
        Some(date) => Some(date),
        None => named_date.and_then(|date| date.to_zoned(config.time_zone.clone()).ok()),
    };
    let pattern = posts::pattern(&front)?;
    let place = permalink::place(
        pattern.as_deref().unwrap_or(&settings.permalink),
        &permalink::Parts {
            date: date.as_ref(),
            title: &slug,
            path,
            collection: &settings.name,
            categories: &terms[posts::CATEGORIES],
        },
    );
    let title = front
        .string("title")?
        .unwrap_or_else(|| posts::titleize(&slug));
    let named = Named {
        kind: Kind::Document(collection),
        layouts: &["document", "page", "default"],
        date,
        terms,
        place,
        title: Some(title),
        slug,
    };
    let mut page = finish(making, source, document, front, named)?;
    page.has_output = settings.output;
    Ok(page)
}

/// What pages and documents find out each in their own way.
struct Named {
    kind: Kind,
    layouts: &'static [&'static str],
    date: Option<jiff::Zoned>,
    terms: Vec<Vec<String>>,
    place: Place,
    title: Option<String>,
    slug: String,
}

fn finish(
    making: Making<'_>,
    source: &Source,
    document: Arc<Document>,
    front: FrontMatter,
    named: Named,
) -> Result<Page, Error> {
    let config = making.config;
    let mut page = Page {
        kind: named.kind,
        source: source.path.as_str().into(),
        from_theme: source.is_from_theme(),
        path: named.place.path,
        url: named.place.url,
        title: named.title,
        slug: named.slug,
        date: named.date,
        is_of_today: false,
        updated: posts::updated(config, &front)?,
        terms: named.terms,
        weight: front.number("weight")?,
        published: front.boolean("published")?.unwrap_or(true),
        draft: front.boolean("draft")?.unwrap_or(false),
        has_output: true,
        layout: page::layout(&front, named.layouts)?,
        aliases: page::aliases(&front)?,
        paginate: page::paginate(config, &front)?,
        table: front.table,
        document,
    };
    let is_open = matches!(page.layout, Layout::FirstOf(_));
    if is_open && (!page.is_html() || is_whole(&page.document)) {
        page.layout = Layout::None;
    }
    Ok(page)
}

fn stem(path: &str) -> &str {
    match documents::extension(path) {
        "" => path,
        extension => &path[..path.len() - extension.len() - 1],
    }
}

/// The path of the URL of the page at `path`. Where posts end in a slash, pages do as well.
fn url(path: &str, slash: bool) -> String {
    let (stem, extension) = match documents::extension(path) {
        "" => (path, ""),
        extension => (&path[..path.len() - extension.len() - 1], extension),
    };
    let is_html = documents::is_markdown(path) || matches!(extension, "html" | "htm");
    let segments: Vec<String> = stem.split('/').map(permalink::url_segment).collect();
    let stem = segments.join("/");
    if !is_html {
        let dot = if extension.is_empty() { "" } else { "." };
        return format!("/{stem}{dot}{extension}");
    }
    match stem.strip_suffix("index") {
        Some(folder) if folder.is_empty() || folder.ends_with('/') => format!("/{folder}"),
        // Servers look for this very name.
        _ if stem == "404" || !slash => format!("/{stem}.html"),
        _ => format!("/{stem}/"),
    }
}

/// Whether the document is a whole HTML page already, which no layout may go around.
fn is_whole(document: &Document) -> bool {
    let body = match &document.body {
        Body::Html(content) => content.html(),
        Body::Template(template) => template.body(),
    };
    let start: String = body.trim_start().chars().take(9).collect();
    let start = start.to_ascii_lowercase();
    start == "<!doctype" || start.starts_with("<html")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_pages() {
        for (path, pretty, plain) in [
            ("index.md", "/", "/"),
            ("about.md", "/about/", "/about.html"),
            ("a/index.html", "/a/", "/a/"),
            ("a/my page.html", "/a/my-page/", "/a/my-page.html"),
            ("404.html", "/404.html", "/404.html"),
            ("feed.json", "/feed.json", "/feed.json"),
            ("reindex.md", "/reindex/", "/reindex.html"),
            ("CNAME", "/CNAME", "/CNAME"),
        ] {
            assert_eq!(url(path, true), pretty);
            assert_eq!(url(path, false), plain);
        }
    }
}
