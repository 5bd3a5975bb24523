//! What the preview answers. Everything comes from the site in memory: no URL reaches the disk.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::sync::Arc;

use super::http::{Answer, Body, Response};
use super::request::{Request, decode, range};
use super::state::{State, View, fingerprint};
use super::{clients, overlay};
use crate::error::Error;
use crate::media;
use crate::render::render;
use crate::site::{Output, Site};
use crate::sources::Content;

/// What is shown until another program has built the site for the first time.
const BUILDING: &str = "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\">\
    <title>Being built</title><p>The site is being built. It appears here by itself.\n";

/// Answers one request to the server on `port`.
pub(super) fn answer(state: &Arc<State>, port: u16, request: &Request) -> Answer {
    // The pages of the review show this server in a frame, and no other page does.
    let framer = state.options.review_url.as_deref().and_then(origin);
    match answer_to(state, port, request, framer) {
        Answer::Response(response) => {
            let framers = format!("frame-ancestors 'self' {}", framer.unwrap_or_default());
            Answer::Response(response.with("Content-Security-Policy", framers.trim_end()))
        }
        stream => stream,
    }
}

/// The origin of a URL.
fn origin(url: &str) -> Option<&str> {
    let host = url.find("://")? + 3;
    let end = url[host..].find('/').map_or(url.len(), |end| host + end);
    Some(&url[..end])
}

fn answer_to(state: &Arc<State>, port: u16, request: &Request, framer: Option<&str>) -> Answer {
    if request.is_ambiguous(port) {
        return Answer::Response(text(400, "This request names more than one server.\n"));
    }
    if !request.is_own(port, framer) {
        return Answer::Response(text(403, "This server answers to localhost only.\n"));
    }
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        let response = text(405, "This server can only be read.\n");
        return Answer::Response(response.with("Allow", "GET, HEAD"));
    }
    let response = match request.path.as_str() {
        overlay::EVENTS_PATH if request.method == "GET" => return events(state, request),
        path @ overlay::SCRIPT_PATH => tagged(request, path, overlay::SCRIPT.as_bytes().to_vec()),
        path => match decode(path) {
            Some(decoded) => page(state, request, &decoded),
            None => text(400, "This URL can't be read.\n"),
        },
    };
    Answer::Response(preconditions(request, response))
}

/// Refuses what `If-Match` rules out. It goes before all other conditions, and is for answers that would succeed.
fn preconditions(request: &Request, response: Response) -> Response {
    let tag = response.headers.iter().find(|(name, _)| *name == "ETag");
    let tag = tag.map(|(_, tag)| tag.as_str());
    match response.status {
        200 | 206 | 304 | 416 if !request.matches(tag) => {
            text(412, "This file is not the one that is meant any more.\n")
        }
        _ => response,
    }
}

fn page(state: &State, request: &Request, path: &str) -> Response {
    let current = state.current();
    let Some(site) = &current.site else {
        return match &current.error {
            Some(error) => broken(error),
            None => html(503, BUILDING.as_bytes()),
        };
    };
    match State::view(site, path) {
        View::Found(output) => file(state, site, request, &output),
        View::Redirect => {
            let query = match request.query.as_str() {
                "" => String::new(),
                query => format!("?{query}"),
            };
            text(302, "").with("Location", format!("{}/{query}", request.path))
        }
        View::Missing => match State::shown(site, path) {
            Ok(bytes) if bytes.is_empty() => {
                let message = "<!DOCTYPE html><html lang=\"en\"><title>Not found</title><p>There is no such page.\n";
                html(404, message.as_bytes())
            }
            Ok(bytes) => html(404, &bytes),
            Err(error) => broken(&error),
        },
    }
}

/// The file at the output path `output`, which the site has.
fn file(state: &State, site: &Site, request: &Request, output: &str) -> Response {
    let media_type = &media::of(output);
    // A page may be generated or copied; other files can be large and are streamed.
    if !media::is_page(media_type)
        && let Some(Output::File(source)) = site.outputs.get(output)
        && let Some(source) = site.files.get(source).map(|file| &*file.source)
        && let Content::Disk { path, .. } = &source.content
        && let Ok(mut file) = File::open(path)
        && let Ok(tag) = state.tags.of(path, &mut file)
        && let Ok(metadata) = file.metadata()
    {
        return part(request, media_type, &tag, file, metadata.len());
    }
    match render(site, output) {
        Ok(bytes) if media::is_page(media_type) => html(200, &bytes),
        Ok(bytes) => {
            state.note_served(output, &bytes);
            tagged(request, output, bytes)
        }
        Err(error) => broken(&error),
    }
}

/// The part of `file` that is asked for, which is all of it unless a player seeks in a film.
fn part(request: &Request, media_type: &str, tag: &str, mut file: File, length: u64) -> Response {
    if request.knows(tag) {
        return with_type(304, media_type, Vec::new()).with("ETag", tag);
    }
    let mut response = with_type(200, media_type, Vec::new())
        .with("ETag", tag)
        .with("Accept-Ranges", "bytes");
    response.body = match range(request.range(tag), length) {
        Ok(None) => Body::File(file, length),
        Ok(Some((from, count))) if file.seek(SeekFrom::Start(from)).is_ok() => {
            response.status = 206;
            let last = from + count - 1;
            response = response.with("Content-Range", format!("bytes {from}-{last}/{length}"));
            Body::File(file, count)
        }
        _ => {
            response.status = 416;
            response = response.with("Content-Range", format!("bytes */{length}"));
            Body::Bytes(Vec::new())
        }
    };
    response
}

/// Lets a browser listen for changes of the page that it shows.
fn events(state: &Arc<State>, request: &Request) -> Answer {
    let seen = request.parameter("seen");
    let seen = seen.and_then(|seen| u64::from_str_radix(&seen, 16).ok());
    // Here the path is twice escaped: as a path, and as a value.
    let path = request.parameter("path").and_then(|path| decode(&path));
    let (Some(path), Some(seen)) = (path, seen) else {
        return Answer::Response(text(400, "path and seen are missing.\n"));
    };
    let Some((id, messages)) = state.clients.add(path, seen) else {
        return Answer::Response(text(503, "Too many pages are open.\n"));
    };
    state.welcome(id);
    let state = Arc::clone(state);
    Answer::Stream(Box::new(move |to| {
        // It ends when the browser goes away.
        let _ = clients::stream(to, &messages);
        state.clients.remove(id);
    }))
}

fn broken(error: &Error) -> Response {
    html(500, overlay::page(error).as_bytes())
}

/// A page with the script in it. It is never kept, so that going back shows what it is now.
fn html(status: u16, bytes: &[u8]) -> Response {
    let page = overlay::inject(bytes, fingerprint(bytes));
    let mut response = with_type(status, "text/html; charset=utf-8", page);
    response
        .headers
        .retain(|(name, _)| *name != "Cache-Control");
    response.with("Cache-Control", "no-store")
}

/// The bytes of the file at `path`, unless the browser has them.
fn tagged(request: &Request, path: &str, bytes: Vec<u8>) -> Response {
    let tag = format!("\"{:x}\"", fingerprint(&bytes));
    if request.knows(&tag) {
        return with_type(304, &media::of(path), Vec::new()).with("ETag", tag);
    }
    with_type(200, &media::of(path), bytes).with("ETag", tag)
}

fn text(status: u16, message: &str) -> Response {
    with_type(
        status,
        "text/plain; charset=utf-8",
        message.as_bytes().to_vec(),
    )
}

/// A browser asks each time whether what it has is still so, and no other site gets to see it.
fn with_type(status: u16, media_type: &str, bytes: Vec<u8>) -> Response {
    Response::new(status, bytes)
        .with("Content-Type", media_type)
        .with("Cache-Control", "no-cache")
        .with("X-Content-Type-Options", "nosniff")
        .with("Cross-Origin-Resource-Policy", "same-origin")
}
