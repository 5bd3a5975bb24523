//! The front matter of a file: YAML between `---` or TOML between `+++`.

use std::sync::Arc;

use jiff::Zoned;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::data::{self, Table};
use crate::dates;
use crate::error::{Error, ErrorKind};
use crate::written::{self, Written};

/// The settings at the head of a file.
#[derive(Debug, Clone)]
pub(crate) struct FrontMatter {
    /// The keys, in the order in which they were written.
    pub(crate) table: Table,
    /// What the numbers and truths in it look like in the file.
    written: Arc<Written>,
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
    let mut table = match split.format {
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
    let written = match split.format {
        Format::Toml => written::of_toml(split.matter, &table),
        Format::Yaml => written::of_yaml(split.matter, &table),
    };
    for key in TEXTS {
        if let (Some(value), Some(source)) = (table.get_mut(key), written.get(key)) {
            as_written(value, source);
        }
    }
    Ok(FrontMatter {
        table,
        written: Arc::new(written),
        file: file.to_owned(),
        head: text[..split.body_start].into(),
    })
}

impl FrontMatter {
    /// The front matter of a file that has none.
    pub(crate) fn empty(file: &str) -> Self {
        Self {
            table: Table::new(),
            written: Arc::default(),
            file: file.to_owned(),
            head: "".into(),
        }
    }

    /// The text under `key`, as it is written: a title may be `1984`, `1.10` or `yes`.
    pub(crate) fn string(&self, key: &str) -> Result<Option<String>, Error> {
        let written = match self.written.get(key) {
            Some(written::Source::One(text)) => Some(text.as_str()),
            _ => None,
        };
        match self.table.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match scalar(value, written) {
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
        let written = self.written.get(key);
        match self.table.get(key) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(items)) => {
                let written = |index: usize| match written {
                    Some(written::Source::Many(texts)) => texts.get(index)?.as_deref(),
                    _ => None,
                };
                let items = items.iter().enumerate();
                items
                    .filter(|(_, item)| !item.is_null())
                    .map(|(index, item)| scalar(item, written(index)).ok_or_else(wrong))
                    .collect()
            }
            Some(value) => {
                let written = match written {
                    Some(written::Source::One(text)) => Some(text.as_str()),
                    _ => None,
                };
                let text = scalar(value, written).ok_or_else(wrong)?;
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
            // What begins with a zero is a text in YAML, so that it is shown as it is written.
            Some(value) => match value.as_f64().or_else(|| value.as_str()?.parse().ok()) {
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

/// The keys that templates show as texts. Other numbers and truths stay what they are.
const TEXTS: [&str; 18] = [
    "title",
    "subtitle",
    "description",
    "summary",
    "excerpt",
    "author",
    "authors",
    "tag",
    "tags",
    "category",
    "categories",
    "slug",
    "permalink",
    "aliases",
    "redirect_from",
    "image",
    "layout",
    "lang",
];

/// Makes the text of `value` that its source is. `true` and `false` stay: a template asks whether
/// there is an `image`, and `image: false` says no.
fn as_written(value: &mut Value, source: &written::Source) {
    let put = |value: &mut Value, text: &str| {
        let is_plain = text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
        let is_truth = value.is_boolean() && is_plain;
        let is_infinite = value.as_str().is_some_and(written::is_infinite);
        if value.is_number() || is_infinite || (value.is_boolean() && !is_truth) {
            *value = Value::String(text.to_owned());
        }
    };
    match (value, source) {
        (Value::Array(items), written::Source::Many(texts)) => {
            for (item, text) in items.iter_mut().zip(texts) {
                if let Some(text) = text {
                    put(item, text);
                }
            }
        }
        (value, written::Source::One(text)) => put(value, text),
        _ => {}
    }
}

/// `value` as a text: as it is `written`, where that is known.
fn scalar(value: &Value, written: Option<&str>) -> Option<String> {
    match (value, written) {
        (Value::String(text), Some(written)) if written::is_infinite(text) => {
            Some(written.to_owned())
        }
        (Value::String(text), _) => Some(text.clone()),
        (Value::Number(_) | Value::Bool(_), Some(written)) => Some(written.to_owned()),
        (Value::Number(number), None) => Some(number.to_string()),
        (Value::Bool(flag), None) => Some(flag.to_string()),
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
    fn texts_are_kept_as_they_are_written() {
        for text in [
            "1.10",
            "0x1F",
            "yes",
            "no",
            "1_000",
            "1e3",
            "007",
            "-0",
            "+1",
            "True",
            "0.0",
            "0o14",
            "123456789012345678901234567890",
            "1.0e400",
            "7e55555",
            ".inf",
            "on",
            "y",
            "12:30",
            "2026-01-02",
        ] {
            let yaml = read(&format!(
                "---\ntitle: {text} # c\ntags: [{text}, a, {text}]\nauthors:\n  - {text}\n\
                 slug: &s !x {text}\nown: {text}\nlayout: *s\n---\n"
            ));
            assert_eq!(yaml.string("title").unwrap().as_deref(), Some(text));
            assert_eq!(yaml.strings("tags").unwrap(), [text, "a", text]);
            assert_eq!(yaml.names("authors").unwrap(), [text]);
            assert_eq!(yaml.string("slug").unwrap().as_deref(), Some(text));
            assert_eq!(yaml.string("layout").unwrap().as_deref(), Some(text));
            assert_eq!(yaml.strings("own").unwrap(), [text]);
        }
        for text in ["1.10", "0x1F", "1_000", "true", "1e3", "inf", "0.0"] {
            let toml = read(&format!("+++\ntitle = {text}\ntags = [{text}, 'a']\n+++\n"));
            assert_eq!(toml.string("title").unwrap().as_deref(), Some(text));
            assert_eq!(toml.strings("tags").unwrap(), [text, "a"]);
        }
    }

    #[test]
    fn what_is_no_text_stays_what_it_is() {
        let front = read("---\ndescription: 1.10\ncomments: no\nv: 1.10\nimage: false\n---\n");
        let table = Value::Object(front.table);
        let expected = serde_json::json!(
            {"description": "1.10", "comments": false, "v": 1.1, "image": false}
        );
        assert_eq!(table, expected);
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
