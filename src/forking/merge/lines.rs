//! Three texts merged line by line.

use similar::{MergeResolution, TextMerge};

/// What the two sides of a conflict are called, and what they had in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Labels {
    /// The version that both come from.
    pub(crate) base: u64,
    /// The version that is merged in.
    pub(crate) theirs: u64,
}

/// A merged text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Merged {
    /// The text, with marks around what has to be decided.
    pub(crate) text: String,
    /// The lines on which conflicts begin, from 1.
    pub(crate) conflicts: Vec<usize>,
}

/// Longer texts are not merged, in bytes: with conflicts there would be no end to reading them.
pub(crate) const MAX_TEXT: usize = 2 << 20;
/// Nor are texts of more lines: the time that a merge takes grows with the square of its changes.
const MAX_LINES: usize = 50_000;

const OURS: &str = "<<<<<<< yours";
const BASE: &str = "||||||| version ";
const MIDDLE: &str = "=======";
const THEIRS: &str = ">>>>>>> version ";

/// Merges what changed from `base` to `ours` and to `theirs`; `None` if one of them is not text, or too long.
pub(crate) fn merge(base: &[u8], ours: &[u8], theirs: &[u8], labels: Labels) -> Option<Merged> {
    let (base, ours, theirs) = (text(base)?, text(ours)?, text(theirs)?);
    let [base, ours, theirs] = same_ends(base, ours, theirs);
    let merge = TextMerge::from_lines(&*base, &*ours, &*theirs);
    let end = match ends(&ours).or(ends(&theirs)) {
        Some(End::Crlf) => "\r\n",
        _ => "\n",
    };
    let mut out = Out {
        text: String::with_capacity(ours.len() + theirs.len()),
        lines: 0,
        end,
    };
    let mut conflicts = Vec::new();
    for region in merge.regions() {
        let ours = region.ours_range().filter_map(|at| merge.ours_line(at));
        let theirs = region.theirs_range().filter_map(|at| merge.theirs_line(at));
        match region.resolution() {
            MergeResolution::Theirs => theirs.for_each(|line| out.line(line)),
            MergeResolution::Conflict => {
                out.mark(OURS);
                conflicts.push(out.lines);
                ours.for_each(|line| out.line(line));
                out.mark(&format!("{BASE}{}", labels.base));
                let base = region.base_range().filter_map(|at| merge.base_line(at));
                base.for_each(|line| out.line(line));
                out.mark(MIDDLE);
                theirs.for_each(|line| out.line(line));
                out.mark(&format!("{THEIRS}{}", labels.theirs));
            }
            _ => ours.for_each(|line| out.line(line)),
        }
    }
    let text = out.text;
    Some(Merged { text, conflicts })
}

struct Out {
    text: String,
    lines: usize,
    end: &'static str,
}

impl Out {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.lines += 1;
    }

    /// A mark has a line of its own, also after one that does not end.
    fn mark(&mut self, mark: &str) {
        if !self.text.is_empty() && !self.text.ends_with(['\n', '\r']) {
            self.text.push_str(self.end);
        }
        self.text.push_str(mark);
        self.text.push_str(self.end);
        self.lines += 1;
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    let is_short = bytes.len() <= MAX_TEXT && !bytes.contains(&0);
    let text = std::str::from_utf8(bytes).ok().filter(|_| is_short)?;
    let lines = text.bytes().filter(|b| matches!(b, b'\n' | b'\r')).count();
    (lines <= MAX_LINES).then_some(text)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Lf,
    Crlf,
}

/// How the lines of `text` end, if all end in one way.
fn ends(text: &str) -> Option<End> {
    let all = text.matches('\n').count();
    match text.matches("\r\n").count() {
        0 if all > 0 => Some(End::Lf),
        crlf if crlf == all && all > 0 => Some(End::Crlf),
        _ => None,
    }
}

/// The texts with the ends of lines of the one side that changed all of them, as editors and git do: else every line
/// would be a conflict.
fn same_ends(base: &str, ours: &str, theirs: &str) -> [String; 3] {
    let (of_base, of_ours, of_theirs) = (ends(base), ends(ours), ends(theirs));
    let wanted = match of_base == of_theirs {
        true => of_ours,
        false if of_base == of_ours => of_theirs,
        false => None,
    };
    let all_known = of_base.is_some() && of_ours.is_some() && of_theirs.is_some();
    [base, ours, theirs].map(|text| match wanted.filter(|_| all_known) {
        Some(end) if ends(text) != Some(end) => match end {
            End::Lf => text.replace("\r\n", "\n"),
            End::Crlf => text.replace('\n', "\r\n"),
        },
        _ => text.to_owned(),
    })
}

/// A conflict that a merge left in a text and nobody has decided yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Open {
    /// The line on which it begins, from 1.
    pub(crate) line: usize,
    /// The version that was merged in.
    pub(crate) version: u64,
}

/// The conflicts in a text that are still open.
pub(crate) fn open_conflicts(bytes: &[u8]) -> Vec<Open> {
    let Some(text) = text(bytes) else {
        return Vec::new();
    };
    let mut open = Vec::new();
    let mut begun = None;
    for (at, line) in text.lines().enumerate() {
        match line.strip_prefix(THEIRS) {
            Some(version) => {
                let version = version.trim_end().parse().ok();
                let (line, version) = (begun.take(), version);
                open.extend(
                    line.zip(version)
                        .map(|(line, version)| Open { line, version }),
                );
            }
            None if line == OURS => begun = Some(at + 1),
            None => {}
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LABELS: Labels = Labels { base: 1, theirs: 2 };

    fn merged(base: &str, ours: &str, theirs: &str) -> Merged {
        merge(base.as_bytes(), ours.as_bytes(), theirs.as_bytes(), LABELS).unwrap()
    }

    #[test]
    fn what_each_side_changed_elsewhere_is_in_the_result() {
        let base = "one\ntwo\nthree\nfour\nfive\n";
        let ours = "ONE\ntwo\nthree\nfour\nfive\n";
        let theirs = "one\ntwo\nthree\nfive\nsix\n";
        let both = merged(base, ours, theirs);
        assert_eq!(both.text, "ONE\ntwo\nthree\nfive\nsix\n");
        assert!(both.conflicts.is_empty());
    }

    #[test]
    fn a_conflict_shows_both_sides_and_what_they_come_from() {
        let both = merged("a\nb\nc\nd", "a\nours\nc\nours", "a\ntheirs\nc\ntheirs");
        assert_eq!(
            both.text,
            "a\n<<<<<<< yours\nours\n||||||| version 1\nb\n=======\ntheirs\n>>>>>>> version 2\nc\n\
             <<<<<<< yours\nours\n||||||| version 1\nd\n=======\ntheirs\n>>>>>>> version 2\n"
        );
        assert_eq!(both.conflicts, [2, 10]);
        let open = open_conflicts(both.text.as_bytes());
        let lines: Vec<usize> = open.iter().map(|open| open.line).collect();
        assert_eq!(lines, both.conflicts);
        assert!(open.iter().all(|open| open.version == 2));
    }

    #[test]
    fn ends_of_lines_stay_as_they_are() {
        // The writer's editor has changed them all.
        let both = merged("a\nb\nc\n", "A\r\nb\r\nc\r\n", "a\nb\nC\n");
        assert_eq!(both.text, "A\r\nb\r\nC\r\n");
        let both = merged("a\r\nb\r\nc", "A\r\nb\r\nc", "a\r\nb\r\nc\r\nd");
        assert_eq!(both.text, "A\r\nb\r\nc\r\nd");
        let both = merged("a\r\n", "b\r\n", "c\r\n");
        assert!(!both.text.replace("\r\n", "").contains('\n'), "{both:?}");
    }

    #[test]
    fn what_is_no_text_is_not_merged() {
        assert_eq!(merge(b"a", b"\0", b"b", LABELS), None);
        assert_eq!(merge(b"a", b"b", b"\xff", LABELS), None);
        let long = vec![b'a'; MAX_TEXT + 1];
        assert_eq!(merge(b"a", b"b", &long, LABELS), None);
        let long = vec![b'\n'; MAX_LINES + 1];
        assert_eq!(merge(b"a", b"b", &long, LABELS), None);
    }

    /// Lines that are all different, in an order, and what a person does to them.
    fn edited() -> impl Strategy<Value = (String, String, String)> {
        let edits = proptest::collection::vec((0..5u8, 0..40usize), 0..8);
        (1..40usize, edits.clone(), edits).prop_map(|(count, ours, theirs)| {
            let base: Vec<String> = (0..count).map(|n| format!("line {n}")).collect();
            let side = |name: &str, edits: Vec<(u8, usize)>| {
                let mut lines = base.clone();
                for (n, (what, at)) in edits.into_iter().enumerate() {
                    let at = at.min(lines.len());
                    match what {
                        0 if at < lines.len() => drop(lines.remove(at)),
                        1 if at < lines.len() => lines[at] = format!("{name} {n}"),
                        _ => lines.insert(at, format!("{name} {n}")),
                    }
                }
                lines.join("\n") + "\n"
            };
            (
                side("base", Vec::new()),
                side("ours", ours),
                side("theirs", theirs),
            )
        })
    }

    /// Short texts with much in common, of any ends of lines.
    fn any_text() -> impl Strategy<Value = String> {
        let line = prop_oneof![Just("a"), Just("b"), Just("c"), Just("")];
        let end = prop_oneof![4 => Just("\n"), 1 => Just("\r\n"), 1 => Just("\r")];
        let lines = proptest::collection::vec((line, end), 0..7);
        (lines, prop_oneof![Just(""), Just("a")]).prop_map(|(lines, last)| {
            let lines = lines.into_iter().map(|(line, end)| format!("{line}{end}"));
            lines.collect::<String>() + last
        })
    }

    proptest! {
        #[test]
        fn who_changes_nothing_gets_what_the_other_did((b, x) in (any_text(), any_text())) {
            for (ours, theirs) in [(&x, &b), (&b, &x), (&x, &x)] {
                let both = merged(&b, ours, theirs);
                prop_assert!(both.conflicts.is_empty());
                prop_assert_eq!(&both.text, &x);
            }
        }

        #[test]
        fn without_a_conflict_the_sides_may_change_places((b, o, t) in (any_text(), any_text(), any_text())) {
            let (one, other) = (merged(&b, &o, &t), merged(&b, &t, &o));
            prop_assert_eq!(one.conflicts.is_empty(), other.conflicts.is_empty());
            if one.conflicts.is_empty() {
                prop_assert_eq!(one.text, other.text);
            }
        }

        #[test]
        fn no_line_is_lost_but_by_who_removed_it((b, o, t) in edited()) {
            let both = merged(&b, &o, &t);
            let has = |text: &str, line: &str| text.lines().any(|l| l == line);
            for line in o.lines().chain(t.lines()) {
                let removed = has(&b, line) && !(has(&o, line) && has(&t, line));
                prop_assert!(removed || has(&both.text, line), "{} is not in\n{}", line, both.text);
            }
            for line in both.text.lines() {
                let mark = [OURS, BASE, MIDDLE, THEIRS].iter().any(|mark| line.starts_with(mark));
                prop_assert!(mark || has(&o, line) || has(&t, line) || !both.conflicts.is_empty());
            }
            let open = open_conflicts(both.text.as_bytes());
            let lines: Vec<usize> = open.iter().map(|open| open.line).collect();
            prop_assert_eq!(lines, both.conflicts);
        }

        /// A merge that was broken off can be done again.
        #[test]
        fn a_merge_that_is_repeated_changes_nothing((b, o, t) in edited()) {
            let once = merged(&b, &o, &t);
            if once.conflicts.is_empty() {
                prop_assert_eq!(merged(&b, &once.text, &t), once);
            }
        }

        #[test]
        fn any_bytes_are_merged_or_left(
            b in proptest::collection::vec(any::<u8>(), 0..64),
            o in proptest::collection::vec(any::<u8>(), 0..64),
            t in "\\PC{0,20}(\r?\n|\r)\\PC{0,20}",
        ) {
            let _ = merge(&b, &o, t.as_bytes(), LABELS);
            let _ = merge(t.as_bytes(), &o, &b, LABELS);
            let _ = open_conflicts(&o);
        }
    }
}
