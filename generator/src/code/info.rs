//! What stands behind the fence of a code block: the language, then how it is to look.
//!
//! Writers come from other generators, so their ways of saying it are all understood: Zola's
//! `rust,linenos,hl_lines=2-4 7`, Hugo's `rust {linenos=true, hl_lines=["2-4",7]}`, MkDocs'
//! `python linenums="1"`, Pandoc's `{.haskell .numberLines startFrom="100"}`, the `js{2-4}` of
//! many and the `rust:src/main.rs` and `js [main.js]` of a few. What none of them knows and skep
//! neither is passed over, because rustdoc, mdBook and others put words of their own there.

use super::lines::{Lines, Look};
use crate::error::did_you_mean;

/// What stands behind a fence, understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Info {
    /// The language as it is written, or nothing.
    pub(super) language: String,
    /// A title for the reader, mostly the name of a file.
    pub(super) title: Option<String>,
    pub(super) look: Look,
    /// What is odd, each a sentence without a full stop.
    pub(super) notes: Vec<String>,
}

/// The options that have a meaning here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Numbers,
    NoNumbers,
    Start,
    Marked,
    Hidden,
    Title,
}

/// The names of options, without what tells `hl_lines` from `hlLines`.
const KEYS: &[(&str, Key)] = &[
    ("linenos", Key::Numbers),
    ("lineno", Key::Numbers),
    ("linenums", Key::Numbers),
    ("linenumbers", Key::Numbers),
    ("numberlines", Key::Numbers),
    ("showlinenumbers", Key::Numbers),
    ("nolinenumbers", Key::NoNumbers),
    ("nolinenos", Key::NoNumbers),
    ("linenostart", Key::Start),
    ("startfrom", Key::Start),
    ("startline", Key::Start),
    ("startlinenumber", Key::Start),
    ("firstline", Key::Start),
    ("hllines", Key::Marked),
    ("highlight", Key::Marked),
    ("emphasizelines", Key::Marked),
    ("mark", Key::Marked),
    ("hidelines", Key::Hidden),
    ("title", Key::Title),
    ("caption", Key::Title),
    ("filename", Key::Title),
    ("file", Key::Title),
    ("name", Key::Title),
];

/// So many bytes are read.
const MAX_LENGTH: usize = 4096;

/// Reads `info`. It never fails: what can't be understood becomes a note.
pub(super) fn parse(info: &str) -> Info {
    let mut parsed = Info::default();
    let mut rest = info.trim();
    if rest.len() > MAX_LENGTH {
        rest = &rest[..rest.floor_char_boundary(MAX_LENGTH)];
        let note = format!("only the first {MAX_LENGTH} bytes behind the fence are read");
        parsed.notes.push(note);
    }
    let mut reader = Reader { rest, depth: 0 };
    let mut start = 1;
    let mut is_numbered = false;
    // The list that a bare `7` goes on with.
    let mut list = None;
    while let Some(token) = reader.next() {
        let (name, value) = match token {
            Token::Title(title) => {
                parsed.title = Some(title);
                continue;
            }
            Token::Word(name) => (name, None),
            Token::Option(name, value) => (name, Some(value)),
        };
        if value.is_none()
            && let Some(lines) = lines_of(&mut parsed.look, list, reader.depth)
            && lines.add(name)
        {
            continue;
        }
        let key = key(name);
        list = key.filter(|key| matches!(key, Key::Marked | Key::Hidden));
        match (key, value.as_deref()) {
            (Some(Key::Numbers), value) => match value.map(|value| value.to_ascii_lowercase()) {
                Some(value) if ["false", "no", "off", "0"].contains(&value.as_str()) => {
                    is_numbered = false;
                }
                value => {
                    is_numbered = true;
                    start = value.and_then(|value| value.parse().ok()).unwrap_or(start);
                }
            },
            (Some(Key::NoNumbers), _) => is_numbered = false,
            (Some(Key::Start), Some(value)) => match value.parse() {
                Ok(number) => start = number,
                Err(_) => parsed
                    .notes
                    .push(format!("'{value}' is no number of a line")),
            },
            (Some(Key::Title), Some(value)) if !value.is_empty() => {
                parsed.title = Some(value.to_owned());
            }
            (Some(Key::Marked | Key::Hidden), Some(value)) => {
                if let Some(lines) = lines_of(&mut parsed.look, list, reader.depth) {
                    add_lines(lines, value, &mut parsed.notes);
                }
            }
            // An id is for links. The first word that is nothing else is the language.
            (_, None) if parsed.language.is_empty() && !name.starts_with('#') => {
                set_language(&mut parsed, name, &mut is_numbered, &mut start);
            }
            (None, Some(_)) => {
                if let Some(meant) = misspelt(name) {
                    let note =
                        format!("code blocks have no option '{name}'; did you mean '{meant}'?");
                    parsed.notes.push(note);
                }
            }
            _ => {}
        }
    }
    parsed.look.numbered_from = is_numbered.then_some(start);
    parsed
}

/// The list of lines that an item belongs to: that of the option before it, else the marked
/// ones if it stands in braces.
fn lines_of(look: &mut Look, list: Option<Key>, depth: usize) -> Option<&mut Lines> {
    match list {
        Some(Key::Hidden) => Some(&mut look.hidden),
        Some(_) => Some(&mut look.marked),
        None => (depth > 0).then_some(&mut look.marked),
    }
}

fn add_lines(lines: &mut Lines, value: &str, notes: &mut Vec<String>) {
    let separator = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '\'');
    for item in value.split(separator).filter(|item| !item.is_empty()) {
        if !lines.add(item) {
            notes.push(format!(
                "'{item}' is no line or range of lines such as 2 or 4-7"
            ));
        }
    }
}

/// Takes `word` for the language; behind a colon may stand a file's name.
fn set_language(parsed: &mut Info, word: &str, is_numbered: &mut bool, start: &mut u32) {
    let word = word.strip_prefix('.').unwrap_or(word);
    let (language, more) = word.split_once(':').unwrap_or((word, ""));
    language.clone_into(&mut parsed.language);
    let (name, value) = more.split_once('=').unwrap_or((more, ""));
    match key(name) {
        Some(Key::Numbers) => {
            *is_numbered = true;
            *start = value.parse().unwrap_or(*start);
        }
        Some(_) => {}
        None if !more.is_empty() => parsed.title = Some(more.to_owned()),
        None => {}
    }
}

fn key(name: &str) -> Option<Key> {
    let plain: String = name
        .chars()
        .filter(|c| !matches!(c, '-' | '_' | '.' | ':'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    KEYS.iter()
        .find(|(known, _)| *known == plain)
        .map(|(_, key)| *key)
}

/// The option that `name` was meant to be, if it looks like one.
fn misspelt(name: &str) -> Option<&'static str> {
    const SPELT: &[&str] = &["linenos", "linenostart", "hl_lines", "hide_lines", "title"];
    did_you_mean(name, SPELT.iter().copied())
}

enum Token<'a> {
    Word(&'a str),
    Option(&'a str, String),
    /// What stands in brackets of its own.
    Title(String),
}

/// Cuts an info string into words and options.
struct Reader<'a> {
    rest: &'a str,
    /// In how many braces `rest` starts.
    depth: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let c = self.rest.chars().next()?;
            match c {
                '{' => self.depth += 1,
                '}' => self.depth = self.depth.saturating_sub(1),
                '[' => {
                    let title = self.until(']');
                    if !title.is_empty() {
                        return Some(Token::Title(title));
                    }
                    continue;
                }
                '"' | '\'' => {
                    // A quoted line in a list is one; other quoted text has no meaning here.
                    let text = self.rest;
                    let quoted = self.until(c).len();
                    let start = c.len_utf8();
                    return Some(Token::Word(&text[start..start + quoted]));
                }
                ',' | ';' | ']' | '=' => {}
                c if c.is_whitespace() => {}
                _ => return Some(self.word()),
            }
            self.rest = &self.rest[c.len_utf8()..];
        }
    }

    /// A word, and its value if it has one.
    fn word(&mut self) -> Token<'a> {
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '{' | '}' | '=');
        let mut end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (mut word, mut rest) = self.rest.split_at(end);
        // `:line-numbers=2` belongs to the language that it follows.
        if word.contains(':') && rest.starts_with('=') {
            let ends = |c: char| ends(c) && c != '=';
            end = self.rest.find(ends).unwrap_or(self.rest.len());
            (word, rest) = self.rest.split_at(end);
        }
        self.rest = rest;
        let Some(value) = rest.strip_prefix('=') else {
            // `showLineNumbers{10}`
            if rest.starts_with('{') && key(word).is_some() {
                return Token::Option(word, self.until('}'));
            }
            return Token::Word(word);
        };
        self.rest = value;
        let value = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => self.until(quote),
            Some('[') => self.until(']'),
            Some('{') => self.until('}'),
            _ => {
                let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '}');
                let end = value.find(ends).unwrap_or(value.len());
                self.rest = &value[end..];
                value[..end].to_owned()
            }
        };
        Token::Option(word, value.trim().to_owned())
    }

    /// Reads past an opening character to `close`, or to the end.
    fn until(&mut self, close: char) -> String {
        let mut chars = self.rest.chars();
        chars.next();
        let inner = chars.as_str();
        let (text, rest) = inner.split_once(close).unwrap_or((inner, ""));
        self.rest = rest;
        text.to_owned()
    }
}

#[cfg(test)]
mod tests;
