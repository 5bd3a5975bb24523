//! What to say about an error, and what to do about it.

use tera::Context;

use super::tags::{self, Tag};
use super::{Texts, habits, rendering};
use crate::error::{Error, ErrorKind, did_you_mean};
use crate::template::{components, filters, functions};

/// What is told of an error.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// Where it lies in the body of the template.
    pub(super) at: usize,
}

impl Told {
    pub(super) fn new(message: impl Into<String>, at: usize) -> Self {
        Self {
            message: message.into(),
            hint: None,
            at,
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The tags of Tera.
const TAGS: &[&str] = &[
    "if",
    "elif",
    "else",
    "endif",
    "for",
    "endfor",
    "break",
    "continue",
    "set",
    "endset",
    "set_global",
    "endset_global",
    "include",
    "extends",
    "block",
    "endblock",
    "filter",
    "endfilter",
    "raw",
    "endraw",
    "component",
    "endcomponent",
];

/// What Tera's `message` about the byte `at` of `body` means.
pub(super) fn explain(
    texts: &Texts,
    message: &str,
    body: &str,
    at: usize,
    context: Option<&Context>,
) -> Told {
    let told = Told::new(lower_first(message), at);
    let quoted = message.split('`').nth(1).unwrap_or_default();
    if let Some(kind) = message.strip_prefix("Unknown ") {
        return match kind.split(['`', ' ']).next().unwrap_or_default() {
            "tag" => unknown_tag(body, at),
            "filter" => told.hint(
                habits::filter(quoted)
                    .unwrap_or_else(|| nearest(quoted, &filters::names(), "the filters are")),
            ),
            "test" => told.hint(nearest(quoted, &functions::test_names(), "the tests are")),
            "function" => told.hint(
                habits::function(quoted)
                    .unwrap_or_else(|| nearest(quoted, &functions::names(), "the functions are")),
            ),
            "component" => {
                let names = component_names(texts);
                told.hint(components::unknown(quoted, &names))
            }
            "template" => told.hint(template(texts, quoted, "_includes/")),
            _ => rendering::explain(message, body, at, context).unwrap_or(told),
        };
    }
    if message.starts_with("Block `") {
        let blocks = texts.values().flat_map(|text| tags::all(text.body()));
        let names: Vec<&str> = blocks
            .filter(|tag| tag.word() == "block")
            .map(|tag| tag.rest())
            .filter(|name| *name != quoted)
            .collect();
        return told.hint(nearest(quoted, &names, "the blocks are"));
    }
    if message == "Unexpected end of input" || message == "unexpected end of raw block" {
        return ends_too_early(body, at);
    }
    if message.starts_with("Closing comment tag") {
        return Told::new("this comment is never closed", at).hint("close it with #}");
    }
    if message.starts_with("String opened with") {
        return Told::new("this text is never closed", at)
            .hint(format!("close it with another {}", tags::word_at(body, at)));
    }
    if message.starts_with("Template already contains a component") {
        return told.hint("give one of the two another name");
    }
    if let Some(told) = rendering::explain(message, body, at, context) {
        return told;
    }
    unexpected(message, body, at)
}

/// The error that Tera's `text` tells without a place.
pub(super) fn without_place(text: &str, texts: &Texts) -> Error {
    // Component `a` is defined in both `x` and `y`
    let mut parts = text.split('`').skip(1).step_by(2);
    if text.starts_with("Component `")
        && let (Some(name), Some(first), Some(second)) = (parts.next(), parts.next(), parts.next())
    {
        let (first, second) = (super::shown(texts, first), super::shown(texts, second));
        let message = format!("the component '{name}' is defined in {first} and in {second}");
        return Error::new(ErrorKind::Template, message)
            .in_file(second)
            .with_hint("give one of the two another name");
    }
    let error = Error::new(ErrorKind::Template, lower_first(text));
    if text.starts_with("Maximum render recursion depth") {
        return error.with_hint("a component calls itself, or the one that called it");
    }
    error
}

fn unknown_tag(body: &str, at: usize) -> Told {
    let tag = tags::at(body, at);
    let word = tag.map_or_else(|| tags::word_at(body, at), |tag| tag.word());
    let told = Told::new(format!("there is no tag {{% {word} %}}"), at);
    if let Some(hint) = tag.and_then(|tag| habits::tag(&tag)) {
        return told.hint(hint);
    }
    let start = tag.map_or(at, |tag| tag.start);
    let open = tags::open_at(body, start);
    let is_end = |word: &str| {
        let inner = word.strip_prefix("end");
        inner.is_some_and(|inner| TAGS.contains(&inner)) || matches!(word, "else" | "elif")
    };
    if is_end(word) {
        let told = Told::new(format!("this {{% {word} %}} belongs to nothing"), at);
        return told.hint(match open.last() {
            Some(tag) => {
                let line = body[..tag.start].matches('\n').count();
                let here = body[..start].matches('\n').count();
                let above = match here - line {
                    0 => "in this line".to_owned(),
                    1 => "in the line above".to_owned(),
                    lines => format!("{lines} lines above"),
                };
                format!(
                    "what is open is the {{% {0} %}} {above}; it ends with {{% end{0} %}}",
                    tag.word()
                )
            }
            None => "take it out, or look for the tag that should open it".to_owned(),
        });
    }
    told.hint(nearest(word, TAGS, "the tags are"))
}

fn ends_too_early(body: &str, at: usize) -> Told {
    if let Some(tag) = tags::all(body).into_iter().find(|tag| !tag.is_closed) {
        let closing = if tag.opening == "{%" { "%}" } else { "}}" };
        return Told::new(format!("this {} is never closed", tag.opening), tag.start)
            .hint(format!("close it with {closing}"));
    }
    match tags::open_at(body, body.len()).last() {
        Some(tag) => Told::new(
            format!("this {{% {} %}} is never closed", tag.word()),
            tag.start,
        )
        .hint(format!("close it with {{% end{} %}}", tag.word())),
        None => Told::new("the template ends too early", at),
    }
}

/// `Found X but expected Y.`, and what else the parser says.
fn unexpected(message: &str, body: &str, at: usize) -> Told {
    let mut told = Told::new(lower_first(message.trim_end_matches('.')), at);
    let word = tags::word_at(body, at);
    if let Some((_, expected)) = message.split_once(" but expected ") {
        let expected = match expected.trim_end_matches('.') {
            "%}" | "}}" => "the tag should end",
            "string" => "there should be a text in quotes",
            "identifier" => "there should be a name",
            "," => "there should be a comma",
            list if list.starts_with("one of") => "there should be a value",
            other => &format!("there should be {other}"),
        };
        told.message = format!("`{word}` can't stand here: {expected}");
    } else if message == "Unexpected character" {
        told.message = format!("`{word}` means nothing here");
    }
    let Some(tag) = tags::at(body, at) else {
        return told;
    };
    let from = (at - tag.start).min(body.len());
    told.hint = habits::inside(&tag, &body[tag.start..], from).or_else(|| wrong_end(&tag, word));
    told
}

/// `{{ x %}` and `{% if x }}`.
fn wrong_end(tag: &Tag<'_>, word: &str) -> Option<String> {
    let closing = if tag.opening == "{%" { "%}" } else { "}}" };
    matches!(word, "}" | "%")
        .then(|| format!("what begins with {} ends with {closing}", tag.opening))
}

/// The one of `names` that was meant, or all of them.
pub(super) fn nearest(name: &str, names: &[&str], else_all: &str) -> String {
    match did_you_mean(name, names.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if names.is_empty() => "there are none".to_owned(),
        None => format!("{else_all} {}", names.join(", ")),
    }
}

/// What to do about a template `name` that is not there.
pub(super) fn template(texts: &Texts, name: &str, folder: &str) -> String {
    // The extension, which all have in common, would make any two names alike.
    let extension = name.rfind('.').map_or("", |at| &name[at..]);
    let stem = |name: &'_ str| name.strip_suffix(extension).map(str::to_owned);
    let known: Vec<String> = texts
        .keys()
        .filter_map(|path| stem(path.strip_prefix(folder)?))
        .collect();
    let wanted = stem(name).unwrap_or_default();
    match did_you_mean(&wanted, known.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean \"{meant}{extension}\"?"),
        None => format!("make it: {folder}{name}"),
    }
}

fn component_names(texts: &Texts) -> Vec<&str> {
    let tags = texts.values().flat_map(|text| tags::all(text.body()));
    let mut names: Vec<&str> = tags
        .filter(|tag| tag.word() == "component")
        .filter_map(|tag| Some(tag.rest().split('(').next()?.trim()))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

pub(super) fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}
