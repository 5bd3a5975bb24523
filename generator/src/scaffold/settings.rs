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

/// A setting that is changed here.
#[derive(Debug, Clone, Copy)]
enum Setting {
    Address,
    PublishSource,
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
    #[derive(Deserialize)]
    struct Places {
        address: Option<Spanned<String>>,
        title: Option<Spanned<String>>,
        publish_source: Option<Spanned<bool>>,
    }
    let places: Places = toml::from_str(text)
        .map_err(|error| data::toml_error(ErrorKind::Config, config::FILE, text, 0, &error))?;
    let title = places.title.map(|title| title.span());
    let address = places.address.map(|address| address.span());
    // The old value, and after what a new one is put.
    let (name, old, after): (_, Option<Range<usize>>, _) = match setting {
        Setting::Address => ("address", address, title),
        Setting::PublishSource => {
            let old = places.publish_source.map(|old| old.span());
            ("publish_source", old, address.or(title))
        }
    };
    if let Some(old) = old {
        return Ok(format!("{}{value}{}", &text[..old.start], &text[old.end..]));
    }
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
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
}
