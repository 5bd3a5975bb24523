//! Languages whose colours need no grammar: they go by lines or by words, or the grammar that
//! there is costs more than it gives (docs/highlighting.md).

pub(super) mod console;
pub(super) mod css;
pub(super) mod lines;
pub(super) mod markdown;
pub(super) mod templates;
pub(super) mod words;

use super::spans::{Class, Painter};

/// Paints code of another language, which begins where the painter is.
pub(super) type Embed<'a> = &'a mut dyn FnMut(&str, &str, &mut Painter);

/// Reads `text` from its start and paints what was read.
struct Scanner<'a, 'p> {
    text: &'a str,
    at: usize,
    /// Where `text` begins in the whole code.
    from: usize,
    painter: &'p mut Painter,
}

impl<'a, 'p> Scanner<'a, 'p> {
    fn new(text: &'a str, painter: &'p mut Painter) -> Self {
        Self {
            text,
            at: 0,
            from: painter.at(),
            painter,
        }
    }

    /// What has not been read yet.
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Reads `length` bytes, which end between characters, as `class`.
    fn take(&mut self, length: usize, class: Class) -> &'a str {
        let text = &self.rest()[..length];
        self.at += length;
        self.painter.fill(self.from + self.at, class);
        text
    }

    /// Reads one character as `class`.
    fn take_char(&mut self, class: Class) {
        let length = self.peek().map_or(0, char::len_utf8);
        self.take(length, class);
    }

    /// Reads all of the rest for which `is` holds.
    fn take_while(&mut self, class: Class, is: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        self.take(rest.find(|c| !is(c)).unwrap_or(rest.len()), class)
    }

    /// Reads up to the first `end` and that too, or everything.
    fn take_past(&mut self, end: &str, class: Class) -> &'a str {
        let rest = self.rest();
        let length = rest.find(end).map_or(rest.len(), |at| at + end.len());
        self.take(length, class)
    }

    /// Reads a string from its opening to its closing `quote`, or to the end of the line unless it
    /// may be `long`. What stands behind a backslash does not end it.
    fn take_string(&mut self, quote: &str, escapes: bool, long: bool) {
        self.take(quote.len(), Class::String);
        while let Some(c) = self.peek() {
            if self.rest().starts_with(quote) {
                self.take(quote.len(), Class::String);
                return;
            }
            if c == '\n' && !long {
                return;
            }
            if c == '\\' && escapes {
                let length = self.rest().chars().take(2).map(char::len_utf8).sum();
                self.take(length, Class::Escape);
            } else {
                self.take_char(Class::String);
            }
        }
    }
}

/// Each line of `text` without its end, and the end.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split_inclusive('\n').map(|line| {
        let content = line.trim_end_matches(['\n', '\r']);
        line.split_at(content.len())
    })
}
