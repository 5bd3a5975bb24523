//! Tags and attributes of finished HTML, found as a browser finds them.

use std::ops::Range;

use crate::html as entities;

/// An attribute of a tag.
pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    /// Where its value stands, quotes not counted.
    pub(super) value: Option<Range<usize>>,
    /// Where it ends.
    pub(super) end: usize,
}

/// The attribute after `at` in a tag; `None` at the end of the tag.
pub(super) fn next_attribute(html: &str, at: usize) -> Option<Attribute<'_>> {
    let start = end_of(html, at, |c| !c.is_ascii_whitespace() && c != b'/');
    if start >= html.len() || html.as_bytes()[start] == b'>' {
        return None;
    }
    // A name may start with an equals sign, but not hold one.
    let name_end = end_of(html, start + 1, |c| {
        c.is_ascii_whitespace() || matches!(c, b'=' | b'>' | b'/')
    });
    let name = html.get(start..name_end).unwrap_or_default();
    let equals = end_of(html, name_end, |c| !c.is_ascii_whitespace());
    if html.as_bytes().get(equals) != Some(&b'=') {
        return Some(Attribute {
            name,
            value: None,
            end: name_end,
        });
    }
    let start = end_of(html, equals + 1, |c| !c.is_ascii_whitespace());
    let (value, end) = match html.as_bytes().get(start) {
        Some(quote @ (b'"' | b'\'')) => {
            let close = end_of(html, start + 1, |c| c == *quote);
            (start + 1..close, (close + 1).min(html.len()))
        }
        _ => {
            let close = end_of(html, start, |c| c.is_ascii_whitespace() || c == b'>');
            (start..close, close)
        }
    };
    Some(Attribute {
        name,
        value: Some(value),
        end,
    })
}

/// The first place from `at` on whose byte is as `wanted`, else the end. All that is asked for
/// are ASCII characters, so that the place is the start of a character.
pub(super) fn end_of(html: &str, at: usize, wanted: impl Fn(u8) -> bool) -> usize {
    let bytes = html.as_bytes().get(at..).unwrap_or_default();
    match bytes.iter().position(|byte| wanted(*byte)) {
        Some(found) => at + found,
        None => html.len(),
    }
}

/// Where the element `name`, whose content starts at `at`, is closed.
pub(super) fn close_of(html: &str, at: usize, name: &str) -> usize {
    let mut from = at;
    while let Some(found) = html[from..].find("</").map(|found| from + found) {
        let after = found + 2;
        if html
            .get(after..after + name.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(name))
        {
            return found;
        }
        from = after;
    }
    html.len()
}

/// Puts the ids that elements of `html` have, and the names of its anchors, into `ids`.
pub(crate) fn ids(html: &str, ids: &mut Vec<String>) {
    let mut at = 0;
    while let Some(open) = html[at..].find('<').map(|found| at + found) {
        at = open + 1;
        if !html[at..].starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        let name = &html[at..];
        let is_anchor =
            name.starts_with(['a', 'A']) && !name[1..].starts_with(char::is_alphanumeric);
        at = end_of(html, at, |c| {
            c.is_ascii_whitespace() || c == b'>' || c == b'/'
        });
        while let Some(attribute) = next_attribute(html, at) {
            at = attribute.end;
            let is_id = attribute.name.eq_ignore_ascii_case("id")
                || (is_anchor && attribute.name.eq_ignore_ascii_case("name"));
            if let Some(value) = attribute.value.filter(|_| is_id) {
                ids.push(entities::decode(&html[value]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_ids() {
        let mut found = Vec::new();
        ids(
            "<p ID=a class='id=\"x\"'>id=\"y\"<a name=\"b&amp;c\"><b name=d></p id=e><i id",
            &mut found,
        );
        assert_eq!(found, ["a", "b&c"]);
    }
}
