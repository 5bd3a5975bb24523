//! Writes the site's address into its settings.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::config;
use crate::data;
use crate::error::{Error, ErrorKind};
use crate::files;

/// Sets `address` in the `skep.toml` of `dir`. Everything else in it stays as it is, to the byte,
/// and the file is replaced in one step.
pub fn set_address(dir: &Path, address: &str) -> Result<(), Error> {
    let path = dir.join(config::FILE);
    config::read(dir)?;
    let old = fs::read_to_string(&path)
        .map_err(|error| Error::io(format_args!("read {}", config::FILE), &error))?;
    let new = with_address(&old, address)?;
    files::replace(&path, new.as_bytes())
        .map_err(|error| Error::io(format_args!("write {}", config::FILE), &error))
}

/// The text of a `skep.toml` with `address` set.
fn with_address(text: &str, address: &str) -> Result<String, Error> {
    #[derive(Deserialize)]
    struct Places {
        address: Option<Spanned<String>>,
        title: Option<Spanned<String>>,
    }
    let places: Places = toml::from_str(text)
        .map_err(|error| data::toml_error(ErrorKind::Config, config::FILE, text, 0, &error))?;
    let value = toml::Value::String(address.to_owned()).to_string();
    if let Some(old) = places.address {
        let span = old.span();
        return Ok(format!(
            "{}{value}{}",
            &text[..span.start],
            &text[span.end..]
        ));
    }
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut before = match places.title {
        // After the line of the title, which can't stand in a table.
        Some(title) => match text[title.span().end..].find('\n') {
            Some(end) => title.span().end + end + 1,
            None => text.len(),
        },
        None => first_statement(text),
    };
    let mut line = format!("address = {value}{newline}");
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
            assert_eq!(with_address(old, "A").unwrap(), new);
            assert_eq!(with_address(new, "A").unwrap(), new, "again");
        }
    }
}
