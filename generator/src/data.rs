//! Structured text (YAML, TOML, JSON, CSV) as one plain kind of value, in the order written.

use serde_json::Value;

use crate::error::{Error, ErrorKind};
use crate::nul;

/// A table of values, in the order in which they were written.
pub type Table = serde_json::Map<String, Value>;

/// How large a data file may be. Read, JSON takes up to 40 times as much memory, and YAML and TOML take some 100 MB/s to read.
const MOST_BYTES: [(&str, u64); 2] = [("json", 8_000_000), ("csv", 8_000_000)];
const MOST_BYTES_ELSE: u64 = 2_000_000;

/// How many values a data file may have. A cell of CSV takes some 400 bytes, as it is read and as templates see it.
const MOST_VALUES: usize = 300_000;

/// Fails if the data `file` is larger than skep reads.
pub(crate) fn check_size(file: &str, extension: &str, bytes: u64) -> Result<(), Error> {
    let known = MOST_BYTES.iter().find(|(known, _)| *known == extension);
    let most = known.map_or(MOST_BYTES_ELSE, |(_, most)| *most);
    if bytes <= most {
        return Ok(());
    }
    let message = format!(
        "this data file has {} MB, and skep reads at most {}",
        bytes.div_ceil(1_000_000),
        most / 1_000_000
    );
    let error = Error::new(ErrorKind::Limit, message).in_file(file);
    Err(error.with_hint(SMALLER))
}

const SMALLER: &str = "divide it, or leave out what no template shows; \
     as a file beside the others, not in _data, it is copied as it is";

/// Fails if the data `file` has more values than skep keeps.
pub(crate) fn check_count(file: &str, value: &Value) -> Result<(), Error> {
    match count(value) > MOST_VALUES {
        true => Err(too_many(file)),
        false => Ok(()),
    }
}

fn too_many(file: &str) -> Error {
    let message = format!("this data file has more than {MOST_VALUES} values");
    let error = Error::new(ErrorKind::Limit, message).in_file(file);
    error.with_hint(SMALLER)
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Object(table) => 1 + table.values().map(count).sum::<usize>(),
        _ => 1,
    }
}

/// The YAML `part` of the file `text`, of which it starts at line `first_line` (from 1).
pub(crate) fn yaml(
    kind: ErrorKind,
    file: &str,
    text: &str,
    part: &str,
    first_line: usize,
) -> Result<Value, Error> {
    if part.trim().is_empty() {
        return Ok(Value::Null);
    }
    let options = yaml_options(kind == ErrorKind::FrontMatter);
    let value = serde_saphyr::from_str_with_options(part, options).map_err(|error| {
        let error = error.without_snippet();
        let message = error.render_with_formatter(&serde_saphyr::UserMessageFormatter);
        let message = message.split(" at line ").next().unwrap_or(&message).trim();
        let new = Error::new(kind, format!("this YAML can't be read: {message}"))
            .with_hint(yaml_hint(message));
        match error.location() {
            Some(at) => {
                let (line, column) = (at.line() as usize, at.column() as usize);
                new.at(
                    file,
                    text,
                    first_line + line.max(1) - 1,
                    Some(column.max(1)),
                )
            }
            None => new.in_file(file),
        }
    })?;
    Ok(nul::without_in(value))
}

/// How YAML is read. As in YAML 1.2, `yes`, `no`, `on` and `off` are text, and so are numbers that
/// would be shown otherwise than they are written, such as `007`, `1_000` and `.inf`. In front matter `yes`
/// is a truth as in Jekyll: it says `comments: no`, and [`crate::written`] knows what is a text
/// there.
pub(crate) fn yaml_options(is_front_matter: bool) -> serde_saphyr::Options {
    serde_saphyr::options! {
        strict_booleans: !is_front_matter,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
    }
}

/// What to do about an error of YAML. The mistakes are few and always the same.
fn yaml_hint(message: &str) -> &'static str {
    if message.contains("tab") {
        "indent with spaces: YAML allows no tabs"
    } else if message.contains("duplicate") {
        "take one of the two lines out"
    } else if message.contains("mapping values are not allowed") {
        "a text with a colon in it needs quotes around it: title: \"One: two\""
    } else {
        "look for a quote or a bracket that is not closed, here or in the line before"
    }
}

/// The TOML `part` of the file `text`, of which it starts at the byte `start`.
pub(crate) fn toml(
    kind: ErrorKind,
    file: &str,
    text: &str,
    part: &str,
    start: usize,
) -> Result<Table, Error> {
    let table: toml::Table =
        toml::from_str(part).map_err(|error| toml_error(kind, file, text, start, &error))?;
    Ok(table
        .into_iter()
        .map(|(key, value)| (nul::without(key), nul::without_in(from_toml(value))))
        .collect())
}

/// Places an error of the TOML reader in the file `text`, of which its part starts at `start`.
pub(crate) fn toml_error(
    kind: ErrorKind,
    file: &str,
    text: &str,
    start: usize,
    error: &toml::de::Error,
) -> Error {
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    let new = Error::new(kind, format!("this TOML can't be read: {message}"));
    let new = match error.span() {
        Some(span) => new.at_offset(file, text, start + span.start),
        None => new.in_file(file),
    };
    new.with_hint("strings need \"quotes\"; a key stands on a line of its own: name = \"value\"")
}

/// Reads a JSON file.
pub(crate) fn json(file: &str, text: &str) -> Result<Value, Error> {
    let value = serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or(&message);
        Error::new(
            ErrorKind::Data,
            format!("this JSON can't be read: {message}"),
        )
        .at(file, text, error.line().max(1), Some(error.column().max(1)))
    })?;
    Ok(nul::without_in(value))
}

/// Reads a CSV file (RFC 4180) with a line of headings into a list of tables of strings.
pub(crate) fn csv(file: &str, text: &str) -> Result<Value, Error> {
    let mut rows = csv_rows(text).ok_or_else(|| {
        Error::new(ErrorKind::Data, "a quoted field of this CSV never ends").in_file(file)
    })?;
    if rows.is_empty() {
        return Ok(Value::Array(Vec::new()));
    }
    let headings = rows.remove(0);
    // The tables cost far more than the rows.
    if rows.len().saturating_mul(headings.len()) > MOST_VALUES {
        return Err(too_many(file));
    }
    let table = |row: Vec<String>| {
        let cells = headings
            .iter()
            .cloned()
            .zip(row.into_iter().map(Value::String));
        Value::Object(cells.collect())
    };
    Ok(Value::Array(rows.into_iter().map(table).collect()))
}

fn csv_rows(text: &str) -> Option<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            _ => field.push(c),
        }
    }
    if quoted {
        return None;
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows.retain(|row| row.iter().any(|field| !field.is_empty()));
    Some(rows)
}

fn from_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        // JSON has no such numbers.
        toml::Value::Float(number) if !number.is_finite() => Value::String(number.to_string()),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        // A date is text here, as in YAML: whoever wants a date reads one with its time zone.
        toml::Value::Datetime(date) => Value::String(date.to_string()),
        toml::Value::Array(items) => items.into_iter().map(from_toml).collect(),
        toml::Value::Table(table) => table
            .into_iter()
            .map(|(key, value)| (key, from_toml(value)))
            .collect::<Table>()
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_yaml_error_is_placed_in_the_whole_file() {
        let text = "---\ntitle: ok\ntags: [a\n---\nbody\n";
        let part = "title: ok\ntags: [a\n";
        let error = yaml(ErrorKind::FrontMatter, "a.md", text, part, 2).unwrap_err();
        let place = error.place.unwrap();
        assert!(matches!(place.line, Some(3..=4)), "{place:?}");
    }

    #[test]
    fn data_in_yaml_is_of_the_core_schema() {
        let text = "country: no\nis: true\nv: 1.10\nhex: 0x1F\nzip: 01067\nsum: 1_000\n\
            n: 12\ninf: .inf\nlist: [on, y]\nnul: \"a\\0b\"\n";
        let value = yaml(ErrorKind::Data, "a.yml", text, text, 1).unwrap();
        let expected = json!({
            "country": "no", "is": true, "v": 1.1, "hex": 31, "zip": "01067", "sum": "1_000",
            "n": 12, "inf": ".inf", "list": ["on", "y"], "nul": "a\u{fffd}b"
        });
        assert_eq!(value, expected);
        assert_eq!(
            json("a.json", r#"{"a\u0000": "\u0000"}"#).unwrap(),
            json!({"a\u{fffd}": "\u{fffd}"})
        );
    }

    #[test]
    fn toml_keeps_order_and_dates_as_text() {
        let text = "b = 2026-01-02\na = [1, 2.5, true]\n[c]\nd = 'x'\n";
        let table = toml(ErrorKind::Data, "a.toml", text, text, 0).unwrap();
        let expected = json!({"b": "2026-01-02", "a": [1, 2.5, true], "c": {"d": "x"}});
        assert_eq!(
            serde_json::to_string(&table).unwrap(),
            serde_json::to_string(&expected).unwrap()
        );
    }

    #[test]
    fn csv_has_quotes_and_line_ends_of_windows() {
        let text = "name,says\r\nAda,\"a \"\"b\"\", c\"\r\n\nBob,\n";
        assert_eq!(
            csv("a.csv", text).unwrap(),
            json!([{"name": "Ada", "says": "a \"b\", c"}, {"name": "Bob", "says": ""}])
        );
        assert!(csv("a.csv", "a\n\"b").is_err());
    }
}
