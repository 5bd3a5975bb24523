//! Which pieces of a version this node has, said to those who fetch it: by one who fetches it itself, as it grows;
//! by one who has all of it, little by little while several fetch (`proto::reveal`).

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use iroh::endpoint::{RecvStream, SendStream};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    fetch::Layout,
    node::{Node, blocking},
    proto::{NodeId, have::Have, pieces::MAX_WANTS, reveal::Reveal},
    serve::shared,
    wire::{self, More, Response},
};
use crate::{
    archive::{address::SiteId, log::Tip},
    error::{Error, Kind, Result},
    publish::needs,
    store::{SiteState, Store},
};

/// The shortest time between two frames about what has come.
const PACE: Duration = Duration::from_millis(100);

/// The shortest time between two questions for more of one node: each takes a look at all pieces.
const BREATH: Duration = Duration::from_millis(2);

/// The most runs in a frame.
const MAX_RUNS: usize = 1000;

/// How long who was told may say nothing, while it has not asked for what it wants.
const SILENCE: Duration = Duration::from_secs(600);

/// What comes, and what is shown, at this node.
#[derive(Debug, Clone, Default)]
pub(super) struct Haves(Arc<Mutex<Tables>>);

#[derive(Debug, Default)]
struct Tables {
    growing: HashMap<SiteId, (Tip, watch::Receiver<Have>)>,
    showing: HashMap<(SiteId, Tip), Show>,
    next: u64,
}

/// A version that others fetch from here.
#[derive(Debug)]
struct Show {
    pieces: u32,
    reveal: Reveal,
    began: Instant,
    /// Where each of them is told.
    tellers: BTreeMap<NodeId, mpsc::UnboundedSender<Vec<Range<u32>>>>,
}

/// A version comes to this node, and others may have what is here of it, as long as this exists.
#[derive(Debug)]
pub(super) struct Growing {
    haves: Haves,
    site: SiteId,
    tip: Tip,
    have: watch::Sender<Have>,
}

impl Growing {
    /// These pieces can be had from here too now.
    pub(super) fn add(&self, pieces: impl IntoIterator<Item = u32>) {
        self.have.send_if_modified(|have| {
            let mut new = false;
            for piece in pieces {
                new |= have.insert(piece);
            }
            new
        });
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        let mut tables = self.haves.tables();
        if tables
            .growing
            .get(&self.site)
            .is_some_and(|(tip, _)| *tip == self.tip)
        {
            tables.growing.remove(&self.site);
        }
    }
}

/// One who fetches from here.
struct Shown {
    haves: Haves,
    of: (SiteId, Tip),
    id: NodeId,
    told: mpsc::UnboundedReceiver<Vec<Range<u32>>>,
}

impl Drop for Shown {
    fn drop(&mut self) {
        let mut tables = self.haves.tables();
        if let Some(show) = tables.showing.get_mut(&self.of) {
            show.reveal.leave(self.id);
            show.tellers.remove(&self.id);
            if show.reveal.is_idle() {
                tables.showing.remove(&self.of);
            }
        }
    }
}

impl Haves {
    /// A version with so many pieces begins to come.
    pub(super) fn grow(&self, site: SiteId, tip: Tip, pieces: u32) -> Growing {
        let (have, receiver) = watch::channel(Have::none(pieces));
        self.tables().growing.insert(site, (tip, receiver));
        Growing {
            haves: self.clone(),
            site,
            tip,
            have,
        }
    }

    fn growing(&self, site: SiteId, tip: Tip) -> Option<watch::Receiver<Have>> {
        let tables = self.tables();
        let growing = tables.growing.get(&site).filter(|(of, _)| *of == tip);
        growing.map(|(_, have)| have.clone())
    }

    /// How many pieces a version has that somebody fetches already.
    fn shown(&self, site: SiteId, tip: Tip) -> Option<u32> {
        let tables = self.tables();
        tables.showing.get(&(site, tip)).map(|show| show.pieces)
    }

    fn show(&self, site: SiteId, tip: Tip, pieces: u32) -> Shown {
        let of = (site, tip);
        let mut tables = self.tables();
        tables.next += 1;
        let number = tables.next;
        let mut id = NodeId::default();
        // One node may ask twice: each time counts for itself.
        id[..8].copy_from_slice(&number.to_le_bytes());
        let show = tables.showing.entry(of).or_insert_with(|| Show {
            pieces,
            reveal: Reveal::new(pieces, number.wrapping_mul(0x9e37_79b9)),
            began: Instant::now(),
            tellers: BTreeMap::new(),
        });
        let (teller, told) = mpsc::unbounded_channel();
        show.reveal.enter(id);
        show.tellers.insert(id, teller);
        Shown {
            haves: self.clone(),
            of,
            id,
            told,
        }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Each change is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shown {
    fn more(&self, more: &More) -> Vec<Range<u32>> {
        let wants: Vec<_> = more
            .wants
            .iter()
            .take(MAX_WANTS)
            .map(|(a, b)| *a..*b)
            .collect();
        let mut tables = self.haves.tables();
        let Some(show) = tables.showing.get_mut(&self.of) else {
            return Vec::new();
        };
        let now = show.began.elapsed();
        show.reveal.more(self.id, &wants, more.alone, now)
    }

    /// Tells all who wait what they are shown by now, and says when it is to be called next.
    fn tell_due(&self) -> Instant {
        let mut tables = self.haves.tables();
        let Some(show) = tables.showing.get_mut(&self.of) else {
            return Instant::now() + SILENCE;
        };
        let now = show.began.elapsed();
        for (id, runs) in show.reveal.due(now) {
            if let Some(teller) = show.tellers.get(&id) {
                // Who does not listen any more is about to leave.
                let _ = teller.send(runs);
            }
        }
        let wake = show.reveal.wake().unwrap_or(now + SILENCE);
        show.began + wake.max(now + PACE)
    }
}

/// Says which pieces of a version there are here, until all are, or the peer is gone.
pub(super) async fn answer(
    node: &Node,
    site: SiteId,
    tip: Tip,
    send: &mut SendStream,
    receive: &mut RecvStream,
) -> Result<()> {
    if shared(node, site).await?.is_none() {
        return wire::send(send, &Response::NotShared).await;
    }
    if let Some(growing) = node.haves.growing(site, tip) {
        return grow(node, site, tip, growing, send).await;
    }
    let Some(state) = at(node, site, tip).await? else {
        return wire::send(send, &Response::NotShared).await;
    };
    let pieces = match node.haves.shown(site, tip) {
        Some(pieces) => pieces,
        None => {
            let store = node.store.clone();
            blocking(move || pieces(&store, &state)).await?
        }
    };
    show(node.haves.show(site, tip, pieces), send, receive).await
}

/// How many pieces the newest version has.
fn pieces(store: &Store, state: &SiteState) -> Result<u32> {
    let needs = needs(store, &store.entry(state, None)?)?;
    let blobs = needs.values().map(|blob| (blob.hash, blob.size)).collect();
    Ok(Layout::new(&blobs).length())
}

/// The site if it is shared, and its newest version is this one.
async fn at(node: &Node, site: SiteId, tip: Tip) -> Result<Option<SiteState>> {
    let state = shared(node, site).await?;
    Ok(state.filter(|state| state.head.as_ref().is_some_and(|head| head.tip() == tip)))
}

async fn grow(
    node: &Node,
    site: SiteId,
    tip: Tip,
    mut growing: watch::Receiver<Have>,
    send: &mut SendStream,
) -> Result<()> {
    let length = growing.borrow().length();
    let mut told = Have::none(length);
    let mut is_first = true;
    loop {
        let have = growing.borrow_and_update().clone();
        tell(send, false, &have.beyond(&told), is_first).await?;
        is_first = false;
        told = have;
        if told.is_full() {
            return Ok(());
        }
        tokio::time::sleep(PACE).await;
        tokio::select! {
            changed = growing.changed() => if changed.is_err() {
                break;
            },
            _ = send.stopped() => return Ok(()),
        }
    }
    // It came, or it did not.
    match at(node, site, tip).await? {
        Some(_) => tell(send, false, &Have::all(length).beyond(&told), false).await,
        None => Ok(()),
    }
}

async fn show(mut shown: Shown, send: &mut SendStream, receive: &mut RecvStream) -> Result<()> {
    tell(send, true, &[], true).await?;
    let (asks, mut asked) = mpsc::channel(1);
    let listen = async {
        loop {
            let more: More = wire::receive(receive, SILENCE).await?;
            if asks.send(more).await.is_err() {
                return Ok::<_, Error>(());
            }
            tokio::time::sleep(BREATH).await;
        }
    };
    let mut listen = std::pin::pin!(listen);
    let mut wake = Instant::now() + SILENCE;
    loop {
        tokio::select! {
            // The peer has all, or is gone.
            _ = &mut listen => return Ok(()),
            Some(more) = asked.recv() => {
                let runs = shown.more(&more);
                tell(send, true, &runs, false).await?;
                wake = shown.tell_due();
            }
            Some(runs) = shown.told.recv() => tell(send, true, &runs, false).await?,
            () = tokio::time::sleep_until(wake) => wake = shown.tell_due(),
        }
    }
}

async fn tell(send: &mut SendStream, whole: bool, runs: &[Range<u32>], always: bool) -> Result<()> {
    if runs.is_empty() && always {
        let pieces = Vec::new();
        return wire::send(send, &Response::Has { whole, pieces }).await;
    }
    for runs in runs.chunks(MAX_RUNS) {
        let pieces = runs.iter().map(|run| (run.start, run.end)).collect();
        wire::send(send, &Response::Has { whole, pieces }).await?;
    }
    Ok(())
}

/// The runs of a frame, if they are in order.
pub(super) fn runs(pieces: &[(u32, u32)]) -> Result<Vec<Range<u32>>> {
    let mut from = 0;
    let mut runs = Vec::with_capacity(pieces.len());
    for (start, end) in pieces {
        if *start < from || end <= start {
            let message = "a peer says that it has pieces in no order";
            return Err(Error::new(Kind::Hostile, message));
        }
        from = *end;
        runs.push(*start..*end);
    }
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_no_order_is_refused() {
        assert_eq!(runs(&[(0, 2), (2, 3), (9, u32::MAX)]).unwrap().len(), 3);
        for wrong in [[(0, 2), (1, 3)], [(5, 6), (1, 3)], [(0, 0), (1, 2)]] {
            assert_eq!(runs(&wrong).unwrap_err().kind, Kind::Hostile);
        }
    }

    #[test]
    fn who_is_gone_is_shown_nothing_and_nothing_is_kept_of_it() {
        let haves = Haves::default();
        let site = SiteId([1; 32]);
        let tip = Tip {
            length: 1,
            root: crate::archive::hash::LogHash([2; 32]),
        };
        let growing = haves.grow(site, tip, 3);
        growing.add([0, 2, 7]);
        let have = haves.growing(site, tip).unwrap();
        assert_eq!(have.borrow().count(), 2);
        drop(growing);
        assert!(haves.growing(site, tip).is_none());
        let (one, two) = (haves.show(site, tip, 3), haves.show(site, tip, 3));
        let more = More {
            wants: (0..1000).map(|n| (n, n + 1)).collect(),
            alone: false,
        };
        let (first, second) = (one.more(&more), two.more(&more));
        assert!(!first.is_empty() && !second.is_empty() && first != second);
        drop(one);
        assert_eq!(haves.tables().showing.len(), 1);
        drop(two);
        assert!(haves.tables().showing.is_empty());
    }
}
