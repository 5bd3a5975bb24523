//! [`Session`]: a peer that is asked page by page, for the files of one version that is not here yet.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use iroh::endpoint::Connection;
use tokio::sync::Semaphore;

use super::{MAX_ANSWER, MAX_PATHS, Nodes, Page, Proven, refused};
use crate::{
    archive::{address::SiteId, entry::Entry, head::Head, path::ArchivePath, tree::File},
    error::{Error, Kind, Result},
    swarm::{
        fetch::Metered,
        network::Ticket,
        node::{Node, blocking},
        wire::{self, Request, Response},
    },
};

/// How many requests of one session are on their way at a time.
const AT_ONCE: usize = 4;

/// How long a peer may take for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The most bytes of tree nodes that a session keeps, and the most paths.
const MAX_NODES: usize = 1 << 20;
const MAX_ASKED: usize = 4096;

/// The newest version of a site as one peer has it, of which some files are here in memory. It stays at that
/// version: what is shown together belongs together.
pub struct Session {
    site: SiteId,
    head: Head,
    entry: Entry,
    connection: Connection,
    asked: Mutex<Asked>,
    turns: Semaphore,
    _metered: Metered,
}

/// What was asked for, with the nodes that say what there is.
#[derive(Default)]
struct Asked {
    paths: BTreeSet<ArchivePath>,
    nodes: Nodes,
}

impl Session {
    /// Asks a peer for the newest version of a site that is not here, with the files at `paths`.
    ///
    /// # Errors
    ///
    /// [`Kind::Hostile`] if what it sends is not what the site's key signed; if it can't be reached, does not
    /// share the site, or answers with a log that need not be the one that was seen before: that shows when
    /// the whole version is fetched.
    pub async fn open(
        node: &Arc<Node>,
        site: SiteId,
        peer: &Ticket,
        paths: &[ArchivePath],
    ) -> Result<(Self, Vec<(File, Vec<u8>)>)> {
        let connection = node.connect(&peer.0, wire::ALPN).await?;
        let metered = Metered::new(node, site, &connection);
        let Proven {
            head,
            entry,
            nodes,
            files,
        } = ask(&connection, site, paths).await?;
        let (store, seen) = (node.store.clone(), head.clone());
        // From here on a reader never goes back behind it, whoever offers an older one.
        let is_the_first = blocking(move || store.records.see(&seen)).await?;
        if !is_the_first {
            let message = "what was seen of the site before may be another log";
            return Err(Error::new(Kind::Unreachable, message));
        }
        let session = Self {
            site,
            head,
            entry,
            connection,
            asked: Mutex::new(Asked {
                paths: paths.iter().cloned().collect(),
                nodes,
            }),
            turns: Semaphore::new(AT_ONCE),
            _metered: metered,
        };
        Ok((session, files))
    }

    /// The head of the version.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The version.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Brings what there is at those of `paths` that were not asked for yet, and returns the files that came.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); [`Kind::Unreachable`] if the peer has another version by now, or the session
    /// has as much as it may have.
    pub async fn bring(&self, paths: &[ArchivePath]) -> Result<Vec<(File, Vec<u8>)>> {
        let ended = |why| Error::new(Kind::Unreachable, why);
        let turn = self.turns.acquire().await;
        let _turn = turn.map_err(|_| ended("the session has ended"))?;
        let mut new: Vec<ArchivePath> = paths.to_vec();
        {
            let asked = self.asked();
            new.retain(|path| !asked.paths.contains(path));
            let is_full = asked.nodes.bytes() > MAX_NODES || asked.paths.len() > MAX_ASKED;
            if is_full && !new.is_empty() {
                return Err(ended("enough was asked for page by page"));
            }
        }
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let proven = ask(&self.connection, self.site, &new).await?;
        if proven.head != self.head {
            return Err(ended("the peer has another version by now"));
        }
        let mut asked = self.asked();
        asked.nodes.add(proven.nodes);
        asked.paths.extend(new);
        Ok(proven.files)
    }

    /// The file at a path that was asked for.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] if it was not.
    pub fn find(&self, path: &ArchivePath) -> Result<Option<File>> {
        let asked = self.asked();
        match asked.paths.contains(path) {
            true => asked.nodes.find(self.entry.tree, path),
            false => Err(Error::new(
                Kind::NotFound,
                format!("{} was not asked for", path.as_str()),
            )),
        }
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({}, {})", self.site, self.head.length())
    }
}

async fn ask(connection: &Connection, site: SiteId, paths: &[ArchivePath]) -> Result<Proven> {
    debug_assert!(paths.len() <= MAX_PATHS);
    let asked = tokio::time::timeout(PATIENCE, receive(connection, site, paths));
    let bytes = asked.await.unwrap_or_else(|_| {
        Err(Error::new(
            Kind::Unreachable,
            format!("a peer did not send a page within {} s", PATIENCE.as_secs()),
        ))
    })?;
    let paths = paths.to_vec();
    blocking(move || Page::prove(site, &paths, &bytes)).await
}

async fn receive(connection: &Connection, site: SiteId, paths: &[ArchivePath]) -> Result<Vec<u8>> {
    let (mut send, mut receive) = connection
        .open_bi()
        .await
        .map_err(|e| Error::new(Kind::Unreachable, format!("the connection broke: {e}")))?;
    let request = Request::Page {
        site: site.0,
        paths: paths.iter().map(|path| path.as_str().to_owned()).collect(),
    };
    wire::send(&mut send, &request).await?;
    let _ = send.finish();
    match wire::receive(&mut receive, wire::FRAME_TIMEOUT).await? {
        Response::Page { length } if length as usize <= MAX_ANSWER => {
            wire::receive_bytes(&mut receive, length as usize).await
        }
        Response::NotShared => Err(Error::new(
            Kind::NotFound,
            format!("the peer has no page of skep://{site}"),
        )),
        _ => Err(refused("it is too long, or none")),
    }
}
