//! Front matter as it was written: the title `1.10` is no number, and the tag `yes` no truth.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::{Location, Spanned};

use crate::data::Table;

/// What the numbers and truths in front matter look like in its source, by their keys. Only the
/// first level and lists in it are texts anywhere.
pub(crate) type Written = HashMap<String, Source>;

/// The source of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    One(String),
    /// Of the items of a list, as far as they are numbers or truths.
    Many(Vec<Option<String>>),
}

/// Whether something in `table` may look otherwise in its source.
fn has_other_than_text(table: &Table) -> bool {
    let is_other = |value: &Value| match value {
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => is_infinite(text),
        _ => false,
    };
    table.values().any(|value| match value {
        Value::Array(items) => items.iter().any(is_other),
        value => is_other(value),
    })
}

/// Whether a number of YAML that no computer holds reads so: a hash such as `7e55555` is one.
pub(crate) fn is_infinite(text: &str) -> bool {
    matches!(text, ".inf" | "-.inf" | ".nan")
}

/// What is written in `part`, the YAML that `table` was read from.
pub(crate) fn of_yaml(part: &str, table: &Table) -> Written {
    if !has_other_than_text(table) {
        return Written::new();
    }
    let nodes: HashMap<String, Spanned<Node>> =
        serde_saphyr::from_str_with_options(part, crate::data::yaml_options(true))
            .unwrap_or_default();
    let source = |node: &Spanned<Node>| match &node.value {
        Node::Scalar => slice(part, &node.defined).map(Source::One),
        Node::List(items) => {
            let items = items.iter().map(|item| match item.value {
                Node::Scalar => slice(part, &item.defined),
                _ => None,
            });
            Some(Source::Many(items.collect()))
        }
        Node::Other => None,
    };
    let sources = nodes.iter();
    sources
        .filter_map(|(key, node)| Some((key.clone(), source(node)?)))
        .collect()
}

/// What is at `place` in `part`, without a tag or an anchor before it.
fn slice(part: &str, place: &Location) -> Option<String> {
    let span = place.span();
    let start = usize::try_from(span.byte_offset()?).ok()?;
    let len = usize::try_from(span.byte_len()?).ok()?;
    let text = part.get(start..start.checked_add(len)?)?;
    let text = text.split_whitespace().last()?;
    (!text.ends_with(['"', '\''])).then(|| text.to_owned())
}

/// What is written in `part`, the TOML that `table` was read from.
pub(crate) fn of_toml(part: &str, table: &Table) -> Written {
    if !has_other_than_text(table) {
        return Written::new();
    }
    let Ok(parsed) = toml::de::DeTable::parse(part) else {
        return Written::new();
    };
    let slice = |value: &toml::Spanned<toml::de::DeValue<'_>>| {
        let inner = value.get_ref();
        let is_other = inner.is_integer() || inner.is_float() || inner.is_bool();
        let text = part.get(value.span()).filter(|_| is_other);
        text.map(str::to_owned)
    };
    let source = |value: &toml::Spanned<toml::de::DeValue<'_>>| match value.get_ref().as_array() {
        Some(items) => Some(Source::Many(items.iter().map(slice).collect())),
        None => slice(value).map(Source::One),
    };
    let pairs = parsed.get_ref().iter();
    pairs
        .filter_map(|(key, value)| Some((key.get_ref().to_string(), source(value)?)))
        .collect()
}

/// As much of a value as matters here.
enum Node {
    /// A number or a truth.
    Scalar,
    List(Vec<Spanned<Node>>),
    Other,
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_i128<E: de::Error>(self, _: i128) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_u128<E: de::Error>(self, _: u128) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Node, E> {
        Ok(match is_infinite(text) {
            true => Node::Scalar,
            false => Node::Other,
        })
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Node, A::Error> {
        while pairs.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Node::Other)
    }
}
