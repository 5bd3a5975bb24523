//! HTTP/1.1, as much of it as a preview needs: what is only read, over a bounded number of connections.

use std::fs::File;
use std::io::{self, Cursor, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::request::{self, Request};
use crate::error::Error;

/// How many connections there can be at once. Each has a thread and a file descriptor, of which some systems
/// give a program no more than 256.
const MOST: usize = 128;
/// How long a browser may take for a request, once it has begun, and for taking in a part of the answer.
const SLOWEST: Duration = Duration::from_secs(20);
/// How long a connection may lie idle.
const IDLE: Duration = Duration::from_secs(120);
/// How long nobody is let in when the system has no room for another connection.
const PAUSE: Duration = Duration::from_millis(20);

/// What is answered.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Body,
}

/// The bytes of an answer.
pub(super) enum Body {
    Bytes(Vec<u8>),
    /// So many bytes of this file, from where it stands now.
    File(File, u64),
}

/// What becomes of a request.
pub(super) enum Answer {
    Response(Response),
    /// The connection is written to by this function until it ends.
    Stream(Streaming),
}

/// Writes to a connection for as long as it likes.
type Streaming = Box<dyn FnOnce(&mut dyn Write)>;

impl Response {
    pub(super) fn new(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Bytes(body),
        }
    }

    /// Adds a header, unless its value holds what no header may: a URL that was asked for might.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.chars().any(char::is_control) {
            self.headers.push((name, value));
        }
        self
    }
}

impl Body {
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(_, length) => *length,
        }
    }
}

/// A listening server. It ends when it is stopped.
pub(super) struct Server {
    port: u16,
    stopped: AtomicBool,
    open: Mutex<Vec<Arc<Connection>>>,
    closed: Condvar,
}

struct Connection {
    stream: TcpStream,
    /// Since when it waits for a request; `None` while one is answered.
    idle_since: Mutex<Option<Instant>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// Starts a server that answers what comes to `listener`, on `port`, with `answer`.
pub(super) fn serve(
    listener: TcpListener,
    port: u16,
    answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
) -> Result<(Arc<Server>, JoinHandle<()>), Error> {
    let server = Arc::new(Server {
        port,
        stopped: AtomicBool::new(false),
        open: Mutex::default(),
        closed: Condvar::new(),
    });
    let thread = super::spawn("http", {
        let server = Arc::clone(&server);
        move || accept(&server, &listener, &Arc::new(answer))
    })?;
    Ok((server, thread))
}

impl Server {
    /// Lets nobody in any more, and ends all connections.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], self.port)));
        let mut open = self.lock();
        for connection in open.iter() {
            connection.end();
        }
        while !open.is_empty() {
            open = self
                .closed
                .wait(open)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection in. If there are too many, the one that waits for a request for the longest time goes; `None` if
    /// all are busy.
    fn add(&self, stream: TcpStream) -> Option<Arc<Connection>> {
        let mut open = self.lock();
        if open.len() >= MOST {
            let idlest = (0..open.len())
                .filter_map(|index| Some((open[index].idle_since()?, index)))
                .min();
            open.swap_remove(idlest?.1).end();
        }
        if self.stopped.load(Ordering::SeqCst) {
            return None;
        }
        let connection = Arc::new(Connection {
            stream,
            idle_since: Mutex::new(Some(Instant::now())),
        });
        open.push(Arc::clone(&connection));
        Some(connection)
    }

    fn remove(&self, connection: &Arc<Connection>) {
        self.lock().retain(|other| !Arc::ptr_eq(other, connection));
        self.closed.notify_all();
    }
}

impl Connection {
    fn end(&self) {
        // It may have ended by itself.
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn idle_since(&self) -> Option<Instant> {
        *self
            .idle_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn set_idle(&self, is_idle: bool) {
        let since = is_idle.then(Instant::now);
        *self
            .idle_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = since;
    }
}

fn accept<A>(server: &Arc<Server>, listener: &TcpListener, answer: &Arc<A>)
where
    A: Fn(&Request) -> Answer + Send + Sync + 'static,
{
    while !server.stopped.load(Ordering::SeqCst) {
        let Ok((stream, _)) = listener.accept() else {
            // Whoever has taken up the system's last descriptors lets them go some time.
            std::thread::sleep(PAUSE);
            continue;
        };
        let Some(connection) = server.add(stream) else {
            continue;
        };
        let started = super::spawn("connection", {
            let (server, connection) = (Arc::clone(server), Arc::clone(&connection));
            let answer = Arc::clone(answer);
            move || {
                // A browser that went away is nobody's error.
                let _ = talk(&connection, &*answer);
                connection.end();
                server.remove(&connection);
            }
        });
        if started.is_err() {
            server.remove(&connection);
        }
    }
}

/// Answers one request after the other until either side has enough.
fn talk(connection: &Connection, answer: &dyn Fn(&Request) -> Answer) -> io::Result<()> {
    let mut stream = &connection.stream;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(SLOWEST))?;
    let mut received = Vec::new();
    loop {
        connection.set_idle(true);
        let request = match read_head(stream, &mut received)? {
            None => return Ok(()),
            Some(Ok(request)) => request,
            Some(Err(status)) => {
                let response = Response::new(status, b"This request can't be read.\n".to_vec());
                return write(&mut stream, response, false, false);
            }
        };
        connection.set_idle(false);
        match answer(&request) {
            Answer::Response(response) => {
                let is_head = request.method == "HEAD";
                write(&mut stream, response, is_head, request.keep_alive)?;
            }
            Answer::Stream(run) => {
                run(&mut stream);
                return Ok(());
            }
        }
        if !request.keep_alive {
            return Ok(());
        }
    }
}

/// The next request; `None` if there is none any more, or the status with which it is refused.
fn read_head(
    mut stream: &TcpStream,
    received: &mut Vec<u8>,
) -> io::Result<Option<Result<Request, u16>>> {
    let mut begun = None;
    loop {
        match request::parse(received) {
            Ok(Some((request, length))) => {
                received.drain(..length);
                return Ok(Some(Ok(request)));
            }
            Ok(None) => {}
            Err(status) => return Ok(Some(Err(status))),
        }
        // One byte at a time would else last for ever.
        let left = match begun {
            None => IDLE,
            Some(begun) => SLOWEST.saturating_sub(Instant::elapsed(&begun)),
        };
        if left.is_zero() {
            return Ok(None);
        }
        stream.set_read_timeout(Some(left))?;
        let mut part = [0; 4096];
        match stream.read(&mut part)? {
            0 => return Ok(None),
            count => received.extend_from_slice(&part[..count]),
        }
        begun.get_or_insert_with(Instant::now);
    }
}

fn write(to: &mut impl Write, response: Response, is_head: bool, keep: bool) -> io::Result<()> {
    let reason = match response.status {
        200 => "OK",
        206 => "Partial Content",
        302 => "Found",
        304 => "Not Modified",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        416 => "Range Not Satisfiable",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Bad Request",
    };
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", response.status);
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if response.status != 304 {
        head.push_str(&format!("Content-Length: {}\r\n", response.body.length()));
    }
    let connection = if keep { "keep-alive" } else { "close" };
    head.push_str(&format!("Connection: {connection}\r\n\r\n"));
    match response.body {
        _ if is_head || response.status == 304 => to.write_all(head.as_bytes())?,
        // In one go, so that no small packet waits for the next.
        Body::Bytes(bytes) => {
            let mut both = Cursor::new(head.into_bytes()).chain(Cursor::new(bytes));
            let mut whole = Vec::new();
            both.read_to_end(&mut whole)?;
            to.write_all(&whole)?;
        }
        Body::File(file, length) => {
            to.write_all(head.as_bytes())?;
            if io::copy(&mut file.take(length), to)? < length {
                // It became shorter meanwhile; only the end of the connection can say so now.
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(response: Response, is_head: bool, keep: bool) -> String {
        let mut out = Vec::new();
        write(&mut out, response, is_head, keep).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn responses_have_a_length_and_say_what_becomes_of_the_connection() {
        let page = || Response::new(200, b"page".to_vec()).with("Content-Type", "text/plain");
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n";
        assert_eq!(
            written(page(), false, true),
            format!("{head}Connection: keep-alive\r\n\r\npage")
        );
        assert_eq!(
            written(page(), true, false),
            format!("{head}Connection: close\r\n\r\n")
        );
    }

    #[test]
    fn a_header_can_not_end_early() {
        let response = Response::new(302, Vec::new()).with("Location", "/a\r\nSet-Cookie: x");
        assert!(response.headers.is_empty());
    }
}
