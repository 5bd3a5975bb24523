//! What two nodes say to each other about the pieces of a version, while one of them fetches it.

use std::{ops::Range, sync::Arc, time::Duration};

use iroh::{
    EndpointAddr,
    endpoint::{Connection, RecvStream, SendStream},
};
use tokio::{sync::mpsc, time::Instant};

use super::company::{Event, Joined};
use crate::{
    archive::{address::SiteId, log::Tip},
    error::{Error, Kind, Result},
    swarm::{
        have, link,
        node::Node,
        proto::{NodeId, pieces::Holder},
        wire::{self, More, Request, Response},
    },
};

/// How long a node may say nothing of what it has.
const SILENCE: Duration = Duration::from_secs(600);

/// How many frames about pieces a node may send in a second, and beyond that at once.
const FRAMES: u64 = 200;

/// A node has begun to say what it has.
pub(super) struct Begun {
    pub(super) holder: Holder,
    pub(super) has: Vec<Range<u32>>,
    pub(super) send: SendStream,
    pub(super) receive: RecvStream,
}

pub(super) async fn call(
    node: &Arc<Node>,
    site: SiteId,
    tip: Tip,
    from: Option<EndpointAddr>,
    address: EndpointAddr,
) -> Result<(Joined, Begun, mpsc::Receiver<More>)> {
    let talk = link::reach(node, &address).await?;
    let begun = begin(site, tip, from, &talk.connection).await?;
    let blobs = node.connect(&address, iroh_blobs::ALPN).await?;
    let (more, wants) = mpsc::channel(1);
    let joined = Joined {
        address,
        talk,
        blobs,
        holder: begun.holder,
        more,
    };
    Ok((joined, begun, wants))
}

/// Asks a node what it has of the version.
pub(super) async fn begin(
    site: SiteId,
    tip: Tip,
    from: Option<EndpointAddr>,
    talk: &Connection,
) -> Result<Begun> {
    let broke = |e| Error::new(Kind::Unreachable, format!("the connection broke: {e}"));
    let (mut send, mut receive) = talk.open_bi().await.map_err(broke)?;
    let request = Request::Have {
        site: site.0,
        length: tip.length,
        root: tip.root.0,
        from,
    };
    wire::send(&mut send, &request).await?;
    match wire::receive(&mut receive, wire::FRAME_TIMEOUT).await? {
        Response::Has { whole, pieces } => Ok(Begun {
            holder: match whole {
                true => Holder::Showing,
                false => Holder::Part,
            },
            has: have::runs(&pieces)?,
            send,
            receive,
        }),
        _ => Err(Error::new(
            Kind::NotFound,
            "the peer has nothing of the version",
        )),
    }
}

/// Passes on what a node says that it has, and asks it for more when that is wanted.
pub(super) async fn listen(
    begun: Begun,
    id: NodeId,
    events: &mpsc::Sender<Event>,
    wants: mpsc::Receiver<More>,
) {
    let holder = begun.holder;
    // Whatever it breaks off for.
    let _ = converse(begun, id, events, wants).await;
    if holder == Holder::Showing {
        // It says no more what it may be asked for, and has it all the same.
        let _ = events.send(Event::Turns(id, Holder::Whole)).await;
    }
}

async fn converse(
    begun: Begun,
    id: NodeId,
    events: &mpsc::Sender<Event>,
    mut wants: mpsc::Receiver<More>,
) -> Result<()> {
    let Begun {
        has,
        mut send,
        mut receive,
        ..
    } = begun;
    if !has.is_empty() {
        let _ = events.send(Event::Has(id, has)).await;
    }
    let ask = async {
        while let Some(more) = wants.recv().await {
            wire::send(&mut send, &more).await?;
        }
        Ok(())
    };
    let hear = async {
        let (began, mut frames) = (Instant::now(), 0);
        loop {
            let response = wire::receive(&mut receive, SILENCE).await?;
            frames += 1;
            let Response::Has { pieces, .. } = response else {
                return Ok(());
            };
            // It may say something at any time, and not keep anybody busy with it.
            if frames > FRAMES * (1 + began.elapsed().as_secs()) {
                return Ok(());
            }
            if events
                .send(Event::Has(id, have::runs(&pieces)?))
                .await
                .is_err()
            {
                return Ok(());
            }
        }
    };
    tokio::select! {
        done = ask => done,
        done = hear => done,
    }
}
