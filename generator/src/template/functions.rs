//! The functions of templates: those of skep, and the names of Tera's own; and the tests, which are all Tera's.

use std::sync::Arc;

use tera::{Kwargs, State, Tera, TeraResult, Value};

use super::filters::{self, Call, Own};
use super::surroundings::Surroundings;

/// The functions of skep.
const OWN: &[Own] = &[
    Own {
        name: "get_page",
        arguments: &["path"],
        call: |call| call.around.site.get()?.page(call.must::<&str>("path")?),
    },
    Own {
        name: "get_url",
        arguments: &["path"],
        call: get_url,
    },
    Own {
        name: "get_taxonomy",
        arguments: &["name"],
        call: |call| call.around.site.get()?.taxonomy(call.must::<&str>("name")?),
    },
    Own {
        name: "get_term",
        arguments: &["taxonomy", "name"],
        call: |call| {
            let site = call.around.site.get()?;
            site.term(call.must::<&str>("taxonomy")?, call.must::<&str>("name")?)
        },
    },
];

/// Tera's own. `super` stands in blocks only.
const OF_TERA: &[(&str, &[&str])] = &[
    ("range", &["start", "end", "step_by"]),
    ("super", &[]),
    ("throw", &["message"]),
];

/// What stands behind `is`, and the arguments of it.
const TESTS: &[(&str, &[&str])] = &[
    ("array", &[]),
    ("bool", &[]),
    ("containing", &["pat"]),
    ("defined", &[]),
    ("divisible_by", &["divisor"]),
    ("ending_with", &["pat"]),
    ("even", &[]),
    ("float", &[]),
    ("integer", &[]),
    ("iterable", &[]),
    ("map", &[]),
    ("none", &[]),
    ("number", &[]),
    ("odd", &[]),
    ("starting_with", &["pat"]),
    ("string", &[]),
    ("undefined", &[]),
];

/// The names of all tests, sorted.
pub(super) fn test_names() -> Vec<&'static str> {
    TESTS.iter().map(|(name, _)| *name).collect()
}

/// The names of all functions, sorted.
pub(super) fn names() -> Vec<&'static str> {
    let tera = OF_TERA.iter().map(|(name, _)| *name);
    let mut names: Vec<&str> = tera.chain(OWN.iter().map(|own| own.name)).collect();
    names.sort_unstable();
    names
}

/// The names of the arguments of the function or test `name`.
pub(super) fn arguments(name: &str) -> Option<&'static [&'static str]> {
    let own = OWN.iter().find(|function| function.name == name);
    let tera = || OF_TERA.iter().chain(TESTS).find(|(tera, _)| *tera == name);
    own.map(|function| function.arguments)
        .or_else(|| tera().map(|(_, arguments)| *arguments))
}

/// Adds the functions to `tera`.
pub(super) fn register(tera: &mut Tera, around: &Arc<Surroundings>) {
    for function in OWN {
        let around = Arc::clone(around);
        tera.register_function(
            function.name,
            move |arguments: Kwargs, state: &State<'_>| {
                filters::run(function, Value::none(), &arguments, state, &around)
            },
        );
    }
}

/// The URL of a page by its source, or of an asset with its fingerprint.
fn get_url(call: &Call<'_>) -> TeraResult<Value> {
    let path = call.must::<&str>("path")?;
    let site = call.around.site.get()?;
    match site.url_of_page(path) {
        Some(url) => Ok(url),
        None => site
            .asset_url(path, call.page_url().as_deref())
            .map(Value::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_functions_and_tests_of_tera_are_known() {
        let tera = format!("{:?}", Tera::new());
        // `super` is none of those that are registered.
        let registered = OF_TERA.len() - 1;
        assert!(
            tera.contains(&format!("functions: {registered}, ")),
            "{tera}"
        );
        assert!(
            tera.contains(&format!("tests: {}, ", TESTS.len())),
            "{tera}"
        );
    }
}
