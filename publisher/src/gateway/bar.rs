//! What an old version says of itself, at the end of each of its pages: plain HTML, readable also where
//! the site's own policy keeps the style away.

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Response, StatusCode, header, request::Parts},
};

use super::{
    pages::escape,
    site::{Tail, plain, wants_page},
    version::Version,
};
use crate::words;

/// Where its style lies. No site has a file there: the path is reserved.
pub(super) const STYLE_PATH: &str = "/.well-known/skep/bar.css";

const STYLE: &str = "\
.skep-bar { all: initial; display: block; position: sticky; bottom: 0; z-index: 2147483647; box-sizing: border-box;
  padding: 8px 16px; font: 14px/20px system-ui, sans-serif; color: #2a2622; background: #fff3d6; border-top: 2px solid #d98a1f; }
.skep-bar a { color: #8a4b08; }
@media (prefers-color-scheme: dark) {
  .skep-bar { color: #efe9df; background: #3a2c12; }
  .skep-bar a { color: #f0b463; }
}
@media print { .skep-bar { position: static; } }
";

/// What is appended to a page of an old version, if a tab shows it; `newest` is the origin of the newest one.
pub(super) fn of(version: &Version, newest: &str, parts: &Parts) -> Option<Tail> {
    let last = version.head.length();
    let dest = parts.headers.get("sec-fetch-dest");
    let is_tab = dest.is_none_or(|dest| dest == "document");
    if version.number == last || !is_tab || !wants_page(parts) {
        return None;
    }
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let day = words::utc(version.time);
    let day = day.split(' ').next().unwrap_or_default();
    let html = format!(
        "\n<link rel=\"stylesheet\" href=\"{STYLE_PATH}\">\n\
         <aside class=\"skep-bar\" aria-label=\"Old version\">Version {} of {last}, published on {day}. \
         <a href=\"{}\">See the newest</a></aside>\n",
        version.number,
        escape(&format!("{newest}{path}")),
    );
    let name = blake3::hash(html.as_bytes()).to_hex()[..16].to_owned();
    Some(Tail {
        html: Bytes::from(html),
        name,
    })
}

/// The style.
pub(super) fn style() -> Response<Body> {
    let mut response = plain(StatusCode::OK, STYLE);
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
