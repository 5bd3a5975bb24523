//! Super- and subscript as Pandoc has it: `x^2^`, `H~2~O`. The parser knows them between words
//! only, and takes more for them than is meant: prose has `HEAD~1..HEAD~2`, `3~5` and `^_^`.

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

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
    let range = start..end + 1;
    (ends && is_script(text, &range)).then_some(Span {
        range,
        kind: if mark == b'^' {
            Kind::Superscript
        } else {
            Kind::Subscript
        },
    })
}

/// Whether what is between the two marks of `range` is super- or subscript, and no two places in
/// prose that have a mark each.
pub(super) fn is_script(text: &str, range: &Range<usize>) -> bool {
    let Some(inner) = text.get(range.start + 1..range.end.saturating_sub(1)) else {
        return false;
    };
    let is_base = |c: char| c.is_alphanumeric() || is_combining_mark(c) || ")]}".contains(c);
    let has_base = text[..range.start].ends_with(is_base);
    if inner.contains(char::is_whitespace) || inner.contains("..") {
        return false;
    }
    if !inner.contains(char::is_alphanumeric) {
        // A charge, a star or a prime is something's own: `^-^` is a face.
        return has_base && inner.chars().all(|c| "+-−±*'′″†‡∞°%".contains(c));
    }
    let may_begin = |c: char| c.is_alphanumeric() || "+-−(*_`[<&\"'$\\".contains(c);
    if !inner.starts_with(may_begin) || inner.ends_with(['.', ',', ':', ';', '/']) {
        return false;
    }
    let after = text[range.end..].chars().next();
    match after.filter(|c| c.is_alphanumeric()) {
        None => true,
        // `^14^C` has no base, and neither has the first number of `~5~10`.
        Some(c) => is_short(inner) && (has_base || c.is_alphabetic()),
    }
}

/// Whether `inner` can be between two marks within a word: digits or letters, and few of them,
/// perhaps with a sign. In `x^2+y^2` and `10~20개월30~40` there is none.
fn is_short(inner: &str) -> bool {
    let plain = inner.trim_matches(['+', '-', '−']);
    let is_one_kind = plain.chars().all(char::is_numeric) || plain.chars().all(char::is_alphabetic);
    is_one_kind && inner.chars().count() <= 4
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
            ("Na^+^Cl^-^", Some("^+^")),
            ("10^-3^mol", Some("^-3^")),
            ("SO~4~^2-^", Some("~4~")),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn two_marks_in_prose_are_no_script() {
        for text in [
            "HEAD~1..HEAD~2",
            "HEAD~2..HEAD~",
            "HEAD^..HEAD^2",
            "HEAD~1,HEAD~2",
            "HEAD~1-HEAD~2",
            "HEAD~1:a/b~2",
            "v1~rc1..v2~rc2",
            "x^2+y^2",
            "x^2+y^2=z^2.",
            "a^=b;c^=d",
            "~/a:~/b",
            "a~,b~",
            "3~5일,10~20일",
            "1月~3月·5月~7月",
            "^_^ ^-^",
            "~5~10",
        ] {
            let marks = text.char_indices().filter(|(_, c)| "^~".contains(*c));
            let found: Vec<_> = marks.filter_map(|(at, _)| script(text, at)).collect();
            assert_eq!(found, [], "{text}");
        }
    }
}
