//! Which files of a page changed that are no pages themselves: stylesheets, images, scripts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::state::fingerprint;
use crate::media;
use crate::names::Url;
use crate::render::render;
use crate::site::{Output, Site};

/// What browsers have of the files that are made for them, by output path: stylesheets in Sass, and scripts and
/// stylesheets that are templates.
#[derive(Debug, Default)]
pub(super) struct Served {
    seen: BTreeMap<String, u64>,
}

impl Served {
    /// Notes that a browser has these bytes of the file at `path`, which the site has.
    pub(super) fn note(&mut self, path: &str, bytes: &[u8]) {
        let is_code = ["text/css", "text/javascript"]
            .iter()
            .any(|code| media::of(path).starts_with(code));
        if is_code {
            self.seen.insert(path.to_owned(), fingerprint(bytes));
        }
    }

    /// The output paths of files that are not what browsers may have, after the sources `changed` did. Only what was served is made
    /// again to look at it.
    pub(super) fn changed(&mut self, old: &Site, new: &Site, changed: &[String]) -> Vec<String> {
        let mut found: Vec<String> = copies(old, new, changed);
        let styles_are_same =
            old.styles.texts == new.styles.texts && Arc::ptr_eq(&old.config, &new.config);
        self.seen
            .retain(|path, _| new.outputs.contains_key(path.as_str()));
        for (path, seen) in &mut self.seen {
            if styles_are_same && matches!(new.outputs.get(path.as_str()), Some(Output::Style(_))) {
                continue;
            }
            // What can't be made is told of as an error when it is asked for.
            if let Ok(bytes) = render(new, path)
                && fingerprint(&bytes) != *seen
            {
                *seen = fingerprint(&bytes);
                found.push(path.clone());
            }
        }
        found
    }
}

/// The output paths of the files that are copied from the sources `changed`.
fn copies(old: &Site, new: &Site, changed: &[String]) -> Vec<String> {
    let is_copy = |source: &str| {
        [old, new]
            .iter()
            .any(|site| site.files.contains_key(source))
    };
    let changed: Vec<&str> = changed
        .iter()
        .map(String::as_str)
        .filter(|source| is_copy(source))
        .collect();
    if changed.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<String> = [old, new]
        .iter()
        .flat_map(|site| site.outputs.iter())
        .filter(
            |(_, output)| matches!(output, Output::File(source) if changed.contains(&&**source)),
        )
        .map(|(path, _)| path.to_string())
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Whether a browser can show the file at `path` anew without loading the page again.
pub(super) fn can_be_swapped(path: &str) -> bool {
    let media = media::of(path);
    media.starts_with("text/css") || media.starts_with("image/")
}

/// Whether `page` speaks of a file called as the one at `path`.
pub(super) fn is_named_in(path: &str, page: &[u8]) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let url = Url::of_file(name);
    let encoded = [url.html(), url.ascii().html()];
    let mut names = encoded.iter().map(|html| &html.as_str()[1..]).chain([name]);
    !name.is_empty() && names.any(|name| memchr::memmem::find(page, name.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_in_a_page_however_its_url_is_written() {
        for (path, page) in [
            ("js/a.js", "<script src=\"../js/a.js\">"),
            ("it's #1.js", "<script src=\"it&#x27;s%20%231.js\">"),
            ("\u{fc}.js", "<script src=\"%C3%BC.js\">"),
        ] {
            assert!(is_named_in(path, page.as_bytes()), "{path}");
        }
        assert!(!is_named_in("b.js", b"<script src=\"a.js\">"));
    }
}
