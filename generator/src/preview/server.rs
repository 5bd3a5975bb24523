//! The web server of the preview. It answers from the site in memory: no URL reaches the disk.

use std::fs::File;
use std::io::{Cursor, Read};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;

use tiny_http::{Header, Method, Request, Response, StatusCode};

use super::clients::{self, Message};
use super::state::{State, View, fingerprint};
use super::{media, no_server, overlay};
use crate::error::Error;
use crate::render::render;
use crate::site::{Output, Site};
use crate::sources::Content;

/// How many requests are answered at once.
const WORKERS: usize = 4;

/// A listening server.
pub(super) struct Server {
    http: tiny_http::Server,
    port: u16,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

type Body = Box<dyn Read + Send>;

impl Server {
    pub(super) fn new(listener: TcpListener, port: u16) -> Result<Self, Error> {
        let http = tiny_http::Server::from_listener(listener, None)
            .map_err(|error| no_server(&error.to_string()))?;
        Ok(Self { http, port })
    }

    /// Ends the threads of the server.
    pub(super) fn stop(&self) {
        for _ in 0..WORKERS {
            self.http.unblock();
        }
    }
}

/// Starts the threads that answer requests.
pub(super) fn spawn(
    server: &Arc<Server>,
    state: &Arc<State>,
) -> Result<Vec<JoinHandle<()>>, Error> {
    (0..WORKERS)
        .map(|number| {
            let (server, state) = (Arc::clone(server), Arc::clone(state));
            super::spawn(&format!("http-{number}"), move || {
                while let Ok(request) = server.http.recv() {
                    answer(&server, &state, request);
                }
            })
        })
        .collect()
}

fn answer(server: &Server, state: &Arc<State>, request: Request) {
    let is_ours = is_allowed(server.port, &request);
    let is_read = matches!(request.method(), Method::Get | Method::Head);
    let url = request.url().to_owned();
    let (raw, query) = url.split_once('?').unwrap_or((&url, ""));
    let response = if !is_ours {
        text(403, "This server answers to localhost only.\n")
    } else if !is_read {
        with_header(
            text(405, "This server can only be read.\n"),
            "Allow",
            "GET, HEAD",
        )
    } else if raw == overlay::EVENTS_PATH {
        return events(state, request, query);
    } else if raw == overlay::SCRIPT_PATH {
        respond(200, media::of(raw), overlay::SCRIPT.as_bytes().to_vec())
    } else {
        match decode(raw) {
            Some(path) => page(state, raw, query, &path),
            None => text(400, "This URL can't be read.\n"),
        }
    };
    // A browser that went away is nobody's error.
    let _ = request.respond(response);
}

/// Only pages of this very server may ask. A name that leads here by DNS could be anybody's site,
/// and so could be the page behind a request with another origin.
fn is_allowed(port: u16, request: &Request) -> bool {
    let value = |name: &'static str| {
        let mut values = request
            .headers()
            .iter()
            .filter(move |header| header.field.equiv(name));
        (
            values.next().map(|header| header.value.as_str().to_owned()),
            values.next().is_none(),
        )
    };
    let hosts = ["localhost", "127.0.0.1", "[::1]"].map(|name| format!("{name}:{port}"));
    let (Some(host), true) = value("Host") else {
        return false;
    };
    let (origin, one) = value("Origin");
    let is_own = |origin: &String| {
        origin
            .strip_prefix("http://")
            .is_some_and(|origin| hosts.iter().any(|host| host == origin))
    };
    hosts.contains(&host.to_ascii_lowercase()) && one && origin.iter().all(is_own)
}

fn page(state: &State, raw: &str, query: &str, path: &str) -> Response<Body> {
    let current = state.current();
    let Some(site) = &current.site else {
        return match &current.error {
            Some(error) => broken(error),
            None => text(503, "The site is not read yet.\n"),
        };
    };
    match State::view(site, path) {
        View::Found(output) => file(site, &output),
        View::Redirect => {
            let query = if query.is_empty() {
                String::new()
            } else {
                format!("?{query}")
            };
            with_header(text(302, ""), "Location", &format!("{raw}/{query}"))
        }
        View::Missing => match State::shown(site, path) {
            Ok(bytes) if bytes.is_empty() => {
                let message = "<!DOCTYPE html><title>Not found</title><p>There is no such page.\n";
                html(404, message.as_bytes())
            }
            Ok(bytes) => html(404, &bytes),
            Err(error) => broken(&error),
        },
    }
}

/// The file at the output path `output`, which the site has.
fn file(site: &Site, output: &str) -> Response<Body> {
    let media_type = media::of(output);
    // A page may be generated or copied; other files can be large and are streamed.
    if !media::is_page(media_type)
        && let Some(Output::File(source)) = site.outputs.get(output)
        && let Some(source) = site.files.get(source).map(|file| &*file.source)
        && let Content::Disk { path, .. } = &source.content
        && let Ok(file) = File::open(path)
        && let Ok(metadata) = file.metadata()
    {
        let length = usize::try_from(metadata.len()).ok();
        let body: Body = Box::new(file);
        return Response::new(StatusCode(200), headers(media_type), body, length, None);
    }
    match render(site, output) {
        Ok(bytes) if media::is_page(media_type) => html(200, &bytes),
        Ok(bytes) => respond(200, media_type, bytes),
        Err(error) => broken(&error),
    }
}

/// Lets a browser listen for changes of the page that it shows.
fn events(state: &Arc<State>, request: Request, query: &str) {
    let parameter = |name: &str| {
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .and_then(|(_, value)| decode(value))
    };
    let seen = parameter("seen").and_then(|seen| u64::from_str_radix(&seen, 16).ok());
    let (Some(path), Some(seen)) = (parameter("path"), seen) else {
        let _ = request.respond(text(400, "path and seen are missing.\n"));
        return;
    };
    let Some((id, messages)) = state.clients.add(path.clone(), seen) else {
        let _ = request.respond(text(503, "Too many pages are open.\n"));
        return;
    };
    let writer = request.into_writer();
    let started = super::spawn("events", {
        let state = Arc::clone(state);
        move || {
            let _ = clients::stream(writer, &messages);
            state.clients.remove(id);
        }
    });
    if started.is_err() {
        state.clients.remove(id);
        return;
    }
    // The page may have changed since it was loaded, or be broken now.
    let current = state.current();
    let shown = current.site.as_ref().map(|site| State::shown(site, &path));
    state
        .clients
        .with(id, |client| match (&current.error, shown) {
            (Some(error), Some(_)) => client.fail(error),
            (_, Some(Ok(bytes))) if fingerprint(&bytes) != seen => client.send(Message::Reload),
            (None, Some(Err(error))) => client.fail(&error),
            _ => {}
        });
}

fn broken(error: &Error) -> Response<Body> {
    html(500, overlay::page(error).as_bytes())
}

/// A page with the script in it.
fn html(status: u16, bytes: &[u8]) -> Response<Body> {
    let page = overlay::inject(bytes, fingerprint(bytes));
    respond(status, "text/html; charset=utf-8", page)
}

fn text(status: u16, message: &str) -> Response<Body> {
    respond(
        status,
        "text/plain; charset=utf-8",
        message.as_bytes().to_vec(),
    )
}

fn respond(status: u16, media_type: &str, bytes: Vec<u8>) -> Response<Body> {
    let length = bytes.len();
    let body: Body = Box::new(Cursor::new(bytes));
    Response::new(
        StatusCode(status),
        headers(media_type),
        body,
        Some(length),
        None,
    )
}

fn headers(media_type: &str) -> Vec<Header> {
    [
        ("Content-Type", media_type),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    .into_iter()
    .filter_map(|(name, value)| Header::from_bytes(name, value).ok())
    .collect()
}

/// Adds a header, unless its value holds what no header may: a URL that was asked for might.
fn with_header(response: Response<Body>, name: &str, value: &str) -> Response<Body> {
    match Header::from_bytes(name, value) {
        Ok(header) => response.with_header(header),
        Err(()) => response,
    }
}

/// Reads the percent escapes of a URL. `None` if it is not UTF-8 in the end, or holds a NUL.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(after.get(..2)?).ok()?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &after[2..];
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_browsers_send() {
        assert_eq!(decode("/a%20b/%C3%A9").as_deref(), Some("/a b/é"));
        for text in ["/%", "/%4", "/%zz", "/%+1", "/%ff", "/%00"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
