//! The finishing pass over HTML: links that work where the page stands, and what Markdown left
//! open (see [`crate::marks`]) filled in.

mod finish;
mod sweep;
mod tags;

use std::borrow::Cow;

use crate::error::Error;

pub(crate) use finish::finish;
pub(crate) use tags::ids;

/// What the rest of the site knows about the targets of links.
pub(crate) trait Targets {
    /// The URL, from the root of the site, of what becomes of the source at `path`.
    fn url_of_source(&self, path: &str) -> Option<Cow<'_, str>>;

    /// The URL, from the root of the site, of the page that is called `name`.
    fn url_of_name(&self, name: &str) -> Option<Cow<'_, str>>;

    /// The width and height in pixels of the image at `url`, which begins with a slash and has
    /// no percent escapes.
    fn image_size(&self, url: &str) -> Option<(u32, u32)>;

    /// The HTML of call number `index` in the source at `path`, which may hold marks in turn.
    fn call(&self, path: &str, index: usize) -> Result<String, Error>;
}

/// Where HTML stands, and so how its links are written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Base<'a> {
    /// On the page at the output `path`, with `url` from the root: all links of the site become
    /// relative, so that it works wherever it is mounted.
    Page { path: &'a str, url: &'a str },
    /// Where only links from the root work: on the page for paths that are missing.
    Root,
    /// Out of the site, such as in a feed: links become absolute. A URL without a slash at its
    /// end.
    Absolute(&'a str),
}

/// Nothing is known of the site: links stay as they are written, calls are left out.
struct Nothing;

impl Targets for Nothing {
    fn url_of_source(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn url_of_name(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn image_size(&self, _: &str) -> Option<(u32, u32)> {
        None
    }

    fn call(&self, _: &str, _: usize) -> Result<String, Error> {
        Ok(String::new())
    }
}

/// Makes the root-absolute links of the page at the output `path` relative to it, so that the
/// site works wherever it is mounted.
pub(crate) fn relative(html: &str, path: &str) -> String {
    finish(html, Base::Page { path, url: "" }, &Nothing).unwrap_or_default()
}

/// Fills in the marks of links in a text that is no HTML, such as a feed or a search index that a template wrote: however the
/// mark was escaped on the way, its inside was not. Calls of components are left out.
pub(crate) fn sweep(text: &str, targets: &dyn Targets) -> String {
    sweep::sweep(text, targets)
}
