//! One node that is asked for pieces.

use std::{
    collections::{BTreeSet, VecDeque},
    ops::Range,
    time::Duration,
};

use super::{Holder, SHOWN, STALL, UNKNOWN, seconds};
use crate::swarm::proto::have::Have;

/// How many bytes are asked for at once as long as a node was not measured, and at most: two runs at least are
/// always on their way.
const FIRST_RUN: u64 = 2 << 20;
const LONGEST_RUN: u64 = 64 << 20;

/// After how long a node that stalled is tried once more.
const PENANCE: Duration = Duration::from_secs(5);

/// How much time of a node's work a run is, in milliseconds.
const RUN: u64 = 500;

/// Over how long a rate is measured, at least and at most.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Provider {
    pub(super) holder: Holder,
    pub(super) has: Have,
    /// What it did not have when it was asked.
    pub(super) lacks: BTreeSet<u32>,
    /// What it was asked for and has not delivered, in the order in which it was asked.
    pub(super) asked: VecDeque<u32>,
    /// Where the next run begins.
    pub(super) cursor: u32,
    /// When something came last, or it was asked after a pause.
    pub(super) last: Duration,
    pub(super) stalled: bool,
    /// Since when it was asked to show more and has not.
    pub(super) wants_more: Option<Duration>,
    /// How often in a row it did not show anything for long.
    pub(super) waited: u32,
    /// How many pieces it has shown since it was asked to.
    pub(super) shown: usize,
    /// Bytes a second, once that was measured.
    pub(super) rate: Option<u64>,
    since: Duration,
    bytes: u64,
}

impl Provider {
    pub(super) fn new(holder: Holder, has: Have, cursor: u32, now: Duration) -> Self {
        Self {
            holder,
            has,
            lacks: BTreeSet::new(),
            asked: VecDeque::new(),
            cursor,
            last: now,
            stalled: false,
            wants_more: None,
            waited: 0,
            shown: 0,
            rate: None,
            since: now,
            bytes: 0,
        }
    }

    /// Whether it has all, shown or not.
    pub(super) fn is_whole(&self) -> bool {
        self.holder != Holder::Part
    }

    /// Whether what it has can be had from one who has a part.
    pub(super) fn counts(&self) -> bool {
        !self.is_whole() && !self.stalled
    }

    pub(super) fn ask(&mut self, run: Range<u32>, now: Duration) {
        if self.asked.is_empty() {
            self.last = now;
            self.since = now;
            self.bytes = 0;
        }
        self.cursor = match run.end < self.has.length() {
            true => run.end,
            false => 0,
        };
        self.asked.extend(run);
    }

    pub(super) fn moved(&mut self, bytes: u64, now: Duration) {
        self.last = now;
        self.stalled = false;
        self.bytes += bytes;
        let time = now.saturating_sub(self.since);
        if time >= SHORTEST {
            let rate = self.bytes as f64 / time.as_secs_f64();
            self.rate = Some((rate as u64).max(1));
        }
        if time >= LONGEST {
            self.since += time / 2;
            self.bytes /= 2;
        }
    }

    /// Until when it is waited for to show something, if it was asked to and nothing has come from anybody since `last`.
    pub(super) fn shows_by(&self, last: Duration) -> Option<Duration> {
        let since = self.wants_more?.max(last);
        Some(since + SHOWN / (1 << self.waited.min(6)))
    }

    /// Whether much of what it showed last is still on its way: who asks for more then takes it from others.
    pub(super) fn is_supplied(&self) -> bool {
        self.asked.len() > self.shown / 4
    }

    /// When it counts as stalled, or not any more, if nothing comes from it.
    pub(super) fn turns(&self) -> Option<Duration> {
        match (self.stalled, self.asked.is_empty()) {
            (false, true) => None,
            (false, false) => Some(self.last + STALL),
            (true, _) => Some(self.last + PENANCE),
        }
    }

    /// How many bytes its next run may have.
    pub(super) fn run_bytes(&self) -> u64 {
        let measured = self.rate.map(|rate| rate.saturating_mul(RUN) / 1000);
        measured.unwrap_or(FIRST_RUN).min(LONGEST_RUN)
    }

    /// Whether less than one run is left of what it was asked for.
    pub(super) fn has_room(&self, sizes: &[u64]) -> bool {
        self.asked.len() < 2 || self.left(sizes) <= self.run_bytes()
    }

    /// How long it takes for what it was asked for.
    pub(super) fn wait(&self, sizes: &[u64], now: Duration) -> Duration {
        match self.stalled {
            true => Duration::from_secs(3600),
            false => {
                let silent = now.saturating_sub(self.last);
                let rate = self.rate.unwrap_or(UNKNOWN);
                // What is silent may well stay so.
                let work = seconds(self.left(sizes), rate);
                work + silent.saturating_sub(STALL / 2)
            }
        }
    }

    fn left(&self, sizes: &[u64]) -> u64 {
        self.asked.iter().map(|piece| sizes[*piece as usize]).sum()
    }
}
