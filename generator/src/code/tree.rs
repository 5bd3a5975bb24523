//! Colours from a syntax tree.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use tree_sitter::{Language, ParseOptions, ParseState, Parser, Tree};

use super::sheet::{Frame, Paint, Sheet};
use super::spans::{Class, Painter};

/// A grammar with its sheet, and the parsers that no thread uses just now.
pub(super) struct Grammar {
    language: Language,
    sheet: Sheet,
    parsers: Mutex<Vec<Parser>>,
}

/// The parser asks now and then whether it should go on. The benchmark's samples ask
/// at most once in 64 bytes; what asks far more often is no code in this language, and stays plain, on
/// every machine alike.
const MIN_ANSWERS: usize = 1000;
const BYTES_PER_ANSWER: usize = 4;

impl Grammar {
    pub(super) fn new(language: Language, sheets: &[&'static str]) -> Self {
        let sheet = Sheet::new(&language, sheets, |_| {});
        Self {
            language,
            sheet,
            parsers: Mutex::default(),
        }
    }

    /// Paints `code`, which begins where `painter` is. What is in another language is handed to
    /// `embed`.
    pub(super) fn paint(
        &self,
        code: &str,
        painter: &mut Painter,
        embed: &mut dyn FnMut(&'static str, &str, &mut Painter),
    ) {
        let from = painter.at();
        if let Some(tree) = self.parse(code) {
            self.walk(&tree, code, from, painter, embed);
        }
        painter.fill(from + code.len(), Class::Plain);
    }

    fn parse(&self, code: &str) -> Option<Tree> {
        let free = self.lock().pop();
        let mut parser = match free {
            Some(parser) => parser,
            None => {
                let mut parser = Parser::new();
                parser.set_language(&self.language).ok()?;
                parser
            }
        };
        let mut left = MIN_ANSWERS + code.len() / BYTES_PER_ANSWER;
        let mut go_on = |_: &ParseState| match left.checked_sub(1) {
            Some(fewer) => {
                left = fewer;
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(()),
        };
        let options = ParseOptions::new().progress_callback(&mut go_on);
        let bytes = code.as_bytes();
        let mut read = |at: usize, _| bytes.get(at..).unwrap_or_default();
        let tree = parser.parse_with_options(&mut read, None, Some(options));
        // After a parse that was given up the parser would go on with it.
        parser.reset();
        self.lock().push(parser);
        tree
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Parser>> {
        self.parsers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn walk(
        &self,
        tree: &Tree,
        code: &str,
        from: usize,
        painter: &mut Painter,
        embed: &mut dyn FnMut(&'static str, &str, &mut Painter),
    ) {
        let mut cursor = tree.walk();
        let mut above: Vec<Frame> = Vec::new();
        loop {
            let node = cursor.node();
            let (kind, range) = (node.kind_id(), node.byte_range());
            let field = cursor.field_id().map_or(0, std::num::NonZeroU16::get);
            let inherited = above.last().map_or(Class::Plain, |frame| frame.class);
            painter.fill(from + range.start, inherited);
            match self.sheet.paint(kind, field, &above, code, range.clone()) {
                Paint::Class(class) => {
                    let frame = Frame {
                        kind,
                        field,
                        class,
                        end: range.end,
                    };
                    if cursor.goto_first_child() {
                        above.push(frame);
                        continue;
                    }
                    painter.fill(from + range.end, class);
                }
                Paint::Embed(language) => {
                    // Nothing of it has been painted: nodes do not overlap.
                    if let Some(text) = code.get(range.clone())
                        && painter.at() == from + range.start
                    {
                        embed(language, text, painter);
                    }
                    painter.fill(from + range.end, Class::Plain);
                }
            }
            while !cursor.goto_next_sibling() {
                let Some(frame) = above.pop() else {
                    return;
                };
                cursor.goto_parent();
                painter.fill(from + frame.end, frame.class);
            }
        }
    }
}

impl std::fmt::Debug for Grammar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grammar").finish_non_exhaustive()
    }
}
