//! Links to files and folders that are not there.

use super::Site;
use super::page::Page;
use crate::documents::extension;
use crate::error::{Error, ErrorKind, did_you_mean};
use crate::markdown::Reference;
use crate::marks::LinkKind;

/// Checks a `link` of the page `from` that leads to no source and nothing of the output.
///
/// A link from the folder of its text that names a file is an error, as it is for a text: nothing
/// but the site can have that file. One to a folder, or from the root of the site, is a note: the
/// server may have something there.
pub(super) fn check(site: &Site, from: &Page, link: &Reference) -> Result<Option<Error>, Error> {
    // What has no page of its own is shown on others, which place its links.
    if !from.has_output || site.is_found_from(&from.url, &link.written) {
        return Ok(None);
    }
    let is_file = !extension(&link.target).is_empty() && !link.target.ends_with('/');
    let is_sure = is_file && !link.written.starts_with('/');
    let what = match (link.kind, is_file) {
        (LinkKind::Image, _) => "image",
        (_, true) => "file",
        (_, false) => "page or folder",
    };
    let message = format!("there is no {what} '{}' to link to", link.target);
    let error = Error::new(ErrorKind::Link, message).with_hint(hint(site, link));
    match is_sure {
        true => Err(error),
        false => Ok(Some(error)),
    }
}

/// What was meant, or how such a link is written.
fn hint(site: &Site, link: &Reference) -> String {
    let sources = site.files.keys().map(|path| &**path);
    let mut known: Vec<&str> = sources.chain(site.ids.keys().map(|path| &**path)).collect();
    known.sort_unstable();
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let wanted = name(&link.target);
    let moved = known
        .iter()
        .find(|path| !wanted.is_empty() && name(path) == wanted);
    match moved
        .copied()
        .or_else(|| did_you_mean(&link.target, known.iter().copied()))
    {
        Some(meant) => format!("did you mean '/{meant}'?"),
        None => "a link is written from the folder of its text, or from the site's with a slash; \
                 put the file there, or take the link out"
            .to_owned(),
    }
}
