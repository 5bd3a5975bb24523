//! [`Overlay`]: a site's followers, linked with each other so that a new version reaches all of them, whoever of them
//! goes away.
//!
//! Each node asks a few others for a *link* and lets others link with it. Both ends of a link say at once what they
//! have; every newer version is then told over it once, in one of the two directions. A link that is lost is replaced
//! from the nodes that are known, and now and then one is given up for a node chosen by chance, so that groups
//! that were apart grow together. There is no root, no tree and no node that matters.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `known` | who may be dialled |
//! | `links` | who is linked |
//! | `news` | who tells whom, and what is fetched from whom |

mod known;
mod links;
mod news;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

pub use known::Source;

use self::{
    known::{Bans, Known},
    links::{Dialling, Link},
    news::News,
};
use super::{NodeId, Tip, dice::Dice};

/// How many nodes are told of at a time.
pub const MAX_PEERS: usize = 8;

/// The bounds of an overlay.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// How many links this node asks for.
    pub active: usize,
    /// How many links it has at most, with those that others asked for.
    pub most: usize,
    /// How many nodes it keeps in mind to dial.
    pub known: usize,
    /// How often a link is given up for another, about.
    pub swap: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            active: 4,
            most: 32,
            known: 256,
            swap: Duration::from_secs(5 * 60),
        }
    }
}

/// What happened. Whatever comes from another node has been verified as far as one can: each [`Tip`] is that of a
/// head with the site's signature, and `node` is who the connection proves it to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Somebody says that these nodes follow the site.
    Known {
        /// The nodes.
        nodes: Vec<NodeId>,
        /// Who says so.
        source: Source,
    },
    /// A node asks for a link. Answered at once by [`Output::Admit`] or [`Output::Refuse`]. If there is a link with it,
    /// the new stream takes the place of the old.
    Asked {
        /// Who asks.
        node: NodeId,
        /// What it has.
        tip: Option<Tip>,
    },
    /// A node admitted this one. If there was a link with it, the new stream takes the place of the old.
    Linked {
        /// Who.
        node: NodeId,
        /// What it has.
        tip: Option<Tip>,
        /// Others that it named.
        peers: Vec<NodeId>,
    },
    /// A node that was dialled has no room for a link with this one.
    Refused {
        /// Who.
        node: NodeId,
        /// Others that it named.
        peers: Vec<NodeId>,
    },
    /// A node that was dialled could not be reached.
    Unreachable {
        /// Who.
        node: NodeId,
    },
    /// A link ended: it broke, or the other wished so. Only of the newest stream with that node, and not if this node
    /// ended it.
    Ended {
        /// Who.
        node: NodeId,
        /// Others that it named; none if the link broke.
        peers: Vec<NodeId>,
    },
    /// A linked node stops, and said so.
    Left {
        /// Who.
        node: NodeId,
    },
    /// A node told of a version.
    Told {
        /// Who.
        node: NodeId,
        /// The version.
        tip: Tip,
        /// Whether it has all of it, or is fetching it.
        whole: bool,
    },
    /// A linked node gave a version unasked: the one after that which is here. It is being checked now, which ends in
    /// [`Input::Has`] or [`Input::Missed`] as a fetch does. Of any other version that is given: [`Input::Told`].
    Given {
        /// Who.
        node: NodeId,
        /// The version.
        tip: Tip,
    },
    /// A linked node said again what it had said.
    Repeated {
        /// Who.
        node: NodeId,
    },
    /// A linked node named others.
    Peers {
        /// Who named them.
        node: NodeId,
        /// The others.
        peers: Vec<NodeId>,
    },
    /// A version that is being fetched has begun to come in: its entries are right, and others may have of this node
    /// what is here.
    Getting {
        /// The version.
        tip: Tip,
    },
    /// This node has a version now, wherever it is from.
    Has {
        /// The version.
        tip: Tip,
    },
    /// A node did not deliver what it told of. The fetch goes on with the others.
    Failed {
        /// Who.
        node: NodeId,
        /// What it told of.
        tip: Tip,
    },
    /// A fetch ended without the version.
    Missed {
        /// The version.
        tip: Tip,
        /// Whether another try may help. If not (it contradicts what is here), it is never asked for again.
        again: bool,
    },
    /// A node sent what no honest node sends: a forged head, false bytes, a frame that is none.
    Lied {
        /// Who.
        node: NodeId,
    },
    /// The time of the last [`Output::Wake`] has come.
    Tick,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Ask a node for a link, and say what is here. Ends in [`Input::Linked`], [`Input::Refused`] or
    /// [`Input::Unreachable`], and within seconds.
    Dial {
        /// Whom.
        node: NodeId,
        /// What this node has.
        tip: Option<Tip>,
    },
    /// Grant a link to the node that just asked.
    Admit {
        /// To whom.
        node: NodeId,
        /// What this node has.
        tip: Option<Tip>,
        /// Others that it may try.
        peers: Vec<NodeId>,
    },
    /// Refuse a link to the node that just asked, or end the one there is.
    Refuse {
        /// To whom.
        node: NodeId,
        /// Others that it may try.
        peers: Vec<NodeId>,
    },
    /// Tell a linked node of a version.
    Tell {
        /// Whom.
        node: NodeId,
        /// The version.
        tip: Tip,
        /// Whether this node has all of it, or is fetching it.
        whole: bool,
        /// Whether to give it all of the version, if that is small: it has the one before, as far as is known.
        give: bool,
    },
    /// Name other nodes to a linked one.
    Peers {
        /// To whom.
        node: NodeId,
        /// The others.
        peers: Vec<NodeId>,
    },
    /// Fetch a version. Ends in [`Input::Has`] or [`Input::Missed`]; there is one at a time.
    Fetch {
        /// The version.
        tip: Tip,
        /// The linked nodes that told of it, the best first.
        from: Vec<NodeId>,
    },
    /// Another linked node told of the version that is being fetched.
    AlsoHas {
        /// The version.
        tip: Tip,
        /// Who.
        node: NodeId,
    },
    /// There are fewer links than there should be, and nobody to dial: look for more nodes.
    Seek,
    /// Give [`Input::Tick`] at this time, and not at the one that was said before.
    Wake {
        /// When.
        at: Duration,
    },
}

/// One node's part in the overlay of one site.
#[derive(Debug)]
pub struct Overlay {
    me: NodeId,
    config: Config,
    dice: Dice,
    known: Known,
    bans: Bans,
    dialling: BTreeMap<NodeId, Dialling>,
    links: BTreeMap<NodeId, Link>,
    news: News,
    /// When a link is given up for another.
    swap_at: Option<Duration>,
    /// When a link was last given up for a node that asked.
    renewed: Option<Duration>,
    /// When nodes may be sought again, and how long is waited after that.
    seek_at: Duration,
    seek_wait: Duration,
    /// When one that was silent may be dialled again while others are linked, and how long is waited after that.
    retry_at: Duration,
    retry_wait: Duration,
    wake: Option<Duration>,
    out: Vec<Output>,
}

impl Overlay {
    /// A node without links, that has nothing.
    pub fn new(me: NodeId, config: Config, seed: u64) -> Self {
        Self {
            me,
            config,
            dice: Dice::new(seed),
            known: Known::new(config.known),
            bans: Bans::default(),
            dialling: BTreeMap::new(),
            links: BTreeMap::new(),
            news: News::default(),
            swap_at: None,
            renewed: None,
            seek_at: Duration::ZERO,
            seek_wait: links::FIRST_SEEK,
            retry_at: Duration::ZERO,
            retry_wait: links::FIRST_RETRY,
            wake: None,
            out: Vec::new(),
        }
    }

    /// Takes note of what happened, and says what is to be done, in that order. `now` is the time since a moment of the
    /// driver's choice, and never goes back.
    pub fn handle(&mut self, now: Duration, input: Input) -> Vec<Output> {
        match input {
            Input::Known { nodes, source } => {
                for node in nodes {
                    self.hear_of(now, node, source);
                }
            }
            Input::Asked { node, tip } => self.asked(now, node, tip),
            Input::Linked { node, tip, peers } => self.linked(now, node, tip, peers),
            Input::Refused { node, peers } => self.refused(now, node, peers),
            Input::Unreachable { node } => self.unreachable(now, node),
            Input::Ended { node, peers } => self.ended(now, node, peers),
            Input::Left { node } => self.left(now, node),
            Input::Told { node, tip, whole } => self.told(now, node, tip, whole),
            Input::Given { node, tip } => self.given(now, node, tip),
            Input::Repeated { node } => self.strike(now, node),
            Input::Peers { node, peers } => self.named(now, node, peers),
            Input::Getting { tip } => self.getting(tip),
            Input::Has { tip } => self.has(tip),
            Input::Failed { node, tip } => self.failed(now, node, tip),
            Input::Missed { tip, again } => self.missed(now, tip, again),
            Input::Lied { node } => self.lied(now, node),
            Input::Tick => self.wake = None,
        }
        self.swap(now);
        self.fill(now);
        self.fetch(now);
        self.set_alarm(now);
        std::mem::take(&mut self.out)
    }

    /// The linked nodes, in the order of their ids.
    pub fn links(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.links.keys().copied()
    }

    /// Whether a node may still be dialled or is linked: of others no address need be kept.
    pub fn knows(&self, node: &NodeId) -> bool {
        self.links.contains_key(node)
            || self.dialling.contains_key(node)
            || self.known.contains(node)
    }

    /// The version that this node has.
    pub fn tip(&self) -> Option<Tip> {
        self.news.tip
    }

    /// Asks to be woken when the first thing is due.
    fn set_alarm(&mut self, now: Duration) {
        let due = [self.links_due(now), self.news_due(now)];
        let at = due
            .into_iter()
            .flatten()
            .min()
            .map(|at| at.max(now + Duration::from_millis(1)));
        if let Some(at) = at
            && self.wake != Some(at)
        {
            self.wake = Some(at);
            self.out.push(Output::Wake { at });
        }
    }
}
