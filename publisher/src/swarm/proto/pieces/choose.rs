//! What a node is asked for next, so that it is never idle.

use std::{collections::BTreeSet, ops::Range, time::Duration};

use super::{Holder, MAX_WANTS, Output, PATIENCE, Pieces, UNKNOWN};
use crate::swarm::proto::{NodeId, have::runs};

impl Pieces {
    /// Asks a node for as much as it delivers in about a second.
    pub(super) fn keep_busy(&mut self, node: NodeId, relieved: bool, now: Duration) {
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
    pub(super) fn is_open(&self, node: NodeId, piece: u32, relieved: bool) -> bool {
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
    pub(super) fn is_relieved(&self) -> bool {
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
}
