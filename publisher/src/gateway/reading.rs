//! A request to a site's origin.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header, request::Parts},
};

use super::{
    bar, guard,
    hostname::host_of,
    local::Gateway,
    pages,
    site::{self, plain},
    version::Version,
};
use crate::{
    archive::address::SiteId,
    error::{Error, Kind, Result},
    swarm::node::blocking,
};

/// How soon a page is asked for again that nobody has, in seconds.
const RETRY: &str = "20";

/// Answers a request to the origin of a version of a site; of the newest if there is none given.
pub(super) async fn answer(
    gateway: &Gateway,
    site: SiteId,
    number: Option<u64>,
    parts: Parts,
) -> Response<Body> {
    if guard::is_from_elsewhere(&parts.headers) {
        let mut refused = plain(
            StatusCode::FORBIDDEN,
            "a page of another origin may link here, and nothing more",
        );
        guard::keep_apart(&mut refused, None);
        return refused;
    }
    if parts.uri.path() == bar::STYLE_PATH {
        let mut style = bar::style();
        guard::keep_apart(&mut style, None);
        return style;
    }
    if let Some(version) = gateway.opened.at_once(site, number) {
        let tail = bar::of(&version, &newest(gateway, site), &parts);
        let known = site::at_once(&version, &gateway.contents, &parts, tail.as_ref());
        if let Some(response) = known {
            return kept_apart(response, &version);
        }
    }
    match respond(gateway, site, number, parts).await {
        Ok((response, version)) => kept_apart(response, &version),
        Err(e) => {
            let mut response = failed(site, &e);
            guard::keep_apart(&mut response, None);
            response
        }
    }
}

/// The origin of a site's newest version.
fn newest(gateway: &Gateway, site: SiteId) -> String {
    format!("http://{}:{}", host_of(site, None), gateway.port)
}

fn kept_apart(mut response: Response<Body>, version: &Version) -> Response<Body> {
    guard::keep_apart(&mut response, version.manifest.csp.as_ref());
    response
}

type Answer = (Response<Body>, Arc<Version>);

async fn respond(
    gateway: &Gateway,
    site: SiteId,
    number: Option<u64>,
    parts: Parts,
) -> Result<Answer> {
    let store = gateway.node.store.clone();
    let is_known = blocking(move || Ok(store.known(site).is_ok())).await?;
    if !is_known && let Err(e) = gateway.fetch(site).await {
        let kind = match e.kind {
            Kind::NotFound => Kind::Unreachable,
            kind => kind,
        };
        return Err(Error { kind, ..e });
    }
    let parts = Arc::new(parts);
    let answer = from_store(gateway, site, number, &parts).await;
    let is_lacking = matches!(&answer, Err(e) if e.kind == Kind::NotFound);
    match number {
        // A reader has the newest version alone.
        Some(number) if is_lacking && gateway.bring(site, number).await => {
            from_store(gateway, site, Some(number), &parts).await
        }
        _ => answer,
    }
}

async fn from_store(
    gateway: &Gateway,
    site: SiteId,
    number: Option<u64>,
    parts: &Arc<Parts>,
) -> Result<Answer> {
    let (opened, contents) = (gateway.opened.clone(), gateway.contents.clone());
    let (parts, newest) = (parts.clone(), newest(gateway, site));
    blocking(move || {
        let version = opened.get(site, number)?;
        let tail = bar::of(&version, &newest, &parts);
        let response = site::respond(&version, &contents, &parts, tail.as_ref())?;
        Ok((response, version))
    })
    .await
}

fn failed(site: SiteId, error: &Error) -> Response<Body> {
    let (status, title) = match error.kind {
        Kind::NotFound => (StatusCode::NOT_FOUND, "Not on this machine"),
        Kind::Retracted => (StatusCode::GONE, "Retracted"),
        Kind::Io | Kind::Damaged | Kind::DiskFull => {
            (StatusCode::INTERNAL_SERVER_ERROR, "The store can't be read")
        }
        _ => {
            let hint = error.hint.as_deref().unwrap_or("");
            let mut response = pages::message(
                StatusCode::GATEWAY_TIMEOUT,
                "Nobody who has this site could be reached",
                &format!(
                    "skep://{site}: {}. {hint} This page tries again every {RETRY} seconds, and shows the site as soon as somebody has it.",
                    error.message
                ),
            );
            let retry = HeaderValue::from_static(RETRY);
            response.headers_mut().insert(header::REFRESH, retry);
            return response;
        }
    };
    pages::message(status, title, &error.message)
}
