//! Which colour a node of a syntax tree has: the colour sheet of a grammar.
//!
//! A sheet is a short text with a class on each line, then the nodes that have it:
//!
//! ```text
//! s string_literal
//! f call_expression>function:identifier
//! t identifier~A
//! - interpolation
//! @css style_element>raw_text
//! ```
//!
//! A node is named by its kind, perhaps after the field of its parent that it stands in, perhaps
//! after its parent, and so on upwards; a kind in quotes is a token of the grammar. Behind it may
//! stand a test of its text: `~A` begins with a capital, `~CONST` is all in capitals, as constants are, `~-` begins
//! with a dash, `~@` stands behind an at sign, `=a|b` is one of these words. The last line that
//! fits decides. `-` is plain text, `@css` another language. Nodes inherit; a word that is a token
//! of the grammar is a keyword unless something else has been said.
//!
//! Tree-sitter has queries for this. They are more powerful, and cost as much as the parsing
//! (docs/highlighting.md).

use tree_sitter::Language;

use super::spans::Class;

/// What is done with a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Class(Class),
    /// The name of the language that its text is in.
    Embed(&'static str),
}

/// A node above the one that is painted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) kind: u16,
    pub(super) field: u16,
    pub(super) class: Class,
    pub(super) end: usize,
}

/// The sheet of a grammar, ready for use.
#[derive(Debug)]
pub(super) struct Sheet {
    /// The rules for each kind of node, last first.
    rules: Vec<Vec<Rule>>,
    /// What a kind of node is that no rule speaks of.
    words: Vec<Option<Class>>,
}

#[derive(Debug, Clone)]
struct Rule {
    paint: Paint,
    field: Option<u16>,
    /// Parent, its parent and so on: the kind, and the field if one is asked for.
    above: Vec<(u16, Option<u16>)>,
    test: Test,
}

#[derive(Debug, Clone, Copy)]
enum Test {
    None,
    Capital,
    Capitals,
    Dash,
    BehindAt,
    Words(&'static str),
}

impl Sheet {
    /// Reads `texts`, the later over the earlier. What `language` does not have is handed to
    /// `unknown` and left out.
    pub(super) fn new(
        language: &Language,
        texts: &[&'static str],
        mut unknown: impl FnMut(&'static str),
    ) -> Self {
        let count = language.node_kind_count();
        let mut rules: Vec<Vec<Rule>> = vec![Vec::new(); count];
        for line in texts.iter().flat_map(|text| text.lines()) {
            let mut items = line.split_ascii_whitespace();
            let Some(paint) = items.next().and_then(paint) else {
                continue;
            };
            for item in items {
                match rule(language, paint, item) {
                    Some((kind, rule)) => rules[usize::from(kind)].insert(0, rule),
                    None => unknown(item),
                }
            }
        }
        let words = (0..count)
            .map(|id| {
                let id = u16::try_from(id).unwrap_or_default();
                let name = language.node_kind_for_id(id).unwrap_or_default();
                word(name).filter(|_| !language.node_kind_is_named(id))
            })
            .collect();
        Self { rules, words }
    }

    /// How a node is painted: its kind, the field it stands in, the nodes above it with the root
    /// first, the whole code and where in it the node is.
    pub(super) fn paint(
        &self,
        kind: u16,
        field: u16,
        above: &[Frame],
        code: &str,
        range: std::ops::Range<usize>,
    ) -> Paint {
        let inherited = above.last().map_or(Class::Plain, |frame| frame.class);
        let kind = usize::from(kind);
        let rules = self.rules.get(kind).map_or(&[][..], Vec::as_slice);
        let found = rules.iter().find(|rule| {
            rule.field.is_none_or(|wanted| wanted == field)
                && rule.above.len() <= above.len()
                && rule.above.iter().zip(above.iter().rev()).all(fits)
                && rule.test.passes(code, range.clone())
        });
        if let Some(rule) = found {
            return rule.paint;
        }
        let word = self.words.get(kind).copied().flatten();
        Paint::Class(match word {
            Some(class) if inherited == Class::Plain => class,
            _ => inherited,
        })
    }
}

fn fits((wanted, frame): (&(u16, Option<u16>), &Frame)) -> bool {
    wanted.0 == frame.kind && wanted.1.is_none_or(|field| field == frame.field)
}

impl Test {
    fn passes(self, code: &str, range: std::ops::Range<usize>) -> bool {
        let text = || code.get(range.clone()).unwrap_or_default();
        match self {
            Self::None => true,
            Self::Capital => text().starts_with(char::is_uppercase),
            Self::Capitals => {
                let is_capital = |c: char| c.is_uppercase() || c.is_ascii_digit() || c == '_';
                let text = text();
                // Not `URL` and `JSON`: those are mostly types.
                (text.len() > 4 || text.contains('_'))
                    && text.starts_with(char::is_uppercase)
                    && text.chars().all(is_capital)
            }
            Self::Dash => text().starts_with('-'),
            Self::BehindAt => code.as_bytes()[..range.start].last() == Some(&b'@'),
            Self::Words(words) => words.split('|').any(|word| word == text()),
        }
    }
}

/// What a token of the grammar is by its looks: a keyword, or a directive with a sign before it.
fn word(name: &str) -> Option<Class> {
    let (class, word) = match name.strip_prefix(['#', '@']) {
        Some(word) => (Class::Annotation, word),
        None => (Class::Keyword, name),
    };
    let is_word = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    (word.len() > 1 && word.bytes().all(is_word)).then_some(class)
}

fn paint(name: &'static str) -> Option<Paint> {
    if let Some(language) = name.strip_prefix('@') {
        return Some(Paint::Embed(language));
    }
    let class = Class::ALL
        .into_iter()
        .find(|class| class.name().unwrap_or("-") == name);
    class.map(Paint::Class)
}

fn rule(language: &Language, paint: Paint, item: &'static str) -> Option<(u16, Rule)> {
    let (path, test) = match item.split_once('=').filter(|_| !item.contains('"')) {
        Some((path, words)) => (path, Test::Words(words)),
        None => match item.split_once('~') {
            None => (item, Test::None),
            Some((path, "A")) => (path, Test::Capital),
            Some((path, "CONST")) => (path, Test::Capitals),
            Some((path, "-")) => (path, Test::Dash),
            Some((path, "@")) => (path, Test::BehindAt),
            Some(_) => return None,
        },
    };
    let mut steps = path.rsplit('>').map(|step| step_of(language, step));
    let (kind, field) = steps.next()??;
    let above = steps.collect::<Option<Vec<_>>>()?;
    let rule = Rule {
        paint,
        field,
        above,
        test,
    };
    Some((kind, rule))
}

/// The ids of a kind and of the field before it.
fn step_of(language: &Language, step: &str) -> Option<(u16, Option<u16>)> {
    let (field, kind) = match step.split_once(':').filter(|_| !step.starts_with('"')) {
        None => (None, step),
        Some((field, kind)) => (Some(language.field_id_for_name(field)?.get()), kind),
    };
    let id = match kind
        .strip_prefix('"')
        .and_then(|kind| kind.strip_suffix('"'))
    {
        Some(token) => language.id_for_node_kind(token, false),
        None => language.id_for_node_kind(kind, true),
    };
    (id != 0).then_some((id, field))
}
