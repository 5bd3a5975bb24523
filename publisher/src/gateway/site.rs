//! A request's answer from a version of a site.

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Method, Response, StatusCode, header, request::Parts},
};

use super::{
    ranges::{self, Outcome},
    version::{Contents, Files, PIECE, Route, Version},
};
use crate::{
    archive::tree::File,
    error::{Error, Result},
};

/// What is appended to the pages of a version, and the name of that as part of an ETag.
pub(super) struct Tail {
    pub(super) html: Bytes,
    pub(super) name: String,
}

/// The answer to a request. May block.
pub(super) fn respond(
    version: &Version,
    contents: &Contents,
    parts: &Parts,
    tail: Option<&Tail>,
) -> Result<Response<Body>> {
    let path = parts.uri.path();
    if parts.method != Method::GET && parts.method != Method::HEAD {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
        let allow = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(header::ALLOW, allow);
        return Ok(response);
    }
    match version.route(path, wants_page(parts))? {
        Route::File(file) => {
            let plan = Plan::new(&file, StatusCode::OK, parts, tail);
            plan.send(&file, body(version, contents, &file, &plan)?)
        }
        Route::Fallback(file) => {
            let plan = Plan::new(&file, StatusCode::OK, parts, tail);
            let mut response = plan.send(&file, body(version, contents, &file, &plan)?)?;
            // Whoever wants no page gets none.
            let vary = HeaderValue::from_static("accept");
            response.headers_mut().append(header::VARY, vary);
            Ok(response)
        }
        Route::Missing(Some(page)) => {
            let plan = Plan::new(&page, StatusCode::NOT_FOUND, parts, tail);
            plan.send(&page, body(version, contents, &page, &plan)?)
        }
        Route::Folder => folder(parts),
        Route::Missing(None) => Ok(plain(
            StatusCode::NOT_FOUND,
            "there is no such page on this site",
        )),
    }
}

/// The answer to a request if it needs nothing but what is in memory.
pub(super) fn at_once(
    version: &Version,
    contents: &Contents,
    parts: &Parts,
    tail: Option<&Tail>,
) -> Option<Response<Body>> {
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return None;
    }
    let Some(Route::File(file)) = version.known_route(parts.uri.path()) else {
        return None;
    };
    let plan = Plan::new(&file, StatusCode::OK, parts, tail);
    let body = match plan.sends_nothing() {
        true => Body::empty(),
        false => plan.cut(contents.get(&file)?),
    };
    plan.send(&file, body).ok()
}

/// Whether a person waits for a page, and not a page for one of its parts.
pub(super) fn wants_page(parts: &Parts) -> bool {
    let accepts = parts.headers.get(header::ACCEPT);
    let accepts = accepts.and_then(|value| value.to_str().ok());
    accepts.is_some_and(|types| types.contains("text/html"))
}

fn folder(parts: &Parts) -> Result<Response<Body>> {
    let mut response = plain(StatusCode::PERMANENT_REDIRECT, "");
    // One slash only: two would name another host.
    let mut target = format!("/{}/", parts.uri.path().trim_matches('/'));
    if let Some(query) = parts.uri.query() {
        target = format!("{target}?{query}");
    }
    let target = HeaderValue::try_from(target).map_err(|_| Error::damaged("a path"))?;
    response.headers_mut().insert(header::LOCATION, target);
    Ok(response)
}

/// What part of a file is sent, and how.
struct Plan<'a> {
    status: StatusCode,
    etag: String,
    start: u64,
    /// How many bytes of the file, without what is appended.
    length: u64,
    tail: Option<&'a Tail>,
    is_head: bool,
}

impl<'a> Plan<'a> {
    fn new(file: &File, status: StatusCode, parts: &Parts, tail: Option<&'a Tail>) -> Self {
        let (headers, method) = (&parts.headers, &parts.method);
        let bare = format!("\"{}\"", file.hash);
        // Who asks for a part means the file as it is.
        let range = match status {
            StatusCode::OK => ranges::wanted(method, headers, &bare),
            _ => None,
        };
        let is_page = file.media_type.as_str() == "text/html";
        let tail = tail.filter(|_| is_page && range.is_none());
        let etag = match tail {
            None => bare,
            Some(tail) => format!("\"{}-{}\"", file.hash, tail.name),
        };
        let (mut start, mut length) = (0, file.size);
        let status = match status {
            // Conditions are for answers that would succeed, as section 13.2.1 of RFC 9110 says.
            StatusCode::OK => match ranges::evaluate(headers, &etag, range, file.size) {
                Outcome::Whole => status,
                Outcome::Part(from, count) => {
                    (start, length) = (from, count);
                    StatusCode::PARTIAL_CONTENT
                }
                Outcome::NotModified => StatusCode::NOT_MODIFIED,
                Outcome::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
                Outcome::NotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
            },
            _ => status,
        };
        if !has_content(status) {
            length = 0;
        }
        Self {
            status,
            etag,
            start,
            length,
            tail,
            is_head: method == Method::HEAD,
        }
    }

    fn has_content(&self) -> bool {
        has_content(self.status)
    }

    fn sends_nothing(&self) -> bool {
        self.is_head || !self.has_content()
    }

    fn tail(&self) -> Option<Bytes> {
        self.tail.map(|tail| tail.html.clone())
    }

    /// The body, cut out of all the bytes of the file.
    fn cut(&self, bytes: Bytes) -> Body {
        let (start, end) = (self.start as usize, (self.start + self.length) as usize);
        let bytes = bytes.slice(start.min(bytes.len())..end.min(bytes.len()));
        match self.tail() {
            None => Body::from(bytes),
            Some(tail) => Body::from([bytes, tail].concat()),
        }
    }

    fn send(&self, file: &File, body: Body) -> Result<Response<Body>> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let out = response.headers_mut();
        out.reserve(16);
        let text = |value: String| HeaderValue::try_from(value).map_err(Error::damaged);
        out.insert(header::ETAG, text(self.etag.clone())?);
        // Asked for each time, which costs a question: the newest version is to be seen at once.
        let cache = HeaderValue::from_static("no-cache");
        out.insert(header::CACHE_CONTROL, cache);
        let nosniff = HeaderValue::from_static("nosniff");
        out.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
        let ranges = HeaderValue::from_static("bytes");
        out.insert(header::ACCEPT_RANGES, ranges);
        let size = file.size;
        if self.status == StatusCode::RANGE_NOT_SATISFIABLE {
            out.insert(header::CONTENT_RANGE, text(format!("bytes */{size}"))?);
        }
        if self.status == StatusCode::PARTIAL_CONTENT {
            let (start, end) = (self.start, self.start + self.length - 1);
            let range = format!("bytes {start}-{end}/{size}");
            out.insert(header::CONTENT_RANGE, text(range)?);
        }
        if self.has_content() {
            let kind = content_type(file.media_type.as_str());
            out.insert(header::CONTENT_TYPE, text(kind)?);
            let more = self.tail.map_or(0, |tail| tail.html.len() as u64);
            let length = HeaderValue::from(self.length + more);
            out.insert(header::CONTENT_LENGTH, length);
        }
        Ok(response)
    }
}

/// Whether an answer with this status carries the file, or a part of it.
fn has_content(status: StatusCode) -> bool {
    !matches!(
        status,
        StatusCode::NOT_MODIFIED
            | StatusCode::PRECONDITION_FAILED
            | StatusCode::RANGE_NOT_SATISFIABLE
    )
}

/// What a site's text is written in; skep builds nothing else. Versions that an older skep published call scripts by
/// names that RFC 9239 has made obsolete.
fn content_type(media_type: &str) -> String {
    let media_type = match media_type {
        "application/javascript" | "application/x-javascript" => "text/javascript",
        media_type => media_type,
    };
    let text = media_type.starts_with("text/")
        || matches!(media_type, "application/json" | "application/xml")
        || media_type.ends_with("+xml")
        || media_type.ends_with("+json");
    match text && !media_type.contains(';') {
        true => format!("{media_type}; charset=utf-8"),
        false => media_type.to_owned(),
    }
}

/// The bytes that a plan sends.
fn body(version: &Version, contents: &Contents, file: &File, plan: &Plan<'_>) -> Result<Body> {
    if plan.sends_nothing() {
        return Ok(Body::empty());
    }
    if file.size > PIECE {
        return Ok(stream(version, file, plan));
    }
    let bytes = match contents.get(file) {
        Some(bytes) => bytes,
        None => {
            let bytes = Bytes::from(version.files.range(file, 0, file.size)?);
            if bytes.len() as u64 != file.size {
                return Err(Error::damaged(format!("{} is too short", file.hash)));
            }
            contents.put(file, &bytes);
            bytes
        }
    };
    Ok(plan.cut(bytes))
}

/// The bytes, read piece by piece as the client takes them.
fn stream(version: &Version, file: &File, plan: &Plan<'_>) -> Body {
    let (files, file) = (version.files.clone(), file.clone());
    let end = plan.start + plan.length;
    let mut tail = plan.tail();
    let pieces = n0_future::stream::unfold(plan.start, move |offset| {
        let (files, file) = (files.clone(), file.clone());
        let tail = tail.take_if(|_| offset >= end);
        async move {
            if offset >= end {
                return tail.map(|tail| (Ok(tail), offset));
            }
            let count = PIECE.min(end - offset);
            let piece = piece(files, file, offset, count).await;
            let next = match &piece {
                Ok(piece) => offset + piece.len() as u64,
                Err(_) => end,
            };
            Some((piece, next))
        }
    });
    Body::from_stream(pieces)
}

/// An error ends the response before its announced length, which the client sees.
async fn piece(
    files: std::sync::Arc<dyn Files>,
    file: File,
    offset: u64,
    count: u64,
) -> std::io::Result<Bytes> {
    let read = tokio::task::spawn_blocking(move || files.range(&file, offset, count));
    match read.await {
        Ok(Ok(piece)) if !piece.is_empty() => Ok(Bytes::from(piece)),
        Ok(Ok(_)) => Err(std::io::ErrorKind::UnexpectedEof.into()),
        Ok(Err(e)) => Err(std::io::Error::other(e)),
        Err(e) => Err(std::io::Error::other(e)),
    }
}

pub(super) fn plain(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{text}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_of_older_versions_have_the_media_type_of_today() {
        for old in ["application/javascript", "application/x-javascript"] {
            assert_eq!(content_type(old), "text/javascript; charset=utf-8");
        }
        let today = "text/javascript; charset=utf-8";
        assert_eq!(content_type("text/javascript"), today);
        // A charset that the author has recorded stays.
        assert_eq!(content_type(today), today);
        assert_eq!(content_type("image/png"), "image/png");
    }
}
