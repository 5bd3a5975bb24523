//! [`Reveal`]: what a node that has a whole version shows to each of those who fetch it at the same time. Each is
//! first shown what nobody else was, so that they have something to give to each other, and the node itself gives
//! each piece about once. What somebody was shown and did not pass on is shown to others after a while.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    time::Duration,
};

use super::{NodeId, have::runs};

/// After how long a piece that one has is shown to another: about as long as it takes there to come to the next ones.
const AGAIN: Duration = Duration::from_secs(4);

/// After how long a piece is shown to another that one was shown and has not come for since. All who fetch share the
/// uplink: to show it sooner would only keep it longer from everybody.
const LATE: Duration = Duration::from_secs(20);

/// For how long a node that knows nobody else waits like the others: in a crowd, everybody knows nobody at first.
const LONELY: Duration = Duration::from_secs(3);

/// How many pieces are shown at once, at first and at most.
const FIRST: u32 = 4;
const MOST: u32 = 256;

/// The most pieces shown at once while several fetch.
const SHARE: u32 = 16;

/// Who fetches a version from a node that has it whole, and what they were shown.
#[derive(Debug)]
pub struct Reveal {
    fetchers: BTreeMap<NodeId, Fetcher>,
    /// How often each piece was shown, and when last.
    shown: Vec<(u16, Duration)>,
    cursor: u32,
}

#[derive(Debug, Default)]
struct Fetcher {
    /// How much it was shown the last time.
    slice: u32,
    /// What it was shown since it asked last.
    holds: Vec<u32>,
    /// When it asked for the first time.
    first: Option<Duration>,
    /// What it waits for, and since when.
    waits: Vec<Range<u32>>,
    since: Duration,
}

impl Reveal {
    /// Of a version with so many pieces. Where it begins is up to `seed`.
    pub fn new(pieces: u32, seed: u64) -> Self {
        Self {
            fetchers: BTreeMap::new(),
            shown: vec![(0, Duration::ZERO); pieces as usize],
            cursor: (seed % u64::from(pieces.max(1))) as u32,
        }
    }

    /// A node begins to fetch.
    pub fn enter(&mut self, node: NodeId) {
        self.fetchers.entry(node).or_default();
    }

    /// A node has all, or is gone.
    pub fn leave(&mut self, node: NodeId) {
        self.fetchers.remove(&node);
    }

    /// Whether nobody fetches.
    pub fn is_idle(&self) -> bool {
        self.fetchers.is_empty()
    }

    /// A node asks for more: what of `wants` it is shown now. If that is nothing, it is shown something as soon as
    /// it may be, by [`due`](Self::due). A node that is `alone` knows nobody else who has anything.
    pub fn more(
        &mut self,
        node: NodeId,
        wants: &[Range<u32>],
        alone: bool,
        now: Duration,
    ) -> Vec<Range<u32>> {
        self.release(node, now);
        let Some(fetcher) = self.fetchers.get_mut(&node) else {
            return Vec::new();
        };
        let lonely = alone && now >= *fetcher.first.get_or_insert(now) + LONELY;
        let at_once = lonely || self.fetchers.len() == 1;
        // Who asks again and again does not come before those who wait.
        let queue = self.fetchers.iter();
        let queue = queue.filter(|(other, f)| **other != node && !f.waits.is_empty());
        let nobody_waits = queue.count() == 0;
        let shown = self.show(node, wants, at_once, nobody_waits, now);
        if let Some(fetcher) = self.fetchers.get_mut(&node) {
            if fetcher.waits.is_empty() {
                fetcher.since = now;
            }
            fetcher.waits = match shown.is_empty() {
                true => wants.to_vec(),
                false => Vec::new(),
            };
        }
        shown
    }

    /// What those who wait are shown by now, in the order in which they came.
    pub fn due(&mut self, now: Duration) -> Vec<(NodeId, Vec<Range<u32>>)> {
        let waiting = self.fetchers.iter().filter(|(_, f)| !f.waits.is_empty());
        let mut waiting: Vec<_> = waiting
            .map(|(node, f)| (f.since, *node, f.waits.clone()))
            .collect();
        waiting.sort_by_key(|(since, node, _)| (*since, *node));
        let mut due = Vec::new();
        for (_, node, wants) in waiting {
            let shown = self.show(node, &wants, false, true, now);
            if !shown.is_empty() {
                if let Some(fetcher) = self.fetchers.get_mut(&node) {
                    fetcher.waits.clear();
                }
                due.push((node, shown));
            }
        }
        due
    }

    /// A node asks for more when it has, or nearly, what it was shown: from there it can be had soon.
    fn release(&mut self, node: NodeId, now: Duration) {
        if let Some(fetcher) = self.fetchers.get_mut(&node) {
            for piece in std::mem::take(&mut fetcher.holds) {
                self.shown[piece as usize].1 = now;
            }
        }
    }

    /// Chooses what a node is shown: what was shown least, from where the last one ended.
    fn show(
        &mut self,
        node: NodeId,
        wants: &[Range<u32>],
        at_once: bool,
        again: bool,
        now: Duration,
    ) -> Vec<Range<u32>> {
        let fetchers = self.fetchers.len() as u32;
        let Some(before) = self.fetchers.get(&node).map(|f| f.slice) else {
            return Vec::new();
        };
        let held: BTreeSet<u32> = match at_once {
            true => BTreeSet::new(),
            false => self
                .fetchers
                .values()
                .flat_map(|f| f.holds.iter().copied())
                .collect(),
        };
        let may = |piece: u32| {
            let (times, last) = self.shown[piece as usize];
            let wait = match held.contains(&piece) {
                true => LATE,
                false => AGAIN,
            };
            at_once || times == 0 || (again && now >= last + wait)
        };
        let wants = wants
            .iter()
            .flat_map(|run| run.start..run.end.min(self.shown.len() as u32));
        let mut pieces: Vec<u32> = wants.filter(|piece| may(*piece)).collect();
        pieces.sort_unstable();
        pieces.dedup();
        let times = |piece: &u32| self.shown[*piece as usize].0;
        let Some(least) = pieces.iter().map(times).min() else {
            return Vec::new();
        };
        pieces.retain(|piece| times(piece) == least);
        let slice = match (fetchers, least) {
            (1, _) => (before * 2).clamp(FIRST, MOST),
            (_, 0) => (pieces.len() as u32 / (2 * fetchers)).clamp(1, SHARE),
            _ if at_once => FIRST,
            // It goes to one after the other, so that it spreads from there.
            _ => 1,
        };
        let at = pieces.partition_point(|piece| *piece < self.cursor);
        pieces.rotate_left(at);
        let mut taken: Vec<u32> = Vec::new();
        for piece in pieces.into_iter().take(slice as usize) {
            if taken.last().is_some_and(|last| last + 1 != piece) {
                break;
            }
            let (times, last) = &mut self.shown[piece as usize];
            // Who needs not wait keeps those who do no longer from their turn.
            if *times == 0 || !at_once {
                *last = now;
            }
            *times = times.saturating_add(1);
            taken.push(piece);
        }
        self.cursor = taken.last().map_or(0, |last| last + 1);
        if let Some(fetcher) = self.fetchers.get_mut(&node) {
            fetcher.slice = slice;
            fetcher.holds.extend(&taken);
        }
        runs(taken.into_iter())
    }

    /// When something is due next, if anybody waits.
    pub fn wake(&self) -> Option<Duration> {
        let wants = self.fetchers.values().flat_map(|f| f.waits.iter().cloned());
        let pieces = wants.flat_map(|run| run.start..run.end.min(self.shown.len() as u32));
        let last = pieces.map(|piece| self.shown[piece as usize].1).min();
        last.map(|last| last + AGAIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(5);

    fn node(n: u8) -> NodeId {
        [n; 32]
    }

    fn reveal(pieces: u32, fetchers: u8) -> Reveal {
        let mut reveal = Reveal::new(pieces, 77);
        (0..fetchers).for_each(|n| reveal.enter(node(n)));
        reveal
    }

    /// What it wants and was not shown yet.
    fn rest(pieces: u32, had: &[u32]) -> Vec<Range<u32>> {
        runs((0..pieces).filter(|piece| !had.contains(piece)))
    }

    #[test]
    fn who_fetches_alone_is_soon_shown_all() {
        let mut reveal = reveal(1000, 1);
        let mut had = Vec::new();
        let mut asked = 0;
        while had.len() < 1000 {
            let wants = rest(1000, &had);
            let shown = reveal.more(node(0), &wants, true, NOW);
            assert!(!shown.is_empty());
            had.extend(shown.into_iter().flatten());
            asked += 1;
        }
        assert!(asked < 16, "{asked}");
        assert_eq!(reveal.more(node(0), &[], true, NOW), []);
    }

    #[test]
    fn several_are_shown_different_pieces_and_the_rest_when_those_stall() {
        let mut reveal = reveal(40, 4);
        let mut all = Vec::new();
        let mut had = vec![Vec::new(); 4];
        let everything = std::slice::from_ref(&(0..40));
        'full: loop {
            for n in 0..4u8 {
                let shown = reveal.more(node(n), everything, n == 0 && all.is_empty(), NOW);
                if shown.is_empty() {
                    break 'full;
                }
                all.extend(shown.clone().into_iter().flatten());
                had[n as usize].extend(shown.into_iter().flatten());
            }
        }
        all.sort_unstable();
        assert_eq!(all, (0..40).collect::<Vec<_>>(), "each once");
        assert!(had.iter().all(|had| !had.is_empty()));
        // All of them wait for each other, and nothing comes.
        for n in 0..4 {
            let wants = rest(40, &had[usize::from(n)]);
            assert_eq!(reveal.more(node(n), &wants, false, NOW), []);
        }
        let at = reveal.wake().unwrap();
        assert_eq!(at, NOW + AGAIN);
        assert_eq!(reveal.due(at - Duration::from_millis(1)), []);
        let due = reveal.due(at);
        assert_eq!(due.len(), 4);
        let mut again: Vec<u32> = due
            .iter()
            .flat_map(|(_, runs)| runs.iter().cloned())
            .flatten()
            .collect();
        again.sort_unstable();
        again.dedup();
        assert_eq!(again.len(), 4, "to each another");
        // Who knows nobody else need not wait, if that stays so.
        assert_eq!(reveal.more(node(1), everything, true, NOW), []);
        let later = NOW + LONELY;
        assert!(!reveal.more(node(1), everything, true, later).is_empty());
    }

    #[test]
    fn what_is_still_on_its_way_to_one_is_not_shown_to_another() {
        let mut reveal = reveal(2, 2);
        let all = std::slice::from_ref(&(0..2));
        let first = reveal.more(node(0), all, true, NOW);
        let second = reveal.more(node(1), all, true, NOW);
        assert_eq!(
            (first.clone(), second.clone()),
            (rest(2, &[0]), rest(2, &[1]))
        );
        // One of them is quick. The other has a slow link, and the piece is on its way for long.
        let soon = NOW + Duration::from_secs(1);
        assert_eq!(reveal.more(node(0), &second, false, soon), []);
        assert_eq!(reveal.due(NOW + LATE - AGAIN), []);
        assert_eq!(reveal.due(NOW + LATE), [(node(0), second)]);
        // What the quick one has is shown to the other when it asks.
        let late = NOW + LATE + AGAIN;
        assert_eq!(reveal.more(node(1), &first, false, late), first);
    }

    #[test]
    fn what_does_not_exist_is_not_shown_and_strangers_are_shown_nothing() {
        let mut reveal = reveal(3, 2);
        let far = std::slice::from_ref(&(2..u32::MAX));
        assert_eq!(reveal.more(node(0), far, false, NOW), rest(3, &[0, 1]));
        assert_eq!(reveal.more(node(9), far, false, NOW), []);
        reveal.leave(node(0));
        assert!(!reveal.is_idle());
        reveal.leave(node(1));
        assert!(reveal.is_idle());
        assert_eq!(reveal.wake(), None);
        assert_eq!(Reveal::new(0, 1).more(node(0), far, false, NOW), []);
    }
}
