//! What keeps sites apart: which requests are answered at all, and what an answer forbids the browser.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Response, header},
};

/// What no site may do, whatever it says itself.
///
/// Code and styles are those that the author signed: from elsewhere they could be anything tomorrow, in an old
/// version too. Images, fonts, sound, films and frames may come from the web, as real sites have them there, and
/// scripts may talk to it; over TLS alone, which leaves out all that listens on this machine and in its network,
/// the control pages and other sites first of all.
pub(super) const FRAME: &str = "default-src 'self' data: blob:; \
    script-src 'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' data: blob:; \
    style-src 'self' 'unsafe-inline' data: blob:; \
    worker-src 'self' data: blob:; \
    img-src 'self' data: blob: https:; \
    media-src 'self' data: blob: https:; \
    font-src 'self' data: blob: https:; \
    frame-src 'self' data: blob: https:; \
    connect-src 'self' data: blob: https: wss:; \
    form-action 'self' https:; \
    base-uri 'self'; \
    frame-ancestors 'self'";

/// What browsers ask a person about, or grant a page on this machine: none of it is a website's business
/// only because it was opened here. Only what Chromium knows is named: it logs all other names on each page.
const PERMISSIONS: &str = "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), \
    gyroscope=(), hid=(), idle-detection=(), local-fonts=(), local-network-access=(), magnetometer=(), microphone=(), midi=(), \
    payment=(), publickey-credentials-create=(), publickey-credentials-get=(), serial=(), usb=(), window-management=(), \
    xr-spatial-tracking=()";

/// Every answer from a site's origin carries these.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // No site holds another's window, and none opens the control pages and keeps them at hand. A window that
    // it opens for itself, as for a payment, may answer.
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin-allow-popups",
    ),
    // No site shows or measures another's files.
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    // The origin says what is read; nobody else has to know.
    (header::REFERRER_POLICY, "same-origin"),
    // No page gives up its origin by `document.domain`.
    (HeaderName::from_static("origin-agent-cluster"), "?1"),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
    (header::CONTENT_SECURITY_POLICY, FRAME),
];

/// Adds the headers that keep a site in its frame, and the site's own policy. Both apply, so that its own
/// only ever forbids more.
pub(super) fn keep_apart(response: &mut Response<Body>, own: Option<&HeaderValue>) {
    let headers = response.headers_mut();
    for (name, value) in &HEADERS {
        headers.insert(name.clone(), HeaderValue::from_static(value));
    }
    if let Some(own) = own {
        headers.append(header::CONTENT_SECURITY_POLICY, own.clone());
    }
}

/// Lets pages of the origin `framer` show the answer in a frame, and pages of no other origin but its own.
pub(super) fn may_be_framed(response: &mut Response<Body>, framer: &str) {
    let headers = response.headers_mut();
    let policies = headers.get_all(header::CONTENT_SECURITY_POLICY);
    let own: Vec<_> = policies.iter().filter(|p| *p != FRAME).cloned().collect();
    if let Ok(frame) = HeaderValue::try_from(format!("{FRAME} {framer}")) {
        headers.insert(header::CONTENT_SECURITY_POLICY, frame);
    }
    for policy in own {
        headers.append(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// Whether another origin asks, for something else than to show it in a tab of its own.
///
/// Else a page anywhere could find out which sites are here by the time that an answer takes, and make
/// this machine fetch others. It is decided before anything is looked at. Pages of `framer`, the origin
/// of the control pages, may show it in a frame too: a browser lets no page of another origin send its
/// `Referer`.
pub(super) fn is_from_elsewhere(headers: &HeaderMap, framer: Option<&str>) -> bool {
    let text = |name: &str| headers.get(name).map(HeaderValue::as_bytes);
    if let Some(origin) = text("origin") {
        let host = text("host").unwrap_or_default();
        if origin.strip_prefix(b"http://") != Some(host) {
            return true;
        }
    }
    match text("sec-fetch-site") {
        // A program, an old browser, or a person who typed the URL.
        None | Some(b"none" | b"same-origin") => false,
        Some(_) if text("sec-fetch-mode") != Some(b"navigate") => true,
        Some(_) => match text("sec-fetch-dest") {
            Some(b"document") => false,
            Some(b"iframe") => {
                let referer = text("referer").and_then(|referer| referer.strip_suffix(b"/"));
                referer.is_none() || referer != framer.map(str::as_bytes)
            }
            _ => true,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAMER: &str = "http://localhost:7537";

    fn asks(headers: &[(&'static str, &'static str)]) -> bool {
        let mut map = HeaderMap::new();
        map.insert("host", HeaderValue::from_static("a.localhost:7537"));
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_static(value));
        }
        is_from_elsewhere(&map, Some(FRAMER))
    }

    #[test]
    fn a_page_elsewhere_may_lead_here_and_nothing_more() {
        for (site, mode, dest, refused) in [
            ("none", "navigate", "document", false),
            ("same-origin", "no-cors", "image", false),
            ("same-origin", "navigate", "iframe", false),
            ("cross-site", "navigate", "document", false),
            ("cross-site", "navigate", "iframe", true),
            ("cross-site", "navigate", "object", true),
            ("cross-site", "no-cors", "image", true),
            ("cross-site", "cors", "empty", true),
            ("same-site", "no-cors", "script", true),
            ("same-site", "websocket", "websocket", true),
            ("anything new", "no-cors", "image", true),
        ] {
            let headers = [
                ("sec-fetch-site", site),
                ("sec-fetch-mode", mode),
                ("sec-fetch-dest", dest),
            ];
            assert_eq!(asks(&headers), refused, "{site} {mode} {dest}");
        }
    }

    #[test]
    fn the_control_pages_alone_may_show_a_site_in_a_frame() {
        let frame = |referer, dest| {
            asks(&[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", dest),
                ("referer", referer),
            ])
        };
        assert!(!frame("http://localhost:7537/", "iframe"));
        for other in [
            "",
            "/",
            "http://localhost:7537",
            "http://localhost:7538/",
            "http://localhost:7537.evil.example/",
            "http://b.localhost:7537/",
            "https://localhost:7537/",
            "http://evil.example/?http://localhost:7537/",
        ] {
            assert!(frame(other, "iframe"), "{other}");
        }
        for dest in ["object", "embed", "frame", "image", "empty"] {
            assert!(frame("http://localhost:7537/", dest), "{dest}");
        }
    }

    #[test]
    fn a_gateway_without_control_pages_lets_nobody_frame_a_site() {
        let mut map = HeaderMap::new();
        for (name, value) in [
            ("host", "a.localhost:7537"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "iframe"),
            ("referer", "http://localhost:7537/"),
        ] {
            map.insert(name, HeaderValue::from_static(value));
        }
        assert!(is_from_elsewhere(&map, None));
    }

    #[test]
    fn an_origin_must_be_the_one_that_is_asked() {
        assert!(!asks(&[]));
        assert!(!asks(&[("origin", "http://a.localhost:7537")]));
        for other in [
            "null",
            "http://b.localhost:7537",
            "https://a.localhost:7537",
            "",
        ] {
            assert!(asks(&[("origin", other)]), "{other}");
        }
    }

    #[test]
    fn a_sites_own_policy_stands_beside_the_frame() {
        let mut response = Response::new(Body::empty());
        let own = HeaderValue::from_static("script-src 'none'");
        keep_apart(&mut response, Some(&own));
        let policies = response.headers().get_all(header::CONTENT_SECURITY_POLICY);
        let policies: Vec<_> = policies.iter().collect();
        assert_eq!(policies, [FRAME, "script-src 'none'"]);
        may_be_framed(&mut response, FRAMER);
        let policies = response.headers().get_all(header::CONTENT_SECURITY_POLICY);
        let policies: Vec<_> = policies.iter().collect();
        let frame = format!("{FRAME} {FRAMER}");
        assert!(frame.ends_with("; frame-ancestors 'self' http://localhost:7537"));
        assert_eq!(policies, [frame.as_str(), "script-src 'none'"]);
    }
}
