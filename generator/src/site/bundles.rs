//! Files that lie beside a post or a document, and go where that goes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::page::Page;
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::load::Entry;
use crate::names::SitePath;
use crate::sources::{Role, Source};

/// Where a file of a folder of posts or documents goes.
#[derive(Debug)]
pub(crate) enum Place {
    /// To this output path.
    At(SitePath),
    /// Nowhere: what it belongs to is not shown.
    Nowhere,
}

/// Where the file `source`, which lies among posts or documents, goes. `page` finds the page that is shown out of a source.
pub(crate) fn place<'a>(
    config: &Config,
    source: &Source,
    entries: &BTreeMap<Arc<str>, Entry>,
    page: impl Fn(&str) -> Option<&'a Page>,
) -> Result<Place, Error> {
    if let Some((folder, index)) = owner(&source.path, entries) {
        let Some(page) = page(index) else {
            return Ok(Place::Nowhere);
        };
        let inside = &source.path[folder.len() + 1..];
        let base = page.path.rsplit_once('/').map_or("", |(base, _)| base);
        let slash = if base.is_empty() { "" } else { "/" };
        return Ok(Place::At(SitePath::of(&format!("{base}{slash}{inside}"))));
    }
    if let Role::Document(index) = source.role {
        // As in Jekyll, other files of a collection stay where they are.
        return Ok(match config.collections[index].output {
            true => Place::At(SitePath::of(&source.path[1..])),
            false => Place::Nowhere,
        });
    }
    Err(Error::new(
        ErrorKind::FrontMatter,
        "this is not a post: it ends in neither .md nor .html",
    )
    .in_file(&source.shown)
    .with_hint("put it beside the text of its post, in a folder such as _posts/2026-01-02-trip/ with the text as index.md; or into assets/"))
}

/// The folder with an `index.md` in which `path` lies, and that file.
fn owner<'a>(path: &'a str, entries: &'a BTreeMap<Arc<str>, Entry>) -> Option<(&'a str, &'a str)> {
    let mut folder = path;
    while let Some((above, _)) = folder.rsplit_once('/') {
        folder = above;
        // The folder of all posts is no post.
        if !folder.contains('/') || folder.ends_with("/_posts") || folder.ends_with("/_drafts") {
            return None;
        }
        for name in ["index.md", "index.markdown", "index.html"] {
            let index = format!("{folder}/{name}");
            if let Some((index, _)) = entries.get_key_value(index.as_str()) {
                return Some((folder, index));
            }
        }
    }
    None
}
