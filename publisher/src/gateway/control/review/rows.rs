//! A row a path, with how many lines came and went.

use maud::{Markup, html};

use super::{
    lines::lines,
    shown::{Shown, ShownRow},
};
use crate::{
    archive::{address::SiteId, tree::Change},
    error::printable,
    gateway::control::workshop::Draft,
    review::{LineDiff, MAX_TEXT, RowKind},
    store::Store,
    words::bytes,
};

/// What makes rows.
pub(super) struct Rows<'a> {
    pub(super) store: &'a Store,
    pub(super) site: SiteId,
    pub(super) shown: &'a Shown,
    pub(super) draft: &'a Draft,
    /// Whether each row has its lines from the start: only a few do, or the page would have millions.
    pub(super) open: bool,
}

/// A diff of more lines is behind a link.
const MAX_INLINE: usize = 400;

impl Rows<'_> {
    /// The row of that number.
    pub(super) fn row(&self, number: usize) -> Markup {
        let row = &self.shown.rows[number];
        let change = row.change(&self.draft.review);
        let diff = self.diff(row, change);
        let path = printable(change.path.as_str());
        let url = format!("/sites/{}/review/{number}", self.site);
        html! {
            li.row id={ "r" (number) } data-path=(path) {
                @if !row.in_sources {
                    input type="checkbox" name="r" value=(number) checked form="publish" aria-label={ "Publish " (path) };
                }
                details data-url={ (url) "?part" } {
                    summary { span.line {
                        span.kind.(row.kind.name()) { (row.kind.name()) }
                        " "
                        span.path { @if let Some(from) = &row.from { (printable(from.as_str())) " \u{2192} " } (path) }
                        " "
                        (counts(diff.as_ref()))
                        span.size { (sizes(change)) }
                    } }
                    div.body {
                        @match diff.as_ref().filter(|diff| self.open && few(diff)) {
                            Some(diff) => { (lines(diff)) }
                            None => { p { a href=(url) { "Show what changed in " (path) } } }
                        }
                        (actions(row, change, &url, &path))
                    }
                }
            }
        }
    }

    fn diff(&self, row: &ShownRow, change: &Change) -> Option<LineDiff> {
        if row.kind == RowKind::Moved {
            return None;
        }
        let (review, part) = (&self.draft.review, row.part(&self.draft.review));
        // A row that can't be read says so when it is opened; the others are no less true.
        let sides = review
            .sides(self.store, part, change, MAX_TEXT as u64)
            .ok()?;
        sides.lines(change)
    }
}

fn few(diff: &LineDiff) -> bool {
    diff.hunks
        .iter()
        .map(|hunk| hunk.lines.len())
        .sum::<usize>()
        <= MAX_INLINE
}

/// How many lines came and went; nothing of what has no lines.
pub(super) fn counts(diff: Option<&LineDiff>) -> Markup {
    html! {
        @if let Some(diff) = diff {
            span.counts {
                span.plus aria-hidden="true" { "+" (diff.added) } " "
                span.minus aria-hidden="true" { "\u{2212}" (diff.removed) }
                span.visually-hidden { (diff.added) " lines added, " (diff.removed) " removed" }
            }
        }
    }
}

/// What is known of the size of a change.
pub(super) fn sizes(change: &Change) -> String {
    match (&change.old, &change.new) {
        (Some(old), Some(new)) if old.size != new.size => {
            format!("{} \u{2192} {}", bytes(old.size), bytes(new.size))
        }
        (_, Some(file)) | (Some(file), None) => bytes(file.size),
        (None, None) => String::new(),
    }
}

/// What can be done with a row.
pub(super) fn actions(row: &ShownRow, change: &Change, url: &str, path: &str) -> Markup {
    let is_page = !row.in_sources && change.path.as_str().ends_with(".html");
    html! {
        p.actions {
            @if is_page { a href={ (url) "/pages" } { "See the page" span.visually-hidden { " " (path) } } " " }
            a href={ (url) "/restore" } { "Revert\u{2026}" span.visually-hidden { " " (path) } }
        }
    }
}
