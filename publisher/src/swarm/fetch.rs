//! Fetching a site's newer versions from a peer. Everything is verified before it is kept, and bounded
//! before it is allocated; the versions arrive in one transaction, or not at all.

mod ask;
mod company;
mod download;
mod finish;
mod layout;
mod log;
mod older;
mod possession;
mod prepare;
mod talk;
mod transfer;

use download::Public;
pub(super) use layout::Layout;
use log::Offer;

use std::{sync::Arc, time::Duration};

use iroh::{EndpointAddr, endpoint::Connection};

use super::{
    find, link,
    network::Ticket,
    node::{Event, Node, blocking, now},
    proto::overlay::Source,
    wire::{self, Request, Response},
};
pub(super) use download::{check_new, proven};
pub use older::older;

pub use crate::accept::{SITE_QUOTA, Wanted};
use crate::{
    accept::{New, accept, check_rival, forked},
    archive::{
        address::SiteId,
        head::Head,
        log::{History, Peaks},
    },
    error::{Error, Kind, Result},
    progress::{Phase, Unit},
    store::{Activity, Peer, Relation, SiteState},
};

/// How a fetch ended.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The newest head that is here now.
    pub head: Head,
    /// How many versions came.
    pub versions: u64,
    /// How many bytes were received, on the wire.
    pub received: u64,
}

/// How long a fetch waits for another one of the same site.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);

/// Brings the newest version of `site` that `peer` has.
///
/// # Errors
///
/// [`Kind::Older`] if the peer offers less than what was seen before, [`Kind::Conflict`] if its log
/// contradicts the one that is here, [`Kind::Hostile`] if what it sends is not what the site's key
/// signed, [`Kind::NotFound`] if it does not share the site. Nothing that is here changes then.
pub async fn newest(
    node: &Arc<Node>,
    site: SiteId,
    peer: &Ticket,
    wanted: Wanted,
) -> Result<Fetched> {
    fetch(node, site, &peer.0, None, wanted).await
}

/// The head that `peer` offers of `site`, verified; nothing is fetched.
///
/// # Errors
///
/// As [`newest`].
pub async fn offered(node: &Node, site: SiteId, peer: &Ticket) -> Result<Head> {
    let shared = link::reach(node, &peer.0).await?;
    ask_head(&shared.connection, site, &peer.0).await
}

/// As [`newest`], or the version of `head` if the peer announced it.
pub(super) async fn fetch(
    node: &Arc<Node>,
    site: SiteId,
    peer: &EndpointAddr,
    head: Option<Head>,
    wanted: Wanted,
) -> Result<Fetched> {
    unless_removed(node, site, fetch_one(node, site, peer, head, wanted)).await
}

/// Breaks `work` off if the site is removed meanwhile.
pub(super) async fn unless_removed<T>(
    node: &Node,
    site: SiteId,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let mut removals = node.removals.subscribe();
    let removed = async {
        while let Ok(removed) = removals.recv().await {
            if removed == site {
                return;
            }
        }
        // It has missed some, which is as good as never here: the records refuse what comes too late.
        std::future::pending().await
    };
    tokio::select! {
        done = work => done,
        () = removed => Err(removed_meanwhile(site)),
    }
}

fn removed_meanwhile(site: SiteId) -> Error {
    let message = format!("skep://{site} was removed while it was being fetched");
    Error::new(Kind::NotFound, message)
}

async fn fetch_one(
    node: &Arc<Node>,
    site: SiteId,
    peer: &EndpointAddr,
    head: Option<Head>,
    wanted: Wanted,
) -> Result<Fetched> {
    let lock = node.site_lock(site);
    // The lock saves fetching things twice. A peer that dawdles must not keep a site from coming from
    // others, so that after a while it goes without: records refuse what was overtaken.
    let guard = tokio::time::timeout(LOCK_PATIENCE, lock.lock_owned()).await;
    let store = node.store.clone();
    let state = blocking(move || store.site(site)).await?;
    let have = state.as_ref().and_then(|state| state.head.clone());

    let asking = node.store.begin(site, Phase::Ask, None, Unit::Bytes);
    let shared = match (&have, &head) {
        (Some(have), Some(head)) if have == head => return Ok(unchanged(have, 0)),
        _ => link::reach(node, peer).await?,
    };
    let connection = shared.connection.clone();
    let metered = Metered::new(node, site, &connection);
    let _present = node.presence.enter(site, peer.id);
    let head = match head {
        Some(head) => head,
        None => ask_head(&connection, site, peer).await?,
    };
    if let Some(have) = &have
        && have.tip() == head.tip()
    {
        heard(node, site, peer).await?;
        return Ok(unchanged(have, metered.received()));
    }
    let offer = log::offer(node, &connection, state.as_ref(), &head).await;
    let new = match (offer.map_err(as_overtaken)?, &state, &have) {
        (Offer::New(new), ..) => new,
        (Offer::Rival(seen), Some(state), _) => {
            let mut error = forked(&head, seen.as_ref().map(|(_, fork_point)| *fork_point));
            let is_new = is_new_rival(node, state, &head).await?;
            if let Err(e) = keep_rival(node, state, &head, seen, peer).await {
                error.message += &format!("; what it has could not be kept: {e}");
            }
            if is_new && state.relation == Relation::Own {
                let version = head.length();
                node.emit(Event::Forked { site, version });
                node.tell(site);
            }
            return Err(error);
        }
        (_, _, have) => return Err(is_older(&head, have.as_ref())),
    };
    if have.is_none() {
        let store = node.store.clone();
        let seen = blocking(move || store.records.seen(site)).await?;
        seen.map_or(Ok(()), |seen| check_seen(&seen, &head, &new))?;
    }
    drop(asking);
    let public = Some(Public {
        tip: head.tip(),
        talk: &connection,
    });
    let came = download::download(node, site, state.as_ref(), peer, &new, wanted, public).await;
    if let Err(e) = &came
        && e.kind == Kind::DiskFull
        && have.is_none()
    {
        // Its pages may be read one by one: its log goes on from what was seen.
        let (store, seen) = (node.store.clone(), head.clone());
        blocking(move || store.records.saw(&seen)).await?;
    }
    let came = came?;
    let relation = state
        .as_ref()
        .map_or(Relation::Visited, |state| state.relation);
    let versions = new.entries.len() as u64;
    let (store, kept) = (node.store.clone(), head.clone());
    let known = state.is_some();
    blocking(move || {
        // A removal waits for this even if nobody waits for this any more.
        let _guard = guard;
        if known && store.site(site)?.is_none() {
            return Err(removed_meanwhile(site));
        }
        store.comes_from_elsewhere(site)?;
        let _checking = store.begin(site, Phase::Check, None, Unit::Bytes);
        accept(&store, site, relation, &kept, &new, wanted)
    })
    .await
    .map_err(as_overtaken)?;
    if relation == Relation::Visited {
        node.store.visited(site, now());
    }
    // Before anybody hears of the version: who waits for that may ask them.
    for giver in &came.givers {
        heard(node, site, giver).await?;
    }
    node.share(site, head.length() + 1 - versions).await?;
    find::bring_signpost(node, &connection, &head).await;
    // Until here others had from this node what had come; from here on it is among the versions that are here.
    drop(came.given);
    let received = came.received + metered.received();
    node.emit(Event::Version {
        site,
        version: head.length(),
        received,
    });
    if relation == Relation::Own {
        let version = head.length();
        node.emit(Event::Elsewhere { site, version });
    }
    Ok(Fetched {
        head,
        versions,
        received,
    })
}

/// Whether a head that contradicts the log was not met before.
async fn is_new_rival(node: &Node, state: &SiteState, head: &Head) -> Result<bool> {
    let (store, state) = (node.store.clone(), state.clone());
    let rivals = blocking(move || store.rivals(&state)).await?;
    Ok(rivals.iter().all(|rival| rival.head.tip() != head.tip()))
}

/// Remembers a peer that has just shown that it has a site.
pub(super) async fn heard(node: &Node, site: SiteId, address: &EndpointAddr) -> Result<()> {
    let peer = Peer {
        node: *address.id.as_bytes(),
        ticket: Ticket(address.clone()).to_string(),
        heard: now(),
        named: false,
    };
    node.heard_of(site, vec![address.clone()], Source::Own);
    let store = node.store.clone();
    blocking(move || store.remember_peer(site, &peer)).await
}

/// Adds what a connection received to the traffic of the site that it was made for, when that is over,
/// however it ends.
pub(super) struct Metered {
    counters: Activity,
    site: SiteId,
    connection: Connection,
    /// What it had received before: it may have been there for other sites.
    before: u64,
}

impl Metered {
    pub(super) fn new(node: &Node, site: SiteId, connection: &Connection) -> Self {
        Self {
            counters: node.store.counters(),
            site,
            connection: connection.clone(),
            before: connection.stats().udp_rx.bytes,
        }
    }

    /// How many bytes were received so far.
    fn received(&self) -> u64 {
        let received = self.connection.stats().udp_rx.bytes;
        received.saturating_sub(self.before)
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        self.counters.moved(self.site, 0, self.received());
    }
}

/// Fails if a log does not go on from what was seen of it before the site was removed here.
fn check_seen(seen: &Head, head: &Head, new: &New) -> Result<()> {
    if head.length() < seen.length() {
        return Err(is_older(head, Some(seen)));
    }
    let mut peaks = Peaks::default();
    for bytes in new.bytes.iter().take(seen.length() as usize) {
        peaks.append(bytes);
    }
    let history = new.history.as_ref();
    let explained = history.is_some_and(|history| history.abandons(seen.tip()));
    match peaks.root() == Some(seen.root()) || explained {
        true => Ok(()),
        false => Err(forked(head, None)),
    }
}

/// A race between two peers, which is nobody's fault.
fn as_overtaken(error: Error) -> Error {
    match error.kind {
        Kind::Unpublishable => Error::new(Kind::Unreachable, error.message)
            .hint("try again: it goes on where it stopped"),
        _ => error,
    }
}

fn unchanged(head: &Head, received: u64) -> Fetched {
    Fetched {
        head: head.clone(),
        versions: 0,
        received,
    }
}

pub(super) async fn ask_head(
    connection: &Connection,
    site: SiteId,
    peer: &EndpointAddr,
) -> Result<Head> {
    let response = ask(connection, &Request::Head { site: site.0 }).await?;
    match response {
        Response::Head(bytes) => Head::decode(site, &bytes).map_err(|e| {
            Error::new(
                Kind::Hostile,
                format!(
                    "the node {} sent a head that is refused: {e}",
                    peer.id.fmt_short()
                ),
            )
            .hint("that node is broken or dishonest: ask another with `--peer TICKET`")
        }),
        _ => Err(Error::new(
            Kind::NotFound,
            format!(
                "the node {} does not have skep://{site}",
                peer.id.fmt_short()
            ),
        )
        .hint("name another node with `--peer TICKET`")),
    }
}

pub(super) async fn ask(connection: &Connection, request: &Request) -> Result<Response> {
    let (mut send, mut receive) = connection
        .open_bi()
        .await
        .map_err(|e| Error::new(Kind::Unreachable, format!("the connection broke: {e}")))?;
    wire::send(&mut send, request).await?;
    let _ = send.finish();
    wire::receive(&mut receive, wire::FRAME_TIMEOUT).await
}

/// A head of a part of the log here, or of a branch that it has abandoned.
fn is_older(head: &Head, have: Option<&Head>) -> Error {
    Error::new(
        Kind::Older,
        format!(
            "the peer offers version {}, but version {} was seen before: a reader never goes back",
            head.length(),
            have.map_or(0, Head::length)
        ),
    )
    .hint("what is here stays as it is; a peer that is up to date has the newer version")
}

/// Keeps the head of a log that contradicts the one here as evidence. The author, who is to mend that,
/// gets the other log too, with its files.
async fn keep_rival(
    node: &Arc<Node>,
    state: &SiteState,
    head: &Head,
    seen: Option<(History, u64)>,
    peer: &EndpointAddr,
) -> Result<()> {
    let own = state.relation == Relation::Own;
    let (store, kept, rival) = (node.store.clone(), state.clone(), head.clone());
    let seen = blocking(move || {
        let shown = seen.as_ref().map(|(history, point)| (history, *point));
        store.keep_rival(&kept, &rival, shown, own)?;
        Ok(seen)
    })
    .await?;
    let Some((history, fork_point)) = seen.filter(|_| own) else {
        return Ok(());
    };
    let known = state.head.as_ref().map_or(0, Head::length);
    let new = New::onto(known, fork_point, history)?;
    // All of it: if the mended log goes on from there, hosts will ask the author for every version.
    let wanted = Wanted::Whole;
    download::download(node, state.site, Some(state), peer, &new, wanted, None).await?;
    let (store, state) = (node.store.clone(), state.clone());
    blocking(move || check_rival(&store, &state, &new, wanted)).await
}
