//! The log that a peer offers: what is new in it, or how it contradicts the one that is here.

use std::time::Duration;

use iroh::endpoint::Connection;

use crate::{
    accept::{MAX_NEW, New},
    archive::{
        address::SiteId,
        entry::{Branch, Entry},
        head::Head,
        log::{
            History,
            fork::{Verdict, compare},
        },
    },
    error::{Error, Kind, Result},
    store::SiteState,
    swarm::{
        node::{Node, blocking},
        wire::{self, MAX_ENTRIES, Request, Response},
    },
};

/// How long a peer may take for the entries of one request, 8 MiB at most: one that sends each of them
/// just in time would else take a day.
const BATCH_TIMEOUT: Duration = Duration::from_secs(120);

/// How long it may take for all branches that a log abandons, 32 MiB at most.
const BRANCHES_TIMEOUT: Duration = Duration::from_secs(480);

/// How the log of a head stands to the one that is here.
pub(super) enum Offer {
    /// It goes on from there, or abandons it.
    New(New),
    /// It is a part of it, or was abandoned.
    Behind,
    /// Both can't be true. The other log with its fork point, if the peer has shown it.
    Rival(Option<(History, u64)>),
}

/// Asks for the log of `head` as far as it is not here, and checks that it is the one that the head signs.
pub(super) async fn offer(
    node: &Node,
    connection: &Connection,
    state: Option<&SiteState>,
    head: &Head,
) -> Result<Offer> {
    let have = state.and_then(|state| state.head.as_ref());
    let known = have.map_or(0, Head::length);
    if head.length().saturating_sub(known) > MAX_NEW {
        return Err(Error::new(
            Kind::Hostile,
            format!(
                "the site has {} versions, more than {MAX_NEW} new ones",
                head.length()
            ),
        ));
    }
    if head.length() > known
        && let Some(new) = extend(node, connection, state, head).await?
    {
        return Ok(Offer::New(new));
    }
    match state {
        Some(state) if known > 0 => other(node, connection, state, head, known).await,
        // With nothing here before these can only be the wrong entries.
        _ => Err(not_signed()),
    }
}

/// What the log of `head` has after the one that is here; `None` if it does not go on from there.
async fn extend(
    node: &Node,
    connection: &Connection,
    state: Option<&SiteState>,
    head: &Head,
) -> Result<Option<New>> {
    let before = match state.cloned() {
        Some(state) => {
            let store = node.store.clone();
            blocking(move || store.log_peaks(&state)).await?
        }
        None => Default::default(),
    };
    let mut new = New::after(before);
    while new.peaks.length() < head.length() {
        let first = new.peaks.length() + 1;
        for bytes in ask_entries(connection, head, first).await? {
            new.push(bytes)?;
        }
    }
    if new.peaks.root() != Some(head.root()) {
        return Ok(None);
    }
    if new.entries.iter().any(|entry| !entry.abandoned.is_empty()) {
        let (store, state) = (node.store.clone(), state.cloned());
        let next = new.bytes.clone();
        let (ours, mut history) = blocking(move || {
            let ours = match state.filter(|state| state.head.is_some()) {
                Some(state) => store.history(&state)?,
                None => History::default(),
            };
            let before = ours.entries_from(1).map(<[u8]>::to_vec);
            let history = History::new(before.chain(next)).map_err(hostile)?;
            Ok((ours, history))
        })
        .await?;
        complete(connection, head.site(), &mut history, &ours).await?;
        new.history = Some(history);
    }
    Ok(Some(new))
}

/// What the log of `head` is, if it does not go on from the one that is here, which has `known` entries.
async fn other(
    node: &Node,
    connection: &Connection,
    state: &SiteState,
    head: &Head,
    known: u64,
) -> Result<Offer> {
    let (store, site) = (node.store.clone(), state.clone());
    let ours = blocking(move || store.history(&site)).await?;
    if ours.has(head.tip()) || ours.abandons(head.tip()) {
        return Ok(Offer::Behind);
    }
    let theirs = match whole(connection, head, &ours).await {
        Ok(theirs) => theirs,
        // A root of no more entries than are here is another than theirs was: that is proof already.
        Err(_) if head.length() <= known => return Ok(Offer::Rival(None)),
        Err(e) => return Err(e),
    };
    Ok(match compare(&ours, &theirs) {
        Verdict::Same | Verdict::Behind => Offer::Behind,
        Verdict::Extends => Offer::New(New::onto(known, known, theirs)?),
        Verdict::Explained { fork_point } => Offer::New(New::onto(known, fork_point, theirs)?),
        Verdict::Contradicts { fork_point } => Offer::Rival(Some((theirs, fork_point))),
    })
}

/// The whole log of `head` with its branches, from the first entry on. A peer that can't show it proves
/// nothing about the author: it could make any of them look so, with a genuine head and garbage.
async fn whole(connection: &Connection, head: &Head, ours: &History) -> Result<History> {
    if head.length() > MAX_NEW {
        return Err(not_signed());
    }
    let mut entries = Vec::new();
    while (entries.len() as u64) < head.length() {
        let first = entries.len() as u64 + 1;
        entries.extend(ask_entries(connection, head, first).await?);
    }
    let mut history = blocking(move || History::new(entries).map_err(hostile)).await?;
    if history.tip() != Some(head.tip()) {
        return Err(not_signed());
    }
    complete(connection, head.site(), &mut history, ours).await?;
    Ok(history)
}

/// Asks for the branches that a log abandons, as far as they are not in `ours`.
async fn complete(
    connection: &Connection,
    site: SiteId,
    history: &mut History,
    ours: &History,
) -> Result<()> {
    let all = async {
        loop {
            history.supply_from(&[ours]).map_err(hostile)?;
            let Some(branch) = history.missing() else {
                return Ok(());
            };
            let entries = ask_branch(connection, site, branch).await?;
            history.supply(entries).map_err(hostile)?;
        }
    };
    let done = tokio::time::timeout(BRANCHES_TIMEOUT, all).await;
    done.unwrap_or_else(|_| Err(too_slow(BRANCHES_TIMEOUT)))
}

/// The entries of an abandoned branch after its fork point. Whoever has them checks their root.
async fn ask_branch(connection: &Connection, site: SiteId, branch: Branch) -> Result<Vec<Vec<u8>>> {
    let mut entries = Vec::new();
    let mut first = branch.fork_point + 1;
    while first <= branch.length {
        let count = (branch.length - first + 1).min(MAX_ENTRIES);
        let request = Request::Branch {
            site: site.0,
            root: branch.root.0,
            length: branch.length,
            first,
            count,
        };
        entries.extend(ask_batch(connection, &request, count).await?);
        first += count;
    }
    Ok(entries)
}

/// The next entries of the log of `head`, from `first` on: as many as one request may ask for.
async fn ask_entries(connection: &Connection, head: &Head, first: u64) -> Result<Vec<Vec<u8>>> {
    let count = (head.length() - first + 1).min(MAX_ENTRIES);
    let request = Request::Entries {
        site: head.site().0,
        first,
        count,
    };
    ask_batch(connection, &request, count).await
}

async fn ask_batch(connection: &Connection, request: &Request, count: u64) -> Result<Vec<Vec<u8>>> {
    let asked = tokio::time::timeout(BATCH_TIMEOUT, receive_batch(connection, request, count));
    asked.await.unwrap_or_else(|_| Err(too_slow(BATCH_TIMEOUT)))
}

async fn receive_batch(
    connection: &Connection,
    request: &Request,
    count: u64,
) -> Result<Vec<Vec<u8>>> {
    let (mut send, mut receive) = connection
        .open_bi()
        .await
        .map_err(|e| Error::new(Kind::Unreachable, format!("the connection broke: {e}")))?;
    wire::send(&mut send, request).await?;
    let _ = send.finish();
    let mut entries = Vec::new();
    for _ in 0..count {
        match wire::receive(&mut receive, wire::FRAME_TIMEOUT).await? {
            Response::Entry(bytes) if bytes.len() <= Entry::MAX_ENCODED => entries.push(bytes),
            _ => {
                return Err(Error::new(
                    Kind::Hostile,
                    "a peer does not send the entries of its own log",
                ));
            }
        }
    }
    Ok(entries)
}

fn not_signed() -> Error {
    Error::new(
        Kind::Hostile,
        "a peer sent entries that the site's head does not sign",
    )
}

fn too_slow(limit: Duration) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("a peer did not send its log within {} s", limit.as_secs()),
    )
}

fn hostile(error: crate::archive::log::HistoryError) -> Error {
    Error::new(Kind::Hostile, format!("the log is refused: {error}"))
}
