//! The finishing pass over HTML: links that work where the page stands, and what Markdown left
//! open (see [`crate::marks`]) filled in.

mod finish;
mod place;
mod sweep;
mod tags;

use crate::error::Error;
use crate::marks::{LinkKind, LinkMark};
use crate::names::{Html, Url};

pub(crate) use finish::finish;
pub(crate) use tags::ids;

/// What the rest of the site knows about the targets of links.
pub(crate) trait Targets {
    /// The URL, from the root of the site, of what becomes of the source or folder at `path`.
    fn url_of_source(&self, path: &str) -> Option<Url>;

    /// The URL, from the root of the site, of the page that is called `name`, which may have a
    /// heading at its end.
    fn url_of_name(&self, name: &str) -> Option<Url>;

    /// The width and height in pixels of the image at the output path `path`.
    fn image_size(&self, path: &str) -> Option<(u32, u32)>;

    /// The HTML of call number `index` in the source at `path`, which may hold marks in turn.
    fn call(&self, path: &str, index: usize) -> Result<String, Error>;
}

/// Where HTML stands, and so how its links are written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Base<'a> {
    /// On the page at the output `path`, with `url` from the root: all links of the site become
    /// relative, so that it works wherever it is mounted.
    Page { path: &'a str, url: &'a Url },
    /// Where only links from the root work: on the page for paths that are missing. `below` is
    /// where the site is mounted, such as `/blog`; empty at the root.
    Root { below: &'a str },
    /// Out of the site, in a feed: links become absolute. `base` is the start of absolute URLs,
    /// without a slash at its end, and `url` the page whose text it is.
    Absolute { base: &'a str, url: &'a Url },
}

/// Nothing is known of the site: links stay as they are written, calls are left out.
#[cfg(test)]
struct Nothing;

#[cfg(test)]
impl Targets for Nothing {
    fn url_of_source(&self, _: &str) -> Option<Url> {
        None
    }

    fn url_of_name(&self, _: &str) -> Option<Url> {
        None
    }

    fn image_size(&self, _: &str) -> Option<(u32, u32)> {
        None
    }

    fn call(&self, _: &str, _: usize) -> Result<String, Error> {
        Ok(String::new())
    }
}

/// The URL, from the root of the site, of what `mark` means; `None` if the site has no such thing.
fn url_of(mark: &LinkMark<'_>, targets: &dyn Targets) -> Option<Url> {
    if mark.kind == LinkKind::Wiki {
        return targets.url_of_name(&mark.target);
    }
    if let Some(url) = targets.url_of_source(&mark.target) {
        return Some(url.with_suffix(Url::written(&mark.written).suffix()));
    }
    targets.url_of_source(mark.literal.as_deref()?)
}

/// Makes the root-absolute links of the page at the output `path` relative to it, so that the
/// site works wherever it is mounted.
#[cfg(test)]
fn relative(html: &str, path: &str) -> String {
    let url = &Url::of_page(path);
    finish(html, Base::Page { path, url }, &Nothing).unwrap_or_default()
}

/// The URL `url`, from the root of the site, relative to the page at the output `path`.
pub(crate) fn relative_to(path: &str, url: &Url) -> Html {
    let here = &Url::of_page(path);
    place::placed(Base::Page { path, url: here }, &url.html())
}

/// Fills in the marks of links in a text that is no HTML, such as a feed or a search index that a template wrote: however the
/// mark was escaped on the way, its inside was not. Calls of components are left out.
pub(crate) fn sweep(text: &str, targets: &dyn Targets) -> String {
    sweep::sweep(text, targets)
}
