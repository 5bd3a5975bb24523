//! One output path of a site as bytes.

use tera::{Context, Value};

use crate::documents::Body;
use crate::error::{Error, ErrorKind, did_you_mean};
use crate::feed;
use crate::links;
use crate::site::page::Page;
use crate::site::{Output, Site};

/// The bytes of the output `path` (such as `2026/01/02/a/index.html`) of `site`. For the same
/// `site` they are always the same; a file that is copied is read now.
pub fn render(site: &Site, path: &str) -> Result<Vec<u8>, Error> {
    match site.outputs.get(path) {
        Some(Output::Page(index)) => page(site, *index).map(String::into_bytes),
        Some(Output::File(source)) => source.read(),
        Some(Output::Feed) => Ok(feed::atom(site).into_bytes()),
        Some(Output::Sitemap) => Ok(feed::sitemap(site).into_bytes()),
        None => {
            let error = Error::new(
                ErrorKind::NotFound,
                format!("the site has no file '{path}'"),
            );
            Err(match did_you_mean(path, site.paths()) {
                Some(meant) => error.with_hint(format!("did you mean '{meant}'?")),
                None => error,
            })
        }
    }
}

fn page(site: &Site, index: usize) -> Result<String, Error> {
    let page = &site.pages[index];
    let html = fill_in(site, index, page).map_err(|error| tell_page(error, page))?;
    // The page for missing paths is served at any depth: only links from the root work there.
    if page.is_html() && page.path != "404.html" {
        return Ok(links::relative(&html, &page.path));
    }
    Ok(html)
}

/// The body of the page, and around it its layouts from the inside out.
fn fill_in(site: &Site, index: usize, page: &Page) -> Result<String, Error> {
    let mut context = Context::new();
    context.insert_value("site", site.values.site.clone());
    context.insert_value("page", site.values.pages[index].clone());
    let mut content = match page.document.as_ref().map(|document| &document.body) {
        None => String::new(),
        Some(Body::Html(rendered)) => rendered.html.clone(),
        Some(Body::Template(_)) => {
            // A body with a template has a source, and so a name.
            let name = page.template_name().unwrap_or_default();
            site.templates.render(&name, &context)?
        }
    };
    for layout in &page.layouts {
        context.insert_value("content", Value::safe_string(&content));
        context.insert_value("layout", site.templates.front_matter(layout));
        content = site.templates.render(layout, &context)?;
    }
    Ok(content)
}

/// An error in a layout does not show on its own which page it came up in.
fn tell_page(mut error: Error, page: &Page) -> Error {
    let name = page.source.as_deref().unwrap_or(&page.url);
    let is_there = error.place.as_ref().is_some_and(|place| place.file == name);
    if !is_there {
        error.message = format!("{} (in the page {name})", error.message);
    }
    error
}
