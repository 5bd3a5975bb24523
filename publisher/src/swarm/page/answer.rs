//! Answers to requests for pages.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use iroh::endpoint::SendStream;
use tokio::sync::Semaphore;

use super::{MAX_ANSWER, MAX_FILE, MAX_PATHS, Page, files_at};
use crate::{
    archive::{
        address::SiteId,
        hash::NodeHash,
        log::{Peaks, Tip},
        path::ArchivePath,
        tree::NodeSource,
    },
    error::{Error, Kind, Result},
    publish::needs,
    store::{Reader, SiteState, Store},
    swarm::{
        node::{Node, blocking},
        wire::{self, Response},
    },
};

/// How many answers are made at a time.
const AT_ONCE: usize = 16;

/// How much is sent at a time, in bytes: as much as iroh-blobs does.
const PIECE: usize = 16 << 10;
/// How long a peer may take to receive one: it keeps one of these places meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest log of which the proof is made: all of its entries are read for that.
const MAX_LOG: u64 = 1 << 16;

/// Of how many sites the proof is kept.
const MAX_KEPT: usize = 64;

/// What proves that an entry is the last of a log, for the logs that were asked for.
pub(in crate::swarm) struct Fronts {
    kept: Mutex<HashMap<SiteId, (Tip, Vec<u8>)>>,
    turns: Semaphore,
}

impl Default for Fronts {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            turns: Semaphore::new(AT_ONCE),
        }
    }
}

/// Answers a request for files of the newest version of a site that is shared.
pub(in crate::swarm) async fn answer(
    node: &Node,
    site: SiteId,
    paths: Vec<String>,
    send: &mut SendStream,
) -> Result<()> {
    let Ok(_turn) = node.fronts.turns.acquire().await else {
        return Ok(());
    };
    let (store, fronts) = (node.store.clone(), node.fronts.clone());
    let made = blocking(move || make(&store, &fronts, site, &paths));
    match made.await? {
        Some(bytes) => {
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let sending = async {
                wire::send(send, &Response::Page { length }).await?;
                for piece in bytes.chunks(PIECE) {
                    node.limits.upload.pass(piece.len() as u64).await;
                    wire::send_bytes(send, piece).await?;
                }
                Ok::<_, Error>(())
            };
            match tokio::time::timeout(PATIENCE, sending).await {
                Ok(sent) => sent?,
                Err(_) => return Err(Error::new(Kind::Unreachable, "a peer takes too long")),
            }
            node.store.counters().moved(site, bytes.len() as u64, 0);
            Ok(())
        }
        None => wire::send(send, &Response::NotShared).await,
    }
}

/// An answer's bytes; `None` if there is none to be had here.
fn make(store: &Store, fronts: &Fronts, site: SiteId, paths: &[String]) -> Result<Option<Vec<u8>>> {
    if paths.len() > MAX_PATHS {
        return Err(Error::new(Kind::Hostile, "too many paths"));
    }
    let paths: Result<Vec<_>, _> = paths.iter().map(|path| ArchivePath::new(path)).collect();
    let paths = paths.map_err(|e| Error::new(Kind::Hostile, e.to_string()))?;
    let Some(state) = store.site(site)?.filter(SiteState::is_shared) else {
        return Ok(None);
    };
    let Some(head) = state.head.clone().filter(|head| head.length() <= MAX_LOG) else {
        return Ok(None);
    };
    let Some(entry) = store.records.entry_bytes(&state, head.length())? else {
        return Ok(None);
    };
    let signed = store.version(&state, None)?;
    let source = Recorded {
        reader: Reader::new(store, &state),
        nodes: RefCell::default(),
    };
    let files = files_at(&source, signed.tree, &paths)?;
    let mut page = Page {
        head: head.encode(),
        entry,
        before: fronts.before(store, &state, head.tip())?,
        nodes: Vec::new(),
        files: Vec::new(),
    };
    for file in &files {
        // A blob that is here for another site's sake is none of this one's.
        let has = |needs: &_| source.reader.has(file, needs);
        if !has(&BTreeMap::new())? && !has(&needs(store, &signed)?)? {
            return Ok(None);
        }
        page.files.push(source.reader.bytes(file, MAX_FILE)?);
    }
    page.nodes = source.nodes.into_inner().into_values().collect();
    let bytes = postcard::to_stdvec(&page);
    let bytes = bytes.map_err(|e| Error::new(Kind::Io, format!("a page can't be encoded: {e}")))?;
    Ok((bytes.len() <= MAX_ANSWER).then_some(bytes))
}

impl Fronts {
    /// The peaks of a log without its last entry. May block.
    fn before(&self, store: &Store, state: &SiteState, tip: Tip) -> Result<Vec<u8>> {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, peaks)) = kept().get(&state.site)
            && *of == tip
        {
            return Ok(peaks.clone());
        }
        let mut peaks = Peaks::default();
        for version in 1..tip.length {
            let entry = store.records.entry_bytes(state, version)?;
            peaks.append(&entry.ok_or_else(|| Error::damaged("an entry is missing"))?);
        }
        let peaks = peaks.encode();
        let mut kept = kept();
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(state.site, (tip, peaks.clone()));
        Ok(peaks)
    }
}

/// A tree in the store, and its nodes that were read.
struct Recorded {
    reader: Reader,
    nodes: RefCell<HashMap<NodeHash, Vec<u8>>>,
}

impl NodeSource for Recorded {
    type Error = Error;

    fn node(&self, hash: NodeHash) -> Result<Vec<u8>> {
        let bytes = self.reader.node(hash)?;
        self.nodes.borrow_mut().insert(hash, bytes.clone());
        Ok(bytes)
    }
}
