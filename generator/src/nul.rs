//! U+0000, which HTML and XML can't hold, and other programs take for the end of a text. U+FFFD is
//! in its place everywhere, as CommonMark and HTML want it.

use std::borrow::Cow;

use serde_json::Value;

const SHOWN: &str = "\u{fffd}";

/// `text` without U+0000.
pub(crate) fn replaced(text: &str) -> Cow<'_, str> {
    match memchr::memchr(0, text.as_bytes()) {
        None => Cow::Borrowed(text),
        Some(_) => Cow::Owned(text.replace('\0', SHOWN)),
    }
}

/// `text` without U+0000; the very same text if it has none.
pub(crate) fn without(text: String) -> String {
    match memchr::memchr(0, text.as_bytes()) {
        None => text,
        Some(_) => text.replace('\0', SHOWN),
    }
}

/// `value` without U+0000 in its texts and keys: YAML, TOML and JSON can write it as an escape.
pub(crate) fn without_in(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(without(text)),
        Value::Array(items) => items.into_iter().map(without_in).collect(),
        Value::Object(table) => table
            .into_iter()
            .map(|(key, value)| (without(key), without_in(value)))
            .collect(),
        other => other,
    }
}
