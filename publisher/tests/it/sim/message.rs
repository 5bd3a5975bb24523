//! What nodes send each other, and what happens at one node.

use std::{ops::Range, time::Duration};

use skep_publisher::swarm::proto::{NodeId, Tip};

use super::net::Place;

/// A stream between two nodes, by a number that no other has.
pub(super) type Stream = u64;

/// A fetch of one node from another, by the fetch's number at the node that fetches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Session {
    pub(super) fetcher: Place,
    pub(super) number: u32,
}

/// What is sent.
#[derive(Debug, Clone)]
pub(super) enum Message {
    /// Of links: what `Overlay` has said.
    Ask(Stream, Option<Tip>),
    Admit(Stream, Option<Tip>, Vec<NodeId>),
    Refuse(Stream, Vec<NodeId>),
    Tell(Stream, Tip, bool),
    /// A small version, all of it.
    Give(Stream, Tip),
    Peers(Stream, Vec<NodeId>),
    Close(Stream),
    /// The node stops.
    Leave(Stream),

    /// Of fetches, from the one that fetches: head and entries are asked for.
    Entries(Session, Tip),
    /// What have you of it?
    Have(Session, Tip),
    More(Session, Vec<Range<u32>>, bool),
    Want(Session, Range<u32>),
    Cancel(Session, u32),
    /// Who else is there?
    Others(Session),
    Bye(Session),

    /// And to it.
    EntriesAre(Session, bool),
    /// All of it, part of it, nothing.
    HaveIs(Session, Option<bool>, Vec<Range<u32>>),
    Has(Session, Vec<Range<u32>>),
    Lacks(Session, u32),
    OthersAre(Session, Vec<NodeId>),
    /// Bytes of a piece; with the last of them, what the piece is.
    Bytes(Session, u32, u64, Option<u64>),
}

impl Message {
    /// Whether it is one of the overlay, and not of fetches.
    pub(super) fn is_of_links(&self) -> bool {
        matches!(
            self,
            Self::Ask(..)
                | Self::Admit(..)
                | Self::Refuse(..)
                | Self::Tell(..)
                | Self::Give(..)
                | Self::Peers(..)
                | Self::Close(..)
                | Self::Leave(..)
        )
    }
}

impl Message {
    /// Whether it is for the one who fetches.
    pub(super) fn is_to_fetcher(&self) -> bool {
        matches!(
            self,
            Self::EntriesAre(..)
                | Self::HaveIs(..)
                | Self::Has(..)
                | Self::Lacks(..)
                | Self::OthersAre(..)
                | Self::Bytes(..)
        )
    }
}

/// What happens at a node beside messages.
#[derive(Debug, Clone)]
pub(super) enum Alarm {
    /// The overlay's time.
    Overlay(Duration),
    /// Nobody answered.
    Dial(Place, Stream),
    /// A link is found to be dead.
    Dead(Place, Stream),
    /// Bytes have left.
    Sent,
    /// The plan of a fetch may have changed.
    Plan(u32),
    /// A provider did not answer to the question for entries.
    Entries(u32, u32),
    /// Others are asked for others.
    Others(u32, u32),
    /// A fetch in which nothing comes.
    Stuck(u32, u64),
    /// What came is said.
    Say,
    /// Something may be shown.
    Show(Tip),
    /// A version was checked, and is recorded.
    Checked(Tip),
    /// A node that lies does so.
    Lie,
}
