//! The gateway's own pages: plain HTML, readable without JavaScript, no request to anywhere else.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1f1b16; --paper: #fdfbf7; --soft: #6b6257; --line: #e2dbcf; --link: #8a4b08 }
@media (prefers-color-scheme: dark) { :root { --ink: #ece6dc; --paper: #191613; --soft: #a89f92; --line: #38322b; --link: #e2a45c } }
body { margin: 0 auto; max-width: 46rem; padding: 2.5rem 1.25rem; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.6 Charter, 'Bitstream Charter', 'Sitka Text', Cambria, Georgia, serif }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 1.5rem }
a { color: var(--link) }
ul { list-style: none; margin: 0; padding: 0 }
li { border-top: 1px solid var(--line); padding: 1rem 0 }
p, li { overflow-wrap: anywhere }
li a { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .875rem }
p { margin: .25rem 0 1rem } li p { margin: .25rem 0 0; color: var(--soft); font-size: .9375rem }
";

/// A page that says one thing.
pub(super) fn message(status: StatusCode, title: &str, text: &str) -> Response<Body> {
    page(status, title, &format!("<p>{}</p>", escape(text)))
}

/// A page with this title, and this HTML below it.
pub(super) fn page(status: StatusCode, title: &str, body: &str) -> Response<Body> {
    let title = escape(title);
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} · skep</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    );
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
    out
}
