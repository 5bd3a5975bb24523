//! Changes single settings.

use std::fs;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::{Spanned, Value};

use crate::config;
use crate::data;
use crate::error::{Error, ErrorKind};
use crate::files;

/// Sets `address` in the `skep.toml` of `dir`. Everything else in it stays as it is, to the byte,
/// and the file is replaced in one step.
pub fn set_address(dir: &Path, address: &str) -> Result<(), Error> {
    set(dir, Setting::Address, &Value::String(address.to_owned()))
}

/// Sets `publish_source` in the `skep.toml` of `dir`, as carefully as [`set_address`].
pub fn set_publish_source(dir: &Path, publish: bool) -> Result<(), Error> {
    set(dir, Setting::PublishSource, &Value::Boolean(publish))
}

/// Settings of somebody else's site, as a fork of it has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopted {
    /// The text of its `skep.toml`.
    pub text: String,
    /// Where the other site says it is on the web: the fork is not there.
    pub url: Option<String>,
}

/// The text of a `skep.toml` for a fork that has the address `address` and was made from the version `origin`. What only
/// the author of the other site can say is left out: where it is on the web, and that its sources may be published.
/// All else stays as it is, to the byte.
pub fn adopt(text: &str, address: &str, origin: &str) -> Result<Adopted, Error> {
    let places = Places::of(text)?;
    let newline = newline(text);
    let url = places.url.as_ref().map(|url| url.get_ref().clone());
    let mut lines: Vec<(Range<usize>, String)> = Vec::new();
    if let Some(url) = places.url {
        // Always the same words: a later merge has nothing to say about them.
        let instead =
            format!("# url = \"https://example.org\"    # where this fork is on the web{newline}");
        lines.push((statement(text, &url.span()), instead));
    }
    if let Some(publish) = places.publish_source {
        lines.push((statement(text, &publish.span()), String::new()));
    }
    lines.sort_by_key(|(line, _)| std::cmp::Reverse(line.start));
    let mut text = text.to_owned();
    for (line, instead) in lines {
        text.replace_range(line, &instead);
    }
    let text = with(&text, Setting::Address, &Value::String(address.to_owned()))?;
    let text = with(&text, Setting::Origin, &Value::String(origin.to_owned()))?;
    Ok(Adopted { text, url })
}

/// The text of a `skep.toml` with another `origin`. All else stays as it is, to the byte.
pub fn with_origin(text: &str, origin: &str) -> Result<String, Error> {
    with(text, Setting::Origin, &Value::String(origin.to_owned()))
}

/// The lines of a statement at the top that has its value at `value`.
fn statement(text: &str, value: &Range<usize>) -> Range<usize> {
    let start = text[..value.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[value.end..].find('\n');
    start..end.map_or(text.len(), |at| value.end + at + 1)
}

fn newline(text: &str) -> &'static str {
    match text.contains("\r\n") {
        true => "\r\n",
        false => "\n",
    }
}

/// A setting that is changed here.
#[derive(Debug, Clone, Copy)]
enum Setting {
    Address,
    Origin,
    PublishSource,
}

/// Where the settings stand that matter here.
#[derive(Deserialize)]
struct Places {
    address: Option<Spanned<String>>,
    origin: Option<Spanned<String>>,
    title: Option<Spanned<String>>,
    url: Option<Spanned<String>>,
    publish_source: Option<Spanned<bool>>,
}

impl Places {
    fn of(text: &str) -> Result<Self, Error> {
        toml::from_str(text)
            .map_err(|error| data::toml_error(ErrorKind::Config, config::FILE, text, 0, &error))
    }
}

fn set(dir: &Path, setting: Setting, value: &Value) -> Result<(), Error> {
    let path = dir.join(config::FILE);
    config::read(dir)?;
    let old = fs::read_to_string(&path)
        .map_err(|error| Error::io(format_args!("read {}", config::FILE), &error))?;
    let new = with(&old, setting, value)?;
    files::replace(&path, new.as_bytes())
        .map_err(|error| Error::io(format_args!("write {}", config::FILE), &error))
}

/// The text of a `skep.toml` with a setting.
fn with(text: &str, setting: Setting, value: &Value) -> Result<String, Error> {
    let places = Places::of(text)?;
    let title = places.title.map(|title| title.span());
    let address = places.address.map(|address| address.span());
    // The old value, and after what a new one is put.
    let (name, old, after): (_, Option<Range<usize>>, _) = match setting {
        Setting::Address => ("address", address, title),
        Setting::Origin => {
            let old = places.origin.map(|old| old.span());
            ("origin", old, address.or(title))
        }
        Setting::PublishSource => {
            let old = places.publish_source.map(|old| old.span());
            ("publish_source", old, address.or(title))
        }
    };
    if let Some(old) = old {
        return Ok(format!("{}{value}{}", &text[..old.start], &text[old.end..]));
    }
    let newline = newline(text);
    let mut before = match after {
        // After the line of the other, which can't stand in a table.
        Some(other) => match text[other.end..].find('\n') {
            Some(end) => other.end + end + 1,
            None => text.len(),
        },
        None => first_statement(text),
    };
    let mut line = format!("{name} = {value}{newline}");
    if before > 0 && !text[..before].ends_with('\n') {
        line.insert_str(0, newline);
    }
    while !text.is_char_boundary(before) {
        before += 1;
    }
    Ok(format!("{}{line}{}", &text[..before], &text[before..]))
}

/// Where the first line starts that is neither empty nor a comment: no table can be open there.
fn first_statement(text: &str) -> usize {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_start_matches('\u{feff}').trim();
        if !trimmed.is_empty() && !trimmed.starts_with('#') {
            return at;
        }
        at += line.len();
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_goes_in_and_nothing_else_changes() {
        for (old, new) in [
            (
                "title = 'T' # c\nx = 1\n",
                "title = 'T' # c\naddress = \"A\"\nx = 1\n",
            ),
            ("title = 'T'", "title = 'T'\naddress = \"A\"\n"),
            ("", "address = \"A\"\n"),
            (
                "# c\n\n[build]\nengine = 'tera'\n",
                "# c\n\naddress = \"A\"\n[build]\nengine = 'tera'\n",
            ),
            (
                "x = 1\r\ntitle = 'T'\r\n",
                "x = 1\r\ntitle = 'T'\r\naddress = \"A\"\r\n",
            ),
            (
                "address  =  'old' # mine\n[t]\naddress = 'other'\n",
                "address  =  \"A\" # mine\n[t]\naddress = 'other'\n",
            ),
            (
                "title = '''\naddress = \"no\"\n'''\n",
                "title = '''\naddress = \"no\"\n'''\naddress = \"A\"\n",
            ),
        ] {
            let a = Value::String("A".into());
            assert_eq!(with(old, Setting::Address, &a).unwrap(), new);
            assert_eq!(with(new, Setting::Address, &a).unwrap(), new, "again");
        }
    }

    #[test]
    fn whether_sources_are_published_goes_in_beside_the_address() {
        let yes = Value::Boolean(true);
        for (old, new) in [
            (
                "title = 'T'\naddress = 'A' # mine\n[x]\ny = 1\n",
                "title = 'T'\naddress = 'A' # mine\npublish_source = true\n[x]\ny = 1\n",
            ),
            (
                "publish_source = false # for now\n",
                "publish_source = true # for now\n",
            ),
            (
                "[x]\npublish_source = 1\n",
                "publish_source = true\n[x]\npublish_source = 1\n",
            ),
        ] {
            assert_eq!(with(old, Setting::PublishSource, &yes).unwrap(), new);
        }
    }

    #[test]
    fn a_fork_has_an_address_and_an_origin_of_its_own_and_nobody_elses_url() {
        for (theirs, ours, url) in [
            (
                "title = 'T'\naddress = 'A' # theirs\nurl = 'https://a.org' # c\npublish_source = true\nx = 1\n",
                "title = 'T'\naddress = \"B\" # theirs\norigin = \"A+1\"\n# url = \"https://example.org\"    # where this fork is on the web\nx = 1\n",
                Some("https://a.org"),
            ),
            (
                "address = 'A'\r\norigin = 'O+7'\r\n[t]\r\nurl = 'x'\r\npublish_source = true\r\n",
                "address = \"B\"\r\norigin = \"A+1\"\r\n[t]\r\nurl = 'x'\r\npublish_source = true\r\n",
                None,
            ),
            (
                "url = \"\"\"\nhttps://a.org\"\"\"\naddress = 'A'",
                "# url = \"https://example.org\"    # where this fork is on the web\naddress = \"B\"\norigin = \"A+1\"\n",
                Some("https://a.org"),
            ),
            ("", "address = \"B\"\norigin = \"A+1\"\n", None),
        ] {
            let adopted = adopt(theirs, "B", "A+1").unwrap();
            assert_eq!(adopted.text, ours);
            assert_eq!(adopted.url.as_deref(), url);
            let again = adopt(&adopted.text, "B", "A+1").unwrap();
            assert_eq!((again.text.as_str(), again.url), (ours, None), "again");
        }
        assert!(adopt("title = [", "B", "A+1").is_err());
    }
}
