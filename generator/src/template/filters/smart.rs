//! Quotes, dashes and dots as printers set them.

/// `text` with curly quotes, dashes for `--` and `---`, and an ellipsis for `...`. What stands in the tags of HTML
/// stays.
pub(super) fn smart(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut before = ' ';
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let opens = before.is_whitespace() || "([{-–—\u{2018}\u{201c}".contains(before);
        let (new, length) = match c {
            '<' if rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || "/!".contains(c)) => {
                let end = rest.find('>').map_or(rest.len(), |at| at + 1);
                out.push_str(&rest[..end]);
                rest = &rest[end..];
                continue;
            }
            '-' if rest.starts_with("---") => ('—', 3),
            '-' if rest.starts_with("--") => ('–', 2),
            '.' if rest.starts_with("...") => ('…', 3),
            '"' => (if opens { '\u{201c}' } else { '\u{201d}' }, 1),
            '\'' => (if opens { '\u{2018}' } else { '\u{2019}' }, 1),
            c => (c, c.len_utf8()),
        };
        out.push(new);
        before = new;
        rest = &rest[length..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::smart;

    #[test]
    fn quotes_open_and_close() {
        assert_eq!(
            smart("\"It's 'so' --- he said...\" (\"1--2\")"),
            "“It’s ‘so’ — he said…” (“1–2”)"
        );
        assert_eq!(
            smart("<a title=\"x\">\"b\"</a> 1 < 2"),
            "<a title=\"x\">“b”</a> 1 < 2"
        );
        assert_eq!(smart("<a \""), "<a \"");
    }
}
