//! What changed in a text, line by line, with the part of the line that did.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};

/// The changed places of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineDiff {
    /// The changed places with the lines around them, in order.
    pub hunks: Vec<Hunk>,
    /// How many lines were added.
    pub added: usize,
    /// How many were removed.
    pub removed: usize,
}

/// A changed place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// Its first line in the old text, from 1.
    pub old_start: usize,
    /// Its first line in the new text, from 1.
    pub new_start: usize,
    /// Its lines.
    pub lines: Vec<Line>,
}

impl Hunk {
    /// Its header in a unified diff: `@@ -8,7 +8,7 @@`. A side without a line names the line before it.
    pub fn header(&self) -> String {
        let range = |start: usize, side: Side| {
            let of_side = |line: &&Line| line.side == Side::Both || line.side == side;
            match self.lines.iter().filter(of_side).count() {
                0 => format!("{},0", start - 1),
                1 => start.to_string(),
                count => format!("{start},{count}"),
            }
        };
        let old = range(self.old_start, Side::Old);
        format!("@@ -{old} +{} @@", range(self.new_start, Side::New))
    }
}

/// A line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// On which side it is.
    pub side: Side,
    /// The line in parts, without its end; true for those in which it differs from its other side.
    pub parts: Vec<(bool, String)>,
}

/// On which side of a diff a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// On both.
    Both,
    /// In the old text only.
    Old,
    /// In the new text only.
    New,
}

/// Longer texts are not compared line by line.
pub const MAX_TEXT: usize = 2 << 20;
/// How many unchanged lines are shown around a changed place.
const CONTEXT: usize = 3;
/// After that a rougher diff has to do; only its looks depend on it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Compares two texts; `None` if one of them is not text, or is longer than [`MAX_TEXT`].
pub fn line_diff(old: &[u8], new: &[u8]) -> Option<LineDiff> {
    let (old, new) = (text(old)?, text(new)?);
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(old, new);
    let (mut added, mut removed) = (0, 0);
    let mut hunks = Vec::new();
    for group in diff.grouped_ops(CONTEXT) {
        let Some(first) = group.first() else {
            continue;
        };
        let mut hunk = Hunk {
            old_start: first.old_range().start + 1,
            new_start: first.new_range().start + 1,
            lines: Vec::new(),
        };
        for change in group.iter().flat_map(|op| diff.iter_inline_changes(op)) {
            let side = match change.tag() {
                ChangeTag::Equal => Side::Both,
                ChangeTag::Delete => Side::Old,
                ChangeTag::Insert => Side::New,
            };
            added += usize::from(side == Side::New);
            removed += usize::from(side == Side::Old);
            let parts = change.iter_strings_lossy();
            let parts = parts
                .map(|(differs, part)| (differs, part.trim_end_matches(['\r', '\n']).to_owned()));
            hunk.lines.push(Line {
                side,
                parts: parts.filter(|(_, part)| !part.is_empty()).collect(),
            });
        }
        hunks.push(hunk);
    }
    Some(LineDiff {
        hunks,
        added,
        removed,
    })
}

/// Bytes as text, as `git` tells the two apart: no zero byte, and here also UTF-8.
fn text(bytes: &[u8]) -> Option<&str> {
    if bytes.len() > MAX_TEXT || bytes.contains(&0) {
        return None;
    }
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_changed_word_is_marked() {
        let old = "one\ntwo bees dance\nthree\n";
        let new = "one\ntwo bees sing\nthree\nfour\n";
        let diff = line_diff(old.as_bytes(), new.as_bytes()).unwrap();
        assert_eq!((diff.added, diff.removed, diff.hunks.len()), (2, 1, 1));
        let lines = &diff.hunks[0].lines;
        let sides: Vec<_> = lines.iter().map(|line| line.side).collect();
        use Side::{Both, New, Old};
        assert_eq!(sides, [Both, Old, New, Both, New]);
        assert!(
            lines[1].parts.contains(&(true, "dance".into())),
            "{lines:?}"
        );
        assert!(lines[2].parts.contains(&(true, "sing".into())), "{lines:?}");
        assert!(lines[1].parts[0].1.starts_with("two bees") && !lines[1].parts[0].0);
    }

    #[test]
    fn places_far_apart_are_hunks_of_their_own() {
        let old: String = (0..100).map(|n| format!("line {n}\n")).collect();
        let new = old
            .replace("line 10\n", "ten\n")
            .replace("line 90\n", "ninety\n");
        let diff = line_diff(old.as_bytes(), new.as_bytes()).unwrap();
        let starts: Vec<_> = diff
            .hunks
            .iter()
            .map(|h| (h.old_start, h.new_start))
            .collect();
        assert_eq!(starts, [(8, 8), (88, 88)]);
    }

    #[test]
    fn a_header_counts_the_lines_of_each_side_as_unified_diffs_do() {
        let fifty: String = (0..50).map(|n| format!("line {n}\n")).collect();
        for (old, new, header) in [
            ("", fifty.as_str(), "@@ -0,0 +1,50 @@"),
            (fifty.as_str(), "", "@@ -1,50 +0,0 @@"),
            ("a\n", "b\n", "@@ -1 +1 @@"),
            ("a\nb\nc\nd\n", "a\nb\nc\nd\ne\n", "@@ -2,3 +2,4 @@"),
            (&fifty, &fifty.replace("line 9\n", ""), "@@ -7,7 +7,6 @@"),
        ] {
            let diff = line_diff(old.as_bytes(), new.as_bytes()).unwrap();
            assert_eq!(diff.hunks[0].header(), header);
        }
    }

    #[test]
    fn what_is_no_text_is_not_compared() {
        assert_eq!(line_diff(b"a\0b", b"c"), None);
        assert_eq!(line_diff(b"a", &[0xff]), None);
        assert_eq!(line_diff(&vec![b'a'; MAX_TEXT + 1], b""), None);
        assert_eq!(line_diff(b"", b"").unwrap().hunks, []);
    }
}
