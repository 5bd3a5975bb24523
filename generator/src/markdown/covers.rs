//! What the parser would take for more than the manual says, and so must not see.
//!
//! The parser reads a definition out of any line that begins with a colon, and attributes out of
//! any braces at the end of a heading. Where the manual asks for more (`: ` and `{#id .class}`), the
//! colon or brace is covered: a NUL, which no text has (see [`super::render`]), stands in its
//! place, so that all offsets stay as they are.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr_iter;
use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag};

use crate::links;

/// A cover may show the parser something new behind it. More often than this nobody writes so.
const MOST_ROUNDS: usize = 8;

/// What the parser is given.
#[derive(Debug)]
pub(super) struct Covers<'a> {
    /// The text, with covers.
    pub(super) text: Cow<'a, str>,
    /// Where the covers are, in order.
    places: Vec<usize>,
    /// What the covers hide, for each of them.
    hidden: Vec<u8>,
    /// The ids in the text's own HTML.
    pub(super) html_ids: Vec<String>,
}

impl<'a> Covers<'a> {
    /// Nothing is covered.
    pub(super) fn none(text: &'a str) -> Self {
        Self {
            text: Cow::Borrowed(text),
            places: Vec::new(),
            hidden: Vec::new(),
            html_ids: Vec::new(),
        }
    }

    /// The covers of `text`, which is read with `options`.
    pub(super) fn of(text: &'a str, options: Options) -> Self {
        let mut covers = Self::none(text);
        let may_have_ids = memchr::memmem::find(text.as_bytes(), b"<").is_some()
            && ["id", "ID", "Id", "name", "NAME"]
                .iter()
                .any(|name| memchr::memmem::find(text.as_bytes(), name.as_bytes()).is_some());
        if !may_have_ids && !has_odd_colon(text) && !has_odd_braces(text) {
            return covers;
        }
        for _ in 0..MOST_ROUNDS {
            let (odd, html) = look(&covers.text, options);
            if covers.html_ids.is_empty() {
                links::ids(&html, &mut covers.html_ids);
            }
            if odd.is_empty() {
                break;
            }
            covers.cover(text, odd);
        }
        covers
    }

    fn cover(&mut self, text: &str, odd: Vec<usize>) {
        self.places.extend(odd);
        self.places.sort_unstable();
        self.places.dedup();
        let hidden = self.places.iter().map(|at| text.as_bytes()[*at]);
        self.hidden = hidden.collect();
        let mut covered = String::with_capacity(text.len());
        let mut at = 0;
        for place in &self.places {
            covered.push_str(&text[at..*place]);
            covered.push('\0');
            at = place + 1;
        }
        covered.push_str(&text[at..]);
        self.text = Cow::Owned(covered);
    }

    /// `event`, which takes up `range`, without covers.
    pub(super) fn lift<'e>(&self, event: Event<'e>, range: &Range<usize>) -> Event<'e> {
        if self.places.is_empty() {
            return event;
        }
        let first = self.places.partition_point(|at| *at < range.start);
        let lift = |text: CowStr<'e>| self.lifted(text, first);
        match event {
            Event::Text(text) => Event::Text(lift(text)),
            Event::Code(text) => Event::Code(lift(text)),
            Event::Html(text) => Event::Html(lift(text)),
            Event::InlineHtml(text) => Event::InlineHtml(lift(text)),
            Event::InlineMath(text) => Event::InlineMath(lift(text)),
            Event::DisplayMath(text) => Event::DisplayMath(lift(text)),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(lift(info))))
            }
            Event::Start(Tag::Link {
                link_type,
                dest_url,
                title,
                id,
            }) => Event::Start(Tag::Link {
                link_type,
                dest_url: lift(dest_url),
                title: lift(title),
                id,
            }),
            Event::Start(Tag::Image {
                link_type,
                dest_url,
                title,
                id,
            }) => Event::Start(Tag::Image {
                link_type,
                dest_url: lift(dest_url),
                title: lift(title),
                id,
            }),
            other => other,
        }
    }

    /// `text` with what its covers hide, the first of which is the one with the number `first`.
    fn lifted<'e>(&self, text: CowStr<'e>, first: usize) -> CowStr<'e> {
        if memchr::memchr(0, text.as_bytes()).is_none() {
            return text;
        }
        let mut hidden = self.hidden[first.min(self.hidden.len())..].iter();
        let lifted: String = text
            .chars()
            .map(|c| match c {
                '\0' => hidden.next().map_or(':', |byte| char::from(*byte)),
                c => c,
            })
            .collect();
        lifted.into()
    }
}

/// What is to be covered in `text`, and all HTML that it has.
fn look(text: &str, options: Options) -> (Vec<usize>, String) {
    let mut odd = Vec::new();
    let mut html = String::new();
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Html(part) | Event::InlineHtml(part) => html.push_str(&part),
            Event::Start(Tag::DefinitionListDefinition) => {
                let colon = text[range.start..].find(':').map(|at| range.start + at);
                odd.extend(colon.filter(|colon| is_odd_colon(text.as_bytes(), *colon)));
            }
            Event::Start(Tag::Heading { .. }) => {
                odd.extend(braces(&text[range.clone()]).map(|at| range.start + at));
            }
            _ => {}
        }
    }
    (odd, html)
}

/// Whether a definition can't begin with the colon at `at`.
fn is_odd_colon(bytes: &[u8], at: usize) -> bool {
    !matches!(bytes.get(at + 1), Some(b' ' | b'\t'))
}

/// Whether a line of `text` begins with a colon that no definition begins with.
fn has_odd_colon(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr_iter(b':', bytes).any(|at| {
        let before = bytes[..at].iter().rev();
        let mut before = before.skip_while(|byte| matches!(byte, b' ' | b'\t' | b'>'));
        is_odd_colon(bytes, at) && matches!(before.next(), None | Some(b'\n' | b'\r'))
    })
}

/// Whether a line of `text` ends in braces that are no attributes.
fn has_odd_braces(text: &str) -> bool {
    memchr_iter(b'}', text.as_bytes()).any(|at| {
        let rest = text[at + 1..].trim_start_matches([' ', '\t', '#']);
        let line = text[..at].rfind('\n').map_or(0, |start| start + 1);
        (rest.is_empty() || rest.starts_with(['\n', '\r'])) && braces(&text[line..=at]).is_some()
    })
}

/// Where the braces at the end of `heading` begin, if they are not the attributes that the manual
/// has: one or more of `#id` and `.class`, and perhaps `name=value` beside them.
fn braces(heading: &str) -> Option<usize> {
    let mut content = heading.trim_end();
    if !content.starts_with('#')
        && let Some((above, underline)) = content.rsplit_once('\n')
        && underline.bytes().all(|byte| b"=- \t>".contains(&byte))
    {
        content = above.trim_end();
    }
    let content = content.trim_end_matches(['#', ' ', '\t']);
    let inner = content.strip_suffix('}')?;
    let open = inner.rfind('{')?;
    let is_own = |token: &str| token.len() > 1 && token.starts_with(['#', '.']);
    let is_attribute =
        |token: &str| is_own(token) || (token.contains('=') && !token.starts_with('='));
    let tokens = || inner[open + 1..].split_ascii_whitespace();
    let is_whole = tokens().any(is_own) && tokens().all(is_attribute);
    (!is_whole).then_some(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(text: &str) -> String {
        let options = super::super::Settings::default().options();
        Covers::of(text, options).text.replace('\0', "_")
    }

    #[test]
    fn colons_and_braces_that_are_text_are_covered() {
        for (text, expected) in [
            ("Thanks\n:)", "Thanks\n_)"),
            ("> Thanks\n> :-)", "> Thanks\n> _-)"),
            ("- Thanks\n  :)", "- Thanks\n  _)"),
            ("a\n:b\n:c", "a\n_b\n_c"),
            ("a\n:", "a\n_"),
            ("a\n\n:b", "a\n\n_b"),
            ("a\n: b\n:c", "a\n: b\n_c"),
            ("# a {b}", "# a _b}"),
            ("# a {b} #", "# a _b} #"),
            ("a {1, 2}\n===", "a _1, 2}\n==="),
            ("# a {}", "# a _}"),
            ("# a {#b c}", "# a _#b c}"),
            ("# a {b=c}", "# a _b=c}"),
            ("# a {b {c}", "# a _b _c}"),
        ] {
            assert_eq!(covered(text), expected, "{text}");
        }
    }

    #[test]
    fn what_the_manual_has_is_left_alone() {
        for text in [
            "a\n: b",
            "a\n:\tb",
            "a | b\n:-- | --:\n1 | 2",
            "# a {#b .c}",
            "# a {#b c=d} #",
            "a {.b}\n---",
            "```\na\n:b\n```",
            "http://a.b",
            "[a]\n\n[a]:\n:b",
            "a {b}",
        ] {
            assert_eq!(covered(text), text);
        }
    }
}
