//! Who tells whom, and what is fetched from whom.

use std::{collections::BTreeMap, time::Duration};

use super::{Output, Overlay};
use crate::swarm::proto::{NodeId, Tip};

/// The wait after a version was missed the first time, and the longest.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(5 * 60);
/// How many versions that were missed are kept in mind.
const MAX_MISSED: usize = 64;

/// What is here, and what is not.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) tip: Option<Tip>,
    /// The version that is being fetched.
    fetching: Option<Tip>,
    /// The version that has begun to come in.
    getting: Option<Tip>,
    missed: BTreeMap<Tip, Missed>,
}

/// A version that could not be fetched.
#[derive(Debug)]
struct Missed {
    times: u32,
    /// When it may be asked for again; [`Duration::MAX`] if never.
    retry: Duration,
}

/// What was said over a link, both ways.
#[derive(Debug)]
pub(super) struct Heard {
    /// What the other told of last, and whether it has all of it; `None` if it did not deliver.
    claim: Option<(Tip, bool)>,
    /// The longest that it told of.
    length: u64,
    /// The longest that it was told of.
    said: u64,
}

impl Heard {
    pub(super) fn new(said: Option<Tip>) -> Self {
        Self {
            claim: None,
            length: 0,
            said: length(said),
        }
    }
}

fn length(tip: Option<Tip>) -> u64 {
    tip.map_or(0, |tip| tip.length)
}

impl Overlay {
    pub(super) fn told(&mut self, now: Duration, node: NodeId, tip: Tip, whole: bool) {
        let Some(link) = self.links.get_mut(&node) else {
            return;
        };
        // An honest node tells of each version once, and of longer ones only.
        if tip.length <= link.heard.length {
            self.strike(now, node);
            return;
        }
        link.heard.length = tip.length;
        link.heard.claim = Some((tip, whole));
        if self.news.fetching == Some(tip) {
            self.out.push(Output::AlsoHas { tip, node });
        }
    }

    /// A node gave a version unasked: nobody else need be asked for it now.
    pub(super) fn given(&mut self, now: Duration, node: NodeId, tip: Tip) {
        self.told(now, node, tip, true);
        if tip.length > length(self.news.tip) {
            self.news.fetching.get_or_insert(tip);
        }
    }

    pub(super) fn getting(&mut self, tip: Tip) {
        if tip.length > length(self.news.tip) {
            self.news.getting = Some(tip);
            self.tell_all();
        }
    }

    pub(super) fn has(&mut self, tip: Tip) {
        if tip.length < length(self.news.tip) {
            return;
        }
        let news = &mut self.news;
        news.tip = Some(tip);
        let newer = |other: &Tip| other.length > tip.length;
        news.fetching = news.fetching.filter(newer);
        news.getting = news.getting.filter(newer);
        news.missed.retain(|other, _| newer(other));
        self.tell_all();
    }

    fn tell_all(&mut self) {
        let nodes: Vec<_> = self.links().collect();
        for node in &nodes {
            self.tell(node);
        }
    }

    /// Tells a node of the newest version, if it knows of none as new.
    pub(super) fn tell(&mut self, node: &NodeId) {
        let news = match (self.news.getting, self.news.tip) {
            (Some(tip), _) => Some((tip, false)),
            (None, Some(tip)) => Some((tip, true)),
            (None, None) => None,
        };
        if let (Some((tip, whole)), Some(link)) = (news, self.links.get_mut(node))
            && tip.length > link.heard.length.max(link.heard.said)
        {
            // What a node was told of it has by now, as a rule.
            let has = link.heard.length.max(link.heard.said);
            link.heard.said = tip.length;
            self.out.push(Output::Tell {
                node: *node,
                tip,
                whole,
                give: whole && has + 1 == tip.length,
            });
        }
    }

    pub(super) fn failed(&mut self, now: Duration, node: NodeId, tip: Tip) {
        let Some(link) = self.links.get_mut(&node) else {
            return;
        };
        // Who is still fetching itself promised nothing, and does not say once more when it has the version.
        if link.heard.claim == Some((tip, true)) {
            link.heard.claim = None;
            self.strike(now, node);
        }
    }

    pub(super) fn missed(&mut self, now: Duration, tip: Tip, again: bool) {
        let news = &mut self.news;
        news.fetching = news.fetching.filter(|other| *other != tip);
        news.getting = news.getting.filter(|other| *other != tip);
        if tip.length <= length(news.tip) && again {
            return;
        }
        if news.missed.len() >= MAX_MISSED && !news.missed.contains_key(&tip) {
            let first = news.missed.iter().map(|(tip, missed)| (missed.retry, *tip));
            let first = first.min().map(|(_, tip)| tip);
            first.and_then(|tip| news.missed.remove(&tip));
        }
        let times = news.missed.get(&tip).map_or(0, |missed| missed.times);
        let wait = (FIRST_RETRY * (1 << times.min(16))).min(LONGEST_RETRY);
        let retry = match again {
            true => now + self.dice.about(wait),
            false => Duration::MAX,
        };
        let times = times + 1;
        news.missed.insert(tip, Missed { times, retry });
    }

    /// Has the newest version fetched that linked nodes have, if it is not here and nothing is being fetched.
    pub(super) fn fetch(&mut self, now: Duration) {
        if self.news.fetching.is_some() {
            return;
        }
        let may = |tip: &Tip| {
            let missed = self.news.missed.get(tip);
            missed.is_none_or(|missed| missed.retry <= now)
        };
        // Of contradicting ones, that which more nodes have.
        let mut claims: BTreeMap<Tip, usize> = BTreeMap::new();
        for tip in self.claims().filter(may) {
            *claims.entry(tip).or_default() += 1;
        }
        let newest = claims
            .into_iter()
            .max_by_key(|(tip, count)| (tip.length, *count));
        let Some((tip, _)) = newest else {
            return;
        };
        let mut from = Vec::new();
        for (node, link) in &self.links {
            if let Some((claimed, whole)) = link.heard.claim
                && claimed == tip
            {
                from.push((Self::strikes(link), !whole, self.dice.roll(), *node));
            }
        }
        from.sort_unstable();
        let from = from.into_iter().map(|(_, _, _, node)| node).collect();
        self.news.fetching = Some(tip);
        self.out.push(Output::Fetch { tip, from });
    }

    /// The newer versions that linked nodes told of.
    fn claims(&self) -> impl Iterator<Item = Tip> + '_ {
        let here = length(self.news.tip);
        let claims = self.links.values().filter_map(|link| link.heard.claim);
        claims
            .map(|(tip, _)| tip)
            .filter(move |tip| tip.length > here)
    }

    /// When a version may be asked for again.
    pub(super) fn news_due(&self, now: Duration) -> Option<Duration> {
        if self.news.fetching.is_some() || self.news.missed.is_empty() {
            return None;
        }
        let missed = self.claims().filter_map(|tip| self.news.missed.get(&tip));
        let retries = missed.map(|missed| missed.retry);
        retries.filter(|at| *at > now && *at < Duration::MAX).min()
    }
}
