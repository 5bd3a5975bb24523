//! Tags in the text of a template, found without Tera: they are looked at when it can't read them.

/// A tag: `{% ... %}` or `{{ ... }}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// Where it begins, at its braces.
    pub(super) start: usize,
    /// What it begins with.
    pub(super) opening: &'static str,
    /// What stands between its ends, without the dashes and spaces there.
    pub(super) inside: &'a str,
    /// Whether it ends.
    pub(super) is_closed: bool,
}

impl<'a> Tag<'a> {
    /// The first word of a `{% ... %}`.
    pub(super) fn word(&self) -> &'a str {
        if self.opening != "{%" {
            return "";
        }
        let end = self.inside.find(|c: char| !c.is_alphanumeric() && c != '_');
        &self.inside[..end.unwrap_or(self.inside.len())]
    }

    /// What follows the first word.
    pub(super) fn rest(&self) -> &'a str {
        self.inside[self.word().len()..].trim()
    }
}

/// The tags of `body`, outside of comments and `{% raw %}`.
pub(super) fn all(body: &str) -> Vec<Tag<'_>> {
    let mut tags = Vec::new();
    let mut at = 0;
    while let Some(found) = body[at..].find('{') {
        let start = at + found;
        let rest = &body[start..];
        if rest.starts_with("{#") {
            at = start + rest.find("#}").map_or(rest.len(), |end| end + 2);
            continue;
        }
        let (opening, closing) = match rest {
            _ if rest.starts_with("{%") => ("{%", "%}"),
            _ if rest.starts_with("{{") => ("{{", "}}"),
            _ => {
                at = start + 1;
                continue;
            }
        };
        let inner = &rest[2..];
        let end = end_of(inner, closing);
        let tag = Tag {
            start,
            opening,
            inside: inner[..end.unwrap_or_else(|| first_line(inner))]
                .trim_matches('-')
                .trim(),
            is_closed: end.is_some(),
        };
        at = match end {
            Some(end) => start + 2 + end + 2,
            None => start + 2,
        };
        if tag.word() == "raw" {
            let end = body[at..].find("endraw");
            let end = end.and_then(|end| body[at..at + end].rfind("{%"));
            at = end.map_or(body.len(), |end| at + end);
        }
        tags.push(tag);
    }
    tags
}

/// No tag is longer. Without a bound a file full of braces would be read again from each of them.
const LONGEST: usize = 16 << 10;

/// Where `closing` stands in `inner`, outside of quotes and before another tag begins.
fn end_of(inner: &str, closing: &str) -> Option<usize> {
    let mut quote = None;
    let bytes = inner.as_bytes();
    for at in 0..bytes.len().min(LONGEST) {
        match (quote, bytes[at]) {
            (Some(open), byte) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, byte @ (b'"' | b'\'' | b'`')) => quote = Some(byte),
            (None, _) if bytes[at..].starts_with(closing.as_bytes()) => return Some(at),
            (None, _) if bytes[at..].starts_with(b"{%") => return None,
            (None, _) => {}
        }
    }
    None
}

fn first_line(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
}

/// The tag that is open at the byte `at`.
pub(super) fn at(body: &str, at: usize) -> Option<Tag<'_>> {
    let tags = all(body);
    tags.into_iter().rev().find(|tag| tag.start <= at)
}

/// The tags before the byte `end` that need an end and have none yet, outermost first.
pub(super) fn open_at(body: &str, end: usize) -> Vec<Tag<'_>> {
    let mut open: Vec<Tag<'_>> = Vec::new();
    for tag in all(body) {
        if tag.start >= end {
            break;
        }
        match tag.word() {
            "if" | "for" | "block" | "filter" | "raw" | "component" => open.push(tag),
            "set" | "set_global" if !tag.inside.contains('=') => open.push(tag),
            word => {
                let closed = word.strip_prefix("end");
                if closed.is_some() && open.last().map(Tag::word) == closed {
                    open.pop();
                }
            }
        }
    }
    open
}

/// The byte at a line and a column (both from 1, in characters).
pub(super) fn offset(body: &str, line: usize, column: usize) -> usize {
    let mut start = 0;
    for _ in 1..line {
        match body[start..].find('\n') {
            Some(end) => start += end + 1,
            None => break,
        }
    }
    let mut chars = body[start..].char_indices();
    match chars.nth(column.saturating_sub(1)) {
        Some((at, _)) => start + at,
        None => body.len(),
    }
}

/// The word that begins at the byte `at`, or the one character there.
pub(super) fn word_at(body: &str, at: usize) -> &str {
    let rest = body.get(at..).unwrap_or_default();
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
    match end {
        Some(0) => &rest[..rest.chars().next().map_or(0, char::len_utf8)],
        Some(end) => &rest[..end],
        None => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_where_they_are_tags() {
        let body = "{# {% x %} #}{% raw %}{{ a }}{% endraw %}{{- \"%}}\" -}}{ {%if b%}";
        let found: Vec<&str> = all(body).iter().map(|tag| tag.inside).collect();
        assert_eq!(found, ["raw", "endraw", "\"%}}\"", "if b"]);
    }

    #[test]
    fn what_is_open_and_what_is_never_closed() {
        let body = "{% if a %}{% endif %}{%- for b in c -%}{% if d %}x{% endif %}";
        let open = open_at(body, body.len());
        assert_eq!((open.len(), open[0].word(), open[0].start), (1, "for", 21));
        assert!(open_at("{% set x = 1 %}{{ y", 99).is_empty());
        assert_eq!(open_at("{% set x %}", 99).len(), 1);
        assert!(!all("a {{ y")[0].is_closed);
    }

    #[test]
    fn places_and_words() {
        assert_eq!(offset("ab\nä{{ x", 2, 5), 8);
        assert_eq!(offset("ab", 9, 9), 2);
        assert_eq!(word_at("a.limit_2: x", 2), "limit_2");
        assert_eq!(word_at("a.é", 1), ".");
        assert_eq!(word_at("a", 5), "");
    }
}
