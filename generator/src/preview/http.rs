//! The web server of the preview: tiny_http reads the requests that the [`Front`] lets through, and each is answered on a
//! thread of its own.

use std::fs::File;
use std::io::{self, Cursor, Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::front::{self, Front};
use super::no_server;
use super::request::Request;
use crate::error::Error;

/// How many requests are answered at once. A slow reader takes up one of them, and a browser that waits for changes.
const MOST: usize = 128;
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
    front: Arc<Front>,
    /// Where tiny_http listens.
    listener: TcpListener,
    stopped: AtomicBool,
    /// How many requests are being answered.
    busy: AtomicUsize,
    /// tiny_http lets nobody in any more once the system had no descriptor for a connection. Then another takes its place, and
    /// it goes on for the connections that it has.
    running: Mutex<Vec<Arc<tiny_http::Server>>>,
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
    let behind = front::behind().map_err(|error| no_server(&error.to_string()))?;
    let front = behind.local_addr().and_then(|at| Front::new(&listener, at));
    let front = Arc::new(front.map_err(|error| no_server(&error.to_string()))?);
    let server = Arc::new(Server {
        port,
        front: Arc::clone(&front),
        listener: behind,
        stopped: AtomicBool::new(false),
        busy: AtomicUsize::new(0),
        running: Mutex::default(),
    });
    let first = server.listen().map_err(|error| no_server(&error))?;
    super::spawn("http", {
        let server = Arc::clone(&server);
        move || receive(&server, first, &(Arc::new(answer) as Arc<Answering>))
    })?;
    let thread = super::spawn("front", move || front.run(&listener))?;
    Ok((server, thread))
}

type Answering = dyn Fn(&Request) -> Answer + Send + Sync;

impl Server {
    /// Lets nobody in any more, and answers nothing.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.front.close();
        for running in self.lock().drain(..) {
            running.unblock();
        }
    }

    /// Lets people in.
    fn listen(&self) -> Result<Arc<tiny_http::Server>, String> {
        let listener = self
            .listener
            .try_clone()
            .map_err(|error| error.to_string())?;
        let http =
            tiny_http::Server::from_listener(listener, None).map_err(|error| error.to_string())?;
        let http = Arc::new(http);
        self.lock().push(Arc::clone(&http));
        Ok(http)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<tiny_http::Server>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes in requests until the server is stopped.
fn receive(server: &Arc<Server>, http: Arc<tiny_http::Server>, answer: &Arc<Answering>) {
    while !server.stopped.load(Ordering::SeqCst) {
        match http.recv() {
            Ok(request) => begin(server, request, answer),
            Err(_) if server.stopped.load(Ordering::SeqCst) => return,
            Err(_) => replace(server, answer),
        }
    }
}

/// Has another server let people in, as soon as the system has room for them.
fn replace(server: &Arc<Server>, answer: &Arc<Answering>) {
    let (server, answer) = (Arc::clone(server), Arc::clone(answer));
    // Without a thread there is no room either; those who are connected are still served.
    let _ = super::spawn("http", move || {
        while !server.stopped.load(Ordering::SeqCst) {
            // Whoever has taken up the system's last descriptors lets them go some time.
            std::thread::sleep(PAUSE);
            if let Ok(http) = server.listen() {
                return receive(&server, http, &answer);
            }
        }
    });
}

/// Answers a request on a thread of its own, if there are not too many.
fn begin(server: &Arc<Server>, asked: tiny_http::Request, answer: &Arc<Answering>) {
    if !server.front.has_let_in(asked.remote_addr()) {
        let refused = b"This port is not for browsers.\n".to_vec();
        return send(asked, Response::new(403, refused), false);
    }
    if server.busy.fetch_add(1, Ordering::SeqCst) >= MOST {
        server.busy.fetch_sub(1, Ordering::SeqCst);
        return send(
            asked,
            Response::new(503, b"Too many pages are open.\n".to_vec()),
            false,
        );
    }
    let (shared, answer) = (Arc::clone(server), Arc::clone(answer));
    let started = super::spawn("answer", move || {
        match Request::read(&asked) {
            Ok(request) => match answer(&request) {
                Answer::Response(response) => send(asked, response, request.method == "HEAD"),
                Answer::Stream(run) => run(&mut *asked.into_writer()),
            },
            Err(status) => {
                send(
                    asked,
                    Response::new(status, b"This request can't be read.\n".to_vec()),
                    false,
                );
            }
        }
        shared.busy.fetch_sub(1, Ordering::SeqCst);
    });
    if started.is_err() {
        server.busy.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Sends an answer. tiny_http's own way writes its head and its body apart, and the second waits until a browser has
/// acknowledged the first, which may take 40 ms.
fn send(asked: tiny_http::Request, response: Response, is_head: bool) {
    // A browser that went away is nobody's error.
    let _ = write(&mut asked.into_writer(), response, is_head);
}

fn write(to: &mut impl Write, response: Response, is_head: bool) -> io::Result<()> {
    let reason = match response.status {
        200 => "OK",
        206 => "Partial Content",
        302 => "Found",
        304 => "Not Modified",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        412 => "Precondition Failed",
        416 => "Range Not Satisfiable",
        414 => "URI Too Long",
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
    head.push_str("\r\n");
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

    fn written(response: Response, is_head: bool) -> String {
        let mut out = Vec::new();
        write(&mut out, response, is_head).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn responses_have_a_length() {
        let page = || Response::new(200, b"page".to_vec()).with("Content-Type", "text/plain");
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\n";
        assert_eq!(written(page(), false), format!("{head}page"));
        assert_eq!(written(page(), true), head);
    }

    #[test]
    fn a_header_can_not_end_early() {
        let response = Response::new(302, Vec::new()).with("Location", "/a\r\nSet-Cookie: x");
        assert!(response.headers.is_empty());
    }
}
