//! The manual's page about JSON, of which the lists are made of the table.

use super::{Event, Field, Group, Kind, all, groups::GROUPS};
use crate::{output::Phase, reference::check_page};

const PAGE: &str = "example-site/_manual/json.md";

#[test]
fn the_page_about_json_is_that_of_the_program() {
    let mut lists = String::new();
    for event in all() {
        add_event(&mut lists, event);
    }
    for group in GROUPS {
        lists += &format!("### {}\n\n", group.title);
        add_fields(&mut lists, group.fields.iter());
    }
    let mut phases = "| `phase` | On a terminal |\n| :-- | :-- |\n".to_owned();
    for phase in Phase::ALL {
        let words = phase.words().trim_end_matches(':');
        phases += &format!("| `{}` | {words} |\n", phase.name());
    }
    check_page(PAGE, &[("events", &lists), ("phases", &phases)]);
}

fn add_event(page: &mut String, event: &Event) {
    *page += &format!("### `{}`\n\nFrom {}.", event.name, event.by);
    let groups = event.more.iter().map(|group| link(group.title));
    let groups: Vec<String> = groups.collect();
    if !groups.is_empty() {
        let beside = if event.fields.is_empty() {
            ""
        } else {
            " beside these"
        };
        *page += &format!(" It has the fields of {}{beside}.", groups.join(", "));
    }
    *page += "\n\n";
    add_fields(page, event.fields.iter());
}

fn link(title: &str) -> String {
    format!(
        "[{}](#{})",
        title.to_lowercase(),
        title.to_lowercase().replace(' ', "-")
    )
}

fn add_fields<'a>(page: &mut String, fields: impl Iterator<Item = &'a Field>) {
    let mut rows = String::new();
    for field in fields {
        add_field(&mut rows, "", field);
    }
    if !rows.is_empty() {
        *page += &format!("| Field | Kind | What it is |\n| :-- | :-- | :-- |\n{rows}\n");
    }
}

fn add_field(rows: &mut String, before: &str, field: &Field) {
    let name = format!("{before}{}", field.name);
    let mut kind = words(&field.kind);
    if field.may_be_null {
        kind += " or `null`";
    }
    if field.may_lack {
        kind += ", may be left out";
    }
    *rows += &format!("| `{name}` | {kind} | {} |\n", field.about);
    let (inner, before) = match &field.kind {
        Kind::Object(fields) => (*fields, format!("{name}.")),
        Kind::List(Kind::Object(fields)) => (*fields, format!("{name}[].")),
        Kind::ByAddress(Kind::Object(fields)) => (*fields, format!("{name}.ADDRESS.")),
        _ => return,
    };
    // What has a section of its own is not said twice.
    if GROUPS
        .iter()
        .all(|group| !std::ptr::eq(group.fields, inner))
    {
        inner
            .iter()
            .for_each(|field| add_field(rows, &before, field));
    }
}

fn words(kind: &Kind) -> String {
    match kind {
        Kind::Text => "text".into(),
        Kind::Path => "path".into(),
        Kind::Address => "address".into(),
        Kind::Url => "URL".into(),
        Kind::Time => "time".into(),
        Kind::Number => "number".into(),
        Kind::Bool => "`true` or `false`".into(),
        Kind::Pair => "pair".into(),
        Kind::List(kind) => format!("list of {}s", words(kind)),
        Kind::Object(fields) => match group_of(fields) {
            Some(group) => format!("object, {}", link(group.title)),
            None => "object".into(),
        },
        Kind::ByAddress(_) => "object, by address".into(),
    }
}

/// The group that has just these fields.
fn group_of(fields: &[Field]) -> Option<&'static Group> {
    let names = |fields: &[Field]| fields.iter().map(|field| field.name).collect::<Vec<_>>();
    let mut groups = GROUPS.into_iter();
    groups.find(|group| names(group.fields) == names(fields))
}
