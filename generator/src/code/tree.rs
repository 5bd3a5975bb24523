//! Colours from a syntax tree.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use tree_sitter::{Language, ParseOptions, ParseState, Parser, Tree};

use super::sheet::{Frame, Paint, Sheet};
use super::spans::{Class, Painter};

/// A grammar with its sheet, and the parsers that no thread uses just now.
pub(super) struct Grammar {
    language: Language,
    sheet: Sheet,
    /// Longer code is read in pieces.
    at_once: usize,
    parsers: Mutex<Vec<Parser>>,
}

/// The parser asks now and then, every 100 operations, whether it should go on. The benchmark's samples ask at most once in
/// 64 bytes; what asks far more often is no code in this language, and stays plain, on every machine alike. What was
/// read so far is what counts: a parser that follows many readings of a code at once takes up to a megabyte between two
/// questions, and must be stopped while it is at the start.
const MIN_ANSWERS: usize = 16;
const BYTES_PER_ANSWER: usize = 24;

/// After an error the parser follows several readings and keeps copies of all that is open in each, which takes memory with
/// the square of what was read. So many bytes that were read, summed up over its questions, are some 150 MB in the worst
/// grammar that was found (C++), and 4 KB of code. Longer code with such an error is read again in pieces.
const MAX_READ_IN_ERROR: usize = 128 << 10;
const PIECE: usize = 4 << 10;

/// The parser gets the code in chunks, and how often it asks for one is limited too: some grammars read all that follows
/// before each token, which takes time with the square of the length. Others read most chunks twice.
const CHUNK: usize = 1 << 10;
const MIN_CHUNKS: usize = 256;
const READS_PER_CHUNK: usize = 64;

impl Grammar {
    pub(super) fn new(language: Language, sheets: &[&'static str], at_once: usize) -> Self {
        let sheet = Sheet::new(&language, sheets, |_| {});
        Self {
            language,
            sheet,
            at_once,
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
        let end = painter.at() + code.len();
        self.paint_whole_or_pieces(code, painter, embed);
        painter.fill(end, Class::Plain);
    }

    fn paint_whole_or_pieces(
        &self,
        code: &str,
        painter: &mut Painter,
        embed: &mut dyn FnMut(&'static str, &str, &mut Painter),
    ) {
        let whole = match code.len() <= self.at_once {
            true => self.parse(code),
            false => None,
        };
        match whole {
            Some(tree) => self.walk(&tree, code, painter.at(), painter, embed),
            None if code.len() > PIECE => {
                for piece in pieces(code) {
                    let from = painter.at();
                    if let Some(tree) = self.parse(piece) {
                        self.walk(&tree, piece, from, painter, embed);
                    }
                    painter.fill(from + piece.len(), Class::Plain);
                }
            }
            None => {}
        }
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
        let reads = Cell::new(MIN_CHUNKS + code.len() / CHUNK * READS_PER_CHUNK);
        let (mut answers, mut in_error) = (0, 0);
        let mut go_on = |state: &ParseState| {
            answers += 1;
            let at = state.current_byte_offset();
            if state.has_error() {
                in_error += at;
            }
            let is_too_much = answers > MIN_ANSWERS + at / BYTES_PER_ANSWER
                || in_error > MAX_READ_IN_ERROR
                || reads.get() == 0;
            match is_too_much {
                false => ControlFlow::Continue(()),
                true => ControlFlow::Break(()),
            }
        };
        let options = ParseOptions::new().progress_callback(&mut go_on);
        let bytes = code.as_bytes();
        let mut read = |at: usize, _| {
            reads.set(reads.get().saturating_sub(1));
            let end = bytes.len().min(at.saturating_add(CHUNK));
            // To a parser that has read too much the code ends here, and so does the parser.
            match reads.get() {
                0 => &[],
                _ => bytes.get(at..end).unwrap_or_default(),
            }
        };
        let tree = parser.parse_with_options(&mut read, None, Some(options));
        // After a parse that was given up the parser would go on with it.
        parser.reset();
        self.lock().push(parser);
        tree.filter(|_| reads.get() > 0)
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

/// The parts of `code`, each of at most [`PIECE`] bytes, which end at an empty line if there is one, else at the end of a line.
fn pieces(mut code: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let most = code.floor_char_boundary(PIECE);
        let piece = &code[..most];
        let end = match most == code.len() {
            true => most,
            false => piece
                .rfind("\n\n")
                .map(|at| at + 2)
                .or_else(|| piece.rfind('\n').map(|at| at + 1))
                .unwrap_or(most),
        };
        let (piece, rest) = code.split_at(end);
        code = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

impl std::fmt::Debug for Grammar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grammar").finish_non_exhaustive()
    }
}
