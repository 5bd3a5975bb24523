//! Tera's errors as ours: placed in the author's file, its front matter counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use tera::ErrorKind as TeraKind;

use super::filters;
use crate::documents::TemplateText;
use crate::error::{Error, ErrorKind, did_you_mean};

type Texts = BTreeMap<String, Arc<TemplateText>>;

/// Converts an error of a template in `texts`.
pub(super) fn convert(error: &tera::Error, texts: &Texts) -> Error {
    match error.kind() {
        TeraKind::SyntaxError(report) | TeraKind::RenderingError(report) => place(
            texts,
            report.message(),
            report.filename(),
            report.span().start_line,
            report.span().start_col + 1,
        ),
        // References to what does not exist come as one text with a report on each.
        TeraKind::Msg(text) => {
            let errors: Vec<Error> = parse_reports(text)
                .into_iter()
                .map(|(message, file, line, column)| place(texts, message, file, line, column))
                .collect();
            match Error::collect(errors) {
                Err(errors) => errors,
                Ok(()) => Error::new(ErrorKind::Template, text.clone()),
            }
        }
        TeraKind::CircularInclude { tpl, include_chain } => Error::new(
            ErrorKind::Template,
            format!(
                "the includes go round in a circle: {}",
                include_chain.join(" → ")
            ),
        )
        .in_file(shown(texts, tpl))
        .with_hint("take the {% include %} out of one of them"),
        TeraKind::CircularExtend {
            tpl,
            inheritance_chain,
        } => Error::new(
            ErrorKind::Template,
            format!(
                "the templates extend each other in a circle: {}",
                inheritance_chain.join(" → ")
            ),
        )
        .in_file(shown(texts, tpl))
        .with_hint("take the {% extends %} out of one of them"),
        TeraKind::MissingParent { current, parent } => {
            let message = format!("there is no template '{parent}' to extend");
            Error::new(ErrorKind::Template, message)
                .in_file(shown(texts, current))
                .with_hint(template_hint(texts, parent))
        }
        _ => Error::new(ErrorKind::Template, error.to_string()),
    }
}

fn place(texts: &Texts, message: &str, name: &str, line: usize, column: usize) -> Error {
    if message == "Unexpected end of input"
        && let Some(text) = texts.get(name)
        && let Some((tag, at)) = unclosed(text.body())
    {
        let message = format!("this {{% {tag} %}} is never closed");
        return Error::new(ErrorKind::Template, message)
            .at_offset(&text.file, &text.text, text.body_start + at)
            .with_hint(format!("close it with {{% end{tag} %}}"));
    }
    let hint = hint(texts, message);
    // The fields that exist serve the hint; all of them would be more than anybody reads.
    let told = message
        .split(". Available fields: ")
        .next()
        .unwrap_or(message);
    let told = if told.ends_with("but got `undefined`") {
        "this has no value".to_owned()
    } else {
        lower_first(told)
    };
    let mut error = Error::new(ErrorKind::Template, told);
    error = match texts.get(name) {
        Some(text) => {
            let before = text.text[..text.body_start].matches('\n').count();
            error.at(&text.file, &text.text, before + line, Some(column))
        }
        None => error,
    };
    error.hint = hint;
    error
}

/// The reports in a text that Tera made of several: message, template, line, column.
fn parse_reports(text: &str) -> Vec<(&str, &str, usize, usize)> {
    let mut reports = Vec::new();
    let mut message = None;
    for line in text.lines() {
        if let Some(text) = line.strip_prefix("error: ") {
            message = Some(text);
        } else if let Some(place) = line.trim_start().strip_prefix("--> ")
            && let Some(message) = message.take()
        {
            let mut parts = place.rsplitn(3, ':');
            let column = parts.next().and_then(|part| part.parse().ok());
            let line = parts.next().and_then(|part| part.parse().ok());
            if let (Some(line), Some(column), Some(name)) = (line, column, parts.next()) {
                reports.push((message, name, line, column));
            }
        }
    }
    reports
}

/// The innermost tag of `template` that is open at its end, and where it is: Tera itself tells
/// only that the end came too early.
fn unclosed(template: &str) -> Option<(&str, usize)> {
    let mut open = Vec::new();
    for (at, _) in template.match_indices("{%") {
        let inside = template[at + 2..].trim_start_matches('-').trim_start();
        let end = inside.find(|c: char| !c.is_ascii_alphabetic());
        let word = &inside[..end.unwrap_or(inside.len())];
        match word {
            "if" | "for" | "block" | "filter" | "raw" | "component" => open.push((word, at)),
            _ => {
                let closed = word.strip_prefix("end");
                if closed.is_some() && open.last().map(|(tag, _)| *tag) == closed {
                    open.pop();
                }
            }
        }
    }
    open.pop()
}

fn hint(texts: &Texts, message: &str) -> Option<String> {
    let quoted = message.split('`').nth(1).unwrap_or_default();
    if message.starts_with("Unknown filter") {
        return Some(match did_you_mean(quoted, filters::NAMES.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("the filters are: {}", filters::NAMES.join(", ")),
        });
    }
    if message.starts_with("Unknown template") {
        return Some(template_hint(texts, quoted));
    }
    if let Some((_, fields)) = message.split_once(". Available fields: ")
        && let Some(meant) = did_you_mean(quoted, fields.split(", "))
    {
        return Some(format!("did you mean `{meant}`?"));
    }
    if message.contains("not defined") || message.contains("undefined") {
        return Some(
            "ask first with {% if … %}, or give a value for when it is missing: \
             {{ … | default(value=\"\") }}"
                .to_owned(),
        );
    }
    None
}

fn template_hint(texts: &Texts, name: &str) -> String {
    let includes = texts
        .keys()
        .filter_map(|path| path.strip_prefix("_includes/"));
    match did_you_mean(name, includes) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => format!("make it: _includes/{name}"),
    }
}

fn shown(texts: &Texts, name: &str) -> String {
    match texts.get(name) {
        Some(text) => text.file.clone(),
        None => name.to_owned(),
    }
}

fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_that_is_never_closed_is_found() {
        let template = "{% if a %}{% endif %}{%- for b in c -%}{% if d %}x{% endif %}";
        assert_eq!(unclosed(template), Some(("for", 21)));
        assert_eq!(unclosed("{% set x = 1 %}{{ y"), None);
    }

    #[test]
    fn several_reports_in_one_text_are_taken_apart() {
        let text = "error: Unknown filter `a`\n --> _layouts/x.html:3:9\n  |\n3 | {{ y | a }}\n  |     ^\n\n\
                    error: Unknown test `b`\n --> page:a.html:1:2\n  |\n1 | z\n  | ^";
        assert_eq!(
            parse_reports(text),
            [
                ("Unknown filter `a`", "_layouts/x.html", 3, 9),
                ("Unknown test `b`", "page:a.html", 1, 2),
            ]
        );
    }
}
