//! The new entries of a log, checked against the head that names them.

use std::time::Duration;

use iroh::endpoint::Connection;

use crate::{
    accept::{MAX_NEW, New, forked},
    archive::{entry::Entry, head::Head, log::Peaks},
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

/// Asks for the entries from the end of the log here up to `head`, and checks that together they make
/// the log that the head signs: a log that was rewritten can't.
pub(super) async fn extend(
    node: &Node,
    connection: &Connection,
    state: Option<&SiteState>,
    head: &Head,
) -> Result<New> {
    let before = match state.cloned() {
        Some(state) => {
            let store = node.store.clone();
            blocking(move || store.log_peaks(&state)).await?
        }
        None => Peaks::default(),
    };
    let known = before.length();
    let count = head.length().checked_sub(known);
    if count.is_none_or(|count| count > MAX_NEW) {
        return Err(Error::new(
            Kind::Hostile,
            format!(
                "the site has {} versions, more than {MAX_NEW} new ones",
                head.length()
            ),
        ));
    }
    let mut new = New::after(before);
    while new.peaks.length() < head.length() {
        let first = new.peaks.length() + 1;
        for bytes in ask_entries(connection, head, first).await? {
            new.push(bytes)?;
        }
    }
    if new.peaks.root() != Some(head.root()) {
        // Either the head belongs to another history, or these are not its entries. With nothing here
        // before it can only be the latter.
        let fork = known > 0 && is_whole_log_of(connection, head).await?;
        return Err(match fork {
            true => forked(head),
            false => Error::new(
                Kind::Hostile,
                "a peer sent entries that the site's head does not sign",
            ),
        });
    }
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
