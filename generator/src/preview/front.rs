//! The door of the preview: it lets in so many connections, and of each only requests that are whole, small and soon there.
//!
//! tiny_http reads a request for as long as it takes, holds all of it, and keeps a thread for each connection. So it
//! listens at a port of its own, where it serves nobody but this door, and gets a request when all of it is here.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many connections are open at once. A browser opens six a tab at most, and 64 tabs listen for changes.
const MOST: usize = 512;
/// So many of them have asked for something: each takes seven descriptors of the 1,024 that a process has on many systems.
const MOST_ASKING: usize = 96;
/// The head of a request has at most so many bytes: a target of 16 KiB, and twice as much of headers.
const MAX_HEAD: usize = 48 << 10;
/// The body of a request, which nothing here reads, has at most so many bytes.
const MAX_BODY: usize = 64 << 10;
/// A request that has begun is whole after this time.
const REQUEST: Duration = Duration::from_secs(10);
/// A connection on which nothing is asked ends after this time; browsers open another.
const IDLE: Duration = Duration::from_secs(60);
/// A connection that takes nothing of an answer for this time ends.
const STALLED: Duration = Duration::from_secs(60);
/// How long nobody is let in when the system has no room for another connection.
const PAUSE: Duration = Duration::from_millis(20);

/// The door. It is open until it is closed.
#[derive(Debug)]
pub(super) struct Front {
    /// Where tiny_http listens.
    behind: SocketAddr,
    own: SocketAddr,
    closed: AtomicBool,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// How many connections there are.
    count: usize,
    /// The ports from which this door asks tiny_http.
    ports: HashSet<u16>,
}

/// What a browser has sent.
enum Sent {
    /// A whole request of so many bytes.
    Request(usize),
    /// Nothing more.
    End,
    /// What is answered with this status.
    Refused(&'static str),
}

impl Front {
    /// A door at `listener`, behind which tiny_http listens at `behind`.
    pub(super) fn new(listener: &TcpListener, behind: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            behind,
            own: listener.local_addr()?,
            closed: AtomicBool::new(false),
            open: Mutex::default(),
        })
    }

    /// Lets browsers in until the door is closed.
    pub(super) fn run(self: &Arc<Self>, listener: &TcpListener) {
        while !self.is_closed() {
            match listener.accept() {
                Ok((stream, _)) if !self.is_closed() => self.let_in(stream),
                Ok(_) => {}
                // Whoever has taken up the system's last descriptors lets them go some time.
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
    }

    /// Lets nobody in any more.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        // Wakes the door, which waits for somebody.
        let _ = TcpStream::connect(self.own);
    }

    /// Whether a request that tiny_http has from `peer` came through this door.
    pub(super) fn has_let_in(&self, peer: Option<&SocketAddr>) -> bool {
        peer.is_some_and(|peer| self.lock().ports.contains(&peer.port()))
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    fn let_in(self: &Arc<Self>, mut stream: TcpStream) {
        {
            let mut open = self.lock();
            if open.count >= MOST {
                drop(open);
                return refuse(&mut stream, "503 Service Unavailable");
            }
            open.count += 1;
        }
        let front = Arc::clone(self);
        let started = super::spawn("connection", move || {
            // A browser that went away is nobody's error.
            let _ = front.serve(&mut stream);
            let _ = stream.shutdown(Shutdown::Both);
            front.lock().count -= 1;
        });
        if started.is_err() {
            self.lock().count -= 1;
        }
    }

    /// Hands the requests of a browser on, and the answers back.
    fn serve(&self, stream: &mut TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(STALLED))?;
        let mut sent = Vec::new();
        let first = read_request(stream, &mut sent, IDLE, REQUEST)?;
        let mut length = match first {
            Sent::Request(length) => length,
            Sent::End => return Ok(()),
            Sent::Refused(status) => {
                refuse(stream, status);
                return Ok(());
            }
        };
        if self.lock().ports.len() >= MOST_ASKING {
            refuse(stream, "503 Service Unavailable");
            return Ok(());
        }
        // Nothing waits behind the door for those who ask nothing.
        let mut behind = TcpStream::connect(self.behind)?;
        behind.set_nodelay(true)?;
        let port = behind.local_addr()?.port();
        self.lock().ports.insert(port);
        let answers = {
            let (mut from, mut to) = (behind.try_clone()?, stream.try_clone()?);
            super::spawn("answers", move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = from.shutdown(Shutdown::Both);
                // The browser reads the end, and whoever waits for its next request is woken.
                let _ = to.shutdown(Shutdown::Both);
            })
        };
        let ended = loop {
            if behind.write_all(&sent[..length]).is_err() {
                break Sent::End;
            }
            sent.drain(..length);
            match read_request(stream, &mut sent, IDLE, REQUEST) {
                Ok(Sent::Request(next)) => length = next,
                Ok(ended) => break ended,
                Err(_) => break Sent::End,
            }
        };
        if let Sent::Refused(status) = ended {
            refuse(stream, status);
            let _ = behind.shutdown(Shutdown::Both);
        } else {
            // What was asked is answered still.
            let _ = behind.shutdown(Shutdown::Write);
        }
        if let Ok(answers) = answers {
            let _ = answers.join();
        }
        self.lock().ports.remove(&port);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads until `sent` begins with a whole request, which begins within `idle` and is here within `request`.
fn read_request(
    stream: &mut TcpStream,
    sent: &mut Vec<u8>,
    idle: Duration,
    request: Duration,
) -> io::Result<Sent> {
    let waiting = Instant::now();
    let mut begun = (!sent.is_empty()).then_some(waiting);
    let mut looked_at = 0_usize;
    let mut length = None;
    let mut piece = [0; 4096];
    loop {
        if length.is_none() {
            // The end may be torn apart.
            let from = looked_at.saturating_sub(3);
            let end = sent[from..].windows(4).position(|four| four == b"\r\n\r\n");
            looked_at = sent.len();
            if let Some(end) = end.map(|end| from + end + 4).filter(|end| *end <= MAX_HEAD) {
                match body_of(&sent[..end]) {
                    Some(body) if body <= MAX_BODY => length = Some(end + body),
                    Some(_) => return Ok(Sent::Refused("413 Content Too Large")),
                    None => return Ok(Sent::Refused("400 Bad Request")),
                }
            } else if end.is_some() || sent.len() > MAX_HEAD {
                return Ok(Sent::Refused(too_large(sent)));
            }
        }
        if let Some(length) = length.filter(|length| sent.len() >= *length) {
            return Ok(Sent::Request(length));
        }
        let left = match begun {
            Some(begun) => request.saturating_sub(Instant::elapsed(&begun)),
            None => idle.saturating_sub(waiting.elapsed()),
        };
        if left.is_zero() {
            return Ok(match sent.is_empty() {
                true => Sent::End,
                false => Sent::Refused("408 Request Timeout"),
            });
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut piece) {
            Ok(0) => return Ok(Sent::End),
            Ok(read) => {
                begun.get_or_insert_with(Instant::now);
                sent.extend_from_slice(&piece[..read]);
            }
            Err(error) if is_time(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_time(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

/// What is said to a request whose head does not end: most of it may be a target.
fn too_large(sent: &[u8]) -> &'static str {
    match sent[..MAX_HEAD].contains(&b'\n') {
        true => "431 Request Header Fields Too Large",
        false => "414 URI Too Long",
    }
}

/// How long the body after `head` is; `None` if that is not clear.
fn body_of(head: &[u8]) -> Option<usize> {
    let mut length = None;
    for line in head.split(|byte| *byte == b'\n').skip(1) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            return None;
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            let value = std::str::from_utf8(value).ok()?;
            let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
            if !is_number || length.is_some() {
                return None;
            }
            length = Some(value.parse().unwrap_or(usize::MAX));
        }
    }
    Some(length.unwrap_or(0))
}

/// Sends a browser away.
fn refuse(stream: &mut TcpStream, status: &str) {
    let text = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    let _ = stream.set_write_timeout(Some(Duration::from_secs(1)));
    let _ = stream.write_all(text.as_bytes());
    let _ = stream.shutdown(Shutdown::Write);
    // What is still under way would make the system drop the answer: read some of it.
    let _ = stream.set_read_timeout(Some(Duration::from_millis(50)));
    let mut piece = [0; 4096];
    for _ in 0..64 {
        if !stream.read(&mut piece).is_ok_and(|read| read > 0) {
            return;
        }
    }
}

/// A listener for tiny_http, at a port of its own.
pub(super) fn behind() -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_says_nothing_or_never_ends_is_sent_away_in_time() {
        let listener = behind().unwrap();
        let mut browser = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut stream = listener.accept().unwrap().0;
        let soon = Duration::from_millis(20);
        let long = Duration::from_secs(600);
        let mut sent = Vec::new();
        let ended = read_request(&mut stream, &mut sent, soon, long).unwrap();
        assert!(matches!(ended, Sent::End));
        browser.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
        let ended = read_request(&mut stream, &mut sent, long, soon).unwrap();
        assert!(matches!(ended, Sent::Refused("408 Request Timeout")));
        browser.write_all(b"st: a\r\n\r\nGET").unwrap();
        let ended = read_request(&mut stream, &mut sent, long, long).unwrap();
        assert!(matches!(ended, Sent::Request(27)));
    }

    #[test]
    fn a_body_has_one_clear_length_or_the_request_is_refused() {
        for (headers, expected) in [
            ("Host: a\r\n", Some(0)),
            ("Content-Length: 12\r\n", Some(12)),
            ("content-length:7\r\n", Some(7)),
            (
                "Content-Length: 99999999999999999999999\r\n",
                Some(usize::MAX),
            ),
            ("Content-Length: 1\r\nContent-Length: 1\r\n", None),
            ("Content-Length: +1\r\n", None),
            ("Content-Length: \r\n", None),
            ("Transfer-Encoding: chunked\r\n", None),
            ("Transfer-Encoding : x\r\nContent-Length: 1\r\n", None),
        ] {
            let head = format!("POST / HTTP/1.1\r\n{headers}\r\n");
            assert_eq!(body_of(head.as_bytes()), expected, "{headers}");
        }
    }
}
