//! The pass itself.

use std::fmt::Write;
use std::ops::Range;

use super::place::{absolute, in_nfc, placed};
use super::tags::{close_of, end_of, next_attribute};
use super::{Base, Targets};
use crate::error::{Error, ErrorKind};
use crate::html as entities;
use crate::marks::{self, LinkKind, LinkMark};
use crate::names::{self, Html, Url};

/// Calls are expanded inside of each other no deeper.
const MAX_DEPTH: usize = 64;

/// Finishes `html` for where it stands. What needs no change stays as it is, to the byte.
pub(crate) fn finish(html: &str, base: Base<'_>, targets: &dyn Targets) -> Result<String, Error> {
    let mut pass = Pass {
        out: String::with_capacity(html.len() + html.len() / 16),
        base,
        targets,
        folders: Vec::new(),
    };
    pass.html(html)?;
    Ok(pass.out)
}

struct Pass<'a> {
    out: String,
    base: Base<'a>,
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
            self.out.push_str(placed.as_str());
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
        self.out.push_str(new.as_str());
        value.end
    }

    /// The URL that a mark stands for; from the root if it is of this site. `None` if it is a name
    /// that no page has.
    fn marked(&self, mark: &LinkMark<'_>) -> Option<Url> {
        let found = super::url_of(mark, self.targets);
        if mark.kind == LinkKind::Wiki && found.is_none() {
            return None;
        }
        Some(found.unwrap_or_else(|| Url::written(&mark.written)))
    }

    /// Where `url` is for a browser that shows the HTML.
    fn placed(&self, url: &Url) -> Html {
        if let Base::Page { url: here, .. } = self.base
            && url.path() == here.path()
            && url.suffix().starts_with('#')
        {
            return Html::of(url.suffix());
        }
        placed(self.base, &url.ascii().html())
    }

    /// The URL in an attribute as it has to be; `None` if it is so already. Both are escaped.
    fn url(&self, url: &str) -> Option<Html> {
        if let Some(found) = self.beside_a_call(url) {
            return Some(self.placed(&found));
        }
        let composed = in_nfc(url);
        let placed = absolute(self.base, composed.as_ref().map_or(url, Html::as_str));
        placed.or(composed)
    }

    /// A relative URL that a component wrote leads to what lies beside the text that calls it.
    fn beside_a_call(&self, url: &str) -> Option<Url> {
        let folder = self.folders.last()?;
        let decoded = entities::decode(url);
        let (path, suffix) = names::split(&decoded);
        if path.is_empty() || path.starts_with(['/', '\\']) || path.contains(':') {
            return None;
        }
        let target = names::resolve(folder, &names::nfc(&names::decoded(path)?));
        let found = self.targets.url_of_source(&target)?;
        Some(found.with_suffix(Url::written(suffix).as_str()))
    }

    /// The URLs in a `srcset`: each ends at a space, or at a comma behind which there is one.
    fn srcset(&self, value: &str) -> Option<Html> {
        let mut out = String::with_capacity(value.len());
        let mut changed = false;
        let mut rest = value;
        loop {
            let is_between = |c: char| c.is_ascii_whitespace() || c == ',';
            let start = rest.find(|c| !is_between(c)).unwrap_or(rest.len());
            out.push_str(&rest[..start]);
            rest = &rest[start..];
            if rest.is_empty() {
                return changed.then(|| Html::escaped(out));
            }
            let end = rest.find(|c: char| c.is_ascii_whitespace());
            let url = rest[..end.unwrap_or(rest.len())].trim_end_matches(',');
            match self.url(url) {
                Some(new) => {
                    changed = true;
                    out.push_str(new.as_str());
                }
                None => out.push_str(url),
            }
            rest = &rest[url.len()..];
            // The descriptor.
            let end = rest.find(',').unwrap_or(rest.len());
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        }
    }

    /// Writes the size of the image at `url`, so that the page doesn't jump when it comes.
    fn size(&mut self, url: &Url) {
        let size = url.name().and_then(|path| self.targets.image_size(&path));
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
        b'x' if is("xlink:href") => Some(UrlKind::One),
        b'b' if is("background") => Some(UrlKind::One),
        b'c' if is("cite") => Some(UrlKind::One),
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

#[cfg(test)]
mod tests;
