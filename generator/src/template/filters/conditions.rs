//! How `where` and its like choose: an attribute, an operator and a value.

use std::cmp::Ordering;

use tera::value::Key;
use tera::{TeraResult, Value};

use super::{Call, fail};
use crate::error::did_you_mean;

/// What an item must fulfil.
pub(super) struct Condition {
    attribute: String,
    operator: Operator,
    /// `None`: it is enough that the item has the attribute.
    value: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    In,
}

const OPERATORS: [(&str, Operator); 9] = [
    ("==", Operator::Equal),
    ("=", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<", Operator::Less),
    ("<=", Operator::LessOrEqual),
    (">", Operator::Greater),
    (">=", Operator::GreaterOrEqual),
    ("contains", Operator::Contains),
    ("in", Operator::In),
];

/// The arguments of those who choose.
pub(super) const ARGUMENTS: &[&str] = &["attribute", "value", "operator"];

impl Condition {
    /// The condition that the arguments of `call` say.
    pub(super) fn of(call: &Call<'_>) -> TeraResult<Self> {
        let operator = match call.argument::<&str>("operator")? {
            None => Operator::Equal,
            Some(name) => {
                let found = OPERATORS.iter().find(|(known, _)| *known == name);
                let names = OPERATORS.map(|(name, _)| name);
                found.map(|(_, operator)| *operator).ok_or_else(|| {
                    let hint = match did_you_mean(name, names).filter(|_| name.len() > 3) {
                        Some(meant) => format!("did you mean `{meant}`?"),
                        None => format!("the operators are {}", names.join(" ")),
                    };
                    fail(format!("there is no operator '{name}'"), hint)
                })?
            }
        };
        Ok(Self {
            attribute: call.must::<&str>("attribute")?.to_owned(),
            operator,
            value: call.argument::<Value>("value")?,
        })
    }

    pub(super) fn holds(&self, item: &Value) -> bool {
        let found = item.get_from_path(&self.attribute);
        let found = found.filter(|found| !found.is_none() && !found.is_undefined());
        let Some(wanted) = &self.value else {
            let is_there = found.is_some_and(Value::is_truthy);
            return is_there == (self.operator != Operator::NotEqual);
        };
        let order = |accepted: &[Ordering]| {
            let order = found.and_then(|found| found.partial_cmp(wanted));
            order.is_some_and(|order| accepted.contains(&order))
        };
        match self.operator {
            Operator::Equal | Operator::NotEqual => {
                let is_equal = match found {
                    None => wanted.is_none() || wanted.is_undefined(),
                    Some(found) => matches(found, wanted),
                };
                is_equal == (self.operator == Operator::Equal)
            }
            Operator::Less => order(&[Ordering::Less]),
            Operator::LessOrEqual => order(&[Ordering::Less, Ordering::Equal]),
            Operator::Greater => order(&[Ordering::Greater]),
            Operator::GreaterOrEqual => order(&[Ordering::Greater, Ordering::Equal]),
            Operator::Contains => {
                found.is_some_and(|found| match (found.as_str(), wanted.as_str()) {
                    (Some(text), Some(part)) => text.contains(part),
                    _ => matches(found, wanted),
                })
            }
            Operator::In => found.is_some_and(|found| {
                let list = wanted.as_array().unwrap_or_default();
                list.iter().any(|wanted| matches(found, wanted))
            }),
        }
    }
}

/// Whether `found` is what is `wanted`, or a list with it. A term of a taxonomy is wanted by its name or
/// slug, and a number also as text, because it is that in front matter at times.
fn matches(found: &Value, wanted: &Value) -> bool {
    if found == wanted {
        return true;
    }
    if let Some(list) = found.as_array() {
        return list.iter().any(|item| matches(item, wanted));
    }
    if let Some(term) = found.as_map() {
        let is = |key| term.get(&Key::Str(key)) == Some(wanted);
        return is("name") || is("slug");
    }
    let is_scalar = |value: &Value| value.is_string() || value.is_number() || value.is_bool();
    is_scalar(found)
        && is_scalar(wanted)
        && found.is_string() != wanted.is_string()
        && found.to_string() == wanted.to_string()
}
