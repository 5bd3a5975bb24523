//! A request's answer from a version of a site.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header},
};
use percent_encoding::percent_decode_str;

use crate::{
    archive::{hash::NodeHash, path::ArchivePath, tree::File},
    error::{Error, Result},
    store::Reader,
};

/// A version of a site, ready to be read.
#[derive(Clone)]
pub(super) struct Version {
    pub(super) reader: Arc<Reader>,
    pub(super) tree: NodeHash,
}

/// What lies behind a URL.
enum Found {
    File(File),
    /// A folder that was asked for without its slash.
    Folder,
    /// The site's own page for what does not exist, or nothing.
    Nothing(Option<File>),
}

/// How much of a file is read and sent at a time.
const PIECE: u64 = 256 << 10;

/// The answer to a request. May block.
pub(super) fn respond(
    version: &Version,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Response<Body>> {
    let path = uri.path();
    if method != Method::GET && method != Method::HEAD {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
        let allow = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(header::ALLOW, allow);
        return Ok(response);
    }
    match find(version, path)? {
        Found::File(file) => Ok(send(version, &file, StatusCode::OK, method, headers)),
        Found::Folder => {
            let mut response = plain(StatusCode::PERMANENT_REDIRECT, "");
            // One slash only: two would name another host.
            let mut target = format!("/{}/", path.trim_matches('/'));
            if let Some(query) = uri.query() {
                target = format!("{target}?{query}");
            }
            let target = HeaderValue::try_from(target).map_err(|_| Error::damaged("a path"))?;
            response.headers_mut().insert(header::LOCATION, target);
            Ok(response)
        }
        Found::Nothing(Some(page)) => {
            Ok(send(version, &page, StatusCode::NOT_FOUND, method, headers))
        }
        Found::Nothing(None) => Ok(plain(
            StatusCode::NOT_FOUND,
            "there is no such page on this site",
        )),
    }
}

fn find(version: &Version, path: &str) -> Result<Found> {
    let (reader, tree) = (&version.reader, version.tree);
    let get = |path: &str| match ArchivePath::new(path) {
        Ok(path) => reader.find(tree, &path),
        Err(_) => Ok(None),
    };
    let decoded = percent_decode_str(path.trim_start_matches('/')).decode_utf8();
    if let Ok(name) = decoded {
        if name.is_empty() || name.ends_with('/') {
            if let Some(file) = get(&format!("{name}index.html"))? {
                return Ok(Found::File(file));
            }
        } else {
            if let Some(file) = get(&name)? {
                return Ok(Found::File(file));
            }
            if get(&format!("{name}/index.html"))?.is_some() {
                return Ok(Found::Folder);
            }
        }
    }
    Ok(Found::Nothing(get("404.html")?))
}

fn send(
    version: &Version,
    file: &File,
    status: StatusCode,
    method: &Method,
    headers: &HeaderMap,
) -> Response<Body> {
    let etag = format!("\"{}\"", file.hash);
    let unchanged = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|tags| {
            tags.split(',')
                .map(|tag| tag.trim().trim_start_matches("W/"))
                .any(|tag| tag == etag || tag == "*")
        });
    let range = match status {
        StatusCode::OK => range(headers, &etag, file.size),
        _ => Ok(None),
    };
    let (status, start, length) = match (unchanged && status == StatusCode::OK, range) {
        (true, _) => (StatusCode::NOT_MODIFIED, 0, 0),
        (false, Ok(None)) => (status, 0, file.size),
        (false, Ok(Some((start, length)))) => (StatusCode::PARTIAL_CONTENT, start, length),
        (false, Err(())) => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0),
    };
    let body = match method == Method::HEAD || length == 0 {
        true => Body::empty(),
        false => stream(version, file, start, length),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let out = response.headers_mut();
    let mut set = |name, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            out.insert(name, value);
        }
    };
    set(header::ETAG, etag);
    set(header::CACHE_CONTROL, "no-cache".into());
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff".into());
    set(header::ACCEPT_RANGES, "bytes".into());
    match status {
        StatusCode::NOT_MODIFIED => {}
        StatusCode::RANGE_NOT_SATISFIABLE => {
            set(header::CONTENT_RANGE, format!("bytes */{}", file.size));
        }
        _ => {
            set(header::CONTENT_TYPE, content_type(file.media_type.as_str()));
            set(header::CONTENT_LENGTH, length.to_string());
        }
    }
    if status == StatusCode::PARTIAL_CONTENT {
        let end = start + length - 1;
        set(
            header::CONTENT_RANGE,
            format!("bytes {start}-{end}/{}", file.size),
        );
    }
    response
}

/// What a site's text is written in; skep builds nothing else.
fn content_type(media_type: &str) -> String {
    let text = media_type.starts_with("text/")
        || matches!(
            media_type,
            "application/javascript" | "application/json" | "application/xml"
        )
        || media_type.ends_with("+xml")
        || media_type.ends_with("+json");
    match text {
        true => format!("{media_type}; charset=utf-8"),
        false => media_type.to_owned(),
    }
}

/// The range that is asked for, as start and length; `Err` if the file does not have it. Several
/// ranges at once are answered with the whole file, as RFC 9110 section 14.2 allows.
fn range(headers: &HeaderMap, etag: &str, size: u64) -> Result<Option<(u64, u64)>, ()> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    if text(header::IF_RANGE).is_some_and(|condition| condition != etag) {
        return Ok(None);
    }
    let spec = text(header::RANGE).and_then(|value| value.strip_prefix("bytes="));
    let Some((first, last)) = spec.and_then(|spec| spec.split_once('-')) else {
        return Ok(None);
    };
    let (start, end) = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(start), Ok(last)) if last >= start => (start, last.saturating_add(1).min(size)),
        (Ok(start), Err(_)) if last.trim().is_empty() => (start, size),
        (Err(_), Ok(suffix)) if first.trim().is_empty() => (size.saturating_sub(suffix), size),
        _ => return Ok(None),
    };
    if start >= end {
        Err(())
    } else {
        Ok(Some((start, end - start)))
    }
}

/// The bytes, read piece by piece as the client takes them.
fn stream(version: &Version, file: &File, start: u64, length: u64) -> Body {
    let (reader, file) = (version.reader.clone(), file.clone());
    let end = start + length;
    let pieces = n0_future::stream::unfold(start, move |offset| {
        let (reader, file) = (reader.clone(), file.clone());
        async move {
            if offset >= end {
                return None;
            }
            let count = PIECE.min(end - offset);
            let read = tokio::task::spawn_blocking(move || reader.range(&file, offset, count));
            // An error ends the response before its announced length, which
            // the client sees.
            let piece = match read.await {
                Ok(Ok(piece)) if !piece.is_empty() => Ok(piece),
                Ok(Ok(_)) => Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof)),
                Ok(Err(e)) => Err(std::io::Error::other(e)),
                Err(e) => Err(std::io::Error::other(e)),
            };
            let next = match &piece {
                Ok(piece) => offset + piece.len() as u64,
                Err(_) => end,
            };
            Some((piece, next))
        }
    });
    Body::from_stream(pieces)
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

    fn ask(value: &str, size: u64) -> Result<Option<(u64, u64)>, ()> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(value).unwrap());
        range(&headers, "\"e\"", size)
    }

    #[test]
    fn ranges_are_those_of_rfc_9110() {
        assert_eq!(ask("bytes=0-9", 100), Ok(Some((0, 10))));
        assert_eq!(ask("bytes=90-", 100), Ok(Some((90, 10))));
        assert_eq!(ask("bytes=90-500", 100), Ok(Some((90, 10))));
        assert_eq!(ask("bytes=-10", 100), Ok(Some((90, 10))));
        assert_eq!(ask("bytes=-500", 100), Ok(Some((0, 100))));
        assert_eq!(ask("bytes=100-", 100), Err(()));
        assert_eq!(ask("bytes=-0", 100), Err(()));
        for ignored in [
            "bytes=9-0",
            "bytes=a-b",
            "bytes=0-1,5-6",
            "lines=0-1",
            "bytes=-",
        ] {
            assert_eq!(ask(ignored, 100), Ok(None), "{ignored}");
        }
    }
}
