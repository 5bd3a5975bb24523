//! What a terminal shows: prompts, commands, and what they print.

use super::{Embed, Scanner, lines};
use crate::code::spans::{Class, Painter};

/// A session in a terminal. Without any prompt in it all of it is commands.
pub(in crate::code) fn console(text: &str, painter: &mut Painter, embed: Embed<'_>) {
    if !lines(text).any(|(line, _)| prompt(line).is_some()) {
        embed("bash", text, painter);
        return;
    }
    let mut scanner = Scanner::new(text, painter);
    while !scanner.rest().is_empty() {
        let rest = scanner.rest();
        let line_end = rest.find('\n').unwrap_or(rest.len());
        let Some(prompt) = prompt(&rest[..line_end]) else {
            scanner.take(line_end, Class::Plain);
            scanner.take(usize::from(line_end < rest.len()), Class::Plain);
            continue;
        };
        scanner.take(prompt, Class::Annotation);
        // A command goes on behind a backslash.
        let rest = scanner.rest();
        let mut end = rest.find('\n').unwrap_or(rest.len());
        while rest[..end].ends_with('\\') && end < rest.len() {
            let next = &rest[end + 1..];
            end += 1 + next.find('\n').unwrap_or(next.len());
        }
        embed("bash", &rest[..end], scanner.painter);
        scanner.take(end, Class::Plain);
    }
}

/// How long the prompt is that `line` begins with.
fn prompt(line: &str) -> Option<usize> {
    for short in ["$ ", "# ", "% ", "> ", "❯ ", "➜ "] {
        if line.starts_with(short) {
            return Some(short.len());
        }
    }
    // `me@here:~/site$ `
    let sign = line.find(['$', '#'])?;
    let before = &line[..sign];
    let is_place = before.contains('@') && !before.contains(char::is_whitespace);
    (is_place && line[sign + 1..].starts_with(' ')).then_some(sign + 2)
}
