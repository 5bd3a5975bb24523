//! Raw HTML, and the calls of components that are covered by it.

use std::ops::Range;

use pulldown_cmark_escape::escape_html_body_text;

use super::super::calls::{MAX_ERRORS, Part, Token};
use super::super::excerpt::MORE;
use super::super::note::Note;
use super::super::settings::RawHtml;
use super::{Frame, Writer};
use crate::{links, marks};

impl Writer<'_> {
    pub(super) fn html(&mut self, html: &str, range: Range<usize>, is_inline: bool) {
        self.misplaced_calls_before(range.start);
        if is_inline && self.calls.literal.binary_search(&range.start).is_ok() {
            let _ = escape_html_body_text(&mut self.out, html);
            return;
        }
        let mut at = range.start;
        while let Some(token) = self.token_before(range.end) {
            if html.len() == range.len() {
                let before = &html[at - range.start..token.range.start - range.start];
                self.raw(before, token.range.start, is_inline);
            }
            at = token.range.end;
            self.token += 1;
            self.call(&token);
        }
        if at == range.start {
            self.raw(html, range.end, is_inline);
        } else if html.len() == range.len() {
            let after = &html[(at - range.start).min(html.len())..];
            self.raw(after, range.end, is_inline);
        }
    }

    /// Writes `html`, which ends at `end` in the text.
    fn raw(&mut self, html: &str, end: usize, is_inline: bool) {
        if let Some(heading) = &mut self.heading {
            // It may be a link.
            heading.has_link = true;
        }
        if html.trim() == MORE {
            let (written, depth) = match self.frames.first() {
                None => (self.out.as_str(), self.open.len()),
                Some(Frame::Call { html, depth, .. }) => (html.as_str(), *depth),
                // A footnote is no place for it.
                Some(Frame::Footnote { .. }) => return,
            };
            self.excerpt.marker(written, &self.open[..depth]);
        }
        match self.context.settings.raw_html {
            RawHtml::Keep => {
                let rest = self.text.get(end..).unwrap_or_default();
                self.raw_elements.take_in(html, rest, is_inline);
                if self.extended && html.contains('=') {
                    links::ids(html, &mut self.html_ids);
                }
                self.out.push_str(&marks::without_comments(html));
            }
            RawHtml::Escape if html.trim() != MORE => {
                let _ = escape_html_body_text(&mut self.out, html);
            }
            RawHtml::Escape | RawHtml::Drop => {}
        }
    }

    /// The next call, if it begins before `end`.
    fn token_before(&self, end: usize) -> Option<Token> {
        let token = self.calls.tokens.get(self.token)?;
        (token.range.start < end).then(|| token.clone())
    }

    fn call(&mut self, token: &Token) {
        if let Some(heading) = &mut self.heading {
            // A component may write a link.
            heading.has_link = true;
        }
        match token.part {
            Part::Whole(index) => marks::push_call(&mut self.out, self.context.path, index),
            Part::Start(index) => self.frames.push(Frame::Call {
                index,
                depth: self.open.len(),
                html: std::mem::take(&mut self.out),
            }),
            Part::End(index) => match self.frames.pop() {
                Some(Frame::Call {
                    index: began,
                    depth,
                    html,
                }) if began == index && depth == self.open.len() => {
                    let body = std::mem::replace(&mut self.out, html);
                    self.calls.list[index].body_html = Some(body);
                    marks::push_call(&mut self.out, self.context.path, index);
                }
                other => {
                    self.frames.extend(other);
                    self.ends_elsewhere(index, token.range.start);
                }
            },
        }
    }

    /// When an element ends, no call that began in it may still be open.
    pub(super) fn calls_inside_end_with_it(&mut self) {
        while let Some(Frame::Call { depth, .. }) = self.frames.last()
            && *depth > self.open.len()
        {
            if let Some(Frame::Call { index, html, .. }) = self.frames.pop() {
                let offset = self.calls.list[index].offset;
                self.out = html;
                self.ends_elsewhere(index, offset);
            }
        }
    }

    fn ends_elsewhere(&mut self, index: usize, offset: usize) {
        let call = &self.calls.list[index];
        let name = &call.name;
        // One mistake may be met at both ends.
        if self.errors.len() >= MAX_ERRORS
            || self
                .errors
                .iter()
                .any(|e| e.message.contains(&format!("<{name}>")))
        {
            return;
        }
        let message = format!("the two ends of <{name}> stand in different blocks");
        self.errors.push(Note::new(offset, message).with_hint(
            "put both ends on lines of their own, with the same indentation, or both into one paragraph",
        ));
    }

    /// Calls before `offset` that were not met stand where there can be no HTML.
    pub(super) fn misplaced_calls_before(&mut self, offset: usize) {
        while let Some(token) = self.token_before(offset) {
            self.token += 1;
            self.errors.push(
                Note::new(token.range.start, "a call of a component can't stand here")
                    .with_hint("it can stand in text, not in the address, title or alternative text of a link or an image"),
            );
        }
    }
}
