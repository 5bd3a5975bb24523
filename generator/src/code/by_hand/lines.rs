//! Languages of which a line alone says what it is: diffs and settings.

use super::{Embed, Scanner, lines};
use crate::code::spans::{Class, Painter};

/// A diff, as `diff -u` and git write it.
pub(in crate::code) fn diff(text: &str, painter: &mut Painter, _: Embed<'_>) {
    let mut scanner = Scanner::new(text, painter);
    // Inside of a hunk `---` is a line that was taken away.
    let mut is_in_hunk = false;
    for (line, end) in lines(text) {
        let is_head = ["+++ ", "--- "].iter().any(|start| line.starts_with(start));
        let class = if line.starts_with("@@") {
            is_in_hunk = true;
            Class::Keyword
        } else if line.starts_with("diff ") || line.starts_with("index ") {
            is_in_hunk = false;
            Class::Annotation
        } else if is_head && !is_in_hunk {
            Class::Annotation
        } else if line.starts_with(['+', '>']) {
            Class::Inserted
        } else if line.starts_with(['-', '<']) {
            Class::Deleted
        } else if line.starts_with('\\') {
            Class::Comment
        } else {
            Class::Plain
        };
        scanner.take(line.len(), class);
        scanner.take(end.len(), Class::Plain);
    }
}

/// Settings: `[section]`, `key = value`, comments behind `;` or `#`.
pub(in crate::code) fn ini(text: &str, painter: &mut Painter, _: Embed<'_>) {
    let mut scanner = Scanner::new(text, painter);
    for (line, end) in lines(text) {
        let next = scanner.at + line.len() + end.len();
        let content = line.trim_start();
        scanner.take(line.len() - content.len(), Class::Plain);
        if content.starts_with([';', '#', '!']) {
            scanner.take(content.len(), Class::Comment);
        } else if content.starts_with('[') {
            scanner.take(content.trim_end().len(), Class::Type);
        } else if let Some(sign) = content.find(['=', ':']) {
            let key = content[..sign].trim_end();
            scanner.take(key.len(), Class::Property);
            scanner.take(sign - key.len() + 1, Class::Plain);
            let value = &content[sign + 1..];
            let space = value.len() - value.trim_start().len();
            scanner.take(space, Class::Plain);
            scanner.take(value.trim().len(), value_class(value.trim()));
        }
        scanner.take(next - scanner.at, Class::Plain);
    }
}

fn value_class(value: &str) -> Class {
    let is_number = value.starts_with(|c: char| c.is_ascii_digit())
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
    let constants = ["true", "false", "yes", "no", "on", "off", "null"];
    if is_number
        || constants
            .iter()
            .any(|known| value.eq_ignore_ascii_case(known))
    {
        Class::Number
    } else {
        Class::String
    }
}
