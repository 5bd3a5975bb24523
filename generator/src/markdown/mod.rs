//! Markdown to HTML: CommonMark with the extensions that writers expect.
//!
//! A text is rendered alone: what it says of other sources stays in the HTML as marks (see
//! [`crate::marks`]), which the finishing pass (see [`crate::links`]) replaces.

mod autolinks;
mod calls;
mod covers;
mod excerpt;
mod footnotes;
mod ids;
mod math;
mod note;
mod plain;
mod references;
mod scripts;
mod settings;
mod spans;
#[cfg(test)]
mod spec;
#[cfg(test)]
mod tests;
mod toc;
mod words;
mod writer;

use std::collections::BTreeSet;

use crate::nul;

pub(crate) use calls::Call;
pub(crate) use excerpt::html_excerpt;
pub(crate) use note::Note;
pub(crate) use plain::plain_code;
pub(crate) use references::{Reference, of_name};
pub(crate) use settings::Settings;
pub(crate) use toc::Heading;

/// What a text of Markdown becomes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Rendered {
    pub(crate) html: String,
    /// What stands before `<!--more-->`, else the first paragraph.
    pub(crate) excerpt: String,
    pub(crate) words: usize,
    /// The headings, in order.
    pub(crate) toc: Vec<Heading>,
    /// All ids that a link can lead to, sorted: those of headings, and of raw HTML.
    pub(crate) ids: Vec<String>,
    /// The links to what else there is in the site.
    pub(crate) links: Vec<Reference>,
    /// The calls of components. The number in a call's mark counts in these.
    pub(crate) calls: Vec<Call>,
    /// What is worth knowing, in the order of the text.
    pub(crate) notes: Vec<Note>,
}

/// What the writer has to know beside the text.
pub(crate) struct Context<'a> {
    /// The source of the text, from the site's root, such as `_posts/2026-01-02-trip/index.md`.
    /// Relative links start there. Empty for a text that has no file of its own.
    pub(crate) path: &'a str,
    pub(crate) settings: &'a Settings,
    /// The ids in the templates that may be around the text: no heading gets one of them.
    pub(crate) template_ids: &'a BTreeSet<String>,
    /// Writes a fenced block of code whole: from its info string (`rust`, and what follows) and
    /// the code. Returns what there is to say about it.
    pub(crate) write_code: &'a (dyn Fn(&mut String, &str, &str) -> Option<String> + Sync),
}

/// All ids that elements of `html` have, sorted.
pub(crate) fn html_ids(html: &str) -> Vec<String> {
    let mut ids = Vec::new();
    crate::links::ids(html, &mut ids);
    ids.sort();
    ids.dedup();
    ids
}

/// No ids are in the templates, or nobody knows which.
pub(crate) static NO_IDS: BTreeSet<String> = BTreeSet::new();

/// Renders `text`. All that is wrong with it is told at once; the offsets are in `text`. A NUL
/// is shown as U+FFFD, as CommonMark wants it.
pub(crate) fn render(text: &str, context: &Context<'_>) -> Result<Rendered, Vec<Note>> {
    let text = &*nul::replaced(text);
    let settings = context.settings;
    let found = if settings.is_extended() && settings.components {
        calls::find(text, settings.options())?
    } else {
        None
    };
    match found {
        None => writer::write(text, calls::Calls::default(), context),
        Some((calls, _)) if context.path.is_empty() && !calls.list.is_empty() => {
            let message = "a text that has no file of its own can't call components";
            let note = Note::new(calls.list[0].offset, message);
            Err(vec![note.with_hint("call them in the template around it")])
        }
        Some((calls, covered)) => writer::write(&covered, calls, context),
    }
}
