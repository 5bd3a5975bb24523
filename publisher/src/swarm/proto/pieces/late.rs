//! What comes too late: from nodes that deliver nothing, are far slower than the rest, or show nothing of what they have.

use std::{collections::BTreeMap, time::Duration};

use super::{PATIENCE, Pieces, UNKNOWN, seconds};
use crate::swarm::proto::NodeId;

impl Pieces {
    /// Finds out who delivers nothing, and gives those another chance who did not for long.
    pub(super) fn find_stalled(&mut self, now: Duration) {
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
    pub(super) fn lose_patience(&mut self, now: Duration) {
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

    /// A piece that another node was asked for and that this one has sooner: the last of the slowest.
    pub(super) fn rescue(&mut self, node: NodeId, now: Duration) -> Option<u32> {
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
    pub(super) fn late(&self, node: NodeId, now: Duration) -> Vec<(Duration, u32)> {
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
}
