//! What a person has on this machine: the sites, and what there is to say of each.
//!
//! A list of them is shown often, and sites change seldom. So what has to be read out of a site is kept until the
//! site's records are written again, and the rest is counters.

pub mod folders;
pub mod notice;
mod title;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    archive::{address::SiteId, hash::NodeHash},
    error::{Kind, Result},
    store::{Reader, Relation, Store, Traffic},
};

/// A site as the library shows it.
#[derive(Debug, Clone)]
pub struct LibrarySite {
    /// The site.
    pub site: SiteId,
    /// Why it is known.
    pub relation: Relation,
    /// Whether a person has stopped its sharing for now.
    pub paused: bool,
    /// What it calls itself: plain text on one line, at most 200 characters.
    pub title: Option<String>,
    /// Its newest version; none of a followed or pinned site that nobody has sent so far.
    pub newest: Option<Newest>,
    /// The bytes that are kept for it on this disk. What other sites have too counts for each.
    pub bytes_here: u64,
    /// The nodes that say, signed, that they hold the newest version.
    pub holders: Vec<[u8; 32]>,
    /// How many heads are known that contradict its log: `skep log` shows them.
    pub conflicts: usize,
    /// How many nodes are connected for it right now.
    pub peers_now: usize,
    /// What went to and fro for it since it was added here.
    pub traffic: Traffic,
    /// When it was read last, in seconds since 1970.
    pub last_visit: Option<u64>,
}

/// The newest version of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// Its number.
    pub version: u64,
    /// When it was published, in seconds since 1970, as its author says.
    pub time: u64,
    /// What the author says of it.
    pub message: String,
    /// How many files it has.
    pub files: u64,
    /// How many bytes these have.
    pub bytes: u64,
    /// The root of its tree.
    pub tree: NodeHash,
}

/// The sites of a store, with what was read out of them.
pub struct Library {
    store: Store,
    known: Mutex<HashMap<SiteId, Known>>,
    read: AtomicU64,
}

/// What was read out of a site, and how often its records had been written then.
#[derive(Clone)]
struct Known {
    changes: u64,
    /// `None` if the site is no more than a trace of something.
    described: Option<Arc<LibrarySite>>,
}

impl Library {
    /// The library of a store. Nothing is read yet.
    pub fn new(store: &Store) -> Self {
        Self {
            store: store.clone(),
            known: Mutex::default(),
            read: AtomicU64::new(0),
        }
    }

    /// How many times a site was read, because it was new or had changed.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// What was read out of a site; `None` if it is no more than a trace of something.
    fn described(
        &self,
        known: &mut HashMap<SiteId, Known>,
        site: SiteId,
    ) -> Result<Option<Arc<LibrarySite>>> {
        let changes = self.store.records.changes(site);
        if let Some(known) = known.get(&site).filter(|known| known.changes == changes) {
            return Ok(known.described.clone());
        }
        self.read.fetch_add(1, Ordering::Relaxed);
        let described = describe(&self.store, site)?.map(Arc::new);
        let new = Known {
            changes,
            described: described.clone(),
        };
        known.insert(site, new);
        Ok(described)
    }
}

/// All sites that are known, own ones first, then those read last. `peers_now` says how many nodes are connected
/// for a site: [`Node::peers_now`](crate::swarm::Node::peers_now). May block.
///
/// # Errors
///
/// If the records can't be read. A site that can't be is listed without title.
pub fn list(library: &Library, peers_now: impl Fn(SiteId) -> usize) -> Result<Vec<LibrarySite>> {
    let activity = library.store.activity()?;
    let ids = library.store.records.site_ids()?;
    // One at a time: a second one finds what the first has read.
    let mut known = lock(library);
    known.retain(|site, _| ids.contains(site));
    let mut sites = Vec::with_capacity(ids.len());
    for site in ids {
        let Some(described) = library.described(&mut known, site)? else {
            continue;
        };
        let moved = activity.get(&site).copied().unwrap_or_default();
        sites.push(with_counters(&described, peers_now(site), moved));
    }
    drop(known);
    sites.sort_by_key(|site| {
        (
            site.relation != Relation::Own,
            std::cmp::Reverse(recent(site)),
        )
    });
    Ok(sites)
}

/// One site, if it is known. May block.
///
/// # Errors
///
/// If the records can't be read.
pub fn one(library: &Library, site: SiteId, peers_now: usize) -> Result<Option<LibrarySite>> {
    let described = library.described(&mut lock(library), site)?;
    let moved = library.store.activity()?.get(&site).copied();
    Ok(described.map(|it| with_counters(&it, peers_now, moved.unwrap_or_default())))
}

fn with_counters(
    described: &LibrarySite,
    peers_now: usize,
    (visit, traffic): (u64, Traffic),
) -> LibrarySite {
    LibrarySite {
        peers_now,
        traffic,
        last_visit: (visit > 0).then_some(visit),
        ..described.clone()
    }
}

/// What one site calls itself, if it is known and says that. May block.
///
/// # Errors
///
/// If the records can't be read.
pub fn title(library: &Library, site: SiteId) -> Result<Option<String>> {
    let described = library.described(&mut lock(library), site)?;
    Ok(described.and_then(|described| described.title.clone()))
}

/// When a site was last read, or published.
fn recent(site: &LibrarySite) -> u64 {
    let published = site.newest.as_ref().map_or(0, |newest| newest.time);
    site.last_visit.unwrap_or(0).max(published)
}

fn lock(library: &Library) -> std::sync::MutexGuard<'_, HashMap<SiteId, Known>> {
    // A cache is right at any moment, also after a panic elsewhere.
    library.known.lock().unwrap_or_else(PoisonError::into_inner)
}

fn describe(store: &Store, site: SiteId) -> Result<Option<LibrarySite>> {
    let Some(state) = store.site(site)? else {
        return Ok(None);
    };
    let (mut title, mut newest, mut holders) = (None, None, Vec::new());
    if let Some(head) = &state.head {
        let entry = store.entry(&state, None)?;
        title = match title::of(&Reader::new(store, &state), entry.tree) {
            Ok(title) => title,
            // Not here, or damaged: who opens the site is told.
            Err(e) if matches!(e.kind, Kind::NotFound | Kind::Damaged | Kind::Io) => None,
            Err(e) => return Err(e),
        };
        newest = Some(Newest {
            version: entry.number,
            time: entry.time,
            message: entry.message,
            files: entry.files,
            bytes: entry.bytes,
            tree: entry.tree,
        });
        let receipts = store.receipts(&state)?.into_iter();
        holders = receipts
            .filter(|receipt| receipt.is_for(head))
            .map(|receipt| receipt.node)
            .collect();
    }
    Ok(Some(LibrarySite {
        site,
        relation: state.relation,
        paused: state.paused,
        title,
        newest,
        bytes_here: store.bytes_here(site)?,
        holders,
        conflicts: store.rivals(&state)?.len(),
        peers_now: 0,
        traffic: Traffic::default(),
        last_visit: None,
    }))
}
