//! Code as HTML.

use super::lines::Look;
use super::spans::{Class, Span};
use crate::html;

/// Writes `<code>` with `code` in it, coloured by `spans`.
pub(super) fn push_code(out: &mut String, language: &str, code: &str, spans: &[Span], look: &Look) {
    if language.is_empty() {
        out.push_str("<code>");
    } else {
        out.push_str("<code class=\"language-");
        out.push_str(&html::escape(language));
        out.push_str("\">");
    }
    if look.is_by_line() {
        push_lines(out, code, spans, look);
    } else {
        for (class, text) in parts(code, spans) {
            push_part(out, class, text);
        }
    }
    out.push_str("</code>");
}

/// Writes each line as an element of its own. Colours that go over several lines are closed and
/// opened again.
fn push_lines(out: &mut String, code: &str, spans: &[Span], look: &Look) {
    let width = look.numbered_from.map(|first| {
        let count = u32::try_from(code.lines().count()).unwrap_or(u32::MAX);
        let last = first.saturating_add(count.saturating_sub(1));
        last.to_string().len()
    });
    let mut parts = parts(code, spans);
    let mut part = parts.next();
    for (line, at) in code.split_inclusive('\n').zip(1_u32..) {
        let element = Element::of(at, look);
        element.open(out, look.numbered_from, at, width);
        let mut left = line.len();
        while left > 0
            && let Some((class, text)) = part
        {
            // Both end between characters: a line at its line feed, a part where a span ends.
            let (now, later) = text.split_at(text.len().min(left));
            left -= now.len();
            if element != Element::Hidden {
                push_part(out, class, now);
            }
            part = if later.is_empty() {
                parts.next()
            } else {
                Some((class, later))
            };
        }
        element.close(out);
    }
}

/// What stands around a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    Hidden,
    Mark,
    Span,
    None,
}

impl Element {
    fn of(at: u32, look: &Look) -> Self {
        if look.hidden.contains(at) {
            Self::Hidden
        } else if look.marked.contains(at) {
            Self::Mark
        } else if look.numbered_from.is_some() {
            Self::Span
        } else {
            Self::None
        }
    }

    fn open(self, out: &mut String, first: Option<u32>, at: u32, width: Option<usize>) {
        out.push_str(match self {
            Self::Hidden | Self::None => return,
            Self::Mark => "<mark class=\"line\"",
            Self::Span => "<span class=\"line\"",
        });
        if let (Some(first), Some(width)) = (first, width) {
            let number = u64::from(first) + u64::from(at) - 1;
            out.push_str(&format!(" data-line=\"{number:>width$}\""));
        }
        out.push('>');
    }

    fn close(self, out: &mut String) {
        out.push_str(match self {
            Self::Hidden | Self::None => "",
            Self::Mark => "</mark>",
            Self::Span => "</span>",
        });
    }
}

/// The parts of `code` with their classes; neighbours differ, none is empty.
fn parts<'a>(code: &'a str, spans: &'a [Span]) -> impl Iterator<Item = (Class, &'a str)> {
    let mut rest = code;
    let mut spans = spans.iter().copied().peekable();
    std::iter::from_fn(move || {
        let mut class = Class::Plain;
        let mut length = 0;
        while let Some(span) = spans.next_if(|span| length == 0 || span.class == class) {
            class = span.class;
            length += span.length as usize;
        }
        if spans.peek().is_none() && (length == 0 || class == Class::Plain) {
            (class, length) = (Class::Plain, rest.len());
        }
        let (part, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        rest = after;
        (!part.is_empty()).then_some((class, part))
    })
}

fn push_part(out: &mut String, class: Class, text: &str) {
    match class.name() {
        // White space has no colour.
        Some(name) if !text.trim_ascii().is_empty() => {
            out.push_str("<span class=\"");
            out.push_str(name);
            out.push_str("\">");
            push_text(out, text);
            out.push_str("</span>");
        }
        _ => push_text(out, text),
    }
}

/// Writes `text` where HTML expects text: no tag and no entity can begin in it.
pub(super) fn push_text(out: &mut String, text: &str) {
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let entity = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        out.push_str(entity);
        from = at + 1;
    }
    out.push_str(&text[from..]);
}
