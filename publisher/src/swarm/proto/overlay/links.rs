//! Who is linked: asking, admitting, refusing, replacing.

use std::time::Duration;

use super::{MAX_PEERS, Output, Overlay, Source, news::Heard};
use crate::swarm::proto::{NodeId, Tip};

/// A node that has not answered for so long is no reason any more to wait with another.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many nodes are dialled at a time, for each link that is wanted.
const DIALS: usize = 2;
/// How often a node that is full gives up a link for one that asks, at most.
const RENEWAL: Duration = Duration::from_secs(10);
/// How old that link is at least.
const SETTLED: Duration = Duration::from_secs(60);
/// How often a linked node may name others.
const NAMING: Duration = Duration::from_secs(20);
/// Who links anew before that is in haste.
const HASTE: Duration = Duration::from_secs(1);
/// After how many things that it should not have done a link is ended.
const MAX_STRIKES: u32 = 8;
/// How long a liar is kept out, and whose link was ended so.
const BAN: Duration = Duration::from_secs(60 * 60);
const SHORT_BAN: Duration = Duration::from_secs(5 * 60);
/// How long nodes are not sought again after the first time, and at most.
pub(super) const FIRST_SEEK: Duration = Duration::from_secs(30);
const LONGEST_SEEK: Duration = Duration::from_secs(60 * 60);
/// How long, while somebody is linked, no node is dialled that did not answer before: after the first of them, and at
/// most. To call into the void is what costs most in a swarm at rest, about 10 KB a call; to call less often makes
/// a swarm that was cut in two heal later.
pub(super) const FIRST_RETRY: Duration = Duration::from_secs(45);
const LONGEST_RETRY: Duration = Duration::from_secs(90);

/// A link with a node.
#[derive(Debug)]
pub(super) struct Link {
    /// Whether this node asked for it.
    active: bool,
    since: Duration,
    /// What the other told, and what it was told.
    pub(super) heard: Heard,
    strikes: u32,
    /// When each of both last named others to the other.
    named: Option<Duration>,
    was_named: Option<Duration>,
}

/// A node that was asked for a link.
#[derive(Debug)]
pub(super) struct Dialling {
    since: Duration,
    tip: Option<Tip>,
}

impl Overlay {
    /// Somebody says that a node follows the site.
    pub(super) fn hear_of(&mut self, now: Duration, node: NodeId, source: Source) {
        if node == self.me || self.bans.contains(&node, now) {
            return;
        }
        let (links, dialling) = (&self.links, &self.dialling);
        let busy = |node: &NodeId| links.contains_key(node) || dialling.contains_key(node);
        self.known.add(node, source, &mut self.dice, busy);
    }

    fn hear_of_all(&mut self, now: Duration, node: NodeId, peers: Vec<NodeId>) {
        for peer in peers.into_iter().take(MAX_PEERS) {
            self.hear_of(now, peer, Source::Peer(node));
        }
    }

    pub(super) fn asked(&mut self, now: Duration, node: NodeId, tip: Option<Tip>) {
        // If both dial each other, the one with the smaller id has its way.
        let crossed = self.dialling.contains_key(&node) && self.me < node;
        if node == self.me || self.bans.contains(&node, now) || crossed {
            let peers = Vec::new();
            self.out.push(Output::Refuse { node, peers });
            return;
        }
        self.hear_of(now, node, Source::Asker);
        // Some room is kept for the links that this node asks for itself.
        let room = self.config.most.saturating_sub(self.config.active);
        let full = self.links.len() - self.active() >= room;
        if full && !self.links.contains_key(&node) && !self.renew(now) {
            let peers = self.some_links(&node);
            self.out.push(Output::Refuse { node, peers });
            return;
        }
        // If this node has asked that one meanwhile, that is settled too.
        self.dialling.remove(&node);
        let active = self.links.get(&node).is_some_and(|link| link.active);
        let (here, peers) = (self.news.tip, self.some_links(&node));
        self.out.push(Output::Admit {
            node,
            tip: here,
            peers,
        });
        // To link anew wipes nothing out, and is no way to keep others busy.
        let before = self.links.get(&node);
        let hasty = before.is_some_and(|before| now < before.since + HASTE);
        self.link(now, node, active, here, tip);
        if hasty {
            self.strike(now, node);
        }
    }

    pub(super) fn linked(
        &mut self,
        now: Duration,
        node: NodeId,
        tip: Option<Tip>,
        peers: Vec<NodeId>,
    ) {
        let dialled = self.dialling.remove(&node);
        if node == self.me || self.bans.contains(&node, now) {
            let peers = Vec::new();
            self.out.push(Output::Refuse { node, peers });
            return;
        }
        self.known.took(&node);
        self.hear_of_all(now, node, peers);
        self.link(now, node, true, dialled.and_then(|dial| dial.tip), tip);
        if self.active() > self.config.active {
            let others = self.links.iter().filter(|(_, link)| link.active);
            let others: Vec<_> = others.map(|(id, _)| *id).filter(|id| *id != node).collect();
            if let Some(other) = self.dice.pick(&others).copied() {
                self.end(now, other);
            }
        }
    }

    /// How many of the links this node asked for.
    pub(super) fn active(&self) -> usize {
        self.links.values().filter(|link| link.active).count()
    }

    /// A link is there now, perhaps instead of one before.
    fn link(
        &mut self,
        now: Duration,
        node: NodeId,
        active: bool,
        said: Option<Tip>,
        tip: Option<Tip>,
    ) {
        let link = Link {
            active,
            since: now,
            heard: Heard::new(said),
            strikes: 0,
            named: None,
            was_named: None,
        };
        let before = self.links.insert(node, link);
        if let (Some(before), Some(link)) = (before, self.links.get_mut(&node)) {
            link.strikes = before.strikes;
            link.named = before.named;
            link.was_named = before.was_named;
        }
        self.known.is_here(&node);
        self.seek_wait = FIRST_SEEK;
        if self.swap_at.is_none() {
            self.swap_at = Some(now + self.dice.about(self.config.swap));
        }
        if let Some(tip) = tip {
            self.told(now, node, tip, true);
        }
        self.tell(&node);
    }

    pub(super) fn refused(&mut self, now: Duration, node: NodeId, peers: Vec<NodeId>) {
        if self.dialling.remove(&node).is_some() {
            self.known.refused(&node, now, &mut self.dice);
            self.hear_of_all(now, node, peers);
        }
    }

    pub(super) fn unreachable(&mut self, now: Duration, node: NodeId) {
        if self.dialling.remove(&node).is_some() {
            self.known.failed(&node, now, &mut self.dice);
        }
    }

    pub(super) fn ended(&mut self, now: Duration, node: NodeId, peers: Vec<NodeId>) {
        if self.links.remove(&node).is_some() {
            self.retry_wait = FIRST_RETRY;
            match peers.is_empty() {
                true => self.known.lost(&node, now, &mut self.dice),
                false => self.known.refused(&node, now, &mut self.dice),
            }
            self.hear_of_all(now, node, peers);
        }
    }

    pub(super) fn left(&mut self, now: Duration, node: NodeId) {
        if self.links.remove(&node).is_some() {
            self.known.left(&node, now, &mut self.dice);
        }
    }

    pub(super) fn lied(&mut self, now: Duration, node: NodeId) {
        self.bans.add(node, now + BAN);
        self.known.forget(&node);
        self.dialling.remove(&node);
        if self.links.remove(&node).is_some() {
            let peers = Vec::new();
            self.out.push(Output::Refuse { node, peers });
        }
    }

    /// A linked node named others. It gets some in return, unless it had them just now.
    pub(super) fn named(&mut self, now: Duration, node: NodeId, peers: Vec<NodeId>) {
        let Some(link) = self.links.get_mut(&node) else {
            return;
        };
        if link.was_named.is_some_and(|last| now < last + NAMING) {
            self.strike(now, node);
            return;
        }
        link.was_named = Some(now);
        self.hear_of_all(now, node, peers);
        self.name_some(now, node);
    }

    fn name_some(&mut self, now: Duration, node: NodeId) {
        let peers = self.some_links(&node);
        let Some(link) = self.links.get_mut(&node) else {
            return;
        };
        // Twice the time, so that a clock that runs faster than the other's earns no strike.
        let recent = link.named.is_some_and(|last| now < last + NAMING * 2);
        if !recent && !peers.is_empty() {
            link.named = Some(now);
            self.out.push(Output::Peers { node, peers });
        }
    }

    /// A node did what it should not have done, out of haste perhaps.
    pub(super) fn strike(&mut self, now: Duration, node: NodeId) {
        let Some(link) = self.links.get_mut(&node) else {
            return;
        };
        link.strikes += 1;
        if link.strikes >= MAX_STRIKES {
            self.links.remove(&node);
            self.bans.add(node, now + SHORT_BAN);
            self.known.forget(&node);
            let peers = Vec::new();
            self.out.push(Output::Refuse { node, peers });
        }
    }

    /// How often a linked node was of no use.
    pub(super) fn strikes(link: &Link) -> u32 {
        link.strikes
    }

    /// Makes room for one that asks: a full node would otherwise keep newcomers out for ever, and whoever took all its
    /// links first would be alone with it.
    fn renew(&mut self, now: Duration) -> bool {
        if self.renewed.is_some_and(|last| now < last + RENEWAL) {
            return false;
        }
        let settled = |link: &Link| !link.active && link.since + SETTLED <= now;
        let all = self.links.iter().filter(|(_, link)| settled(link));
        let all: Vec<_> = all.map(|(node, _)| *node).collect();
        let Some(node) = self.dice.pick(&all).copied() else {
            return false;
        };
        self.renewed = Some(now);
        self.end(now, node);
        true
    }

    /// Ends a link, with the names of others.
    fn end(&mut self, now: Duration, node: NodeId) {
        self.links.remove(&node);
        self.known.refused(&node, now, &mut self.dice);
        let peers = self.some_links(&node);
        self.out.push(Output::Refuse { node, peers });
    }

    /// Some linked nodes: those are known to be there.
    fn some_links(&mut self, but: &NodeId) -> Vec<NodeId> {
        let others = self.links.keys().filter(|node| *node != but);
        self.dice.sample(others.copied().collect(), MAX_PEERS)
    }

    /// Dials until there are as many links as there should be.
    pub(super) fn fill(&mut self, now: Duration) {
        while self.wants_more(now) {
            match self.candidate(now, false) {
                Some(node) => self.dial(now, node),
                None => {
                    self.seek(now);
                    return;
                }
            }
        }
    }

    fn wants_more(&self, now: Duration) -> bool {
        let missing = self.config.active.saturating_sub(self.active());
        let dials = self.dialling.values();
        let answering = dials.filter(|dial| now < dial.since + PATIENCE).count();
        answering < missing && self.dialling.len() < DIALS * missing
    }

    fn candidate(&mut self, now: Duration, any: bool) -> Option<NodeId> {
        let (links, dialling, known) = (&self.links, &self.dialling, &self.known);
        let linked = !links.is_empty();
        let patient = !any && linked && now < self.retry_at;
        let free = |node: &NodeId| {
            let is_free = !links.contains_key(node) && !dialling.contains_key(node);
            let waits = patient && known.is_silent(node) || linked && known.rests(node, now, any);
            is_free && !waits
        };
        known.pick(now, any, &mut self.dice, free)
    }

    fn dial(&mut self, now: Duration, node: NodeId) {
        let tip = self.news.tip;
        if self.known.is_silent(&node) {
            self.retry_at = now + self.dice.about(self.retry_wait);
            self.retry_wait = (self.retry_wait * 2).min(LONGEST_RETRY);
        }
        self.dialling.insert(node, Dialling { since: now, tip });
        self.out.push(Output::Dial { node, tip });
    }

    /// Has more nodes looked for, less often each time.
    fn seek(&mut self, now: Duration) {
        if self.is_lonely() && now >= self.seek_at {
            self.seek_at = now + self.dice.about(self.seek_wait);
            self.seek_wait = (self.seek_wait * 2).min(LONGEST_SEEK);
            self.out.push(Output::Seek);
        }
    }

    /// Now and then: asks a node chosen by chance for a link, which then takes the place of another; and exchanges names
    /// of nodes with one.
    pub(super) fn swap(&mut self, now: Duration) {
        if self.swap_at.is_none_or(|at| now < at) {
            return;
        }
        self.swap_at = Some(now + self.dice.about(self.config.swap));
        let all: Vec<_> = self.links().collect();
        if let Some(node) = self.dice.pick(&all).copied() {
            self.name_some(now, node);
        }
        if self.dialling.len() < DIALS * self.config.active
            && let Some(node) = self.candidate(now, true)
        {
            self.dial(now, node);
        }
    }

    /// Whether so few are there, or may be soon, that more nodes should be found.
    fn is_lonely(&self) -> bool {
        self.links.len() + self.dialling.len() < self.config.active
    }

    /// When something is to be done about links.
    pub(super) fn links_due(&self, now: Duration) -> Option<Duration> {
        let free =
            |node: &NodeId| !self.links.contains_key(node) && !self.dialling.contains_key(node);
        let linked = !self.links.is_empty();
        let retry_at = match linked {
            true => self.retry_at,
            false => Duration::ZERO,
        };
        let known = &self.known;
        let silent = known.next(linked, |node| free(node) && known.is_silent(node));
        let others = known.next(linked, |node| free(node) && !known.is_silent(node));
        let next = others.into_iter().chain(silent.map(|at| at.max(retry_at)));
        let (next, seek) = match self.wants_more(now) {
            true => (next.min(), self.is_lonely().then_some(self.seek_at)),
            false => (None, None),
        };
        let short = self.active() < self.config.active;
        let dials = self.dialling.values().map(|dial| dial.since + PATIENCE);
        let dials = dials.filter(|at| short && *at > now).min();
        [self.swap_at, dials, next, seek]
            .into_iter()
            .flatten()
            .min()
    }
}
