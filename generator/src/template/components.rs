//! Whether a call of a component fits its definition.

use tera::value::Key;
use tera::{ComponentArg, ComponentArgType, Tera, Value};

use super::engine::ComponentCall;
use crate::error::{Error, ErrorKind, did_you_mean};

/// Checks that the component is there and can take the arguments. The error has no place: it is that of
/// the call.
pub(super) fn check(tera: &Tera, call: &ComponentCall<'_>) -> Result<(), Error> {
    let wrong = |message: String| Error::new(ErrorKind::Template, message);
    let name = call.name;
    let Some(component) = tera.get_component_definition(name) else {
        let mut names: Vec<&str> = tera.get_component_names().collect();
        names.sort_unstable();
        let error = wrong(format!("there is no component '{name}'"));
        return Err(error.with_hint(unknown(name, &names)));
    };
    let arguments = component.args();
    let names: Vec<&str> = arguments.iter().map(ComponentArg::name).collect();
    if component.rest_param().is_none() {
        for given in call.arguments.keys() {
            let given = given.as_str().unwrap_or_default();
            if !names.contains(&given) {
                let error = wrong(format!("the component '{name}' has no argument '{given}'"));
                let hint = match did_you_mean(given, names.iter().copied()) {
                    Some(meant) => format!("did you mean '{meant}'?"),
                    None if names.is_empty() => "it takes none".to_owned(),
                    None => format!("its arguments are {}", names.join(", ")),
                };
                return Err(error.with_hint(hint));
            }
        }
    }
    for argument in arguments {
        let key = argument.name();
        let value = match call.arguments.get(&Key::Str(key)) {
            None if argument.is_implicit() => call.around.get(key),
            value => value,
        };
        match (value, argument.arg_type()) {
            (None, _) if argument.default().is_none() => {
                let error = wrong(format!("the component '{name}' needs the argument '{key}'"));
                return Err(error.with_hint(format!("give it: {key}=\"…\"")));
            }
            (Some(value), Some(wanted)) if !fits(value, wanted) => {
                let error = wrong(format!(
                    "the argument '{key}' of the component '{name}' must be {}, and is {}",
                    of_type(wanted.as_str()),
                    of_type(value.name())
                ));
                let hint = match wanted {
                    ComponentArgType::String => "put it into quotes",
                    ComponentArgType::Array => "write a list as [\"a\", \"b\"]",
                    ComponentArgType::Map => "write a map as {\"a\": 1}",
                    _ => "write it without quotes",
                };
                return Err(error.with_hint(hint));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What to do about a component that is none of `names`.
pub(super) fn unknown(name: &str, names: &[&str]) -> String {
    match did_you_mean(name, names.iter().copied()) {
        Some(meant) => format!("did you mean '{meant}'?"),
        None if names.is_empty() => format!(
            "make it: {{% component {name}() %}}…{{% endcomponent %}} in _includes/{name}.html"
        ),
        None => format!(
            "the components are {}; or make it: {{% component {name}() %}}…{{% endcomponent %}} in _includes/{name}.html",
            names.join(", ")
        ),
    }
}

fn fits(value: &Value, wanted: ComponentArgType) -> bool {
    match wanted {
        ComponentArgType::String => value.is_string(),
        ComponentArgType::Bool => value.is_bool(),
        ComponentArgType::Integer => value.is_number() && !value.is_f64(),
        ComponentArgType::Float => value.is_f64(),
        ComponentArgType::Number => value.is_number(),
        ComponentArgType::Array => value.is_array(),
        ComponentArgType::Map => value.is_map(),
        ComponentArgType::Bytes => value.is_bytes(),
        // A type that a later Tera may bring is left to it.
        _ => true,
    }
}

/// A type as a reader calls it.
pub(super) fn of_type(name: &str) -> &'static str {
    match name {
        "string" => "a text",
        "bool" => "true or false",
        "integer" | "u64" | "i64" | "u128" | "i128" => "a whole number",
        "float" | "f64" => "a number with a decimal point",
        "number" => "a number",
        "array" => "a list",
        "map" | "map/struct" => "a map",
        "none" | "undefined" => "nothing",
        "bytes" => "bytes",
        _ => "something else",
    }
}
