//! The filters of templates: those of skep, and the names of Tera's own.
//!
//! A filter gets a value, named arguments, and its [`Surroundings`], which never change: what it returns
//! depends on nothing else.

mod conditions;
mod dates;
mod groups;
mod lists;
mod numbers;
mod smart;
mod text;
pub(super) mod urls;

use std::borrow::Cow;
use std::sync::Arc;

use tera::value::Key;
use tera::{ArgFromValue, Kwargs, State, Tera, TeraResult, Value};

use super::surroundings::Surroundings;
use crate::error::did_you_mean;

/// A filter or function of skep.
#[derive(Clone, Copy)]
pub(super) struct Own {
    pub(super) name: &'static str,
    /// The names of its arguments, in the order in which a hint gives them.
    pub(super) arguments: &'static [&'static str],
    pub(super) call: fn(&Call<'_>) -> TeraResult<Value>,
}

/// One call of a filter or function.
pub(super) struct Call<'a> {
    /// What stands before the filter; a function has none.
    value: Value,
    arguments: &'a Kwargs,
    state: &'a State<'a>,
    pub(super) around: &'a Surroundings,
}

/// The filters of skep. Those that Tera has as well take the place of Tera's.
fn own() -> impl Iterator<Item = &'static Own> {
    [
        urls::ALL,
        dates::ALL,
        lists::ALL,
        groups::ALL,
        text::ALL,
        numbers::ALL,
    ]
    .into_iter()
    .flatten()
}

/// Tera's own filters and their arguments. A test counts them.
const OF_TERA: &[(&str, &[&str])] = &[
    ("abs", &[]),
    ("capitalize", &[]),
    ("default", &["value", "boolean"]),
    ("escape", &[]),
    ("escape_html", &[]),
    ("escape_xml", &[]),
    ("first", &[]),
    ("float", &[]),
    ("get", &["key", "default"]),
    ("group_by", &["attribute"]),
    ("indent", &["width", "first", "blank", "indentation"]),
    ("int", &["base"]),
    ("join", &["sep"]),
    ("keys", &[]),
    ("last", &[]),
    ("length", &[]),
    ("lower", &[]),
    ("newlines_to_br", &[]),
    ("nth", &["n"]),
    ("pairs", &[]),
    ("pluralize", &["singular", "plural"]),
    ("replace", &["from", "to"]),
    ("reverse", &[]),
    ("round", &["precision", "method"]),
    ("safe", &[]),
    ("sort", &["attribute"]),
    ("split", &["pat"]),
    ("str", &[]),
    ("title", &[]),
    ("trim", &["pat"]),
    ("trim_end", &["pat"]),
    ("trim_start", &["pat"]),
    ("truncate", &["length", "end"]),
    ("unique", &[]),
    ("upper", &[]),
    ("values", &[]),
    ("wordcount", &[]),
];

/// The names of all filters, sorted.
pub(super) fn names() -> Vec<&'static str> {
    let tera = OF_TERA.iter().map(|(name, _)| *name);
    let mut names: Vec<&str> = tera.chain(own().map(|filter| filter.name)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The names of the arguments of the filter `name`.
pub(super) fn arguments(name: &str) -> Option<&'static [&'static str]> {
    let own = own().find(|filter| filter.name == name);
    let tera = || OF_TERA.iter().find(|(tera, _)| *tera == name);
    own.map(|filter| filter.arguments)
        .or_else(|| tera().map(|(_, arguments)| *arguments))
}

/// Adds the filters to `tera`.
pub(super) fn register(tera: &mut Tera, around: &Arc<Surroundings>) {
    for filter in own() {
        let around = Arc::clone(around);
        tera.register_filter(
            filter.name,
            move |value: Value, arguments: Kwargs, state: &State<'_>| {
                run(filter, value, &arguments, state, &around)
            },
        );
    }
}

/// Calls `own`.
pub(super) fn run(
    own: &Own,
    value: Value,
    arguments: &Kwargs,
    state: &State<'_>,
    around: &Surroundings,
) -> TeraResult<Value> {
    for (key, _) in arguments.iter() {
        let key = key.as_str().unwrap_or_default();
        if !own.arguments.contains(&key) {
            let hint = match did_you_mean(key, own.arguments.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None if own.arguments.is_empty() => "it takes none".to_owned(),
                None => format!("its arguments are {}", own.arguments.join(", ")),
            };
            return Err(fail(
                format!("`{}` has no argument `{key}`", own.name),
                hint,
            ));
        }
    }
    (own.call)(&Call {
        value,
        arguments,
        state,
        around,
    })
}

/// Between the message of an error and its hint: Tera's errors are one text.
pub(super) const HINT: char = '\u{1f}';

/// An error with what to do about it.
pub(super) fn fail(message: impl std::fmt::Display, hint: impl std::fmt::Display) -> tera::Error {
    tera::Error::message(format!("{message}{HINT}{hint}"))
}

impl Call<'_> {
    /// The value as text. What a page lacks is empty.
    fn text(&self) -> TeraResult<Cow<'_, str>> {
        if let Some(text) = self.value.as_str() {
            return Ok(Cow::Borrowed(text));
        }
        let value = &self.value;
        if value.is_undefined() || value.is_array() || value.is_map() || value.is_bytes() {
            return Err(self.must_be("string"));
        }
        Ok(Cow::Owned(match self.value.is_none() {
            true => String::new(),
            false => self.value.to_string(),
        }))
    }

    /// The value as a list. What a page lacks is an empty one.
    fn list(&self) -> TeraResult<&[Value]> {
        if self.value.is_none() {
            return Ok(&[]);
        }
        let list = self.value.as_array();
        list.ok_or_else(|| self.must_be("array"))
    }

    /// The error of Tera's own filters for a value of another type, which is placed at the value.
    fn must_be(&self, expected: &str) -> tera::Error {
        tera::Error::new(tera::ErrorKind::InvalidArgument {
            expected_type: expected.to_owned(),
            actual_type: self.value.name().to_owned(),
        })
    }

    /// The argument `name`, if it is given.
    pub(super) fn argument<'k, T>(&'k self, name: &'static str) -> TeraResult<Option<T>>
    where
        T: ArgFromValue<'k, Output = T>,
    {
        self.arguments.get(name).map_err(|error| {
            tera::Error::message(format!("the argument `{name}` does not fit: {error}"))
        })
    }

    /// The argument `name`, which must be given.
    pub(super) fn must<'k, T>(&'k self, name: &'static str) -> TeraResult<T>
    where
        T: ArgFromValue<'k, Output = T>,
    {
        match self.argument(name)? {
            Some(value) => Ok(value),
            None => self.arguments.must_get(name),
        }
    }

    /// The URL of the page that is being filled in.
    pub(super) fn page_url(&self) -> Option<String> {
        let page: Option<Value> = self.state.get("page").ok()?;
        let url = page?.as_map()?.get(&Key::Str("url"))?.clone();
        url.as_str().map(str::to_owned)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use tera::Context;

    /// What `template` prints with `x` as it is in JSON.
    pub(in crate::template) fn prints(template: &str, x: &str) -> Result<String, String> {
        let mut tera = Tera::new();
        let config = crate::config::parse("timezone = 'Europe/Berlin'").unwrap();
        let base_url = Some("https://example.org/deep");
        let around = Surroundings::new(&config, base_url, &Arc::default());
        register(&mut tera, &Arc::new(around));
        let mut context = Context::new();
        let x: serde_json::Value = serde_json::from_str(x).unwrap();
        context.insert("x", &x);
        tera.add_raw_template("t.html", template)
            .map_err(|error| error.to_string())?;
        let shown = tera.render("t.html", &context);
        shown.map_err(|error| error.to_string())
    }

    /// Checks that each template prints what is expected of it.
    pub(super) fn check(x: &str, cases: &[(&str, &str)]) {
        for (template, expected) in cases {
            assert_eq!(prints(template, x).as_deref(), Ok(*expected), "{template}");
        }
    }

    #[test]
    fn all_filters_tests_and_functions_of_tera_are_known() {
        let tera = format!("{:?}", Tera::new());
        assert!(
            tera.contains(&format!("filters: {}, ", OF_TERA.len())),
            "{tera}"
        );
        for name in names() {
            let error = prints(&format!("{{{{ x | {name} }}}}"), "{}").err();
            let is_known = error.is_none_or(|error| !error.contains("Unknown filter"));
            assert!(is_known, "{name}");
        }
    }

    #[test]
    fn an_argument_that_does_not_exist_is_guessed() {
        let error = prints("{{ x | sort(atribute='a') }}", "[]").unwrap_err();
        assert!(
            error.contains("`sort` has no argument `atribute`\u{1f}did you mean `attribute`?"),
            "{error}"
        );
        let error = prints("{{ x | strip_html(a=1) }}", "\"\"").unwrap_err();
        assert!(error.contains("it takes none"), "{error}");
    }
}
