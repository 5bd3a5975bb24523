//! The new entries of a log, checked against the head that names them.

use std::time::Duration;

use iroh::endpoint::Connection;

use crate::{
    archive::{entry::Entry, head::Head, log::Peaks},
    error::{Error, Kind, Result},
    store::SiteState,
    swarm::{
        node::{Node, blocking},
        wire::{self, MAX_ENTRIES, Request, Response},
    },
};

/// The part of a log that is new here.
pub(super) struct New {
    /// The entries as bytes, in order.
    pub(super) bytes: Vec<Vec<u8>>,
    /// The same, decoded.
    pub(super) entries: Vec<Entry>,
    /// The peaks of the whole log.
    pub(super) peaks: Peaks,
}

/// The most entries that are taken at once: with 2 KiB each, 128 MiB of memory.
const MAX_NEW: u64 = 65_536;

/// How long a peer may take for the entries of one request, 8 MiB at most: one that sends each of them
/// just in time would else take a day.
const BATCH_TIMEOUT: Duration = Duration::from_secs(120);

/// Asks for the entries from the end of the log here up to `head`, and checks that together they make
/// the log that the head signs: a log that was rewritten can't.
pub(super) async fn extend(
    node: &Node,
    connection: &Connection,
    state: Option<&SiteState>,
    head: &Head,
) -> Result<New> {
    let mut peaks = match state.cloned() {
        Some(state) => {
            let store = node.store.clone();
            blocking(move || store.log_peaks(&state)).await?
        }
        None => Peaks::default(),
    };
    let count = head.length().checked_sub(peaks.length());
    if count.is_none_or(|count| count > MAX_NEW) {
        return Err(Error::new(
            Kind::Hostile,
            format!(
                "the site has {} versions, more than {MAX_NEW} new ones",
                head.length()
            ),
        ));
    }
    let mut new = New {
        bytes: Vec::new(),
        entries: Vec::new(),
        peaks: peaks.clone(),
    };
    while peaks.length() < head.length() {
        let first = peaks.length() + 1;
        for bytes in ask_entries(connection, head, first).await? {
            let entry = Entry::decode(&bytes).map_err(|e| {
                Error::new(
                    Kind::Hostile,
                    format!("a peer sent an entry that is refused: {e}"),
                )
            })?;
            peaks.append(&bytes);
            if entry.number != peaks.length() {
                return Err(Error::new(
                    Kind::Hostile,
                    format!(
                        "a peer sent entry {} as entry {}",
                        entry.number,
                        peaks.length()
                    ),
                ));
            }
            new.bytes.push(bytes);
            new.entries.push(entry);
        }
    }
    if peaks.root() != Some(head.root()) {
        // Either the head belongs to another history, or these are not its entries. With nothing here
        // before it can only be the latter.
        let fork = new.peaks.length() > 0 && is_whole_log_of(connection, head).await?;
        return Err(match fork {
            true => forked(head),
            false => Error::new(
                Kind::Hostile,
                "a peer sent entries that the site's head does not sign",
            ),
        });
    }
    new.peaks = peaks;
    Ok(new)
}

/// Whether the peer has a log, from its first entry on, that the head signs. Only then the author has
/// signed two histories; else a peer could make any author look so, with a genuine head and garbage.
async fn is_whole_log_of(connection: &Connection, head: &Head) -> Result<bool> {
    if head.length() > MAX_NEW {
        return Ok(false);
    }
    let mut peaks = Peaks::default();
    while peaks.length() < head.length() {
        let first = peaks.length() + 1;
        for bytes in ask_entries(connection, head, first).await? {
            peaks.append(&bytes);
        }
    }
    Ok(peaks.root() == Some(head.root()))
}

/// A head whose log does not extend the one that is here.
pub(super) fn forked(head: &Head) -> Error {
    Error::new(
        Kind::Conflict,
        format!(
            "version {} that the peer offers contradicts the versions that were seen before: its history was rewritten, or the site was published from two machines",
            head.length()
        ),
    )
    .hint("what is here stays as it is; both heads are kept as evidence")
}

/// The next entries of the log of `head`, from `first` on: as many as one request may ask for.
async fn ask_entries(connection: &Connection, head: &Head, first: u64) -> Result<Vec<Vec<u8>>> {
    let asked = tokio::time::timeout(BATCH_TIMEOUT, ask_batch(connection, head, first));
    asked.await.unwrap_or_else(|_| {
        Err(Error::new(
            Kind::Unreachable,
            format!(
                "a peer did not send its log within {} s",
                BATCH_TIMEOUT.as_secs()
            ),
        ))
    })
}

async fn ask_batch(connection: &Connection, head: &Head, first: u64) -> Result<Vec<Vec<u8>>> {
    let count = (head.length() - first + 1).min(MAX_ENTRIES);
    let request = Request::Entries {
        site: head.site().0,
        first,
        count,
    };
    let (mut send, mut receive) = connection
        .open_bi()
        .await
        .map_err(|e| Error::new(Kind::Unreachable, format!("the connection broke: {e}")))?;
    wire::send(&mut send, &request).await?;
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
