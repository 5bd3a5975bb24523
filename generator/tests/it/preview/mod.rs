//! The preview, over real sockets.

mod errors;
mod following;
mod reloading;
#[cfg(unix)]
mod replaced;
mod requests;
mod serving;
mod watching;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use skep_generator::preview::{self, Preview, PreviewEvent, PreviewOptions};

use crate::support::{TestSite, now, site};

/// How long anything may take before a test fails.
const BOUND: Duration = Duration::from_secs(20);

fn options() -> PreviewOptions {
    PreviewOptions {
        port: Some(0),
        ..PreviewOptions::new(now)
    }
}

struct Running {
    preview: Preview,
    events: Receiver<PreviewEvent>,
}

fn start(site: &TestSite, options: PreviewOptions) -> Running {
    let (sender, events) = channel();
    let preview = preview::start(site.dir(), options, move |event| {
        let _ = sender.send(event);
    });
    Running {
        preview: preview.unwrap_or_else(|error| panic!("{error}")),
        events,
    }
}

impl Running {
    fn authority(&self) -> &str {
        self.preview
            .url
            .trim_start_matches("http://")
            .trim_end_matches('/')
    }

    fn connect(&self, request: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(self.authority()).unwrap();
        stream.set_read_timeout(Some(BOUND)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        BufReader::new(stream)
    }

    /// The status, the headers and the body of the answer to `request`.
    fn answer(&self, request: &str) -> (u16, String, String) {
        let mut text = Vec::new();
        self.connect(request).read_to_end(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_owned(), body.to_owned())
    }

    fn get(&self, path: &str) -> (u16, String, String) {
        let host = self.authority();
        self.answer(&format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        ))
    }

    /// Asks for `path` with further header lines.
    fn get_with(&self, path: &str, headers: &str) -> (u16, String, String) {
        let host = self.authority();
        self.answer(&format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n"
        ))
    }

    /// Loads the page at `path` as a browser would, and listens for its changes.
    fn browse(&self, path: &str) -> Listener {
        let (_, _, body) = self.get(path);
        let seen = body
            .split("data-seen=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let mut reader = self.connect(&format!(
            "GET /.skep/events?path={path}&seen={seen} HTTP/1.1\r\nHost: {}\r\n\r\n",
            self.authority()
        ));
        let mut line = String::new();
        while line != "retry: 1000\n" {
            line.clear();
            assert!(reader.read_line(&mut line).unwrap() > 0, "the stream ended");
        }
        Listener { reader }
    }

    /// Waits for an event that `wanted` takes.
    fn wait<T>(&self, wanted: impl Fn(PreviewEvent) -> Option<T>) -> T {
        loop {
            let event = self.events.recv_timeout(BOUND).expect("an event");
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    }

    fn wait_for_change(&self) -> Vec<String> {
        self.wait(|event| match event {
            PreviewEvent::Changed { paths, .. } => Some(paths),
            _ => None,
        })
    }
}

struct Listener {
    reader: BufReader<TcpStream>,
}

impl Listener {
    /// The next event that changes what is shown: its name and its data.
    fn next(&mut self) -> (String, String) {
        loop {
            let event = self.next_of_all();
            if event.0 != "bar" {
                return event;
            }
        }
    }

    /// What the bar shows next.
    fn bar(&mut self) -> serde_json::Value {
        loop {
            let (name, data) = self.next_of_all();
            if name == "bar" {
                return serde_json::from_str(&data).unwrap();
            }
        }
    }

    fn next_of_all(&mut self) -> (String, String) {
        let mut name = String::new();
        loop {
            let mut line = String::new();
            assert!(
                self.reader.read_line(&mut line).unwrap() > 0,
                "the stream ended"
            );
            if let Some(event) = line.strip_prefix("event: ") {
                name = event.trim().to_owned();
            } else if let Some(data) = line.strip_prefix("data:") {
                return (name, data.trim().to_owned());
            }
        }
    }
}

fn a_site() -> TestSite {
    site(&[
        ("_layouts/default.html", "<body>{{ content | safe }}</body>"),
        (
            "index.html",
            "---\n---\n{% for p in site.posts %}{{ p.title }} {% endfor %}",
        ),
        ("_posts/2026-01-02-a.md", "---\ntitle: A\n---\nold\n"),
        ("other.md", "---\n---\nother\n"),
        ("assets/x.css", "a{}"),
        ("assets/y.png", "not really"),
    ])
}
