//! What the pages need besides themselves, embedded in the program.

use std::sync::LazyLock;

use axum::{
    body::Body,
    http::{HeaderValue, Response, header},
};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("control.js");
const ICON: &str = include_str!("icon.svg");

/// The URL of a file that changes with its content, so that browsers may keep it.
pub(super) fn url(name: &str) -> String {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let mut hasher = blake3::Hasher::new();
        for text in [STYLE, SCRIPT, ICON] {
            hasher.update(text.as_bytes());
        }
        hasher.finalize().to_hex()[..10].to_owned()
    });
    format!("/-/{name}?v={}", *VERSION)
}

/// The file of that name.
pub(super) fn get(name: &str) -> Option<Response<Body>> {
    let (text, media_type) = match name {
        "style.css" => (STYLE, "text/css; charset=utf-8"),
        "control.js" => (SCRIPT, "text/javascript; charset=utf-8"),
        "icon.svg" => (ICON, "image/svg+xml"),
        _ => return None,
    };
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, "max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Some(response)
}
