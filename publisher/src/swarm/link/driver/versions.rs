//! The versions of a site that linked nodes tell of: what is known of them, who keeps them, and bringing the newest.

use std::sync::Mutex;

use iroh::{EndpointAddr, EndpointId};

use super::{Driver, Part, Task, from_log, tip_of};
use crate::{
    archive::{head::Head, receipt::Receipt},
    store::{Place, Relation},
    swarm::{
        fetch::{self, Wanted},
        keep,
        link::{
            Heard,
            bring::{Providers, Step, bring},
            frame::Push,
        },
        node::{Event, blocking},
        proto::{
            NodeId, Tip,
            overlay::{Config, Input},
        },
    },
};

/// How many heads of others are remembered as looked at.
const MAX_DOUBTED: usize = 64;

/// A version that is brought.
pub(super) struct Job {
    pub(super) tip: Tip,
    pub(super) providers: Providers,
    pub(super) _task: Task,
}

impl Job {
    /// Lets it end by itself.
    pub(super) fn let_go(mut self) {
        self._task.0 = None;
    }
}

impl Driver {
    pub(super) fn given(&mut self, peer: EndpointId, head: Head, push: Push) {
        let node = *peer.as_bytes();
        let tip = self.keep_head(&node, head.clone());
        let is_next = tip.length == self.head.as_ref().map_or(0, Head::length) + 1;
        let address = self.addresses.of(&node).cloned();
        match address.filter(|_| is_next && self.job.is_none() && self.keeps()) {
            Some(address) => {
                self.feed(Input::Given { node, tip });
                self.begin(head, Some((address.clone(), push)), vec![address]);
            }
            None => {
                let whole = true;
                self.feed(Input::Told { node, tip, whole });
            }
        }
    }

    /// Says over all links that the newest version is kept here. Nothing of that is urgent.
    pub(super) fn sign(&mut self) {
        if self.relation == Relation::Own || !self.is_shared || self.head.is_none() {
            return;
        }
        let (node, site, ear) = (self.node.clone(), self.site, self.ear.clone());
        let task = self.node.spawn(async move {
            let Ok((head, receipt)) = keep::receipt(&node, site).await else {
                return;
            };
            let tip = head.tip();
            let _ = ear.send(Heard::Signed { tip, receipt }).await;
        });
        self.signing = Some(Task(task));
    }

    /// A node keeps a version. Of other sites than one's own nobody asks for that.
    pub(super) fn kept(&mut self, peer: EndpointId, receipt: Receipt) {
        let node = *peer.as_bytes();
        let Some(link) = self.links.get_mut(&node) else {
            return;
        };
        // An honest node says it of each version once.
        if receipt.length <= link.kept {
            return self.feed(Input::Repeated { node });
        }
        link.kept = receipt.length;
        if self.relation == Relation::Own {
            self.remember(node);
            let (at, site) = (self.node.clone(), self.site);
            let is_newest = self.head.as_ref().is_some_and(|head| receipt.is_for(head));
            let version = receipt.length;
            self.node.spawn(async move {
                let store = at.store.clone();
                // It is said again on the next link.
                let kept = blocking(move || store.keep_receipt(&receipt)).await;
                if kept.is_ok() && is_newest {
                    at.emit(Event::Kept {
                        site,
                        version,
                        node,
                    });
                }
            });
        }
    }

    /// Keeps the head of a version that is not here, and says which one that is. `from` has told of it.
    pub(super) fn keep_head(&mut self, from: &NodeId, head: Head) -> Tip {
        let tip = tip_of(&head);
        self.doubt(from, &head);
        if tip.length > self.head.as_ref().map_or(0, Head::length) {
            self.heads.insert(tip, head);
        }
        // A linked node tells of one at a time. The shortest are those that are of the least use.
        if self.heads.len() > 2 * Config::default().most {
            self.heads.pop_first();
        }
        tip
    }

    pub(super) fn brought(&mut self, step: Step) {
        match step {
            Step::Failed { peer, tip, lied } => {
                let node = *peer.as_bytes();
                let tip = from_log(tip);
                self.feed(Input::Failed { node, tip });
                if lied {
                    self.links.remove(&node);
                    self.feed(Input::Lied { node });
                }
            }
            Step::Missed { tip, again } => {
                let tip = from_log(tip);
                if self.job.as_ref().is_some_and(|job| job.tip == tip) {
                    self.job = None;
                }
                self.feed(Input::Missed { tip, again });
            }
        }
    }

    pub(super) fn fetch(&mut self, tip: Tip, from: &[NodeId]) -> Option<Input> {
        if !self.keeps() {
            return Some(Input::Missed { tip, again: false });
        }
        let Some(head) = self.heads.get(&tip).cloned() else {
            // Forgotten for others: whoever has the version tells of it again on the next link.
            return Some(Input::Missed { tip, again: true });
        };
        self.begin(head, None, self.addresses.all(from));
        None
    }

    /// Whether newer versions are brought here. Of a site of one's own, those that another machine has published are
    /// shown before the next one is published.
    fn keeps(&self) -> bool {
        self.part == Part::Active
    }

    /// Looks whether a head of a site of one's own that is no longer than the one here contradicts it. The fetch
    /// keeps it as evidence then; a longer one is fetched anyway.
    fn doubt(&mut self, from: &NodeId, head: &Head) {
        let is_own = self.relation == Relation::Own && self.part == Part::Active;
        let is_other = self
            .head
            .as_ref()
            .is_some_and(|ours| head.length() <= ours.length() && head.tip() != ours.tip());
        let tip = tip_of(head);
        let address = self.addresses.of(from).cloned();
        let Some(address) = address.filter(|_| is_own && is_other) else {
            return;
        };
        if self.doubted.len() >= MAX_DOUBTED {
            self.doubted.clear();
        }
        if !self.doubted.insert(tip) {
            return;
        }
        let (node, site, head) = (self.node.clone(), self.site, head.clone());
        self.node.spawn(async move {
            let (store, theirs) = (node.store.clone(), head.clone());
            let place = blocking(move || store.place_of(&theirs)).await;
            if place.is_ok_and(|place| place == Place::Unknown) {
                // What comes of it is in the records, and an event.
                let _ = fetch::fetch(&node, site, &address, Some(head), Wanted::Whole).await;
            }
        });
    }

    fn begin(
        &mut self,
        head: Head,
        pushed: Option<(EndpointAddr, Push)>,
        providers: Vec<EndpointAddr>,
    ) {
        let tip = tip_of(&head);
        let providers = Providers::new(Mutex::new(providers.into()));
        let (node, site, ear) = (self.node.clone(), self.site, self.ear.clone());
        let queue = providers.clone();
        let task = self.node.spawn(async move {
            bring(&node, site, head, pushed, &queue, &ear).await;
        });
        self.job = Some(Job {
            tip,
            providers,
            _task: Task(task),
        });
    }
}
