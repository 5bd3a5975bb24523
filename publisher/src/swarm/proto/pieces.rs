//! [`Pieces`]: whom to ask for which pieces of a version, while it is fetched from several nodes at once.
//!
//! A node is asked for contiguous runs, as many as it delivers in about a second, always before the last run has
//! come, so that one node alone is kept busy. What few have comes first, and from those who have only a part:
//! so the one who has all gives each piece about once to a crowd. Pieces of nodes that stall, or are far slower than
//! the rest, are asked of others too; whichever comes first counts.

mod choose;
mod late;
mod provider;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    time::Duration,
};

use provider::Provider;

use super::{NodeId, dice::Dice, have::Have};

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
