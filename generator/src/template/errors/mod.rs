//! Tera's errors as ours: placed in the author's file, its front matter counted, with what to do.

mod habits;
mod hints;
mod rendering;
mod tags;

use std::collections::BTreeMap;
use std::sync::Arc;

use tera::{Context, ErrorKind as TeraKind, Tera};

use super::filters::HINT;
use super::fuel;
use crate::documents::TemplateText;
use crate::error::{Error, ErrorKind};
use hints::Told;

type Texts = BTreeMap<String, Arc<TemplateText>>;

/// Everything that is wrong with `texts`, which do not compile: Tera tells only the `first` error. `empty` has all filters and
/// functions, but no template.
pub(super) fn all_of(empty: &Tera, texts: &Texts, first: &tera::Error) -> Error {
    let mut errors: Vec<Error> = texts
        .iter()
        .filter_map(|(name, text)| {
            let error = empty.clone().add_raw_template(name, text.body()).err()?;
            let is_syntax = matches!(error.kind(), TeraKind::SyntaxError(_));
            is_syntax.then(|| convert(&error, texts, None))
        })
        .collect();
    if errors.is_empty() {
        errors = references(empty, texts);
    }
    match Error::collect(errors) {
        Err(errors) => errors,
        Ok(()) => convert(first, texts, None),
    }
}

/// What leads nowhere or in a circle in `texts`, all of which can be read. One such error hides the next, so
/// each broken template in turn is taken for an empty one.
fn references(empty: &Tera, texts: &Texts) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut broken: Vec<String> = Vec::new();
    // No template is emptied twice.
    for _ in 0..=texts.len() {
        let bodies = texts.iter().map(|(name, text)| {
            let body = if broken.contains(name) {
                ""
            } else {
                text.body()
            };
            (name, body)
        });
        let Err(error) = empty.clone().add_raw_templates(bodies) else {
            break;
        };
        let all = convert(&error, texts, None);
        let culprit = match error.kind() {
            TeraKind::CircularInclude { tpl, .. } | TeraKind::CircularExtend { tpl, .. } => tpl,
            TeraKind::MissingParent { current, .. } => current,
            _ => {
                // A template that was emptied may have defined a component.
                let may_be_ours = |error: &Error| {
                    broken.is_empty() || !error.message.starts_with("unknown component")
                };
                errors.extend(all.each().filter(|error| may_be_ours(error)).map(alone));
                break;
            }
        };
        errors.push(all);
        broken.push(culprit.clone());
    }
    errors
}

/// `error` without those that came with it.
fn alone(error: &Error) -> Error {
    let mut error = error.clone();
    error.others = Vec::new();
    error
}

/// What in `texts` compiles, but does not mean what its author believes.
pub(super) fn misunderstood(texts: &Texts) -> Result<(), Error> {
    Error::collect(
        texts
            .values()
            .flat_map(|text| habits::check(text))
            .collect(),
    )
}

/// The error of a template that was filled in with `context`.
pub(super) fn while_rendering(error: &tera::Error, texts: &Texts, context: &Context) -> Error {
    convert(error, texts, Some(context))
}

fn convert(error: &tera::Error, texts: &Texts, context: Option<&Context>) -> Error {
    if let Some(error) = out_of_fuel(error, texts) {
        return error;
    }
    let circle = |name: &str, message: String, tag: &str| {
        Error::new(ErrorKind::Template, message)
            .in_file(shown(texts, name))
            .with_hint(format!("take the {{% {tag} %}} out of one of them"))
    };
    match error.kind() {
        TeraKind::SyntaxError(report) | TeraKind::RenderingError(report) => place(
            texts,
            report.message(),
            report.filename(),
            report.span().start_line,
            report.span().start_col + 1,
            context,
        ),
        // References to what does not exist come as one text with a report on each.
        TeraKind::Msg(text) => {
            let errors: Vec<Error> = parse_reports(text)
                .into_iter()
                .map(|(message, name, line, column)| {
                    place(texts, message, name, line, column, context)
                })
                .collect();
            match Error::collect(errors) {
                Err(errors) => errors,
                Ok(()) => hints::without_place(text, texts),
            }
        }
        TeraKind::CircularInclude { tpl, include_chain } => {
            let chain = include_chain.join(" → ");
            circle(
                tpl,
                format!("the includes go round in a circle: {chain}"),
                "include",
            )
        }
        TeraKind::CircularExtend {
            tpl,
            inheritance_chain,
        } => {
            let chain = inheritance_chain.join(" → ");
            circle(
                tpl,
                format!("the templates extend each other in a circle: {chain}"),
                "extends",
            )
        }
        TeraKind::MissingParent { current, parent } => {
            let message = format!("there is no template '{parent}' to extend");
            let error = Error::new(ErrorKind::Template, message);
            let hint = hints::template(texts, parent, "_layouts/");
            match texts.get(current) {
                None => error.in_file(current),
                Some(text) => match text.body().find("extends") {
                    Some(at) => error.at_offset(&text.file, &text.text, text.body_start + at),
                    None => error.in_file(&text.file),
                },
            }
            .with_hint(hint)
        }
        _ => Error::new(ErrorKind::Template, error.to_string()),
    }
}

/// The error of a template that costs more than it may, if it is one.
fn out_of_fuel(error: &tera::Error, texts: &Texts) -> Option<Error> {
    let report = match error.kind() {
        TeraKind::RenderingError(report) => Some(report),
        _ => None,
    };
    let text = match (error.kind(), report) {
        (TeraKind::Msg(text), _) => text,
        (_, Some(report)) => report.message(),
        _ => return None,
    };
    let told = fuel::explain(text)?;
    let Some((report, file)) =
        report.and_then(|report| Some((report, texts.get(report.filename())?)))
    else {
        return Some(told);
    };
    let span = report.span();
    let at = tags::offset(file.body(), span.start_line, span.start_col + 1);
    Some(told.at_offset(&file.file, &file.text, file.body_start + at))
}

/// The error of a report: what is told of it, and where it lies in the whole file.
fn place(
    texts: &Texts,
    message: &str,
    name: &str,
    line: usize,
    column: usize,
    context: Option<&Context>,
) -> Error {
    let Some(text) = texts.get(name) else {
        let (told, hint) = message.split_once(HINT).unwrap_or((message, ""));
        let error = Error::new(ErrorKind::Template, hints::lower_first(told));
        return if hint.is_empty() {
            error
        } else {
            error.with_hint(hint)
        };
    };
    let body = text.body();
    let at = tags::offset(body, line, column);
    let Told { message, hint, at } = match message.split_once(HINT) {
        Some((message, hint)) => Told::new(hints::lower_first(message), at).hint(hint),
        None => hints::explain(texts, message, body, at, context),
    };
    let mut error = Error::new(ErrorKind::Template, printable(&message));
    error.hint = hint.as_deref().map(printable);
    error.at_offset(&text.file, &text.text, text.body_start + at)
}

/// `text`, which has parts of the template in it, without what a terminal obeys.
fn printable(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
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

fn shown(texts: &Texts, name: &str) -> String {
    match texts.get(name) {
        Some(text) => text.file.clone(),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::front_matter::FrontMatter;
    use crate::template::{Surroundings, Templates};

    proptest! {
        /// Whatever is wrong with a template, it is told at a place in it.
        #[test]
        fn any_error_has_a_place_in_its_file(parts in prop::collection::vec(part(), 0..12)) {
            let front = "---\nä: 1\n---\n";
            let body: String = parts.concat();
            let text = TemplateText {
                file: "_includes/a.html".to_owned(),
                front: FrontMatter::empty("_includes/a.html"),
                text: format!("{front}{body}"),
                body_start: front.len(),
            };
            let whole = text.text.clone();
            let shared = [(text.file.clone(), Arc::new(text))];
            let config = crate::config::parse("").unwrap();
            let around = Surroundings::new(&config, None, &Arc::default());
            if let Err(errors) = Templates::compile(&shared, &[], around) {
                for error in errors.each() {
                    prop_assert!(!error.message.is_empty() && !error.message.contains(char::is_control));
                    let place = error.place.clone().unwrap();
                    prop_assert_eq!(place.file, "_includes/a.html");
                    if let Some(line) = place.line {
                        prop_assert!((4..=whole.split('\n').count()).contains(&line), "{}", error);
                    }
                }
            }
        }
    }

    /// Parts of templates, more often wrong than right.
    const PARTS: &str = "{{·}}·{%·%}·{#·#}·-· ·\n·\r\n·ä·👩‍👩‍👧·\"·'·`·(·)·[·]·{·}·|·:·,·=·==·!=·..·.·!·&&·?·<·/>·</·\
        nil· x · page· where· upper· date·1·if ·for · in ·endif·endfor·raw·endraw·include ·a.html·extends ·\
        block ·assign ·limit·contains ·component ·c()·endcomponent·__tera_context·get_page·filter ·set ·\u{1f}";

    fn part() -> impl Strategy<Value = String> {
        let parts: Vec<&str> = PARTS.split('·').collect();
        prop_oneof![
            4 => prop::sample::select(parts).prop_map(str::to_owned),
            1 => "\\PC{0,3}",
        ]
    }

    #[test]
    fn a_file_full_of_braces_is_read_in_a_moment() {
        let body = "{{ ' ".repeat(20_000);
        assert!(tags::all(&body).len() > 1000);
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
