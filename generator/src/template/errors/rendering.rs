//! What Tera says of values, while templates are filled in.

use tera::value::Key;
use tera::{Context, Value};

use super::habits;
use super::hints::{Told, lower_first};
use super::tags;
use crate::error::did_you_mean;
use crate::template::components::of_type;
use crate::template::filters;
use crate::template::functions;

/// What `message` about the byte `at` of `body` means, if it is one about values.
pub(super) fn explain(
    message: &str,
    body: &str,
    at: usize,
    context: Option<&Context>,
) -> Option<Told> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let first = quoted.next().unwrap_or_default();
    if let Some((_, names)) = message.split_once(" Available variables: ") {
        let told = Told::new(format!("there is no variable `{first}`"), at);
        let hint = habits::variable(first).or_else(|| guess(first, names.split(", ")));
        return Some(told.hint(hint.unwrap_or_else(|| {
            format!("there are {names}, and what {{% set %}} and {{% for %}} make")
        })));
    }
    if message.starts_with("Variable `") {
        let told = Told::new(format!("there is no variable `{first}`"), at);
        return Some(told.hint(habits::variable(first).unwrap_or_else(|| {
            "a component sees only its arguments; take `@site` or `@page` among them to see those"
                .to_owned()
        })));
    }
    if message.starts_with("Field `") {
        // The fields that exist serve the hint; all of them would be more than anybody reads.
        let told = Told::new(format!("field `{first}` is not defined"), at);
        let known = message.split_once(" Available fields: ");
        let hint = known.and_then(|(_, fields)| guess(first, fields.split(", ")));
        return Some(told.hint(hint.unwrap_or_else(ask_first)));
    }
    let got = || message.split("but got `").nth(1)?.strip_suffix('`');
    if got() == Some("undefined")
        || message.contains(" undefined")
        || message.ends_with("`undefined`")
    {
        let told = Told::new("this has no value", at);
        return Some(told.hint(missing(body, at, context).unwrap_or_else(ask_first)));
    }
    if message.starts_with("Invalid type for the value") {
        let (wanted, got) = (wanted(first), of_type(quoted.next().unwrap_or_default()));
        let told = Told::new(format!("this is {got}, where {wanted} is needed"), at);
        return Some(told.hint(match got {
            "nothing" => ask_first(),
            _ => format!("give it {wanted}, or another filter"),
        }));
    }
    if message.starts_with("Missing keyword argument") {
        let name = tags::word_at(body, at);
        let told = Told::new(format!("the argument `{first}` is missing"), at);
        return Some(told.hint(usage(name, first)));
    }
    if message.starts_with("Argument `") && message.trim_end().ends_with("missing.") {
        let told = Told::new(format!("the component needs the argument `{first}`"), at);
        return Some(told.hint(format!("give it: {first}=…")));
    }
    if message.starts_with("Unknown argument") {
        let (given, known) = message.split_once(" in component call.")?;
        let mut given: Vec<&str> = given.split('`').skip(1).step_by(2).collect();
        given.sort_unstable();
        let name = given.first()?;
        let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        let told = Told::new(format!("the component has no argument `{name}`"), at);
        return Some(told.hint(match did_you_mean(name, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if known.is_empty() => "it takes none".to_owned(),
            None => format!("its arguments are {}", known.join(", ")),
        }));
    }
    if message.starts_with("Component argument `") {
        let (got, wanted) = (quoted.next()?, quoted.next()?);
        let told = Told::new(
            format!(
                "the argument `{first}` must be {}, and is {}",
                of_type(wanted),
                of_type(got)
            ),
            at,
        );
        return Some(told.hint("texts stand in quotes; other values stand in braces: {x}"));
    }
    if message.starts_with("Iteration not possible") {
        let told = Told::new(format!("this is {}, not a list", of_type(first)), at);
        return Some(told.hint(match of_type(first) {
            "nothing" => ask_first(),
            _ => "{% for %} needs a list or a map".to_owned(),
        }));
    }
    if message.starts_with("Cannot compare") {
        let (a, b) = (of_type(first), of_type(quoted.next().unwrap_or_default()));
        let told = Told::new(format!("{a} can't be compared with {b}"), at);
        return Some(told.hint("| int makes a number of a text, | str a text of a number"));
    }
    if message.starts_with("Math operations") || message.starts_with("`+` requires") {
        let told = Told::new(lower_first(message), at);
        return Some(told.hint("texts are joined with ~; | int makes a number of a text"));
    }
    None
}

fn ask_first() -> String {
    "ask first with {% if … %}, or give a value for when it is missing: \
     {{ … | default(value=\"\") }}"
        .to_owned()
}

fn guess<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    did_you_mean(name, names).map(|meant| format!("did you mean `{meant}`?"))
}

/// What was probably meant by the path at `at`, such as `site.titel`, that leads to nothing.
fn missing(body: &str, at: usize, context: Option<&Context>) -> Option<String> {
    let rest = body.get(at..)?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.'));
    let path = &rest[..end.unwrap_or(rest.len())];
    let mut names = path.split('.');
    let root = names.next()?;
    if let Some(hint) = habits::variable(root) {
        return Some(hint);
    }
    let mut value: &Value = context?.get(root)?;
    for name in names {
        let map = value.as_map()?;
        match map.get(&Key::Str(name)) {
            Some(next) => value = next,
            None => return guess(name, map.keys().filter_map(Key::as_str)),
        }
    }
    None
}

/// How the filter or function `name` is called, with the argument that is missing.
fn usage(name: &str, argument: &str) -> String {
    let arguments = filters::arguments(name).or_else(|| functions::arguments(name));
    match arguments {
        Some(all) if all.contains(&argument) => {
            format!("its arguments are {}: {name}({argument}=…)", all.join(", "))
        }
        _ => format!("give it: {argument}=…"),
    }
}

/// What Tera calls a type that it wanted.
fn wanted(name: &str) -> &'static str {
    match name {
        "&str" | "string" | "String" => "a text",
        "&[Value]" | "array" => "a list",
        name if name.starts_with("Vec<") => "a list",
        "Map" | "&Map" => "a map",
        "bool" => "true or false",
        "f32" | "f64" | "Number" => "a number",
        _ => "a whole number",
    }
}
