//! What `--json` writes: each event with its fields, in one table. A debug build checks whatever it writes against
//! it, and the manual's page about JSON is made of it.

mod events;
mod groups;
#[cfg(test)]
mod manual;
mod results;

use serde_json::{Map, Value};

/// The version of all of it. It grows when an event or a field goes or means something else; new ones do not
/// change it.
pub(crate) const VERSION: u64 = 1;

/// An event: a line of JSON.
struct Event {
    name: &'static str,
    /// Which commands write it, in the words of the manual.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the manual is written by a test")
    )]
    by: &'static str,
    fields: &'static [Field],
    /// Fields that it shares with others.
    more: &'static [&'static Group],
}

/// Fields that several events have.
struct Group {
    /// What the manual calls it.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the manual is written by a test")
    )]
    title: &'static str,
    fields: &'static [Field],
}

/// A field of an object.
struct Field {
    name: &'static str,
    kind: Kind,
    /// What it is, in the words of the manual.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the manual is written by a test")
    )]
    about: &'static str,
    may_be_null: bool,
    may_lack: bool,
}

/// What a value is.
enum Kind {
    Text,
    /// A path, as it was typed or as it is in an archive.
    Path,
    Address,
    Url,
    /// RFC 3339, in UTC.
    Time,
    Number,
    Bool,
    List(&'static Kind),
    Object(&'static [Field]),
    /// Whether a piece of text differs, and the piece.
    Pair,
    /// An object whose names are addresses.
    ByAddress(&'static Kind),
}

impl Event {
    const fn new(name: &'static str, by: &'static str, fields: &'static [Field]) -> Self {
        Self {
            name,
            by,
            fields,
            more: &[],
        }
    }

    const fn with(self, more: &'static [&'static Group]) -> Self {
        Self { more, ..self }
    }

    fn all(&self) -> impl Iterator<Item = &Field> + Clone {
        let more = self.more.iter().flat_map(|group| group.fields.iter());
        self.fields.iter().chain(more)
    }
}

impl Field {
    const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self {
            name,
            kind,
            about,
            may_be_null: false,
            may_lack: false,
        }
    }

    const fn or_null(self) -> Self {
        Self {
            may_be_null: true,
            ..self
        }
    }

    const fn or_none(self) -> Self {
        Self {
            may_lack: true,
            ..self
        }
    }
}

/// All events, in the order of the manual. One name may have several entries, one a command.
fn all() -> impl Iterator<Item = &'static Event> {
    events::EVENTS.iter().chain(results::RESULTS)
}

/// The line for `value`: with the version of the schema after the name of its event.
pub(super) fn line(value: &Value) -> String {
    if cfg!(debug_assertions)
        && let Err(why) = check(value)
    {
        panic!("src/output/schema does not know this: {why}: {value}");
    }
    let mut line = Map::new();
    for (name, field) in value.as_object().into_iter().flatten() {
        line.insert(name.clone(), field.clone());
        if name == "event" {
            line.insert("schema".to_owned(), VERSION.into());
        }
    }
    Value::Object(line).to_string()
}

/// Says what of `value` is not in the table, or lacks.
fn check(value: &Value) -> Result<(), String> {
    let object = value.as_object().ok_or("no object")?;
    let name = value["event"].as_str().ok_or("it has no event")?;
    let mut why = format!("no event {name:?}");
    for event in all().filter(|event| event.name == name) {
        let fields = object.iter().filter(|(name, _)| *name != "event");
        match check_fields(event.all(), fields) {
            Ok(()) => return Ok(()),
            Err(e) => why = e,
        }
    }
    Err(why)
}

fn check_fields<'a>(
    known: impl Iterator<Item = &'a Field> + Clone,
    fields: impl Iterator<Item = (&'a String, &'a Value)> + Clone,
) -> Result<(), String> {
    for (name, value) in fields.clone() {
        let field = known.clone().find(|field| field.name == name);
        let field = field.ok_or_else(|| format!("the field {name:?} is unknown"))?;
        match value.is_null() {
            true if field.may_be_null => Ok(()),
            _ => field.kind.check(value),
        }
        .map_err(|why| format!("{name}: {why}"))?;
    }
    let has = |field: &Field| fields.clone().any(|(name, _)| name == field.name);
    match known.clone().find(|field| !field.may_lack && !has(field)) {
        Some(field) => Err(format!("the field {:?} lacks", field.name)),
        None => Ok(()),
    }
}

impl Kind {
    fn check(&self, value: &Value) -> Result<(), String> {
        let is_so = match self {
            Self::Text | Self::Path => value.is_string(),
            Self::Address => value
                .as_str()
                .is_some_and(|text| text.starts_with("skep://")),
            Self::Url => value.as_str().is_some_and(|text| text.starts_with("http")),
            Self::Time => {
                let text = value.as_str();
                text.is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok())
            }
            Self::Pair => {
                let pair = value.as_array().map(Vec::as_slice);
                matches!(pair, Some([Value::Bool(_), Value::String(_)]))
            }
            Self::Number => value.is_number(),
            Self::Bool => value.is_boolean(),
            Self::List(kind) => {
                let items = value.as_array().ok_or("no list")?;
                return items.iter().try_for_each(|item| kind.check(item));
            }
            Self::Object(fields) => {
                let object = value.as_object().ok_or("no object")?;
                return check_fields(fields.iter(), object.iter());
            }
            Self::ByAddress(kind) => {
                let object = value.as_object().ok_or("no object")?;
                return object.values().try_for_each(|value| match value {
                    Value::Null => Ok(()),
                    value => kind.check(value),
                });
            }
        };
        match is_so {
            true => Ok(()),
            false => Err(format!("not of its kind: {value}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_that_is_not_in_the_table_or_lacks_is_seen() {
        let good = json!({"event": "post", "file": "a.md"});
        assert_eq!(check(&good), Ok(()));
        for bad in [
            json!({"file": "a.md"}),
            json!({"event": "poste", "file": "a.md"}),
            json!({"event": "post"}),
            json!({"event": "post", "file": null}),
            json!({"event": "post", "file": 1}),
            json!({"event": "post", "file": "a.md", "more": 1}),
        ] {
            assert!(check(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_line_says_its_event_and_the_version_of_the_schema_first() {
        let line = line(&json!({"event": "post", "file": "a.md"}));
        assert_eq!(line, r#"{"event":"post","schema":1,"file":"a.md"}"#);
    }

    #[test]
    fn names_are_in_snake_case_and_said_once() {
        for event in all() {
            let mut names: Vec<_> = event.all().map(|field| field.name).collect();
            assert!(names.iter().all(|name| is_snake(name)), "{}", event.name);
            assert!(is_snake(event.name));
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count, "{}", event.name);
        }
    }

    fn is_snake(name: &str) -> bool {
        name.chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    }
}
