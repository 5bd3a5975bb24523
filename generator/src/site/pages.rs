//! Pages: those of the author, those of the theme and those that skep makes.

use std::sync::Arc;

use super::page::{Kind, Layout, Page};
use super::posts;
use super::taxonomy::Term;
use crate::config::Config;
use crate::documents::{self, Body, Document};
use crate::error::Error;
use crate::permalink;
use crate::sources::Source;

/// Reads a page.
pub(crate) fn read(
    config: &Config,
    source: &Source,
    document: Arc<Document>,
) -> Result<Page, Error> {
    let front = &document.front;
    let own = match front.string("permalink")? {
        Some(style) => Some(
            permalink::pattern(&style)
                .map_err(|problem| front.wrong("permalink", problem).with_hint(permalink::HINT))?,
        ),
        None => None,
    };
    let date = front.date("date", &config.time_zone)?;
    let categories = front.strings("categories")?;
    let url = match own {
        Some(pattern) => {
            let name = source.path.rsplit('/').next().unwrap_or(&source.path);
            let parts = permalink::Parts {
                date: date.as_ref(),
                title: name.rsplit_once('.').map_or(name, |(stem, _)| stem),
                categories: &categories,
            };
            permalink::url(&pattern, &parts)
        }
        None => url(&source.path, config.permalink.ends_with('/')),
    };
    let mut page = Page {
        kind: Kind::Page,
        source: Some(source.path.clone()),
        from_theme: source.is_from_theme(),
        path: permalink::output_path(&url),
        url,
        title: front.string("title")?,
        date,
        updated: front.date("updated", &config.time_zone)?,
        tags: front.strings("tags")?,
        categories,
        published: front.boolean("published")?.unwrap_or(true),
        draft: front.boolean("draft")?.unwrap_or(false),
        future: false,
        layout: posts::layout(&document, &["page", "default"])?,
        layouts: Vec::new(),
        document: None,
    };
    if matches!(page.layout, Layout::FirstOf(_)) && (!page.is_html() || is_whole(&document)) {
        page.layout = Layout::None;
    }
    page.document = Some(document);
    Ok(page)
}

/// The pages that skep makes for the layouts that exist.
pub(crate) fn generated(tags: &[Term], own: &[Page], has: impl Fn(&str) -> bool) -> Vec<Page> {
    let mut pages = Vec::new();
    if has("home") && !own.iter().any(|page| page.path == "index.html") {
        pages.push(generate(Kind::Home, "/", None, &["home"]));
    }
    if has("archive") {
        let title = Some("Archive".to_owned());
        pages.push(generate(Kind::Archive, "/archive/", title, &["archive"]));
    }
    if has("tags") {
        let title = Some("Tags".to_owned());
        pages.push(generate(Kind::Tags, "/tags/", title, &["tags"]));
    }
    for (index, tag) in tags.iter().enumerate() {
        if let Some(url) = &tag.url {
            pages.push(generate(
                Kind::Tag(index),
                url,
                Some(tag.name.clone()),
                &["tag"],
            ));
        }
    }
    pages
}

fn generate(
    kind: Kind,
    url: &str,
    title: Option<String>,
    layouts: &'static [&'static str],
) -> Page {
    Page {
        kind,
        source: None,
        from_theme: false,
        url: url.to_owned(),
        path: permalink::output_path(url),
        title,
        date: None,
        updated: None,
        tags: Vec::new(),
        categories: Vec::new(),
        published: true,
        draft: false,
        future: false,
        layout: Layout::FirstOf(layouts),
        layouts: Vec::new(),
        document: None,
    }
}

/// The URL of the page at `path`. Where posts end in a slash, pages do as well.
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
        Body::Html(rendered) => rendered.html.as_str(),
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
