//! [`Pieces`]: whom to ask for which pieces of a version, while it is fetched from several nodes at once.
//!
//! A node is asked for contiguous runs, as many as it delivers in about a second, always before the last run has
//! come, so that one node alone is kept busy. What few have comes first, and from those who have only a part:
//! so the one who has all gives each piece about once to a crowd. Pieces of nodes that stall, or are far slower than
//! the rest, are asked of others too; whichever comes first counts.

mod provider;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    time::Duration,
};

use provider::Provider;

use super::{
    NodeId,
    dice::Dice,
    have::{Have, runs},
};

/// A node that delivers nothing for so long, while it was asked for something, has its pieces asked of others.
pub const STALL: Duration = Duration::from_secs(1);

/// For how long a node that has all is not asked for what those who have a part can deliver.
const PATIENCE: Duration = Duration::from_secs(2);

/// After how long a node that shows what it has little by little is asked for a piece that it did not show, while
/// nothing comes from anybody: a hint, if it is no more than slow. If it still shows nothing, it is soon asked for more.
const SHOWN: Duration = Duration::from_secs(10);

/// What a node is taken to deliver as long as it was not measured, in bytes a second.
const UNKNOWN: u64 = 1 << 20;

/// The most runs in one [`Output::More`].
pub const MAX_WANTS: usize = 64;

/// What a node has of the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// All of it.
    Whole,
    /// All of it, and it says little by little what it may be asked for.
    Showing,
    /// What it says.
    Part,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Ask a node for these pieces, in this order, after those that it was asked for before.
    Ask {
        /// The node.
        provider: NodeId,
        /// The pieces.
        pieces: Range<u32>,
    },
    /// A piece need not come from that node any more.
    Cancel {
        /// The node.
        provider: NodeId,
        /// The piece.
        piece: u32,
    },
    /// Have no more to do with that node: it lied.
    Drop {
        /// The node.
        provider: NodeId,
    },
    /// Ask a node that shows what it has little by little for more of these pieces.
    More {
        /// The node.
        provider: NodeId,
        /// At most [`MAX_WANTS`], in order.
        wants: Vec<Range<u32>>,
        /// Nobody else is known who has anything.
        alone: bool,
    },
}

/// Why a node is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It is away, or has nothing.
    Gone,
    /// It sent what is not what was signed. It never comes back.
    Lied,
}

/// The pieces of one version on their way to one node.
#[derive(Debug)]
pub struct Pieces {
    sizes: Vec<u64>,
    here: Have,
    providers: BTreeMap<NodeId, Provider>,
    liars: BTreeSet<NodeId>,
    /// Who was asked for a piece that is not here: two at most.
    asked: BTreeMap<u32, Vec<NodeId>>,
    /// How many of those who have a part, and deliver, have each piece.
    held: Vec<u32>,
    out: Vec<Output>,
    dice: Dice,
    /// When something arrived last.
    last: Duration,
}

impl Pieces {
    /// A version whose pieces have these sizes in bytes, of which some are here already.
    pub fn new(sizes: Vec<u64>, here: Have, seed: u64) -> Self {
        Self {
            held: vec![0; sizes.len()],
            sizes,
            here,
            providers: BTreeMap::new(),
            liars: BTreeSet::new(),
            asked: BTreeMap::new(),
            out: Vec::new(),
            dice: Dice::new(seed),
            last: Duration::ZERO,
        }
    }

    /// What is here.
    pub fn here(&self) -> &Have {
        &self.here
    }

    /// Whether all is here.
    pub fn is_done(&self) -> bool {
        self.here.is_full()
    }

    /// Whether no node is left that could be asked.
    pub fn is_deserted(&self) -> bool {
        self.providers.is_empty()
    }

    /// Whether a node has said of all that is missing that it lacks it, and can't get it either.
    pub fn is_useless(&self, node: NodeId) -> bool {
        let provider = self.providers.get(&node);
        let lacks = |provider: &Provider| {
            let mut missing = (0..self.here.length()).filter(|piece| !self.here.contains(*piece));
            provider.is_whole() && missing.all(|piece| provider.lacks.contains(&piece))
        };
        provider.is_none_or(lacks)
    }

    /// A node can be asked from now on. A liar stays out, and false is returned.
    pub fn join(&mut self, node: NodeId, holder: Holder, now: Duration) -> bool {
        if self.liars.contains(&node) {
            return false;
        }
        self.leave(node);
        let length = self.here.length();
        let has = match holder {
            Holder::Whole => Have::all(length),
            Holder::Showing | Holder::Part => Have::none(length),
        };
        let cursor = self.dice.below(u64::from(length)) as u32;
        let provider = Provider::new(holder, has, cursor, now);
        self.providers.insert(node, provider);
        true
    }

    /// A node has these pieces too, or may be asked for them. What is out of order, or does not exist, is passed over.
    pub fn has(&mut self, node: NodeId, pieces: &[Range<u32>]) {
        let Some(provider) = self.providers.get_mut(&node) else {
            return;
        };
        let mut from = 0;
        for run in pieces {
            for piece in run.start.max(from)..run.end.min(self.here.length()) {
                if provider.wants_more.take().is_some() {
                    provider.shown = 0;
                    provider.waited = 0;
                }
                if provider.has.insert(piece) && provider.counts() {
                    self.held[piece as usize] += 1;
                }
                provider.shown += 1;
            }
            from = from.max(run.end);
        }
    }

    /// A node that was asked for a piece does not have it.
    pub fn lacks(&mut self, node: NodeId, piece: u32) {
        self.unask(node, piece);
        let Some(provider) = self.providers.get_mut(&node) else {
            return;
        };
        provider.lacks.insert(piece);
        if provider.has.remove(piece) && provider.counts() {
            self.held[piece as usize] -= 1;
        }
    }

    /// So many bytes came from a node: to be said at the latest when a piece is whole.
    pub fn moved(&mut self, node: NodeId, bytes: u64, now: Duration) {
        if bytes == 0 {
            return;
        }
        self.last = self.last.max(now);
        let Some(provider) = self.providers.get_mut(&node) else {
            return;
        };
        let was_stalled = provider.stalled;
        provider.moved(bytes, now);
        if was_stalled {
            self.count(node, true);
        }
    }

    /// A piece is here, verified, from a node.
    pub fn arrived(&mut self, node: NodeId, piece: u32, now: Duration) {
        self.unask(node, piece);
        if let Some(provider) = self.providers.get_mut(&node) {
            provider.last = now;
        }
        self.last = self.last.max(now);
        if !self.here.insert(piece) {
            return;
        }
        for other in self.asked.remove(&piece).unwrap_or_default() {
            self.cancel(other, piece);
        }
    }

    /// A node can't be asked any more. What it was asked for is asked of others.
    pub fn failed(&mut self, node: NodeId, failure: Failure) {
        self.leave(node);
        if failure == Failure::Lied && self.liars.insert(node) {
            self.out.push(Output::Drop { provider: node });
        }
    }

    /// What is to be done now: to be asked after anything was said, and at [`wake`](Self::wake).
    pub fn plan(&mut self, now: Duration) -> Vec<Output> {
        if self.is_done() {
            return std::mem::take(&mut self.out);
        }
        self.find_stalled(now);
        self.lose_patience(now);
        let nodes: Vec<NodeId> = self.providers.keys().copied().collect();
        // Those who have a part come first: what they can give is not asked of those who have all.
        for whole in [false, true] {
            let relieved = whole && self.is_relieved();
            for node in &nodes {
                if self.providers[node].is_whole() == whole {
                    self.keep_busy(*node, relieved, now);
                }
            }
        }
        std::mem::take(&mut self.out)
    }

    /// When the plan changes next if nothing is said.
    pub fn wake(&self) -> Option<Duration> {
        if self.is_done() {
            return None;
        }
        let stalls = self.providers.values().filter_map(|p| p.turns());
        let shown = self
            .providers
            .values()
            .filter_map(|p| p.shows_by(self.last));
        stalls.chain(shown).min()
    }

    /// Asks a node for as much as it delivers in about a second.
    fn keep_busy(&mut self, node: NodeId, relieved: bool, now: Duration) {
        loop {
            let Some(provider) = self.providers.get_mut(&node) else {
                return;
            };
            if provider.stalled || !provider.has_room(&self.sizes) {
                return;
            }
            let run = self.choose(node, relieved);
            let run = match run {
                Some(run) => run,
                None => match self.rescue(node, now) {
                    Some(piece) => piece..piece + 1,
                    None => break,
                },
            };
            for piece in run.clone() {
                self.asked.entry(piece).or_default().push(node);
            }
            if let Some(provider) = self.providers.get_mut(&node) {
                provider.ask(run.clone(), now);
            }
            self.out.push(Output::Ask {
                provider: node,
                pieces: run,
            });
        }
        self.ask_for_more(node, relieved, now);
    }

    /// The next run of pieces for a node: those that the fewest have, from where the last run ended.
    fn choose(&self, node: NodeId, relieved: bool) -> Option<Range<u32>> {
        let provider = self.providers.get(&node)?;
        let fits = |piece: u32| provider.has.contains(piece) && self.is_open(node, piece, relieved);
        let length = self.here.length();
        let from = provider.cursor;
        let rarity = |piece: u32| self.held[piece as usize];
        let around = (from..length).chain(0..from);
        let first = around
            .filter(|piece| fits(*piece))
            .min_by_key(|piece| rarity(*piece))?;
        let open = (0..length).filter(|piece| self.is_open(node, *piece, relieved));
        // So that what is left is shared out.
        let share = open.count().div_ceil(2 * self.providers.len());
        let mut bytes = 0;
        let most = provider.run_bytes();
        let mut end = first;
        while end < length
            && fits(end)
            && rarity(end) <= rarity(first)
            && ((end - first) as usize) < share.max(1)
            && (end == first || bytes + self.sizes[end as usize] <= most)
        {
            bytes += self.sizes[end as usize];
            end += 1;
        }
        Some(first..end)
    }

    /// Whether a node may be asked for a piece, if it has it.
    fn is_open(&self, node: NodeId, piece: u32, relieved: bool) -> bool {
        if self.here.contains(piece) || (relieved && self.held[piece as usize] > 0) {
            return false;
        }
        match self.asked.get(&piece) {
            None => true,
            Some(others) => {
                let stalls = |other: &NodeId| self.providers.get(other).is_none_or(|p| p.stalled);
                others.len() < 2 && others[0] != node && stalls(&others[0])
            }
        }
    }

    /// Whether those who have a part can soon deliver what they have and was asked of nobody.
    fn is_relieved(&self) -> bool {
        let parts = self.providers.values().filter(|p| p.counts());
        let rate: u64 = parts.map(|p| p.rate.unwrap_or(UNKNOWN)).sum();
        let open = (0..self.here.length()).filter(|piece| {
            self.held[*piece as usize] > 0
                && !self.here.contains(*piece)
                && !self.asked.contains_key(piece)
        });
        let bytes: u64 = open.map(|piece| self.sizes[piece as usize]).sum();
        rate > 0 && bytes / rate < PATIENCE.as_secs()
    }

    /// A piece that another node was asked for and that this one has sooner: the last of the slowest.
    fn rescue(&mut self, node: NodeId, now: Duration) -> Option<u32> {
        let provider = self.providers.get(&node)?;
        let late = self.late(node, now).into_iter();
        let late = late.filter(|(_, piece)| provider.has.contains(*piece));
        // Of those that are equally late, the first: it would come last.
        let (_, piece) = late.reduce(|best, other| match other.0 > best.0 {
            true => other,
            false => best,
        })?;
        let asked = self.asked.get(&piece)?.clone();
        let wait = |other: &NodeId| self.providers.get(other).map(|p| p.wait(&self.sizes, now));
        let slowest = *asked.iter().max_by_key(|other| wait(other))?;
        // What is already on its way may as well come, but not from two; the rest waits in a queue there.
        if asked.len() > 1 || self.providers[&slowest].asked.front() != Some(&piece) {
            self.unask(slowest, piece);
            self.cancel(slowest, piece);
        }
        Some(piece)
    }

    /// Pieces that others were asked for and that this node, which has nothing to do, would have sooner; and how long
    /// they will take. Of each of the others, the last that it was asked for comes first.
    fn late(&self, node: NodeId, now: Duration) -> Vec<(Duration, u32)> {
        let Some(provider) = self.providers.get(&node).filter(|p| p.asked.is_empty()) else {
            return Vec::new();
        };
        let rates = self.providers.values().filter_map(|p| p.rate);
        // One that was not measured may be better than all who were.
        let unknown = rates.max().unwrap_or(UNKNOWN).max(UNKNOWN);
        let rate = provider.rate.unwrap_or(unknown);
        let waits = self.providers.iter();
        let waits: BTreeMap<NodeId, Duration> = waits
            .map(|(other, slow)| (*other, slow.wait(&self.sizes, now)))
            .collect();
        let mut late = Vec::new();
        for (other, slow) in self.providers.iter().filter(|(other, _)| **other != node) {
            // To have it from one who has all must be worth it.
            let worth = match provider.is_whole() && !slow.is_whole() {
                true => PATIENCE,
                false => Duration::from_millis(200),
            };
            for piece in slow.asked.iter().rev() {
                let asked = self.asked.get(piece).map_or(&[][..], Vec::as_slice);
                let wait = asked.iter().filter_map(|one| waits.get(one)).min();
                let wait = *wait.unwrap_or(&waits[other]);
                let own = seconds(self.sizes[*piece as usize], rate);
                if !asked.contains(&node) && wait > own * 2 + worth {
                    late.push((wait, *piece));
                }
            }
        }
        late
    }

    fn ask_for_more(&mut self, node: NodeId, relieved: bool, now: Duration) {
        let Some(provider) = self.providers.get(&node) else {
            return;
        };
        let waits = provider.wants_more.is_some();
        if provider.holder != Holder::Showing || waits || provider.is_supplied() {
            return;
        }
        let length = self.here.length();
        let from = provider.cursor;
        let around = (from..length).chain(0..from);
        let wanted = around
            .filter(|piece| !provider.has.contains(*piece) && self.is_open(node, *piece, relieved));
        let mut wants = runs(wanted);
        if wants.is_empty() {
            // What it has not shown can't be asked of it instead of a slow one.
            let late = self.late(node, now).into_iter();
            let late = late.filter(|(_, piece)| !provider.has.contains(*piece));
            wants = runs(
                late.map(|(_, piece)| piece)
                    .collect::<BTreeSet<_>>()
                    .into_iter(),
            );
        }
        wants.truncate(MAX_WANTS);
        wants.sort_by_key(|run| run.start);
        if wants.is_empty() {
            return;
        }
        let alone = self.providers.len() == 1;
        if let Some(provider) = self.providers.get_mut(&node) {
            provider.wants_more = Some(now);
        }
        self.out.push(Output::More {
            provider: node,
            wants,
            alone,
        });
    }

    /// Finds out who delivers nothing, and gives those another chance who did not for long.
    fn find_stalled(&mut self, now: Duration) {
        let providers = self.providers.iter();
        let turned: Vec<NodeId> = providers
            .filter(|(_, provider)| provider.turns().is_some_and(|at| now >= at))
            .map(|(node, _)| *node)
            .collect();
        for node in turned {
            self.count(node, false);
            if let Some(provider) = self.providers.get_mut(&node) {
                provider.stalled = !provider.stalled;
                provider.last = now;
            }
            self.count(node, true);
        }
    }

    /// Those who show nothing, while nothing comes from anybody, are asked for something all the same: for a piece, and
    /// if that changes nothing for twice as much after half the time. In a crowd they show little because they are busy.
    fn lose_patience(&mut self, now: Duration) {
        let waiting = self.providers.iter();
        let waiting = waiting.filter(|(_, p)| p.shows_by(self.last).is_some_and(|at| now >= at));
        let waiting: Vec<NodeId> = waiting.map(|(node, _)| *node).collect();
        for node in waiting {
            let provider = &self.providers[&node];
            let around = (provider.cursor..self.here.length()).chain(0..provider.cursor);
            let hidden = around.filter(|piece| {
                !self.here.contains(*piece)
                    && !provider.has.contains(*piece)
                    && !provider.lacks.contains(piece)
            });
            let (open, asked): (Vec<u32>, Vec<u32>) =
                hidden.partition(|piece| self.is_open(node, *piece, false));
            let most = 1 << provider.waited.min(20);
            let some: Vec<u32> = open.into_iter().chain(asked).take(most).collect();
            if let Some(provider) = self.providers.get_mut(&node) {
                provider.wants_more = None;
                provider.shown = some.len();
                provider.waited += 1;
                some.into_iter().for_each(|piece| {
                    provider.has.insert(piece);
                });
            }
        }
    }

    /// Counts what a node has among what can be had of those who have a part, or not any more. One that does not
    /// [count](Provider::counts) changes nothing.
    fn count(&mut self, node: NodeId, counts: bool) {
        let Some(provider) = self.providers.get(&node) else {
            return;
        };
        if !provider.counts() {
            return;
        }
        for piece in provider.has.runs().into_iter().flatten() {
            let held = &mut self.held[piece as usize];
            match counts {
                true => *held += 1,
                false => *held -= 1,
            }
        }
    }

    fn leave(&mut self, node: NodeId) {
        self.count(node, false);
        let Some(provider) = self.providers.remove(&node) else {
            return;
        };
        for piece in provider.asked {
            forget(&mut self.asked, node, piece);
        }
    }

    /// A node is not asked for a piece any more.
    fn unask(&mut self, node: NodeId, piece: u32) {
        if let Some(provider) = self.providers.get_mut(&node) {
            provider.asked.retain(|other| *other != piece);
        }
        forget(&mut self.asked, node, piece);
    }

    fn cancel(&mut self, node: NodeId, piece: u32) {
        if let Some(provider) = self.providers.get_mut(&node) {
            provider.asked.retain(|other| *other != piece);
        }
        self.out.push(Output::Cancel {
            provider: node,
            piece,
        });
    }
}

fn forget(asked: &mut BTreeMap<u32, Vec<NodeId>>, node: NodeId, piece: u32) {
    if let Some(nodes) = asked.get_mut(&piece) {
        nodes.retain(|other| *other != node);
        if nodes.is_empty() {
            asked.remove(&piece);
        }
    }
}

/// How long so many bytes take.
fn seconds(bytes: u64, rate: u64) -> Duration {
    Duration::from_secs_f64(bytes as f64 / rate.max(1) as f64)
}
