//! Plain text out of what others have written: HTML without its tags, on one line, of a bounded length, and
//! with nothing that a terminal obeys or that changes the order of what stands around it.

/// The text of a piece of HTML, on one line of at most `most` characters.
pub(crate) fn text_of(html: &str, most: usize) -> String {
    line(&entities(&without_tags(html, most)), most)
}

/// One line of at most `most` characters: white space is one space, and what can't be seen is left out.
pub(crate) fn line(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut count = 0;
    let mut space = false;
    for c in text.chars() {
        if c.is_whitespace() {
            space = count > 0;
            continue;
        }
        if is_hidden(c) {
            continue;
        }
        let need = 1 + usize::from(space);
        if count + need > most {
            // A cut is shown, in the place of the last character.
            if count == most {
                out.pop();
            }
            out.truncate(out.trim_end().len());
            out.push('…');
            break;
        }
        if std::mem::take(&mut space) {
            out.push(' ');
        }
        out.push(c);
        count += need;
    }
    out
}

/// Whether a character controls, reorders or hides others.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// HTML without tags, comments, and what is in elements that show nothing. Some more than `most` characters
/// are enough.
fn without_tags(html: &str, most: usize) -> String {
    let enough = most.saturating_mul(8).saturating_add(4096);
    let mut out = String::new();
    let mut rest = html;
    // Whether an element's end may still be found: it is looked for in all that is left, but not again and again.
    let mut hidden = [("script", true), ("style", true), ("template", true)];
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        if out.len() > enough {
            return out;
        }
        rest = &rest[at..];
        let after = rest[1..].chars().next();
        let end = if rest.starts_with("<!--") {
            rest.find("-->").map(|end| end + 3)
        } else if after.is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
            end_of_tag(rest)
        } else {
            // Not a tag.
            out.push('<');
            rest = &rest[1..];
            continue;
        };
        let Some(end) = end else {
            return out;
        };
        let mut end = end;
        for (name, is_closed) in &mut hidden {
            if *is_closed && begins_with(&rest[1..], name) {
                match find_ignoring_case(&rest[end..], &format!("</{name}")) {
                    Some(at) => end += at,
                    None => *is_closed = false,
                }
            }
        }
        // A less-than sign and what follows the tag must not become a tag.
        let parts_words = !is_within_a_word(rest) || out.ends_with('<');
        rest = &rest[end..];
        if parts_words {
            out.push(' ');
        }
    }
    out.push_str(rest);
    out
}

/// Elements that a browser shows within a line, so that they do not part words. The phrasing content of HTML
/// that is not replaced by something else, such as an image.
const WITHIN_WORDS: [&str; 26] = [
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins",
    "kbd", "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "u", "wbr",
];

/// Whether the tag that `tag` begins with, or a comment, can be in the middle of a word.
fn is_within_a_word(tag: &str) -> bool {
    let name = tag[1..].strip_prefix('/').unwrap_or(&tag[1..]);
    name.starts_with("!--") || WITHIN_WORDS.iter().any(|within| begins_with(name, within))
}

/// Where a tag ends; a `>` in a quoted value is not its end.
fn end_of_tag(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') if tag[..at].ends_with('=') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

fn begins_with(tag: &str, name: &str) -> bool {
    let bytes = tag.as_bytes();
    let ends = bytes
        .get(name.len())
        .is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'-');
    bytes.len() >= name.len() && bytes[..name.len()].eq_ignore_ascii_case(name.as_bytes()) && ends
}

/// Where `needle`, in lower case, is in `text` for the first time, in any case.
pub(crate) fn find_ignoring_case(text: &str, needle: &str) -> Option<usize> {
    let needle = needle.as_bytes();
    let mut windows = text.as_bytes().windows(needle.len());
    windows.position(|window| window.eq_ignore_ascii_case(needle))
}

/// Text with character references resolved, once.
pub(crate) fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        // The longest name is short.
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        match end.and_then(|end| Some((end, entity(&rest[1..end])?))) {
            Some((end, c)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The character of a reference: those that XML has, those of numbers, and the ones of HTML that are common
/// in titles.
pub(crate) fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return code.ok().and_then(char::from_u32).filter(|c| *c != '\0');
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "bdquo" => '„',
        "laquo" => '«',
        "raquo" => '»',
        "middot" => '·',
        "bull" => '•',
        "copy" => '©',
        "times" => '×',
        "auml" => 'ä',
        "ouml" => 'ö',
        "uuml" => 'ü',
        "Auml" => 'Ä',
        "Ouml" => 'Ö',
        "Uuml" => 'Ü',
        "szlig" => 'ß',
        "eacute" => 'é',
        "egrave" => 'è',
        "agrave" => 'à',
        "ccedil" => 'ç',
        "ntilde" => 'ñ',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn html_becomes_a_line_of_text() {
        for (html, text) in [
            ("<p>One &amp; <b>two</b></p>\n<p>three", "One & two three"),
            (
                "a<script>alert('<b>')</script>b<STYLE>x{}</style >c",
                "a b c",
            ),
            ("x <!-- <b> --> y", "x y"),
            (
                "the file <code>a.md</code>: <b>b</b>old, x<SUP>2</SUP>",
                "the file a.md: bold, x2",
            ),
            (
                "<h2>Now</h2><p>do<br>it<img src=x>well</p><a-b>one</a-b>two",
                "Now do it well one two",
            ),
            ("1 < 2 & 3 > 2", "1 < 2 & 3 > 2"),
            ("<a title=\"a>b\" href='>'>link</a>", "link"),
            ("unfinished <a href=\"", "unfinished"),
            ("&lt;script&gt; stays text", "<script> stays text"),
            ("&#x202e;evil&#7; &#0; &unknown; &", "evil &#0; &unknown; &"),
            ("a\u{202e}b\u{200b}c\x1b[2J", "abc[2J"),
        ] {
            assert_eq!(text_of(html, 100), text, "{html}");
        }
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(line("abcdef", 6), "abcdef");
        assert_eq!(line("abcdefg", 6), "abcde…");
        assert_eq!(line("  ab   cd ", 4), "ab…");
        assert_eq!(line("x".repeat(100_000).as_str(), 3).chars().count(), 3);
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_short_line(text in ".{0,300}", most in 1usize..50) {
            for line in [line(&text, most), text_of(&text, most)] {
                prop_assert!(line.chars().count() <= most);
                prop_assert!(!line.chars().any(|c| is_hidden(c) || c == '\n'));
            }
        }

        #[test]
        fn tags_never_get_through(parts in prop::collection::vec("<|>|/|b|script|=|\"|!--|-->| ", 0..40)) {
            let html = parts.concat();
            let text = without_tags(&html, 1000);
            prop_assert!(find_ignoring_case(&text, "<script").is_none(), "{html}: {text}");
            prop_assert!(find_ignoring_case(&text, "<b").is_none(), "{html}: {text}");
        }
    }

    #[test]
    fn what_can_not_be_seen_is_left_out() {
        assert_eq!(line("a\u{202e}b\u{200b}c\x1b[2J", 100), "abc[2J");
        assert_eq!(
            entities("&lt;b&gt; &amp;amp; &#x41;&#0;&unknown; &"),
            "<b> &amp; A&#0;&unknown; &"
        );
    }
}
