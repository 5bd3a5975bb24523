//! What each source holds once it is read. Everything that depends on one file alone happens
//! here, so that it can be done in parallel and kept while the file does not change.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::code::{self, Highlighter};
use crate::data;
use crate::error::{Error, ErrorKind};
use crate::front_matter::{self, FrontMatter};
use crate::links;
use crate::markdown;
use crate::sources::{Role, Source};
use crate::template;

/// A source that has been read.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// A post, a draft, a document of a collection or a page.
    Document(Arc<Document>),
    /// A layout or an include.
    Template(Arc<TemplateText>),
    /// A data file.
    Data(Arc<Value>),
    /// A stylesheet in Sass, or a part of one.
    Style(Arc<str>),
    /// A file that is copied; its bytes are read when they are needed.
    File,
}

/// A text with front matter.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) front: FrontMatter,
    pub(crate) body: Body,
}

/// The body of a document.
#[derive(Debug)]
pub(crate) enum Body {
    /// HTML that needs no more work, out of Markdown or as the author wrote it.
    Html(Content),
    /// A template of its own, which only the finished site can fill in.
    Template(Arc<TemplateText>),
}

/// A body as HTML. The texts are values of templates already: a site with 10,000 posts holds each
/// of them once.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) html: template::Value,
    pub(crate) excerpt: template::Value,
    pub(crate) words: usize,
    pub(crate) toc: Vec<markdown::Heading>,
    /// All ids that a link can lead to, sorted.
    pub(crate) ids: Vec<String>,
    /// The links to other sources.
    pub(crate) links: Vec<markdown::Reference>,
    /// The calls of components. The number in a call's mark counts in these.
    pub(crate) calls: Vec<markdown::Call>,
    /// What is worth knowing.
    pub(crate) notes: Vec<Error>,
}

impl Content {
    pub(crate) fn html(&self) -> &str {
        self.html.as_str().unwrap_or_default()
    }
}

/// What a source is read with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) settings: &'a markdown::Settings,
    pub(crate) highlighter: &'a Highlighter,
    /// The ids in the templates (see [`template_ids`]).
    pub(crate) template_ids: &'a BTreeSet<String>,
}

/// A template as it lies in its file.
#[derive(Debug)]
pub(crate) struct TemplateText {
    /// The file as errors show it.
    pub(crate) file: String,
    pub(crate) front: FrontMatter,
    /// The whole file: errors show lines of it, front matter counted.
    pub(crate) text: String,
    /// Where the template starts in the file, in bytes.
    pub(crate) body_start: usize,
}

impl TemplateText {
    pub(crate) fn body(&self) -> &str {
        &self.text[self.body_start..]
    }
}

/// The ids that elements have in `templates`, as far as they are written out. Headings of texts get
/// others, so that none comes twice on a page.
pub(crate) fn template_ids<'a>(templates: impl Iterator<Item = &'a Item>) -> BTreeSet<String> {
    let mut ids = Vec::new();
    for item in templates {
        if let Item::Template(template) = item {
            links::ids(template.body(), &mut ids);
        }
    }
    ids.retain(|id| !id.is_empty() && !id.contains(['{', '}']));
    ids.into_iter().collect()
}

/// Whether the extension of `path` is one of Markdown's.
pub(crate) fn is_markdown(path: &str) -> bool {
    matches!(
        extension(path),
        "md" | "markdown" | "mkd" | "mkdn" | "mkdown" | "mdown"
    )
}

/// The extension of the last name in `path`, without its dot; empty if it has none.
pub(crate) fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension,
        _ => "",
    }
}

/// Reads `source`. What it becomes depends on nothing else but the settings.
pub(crate) fn read(reading: Reading<'_>, source: &Source) -> Result<Item, Error> {
    match source.role {
        Role::Post | Role::Draft | Role::Document(_) => read_collected(reading, source),
        Role::Sass => Ok(Item::Style(source.read_text()?.into())),
        Role::Layout | Role::Include => read_template(source),
        Role::Data => read_data(source),
        Role::Other => {
            if is_style(&source.path) {
                read_style(source)
            } else if source.may_have_front_matter()? {
                read_page(reading, source)
            } else {
                Ok(Item::File)
            }
        }
    }
}

/// Whether the file is a stylesheet in Sass.
pub(crate) fn is_style(path: &str) -> bool {
    matches!(extension(path), "scss" | "sass")
}

/// A stylesheet may begin with front matter, as Jekyll wants it. It says nothing here.
fn read_style(source: &Source) -> Result<Item, Error> {
    let text = source.read_text()?;
    let Some(split) = front_matter::split(&text) else {
        return Ok(Item::Style(text.into()));
    };
    // The lines stay, so that errors tell the right one.
    let lines = text[..split.body_start].matches('\n').count();
    let mut body = "\n".repeat(lines);
    body.push_str(split.body);
    Ok(Item::Style(body.into()))
}

fn read_collected(reading: Reading<'_>, source: &Source) -> Result<Item, Error> {
    let is_html = extension(&source.path) == "html";
    if !is_html && !is_markdown(&source.path) {
        // What lies beside a post or document goes along with it.
        return Ok(Item::File);
    }
    let text = source.read_text()?;
    let (front, body) = match front_matter::split(&text) {
        Some(split) => (
            front_matter::parse(&source.shown, &text, &split)?,
            split.body,
        ),
        None if opens_front_matter(&text) => return Err(never_ends(source, &text)),
        None => (FrontMatter::empty(&source.shown), text.as_str()),
    };
    let content = if is_html {
        Content {
            html: template::Value::safe_string(body),
            excerpt: template::Value::safe_string(&markdown::html_excerpt(body)),
            words: body.split_whitespace().count(),
            toc: Vec::new(),
            ids: markdown::html_ids(body),
            links: Vec::new(),
            calls: Vec::new(),
            notes: Vec::new(),
        }
    } else {
        render_markdown(reading, source, &text, body)?
    };
    let body = Body::Html(content);
    Ok(Item::Document(Arc::new(Document { front, body })))
}

fn read_page(reading: Reading<'_>, source: &Source) -> Result<Item, Error> {
    let is_markdown = is_markdown(&source.path);
    let text = match source.read_text() {
        Ok(text) => text,
        // A binary file may begin with three dashes.
        Err(_) if !is_markdown => return Ok(Item::File),
        Err(error) => return Err(error),
    };
    let Some(split) = front_matter::split(&text) else {
        // A line of dashes starts a YAML file as well.
        if opens_front_matter(&text) && (is_markdown || extension(&source.path) == "html") {
            return Err(never_ends(source, &text));
        }
        return Ok(Item::File);
    };
    let front = front_matter::parse(&source.shown, &text, &split)?;
    let body = if is_markdown {
        Body::Html(render_markdown(reading, source, &text, split.body)?)
    } else {
        let body_start = split.body_start;
        Body::Template(Arc::new(TemplateText {
            file: source.shown.clone(),
            front: front.clone(),
            body_start,
            text,
        }))
    };
    Ok(Item::Document(Arc::new(Document { front, body })))
}

/// Renders `body`, the end of the whole file `text`.
fn render_markdown(
    reading: Reading<'_>,
    source: &Source,
    text: &str,
    body: &str,
) -> Result<Content, Error> {
    let write_code = |out: &mut String, info: &str, code: &str| {
        code::write_block(out, info, code, reading.highlighter)
    };
    let context = markdown::Context {
        path: &source.path,
        settings: reading.settings,
        template_ids: reading.template_ids,
        write_code: &write_code,
    };
    let start = text.len() - body.len();
    let tell = |note: markdown::Note| {
        let error = Error::new(ErrorKind::Markdown, note.message);
        let error = error.at_offset(&source.shown, text, start + note.offset);
        match note.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    };
    match markdown::render(body, &context) {
        Ok(rendered) => Ok(Content {
            html: template::Value::safe_string(&rendered.html),
            excerpt: template::Value::safe_string(&rendered.excerpt),
            words: rendered.words,
            toc: rendered.toc,
            ids: rendered.ids,
            links: rendered.links,
            calls: rendered.calls,
            notes: rendered.notes.into_iter().map(tell).collect(),
        }),
        Err(notes) => {
            let mut errors = notes.into_iter().map(tell);
            let mut first = errors
                .next()
                .unwrap_or_else(|| Error::new(ErrorKind::Markdown, "this can't be read"));
            first.others.extend(errors);
            Err(first)
        }
    }
}

fn read_template(source: &Source) -> Result<Item, Error> {
    let text = source.read_text()?;
    let (front, body_start) = match front_matter::split(&text) {
        Some(split) => (
            front_matter::parse(&source.shown, &text, &split)?,
            split.body_start,
        ),
        None if opens_front_matter(&text) => return Err(never_ends(source, &text)),
        None => (FrontMatter::empty(&source.shown), 0),
    };
    Ok(Item::Template(Arc::new(TemplateText {
        file: source.shown.clone(),
        front,
        text,
        body_start,
    })))
}

fn read_data(source: &Source) -> Result<Item, Error> {
    let file = &source.shown;
    data::check_size(file, extension(&source.path), source.bytes())?;
    let value = match extension(&source.path) {
        "yml" | "yaml" => {
            let text = source.read_text()?;
            data::yaml(ErrorKind::Data, file, &text, &text, 1)?
        }
        "toml" => {
            let text = source.read_text()?;
            data::toml(ErrorKind::Data, file, &text, &text, 0)?.into()
        }
        "json" => data::json(file, &source.read_text()?)?,
        "csv" => data::csv(file, &source.read_text()?)?,
        _ => {
            return Err(
                Error::new(ErrorKind::Data, "this is no data file that skep can read")
                    .in_file(file)
                    .with_hint("data is YAML, JSON, TOML or CSV"),
            );
        }
    };
    data::check_count(file, &value)?;
    Ok(Item::Data(Arc::new(value)))
}

fn opens_front_matter(text: &str) -> bool {
    text.lines()
        .next()
        .is_some_and(|line| matches!(line.trim_end(), "---" | "+++"))
}

fn never_ends(source: &Source, text: &str) -> Error {
    let fence = text.lines().next().unwrap_or_default().trim_end();
    Error::new(ErrorKind::FrontMatter, "the front matter never ends")
        .at(&source.shown, text, 1, None)
        .with_hint(format!("end it with a line that is only {fence}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions() {
        assert_eq!(extension("a/b.c/d.md"), "md");
        assert_eq!(extension("a.b/c"), "");
        assert_eq!(extension(".htaccess"), "");
        assert!(is_markdown("x.markdown"));
        assert!(!is_markdown("x.html"));
    }
}
