//! Languages whose colours go by words: keywords, comments, strings, numbers and calls.

use super::{Embed, Scanner};
use crate::code::spans::{Class, Painter};

/// What a language is made of, as far as its words go.
#[derive(Debug)]
pub(in crate::code) struct Words {
    /// What begins a comment up to the end of the line.
    pub(in crate::code) comments: &'static [&'static str],
    /// What begins and ends a longer comment.
    pub(in crate::code) long_comments: &'static [(&'static str, &'static str)],
    /// What strings stand in, the longest first.
    pub(in crate::code) quotes: &'static [&'static str],
    /// Whether a backslash takes the meaning from what follows it in a string.
    pub(in crate::code) escapes: bool,
    /// Characters that can be in a word beside letters, digits and `_`.
    pub(in crate::code) word: &'static str,
    /// Characters before a word that make a variable of it.
    pub(in crate::code) sigils: &'static str,
    /// Whether words are the same in capitals.
    pub(in crate::code) ignores_case: bool,
    /// Whether words with a capital are types.
    pub(in crate::code) capital_types: bool,
    pub(in crate::code) keywords: &'static str,
    pub(in crate::code) types: &'static str,
    pub(in crate::code) constants: &'static str,
}

impl Words {
    /// Where the others start from.
    pub(in crate::code) const NONE: Self = Self {
        comments: &[],
        long_comments: &[],
        quotes: &["\"", "'"],
        escapes: true,
        word: "",
        sigils: "",
        ignores_case: false,
        capital_types: false,
        keywords: "",
        types: "",
        constants: "true false null",
    };

    /// Paints `text`.
    pub(in crate::code) fn paint(&self, text: &str, painter: &mut Painter) {
        let mut scanner = Scanner::new(text, painter);
        while let Some(c) = scanner.peek() {
            self.token(&mut scanner, c);
        }
    }

    fn token(&self, scanner: &mut Scanner<'_, '_>, c: char) {
        let rest = scanner.rest();
        if self.comments.iter().any(|start| rest.starts_with(start)) {
            scanner.take_while(Class::Comment, |c| c != '\n');
            return;
        }
        let long = self
            .long_comments
            .iter()
            .find(|(start, _)| rest.starts_with(start));
        if let Some((start, end)) = long {
            scanner.take(start.len(), Class::Comment);
            scanner.take_past(end, Class::Comment);
            return;
        }
        if let Some(quote) = self.quotes.iter().find(|quote| rest.starts_with(**quote)) {
            scanner.take_string(quote, self.escapes, true);
            return;
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || self.word.contains(c);
        if c.is_ascii_digit() {
            scanner.take_while(Class::Number, |c| {
                c.is_alphanumeric() || matches!(c, '_' | '.')
            });
        } else if self.sigils.contains(c) && rest[1..].starts_with(is_word) {
            let length = rest[1..]
                .find(|c| !is_word(c))
                .map_or(rest.len(), |end| end + 1);
            scanner.take(length, Class::Property);
        } else if c.is_alphabetic() || c == '_' {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            scanner.take(end, self.class_of(&rest[..end], &rest[end..]));
        } else {
            scanner.take_char(Class::Plain);
        }
    }

    fn class_of(&self, word: &str, after: &str) -> Class {
        let is_in = |list: &str| {
            list.split_ascii_whitespace().any(|known| {
                known == word || (self.ignores_case && known.eq_ignore_ascii_case(word))
            })
        };
        if is_in(self.keywords) {
            Class::Keyword
        } else if is_in(self.types) {
            Class::Type
        } else if is_in(self.constants) {
            Class::Number
        } else if after.starts_with('(') {
            Class::Function
        } else if self.capital_types && word.starts_with(char::is_uppercase) {
            Class::Type
        } else {
            Class::Plain
        }
    }
}

/// SQL as most databases know it. Its grammar would be the largest of all.
pub(in crate::code) fn sql(text: &str, painter: &mut Painter, _: Embed<'_>) {
    SQL.paint(text, painter);
}

const SQL: Words = Words {
    comments: &["--", "#"],
    long_comments: &[("/*", "*/")],
    escapes: false,
    sigils: "@$:",
    ignores_case: true,
    keywords: "add after all alter analyze and any as asc begin between by cascade case check
        cluster collate column comment commit conflict constraint create cross cube current
        database declare default deferrable delete desc describe distinct do drop each else end
        escape except exclude execute exists explain fetch filter first following for foreign from
        full function generated grant group grouping having if ignore ilike in index inner insert
        instead intersect into is isnull join key last lateral left like limit lock match
        materialized merge natural next no not nothing notnull nulls of offset on only or order
        outer over overlaps partition policy preceding primary procedure range recursive references
        replace restrict returning returns revoke right rollback rollup row rows savepoint schema
        select sequence set show similar some start strict table tablesample temp temporary then to
        transaction trigger truncate unbounded union unique unlogged update using vacuum values view
        when where window with without language",
    types: "array bigint bigserial binary bit blob bool boolean bytea char character cidr clob date
        datetime dec decimal double enum float inet int int2 int4 int8 integer interval json jsonb
        long money numeric nvarchar precision real serial smallint text time timestamp timestamptz
        timetz tinyint tsvector unsigned uuid varbinary varchar varying xml year zone",
    constants: "true false null unknown current_date current_time current_timestamp current_user",
    ..Words::NONE
};
