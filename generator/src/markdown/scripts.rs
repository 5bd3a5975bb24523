//! Super- and subscript inside of words, as Pandoc has it: `x^2^`, `H~2~O`. The parser only
//! knows them between words.

use super::spans::{Kind, Span};

/// Longer is none.
const MAX: usize = 64;

/// The super- or subscript that begins at `start`.
pub(super) fn script(text: &str, start: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    let mark = bytes[start];
    // `[^1]` is a footnote, `~~` strikes out, and a backslash makes it text.
    let before = start.checked_sub(1).map(|at| bytes[at]);
    if before.is_some_and(|before| before == mark || before == b'[' || before == b'\\') {
        return None;
    }
    let inner = bytes[start + 1..].iter().take(MAX);
    let len = inner.take_while(|byte| is_plain(**byte)).count();
    let end = start + 1 + len;
    let ends = len > 0 && bytes.get(end) == Some(&mark) && bytes.get(end + 1) != Some(&mark);
    ends.then(|| Span {
        range: start..end + 1,
        kind: if mark == b'^' {
            Kind::Superscript
        } else {
            Kind::Subscript
        },
    })
}

/// Whether a byte means nothing else in Markdown and is no space. Part of a character counts.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b"+-.,:;/()=%#!?'".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_stands_between_two_marks() {
        let found = |text: &'static str| {
            let starts = text.char_indices().filter(|(_, c)| "^~".contains(*c));
            let spans = starts.filter_map(|(at, _)| script(text, at));
            spans.map(|span| &text[span.range]).next()
        };
        for (text, expected) in [
            ("x^2^", Some("^2^")),
            ("H~2~O", Some("~2~")),
            ("x^-1/2^", Some("^-1/2^")),
            ("1^ère^", Some("^ère^")),
            ("2^3 and 4^5", None),
            ("[^1] [^2]", None),
            ("~~a~~ ^^b^^ c^^ ~/d", None),
            ("x\\^2^", None),
            ("x^*2*^", None),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }
}
