//! Requests that RFC 9112 forbids: whom they ask depends on who reads them.

use axum::{
    body::Body,
    http::{Request, Response, StatusCode, Version, header, uri::Authority},
};

use crate::gateway::site::plain;

/// Why a request is not answered (RFC 9112, sections 3.2 and 3.2.2). An absolute target has to name
/// the host that the `Host` field names: here no request is for anyone else.
pub(super) fn of<B>(request: &Request<B>) -> Option<&'static str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (_, Some(_)) => return Some("the request has more than one Host field"),
        (None, None) if request.version() >= Version::HTTP_11 => {
            return Some("the request has no Host field");
        }
        (host, None) => host.map_or(&b""[..], |host| host.as_bytes()),
    };
    let is_name = |host: &[u8]| match Authority::try_from(host) {
        Ok(name) => !name.as_str().contains('@'),
        Err(_) => false,
    };
    if !host.is_empty() && !is_name(host) {
        return Some("the request's Host field is not the name of a host");
    }
    let uri = request.uri();
    let is_for_other = match (uri.scheme_str(), uri.authority()) {
        (None, None) => false,
        (Some("http"), Some(target)) => !target.as_str().as_bytes().eq_ignore_ascii_case(host),
        _ => true,
    };
    is_for_other.then_some("the request's target is on another host")
}

/// The answer to such a request, after which its connection closes: where the next request begins
/// is as uncertain as whom this one asks.
pub(super) fn answer(fault: &'static str) -> Response<Body> {
    let mut response = plain(StatusCode::BAD_REQUEST, fault);
    let close = header::HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(target: &str, version: Version, hosts: &[&str]) -> bool {
        let mut request = Request::builder().uri(target).version(version);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        of(&request.body(()).unwrap()).is_some()
    }

    #[test]
    fn a_request_names_one_host() {
        for (target, hosts, refused) in [
            ("/", &["localhost:7537"][..], false),
            ("/", &[""], false),
            ("/", &["[::1]:7537"], false),
            ("/", &["a.example"], false),
            ("/", &[], true),
            ("/", &["localhost:7537", "localhost:7537"], true),
            ("/", &["localhost:7537", "evil.example"], true),
            ("/", &["localhost:7537, evil.example"], true),
            ("/", &["evil@localhost:7537"], true),
            ("/", &["localhost:7537/"], true),
            ("http://localhost:7537/a", &["localhost:7537"], false),
            ("http://LOCALHOST:7537/a", &["localhost:7537"], false),
            ("http://evil.example/a", &["localhost:7537"], true),
            ("http://x@localhost:7537/a", &["localhost:7537"], true),
            ("https://localhost:7537/a", &["localhost:7537"], true),
            ("http://localhost/a", &["localhost:7537"], true),
            // As in `CONNECT`.
            ("localhost:7537", &["localhost:7537"], true),
        ] {
            assert_eq!(
                is_refused(target, Version::HTTP_11, hosts),
                refused,
                "{target} {hosts:?}"
            );
        }
        assert!(!is_refused("/", Version::HTTP_10, &[]));
    }
}
