//! What a text holds that the parser leaves as it is: URLs, and super- and subscript.

use std::ops::Range;

use memchr::{memchr_iter, memchr2_iter, memmem};

use super::{autolinks, scripts};

/// A part of a text that is more than text, unless it stands in code or HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
}

/// What a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A link, unless it stands in another; with what goes before it in the URL: a scheme, if
    /// it has none of its own.
    Link(&'static str),
    Superscript,
    Subscript,
}

type Find = fn(&str, usize) -> Option<Span>;

/// The spans in `text`, in order; none overlaps another.
pub(super) fn find(text: &str, with_autolinks: bool, with_scripts: bool) -> Vec<Span> {
    let bytes = text.as_bytes();
    let mut places: Vec<(usize, Find)> = Vec::new();
    if with_autolinks {
        let urls = memmem::find_iter(bytes, b"://");
        places.extend(urls.map(|at| (at, autolinks::url as Find)));
        let webs = memmem::find_iter(bytes, b"www.");
        places.extend(webs.map(|at| (at, autolinks::www as Find)));
        places.extend(memchr_iter(b'@', bytes).map(|at| (at, autolinks::mail as Find)));
    }
    if with_scripts {
        places.extend(memchr2_iter(b'^', b'~', bytes).map(|at| (at, scripts::script as Find)));
    }
    places.sort_unstable_by_key(|(at, _)| *at);
    let mut found: Vec<Span> = Vec::new();
    let mut end = 0;
    for (at, find) in places {
        // A place inside of a span is not looked at, or a long row of them would be for ever.
        if at < end {
            continue;
        }
        if let Some(span) = find(text, at).filter(|span| span.range.start >= end) {
            end = span.range.end;
            found.push(span);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn spans_are_whole_and_in_order(text in "([a-z@:/.()&;_~^é ]|www\\.|https://){0,60}") {
            let mut end = 0;
            for span in find(&text, true, true) {
                prop_assert!(span.range.start >= end && !text[span.range.clone()].is_empty());
                prop_assert!(!text[span.range.clone()].contains(char::is_whitespace));
                end = span.range.end;
            }
        }
    }
}
