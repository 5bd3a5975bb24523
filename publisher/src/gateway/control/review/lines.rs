//! A line diff as a table: line numbers, a sign that is read out, and the changed words marked.

use maud::{Markup, html};

use crate::review::{Line, LineDiff, Side};

/// So many lines are shown; nobody reads more of a diff in a browser.
pub(super) const MAX_LINES: usize = 2000;

pub(super) fn lines(diff: &LineDiff) -> Markup {
    let total: usize = diff.hunks.iter().map(|hunk| hunk.lines.len()).sum();
    let mut room = MAX_LINES;
    html! {
        @if diff.hunks.is_empty() {
            p.soft { "The lines are the same." }
        } @else {
            div.diff-scroll tabindex="0" role="group" aria-label="Changed lines" {
                table.diff {
                    @for hunk in &diff.hunks {
                        @let shown = hunk.lines.len().min(room);
                        @let () = room -= shown;
                        @if shown > 0 {
                            tbody { (rows(&hunk.lines[..shown], hunk.old_start, hunk.new_start)) }
                        }
                    }
                }
            }
            @if total > MAX_LINES {
                p.soft { (total - MAX_LINES) " more lines are not shown here." }
            }
        }
    }
}

fn rows(lines: &[Line], mut old: usize, mut new: usize) -> Markup {
    html! {
        @for line in lines {
            @let (in_old, in_new) = (line.side != Side::New, line.side != Side::Old);
            tr class=(class(line.side)) {
                td.no data-line=[in_old.then_some(old)] {}
                td.no data-line=[in_new.then_some(new)] {}
                td.sign { span aria-hidden="true" { (sign(line.side)) } @if line.side != Side::Both { span.visually-hidden { (name(line.side)) } } }
                td.text {
                    @for (differs, part) in &line.parts {
                        @if *differs { mark { (part) } } @else { (part) }
                    }
                }
            }
            @let () = { old += usize::from(in_old); new += usize::from(in_new) };
        }
    }
}

fn class(side: Side) -> &'static str {
    match side {
        Side::Both => "both",
        Side::Old => "old",
        Side::New => "new",
    }
}

fn sign(side: Side) -> &'static str {
    match side {
        Side::Both => "",
        Side::Old => "\u{2212}",
        Side::New => "+",
    }
}

fn name(side: Side) -> &'static str {
    match side {
        Side::Both => "",
        Side::Old => "removed:",
        Side::New => "added:",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::line_diff;

    #[test]
    fn lines_have_their_numbers_and_nothing_in_them_is_markup() {
        let diff = line_diff(b"one\n<b>two\nthree\n", b"one\n<b>2\nthree\n").unwrap();
        let html = lines(&diff).0;
        assert!(!html.contains("<b>"), "{html}");
        assert!(html.contains("&lt;b&gt;"));
        assert!(
            html.contains(
                "<tr class=\"old\"><td class=\"no\" data-line=\"2\"></td><td class=\"no\"></td>"
            ),
            "{html}"
        );
        assert!(html.contains(
            "<tr class=\"new\"><td class=\"no\"></td><td class=\"no\" data-line=\"2\"></td>"
        ));
        assert!(html.contains("data-line=\"3\"></td><td class=\"no\" data-line=\"3\""));
    }

    #[test]
    fn a_long_diff_is_cut_off_and_says_so() {
        let new: String = (0..MAX_LINES + 7).map(|n| format!("{n}\n")).collect();
        let html = lines(&line_diff(b"", new.as_bytes()).unwrap()).0;
        assert_eq!(html.matches("<tr").count(), MAX_LINES);
        assert!(html.contains("7 more lines"));
    }
}
