//! What is seen in a run.

use std::time::Duration;

use super::message::Message;

/// What is counted while it runs.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counts {
    /// Asking for links, and what comes of it.
    pub(crate) linking: u64,
    /// Versions told or given.
    pub(crate) telling: u64,
    /// Names of nodes.
    pub(crate) naming: u64,
    /// The most links that a node had.
    pub(crate) links: usize,
    /// Fetches that came to nothing.
    pub(crate) missed: u64,
    /// False heads and pieces that were noticed.
    pub(crate) forged: u64,
    pub(crate) corrupt: u64,
    /// Pieces that came twice.
    pub(crate) twice: u64,
}

impl Counts {
    pub(super) fn sent(&mut self, message: &Message) {
        match message {
            Message::Ask(..)
            | Message::Admit(..)
            | Message::Refuse(..)
            | Message::Close(..)
            | Message::Leave(..) => self.linking += 1,
            Message::Tell(..) | Message::Give(..) => self.telling += 1,
            Message::Peers(..) => self.naming += 1,
            _ => {}
        }
    }

    /// The messages of the overlay.
    pub(crate) fn messages(&self) -> u64 {
        self.linking + self.telling + self.naming
    }
}

/// What came of a version.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    /// How many nodes there are.
    pub(crate) nodes: usize,
    pub(crate) seed: u64,
    /// Honest nodes that are on and lack the newest version at the beginning, and in the end.
    pub(crate) lacking: usize,
    pub(crate) behind: usize,
    /// How long it took until half of the nodes had it, and the last.
    pub(crate) half: Duration,
    pub(crate) all: Duration,
    /// What the author sent, in sizes of the version.
    pub(crate) author: f64,
    /// What the node that sent most sent.
    pub(crate) most: f64,
    /// Messages of the overlay for it.
    pub(crate) messages: u64,
    pub(crate) counts: Counts,
    /// The hash of all events.
    pub(crate) trace: u64,
}

impl Report {
    /// Messages of the overlay for each n log2 n.
    pub(crate) fn growth(&self) -> f64 {
        let nodes = self.nodes as f64;
        self.messages as f64 / (nodes * nodes.log2())
    }

    /// The names of what is in a row.
    pub(crate) fn head() -> String {
        format!(
            "{:>6} {:>4} {:>7} {:>6} {:>8} {:>8} {:>7} {:>7} {:>8} {:>6} {:>8} {:>6} {:>6} {:>7} {:>5} {:>6} {:>16}",
            "nodes",
            "seed",
            "lacking",
            "behind",
            "half s",
            "all s",
            "author",
            "most",
            "messages",
            "/nlogn",
            "linking",
            "missed",
            "forged",
            "corrupt",
            "twice",
            "links",
            "trace"
        )
    }

    /// What was seen, in one line.
    pub(crate) fn row(&self) -> String {
        let counts = &self.counts;
        format!(
            "{:>6} {:>4} {:>7} {:>6} {:>8.2} {:>8.2} {:>7.2} {:>7.2} {:>8} {:>6.2} {:>8} {:>6} {:>6} {:>7} {:>5} {:>6} {:>16x}",
            self.nodes,
            self.seed,
            self.lacking,
            self.behind,
            self.half.as_secs_f64(),
            self.all.as_secs_f64(),
            self.author,
            self.most,
            self.messages,
            self.growth(),
            counts.linking,
            counts.missed,
            counts.forged,
            counts.corrupt,
            counts.twice,
            counts.links,
            self.trace,
        )
    }
}
