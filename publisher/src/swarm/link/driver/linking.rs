//! With whom a site is linked: asking, answering, ending.

use iroh::{EndpointAddr, EndpointId};

use super::{Driver, Part, Task};
use crate::{
    archive::{head::Head, log},
    error::{Kind, Result},
    swarm::{
        find::Holders,
        link::{
            Heard,
            frame::Frame,
            stream::{self, Answer, Handle, Streams},
        },
        proto::{
            NodeId,
            overlay::{Input, Source},
        },
    },
};

pub(super) struct Link {
    pub(super) handle: Handle,
    pub(super) by_us: bool,
    /// The longest version that the other said that it keeps.
    pub(super) kept: u64,
}

/// Who asks for a link.
pub(super) struct Guest {
    peer: EndpointId,
    streams: Streams,
    head: Option<Head>,
}

/// A node that was asked for a link, until it answers.
pub(super) struct Asking {
    number: u64,
    _task: Task,
}

impl Driver {
    pub(super) fn asked(&mut self, address: EndpointAddr, head: Option<Head>, streams: Streams) {
        let peer = address.id;
        if !self.is_shared {
            self.node
                .spawn(async move { drop(streams.refuse(Vec::new()).await) });
            return;
        }
        let node = self.addresses.learn(address, true);
        let tip = head.clone().map(|head| self.keep_head(&node, head));
        self.guest = Some(Guest {
            peer,
            streams,
            head,
        });
        self.feed(Input::Asked { node, tip });
        self.guest = None;
    }

    pub(super) fn answered(&mut self, peer: EndpointId, number: u64, answer: Result<Answer>) {
        let node = *peer.as_bytes();
        if self.asking.get(&node).is_none_or(|it| it.number != number) {
            // Overtaken by a link that it asked for.
            return;
        }
        self.asking.remove(&node);
        match answer {
            Ok(Answer::Link {
                streams,
                head,
                peers,
            }) => {
                let theirs = head.as_ref().map(Head::tip);
                let tip = head.map(|head| self.keep_head(&node, head));
                self.link(peer, number, *streams, (None, theirs), true);
                let peers = self.learn_named(peers);
                if tip.is_some() {
                    self.remember(node);
                }
                self.feed(Input::Linked { node, tip, peers });
            }
            Ok(Answer::Refused(peers)) => {
                let peers = self.learn_named(peers);
                self.feed(Input::Refused { node, peers });
            }
            Err(e) if e.kind == Kind::Hostile => self.feed(Input::Lied { node }),
            Err(_) => {
                self.addresses.was_wrong(&node);
                self.feed(Input::Unreachable { node });
            }
        }
    }

    /// Whoever has the site and was there is asked again after a restart.
    pub(super) fn remember(&self, node: NodeId) {
        let Some(address) = self.addresses.of(&node).cloned() else {
            return;
        };
        let (remembering, site) = (self.node.clone(), self.site);
        self.node.spawn(async move {
            let _ = crate::swarm::fetch::heard(&remembering, site, &address).await;
        });
    }

    fn link(
        &mut self,
        peer: EndpointId,
        number: u64,
        streams: Streams,
        (welcome, theirs): (Option<Frame>, Option<log::Tip>),
        by_us: bool,
    ) {
        let handle = stream::start(
            &self.node,
            self.site,
            (peer, number),
            streams,
            welcome,
            theirs,
            self.ear.clone(),
        );
        if let Some(address) = self.addresses.of(peer.as_bytes()) {
            self.node.presence.reach(self.site, address.clone());
        }
        if let Some(receipt) = self.receipt.clone().filter(|_| self.is_shared) {
            handle.send(Frame::Kept(receipt));
        }
        let link = Link {
            handle,
            by_us,
            kept: 0,
        };
        self.links.insert(*peer.as_bytes(), link);
    }

    pub(super) fn dial(&mut self, node: NodeId) -> Option<Input> {
        let address = self.addresses.of(&node).cloned();
        let Some(address) = address.filter(|_| self.part == Part::Active) else {
            return Some(Input::Unreachable { node });
        };
        self.count += 1;
        let (number, peer) = (self.count, address.id);
        let (asker, site, ear) = (self.node.clone(), self.site, self.ear.clone());
        let head = self.head.clone().filter(|_| self.is_shared);
        let task = self.node.spawn(async move {
            let answer = stream::ask(&asker, site, &address, head).await;
            let answered = Heard::Answered {
                peer,
                number,
                answer,
            };
            // Nobody hears it if the driver has ended.
            let _ = ear.send(answered).await;
        });
        let _task = Task(task);
        self.asking.insert(node, Asking { number, _task });
        None
    }

    /// Looks for more nodes, in every way that the network knows.
    pub(super) fn seek(&mut self) {
        if self.part != Part::Active {
            return;
        }
        let mut holders = Holders::new(&self.node, self.site, Vec::new());
        let ear = self.ear.clone();
        let task = self.node.spawn(async move {
            while let Some(ticket) = holders.next().await {
                let (nodes, source) = (vec![ticket.0], Source::Dht);
                if ear.send(Heard::Known { nodes, source }).await.is_err() {
                    return;
                }
            }
        });
        self.seeking = Some(Task(task));
    }

    pub(super) fn admit(&mut self, node: NodeId, peers: &[NodeId]) {
        let guest = self.guest.take_if(|guest| *guest.peer.as_bytes() == node);
        let Some(guest) = guest else {
            return;
        };
        // If this node has asked that one meanwhile, that is settled too.
        self.asking.remove(&node);
        self.count += 1;
        let welcome = Frame::Welcome {
            head: self.head.as_ref().map(Head::encode),
            peers: self.addresses.all(peers),
        };
        let theirs = guest.head.as_ref().map(Head::tip);
        self.link(
            guest.peer,
            self.count,
            guest.streams,
            (Some(welcome), theirs),
            false,
        );
    }

    pub(super) fn refuse(&mut self, node: NodeId, peers: &[NodeId]) {
        let peers = self.addresses.all(peers);
        let guest = self.guest.take_if(|guest| *guest.peer.as_bytes() == node);
        if let Some(guest) = guest {
            self.node
                .spawn(async move { drop(guest.streams.refuse(peers).await) });
        } else if let Some(link) = self.links.remove(&node) {
            link.handle.send(Frame::Refused(peers));
        }
    }
}
