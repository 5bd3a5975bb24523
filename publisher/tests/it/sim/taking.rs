//! What comes of a fetch: bytes, the next plan, a whole version.

use std::time::Duration;

use skep_publisher::swarm::proto::{
    Tip,
    overlay::Input,
    pieces::{Failure, Output},
};

use super::{
    message::{Alarm, Message, Session},
    net::Place,
    node::place,
    serving::time,
    world::World,
};

/// How much of what happens at the same time is planned at once.
const PLAN: Duration = Duration::from_millis(25);
/// How long it takes to check and record a version, and its bytes a second.
const RECORD: Duration = Duration::from_millis(20);
const CHECKED: u64 = 100 << 20;

impl World {
    pub(super) fn bytes(
        &mut self,
        me: Place,
        from: Place,
        session: Session,
        piece: u32,
        bytes: u64,
        content: Option<u64>,
    ) {
        let (now, node) = (self.now(), self.nodes[from].id);
        let truth = self.content.piece(piece);
        let Some(fetch) = self.fetch(me, session.number) else {
            return;
        };
        let Some(pieces) = &mut fetch.pieces else {
            return;
        };
        if !fetch.members.contains(&from) {
            return;
        }
        // Bytes are verified as they stream: false ones are never kept.
        let Some(content) = content else {
            fetch.progress += 1;
            return pieces.moved(node, bytes, now);
        };
        if content != truth {
            pieces.failed(node, Failure::Lied);
            self.counts.corrupt += 1;
            return self.plan_soon(me, session.number);
        }
        fetch.progress += 1;
        pieces.moved(node, bytes, now);
        pieces.arrived(node, piece, now);
        let done = pieces.is_done();
        let held = &mut self.nodes[me].store[piece as usize];
        self.counts.twice += u64::from(*held != 0);
        *held = content;
        match done {
            true => self.finish(me),
            false => {
                self.plan_say(me);
                self.plan_soon(me, session.number);
            }
        }
    }

    pub(super) fn plan_soon(&mut self, me: Place, number: u32) {
        let at = self.now() + PLAN;
        self.plan_at(me, number, at);
    }

    fn plan_at(&mut self, me: Place, number: u32, at: Duration) {
        let now = self.now();
        let Some(fetch) = self.fetch(me, number) else {
            return;
        };
        if fetch.plan.is_none_or(|planned| at < planned) {
            fetch.plan = Some(at);
            self.alarm(me, at - now, Alarm::Plan(number));
        }
    }

    pub(super) fn plan(&mut self, me: Place, number: u32) {
        let now = self.now();
        let Some(fetch) = self.fetch(me, number) else {
            return;
        };
        // Another alarm was first.
        if fetch.plan.is_none_or(|at| at > now) {
            return;
        }
        fetch.plan = None;
        let Some(pieces) = &mut fetch.pieces else {
            return;
        };
        let outputs = pieces.plan(now);
        let wake = pieces.wake();
        let session = Session {
            fetcher: me,
            number,
        };
        for output in outputs {
            match output {
                Output::Ask { provider, pieces } => {
                    self.send(me, place(&provider), Message::Want(session, pieces));
                }
                Output::Cancel { provider, piece } => {
                    self.send(me, place(&provider), Message::Cancel(session, piece));
                }
                Output::More {
                    provider,
                    wants,
                    alone,
                } => {
                    let message = Message::More(session, wants, alone);
                    self.send(me, place(&provider), message);
                }
                Output::Drop { provider } => {
                    let other = place(&provider);
                    self.send(me, other, Message::Bye(session));
                    if let Some(fetch) = self.fetch(me, number) {
                        fetch.members.remove(&other);
                    }
                    self.feed(me, Input::Lied { node: provider });
                }
            }
        }
        if let Some(at) = wake {
            self.plan_at(me, number, at.max(now + PLAN));
        }
    }

    /// All pieces are here.
    pub(super) fn finish(&mut self, me: Place) {
        self.say(me);
        let Some(fetch) = &mut self.nodes[me].fetch else {
            return;
        };
        let tip = fetch.tip;
        let members = std::mem::take(&mut fetch.members);
        let session = Session {
            fetcher: me,
            number: fetch.number,
        };
        for other in members {
            self.send(me, other, Message::Bye(session));
        }
        let bytes = self.content.added(tip);
        self.alarm(me, RECORD + time(bytes, CHECKED), Alarm::Checked(tip));
    }

    /// A small version has come unasked, and is checked.
    pub(super) fn take(&mut self, me: Place, tip: Tip) {
        let count = self.content.pieces(tip);
        let node = &mut self.nodes[me];
        node.store.resize(node.store.len().max(count as usize), 0);
        let from = node.tip.map_or(0, |tip| self.content.pieces(tip));
        for piece in from..count {
            node.store[piece as usize] = self.content.piece(piece);
        }
        self.alarm(me, RECORD, Alarm::Checked(tip));
    }

    /// A version is checked: all of it is here.
    pub(super) fn record(&mut self, me: Place, tip: Tip) {
        let node = &mut self.nodes[me];
        if node
            .fetch
            .as_ref()
            .is_some_and(|fetch| fetch.tip.length <= tip.length)
        {
            self.end_fetch(me);
        }
        let node = &mut self.nodes[me];
        if node.tip < Some(tip) {
            node.tip = Some(tip);
            self.saw(me, tip);
        }
        self.feed(me, Input::Has { tip });
    }
}
