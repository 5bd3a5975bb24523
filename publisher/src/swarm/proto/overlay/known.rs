//! [`Known`]: the nodes that may be dialled. Nobody is believed: whoever names a thousand nodes has his share of the
//! table and no more, and of the shares one is as likely to be dialled as another.

use std::{collections::BTreeMap, time::Duration};

use crate::swarm::proto::{NodeId, dice::Dice};

/// Who named a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A person, a ticket, or the records of this node.
    Own,
    /// The local network.
    Lan,
    /// The DHT, where anybody can write.
    Dht,
    /// Itself, by asking for a link.
    Asker,
    /// Another node.
    Peer(NodeId),
}

/// After how many failures in a row a node is forgotten to which there never was a link.
const FORGOTTEN: u32 = 3;
/// The wait after the first failure.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);
/// How long, while others are linked, a node is not called that said that it stops: it calls by itself when it is back.
const GONE_REST: Duration = Duration::from_secs(15 * 60);
/// After how many failures in a row a node is left alone while others are linked, for how long then, and at most. The
/// first failures may be those of a swarm that was cut in two, which is to heal soon.
const PATIENT: u32 = 3;
const FIRST_REST: Duration = Duration::from_secs(2 * 60);
const LONGEST_REST: Duration = Duration::from_secs(60 * 60);
/// The wait after a refusal: who is full now has room later.
const REFUSED_WAIT: Duration = Duration::from_secs(30);

/// The most liars that are kept in mind.
const MAX_BANS: usize = 256;

/// A bounded table of nodes.
#[derive(Debug)]
pub(super) struct Known {
    nodes: BTreeMap<NodeId, Entry>,
    most: usize,
}

#[derive(Debug)]
struct Entry {
    source: Source,
    /// Whether it took a link that we had asked for.
    proven: bool,
    /// How often in a row it was of no use.
    failures: u32,
    /// Whether it did not answer at all when it was dialled last.
    silent: bool,
    /// When it may be dialled.
    from: Duration,
    /// When it may be dialled while others are linked, if that is later.
    rests: Duration,
    /// Whether it said that it stops.
    is_gone: bool,
}

impl Known {
    pub(super) fn new(most: usize) -> Self {
        Self {
            nodes: BTreeMap::new(),
            most,
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn contains(&self, node: &NodeId) -> bool {
        self.nodes.contains_key(node)
    }

    /// Takes a node in, if there is room for it: in the share of whoever names it, and in the table. `busy` nodes keep
    /// their place.
    pub(super) fn add(
        &mut self,
        node: NodeId,
        source: Source,
        dice: &mut Dice,
        busy: impl Fn(&NodeId) -> bool,
    ) {
        if let Some(entry) = self.nodes.get_mut(&node) {
            // What a person says outlives what others said.
            if source == Source::Own {
                entry.source = source;
            }
            return;
        }
        let share = match source {
            Source::Own => self.most / 2,
            Source::Lan | Source::Dht | Source::Asker => self.most / 4,
            Source::Peer(_) => self.most / 16,
        };
        let of_share = |entry: &Entry| entry.source == source && !entry.proven;
        if self.nodes.values().filter(|entry| of_share(entry)).count() >= share
            && !self.evict(dice, |node, entry| of_share(entry) && !busy(node))
        {
            return;
        }
        if self.nodes.len() >= self.most && !self.make_room(source, dice, busy) {
            return;
        }
        let entry = Entry {
            source,
            proven: false,
            failures: 0,
            silent: false,
            from: Duration::ZERO,
            rests: Duration::ZERO,
            is_gone: false,
        };
        self.nodes.insert(node, entry);
    }

    /// The nodes to which links were are half of the table: in a long partition they are all that leads to the other
    /// side, however often they fail.
    fn make_room(
        &mut self,
        source: Source,
        dice: &mut Dice,
        busy: impl Fn(&NodeId) -> bool,
    ) -> bool {
        let hearsay = |entry: &Entry| !entry.proven && entry.source != Source::Own;
        self.evict(dice, |node, entry| hearsay(entry) && !busy(node))
            || self.nodes.values().filter(|entry| entry.proven).count() > self.most / 2
                && self.evict(dice, |node, entry| {
                    entry.proven && entry.source != Source::Own && !busy(node)
                })
            || source == Source::Own && self.evict(dice, |node, _| !busy(node))
    }

    /// Forgets one of them: the one that failed most often, or any of those that did not fail.
    fn evict(&mut self, dice: &mut Dice, of: impl Fn(&NodeId, &Entry) -> bool) -> bool {
        let all = self.nodes.iter().filter(|(node, entry)| of(node, entry));
        let worst = all
            .map(|(node, entry)| (entry.failures, dice.roll(), *node))
            .max();
        worst.is_some_and(|(_, _, node)| self.nodes.remove(&node).is_some())
    }

    /// A node to dial now, of those that `free` lets through: who never failed before who did, and each source as
    /// likely as another, however many it names. If `any` is set, failures do not count: a partition may be over.
    pub(super) fn pick(
        &self,
        now: Duration,
        any: bool,
        dice: &mut Dice,
        free: impl Fn(&NodeId) -> bool,
    ) -> Option<NodeId> {
        let mut groups: BTreeMap<(bool, Option<Source>), Vec<NodeId>> = BTreeMap::new();
        for (node, entry) in &self.nodes {
            if entry.from <= now && free(node) {
                let source = (!entry.proven).then_some(entry.source);
                let group = (!any && entry.failures > 0, source);
                groups.entry(group).or_default().push(*node);
            }
        }
        let (fails, _) = *groups.keys().next()?;
        let groups: Vec<_> = groups
            .iter()
            .filter(|((group, _), _)| *group == fails)
            .map(|(_, nodes)| nodes)
            .collect();
        let group = dice.pick(&groups)?;
        dice.pick(group).copied()
    }

    /// When the next of those that `free` lets through may be dialled, if others are `linked` or not.
    pub(super) fn next(&self, linked: bool, free: impl Fn(&NodeId) -> bool) -> Option<Duration> {
        let free = self.nodes.iter().filter(|(node, _)| free(node));
        let from = |entry: &Entry| match linked {
            true => entry.from.max(entry.rests),
            false => entry.from,
        };
        free.map(|(_, entry)| from(entry)).min()
    }

    /// A node took a link that we had asked for.
    pub(super) fn took(&mut self, node: &NodeId) {
        if let Some(entry) = self.nodes.get_mut(node) {
            entry.proven = true;
            entry.failures = 0;
            entry.silent = false;
            entry.from = Duration::ZERO;
        }
    }

    /// There is a link with a node, whoever asked for it.
    pub(super) fn is_here(&mut self, node: &NodeId) {
        if let Some(entry) = self.nodes.get_mut(node) {
            entry.rests = Duration::ZERO;
            entry.is_gone = false;
        }
    }

    /// A node could not be reached, or was of no use: it has to wait, longer each time.
    pub(super) fn failed(&mut self, node: &NodeId, now: Duration, dice: &mut Dice) {
        self.wait(node, now, FIRST_WAIT, dice);
        if let Some(entry) = self.nodes.get_mut(node) {
            entry.silent = true;
            let rest = match entry.failures.checked_sub(PATIENT + 1) {
                _ if entry.is_gone => LONGEST_REST,
                Some(more) => (FIRST_REST * (1 << more.min(8))).min(LONGEST_REST),
                None => Duration::ZERO,
            };
            entry.rests = now + dice.about(rest);
        }
        let useless = |entry: &Entry| {
            entry.failures >= FORGOTTEN && !entry.proven && entry.source != Source::Own
        };
        if self.nodes.get(node).is_some_and(useless) {
            self.nodes.remove(node);
        }
    }

    /// A node has no room for a link.
    pub(super) fn refused(&mut self, node: &NodeId, now: Duration, dice: &mut Dice) {
        self.wait(node, now, REFUSED_WAIT, dice);
        if let Some(entry) = self.nodes.get_mut(node) {
            entry.silent = false;
        }
    }

    /// Whether a node did not answer at all when it was dialled last.
    pub(super) fn is_silent(&self, node: &NodeId) -> bool {
        self.nodes.get(node).is_some_and(|entry| entry.silent)
    }

    /// Whether a node is left alone as long as others are linked. With `any` only those that said that they stop: a
    /// partition may be over.
    pub(super) fn rests(&self, node: &NodeId, now: Duration, any: bool) -> bool {
        let rests = |entry: &Entry| now < entry.rests && (entry.is_gone || !any);
        self.nodes.get(node).is_some_and(rests)
    }

    fn wait(&mut self, node: &NodeId, now: Duration, first: Duration, dice: &mut Dice) {
        if let Some(entry) = self.nodes.get_mut(node) {
            let wait = first * (1 << entry.failures.min(16));
            entry.from = now + dice.about(wait.min(LONGEST_WAIT));
            entry.failures = entry.failures.saturating_add(1);
        }
    }

    /// A linked node has stopped, and said so.
    pub(super) fn left(&mut self, node: &NodeId, now: Duration, dice: &mut Dice) {
        self.wait(node, now, FIRST_WAIT * 4, dice);
        if let Some(entry) = self.nodes.get_mut(node) {
            entry.silent = true;
            entry.is_gone = true;
            entry.rests = now + dice.about(GONE_REST);
        }
    }

    /// A link to a node ended: it may be back in a moment.
    pub(super) fn lost(&mut self, node: &NodeId, now: Duration, dice: &mut Dice) {
        if let Some(entry) = self.nodes.get_mut(node) {
            entry.from = now + dice.about(FIRST_WAIT);
        }
    }

    /// Forgets a node that lied, and whom it named.
    pub(super) fn forget(&mut self, node: &NodeId) {
        self.nodes.retain(|id, entry| {
            id != node && (entry.proven || entry.source != Source::Peer(*node))
        });
    }
}

/// Who lied, and until when nothing is to do with them.
#[derive(Debug, Default)]
pub(super) struct Bans(BTreeMap<NodeId, Duration>);

impl Bans {
    pub(super) fn add(&mut self, node: NodeId, end: Duration) {
        if self.0.len() >= MAX_BANS
            && let Some(first) = self.0.iter().map(|(node, until)| (*until, *node)).min()
        {
            self.0.remove(&first.1);
        }
        self.0.insert(node, end);
    }

    pub(super) fn contains(&self, node: &NodeId, now: Duration) -> bool {
        self.0.get(node).is_some_and(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> NodeId {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&number.to_be_bytes());
        id
    }

    fn table() -> (Known, Dice) {
        (Known::new(64), Dice::new(1))
    }

    #[test]
    fn who_names_many_has_his_share_and_others_keep_theirs() {
        let (mut known, mut dice) = table();
        known.add(id(1), Source::Own, &mut dice, |_| false);
        known.add(id(2), Source::Dht, &mut dice, |_| false);
        for number in 100..10_000 {
            known.add(id(number), Source::Peer(id(9)), &mut dice, |_| false);
        }
        assert_eq!(known.len(), 2 + 64 / 16);
        // His nodes together are dialled as often as the one of the DHT.
        let picks: Vec<_> = (0..900)
            .filter_map(|_| known.pick(Duration::ZERO, false, &mut dice, |_| true))
            .collect();
        let of_dht = picks.iter().filter(|node| **node == id(2)).count();
        assert!((200..400).contains(&of_dht), "{of_dht}");
        // Many liars fill the table, and still the nodes of a person stay.
        for number in 100..10_000 {
            known.add(id(number), Source::Peer(id(number % 50)), &mut dice, |_| {
                false
            });
        }
        assert_eq!(known.len(), 64);
        assert!(known.contains(&id(1)));
    }

    #[test]
    fn who_fails_waits_longer_each_time_and_is_forgotten_if_he_never_was_there() {
        let (mut known, mut dice) = table();
        for (node, source) in [(1, Source::Own), (2, Source::Dht), (3, Source::Dht)] {
            known.add(id(node), source, &mut dice, |_| false);
        }
        known.took(&id(3));
        let mut longest = Duration::ZERO;
        for _ in 0..20 {
            for node in 1..=3 {
                known.failed(&id(node), Duration::ZERO, &mut dice);
            }
            let next = known.next(false, |node| *node == id(1)).unwrap();
            assert!(next <= LONGEST_WAIT * 3 / 2);
            longest = longest.max(next);
        }
        assert!(longest > LONGEST_WAIT / 2);
        assert!(known.contains(&id(1)) && !known.contains(&id(2)) && known.contains(&id(3)));
        assert_eq!(known.pick(FIRST_WAIT / 4, true, &mut dice, |_| true), None);
        assert!(
            known
                .pick(LONGEST_WAIT * 2, true, &mut dice, |_| true)
                .is_some()
        );
    }

    #[test]
    fn who_was_linked_stays_through_a_long_partition() {
        let (mut known, mut dice) = table();
        for number in 0..16 {
            known.add(id(number), Source::Dht, &mut dice, |_| false);
            known.took(&id(number));
            for _ in 0..50 {
                known.failed(&id(number), Duration::ZERO, &mut dice);
            }
        }
        for number in 100..10_000 {
            known.add(id(number), Source::Peer(id(number % 40)), &mut dice, |_| {
                false
            });
        }
        assert!((0..16).all(|number| known.contains(&id(number))));
    }

    #[test]
    fn a_liar_goes_with_whom_it_named() {
        let (mut known, mut dice) = table();
        known.add(id(1), Source::Own, &mut dice, |_| false);
        for number in [2, 3] {
            known.add(id(number), Source::Peer(id(1)), &mut dice, |_| false);
        }
        known.took(&id(3));
        known.forget(&id(1));
        assert!(!known.contains(&id(1)) && !known.contains(&id(2)) && known.contains(&id(3)));
    }
}
