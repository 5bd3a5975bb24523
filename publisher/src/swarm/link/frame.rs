//! What goes over a link, in both directions: frames as in [`wire`], and after the head of a push its blobs.

use std::time::Duration;

use iroh::{
    EndpointAddr,
    endpoint::{RecvStream, SendStream},
};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Kind, Result},
    swarm::wire,
};

/// The most bytes of the blobs that are pushed with a version.
pub const MAX_PUSH: usize = 256 << 10;

/// The most blobs that are pushed with a version.
pub const MAX_BLOBS: usize = 64;

/// How long a push may take: a slow peer keeps what it is sent in memory meanwhile.
const PUSH_TIMEOUT: Duration = Duration::from_secs(30);

/// A message over a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Frame {
    /// The link is there. The first frame of whoever was asked for it, or else [`Refused`](Self::Refused).
    Welcome {
        /// The newest head that the sender has.
        head: Option<Vec<u8>>,
        /// Others that the receiver may ask too.
        peers: Vec<EndpointAddr>,
    },
    /// There is no link, or no longer, and the stream ends: the sender does not share the site, or has links
    /// enough. These nodes may have it too.
    Refused(Vec<EndpointAddr>),
    /// There is a newer version.
    Head {
        /// Its head.
        head: Vec<u8>,
        /// Whether the sender has all of it, or is fetching it.
        whole: bool,
    },
    /// A version that goes on from what the receiver has. Its blobs come after this frame.
    Push(PushHead),
    /// The sender keeps the version of its head: a [`Receipt`](crate::archive::receipt::Receipt).
    Kept(Vec<u8>),
    /// Nodes that follow the site.
    Peers(Vec<EndpointAddr>),
}

/// What comes before the blobs of a pushed version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushHead {
    /// Its head.
    pub head: Vec<u8>,
    /// Its entry.
    pub entry: Vec<u8>,
    /// What the DHT is to say of it: a [`Signpost`](crate::archive::signpost::Signpost).
    pub signpost: Option<Vec<u8>>,
    /// How long the blobs are that follow, in order: at most [`MAX_BLOBS`], at most [`MAX_PUSH`] bytes together.
    pub sizes: Vec<u32>,
}

/// A small version with all that is new in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Push {
    /// Its head, as bytes.
    pub head: Vec<u8>,
    /// Its entry, as bytes.
    pub entry: Vec<u8>,
    /// What the DHT is to say of it, as bytes.
    pub signpost: Option<Vec<u8>>,
    /// The blobs that the version before does not need, blob lists among them.
    pub blobs: Vec<Vec<u8>>,
}

impl Push {
    /// How many bytes it has.
    pub fn bytes(&self) -> u64 {
        let blobs: usize = self.blobs.iter().map(Vec::len).sum();
        (self.head.len() + self.entry.len() + blobs) as u64
    }
}

/// Sends a version.
///
/// # Errors
///
/// If the peer is gone, or too slow.
pub async fn send_push(stream: &mut SendStream, push: &Push) -> Result<()> {
    let size = |blob: &Vec<u8>| u32::try_from(blob.len()).unwrap_or(u32::MAX);
    let head = PushHead {
        head: push.head.clone(),
        entry: push.entry.clone(),
        signpost: push.signpost.clone(),
        sizes: push.blobs.iter().map(size).collect(),
    };
    in_time(async {
        wire::send(stream, &Frame::Push(head)).await?;
        for blob in &push.blobs {
            wire::send_bytes(stream, blob).await?;
        }
        Ok(())
    })
    .await
}

/// Receives the blobs of a pushed version.
///
/// # Errors
///
/// [`Kind::Hostile`] if they are too many or too long; or if the peer is gone, or too slow.
pub async fn receive_push(stream: &mut RecvStream, head: PushHead) -> Result<Push> {
    let total = head.sizes.iter().try_fold(0usize, |sum, size| {
        sum.checked_add(*size as usize)
            .filter(|sum| *sum <= MAX_PUSH)
    });
    if head.sizes.len() > MAX_BLOBS || total.is_none() {
        return Err(Error::new(
            Kind::Hostile,
            "a peer pushes more than was agreed",
        ));
    }
    in_time(async {
        let mut blobs = Vec::with_capacity(head.sizes.len());
        for size in &head.sizes {
            blobs.push(wire::receive_bytes(stream, *size as usize).await?);
        }
        Ok(Push {
            head: head.head,
            entry: head.entry,
            signpost: head.signpost,
            blobs,
        })
    })
    .await
}

async fn in_time<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(PUSH_TIMEOUT, work).await {
        Ok(done) => done,
        Err(_) => Err(Error::new(
            Kind::Unreachable,
            format!(
                "a pushed version took longer than {} s",
                PUSH_TIMEOUT.as_secs()
            ),
        )),
    }
}
