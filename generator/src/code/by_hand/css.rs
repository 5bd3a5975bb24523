//! Style sheets: CSS, SCSS and Less. By hand, because posts show parts of them that no grammar
//! takes for whole ones.

use super::{Embed, Scanner};
use crate::code::spans::{Class, Painter};

/// A style sheet.
pub(in crate::code) fn css(text: &str, painter: &mut Painter, _: Embed<'_>) {
    let mut scanner = Scanner::new(text, painter);
    let mut part = Part::Start;
    let mut depth = 0;
    while let Some(c) = scanner.peek() {
        let rest = scanner.rest();
        if rest.starts_with("/*") {
            scanner.take_past("*/", Class::Comment);
            continue;
        }
        // Not the `//` of an address.
        if rest.starts_with("//") && !scanner.text[..scanner.at].ends_with(':') {
            scanner.take_while(Class::Comment, |c| c != '\n');
            continue;
        }
        if c == '"' || c == '\'' {
            scanner.take_string(&rest[..1], true, false);
            part = part.or_value();
            continue;
        }
        if part == Part::Start && !c.is_whitespace() && !matches!(c, '}' | ';' | '@' | '$') {
            part = Part::of(rest);
        }
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            // The braces of `#{$name}` do not end anything.
            '#' if rest.starts_with("#{") => {
                scanner.take(2, Class::Plain);
                let name = scanner.rest().find('}').unwrap_or(scanner.rest().len());
                scanner.take(name, Class::Property);
                let left = scanner.rest().len().min(1);
                scanner.take(left, Class::Plain);
                continue;
            }
            '{' | '}' => (part, depth) = (Part::Start, 0),
            ';' if depth <= 0 => part = Part::Start,
            ':' if part == Part::Name => part = Part::Value,
            _ => {}
        }
        part = token(&mut scanner, c, part, depth > 0);
    }
}

/// In what the scanner is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Where a rule or a declaration can begin.
    Start,
    Selector,
    /// The name of a declaration.
    Name,
    Value,
}

impl Part {
    /// What begins with `rest`: a declaration if a semicolon or the end comes before a brace.
    fn of(rest: &str) -> Self {
        let mut rest = rest;
        while let Some(at) = rest.find(['{', ';', '}', '#']) {
            match rest.as_bytes()[at] {
                b'{' => return Self::Selector,
                b'#' if rest[at..].starts_with("#{") => {
                    rest = rest[at..].split_once('}').map_or("", |(_, after)| after);
                }
                b'#' => rest = &rest[at + 1..],
                _ => return Self::Name,
            }
        }
        Self::Name
    }

    fn or_value(self) -> Self {
        if self == Self::Start {
            Self::Value
        } else {
            self
        }
    }
}

/// Reads one token and says in what the next is.
fn token(scanner: &mut Scanner<'_, '_>, c: char, part: Part, in_parens: bool) -> Part {
    let rest = scanner.rest();
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let name = |from: usize| {
        let tail = &rest[from..];
        from + tail.find(|c| !is_name(c)).unwrap_or(tail.len())
    };
    let starts_number = |text: &str| {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let digits = digits.strip_prefix('.').unwrap_or(digits);
        digits.starts_with(|c: char| c.is_ascii_digit())
    };
    match (c, part) {
        ('@', _) if name(1) > 1 => {
            scanner.take(name(1), Class::Keyword);
            return Part::Value;
        }
        ('$', _) if name(1) > 1 => {
            scanner.take(name(1), Class::Property);
            return if part == Part::Start {
                Part::Name
            } else {
                part
            };
        }
        ('.' | '#', Part::Selector) if name(1) > 1 => {
            scanner.take(name(1), Class::Function);
        }
        (':', Part::Selector) => {
            let colons = if rest.starts_with("::") { 2 } else { 1 };
            scanner.take(name(colons), Class::Annotation);
        }
        ('[', Part::Selector) => {
            scanner.take(1, Class::Plain);
            scanner.take_while(Class::Property, is_name);
        }
        ('#', _) if name(1) > 1 => {
            scanner.take(name(1), Class::Number);
        }
        ('!', _) if name(1) > 1 => {
            scanner.take(name(1), Class::Keyword);
        }
        ('%' | '&', Part::Selector) => {
            scanner.take(1, Class::Type);
        }
        (_, _) if part != Part::Name && starts_number(rest) => {
            let end = rest[1..].find(|c: char| !c.is_alphanumeric() && c != '.' && c != '%');
            scanner.take(end.map_or(rest.len(), |end| end + 1), Class::Number);
        }
        (_, _) if is_name(c) => {
            let end = name(0);
            let class = match part {
                _ if rest[end..].starts_with('(') => Class::Function,
                Part::Name => Class::Property,
                Part::Selector => Class::Type,
                _ if rest.starts_with("--") => Class::Property,
                // `(max-width: 40rem)`
                _ if in_parens && rest[end..].starts_with(':') => Class::Property,
                _ => Class::Plain,
            };
            scanner.take(end, class);
        }
        _ => scanner.take_char(Class::Plain),
    }
    part
}
