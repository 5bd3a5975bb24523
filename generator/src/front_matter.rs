//! The front matter of a file: YAML between `---` or TOML between `+++`.

use std::sync::Arc;

use jiff::Zoned;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::data::{self, Table};
use crate::dates;
use crate::error::{Error, ErrorKind};

/// The settings at the head of a file.
#[derive(Debug, Clone)]
pub(crate) struct FrontMatter {
    /// The keys, in the order in which they were written.
    pub(crate) table: Table,
    /// The file, as errors show it.
    file: String,
    /// The file's text up to the body, for the excerpts of errors.
    head: Arc<str>,
}

/// A text that is divided into its front matter and its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Split<'a> {
    pub(crate) format: Format,
    pub(crate) matter: &'a str,
    /// Where the matter starts, in bytes.
    pub(crate) matter_start: usize,
    pub(crate) body: &'a str,
    /// Where the body starts, in bytes.
    pub(crate) body_start: usize,
}

/// The language of front matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Yaml,
    Toml,
}

/// Divides `text`. `None` if it has no front matter, or none that ends.
pub(crate) fn split(text: &str) -> Option<Split<'_>> {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next()?;
    let format = match first.trim_end() {
        "---" => Format::Yaml,
        "+++" => Format::Toml,
        _ => return None,
    };
    let matter_start = first.len();
    let mut at = matter_start;
    for line in lines {
        let ends = match format {
            Format::Yaml => matches!(line.trim_end(), "---" | "..."),
            Format::Toml => line.trim_end() == "+++",
        };
        if ends {
            let body_start = at + line.len();
            return Some(Split {
                format,
                matter: &text[matter_start..at],
                matter_start,
                body: &text[body_start..],
                body_start,
            });
        }
        at += line.len();
    }
    None
}

/// Reads the front matter of `text`, which is the whole of `file`.
pub(crate) fn parse(file: &str, text: &str, split: &Split<'_>) -> Result<FrontMatter, Error> {
    let table = match split.format {
        Format::Toml => data::toml(
            ErrorKind::FrontMatter,
            file,
            text,
            split.matter,
            split.matter_start,
        )?,
        Format::Yaml => match data::yaml(ErrorKind::FrontMatter, file, text, split.matter, 2)? {
            Value::Object(table) => table,
            Value::Null => Table::new(),
            _ => {
                return Err(Error::new(
                    ErrorKind::FrontMatter,
                    "the front matter is not a list of `key: value` lines",
                )
                .at(file, text, 2, None)
                .with_hint("write for example: title: Hello"));
            }
        },
    };
    Ok(FrontMatter {
        table,
        file: file.to_owned(),
        head: text[..split.body_start].into(),
    })
}

impl FrontMatter {
    /// The front matter of a file that has none.
    pub(crate) fn empty(file: &str) -> Self {
        Self {
            table: Table::new(),
            file: file.to_owned(),
            head: "".into(),
        }
    }

    /// The text under `key`. Numbers are taken as they are written: a title may be `1984`.
    pub(crate) fn string(&self, key: &str) -> Result<Option<String>, Error> {
        match self.table.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match scalar(value) {
                Some(text) => Ok(Some(text)),
                None => Err(self.wrong(key, format!("`{key}` has to be a text"))),
            },
        }
    }

    /// The truth value under `key`.
    pub(crate) fn boolean(&self, key: &str) -> Result<Option<bool>, Error> {
        match self.table.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self
                .wrong(key, format!("`{key}` has to be true or false"))
                .with_hint(format!("write {key}: true or {key}: false, without quotes"))),
        }
    }

    /// The texts under `key`: a list, or one text that is divided at its spaces.
    pub(crate) fn strings(&self, key: &str) -> Result<Vec<String>, Error> {
        let wrong = || {
            self.wrong(key, format!("`{key}` has to be a list of words"))
                .with_hint(format!("write {key}: [one, two] or {key}: one two"))
        };
        match self.table.get(key) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .iter()
                .filter(|item| !item.is_null())
                .map(|item| scalar(item).ok_or_else(wrong))
                .collect(),
            Some(value) => {
                let text = scalar(value).ok_or_else(wrong)?;
                Ok(text.split_whitespace().map(str::to_owned).collect())
            }
        }
    }

    /// The texts under `key`: a list, or one text that is whole, such as the name of a person.
    pub(crate) fn names(&self, key: &str) -> Result<Vec<String>, Error> {
        match self.table.get(key) {
            Some(Value::String(name)) => Ok(vec![name.clone()]),
            _ => self.strings(key),
        }
    }

    /// The number under `key`.
    pub(crate) fn number(&self, key: &str) -> Result<Option<f64>, Error> {
        match self.table.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_f64() {
                Some(number) => Ok(Some(number)),
                None => Err(self
                    .wrong(key, format!("`{key}` has to be a number"))
                    .with_hint(format!("write it without quotes, such as {key}: 10"))),
            },
        }
    }

    /// The number under `key`, which counts something and so is at least 1.
    pub(crate) fn count(&self, key: &str) -> Result<usize, Error> {
        let number = self.table.get(key).and_then(Value::as_u64);
        match number.and_then(|number| usize::try_from(number).ok()) {
            Some(number) if number > 0 => Ok(number),
            _ => Err(self
                .wrong(key, format!("`{key}` has to be a number from 1 on"))
                .with_hint(format!("write for example {key}: 10"))),
        }
    }

    /// The date under `key`, in `zone`.
    pub(crate) fn date(&self, key: &str, zone: &TimeZone) -> Result<Option<Zoned>, Error> {
        let Some(text) = self.string(key)? else {
            return Ok(None);
        };
        match dates::parse(&text, zone) {
            Some(date) => Ok(Some(date)),
            None => Err(self
                .wrong(
                    key,
                    format!("`{key}`: '{text}' is not a date that skep can read"),
                )
                .with_hint(
                    "write it as 2026-01-02, 2026-01-02 10:00 or 2026-01-02 10:00:00 +0100",
                )),
        }
    }

    /// An error about the value under `key`, placed at its line.
    pub(crate) fn wrong(&self, key: &str, message: String) -> Error {
        let error = Error::new(ErrorKind::FrontMatter, message);
        let line = self.head.lines().position(|line| {
            line.strip_prefix(key)
                .is_some_and(|rest| rest.trim_start().starts_with([':', '=']))
        });
        match line {
            Some(index) => error.at(&self.file, &self.head, index + 1, None),
            None => error.in_file(&self.file),
        }
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> FrontMatter {
        parse("a.md", text, &split(text).unwrap()).unwrap()
    }

    #[test]
    fn divides_at_the_second_line_of_dashes() {
        let text = "---\r\ntitle: x\r\n---\r\nbody\n---\n";
        let split = split(text).unwrap();
        assert_eq!(split.matter, "title: x\r\n");
        assert_eq!(split.body, "body\n---\n");
        assert_eq!(super::split("+++\na = 1\n+++").unwrap().body, "");
        assert_eq!(super::split("--- x\n---\n"), None);
        assert_eq!(super::split("---\nnever ends\n"), None);
        assert_eq!(super::split(""), None);
    }

    #[test]
    fn yaml_and_toml_say_the_same() {
        let yaml = read("---\ntitle: 1984\ntags: a b\ndate: 2026-01-02\n---\n");
        let toml = read("+++\ntitle = '1984'\ntags = ['a', 'b']\ndate = 2026-01-02\n+++\n");
        for front in [yaml, toml] {
            assert_eq!(front.string("title").unwrap().unwrap(), "1984");
            assert_eq!(front.strings("tags").unwrap(), ["a", "b"]);
            let date = front.date("date", &TimeZone::UTC).unwrap().unwrap();
            assert_eq!(dates::rfc3339(&date), "2026-01-02T00:00:00+00:00");
        }
        assert!(read("---\n---\n").table.is_empty());
    }

    #[test]
    fn a_wrong_value_is_told_with_its_line() {
        let front = read("---\ntitle: x\ndate: soon\ndraft: maybe\ntags: {a: 1}\n---\n");
        let zone = TimeZone::UTC;
        for (error, line) in [
            (front.date("date", &zone).unwrap_err(), 3),
            (front.boolean("draft").unwrap_err(), 4),
            (front.strings("tags").unwrap_err(), 5),
        ] {
            assert_eq!(error.place.clone().unwrap().line, Some(line), "{error}");
            assert!(error.hint.is_some());
        }
    }

    #[test]
    fn front_matter_must_be_a_table() {
        let text = "---\n- a\n---\n";
        let error = parse("a.md", text, &split(text).unwrap()).unwrap_err();
        assert_eq!(error.place.unwrap().line, Some(2));
    }
}
