//! What a node gives others: its uplink, shared by all who want something, and what it shows to a crowd.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use skep_publisher::swarm::proto::{Tip, have::Have, reveal::Reveal};

use super::{
    message::{Alarm, Message, Session, Stream},
    net::Place,
    node::Character,
    world::World,
};

/// How often a node says what has come to it.
const SAY: Duration = Duration::from_millis(100);
/// How many are sent something at a time: all who want something, as connections share an uplink.
const TURNS: usize = 64;
/// The least that is sent at once to one, in bytes.
const CHUNK: u64 = 16 << 10;

/// Who has something from a node.
#[derive(Debug)]
struct Served {
    tip: Tip,
    /// Pieces, and how much of each was sent.
    wants: VecDeque<(u32, u64)>,
    /// What it was told is here; nothing if all is.
    said: Option<Have>,
}

#[derive(Debug, Default)]
pub(super) struct Uplink {
    served: BTreeMap<Session, Served>,
    reveals: BTreeMap<Tip, Reveal>,
    /// Who has bytes just now, and who waits for his turn.
    turns: VecDeque<Session>,
    line: VecDeque<Session>,
    sending: bool,
    says: bool,
    /// Until when versions that are given keep it busy.
    busy: Duration,
    /// How many bytes it sent.
    pub(super) sent: u64,
}

impl World {
    /// Gives a small version to a linked node.
    pub(super) fn give(&mut self, me: Place, other: Place, stream: Stream, tip: Tip) {
        let (now, bytes) = (self.now(), self.content.added(tip));
        let node = &mut self.nodes[me];
        node.uplink.busy = node.uplink.busy.max(now) + time(bytes, node.up);
        node.uplink.sent += bytes;
        let wait = node.uplink.busy - now;
        self.send_later(me, other, Message::Give(stream, tip), wait);
    }

    /// A message of a fetch has come to one who gives.
    pub(super) fn serve(&mut self, me: Place, from: Place, message: Message) {
        let now = self.now();
        let asks = self.nodes[from].id;
        match message {
            Message::Entries(session, tip) => {
                let here = self.holds(me, tip).is_some();
                self.send(me, from, Message::EntriesAre(session, here));
            }
            Message::Have(session, tip) => {
                let holds = self.holds(me, tip);
                let whole = holds.as_ref().map(Option::is_none);
                let runs = holds.iter().flatten().flat_map(Have::runs).collect();
                self.send(me, from, Message::HaveIs(session, whole, runs));
                let Some(said) = holds else {
                    return;
                };
                if said.is_none() {
                    let (pieces, seed) = (self.content.pieces(tip), self.dice.roll());
                    let reveals = &mut self.nodes[me].uplink.reveals;
                    let reveal = reveals.entry(tip);
                    reveal
                        .or_insert_with(|| Reveal::new(pieces, seed))
                        .enter(asks);
                }
                let wants = VecDeque::new();
                let served = Served { tip, wants, said };
                self.nodes[me].uplink.served.insert(session, served);
                // Who asks for the same version has something of it soon.
                self.meets(me, from, tip);
            }
            Message::More(session, wants, alone) => {
                let uplink = &mut self.nodes[me].uplink;
                let tip = uplink.served.get(&session).map(|served| served.tip);
                let Some((tip, reveal)) =
                    tip.and_then(|tip| Some((tip, uplink.reveals.get_mut(&tip)?)))
                else {
                    return;
                };
                let shown = reveal.more(asks, &wants, alone, now);
                if !shown.is_empty() {
                    self.send(me, from, Message::Has(session, shown));
                }
                self.plan_show(me, tip);
            }
            Message::Want(session, pieces) => {
                for piece in pieces {
                    if !self.nodes[me].has_piece(piece) && !self.hoards(me) {
                        self.send(me, from, Message::Lacks(session, piece));
                    } else if let Some(served) = self.nodes[me].uplink.served.get_mut(&session) {
                        served.wants.push_back((piece, 0));
                    }
                }
                let uplink = &mut self.nodes[me].uplink;
                if !uplink.turns.contains(&session) && !uplink.line.contains(&session) {
                    uplink.line.push_back(session);
                }
                self.pump(me);
            }
            Message::Cancel(session, piece) => {
                if let Some(served) = self.nodes[me].uplink.served.get_mut(&session) {
                    served.wants.retain(|(other, _)| *other != piece);
                }
            }
            Message::Others(session) => {
                let others = self.nodes[me].uplink.served.keys();
                let others = others
                    .map(|session| session.fetcher)
                    .filter(|other| *other != from);
                let mut others: Vec<_> = others.map(|other| self.nodes[other].id).collect();
                others.dedup();
                let others = self.dice.sample(others, 8);
                self.send(me, from, Message::OthersAre(session, others));
            }
            Message::Bye(session) => self.end_session(me, session),
            _ => {}
        }
    }

    fn hoards(&self, me: Place) -> bool {
        self.nodes[me].character == Character::Hoarder
    }

    /// Whether a node has something of a version: none of it, all of it (`None` inside), or a part.
    fn holds(&self, me: Place, tip: Tip) -> Option<Option<Have>> {
        let node = &self.nodes[me];
        if node.tip.is_some_and(|here| here.length >= tip.length) {
            return Some(None);
        }
        let fetch = node.fetch.as_ref().filter(|fetch| fetch.tip == tip);
        fetch.and_then(|fetch| fetch.here()).map(Some)
    }

    /// Sends the next bytes: to each in turn, as streams and connections share an uplink.
    fn pump(&mut self, me: Place) {
        let node = &mut self.nodes[me];
        if node.uplink.sending || node.character == Character::Hoarder {
            return;
        }
        let uplink = &mut node.uplink;
        let served = &uplink.served;
        let wants = |session: &Session| {
            let served = served.get(session);
            served.is_some_and(|served| !served.wants.is_empty())
        };
        uplink.turns.retain(wants);
        uplink.line.retain(wants);
        while uplink.turns.len() < TURNS
            && let Some(session) = uplink.line.pop_front()
        {
            uplink.turns.push_back(session);
        }
        let Some(session) = uplink.turns.pop_front() else {
            return;
        };
        let active = uplink.turns.len() as u64 + 1;
        let Some(served) = uplink.served.get_mut(&session) else {
            return;
        };
        let Some((piece, sent)) = served.wants.front_mut() else {
            return;
        };
        let piece_here = *piece;
        let left = self.content.sizes[piece_here as usize] - *sent;
        // Each has something every half second or so.
        let bytes = left.min(CHUNK.max(node.up / (2 * active)));
        *sent += bytes;
        let last = bytes == left;
        if last {
            served.wants.pop_front();
        }
        // After each piece it is another's turn.
        match last {
            true => uplink.line.push_back(session),
            false => uplink.turns.push_back(session),
        }
        uplink.sending = true;
        uplink.sent += bytes;
        let wait = time(bytes, node.up);
        let truth = node.store.get(piece_here as usize).copied().unwrap_or(0);
        let content = match node.character {
            Character::Corrupter => truth ^ 2,
            _ => truth,
        };
        let message = Message::Bytes(session, piece_here, bytes, last.then_some(content));
        self.send_later(me, session.fetcher, message, wait);
        self.alarm(me, wait, Alarm::Sent);
    }

    pub(super) fn sent(&mut self, me: Place) {
        self.nodes[me].uplink.sending = false;
        self.pump(me);
    }

    /// What came is said soon to those who were told before.
    pub(super) fn plan_say(&mut self, me: Place) {
        if !self.nodes[me].uplink.says {
            self.nodes[me].uplink.says = true;
            self.alarm(me, SAY, Alarm::Say);
        }
    }

    pub(super) fn say(&mut self, me: Place) {
        let node = &mut self.nodes[me];
        node.uplink.says = false;
        let Some(fetch) = &node.fetch else {
            return;
        };
        let Some(here) = fetch.here() else {
            return;
        };
        let mut messages = Vec::new();
        for (session, served) in &mut node.uplink.served {
            if served.tip != fetch.tip {
                continue;
            }
            if let Some(said) = &mut served.said {
                let news = here.beyond(said);
                if !news.is_empty() {
                    said.clone_from(&here);
                    messages.push((session.fetcher, Message::Has(*session, news)));
                }
            }
        }
        for (other, message) in messages {
            self.send(me, other, message);
        }
    }

    fn plan_show(&mut self, me: Place, tip: Tip) {
        let reveal = self.nodes[me].uplink.reveals.get(&tip);
        if let Some(at) = reveal.and_then(Reveal::wake) {
            let wait = at.saturating_sub(self.now()).max(SAY);
            self.alarm(me, wait, Alarm::Show(tip));
        }
    }

    pub(super) fn show(&mut self, me: Place, tip: Tip) {
        let now = self.now();
        let uplink = &mut self.nodes[me].uplink;
        let Some(reveal) = uplink.reveals.get_mut(&tip) else {
            return;
        };
        for (id, runs) in reveal.due(now) {
            let sessions = self.nodes[me].uplink.served.iter();
            let session = sessions
                .filter(|(session, served)| {
                    served.tip == tip && self.nodes[session.fetcher].id == id
                })
                .map(|(session, _)| *session)
                .next_back();
            if let Some(session) = session {
                self.send(me, session.fetcher, Message::Has(session, runs));
            }
        }
        self.plan_show(me, tip);
    }

    fn end_session(&mut self, me: Place, session: Session) {
        let id = self.nodes[session.fetcher].id;
        let uplink = &mut self.nodes[me].uplink;
        let Some(served) = uplink.served.remove(&session) else {
            return;
        };
        if let Some(reveal) = uplink.reveals.get_mut(&served.tip) {
            reveal.leave(id);
            if reveal.is_idle() {
                uplink.reveals.remove(&served.tip);
            }
        }
    }

    /// Who is away is sent nothing any more.
    pub(super) fn forget_fetcher(&mut self, me: Place, fetcher: Place) {
        let sessions = self.nodes[me].uplink.served.keys();
        let gone: Vec<_> = sessions
            .filter(|session| session.fetcher == fetcher)
            .copied()
            .collect();
        for session in gone {
            self.end_session(me, session);
        }
    }
}

/// How long so many bytes take.
pub(super) fn time(bytes: u64, rate: u64) -> Duration {
    Duration::from_micros(bytes * 1_000_000 / rate.max(1))
}
