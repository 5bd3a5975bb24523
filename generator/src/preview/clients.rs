//! The browsers that show a page of the preview, and what they are told.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::overlay;
use super::state::fingerprint;
use crate::error::Error;

/// How many pages can be shown live at once. Each has a connection.
const MOST: usize = 64;
/// How often a silent connection is written to, to find out whether anybody is still there.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How many messages may wait for a slow browser before it is dropped. It will connect again.
const BACKLOG: usize = 16;

/// What a browser is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    /// Load the page again.
    Reload,
    /// Go to this URL path.
    Go(String),
    /// Load the files at these URL paths again, as a list in JSON: stylesheets and images.
    Files(String),
    /// Show these errors, as JSON.
    Failed(String),
    /// Show no error any more.
    Mended,
    /// What the bar shows, as JSON.
    Bar(String),
}

impl Message {
    /// As a server-sent event. No data has line breaks, which would end it.
    fn event(&self) -> String {
        let (name, data) = match self {
            Self::Reload => ("reload", ""),
            Self::Go(path) => ("go", path.as_str()),
            Self::Files(paths) => ("files", paths.as_str()),
            Self::Failed(errors) => ("failed", errors.as_str()),
            Self::Mended => ("mended", ""),
            Self::Bar(bar) => ("bar", bar.as_str()),
        };
        format!("event: {name}\ndata: {data}\n\n")
    }
}

/// All browsers that are connected.
#[derive(Debug, Default)]
pub(super) struct Clients {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    clients: Vec<Client>,
    next_id: u64,
    closed: bool,
}

/// One browser tab.
#[derive(Debug)]
pub(super) struct Client {
    id: u64,
    /// The decoded URL path that it shows.
    pub(super) path: String,
    /// The fingerprint of the page that it shows.
    pub(super) seen: u64,
    has_overlay: bool,
    gone: bool,
    sender: SyncSender<Message>,
}

impl Client {
    pub(super) fn send(&mut self, message: Message) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.sender.try_send(message)
        {
            self.gone = true;
        }
    }

    /// Shows `error` over the page, unless the page is that error.
    pub(super) fn fail(&mut self, error: &Error) {
        if fingerprint(overlay::page(error).as_bytes()) == self.seen {
            return;
        }
        self.has_overlay = true;
        self.send(Message::Failed(overlay::json(error)));
    }

    /// Takes the error away, if one is shown.
    pub(super) fn mend(&mut self) {
        if std::mem::take(&mut self.has_overlay) {
            self.send(Message::Mended);
        }
    }
}

impl Clients {
    /// A new browser that shows `path`. `None` if there are too many.
    pub(super) fn add(&self, path: String, seen: u64) -> Option<(u64, Receiver<Message>)> {
        let mut inner = self.lock();
        if inner.closed || inner.clients.len() >= MOST {
            return None;
        }
        let (sender, receiver) = sync_channel(BACKLOG);
        let id = inner.next_id;
        inner.next_id += 1;
        inner.clients.push(Client {
            id,
            path,
            seen,
            has_overlay: false,
            gone: false,
            sender,
        });
        Some((id, receiver))
    }

    pub(super) fn remove(&self, id: u64) {
        self.lock().clients.retain(|client| client.id != id);
    }

    pub(super) fn each(&self, mut visit: impl FnMut(&mut Client)) {
        let mut inner = self.lock();
        inner.clients.iter_mut().for_each(&mut visit);
        inner.clients.retain(|client| !client.gone);
    }

    /// Calls `visit` on the browser with this id, if it is still there.
    pub(super) fn with<T>(&self, id: u64, visit: impl FnOnce(&mut Client) -> T) -> Option<T> {
        let mut inner = self.lock();
        let client = inner.clients.iter_mut().find(|client| client.id == id);
        client.map(visit)
    }

    /// The URL paths that browsers show.
    pub(super) fn paths(&self) -> Vec<String> {
        let inner = self.lock();
        let mut paths: Vec<String> = inner.clients.iter().map(|c| c.path.clone()).collect();
        paths.sort();
        paths.dedup();
        paths
    }

    /// Sends everybody away, and lets nobody in any more.
    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.clients.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // The list is whole at every step, whatever happened to the thread that held it.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the messages to a browser as server-sent events until either side goes.
pub(super) fn stream(to: &mut dyn Write, messages: &Receiver<Message>) -> io::Result<()> {
    to.write_all(
        b"HTTP/1.1 200 OK\r\n\
          Content-Type: text/event-stream\r\n\
          Cache-Control: no-store\r\n\
          X-Content-Type-Options: nosniff\r\n\
          Cross-Origin-Resource-Policy: same-origin\r\n\
          Transfer-Encoding: chunked\r\n\r\n",
    )?;
    // A browser that lost the preview asks for it again every second.
    chunk(to, "retry: 1000\n\n")?;
    loop {
        match messages.recv_timeout(HEARTBEAT) {
            Ok(message) => chunk(to, &message.event())?,
            Err(RecvTimeoutError::Timeout) => chunk(to, ":\n\n")?,
            // The connection itself is kept open by the server.
            Err(RecvTimeoutError::Disconnected) => return chunk(to, ""),
        }
    }
}

/// Writes a chunk; an empty one is the last.
fn chunk(to: &mut dyn Write, text: &str) -> io::Result<()> {
    write!(to, "{:x}\r\n{text}\r\n", text.len())?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_events() {
        let clients = Clients::default();
        let (id, messages) = clients.add("/".to_owned(), 0).unwrap();
        clients.with(id, |client| {
            client.send(Message::Reload);
            client.mend();
            client.send(Message::Go("/a/".to_owned()));
        });
        clients.close();
        let mut out = Vec::new();
        stream(&mut out, &messages).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(
            out.ends_with(
                "\r\n\r\nd\r\nretry: 1000\n\n\r\n16\r\nevent: reload\ndata: \n\n\r\n15\r\nevent: go\ndata: /a/\n\n\r\n0\r\n\r\n"
            ),
            "{out:?}"
        );
    }

    #[test]
    fn there_is_a_bound_and_slow_ones_go() {
        let clients = Clients::default();
        let all: Vec<_> = (0..MOST)
            .map(|_| clients.add("/".to_owned(), 0).unwrap())
            .collect();
        assert!(clients.add("/".to_owned(), 0).is_none());
        clients.remove(all[0].0);
        assert!(clients.add("/".to_owned(), 0).is_some());
        for _ in 0..=BACKLOG {
            clients.each(|client| client.send(Message::Reload));
        }
        let mut left = 0;
        clients.each(|_| left += 1);
        assert_eq!(left, 0);
    }
}
