//! One link: a stream in both directions for one site, over the connection of the two nodes.

use std::{sync::Arc, time::Duration};

use iroh::{
    EndpointAddr, EndpointId,
    endpoint::{RecvStream, SendStream},
};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, watch},
    time::Instant,
};

use super::{
    End, Heard, Shared, bounded,
    frame::{Frame, receive_push, send_push},
    reach,
};
use crate::{
    archive::{address::SiteId, head::Head, log::Tip, receipt::Receipt},
    error::{Error, Kind, Result},
    swarm::{
        node::{Node, blocking},
        wire::{self, Request},
    },
};

/// How many frames a peer may send at once, and one more in each [`FRAME_EVERY`].
const FRAMES: u32 = 64;

/// How often a peer may send a frame. What comes faster waits, at its end.
const FRAME_EVERY: Duration = Duration::from_millis(250);

/// How long a node may take to answer for which no relay is known.
const DIRECT: Duration = Duration::from_secs(5);

/// How many small frames may wait for a slow peer. What does not fit is not said.
const MAX_SMALL: usize = 4;

/// A stream for a link, and what it takes up.
pub(in crate::swarm) struct Streams {
    send: SendStream,
    receive: RecvStream,
    /// Kept open as long as there is the link.
    _shared: Arc<Shared>,
    /// A place among all links, and one among those of the connection.
    _places: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

/// What a node answers that was asked for a link.
pub(in crate::swarm) enum Answer {
    /// There is one.
    Link {
        streams: Box<Streams>,
        /// What the node has.
        head: Option<Head>,
        /// Others that it named.
        peers: Vec<EndpointAddr>,
    },
    /// There is none.
    Refused(Vec<EndpointAddr>),
}

/// A link, as its site's driver has it. It ends when this is dropped.
pub(in crate::swarm) struct Handle {
    /// Which of all links of the site.
    pub(in crate::swarm) number: u64,
    told: watch::Sender<Option<Told>>,
    small: mpsc::Sender<Frame>,
}

/// What a peer is to be told of.
#[derive(Clone)]
struct Told {
    head: Head,
    /// Whether all of the version is here.
    whole: bool,
    /// Whether all of it is to be sent, if it is small.
    give: bool,
}

impl Handle {
    /// Tells the peer of a version, and whether all of it is here; or gives it all of it, if that is small. It hears
    /// of the newest if it is slow.
    pub(in crate::swarm) fn tell(&self, head: Head, whole: bool, give: bool) {
        self.told.send_replace(Some(Told { head, whole, give }));
    }

    /// Sends a frame that may be lost if the peer is slow.
    pub(in crate::swarm) fn send(&self, frame: Frame) {
        let _ = self.small.try_send(frame);
    }
}

impl Streams {
    /// Takes the places of a link over `shared`.
    ///
    /// # Errors
    ///
    /// [`Kind::Declined`] if there are too many.
    pub(in crate::swarm) fn new(
        node: &Node,
        shared: Arc<Shared>,
        (send, receive): (SendStream, RecvStream),
    ) -> Result<Self> {
        let places = (
            node.links.places.clone().try_acquire_owned(),
            shared.places.clone().try_acquire_owned(),
        );
        let (Ok(all), Ok(own)) = places else {
            return Err(Error::new(Kind::Declined, "there are links enough here"));
        };
        Ok(Self {
            send,
            receive,
            _shared: shared,
            _places: (all, own),
        })
    }

    /// Says that there is no link, but others may have the site.
    pub(in crate::swarm) async fn refuse(mut self, others: Vec<EndpointAddr>) -> Result<()> {
        wire::send(&mut self.send, &Frame::Refused(others)).await?;
        let _ = self.send.finish();
        // The stream must not be dropped before the peer has read it.
        let _ = tokio::time::timeout(wire::FRAME_TIMEOUT, self.send.stopped()).await;
        Ok(())
    }
}

/// Asks a node for a link for a site; `head` is what is here.
///
/// # Errors
///
/// [`Kind::Unreachable`] if it does not answer, [`Kind::Hostile`] if it answers something else.
pub(in crate::swarm) async fn ask(
    node: &Arc<Node>,
    site: SiteId,
    address: &EndpointAddr,
    head: Option<Head>,
) -> Result<Answer> {
    let shared = match address.relay_urls().next() {
        Some(_) => reach(node, address).await?,
        // Whoever is where he is said to be answers at once, and each call into the void costs some KB.
        None => match tokio::time::timeout(DIRECT, reach(node, address)).await {
            Ok(reached) => reached?,
            Err(_) => return Err(Error::new(Kind::Unreachable, "a peer does not answer")),
        },
    };
    let opening = tokio::time::timeout(wire::FRAME_TIMEOUT, shared.connection.open_bi());
    let unreachable = |why: String| Error::new(Kind::Unreachable, why);
    let opened = match opening.await {
        Ok(opened) => opened.map_err(|e| unreachable(format!("the connection broke: {e}")))?,
        Err(_) => return Err(unreachable("a peer takes no more requests".into())),
    };
    let mut streams = Streams::new(node, shared, opened)?;
    let request = Request::Link {
        site: site.0,
        head: head.map(|head| head.encode()),
        from: node.address().await?,
    };
    wire::send(&mut streams.send, &request).await?;
    match wire::receive(&mut streams.receive, wire::FRAME_TIMEOUT).await? {
        Frame::Welcome { head, peers } => Ok(Answer::Link {
            head: head.map(|bytes| decode(site, &bytes)).transpose()?,
            peers: bounded(peers),
            streams: Box::new(streams),
        }),
        Frame::Refused(peers) => Ok(Answer::Refused(bounded(peers))),
        _ => Err(hostile("a peer answers something else")),
    }
}

/// Both ends have agreed on a link: it tells and listens from now on. `welcome` is sent first, `theirs` is
/// what the peer has.
pub(in crate::swarm) fn start(
    node: &Arc<Node>,
    site: SiteId,
    (peer, number): (EndpointId, u64),
    streams: Streams,
    welcome: Option<Frame>,
    theirs: Option<Tip>,
    ear: mpsc::Sender<Heard>,
) -> Handle {
    let (told, telling) = watch::channel(None);
    let (small, waiting) = mpsc::channel(MAX_SMALL);
    let running = node.clone();
    let _present = node.presence.enter(site, peer);
    node.spawn(async move {
        let node = running;
        let Streams {
            mut send,
            mut receive,
            _shared,
            _places,
        } = streams;
        let theirs = watch::Sender::new(theirs);
        let end = tokio::select! {
            end = tell(&node, site, welcome, (telling, waiting), &theirs, &mut send) => end,
            end = listen(&node, site, peer, &theirs, &mut receive, &ear) => end,
        };
        let end = match end {
            Err(e) if e.kind == Kind::Hostile => End::Lied,
            _ if _shared.has_left() => End::Left,
            end => End::Lost(end.unwrap_or_default()),
        };
        drop((send, receive, _shared, _places, _present));
        let ended = Heard::Ended { peer, number, end };
        // Nobody hears it if the driver has ended.
        let _ = ear.send(ended).await;
    });
    Handle {
        number,
        told,
        small,
    }
}

/// Tells a peer what it is to be told, until the driver drops its end.
async fn tell(
    node: &Arc<Node>,
    site: SiteId,
    welcome: Option<Frame>,
    (mut telling, mut waiting): (watch::Receiver<Option<Told>>, mpsc::Receiver<Frame>),
    theirs: &watch::Sender<Option<Tip>>,
    send: &mut SendStream,
) -> Result<Vec<EndpointAddr>> {
    if let Some(welcome) = welcome {
        wire::send(send, &welcome).await?;
    }
    loop {
        let told = tokio::select! {
            biased;
            Some(frame) = waiting.recv() => {
                wire::send(send, &frame).await?;
                continue;
            }
            told = telling.changed() => match told {
                Ok(()) => telling.borrow_and_update().clone(),
                Err(_) => return Ok(Vec::new()),
            },
        };
        if let Some(told) = told {
            say(node, site, told, theirs, send).await?;
        }
    }
}

/// Tells a peer of a version, with all its bytes if they are few and it has the version before.
async fn say(
    node: &Arc<Node>,
    site: SiteId,
    Told { head, whole, give }: Told,
    theirs: &watch::Sender<Option<Tip>>,
    send: &mut SendStream,
) -> Result<()> {
    let (tip, known, bytes) = (head.tip(), *theirs.borrow(), head.encode());
    let ready = match give {
        true => {
            let (store, pushes) = (node.store.clone(), node.pushes.clone());
            let ready = blocking(move || pushes.ready(&store, site, &head)).await;
            // If it can't be made ready, there is the head.
            ready.ok().flatten().filter(|ready| ready.before == known)
        }
        false => None,
    };
    let push = ready.as_ref().and_then(|ready| ready.push.as_ref());
    // With a limit on the upload it may have to be fetched, when it has its turn.
    match push.filter(|push| node.limits.upload.at_once(push.bytes())) {
        Some(push) => {
            send_push(send, push).await?;
            node.store.counters().moved(site, push.bytes(), 0);
        }
        None => wire::send(send, &Frame::Head { head: bytes, whole }).await?,
    }
    // It has it, or will have it.
    has(theirs, tip);
    Ok(())
}

/// Hears what a peer says, until it is gone, breaks the protocol, or ends the link and names others.
async fn listen(
    node: &Arc<Node>,
    site: SiteId,
    peer: EndpointId,
    theirs: &watch::Sender<Option<Tip>>,
    receive: &mut RecvStream,
    ear: &mpsc::Sender<Heard>,
) -> Result<Vec<EndpointAddr>> {
    let mut next = Instant::now();
    loop {
        // Who floods is read slowly, and waits.
        let allowed = next.checked_sub(FRAME_EVERY * FRAMES);
        if let Some(allowed) = allowed {
            tokio::time::sleep_until(allowed).await;
        }
        let frame = wire::next(receive).await?;
        next = next.max(Instant::now()) + FRAME_EVERY;
        let heard = match frame {
            Frame::Head { head, whole } => {
                let head = decode(site, &head)?;
                has(theirs, head.tip());
                Heard::Told { peer, head, whole }
            }
            Frame::Push(bytes) => {
                let head = decode(site, &bytes.head)?;
                let push = receive_push(receive, bytes).await?;
                node.store.counters().moved(site, 0, push.bytes());
                has(theirs, head.tip());
                Heard::Pushed { peer, head, push }
            }
            Frame::Kept(bytes) => {
                let receipt = Receipt::decode(site, *peer.as_bytes(), &bytes);
                let receipt = receipt.map_err(|e| hostile(&e.to_string()))?;
                Heard::Kept { peer, receipt }
            }
            Frame::Peers(peers) => Heard::Named {
                peer,
                peers: bounded(peers),
            },
            Frame::Refused(peers) => return Ok(bounded(peers)),
            Frame::Welcome { .. } => return Err(hostile("a peer begins a link twice")),
        };
        if ear.send(heard).await.is_err() {
            return Ok(Vec::new());
        }
    }
}

/// A peer has a log of this length at least.
fn has(theirs: &watch::Sender<Option<Tip>>, tip: Tip) {
    theirs.send_if_modified(|theirs| {
        let is_more = theirs.is_none_or(|theirs| theirs.length < tip.length);
        if is_more {
            *theirs = Some(tip);
        }
        is_more
    });
}

fn decode(site: SiteId, bytes: &[u8]) -> Result<Head> {
    Head::decode(site, bytes).map_err(|e| hostile(&e.to_string()))
}

fn hostile(why: &str) -> Error {
    Error::new(Kind::Hostile, why)
}
