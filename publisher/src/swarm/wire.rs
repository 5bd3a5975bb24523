//! The messages between nodes, beside iroh-blobs' own.
//!
//! A request is one bidirectional stream: one frame there, one or more frames back. A frame is its
//! length (4 bytes, big-endian) and a message in postcard. Heads, entries and receipts travel in the
//! archive's own encoding: they are signed or hashed.

use std::time::Duration;

use iroh::{
    EndpointAddr,
    endpoint::{RecvStream, SendStream},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::{Error, Kind, Result};

/// The protocol and its version.
pub const ALPN: &[u8] = b"skep/1";

/// The longest frame, in bytes. An entry has at most 2 KiB.
pub const MAX_FRAME: usize = 16 << 10;

/// The most entries that one request may ask for.
pub const MAX_ENTRIES: u64 = 4096;

/// The most sites of which one question asks whether the other node has them.
pub const MAX_SOUGHT: usize = 256;

/// How much is sent or received at a time of what is no frame, in bytes.
const PIECE: usize = 64 << 10;

/// How long a peer may take for one frame, unless it has to fetch something first.
pub const FRAME_TIMEOUT: Duration = Duration::from_secs(20);

/// What a node asks another.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    /// The newest head of a site. Answered by [`Response::Head`] or [`Response::NotShared`].
    Head {
        /// The site.
        site: [u8; 32],
    },
    /// Entries of a site's log. Answered by one [`Response::Entry`] each, in order.
    Entries {
        /// The site.
        site: [u8; 32],
        /// The first version.
        first: u64,
        /// How many, at most [`MAX_ENTRIES`].
        count: u64,
    },
    /// Entries of a branch that a site's log abandons, or of the log before they part. Answered by one
    /// [`Response::Entry`] each, in order, or by [`Response::NotShared`].
    Branch {
        /// The site.
        site: [u8; 32],
        /// The branch's root.
        root: [u8; 32],
        /// How many entries it has.
        length: u64,
        /// The first version.
        first: u64,
        /// How many, at most [`MAX_ENTRIES`].
        count: u64,
    },
    /// There is a version, and I have it: please keep it. Answered by [`Response::Kept`] or
    /// [`Response::Declined`].
    Announce {
        /// The site.
        site: [u8; 32],
        /// Its head.
        head: Vec<u8>,
        /// Where to fetch it: the node that asks.
        from: EndpointAddr,
    },
    /// Let us tell each other what is new of a site, over this stream, from now on. Answered by
    /// [`Frame::Welcome`](super::link::frame::Frame::Welcome), and then frames go both ways; or by
    /// [`Frame::Refused`](super::link::frame::Frame::Refused).
    Link {
        /// The site.
        site: [u8; 32],
        /// The newest head that the asking node has.
        head: Option<Vec<u8>>,
        /// How to reach the asking node.
        from: EndpointAddr,
    },
    /// Which of some sites the node shares, in a way that tells their names only to whoever knows them. Answered
    /// by [`Response::Found`].
    Sought {
        /// Drawn anew for each question.
        salt: [u8; 16],
        /// A hash of the salt and the site each, at most [`MAX_SOUGHT`].
        marks: Vec<[u8; 16]>,
    },
    /// Files of the newest version, with what proves them, to be shown before all of it is fetched. Answered
    /// by [`Response::Page`] or [`Response::NotShared`].
    Page {
        /// The site.
        site: [u8; 32],
        /// The paths of the files, at most [`MAX_PATHS`](super::page::MAX_PATHS).
        paths: Vec<String>,
    },
    /// What the DHT is to say of the newest head of a site. Answered by [`Response::Signpost`] or
    /// [`Response::NotShared`].
    Signpost {
        /// The site.
        site: [u8; 32],
    },
    /// Which pieces of a version the node has. Answered by any number of [`Response::Has`], as they come, until it
    /// has all; or by [`Response::NotShared`]. To a node that has all, [`More`] is sent on the same stream.
    Have {
        /// The site.
        site: [u8; 32],
        /// How long its log is with the version.
        length: u64,
        /// The root of that log.
        root: [u8; 32],
        /// Where the asking node can be reached, if others may have from it what it has.
        from: Option<EndpointAddr>,
    },
    /// Who else is there for a site. Answered by [`Response::Peers`] or [`Response::NotShared`].
    Peers {
        /// The site.
        site: [u8; 32],
    },
}

/// What it answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Response {
    /// The newest head that the node shares.
    Head(Vec<u8>),
    /// The node does not share that site, or has nothing of it yet.
    NotShared,
    /// An entry's bytes.
    Entry(Vec<u8>),
    /// The node keeps the version.
    Kept {
        /// Its [`Receipt`](crate::archive::receipt::Receipt).
        receipt: Vec<u8>,
        /// How many bytes it received for that, as it counted them on the wire.
        received: u64,
    },
    /// The node does not keep the version.
    Declined(Reason),
    /// The node shares these of the sought sites, by their places in the question, in order.
    Found(Vec<u16>),
    /// So many bytes follow after this frame: a [`Page`](super::page::Page).
    Page {
        /// At most [`MAX_ANSWER`](super::page::MAX_ANSWER).
        length: u32,
    },
    /// A [`Signpost`](crate::archive::signpost::Signpost).
    Signpost(Vec<u8>),
    /// Pieces of a version that can be had from the node, beside those that it has said.
    Has {
        /// Whether it has all, and says little by little what it may be asked for.
        whole: bool,
        /// First piece and the one after the last, in order.
        pieces: Vec<(u32, u32)>,
    },
    /// Nodes that are connected for the site, at most 8.
    Peers(Vec<EndpointAddr>),
}

/// What a node that fetches a version wants to be shown by one that has it whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct More {
    /// First piece and the one after the last, at most 64.
    pub wants: Vec<(u32, u32)>,
    /// It knows nobody else who has anything.
    pub alone: bool,
}

/// Why a node does not keep a version.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub enum Reason {
    /// It does not keep that site.
    NotPinned,
    /// It has a newer version.
    Older {
        /// The newest that it has.
        newest: u64,
    },
    /// It has another version of the same number: the log was forked.
    Conflict,
    /// It could not get or keep the version.
    Failed(String),
}

/// Sends a message.
pub async fn send<T: Serialize>(stream: &mut SendStream, message: &T) -> Result<()> {
    let bytes = postcard::to_stdvec(message)
        .map_err(|e| Error::new(Kind::Io, format!("a message can't be encoded: {e}")))?;
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    let frame = [&length[..], &bytes].concat();
    within(FRAME_TIMEOUT, stream.write_all(&frame)).await
}

/// Receives a message within `limit`.
pub async fn receive<T: DeserializeOwned>(stream: &mut RecvStream, limit: Duration) -> Result<T> {
    let mut length = [0; 4];
    within(limit, stream.read_exact(&mut length)).await?;
    receive_rest(stream, length, limit).await
}

/// Receives a message whenever it comes.
pub async fn next<T: DeserializeOwned>(stream: &mut RecvStream) -> Result<T> {
    let mut length = [0; 4];
    let began = stream.read_exact(&mut length).await;
    began.map_err(|e| Error::new(Kind::Unreachable, format!("a peer is gone: {e}")))?;
    receive_rest(stream, length, FRAME_TIMEOUT).await
}

async fn receive_rest<T: DeserializeOwned>(
    stream: &mut RecvStream,
    length: [u8; 4],
    limit: Duration,
) -> Result<T> {
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_FRAME {
        return Err(Error::new(
            Kind::Hostile,
            format!("a peer sent a message of {length} bytes, over the bound of {MAX_FRAME}"),
        ));
    }
    let mut bytes = vec![0; length];
    within(limit, stream.read_exact(&mut bytes)).await?;
    postcard::from_bytes(&bytes).map_err(|e| {
        Error::new(
            Kind::Hostile,
            format!("a peer sent a malformed message: {e}"),
        )
    })
}

/// Sends bytes as they are.
pub async fn send_bytes(stream: &mut SendStream, bytes: &[u8]) -> Result<()> {
    for piece in bytes.chunks(PIECE) {
        within(FRAME_TIMEOUT, stream.write_all(piece)).await?;
    }
    Ok(())
}

/// Receives `length` bytes as they are. Room is made as they come.
pub async fn receive_bytes(stream: &mut RecvStream, length: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let start = bytes.len();
        bytes.resize(length.min(start + PIECE), 0);
        within(FRAME_TIMEOUT, stream.read_exact(&mut bytes[start..])).await?;
    }
    Ok(bytes)
}

async fn within<T, E: std::fmt::Display>(
    limit: Duration,
    action: impl Future<Output = Result<T, E>>,
) -> Result<T> {
    match tokio::time::timeout(limit, action).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(e)) => Err(Error::new(
            Kind::Unreachable,
            format!("the connection to a peer broke: {e}"),
        )),
        Err(_) => Err(Error::new(
            Kind::Unreachable,
            format!("a peer did not answer within {} s", limit.as_secs()),
        )),
    }
}
