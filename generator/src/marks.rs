//! What the Markdown writer leaves in its HTML for the finishing pass: links to other sources,
//! whose URLs only the whole site knows, and calls of components.
//!
//! A mark carries all that it needs, so that the HTML can stand on any page. A link's mark is
//! the value of an attribute; Markdown's own URLs never look like one, because braces and
//! spaces in them are always percent-encoded. A call's mark is a comment.

use std::borrow::Cow;
use std::fmt::Write;

use crate::names::decoded;

/// The mark of a link, in place of its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkMark<'a> {
    pub(crate) kind: LinkKind,
    /// The URL as the author wrote it, which stays if there is no such source. What follows the
    /// first `?` or `#` of it belongs to the URL of the source too.
    pub(crate) written: Cow<'a, str>,
    /// The path of the source from the site's root, or the name of a wiki link with its heading.
    pub(crate) target: Cow<'a, str>,
    /// The path of the source if the author wrote a name and no URL: `#`, `?` and `%` mean
    /// themselves.
    pub(crate) literal: Option<Cow<'a, str>>,
}

/// What is linked, and how its target is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LinkKind {
    /// A source by its path.
    Link,
    /// An image by its path; it is given its width and height.
    Image,
    /// A page by its title, slug or file.
    Wiki,
}

const LINK_START: &str = "{skep:";
const COMMENT_START: &str = "<!--skep:";
const CALL_START: &str = "<!--skep:call ";

impl LinkKind {
    fn letter(self) -> char {
        match self {
            Self::Link => 'l',
            Self::Image => 'i',
            Self::Wiki => 'w',
        }
    }
}

/// Writes the mark of a link into an attribute. It holds nothing that any escaping changes.
pub(crate) fn push_link(
    out: &mut String,
    kind: LinkKind,
    written: &str,
    target: &str,
    literal: Option<&str>,
) {
    out.push_str(LINK_START);
    out.push(kind.letter());
    for part in [written, target].into_iter().chain(literal) {
        out.push(' ');
        push_encoded(out, part);
    }
    out.push('}');
}

/// The mark that the value of an attribute is, if it is one.
pub(crate) fn link(value: &str) -> Option<LinkMark<'_>> {
    let inner = value.strip_prefix(LINK_START)?.strip_suffix('}')?;
    let mut parts = inner.split(' ');
    let kind = match parts.next()? {
        "l" => LinkKind::Link,
        "i" => LinkKind::Image,
        "w" => LinkKind::Wiki,
        _ => return None,
    };
    let (written, target) = (parts.next()?, parts.next()?);
    let literal = match parts.next() {
        Some(literal) => Some(decoded(literal)?),
        None => None,
    };
    (parts.next().is_none()).then_some(LinkMark {
        kind,
        written: decoded(written)?,
        target: decoded(target)?,
        literal,
    })
}

/// Writes the mark of call number `index` of the source at `path`.
pub(crate) fn push_call(out: &mut String, path: &str, index: usize) {
    let _ = write!(out, "{CALL_START}{index} ");
    push_encoded(out, path);
    out.push_str("-->");
}

/// The source and the number of the call whose mark the comment is, if it is one.
pub(crate) fn call(comment: &str) -> Option<(Cow<'_, str>, usize)> {
    let inner = comment.strip_prefix(CALL_START)?.strip_suffix("-->")?;
    let (index, path) = inner.split_once(' ')?;
    Some((decoded(path)?, index.parse().ok()?))
}

/// `html` of the author's own, so that no comment in it is taken for a mark.
pub(crate) fn without_comments(html: &str) -> Cow<'_, str> {
    if html.contains(COMMENT_START) {
        Cow::Owned(html.replace(COMMENT_START, "<!-- skep:"))
    } else {
        Cow::Borrowed(html)
    }
}

fn push_encoded(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn marks_can_be_read(target in ".*", written in ".*", has_literal: bool, index: usize) {
            for kind in [LinkKind::Link, LinkKind::Image, LinkKind::Wiki] {
                let mut out = String::new();
                let literal = has_literal.then_some(written.as_str());
                push_link(&mut out, kind, &written, &target, literal);
                prop_assert_eq!(&crate::html::escape(&out), &out);
                let expected = LinkMark {
                    kind,
                    written: written.as_str().into(),
                    target: target.as_str().into(),
                    literal: literal.map(Cow::Borrowed),
                };
                prop_assert_eq!(link(&out), Some(expected));
            }
            let mut out = String::new();
            push_call(&mut out, &target, index);
            prop_assert_eq!(call(&out), Some((Cow::Borrowed(target.as_str()), index)));
        }
    }

    #[test]
    fn other_things_are_no_marks() {
        for value in [
            "",
            "a.md",
            "{skep:}",
            "{skep:l a}",
            "{skep:x a b}",
            "{skep:l a b c d}",
        ] {
            assert_eq!(link(value), None, "{value}");
        }
        for comment in ["<!---->", "<!--skep:call -->", "<!--skep:call x a-->"] {
            assert_eq!(call(comment), None, "{comment}");
        }
        let mut out = String::new();
        push_call(&mut out, "a", 0);
        assert_eq!(call(&without_comments(&out)), None);
    }
}
