//! Checks that what pages link to is there.

use super::page::Page;
use super::resolve::Target;
use super::{Site, missing};
use crate::documents::{self, Content};
use crate::error::{Error, ErrorKind, did_you_mean};
use crate::front_matter;
use crate::markdown::Reference;
use crate::marks::LinkKind;
use crate::names;

/// Checks the links between the sources of `site`. A link to what is not there is an error, one to a heading that is not
/// there a note.
pub(super) fn links(site: &Site) -> Result<Vec<Error>, Error> {
    let mut errors = Vec::new();
    let mut notes = Vec::new();
    for page in site.pages.iter().flatten().map(|shown| &*shown.page) {
        if let Err(error) = self::page(site, page, &mut notes) {
            errors.extend(error);
        }
    }
    sort(&mut errors);
    sort(&mut notes);
    Error::collect(errors)?;
    Ok(notes)
}

/// Checks the links of one `page`, and adds what is odd about it to `notes`.
pub(super) fn page(site: &Site, page: &Page, notes: &mut Vec<Error>) -> Result<(), Vec<Error>> {
    let Some(content) = page.content() else {
        return Ok(());
    };
    let mut errors = Vec::new();
    for link in &content.links {
        match check(site, page, link) {
            Ok(None) => {}
            Ok(Some(note)) => notes.push(site.at_source(note, &page.source, link.offset)),
            Err(error) => errors.push(site.at_source(error, &page.source, link.offset)),
        }
    }
    notes.extend(content.notes.iter().cloned());
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

/// Sorts by file and line.
pub(super) fn sort(errors: &mut [Error]) {
    errors.sort_by_cached_key(|error| {
        let place = error.place.as_ref();
        place.map(|place| (place.file.clone(), place.line))
    });
}

fn check(site: &Site, from: &Page, link: &Reference) -> Result<Option<Error>, Error> {
    let (id, fragment) = match site.target_of(link) {
        Some((Target::Page(id), fragment)) => (id, fragment),
        Some((Target::Hidden(_), _)) => return Err(hidden(link)),
        Some((Target::At(_), _)) => return Ok(None),
        None if link.kind == LinkKind::Wiki => return Err(no_page(site, &link.target)),
        None if documents::is_markdown(&link.target) => return Err(no_source(site, link)),
        None => return missing::check(site, from, link),
    };
    let Some(page) = site.page(id) else {
        return Err(hidden(link));
    };
    let Some(fragment) = fragment.filter(|fragment| !fragment.is_empty()) else {
        return Ok(None);
    };
    Ok(match page.content() {
        Some(content) if !has_id(content, &fragment) => {
            Some(no_heading(site, id, page, content, &fragment))
        }
        _ => None,
    })
}

fn hidden(link: &Reference) -> Error {
    let message = format!(
        "'{}' is not part of the site as it is built now",
        link.written
    );
    Error::new(ErrorKind::Link, message).with_hint(
        "it is a draft, from the future or unpublished: publish it too, or take the link out",
    )
}

fn has_id(content: &Content, id: &str) -> bool {
    content.ids.binary_search_by(|known| known.as_str().cmp(id)).is_ok()
        // What a component makes is not known before it is called.
        || !content.calls.is_empty()
}

fn no_heading(site: &Site, id: u32, page: &Page, content: &Content, fragment: &str) -> Error {
    let name = site.page(id).map_or("", |page| &*page.source);
    let error = Error::new(
        ErrorKind::Link,
        format!("{name} has no heading '#{fragment}'"),
    );
    let ids = content.ids.iter().map(String::as_str);
    match did_you_mean(fragment, ids) {
        Some(meant) => error.with_hint(format!("did you mean '#{meant}'?")),
        None if page.content().is_some_and(|content| content.toc.is_empty()) => {
            error.with_hint("it has no headings at all")
        }
        None => error.with_hint("look at its headings, or give one this id: ## Heading {#id}"),
    }
}

fn no_source(site: &Site, link: &Reference) -> Error {
    let message = format!("there is no '{}' to link to", link.target);
    let error = Error::new(ErrorKind::Link, message);
    let mut sources: Vec<&str> = site.ids.keys().map(|path| &**path).collect();
    sources.sort_unstable();
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let moved = sources.iter().find(|path| name(path) == name(&link.target));
    match moved.copied().or_else(|| did_you_mean(&link.target, sources.iter().copied())) {
        Some(meant) => error.with_hint(format!("did you mean '/{meant}'?")),
        None => error.with_hint("a link to a source is written from the folder of its text, or from the site's with a slash"),
    }
}

fn no_page(site: &Site, name: &str) -> Error {
    let error = Error::new(ErrorKind::Link, format!("no page is called '{name}'"));
    let titles = site
        .pages
        .iter()
        .flatten()
        .filter_map(|shown| shown.page.title.as_deref());
    let mut titles: Vec<&str> = titles.collect();
    titles.sort_unstable();
    match did_you_mean(name, titles) {
        Some(meant) => error.with_hint(format!("did you mean [[{meant}]]?")),
        None => error.with_hint("a wiki link names a page by its title, its slug or its file"),
    }
}

impl Site {
    /// `error` at the byte `offset` of the body of the source `path`. The text is read again: nobody keeps it for the
    /// errors that there might be.
    pub(super) fn at_source(&self, error: Error, path: &str, offset: usize) -> Error {
        let text = std::fs::read_to_string(names::on_disk(&self.dir, path)).unwrap_or_default();
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let start = front_matter::split(text).map_or(0, |split| split.body_start);
        error.at_offset(path, text, start + offset)
    }
}
