//! Calls of components in Markdown, by Tera's own syntax: `{{ <name key="value" /> }}`, and
//! `{% <name> %}` with a body up to `{% </name> %}`.
//!
//! Calls are found before the Markdown is parsed, and each is covered by an HTML tag of its
//! length: so the parser leaves it alone, all offsets stay as they are, and a call on a line of
//! its own is a block. In code a call is text, as is one after a backslash.

mod syntax;

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::Value;

use super::note::Note;
use syntax::Form;

/// A call of a component.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    /// The name of the component.
    pub(crate) name: String,
    /// The arguments, in the order in which they are written; none has the name of another.
    pub(crate) args: Vec<(String, Value)>,
    /// What stands between the two ends of the call, rendered.
    pub(crate) body_html: Option<String>,
    /// Where the call begins in the text.
    pub(crate) offset: usize,
}

/// The calls of a text.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// In the order in which they begin.
    pub(super) list: Vec<Call>,
    /// Their ends, in order.
    pub(super) tokens: Vec<Token>,
    /// Where the `<` of calls stand that are only text.
    pub(super) literal: Vec<usize>,
}

/// A call, or one end of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) range: Range<usize>,
    pub(super) part: Part,
}

/// What a token is; with the number of its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Whole(usize),
    Start(usize),
    End(usize),
}

/// Calls are nested no deeper.
const MAX_DEPTH: usize = 32;
/// No more errors are told of one text.
pub(super) const MAX_ERRORS: usize = 20;

/// The calls in `text`, and the text with the calls covered; `None` if there are none.
pub(super) fn find(text: &str, options: Options) -> Result<Option<(Calls, String)>, Vec<Note>> {
    let candidates = syntax::candidates(text);
    if candidates.is_empty() {
        return Ok(None);
    }
    let code = code(text, options);
    let mut calls = Calls::default();
    let mut errors = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut end = 0;
    for candidate in candidates {
        // One inside of another is a string of it.
        if candidate.start < end || is_in(&code, candidate.start) {
            continue;
        }
        if candidate.is_escaped {
            calls.literal.push(candidate.angle);
            continue;
        }
        match syntax::parse(text, candidate.start) {
            Ok((form, after)) => {
                end = after;
                calls.add(form, candidate.start..end, &mut open, &mut errors);
            }
            Err(error) => errors.push(error),
        }
        if errors.len() >= MAX_ERRORS {
            return Err(errors);
        }
    }
    for index in open {
        let call = &calls.list[index];
        let name = &call.name;
        errors.push(
            Note::new(call.offset, format!("the body of <{name}> never ends")).with_hint(format!(
                "end it with {{% </{name}> %}}, or write {{{{ <{name} /> }}}} if it has none"
            )),
        );
    }
    if !errors.is_empty() {
        errors.sort_by_key(|error| error.offset);
        return Err(errors);
    }
    let covered = cover(text, &calls.tokens);
    Ok(Some((calls, covered)))
}

impl Calls {
    fn add(
        &mut self,
        form: Form,
        range: Range<usize>,
        open: &mut Vec<usize>,
        errors: &mut Vec<Note>,
    ) {
        let offset = range.start;
        let index = self.list.len();
        let part = match form {
            Form::Whole { name, args } => {
                self.list.push(Call::new(name, args, offset));
                Part::Whole(index)
            }
            Form::Start { name, args } => {
                if open.len() == MAX_DEPTH {
                    let message =
                        format!("calls stand inside of each other more than {MAX_DEPTH} deep");
                    errors.push(Note::new(offset, message));
                    return;
                }
                self.list.push(Call::new(name, args, offset));
                open.push(index);
                Part::Start(index)
            }
            Form::End { name } => match open.pop() {
                None => {
                    let message = format!("</{name}> ends a call that never began");
                    let hint = format!(
                        "begin it with {{% <{name}> %}}, or write \\{{% to show it as text"
                    );
                    errors.push(Note::new(offset, message).with_hint(hint));
                    return;
                }
                Some(index) => {
                    let began = &self.list[index].name;
                    if *began != name {
                        let message = format!("</{name}> stands where <{began}> ought to end");
                        let hint =
                            format!("calls end in the order of their nesting: {{% </{began}> %}}");
                        errors.push(Note::new(offset, message).with_hint(hint));
                        // The rest is read as if it were right, to tell of what else is wrong.
                    }
                    Part::End(index)
                }
            },
        };
        self.tokens.push(Token { range, part });
    }
}

impl Call {
    fn new(name: String, args: Vec<(String, Value)>, offset: usize) -> Self {
        Self {
            name,
            args,
            body_html: None,
            offset,
        }
    }
}

/// Where calls are only text: code, formulas and comments. In order.
fn code(text: &str, options: Options) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        let is_code = match event {
            Event::Start(Tag::CodeBlock(_))
            | Event::Code(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_) => true,
            Event::Start(Tag::HtmlBlock) | Event::InlineHtml(_) => {
                text[range.clone()].trim_start().starts_with("<!--")
            }
            _ => false,
        };
        if is_code {
            ranges.push(range);
        }
    }
    ranges
}

fn is_in(ranges: &[Range<usize>], offset: usize) -> bool {
    let after = ranges.partition_point(|range| range.start <= offset);
    ranges[..after]
        .last()
        .is_some_and(|range| offset < range.end)
}

/// `text` with a tag in place of each token, of the same length.
fn cover(text: &str, tokens: &[Token]) -> String {
    let mut out = String::with_capacity(text.len());
    for token in tokens {
        out.push_str(&text[out.len()..token.range.start]);
        // The first may begin a block of HTML that ends with its line; the second can't, so that
        // what follows it is Markdown.
        let (start, end) = if is_alone(text, &token.range) {
            ("<?", "?>")
        } else {
            ("<c", "/>")
        };
        out.push_str(start);
        let spaces = token.range.len() - start.len() - end.len();
        out.extend(std::iter::repeat_n(' ', spaces));
        out.push_str(end);
    }
    out.push_str(&text[out.len()..]);
    out
}

/// Whether a token has its line for itself, or shares it only with what begins lists and quotes.
fn is_alone(text: &str, range: &Range<usize>) -> bool {
    let before = text[..range.start].bytes().rev();
    let after = text[range.end..].bytes();
    let is_marker = |byte: &u8| b" \t>*+-.)0123456789".contains(byte);
    let is_space = |byte: &u8| b" \t\r".contains(byte);
    before
        .take_while(|byte| *byte != b'\n')
        .all(|byte| is_marker(&byte))
        && after
            .take_while(|byte| *byte != b'\n')
            .all(|byte| is_space(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str) -> Vec<(usize, String)> {
        let errors = find(text, Options::all()).unwrap_err();
        errors.into_iter().map(|e| (e.offset, e.message)).collect()
    }

    #[test]
    fn covers_calls_byte_by_byte() {
        let text = "a {{<b/>}} c\n\n- {% <d\n e='1'> %}\n  x\n  {% </d> %}\n";
        let (calls, covered) = find(text, Options::all()).unwrap().unwrap();
        assert_eq!(
            covered,
            "a <c    /> c\n\n- <?            ?>\n  x\n  <?      ?>\n"
        );
        assert_eq!(covered.len(), text.len());
        let parts: Vec<Part> = calls.tokens.iter().map(|t| t.part).collect();
        assert_eq!(parts, [Part::Whole(0), Part::Start(1), Part::End(1)]);
        assert_eq!(calls.list[1].args, [("e".to_owned(), Value::from("1"))]);
    }

    #[test]
    fn in_code_and_comments_a_call_is_text() {
        for text in [
            "`{{<a/>}}`",
            "    {{<a/>}}",
            "```\n{% <a> %}\n```",
            "<!-- {{<a/>}} -->",
            "x <!-- {{<a/>}} -->",
            "$$ {{<a/>}} $$",
        ] {
            let found = find(text, Options::all()).unwrap().unwrap();
            assert_eq!(found.1, text);
            assert!(found.0.list.is_empty(), "{text}");
        }
        assert!(
            find("{{ a }} {% if %} { {<a/>}}", Options::all())
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn a_backslash_makes_it_text() {
        let (calls, covered) = find("\\{{<a/>}} \\\\{{<b/>}}", Options::all())
            .unwrap()
            .unwrap();
        assert_eq!(covered, "\\{{<a/>}} \\\\<c    />");
        assert_eq!(calls.literal, [3]);
        assert_eq!(calls.list[0].name, "b");
    }

    #[test]
    fn ends_must_fit() {
        assert_eq!(
            errors("x\n{% <a> %}\n"),
            [(2, "the body of <a> never ends".to_owned())]
        );
        assert_eq!(
            errors("{% </a> %}"),
            [(0, "</a> ends a call that never began".to_owned())]
        );
        let crossed = errors("{% <a> %}{% <b> %}{% </a> %}{% </b> %}");
        assert_eq!(crossed.len(), 2);
        assert_eq!(crossed[0].1, "</a> stands where <b> ought to end");
        let deep = errors(&"{% <a> %}".repeat(33));
        assert!(deep[0].1.contains("never ends"), "{deep:?}");
        assert!(deep.iter().any(|e| e.1.contains("more than 32 deep")));
    }

    #[test]
    fn a_bad_text_is_told_of_and_soon_left() {
        for start in [
            "{{<",
            "{{<a ",
            "{{<a b=\"",
            "{{<a b='\\",
            "{% <a> %}",
            "{% </a> %}",
        ] {
            let text = start.repeat(100_000);
            assert!(find(&text, Options::all()).map_or_else(|e| e.len() < 100, |f| f.is_none()));
        }
        let text = format!("{}{{{{<a/>}}}}", "{{ ".repeat(100_000));
        assert!(find(&text, Options::all()).unwrap().is_some());
    }
}
