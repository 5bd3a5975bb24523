//! Which lines of a block are numbered, marked or hidden.

/// How the lines of a block look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// The number of the first line, if lines have numbers.
    pub(super) numbered_from: Option<u32>,
    /// The lines that the reader is to look at.
    pub(super) marked: Lines,
    /// The lines that are not shown. They count.
    pub(super) hidden: Lines,
}

impl Look {
    /// Whether each line needs a look of its own.
    pub(super) fn is_by_line(&self) -> bool {
        self.numbered_from.is_some() || !self.marked.0.is_empty() || !self.hidden.0.is_empty()
    }
}

/// A set of lines, counted from 1, as ranges with both ends: sorted, none touching the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lines(Vec<(u32, u32)>);

impl Lines {
    /// Adds what `text` names, one line (`7`) or a range (`2-4`); false if it names neither.
    pub(super) fn add(&mut self, text: &str) -> bool {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let number = |text: &str| {
            let text = text.trim();
            // Not what `parse` takes beyond that: a sign.
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse().unwrap_or(u32::MAX))
        };
        let (Some(first), Some(last)) = (number(first), number(last)) else {
            return false;
        };
        self.0.push((first.min(last), first.max(last)));
        self.0.sort_unstable();
        self.0.dedup_by(|next, range| {
            let touches = next.0 <= range.1.saturating_add(1);
            if touches {
                range.1 = range.1.max(next.1);
            }
            touches
        });
        true
    }

    pub(super) fn contains(&self, line: u32) -> bool {
        let after = self.0.partition_point(|range| range.0 <= line);
        after > 0 && self.0[after - 1].1 >= line
    }

    /// A line of the set that a text of `count` lines does not have.
    pub(super) fn beyond(&self, count: usize) -> Option<u32> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        match (self.0.first(), self.0.last()) {
            (Some((0, _)), _) => Some(0),
            (_, Some((first, last))) if *last > count => Some((*first).max(count + 1)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Lines {
        let mut lines = Lines::default();
        for text in texts {
            assert!(lines.add(text), "{text}");
        }
        lines
    }

    #[test]
    fn ranges_are_joined_whatever_their_order() {
        let lines = lines(&["7", "4-2", "3-5", "6", "20-20"]);
        assert_eq!(lines.0, [(2, 7), (20, 20)]);
        let shown: Vec<u32> = (0..30).filter(|line| lines.contains(*line)).collect();
        assert_eq!(shown, [2, 3, 4, 5, 6, 7, 20]);
    }

    #[test]
    fn what_is_no_line_is_refused() {
        for text in ["", "-", "a", "1-", "-1", "+1", "1-2-3", "1.5"] {
            assert!(!Lines::default().add(text), "{text}");
        }
    }

    #[test]
    fn tells_of_a_line_that_is_not_there() {
        assert_eq!(lines(&["2-4"]).beyond(4), None);
        assert_eq!(lines(&["2-4"]).beyond(3), Some(4));
        assert_eq!(lines(&["9"]).beyond(3), Some(9));
        assert_eq!(lines(&["0", "1"]).beyond(3), Some(0));
        assert_eq!(lines(&["1-99999999999999"]).beyond(3), Some(4));
        assert_eq!(Lines::default().beyond(0), None);
    }
}
