//! Markdown: its lines, and in each what is strong, code or a link.

use super::{Embed, Scanner, lines};
use crate::code::spans::{Class, Painter};

/// A text of Markdown. Its front matter and code have the colours of their own languages.
pub(in crate::code) fn markdown(text: &str, painter: &mut Painter, embed: Embed<'_>) {
    let mut scanner = Scanner::new(text, painter);
    if let Some((fence, language)) =
        [("---", "yaml"), ("+++", "toml")]
            .into_iter()
            .find(|(fence, _)| {
                text.lines()
                    .next()
                    .is_some_and(|line| line.trim_end() == *fence)
            })
        && let Some(end) = closing(text, |line| line.trim_end() == fence)
    {
        block(
            &mut scanner,
            end,
            Class::Annotation,
            &mut |body, painter| {
                embed(language, body, painter);
            },
        );
    }
    while !scanner.rest().is_empty() {
        let rest = scanner.rest();
        let line = rest.split('\n').next().unwrap_or_default();
        let content = line.trim_start();
        let fence: String = content
            .chars()
            .take_while(|c| matches!(c, '`' | '~'))
            .collect();
        if fence.len() >= 3 {
            let info = &content[fence.len()..];
            let language = info
                .trim_start_matches([' ', '{', '.'])
                .split(|c: char| c.is_whitespace() || matches!(c, ',' | '{' | '}' | ':'))
                .next()
                .unwrap_or_default();
            let end = closing(rest, |line| {
                line.trim().starts_with(&fence)
                    && line.trim().trim_start_matches(['`', '~']).is_empty()
            });
            block(
                &mut scanner,
                end.unwrap_or(rest.len()),
                Class::Annotation,
                &mut |body, painter| {
                    embed(language, body, painter);
                },
            );
        } else {
            line_of(&mut scanner, line, content);
            let left = scanner.rest().len().min(1);
            scanner.take(left, Class::Plain);
        }
    }
}

/// Where the line starts that closes what the first line of `text` opens.
fn closing(text: &str, closes: impl Fn(&str) -> bool) -> Option<usize> {
    let mut at = 0;
    for (number, (line, end)) in lines(text).enumerate() {
        if number > 0 && closes(line) {
            return Some(at);
        }
        at += line.len() + end.len();
    }
    None
}

/// Reads a line, the body up to the byte `end`, and the line there.
fn block(
    scanner: &mut Scanner<'_, '_>,
    end: usize,
    class: Class,
    body: &mut dyn FnMut(&str, &mut Painter),
) {
    let end = scanner.at + end;
    scanner.take_past("\n", class);
    let length = end.saturating_sub(scanner.at);
    body(&scanner.rest()[..length], scanner.painter);
    scanner.take(length, Class::Plain);
    scanner.take_while(class, |c| c != '\n');
}

fn line_of(scanner: &mut Scanner<'_, '_>, line: &str, content: &str) {
    let end = scanner.at + line.len();
    scanner.take(line.len() - content.len(), Class::Plain);
    let hashes = content.len() - content.trim_start_matches('#').len();
    if (1..=6).contains(&hashes) && content[hashes..].chars().next().is_none_or(|c| c == ' ') {
        scanner.take(content.len(), Class::Heading);
        return;
    }
    let is_rule = |sign: char| {
        content.chars().filter(|c| *c == sign).count() >= 3
            && content.chars().all(|c| c == sign || c == ' ')
    };
    if is_rule('-') || is_rule('*') || is_rule('_') || is_rule('=') {
        scanner.take(content.len(), Class::Keyword);
        return;
    }
    // Quotes and lists can stand in each other.
    while let Some(length) = marker(&line[line.len() - (end - scanner.at)..]) {
        scanner.take(length, Class::Keyword);
    }
    while scanner.at < end {
        let left = end - scanner.at;
        inline(scanner, left);
    }
}

/// How long the marker of a list or a quote is that `text` begins with, with the space behind it.
fn marker(text: &str) -> Option<usize> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let sign = text[digits..].chars().next()?;
    let length = match sign {
        '>' if digits == 0 => return Some(1 + usize::from(text[1..].starts_with(' '))),
        '-' | '*' | '+' if digits == 0 => 1,
        '.' | ')' if digits > 0 => digits + 1,
        '[' if ["[ ] ", "[x] ", "[X] "]
            .iter()
            .any(|task| text.starts_with(task)) =>
        {
            3
        }
        _ => return None,
    };
    text[length..].starts_with(' ').then_some(length + 1)
}

/// Reads the next part of a line of which `left` bytes are left.
fn inline(scanner: &mut Scanner<'_, '_>, left: usize) {
    let rest = &scanner.rest()[..left];
    let found = |open: &str, close: &str| {
        let inner = rest.strip_prefix(open)?;
        let length = inner.find(close).filter(|length| *length > 0)?;
        Some(open.len() + length + close.len())
    };
    for (open, close, class) in [
        ("`", "`", Class::String),
        ("**", "**", Class::Strong),
        ("__", "__", Class::Strong),
        ("*", "*", Class::Emphasis),
        ("<!--", "-->", Class::Comment),
        ("<http", ">", Class::Link),
        ("</", ">", Class::Type),
        ("{{", "}}", Class::Annotation),
        ("{%", "%}", Class::Annotation),
        ("](", ")", Class::Link),
        ("[^", "]", Class::Link),
        ("[[", "]]", Class::Link),
    ] {
        // A star between spaces is none of stress.
        let is_sign = open != "*" || !rest.starts_with("* ");
        if rest.starts_with(open)
            && is_sign
            && let Some(length) = found(open, close)
        {
            let bracket = usize::from(open == "](");
            scanner.take(bracket, Class::Plain);
            scanner.take(length - bracket, class);
            return;
        }
    }
    if rest.starts_with('\\') && rest[1..].starts_with(|c: char| c.is_ascii_punctuation()) {
        scanner.take(2, Class::Escape);
        return;
    }
    // A word at a time: `_` in a word is no stress.
    if rest.starts_with('_')
        && let Some(length) = found("_", "_")
        && !rest[length..].starts_with(char::is_alphanumeric)
    {
        scanner.take(length, Class::Emphasis);
        return;
    }
    if rest.starts_with(char::is_alphanumeric) {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        scanner.take(end.unwrap_or(left), Class::Plain);
    } else {
        scanner.take_char(Class::Plain);
    }
}
