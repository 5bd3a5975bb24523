//! The syntax of one call.

use serde_json::{Number, Value};

use super::super::note::Note;

/// Where a call may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) start: usize,
    /// Where its `<` stands.
    pub(super) angle: usize,
    /// A backslash stands before it.
    pub(super) is_escaped: bool,
}

/// A call, or one end of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    Whole { name: String, args: Args },
    Start { name: String, args: Args },
    End { name: String },
}

type Args = Vec<(String, Value)>;

/// So many spaces may stand between the braces and the `<`.
const MAX_SPACES: usize = 8;
/// Lists of lists are no deeper.
const MAX_LISTS: usize = 8;
/// A call has no more arguments.
const MAX_ARGS: usize = 64;

const TEXT_HINT: &str =
    "if it is no call of a component, put it into code, or write a backslash before it";

/// All places where a call may begin: two braces, or a brace and a percent sign, and the start
/// of a tag.
pub(super) fn candidates(text: &str) -> Vec<Candidate> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'{', bytes)
        .filter_map(|start| {
            let is_tag = match bytes.get(start + 1)? {
                b'{' => false,
                b'%' => true,
                _ => return None,
            };
            let after = start + 2 + usize::from(bytes.get(start + 2) == Some(&b'-'));
            let spaces = bytes.get(after..)?.iter().take(MAX_SPACES);
            let angle = after + spaces.take_while(|b| b.is_ascii_whitespace()).count();
            if bytes.get(angle) != Some(&b'<') {
                return None;
            }
            let is_end = is_tag && bytes.get(angle + 1) == Some(&b'/');
            let name = bytes.get(angle + 1 + usize::from(is_end))?;
            if !name.is_ascii_alphabetic() && *name != b'_' {
                return None;
            }
            // `{{{` is a brace and a call.
            let backslashes = bytes[..start]
                .iter()
                .rev()
                .take_while(|b| **b == b'\\')
                .count();
            Some(Candidate {
                start,
                angle,
                is_escaped: backslashes % 2 == 1,
            })
        })
        .collect()
}

/// The call at `start` and where it ends.
pub(super) fn parse(text: &str, start: usize) -> Result<(Form, usize), Note> {
    let is_tag = text.as_bytes()[start + 1] == b'%';
    let mut reader = Reader {
        text,
        at: start + 2,
    };
    reader.eat("-");
    reader.skip_space();
    reader.expect("<", start)?;
    if is_tag && reader.eat("/") {
        let name = reader.name()?;
        reader.skip_space();
        reader.expect(">", start)?;
        reader.close("%}", start)?;
        return Ok((Form::End { name }, reader.at));
    }
    let name = reader.name()?;
    let args = reader.args()?;
    let is_whole = reader.eat("/");
    reader.expect(">", start)?;
    match (is_tag, is_whole) {
        (false, true) => {
            reader.close("}}", start)?;
            Ok((Form::Whole { name, args }, reader.at))
        }
        (true, false) => {
            reader.close("%}", start)?;
            Ok((Form::Start { name, args }, reader.at))
        }
        (false, false) => {
            let message = format!("the call of <{name}> in double braces has no slash at its end");
            let hint = format!(
                "without a body it is {{{{ <{name} /> }}}}, with one {{% <{name}> %}} ... {{% </{name}> %}}; {TEXT_HINT}"
            );
            Err(Note::new(start, message).with_hint(hint))
        }
        (true, true) => {
            let message = format!("the call of <{name}> has no body, but stands in {{% %}}");
            let hint = format!("write {{{{ <{name} /> }}}}");
            Err(Note::new(start, message).with_hint(hint))
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn eat(&mut self, token: &str) -> bool {
        let is_there = self.rest().starts_with(token);
        if is_there {
            self.at += token.len();
        }
        is_there
    }

    fn skip_space(&mut self) {
        let rest = self
            .rest()
            .trim_start_matches(|c: char| c.is_ascii_whitespace());
        self.at = self.text.len() - rest.len();
    }

    fn expect(&mut self, token: &str, start: usize) -> Result<(), Note> {
        if self.eat(token) {
            return Ok(());
        }
        if self.rest().is_empty() {
            return Err(Note::new(start, "this call never ends").with_hint(TEXT_HINT));
        }
        Err(self.unexpected(token))
    }

    fn close(&mut self, token: &str, start: usize) -> Result<(), Note> {
        self.skip_space();
        if self.eat("-") {
            self.skip_space();
        }
        self.expect(token, start)
    }

    fn unexpected(&self, wanted: &str) -> Note {
        let found = match self.rest().chars().next() {
            Some(c) if !c.is_control() => format!("'{c}' stands"),
            Some(_) => "something else stands".to_owned(),
            None => "the text ends".to_owned(),
        };
        Note::new(
            self.at,
            format!("in this call {found} where '{wanted}' ought to be"),
        )
        .with_hint(TEXT_HINT)
    }

    fn ident(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        if rest.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let len = rest
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
            .count();
        self.at += len;
        (len > 0).then(|| &rest[..len])
    }

    /// A name, or several with dots between them.
    fn name(&mut self) -> Result<String, Note> {
        let start = self.at;
        loop {
            if self.ident().is_none() {
                return Err(
                    Note::new(self.at, "this call has no name of a component").with_hint(TEXT_HINT)
                );
            }
            if !self.eat(".") {
                return Ok(self.text[start..self.at].to_owned());
            }
        }
    }

    fn args(&mut self) -> Result<Args, Note> {
        let mut args = Args::new();
        loop {
            self.skip_space();
            let start = self.at;
            if self.rest().starts_with("{...") {
                return Err(Note::new(start, "arguments can't be spread in Markdown")
                    .with_hint("write each of them as name=\"value\""));
            }
            let Some(name) = self.ident() else {
                return Ok(args);
            };
            self.skip_space();
            if !self.eat("=") {
                return Err(
                    Note::new(start, format!("the argument '{name}' has no value")).with_hint(
                        format!(
                            "write {name}=\"...\" or {name}={{true}}; Markdown has no variables"
                        ),
                    ),
                );
            }
            self.skip_space();
            if args.iter().any(|(known, _)| known == name) {
                let message = format!("the argument '{name}' is given twice");
                return Err(Note::new(start, message).with_hint("leave one of them out"));
            }
            if args.len() == MAX_ARGS {
                let message = format!("this call has more than {MAX_ARGS} arguments");
                return Err(Note::new(start, message));
            }
            let value = self.value(name)?;
            args.push((name.to_owned(), value));
        }
    }

    /// A string, or anything else in braces.
    fn value(&mut self, name: &str) -> Result<Value, Note> {
        if let Some(text) = self.string()? {
            return Ok(Value::String(text));
        }
        if !self.eat("{") {
            return Err(self.no_value(name));
        }
        let value = self.literal(name, 0)?;
        self.skip_space();
        if self.eat("}") {
            return Ok(value);
        }
        Err(self.no_value(name))
    }

    fn no_value(&self, name: &str) -> Note {
        Note::new(
            self.at,
            format!("the value of '{name}' is nothing that Markdown can give"),
        )
        .with_hint(format!(
            "write {name}=\"text\", {name}={{7}}, {name}={{true}} or {name}={{[\"a\", \"b\"]}}"
        ))
    }

    fn literal(&mut self, name: &str, depth: usize) -> Result<Value, Note> {
        self.skip_space();
        if let Some(text) = self.string()? {
            return Ok(Value::String(text));
        }
        if self.eat("[") {
            if depth == MAX_LISTS {
                return Err(self.no_value(name));
            }
            let mut items = Vec::new();
            loop {
                self.skip_space();
                if self.eat("]") {
                    return Ok(Value::Array(items));
                }
                items.push(self.literal(name, depth + 1)?);
                self.skip_space();
                if !self.eat(",") && !self.rest().starts_with(']') {
                    return Err(self.no_value(name));
                }
            }
        }
        let rest = self.rest();
        let len = rest
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || b"+-._".contains(b))
            .count();
        let value = match &rest[..len] {
            "true" | "True" => Value::Bool(true),
            "false" | "False" => Value::Bool(false),
            number => number_of(number).ok_or_else(|| self.no_value(name))?,
        };
        self.at += len;
        Ok(value)
    }

    fn string(&mut self) -> Result<Option<String>, Note> {
        let start = self.at;
        let Some(quote) = self.rest().chars().next().filter(|c| "\"'`".contains(*c)) else {
            return Ok(None);
        };
        let mut out = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.at = start + at + 1;
                return Ok(Some(out));
            }
            if c != '\\' {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some((_, c @ ('"' | '\'' | '`' | '/' | '\\'))) => out.push(c),
                Some((_, 'n')) => out.push('\n'),
                Some((_, 't')) => out.push('\t'),
                Some((_, 'r')) => out.push('\r'),
                _ => {
                    let message = "this string has a backslash before a character that needs none";
                    return Err(
                        Note::new(start + at, message).with_hint("write \\\\ for a backslash")
                    );
                }
            }
        }
        let message = format!("this string never ends: its closing {quote} is missing");
        Err(Note::new(start, message).with_hint(TEXT_HINT))
    }
}

/// A whole number or a fraction, as Tera writes them.
fn number_of(text: &str) -> Option<Value> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Value::from(whole));
    }
    let is_plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let fraction = text.parse().ok().and_then(Number::from_f64)?;
    is_plain.then_some(Value::Number(fraction))
}

#[cfg(test)]
mod tests;
