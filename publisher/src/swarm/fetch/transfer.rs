//! Bringing blobs from a company of nodes, piece by piece (`proto::pieces`).

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use iroh::{EndpointAddr, endpoint::Connection};
use n0_future::{BufferedStreamExt, StreamExt, stream};
use tokio::{
    task::{AbortHandle, JoinSet},
    time::Instant,
};

use super::{
    ask::{STALL, Signed, Trouble, ask},
    company::{Company, Event},
    finish::finish,
    layout::Layout,
    prepare::{Found, prepare},
};
use crate::{
    archive::{address::SiteId, hash::ContentHash, log::Tip},
    error::{Error, Kind, Result},
    progress::{Phase, Tally, Unit},
    swarm::{
        allow::Coming,
        blobs::iroh_hash,
        have::Growing,
        node::{Node, blocking},
        proto::{
            NodeId,
            pieces::{Failure, Holder, Output, Pieces},
        },
    },
};

/// How many blobs are looked at, or marked, at a time.
pub(super) const AT_ONCE: usize = 16;

/// How often it is looked what has come and who is there, at least.
const TICK: Duration = Duration::from_millis(100);

/// Fewer pieces than these come from one node alone, without a word: to find others takes longer.
const FEW: u32 = 4;

/// What is said to others while a version comes, and asked of them.
pub(super) struct Shared<'a> {
    pub(super) tip: Tip,
    /// The connection to the first node, for our own protocol.
    pub(super) talk: &'a Connection,
    /// How many pieces, from the first on, others count in the same way.
    pub(super) common: u32,
    /// How to reach this node, if it gives others what it has.
    pub(super) from: Option<EndpointAddr>,
    pub(super) given: Option<&'a Given>,
}

/// What others may have from here meanwhile.
pub(super) struct Given {
    growing: Growing,
    coming: Coming,
}

impl Given {
    /// Of a version with so many pieces; `None` if the site is not shared.
    pub(super) async fn new(
        node: &Node,
        site: SiteId,
        tip: Tip,
        pieces: u32,
    ) -> Result<Option<Self>> {
        let (store, allow) = (node.store.clone(), node.allow.clone());
        let coming = blocking(move || allow.coming(&store, site)).await?;
        Ok(coming.map(|coming| Self {
            growing: node.haves.grow(site, tip, pieces),
            coming,
        }))
    }
}

/// Brings the blobs of `layout` that are not here, verified. Those in `proven` need no second look.
pub(super) async fn bring(
    node: &Arc<Node>,
    site: SiteId,
    company: &mut Company,
    layout: Arc<Layout>,
    proven: &HashSet<ContentHash>,
    shared: Option<Shared<'_>>,
) -> Result<()> {
    let (here, found) = prepare(node, site, &layout).await?;
    let missing = layout.length() - here.count();
    let sizes = layout.sizes();
    let total: u64 = sizes.iter().sum();
    let pieces_here = (0..).zip(&sizes).filter(|(piece, _)| here.contains(*piece));
    let begun: u64 = pieces_here.map(|(_, size)| size).sum();
    let tally = node
        .store
        .begin(site, Phase::Fetch, Some(total), Unit::Bytes);
    tally.set(begun);
    let mut transfer = Transfer {
        node,
        site,
        company,
        pieces: Pieces::new(sizes, here, random()),
        began: Instant::now(),
        tasks: JoinSet::new(),
        running: HashMap::new(),
        open: HashSet::new(),
        layout,
        found: Arc::new(found),
        shared,
        why: None,
        tally,
    };
    if missing > 0 {
        transfer.run(missing).await?;
    }
    let Transfer { layout, found, .. } = transfer;
    let _checking = node.store.begin(site, Phase::Check, None, Unit::Bytes);
    finish(node, site, company, &layout, &found, proven).await
}

/// One transfer under way.
struct Transfer<'a> {
    node: &'a Arc<Node>,
    site: SiteId,
    company: &'a mut Company,
    pieces: Pieces,
    began: Instant,
    tasks: JoinSet<()>,
    running: HashMap<(NodeId, u32), AbortHandle>,
    /// The blobs that others may have from here.
    open: HashSet<usize>,
    layout: Arc<Layout>,
    /// What was here of each blob before.
    found: Arc<Vec<Found>>,
    shared: Option<Shared<'a>>,
    /// Why a node is of no use any more: the last, or the one that says most.
    why: Option<Error>,
    /// What is here of all that is wanted, and what came.
    tally: Tally,
}

impl Transfer<'_> {
    async fn run(&mut self, missing: u32) -> Result<()> {
        if let Some(shared) = &self.shared
            && missing > FEW
        {
            self.company
                .ask_first(shared.talk, shared.tip, shared.from.clone());
            self.company.gather(shared.talk).await?;
        }
        self.open_what_is_given();
        let members = self.company.members.iter();
        let members: Vec<_> = members.map(|(id, m)| (*id, m.holder)).collect();
        for (id, holder) in members {
            self.join(id, holder);
        }
        let mut last = (self.pieces.here().count(), Instant::now());
        loop {
            while let Some(ended) = self.tasks.try_join_next() {
                if let Err(e) = ended
                    && !e.is_cancelled()
                {
                    return Err(Error::new(Kind::Io, format!("a download broke off: {e}")));
                }
            }
            if let Some(shared) = &self.shared
                && missing > FEW
            {
                self.company.call(shared.tip, shared.from.as_ref());
            }
            self.count_moved();
            self.plan();
            if self.pieces.is_done() {
                return Ok(());
            }
            if self.pieces.is_deserted() && !self.company.may_grow() {
                return Err(self.why.take().unwrap_or_else(nobody));
            }
            let now = self.now();
            let wake = self.pieces.wake().map_or(TICK, |at| at.saturating_sub(now));
            let wake = wake.clamp(Duration::from_millis(1), TICK);
            let event = tokio::time::timeout(wake, self.company.events.recv()).await;
            if let Ok(Some(event)) = event {
                self.take(event)?;
            }
            while let Ok(event) = self.company.events.try_recv() {
                self.take(event)?;
            }
            // Single pieces have limits of their own; this is for those that nobody gives.
            let here = self.pieces.here().count();
            if here > last.0 || !self.running.is_empty() {
                last = (here, Instant::now());
            } else if last.1.elapsed() > STALL {
                return Err(self.why.take().unwrap_or_else(nobody));
            }
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn join(&mut self, id: NodeId, holder: Holder) {
        if !self.pieces.join(id, holder, self.now()) {
            self.company.leave(id);
            return;
        }
        // Of what others do not count nobody says what he has. Who has the version may have it.
        let common = self.shared.as_ref().map_or(0, |shared| shared.common);
        let rest = common..self.layout.length();
        if holder == Holder::Showing && !rest.is_empty() {
            self.pieces.has(id, &[rest]);
        }
    }

    fn plan(&mut self) {
        for output in self.pieces.plan(self.now()) {
            match output {
                Output::Ask { provider, pieces } => {
                    pieces.for_each(|piece| self.ask(provider, piece));
                }
                Output::Cancel { provider, piece } => {
                    if let Some(task) = self.running.remove(&(provider, piece)) {
                        task.abort();
                    }
                }
                Output::Drop { provider } => self.forget(provider),
                Output::More {
                    provider,
                    wants,
                    alone,
                } => self.company.more(provider, &wants, alone),
            }
        }
    }

    /// Has a piece brought by a task of its own.
    fn ask(&mut self, provider: NodeId, piece: u32) {
        let Some(member) = self.company.members.get(&provider) else {
            return;
        };
        let (slots, moved) = (member.slots.clone(), member.moved.clone());
        let (connection, blobs) = (member.connection.clone(), self.node.blobs.clone());
        let (layout, found) = (self.layout.clone(), self.found.clone());
        let events = self.company.sender.clone();
        let task = self.tasks.spawn(async move {
            let parts = layout.pieces[piece as usize].clone().into_iter();
            let parts = parts.map(move |part| {
                let (hash, size) = layout.blobs[part.blob];
                let hash = iroh_hash(hash);
                let lacks = found[part.blob].lacks(&part);
                let (slots, moved) = (slots.clone(), moved.clone());
                let (blobs, connection) = (blobs.clone(), connection.clone());
                async move {
                    if lacks.is_empty() {
                        return Ok(());
                    }
                    let _slot = slots.acquire().await;
                    let blob = Signed { hash, size };
                    ask(&blobs.fs, &blobs, &connection, blob, lacks, &moved).await
                }
            });
            let mut parts = std::pin::pin!(stream::iter(parts).buffered_unordered(AT_ONCE));
            let mut result = Ok(());
            while result.is_ok()
                && let Some(part) = parts.next().await
            {
                result = part;
            }
            let _ = events.send(Event::Piece(provider, piece, result)).await;
        });
        self.running.insert((provider, piece), task);
    }

    fn take(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Joined(joined) => {
                let (id, holder) = self.company.join(*joined);
                self.join(id, holder);
            }
            Event::Missed => self.company.missed(),
            Event::Turns(id, holder) => {
                if let Some(member) = self.company.members.get_mut(&id) {
                    member.holder = holder;
                    self.join(id, holder);
                }
            }
            Event::Has(id, runs) => self.pieces.has(id, &runs),
            Event::Found(peers, is_first) => self.company.heard(peers, is_first),
            Event::Piece(id, piece, result) => {
                // What was cancelled and came all the same counts too.
                self.running.remove(&(id, piece));
                self.count_moved();
                match result {
                    Ok(()) => self.arrived(id, piece),
                    Err(Trouble::Lacks(why)) => {
                        self.pieces.lacks(id, piece);
                        self.why = Some(why);
                        self.leave_if_useless(id);
                    }
                    Err(Trouble::Gone(why)) => {
                        self.pieces.failed(id, Failure::Gone);
                        self.why = Some(why);
                        self.forget(id);
                    }
                    Err(Trouble::Lied(why)) => {
                        self.pieces.failed(id, Failure::Lied);
                        self.why = Some(why);
                        self.forget(id);
                    }
                    Err(Trouble::Here(why)) => return Err(why),
                }
            }
        }
        Ok(())
    }

    fn arrived(&mut self, id: NodeId, piece: u32) {
        self.pieces.arrived(id, piece, self.now());
        let Some(given) = self.shared.as_ref().and_then(|s| s.given) else {
            return;
        };
        let mut opened = false;
        for part in &self.layout.pieces[piece as usize] {
            if self.open.insert(part.blob) {
                given.coming.allow(self.layout.blobs[part.blob].0);
                opened = true;
            }
        }
        match opened {
            true => self.tell_what_is_given(),
            false => given.growing.add([piece]),
        }
    }

    /// What others may have from here already, for the sake of versions before.
    fn open_what_is_given(&mut self) {
        if self.shared.as_ref().is_none_or(|s| s.given.is_none()) {
            return;
        }
        let blobs = self.layout.blobs.iter().enumerate();
        let open = blobs.filter(|(_, (hash, _))| self.node.allow.has(self.site, *hash));
        self.open = open.map(|(blob, _)| blob).collect();
        self.tell_what_is_given();
    }

    fn tell_what_is_given(&self) {
        let Some(shared) = &self.shared else { return };
        let Some(given) = shared.given else { return };
        let pieces = (0..shared.common).filter(|piece| {
            let parts = &self.layout.pieces[*piece as usize];
            self.pieces.here().contains(*piece) && parts.iter().all(|p| self.open.contains(&p.blob))
        });
        given.growing.add(pieces);
    }

    fn count_moved(&mut self) {
        let now = self.began.elapsed();
        for (id, member) in &mut self.company.members {
            let moved = member.moved.load(Ordering::Relaxed);
            self.pieces.moved(*id, moved - member.counted, now);
            self.tally.add(moved - member.counted);
            member.counted = moved;
        }
    }

    /// A node that lacks all that is missing is no company.
    fn leave_if_useless(&mut self, id: NodeId) {
        if self.pieces.is_useless(id) {
            self.pieces.failed(id, Failure::Gone);
            self.forget(id);
        }
    }

    fn forget(&mut self, id: NodeId) {
        self.company.leave(id);
        self.running.retain(|(of, _), task| {
            if *of == id {
                task.abort();
            }
            *of != id
        });
    }
}

pub(super) fn nobody() -> Error {
    Error::new(
        Kind::Unreachable,
        "no node sends what is missing of the version",
    )
    .hint("try again: it goes on where it stopped")
}

pub(super) fn random() -> u64 {
    let mut bytes = [0; 8];
    // Without it nodes begin at the same place, which is bearable.
    let _ = getrandom::fill(&mut bytes);
    u64::from_le_bytes(bytes)
}
