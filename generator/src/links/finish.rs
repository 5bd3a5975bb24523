//! The pass itself.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

use pulldown_cmark_escape::escape_href;

use super::tags::{close_of, end_of, next_attribute};
use super::{Base, Targets};
use crate::error::{Error, ErrorKind};
use crate::html as entities;
use crate::markdown;
use crate::marks::{self, LinkKind, LinkMark};

/// Calls are expanded inside of each other no deeper.
const MAX_DEPTH: usize = 64;

/// Finishes `html` for where it stands. What needs no change stays as it is, to the byte.
pub(crate) fn finish(html: &str, base: Base<'_>, targets: &dyn Targets) -> Result<String, Error> {
    let up = match base {
        Base::Page { path, .. } => "../".repeat(path.matches('/').count()),
        Base::Root | Base::Absolute(_) => String::new(),
    };
    let mut pass = Pass {
        out: String::with_capacity(html.len() + html.len() / 16),
        base,
        up,
        targets,
        folders: Vec::new(),
    };
    pass.html(html)?;
    Ok(pass.out)
}

struct Pass<'a> {
    out: String,
    base: Base<'a>,
    /// From the page to the root of the site.
    up: String,
    targets: &'a dyn Targets,
    /// The folders of the sources whose calls are being expanded, the innermost last.
    folders: Vec<String>,
}

impl Pass<'_> {
    fn html(&mut self, html: &str) -> Result<(), Error> {
        // Everything before `copied` is in `out`.
        let mut copied = 0;
        let mut at = 0;
        while let Some(open) = memchr::memchr(b'<', &html.as_bytes()[at..]).map(|f| at + f) {
            let tag = &html[open..];
            if tag.starts_with("<!--") {
                at = tag.find("-->").map_or(html.len(), |end| open + end + 3);
                if let Some((path, index)) = marks::call(&html[open..at]) {
                    self.out.push_str(&html[copied..open]);
                    copied = at;
                    self.call(&path, index)?;
                }
                continue;
            }
            if !tag[1..].starts_with(|c: char| c.is_ascii_alphabetic()) {
                at = open + 1;
                continue;
            }
            let name_end = end_of(html, open + 1, |c| {
                c.is_ascii_whitespace() || c == b'>' || c == b'/'
            });
            let name = &html[open + 1..name_end];
            at = name_end;
            while let Some(attribute) = next_attribute(html, at) {
                let before = at;
                at = attribute.end;
                if let Some(value) = attribute.value
                    && let Some(kind) = kind_of(name, attribute.name)
                {
                    let whole = before..attribute.end;
                    copied = self.attribute(html, copied, kind, whole, value);
                }
            }
            at = end_of(html, at, |c| c == b'>')
                .saturating_add(1)
                .min(html.len());
            // What is inside these is no HTML.
            for raw in ["script", "style", "textarea", "title"] {
                if name.eq_ignore_ascii_case(raw) {
                    at = close_of(html, at, raw);
                }
            }
        }
        self.out.push_str(&html[copied..]);
        Ok(())
    }

    /// Writes the attribute that takes up `whole`, if its `value` changes, and what stands
    /// between `copied` and it. Returns up to where the HTML is written now.
    fn attribute(
        &mut self,
        html: &str,
        copied: usize,
        kind: UrlKind,
        whole: Range<usize>,
        value: Range<usize>,
    ) -> usize {
        let old = &html[value.clone()];
        if let Some(mark) = marks::link(old) {
            let Some(url) = self.marked(&mark) else {
                // A link that leads nowhere is no link.
                self.out.push_str(&html[copied..whole.start]);
                self.out.push_str(" class=\"broken\"");
                return whole.end;
            };
            self.out.push_str(&html[copied..value.start]);
            let placed = self.placed(&url);
            self.out.push_str(placed.as_deref().unwrap_or(&url));
            self.out.push_str(&html[value.end..whole.end]);
            if mark.kind == LinkKind::Image {
                self.size(&url);
            }
            return whole.end;
        }
        let new = match kind {
            UrlKind::One => self.url(old),
            UrlKind::Set => self.srcset(old),
        };
        let Some(new) = new else {
            return copied;
        };
        self.out.push_str(&html[copied..value.start]);
        self.out.push_str(&new);
        value.end
    }

    /// The URL that a mark stands for, HTML-escaped; from the root if it is of this site.
    /// `None` if it is a name that no page has.
    fn marked(&self, mark: &LinkMark<'_>) -> Option<String> {
        let rest = suffix(mark.written);
        let url = match mark.kind {
            LinkKind::Wiki => Some(self.targets.url_of_name(&mark.target)?),
            LinkKind::Link | LinkKind::Image => self.targets.url_of_source(&mark.target),
        };
        Some(match url {
            Some(url) if rest.starts_with('#') && self.is_here(&url) => rest.to_owned(),
            Some(url) => {
                let mut escaped = String::with_capacity(url.len() + rest.len());
                let _ = escape_href(&mut escaped, &url);
                escaped + rest
            }
            None => mark.written.to_owned(),
        })
    }

    /// Whether `url` is the page that the HTML stands on.
    fn is_here(&self, here: &str) -> bool {
        matches!(self.base, Base::Page { url, .. } if url == here)
    }

    /// The URL in an attribute as it has to be; `None` if it is so already.
    fn url(&self, url: &str) -> Option<String> {
        if let Some(found) = self.beside_a_call(url) {
            return Some(self.placed(&found).unwrap_or(found));
        }
        self.placed(url)
    }

    /// A relative URL that a component wrote leads to what lies beside the text that calls it.
    fn beside_a_call(&self, url: &str) -> Option<String> {
        let folder = self.folders.last()?;
        let rest = suffix(url);
        let path = entities::decode(&url[..url.len() - rest.len()]);
        if path.is_empty() || path.starts_with(['/', '\\']) || path.contains(':') {
            return None;
        }
        let target = markdown::resolve(folder, &marks::decoded(&path)?);
        let found = self.targets.url_of_source(&target)?;
        let mut escaped = String::with_capacity(found.len() + rest.len());
        let _ = escape_href(&mut escaped, &found);
        Some(escaped + rest)
    }

    /// A root-absolute URL as it is where the HTML stands; `None` if it stays as it is.
    fn placed(&self, url: &str) -> Option<String> {
        let rest = from_root(url)?;
        match self.base {
            Base::Root => None,
            Base::Absolute(base) => Some(format!("{base}/{rest}")),
            Base::Page { .. } => {
                let up = &self.up;
                let first = rest.split(['/', '?', '#']).next().unwrap_or_default();
                // Nothing at all would be the page itself, and `a:b` would be a scheme.
                let is_odd = first.is_empty() || first.contains(':');
                let dot = if up.is_empty() && is_odd { "./" } else { "" };
                Some(format!("{dot}{up}{rest}"))
            }
        }
    }

    fn srcset(&self, value: &str) -> Option<String> {
        let mut changed = false;
        let candidates: Vec<Cow<'_, str>> = value
            .split(',')
            .map(|candidate| {
                let trimmed = candidate.trim_start();
                let space = &candidate[..candidate.len() - trimmed.len()];
                let url_end = trimmed.find(char::is_whitespace).unwrap_or(trimmed.len());
                let (url, descriptor) = trimmed.split_at(url_end);
                match self.url(url) {
                    Some(new) => {
                        changed = true;
                        Cow::Owned(format!("{space}{new}{descriptor}"))
                    }
                    None => Cow::Borrowed(candidate),
                }
            })
            .collect();
        changed.then(|| candidates.join(","))
    }

    /// Writes the size of the image at `url`, so that the page doesn't jump when it comes.
    fn size(&mut self, url: &str) {
        if from_root(url).is_none() {
            return;
        }
        let path = entities::decode(&url[..url.len() - suffix(url).len()]);
        let size = marks::decoded(&path).and_then(|path| self.targets.image_size(&path));
        if let Some((width, height)) = size {
            let _ = write!(self.out, " width=\"{width}\" height=\"{height}\"");
        }
    }

    /// Writes what a call of a component gives.
    fn call(&mut self, path: &str, index: usize) -> Result<(), Error> {
        if self.folders.len() == MAX_DEPTH {
            let message = format!("components call each other more than {MAX_DEPTH} deep");
            return Err(Error::new(ErrorKind::Template, message).in_file(path));
        }
        let html = self.targets.call(path, index)?;
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.folders.push(folder.to_owned());
        self.html(&html)?;
        self.folders.pop();
        Ok(())
    }
}

/// What an attribute holds.
#[derive(Clone, Copy)]
enum UrlKind {
    One,
    Set,
}

fn kind_of(tag: &str, attribute: &str) -> Option<UrlKind> {
    let is = |name: &str| attribute.eq_ignore_ascii_case(name);
    // Most attributes are none of them, and their first letter tells.
    match attribute.as_bytes().first()?.to_ascii_lowercase() {
        b'h' if is("href") => Some(UrlKind::One),
        b's' if is("src") => Some(UrlKind::One),
        b's' if is("srcset") => Some(UrlKind::Set),
        b'i' if is("imagesrcset") => Some(UrlKind::Set),
        b'a' if is("action") => Some(UrlKind::One),
        b'f' if is("formaction") => Some(UrlKind::One),
        b'p' if is("poster") => Some(UrlKind::One),
        b'd' if is("data") && tag.eq_ignore_ascii_case("object") => Some(UrlKind::One),
        _ => None,
    }
}

/// What follows the path in a URL.
fn suffix(url: &str) -> &str {
    let at = url.find(['?', '#']).unwrap_or(url.len());
    &url[at..]
}

/// What follows the slash of a root-absolute URL. `//host/path` is not one.
fn from_root(url: &str) -> Option<&str> {
    let rest = url.trim_start().strip_prefix('/')?;
    (!rest.starts_with(['/', '\\'])).then_some(rest)
}

#[cfg(test)]
mod tests;
