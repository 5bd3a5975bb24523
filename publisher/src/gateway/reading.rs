//! A request to a site's origin.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Response, StatusCode, request::Parts},
};
use maud::html;

use super::{
    bar, guard,
    hostname::host_of,
    live,
    local::Gateway,
    pages, seek,
    site::{self, Tail, plain},
    version::Version,
};
use crate::{
    archive::address::SiteId,
    error::{Error, Kind, Result},
    swarm::node::{blocking, now},
};

/// Answers a request to the origin of a version of a site; of the newest if there is none given.
pub(super) async fn answer(
    gateway: &Arc<Gateway>,
    site: SiteId,
    number: Option<u64>,
    parts: Parts,
) -> Response<Body> {
    let framer = gateway.framer();
    let mut response = answer_to(gateway, site, number, parts, framer.as_deref()).await;
    if let Some(framer) = &framer {
        guard::may_be_framed(&mut response, framer);
    }
    response
}

async fn answer_to(
    gateway: &Arc<Gateway>,
    site: SiteId,
    number: Option<u64>,
    parts: Parts,
    framer: Option<&str>,
) -> Response<Body> {
    if guard::is_from_elsewhere(&parts.headers, framer) {
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
    if let Some(mut answer) = live::answer(gateway, site, &parts) {
        guard::keep_apart(&mut answer, None);
        return answer;
    }
    if let Some(version) = gateway.opened.at_once(site, number) {
        let tail = gateway.tail(&version, site, number, &parts);
        let known = site::at_once(&version, &gateway.contents, &parts, tail.as_ref());
        if let Some(response) = known {
            gateway.node.store.visited(site, now());
            return kept_apart(response, &version);
        }
    }
    match respond(gateway, site, number, parts).await {
        Ok(response) => response,
        Err(e) => {
            let mut response = failed(gateway, site, &e);
            guard::keep_apart(&mut response, None);
            response
        }
    }
}

impl Gateway {
    /// What is appended to a page that a tab shows: of an old version that it is old, of the newest what brings
    /// newer ones.
    fn tail(
        &self,
        version: &Version,
        site: SiteId,
        number: Option<u64>,
        parts: &Parts,
    ) -> Option<Tail> {
        match number {
            Some(_) => {
                let newest = format!("http://{}:{}", host_of(site, None), self.port);
                bar::of(version, &newest, parts)
            }
            None if self.reloads => live::of(version, parts),
            None => None,
        }
    }
}

fn kept_apart(mut response: Response<Body>, version: &Version) -> Response<Body> {
    guard::keep_apart(&mut response, version.manifest.csp.as_ref());
    response
}

async fn respond(
    gateway: &Arc<Gateway>,
    site: SiteId,
    number: Option<u64>,
    parts: Parts,
) -> Result<Response<Body>> {
    let store = gateway.node.store.clone();
    let is_known = blocking(move || Ok(store.known(site).is_ok())).await?;
    let parts = Arc::new(parts);
    let newest = number.is_none().then(|| parts.clone());
    if !is_known && let Some(answer) = seek::until_asked(gateway, site, newest).await {
        return Ok(answer);
    }
    let answer = from_store(gateway, site, number, &parts).await;
    let is_lacking = matches!(&answer, Err(e) if e.kind == Kind::NotFound);
    match number {
        // A reader has the newest version alone.
        Some(number) if is_lacking && gateway.bring(site, number).await.is_ok() => {
            from_store(gateway, site, Some(number), &parts).await
        }
        _ => answer,
    }
}

async fn from_store(
    gateway: &Arc<Gateway>,
    site: SiteId,
    number: Option<u64>,
    parts: &Arc<Parts>,
) -> Result<Response<Body>> {
    let (gateway, parts) = (gateway.clone(), parts.clone());
    blocking(move || {
        let version = gateway.opened.get(site, number)?;
        let tail = gateway.tail(&version, site, number, &parts);
        let response = site::respond(&version, &gateway.contents, &parts, tail.as_ref())?;
        // Of visited sites the one that was not read for longest goes first.
        gateway.node.store.visited(site, now());
        Ok(kept_apart(response, &version))
    })
    .await
}

fn failed(gateway: &Gateway, site: SiteId, error: &Error) -> Response<Body> {
    let (status, title) = match error.kind {
        Kind::NotFound => (StatusCode::NOT_FOUND, "Not on this machine"),
        Kind::Retracted => (StatusCode::GONE, "Retracted"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "The store can't be read"),
    };
    let body = html! {
        p { (error.message) }
        @if error.kind == Kind::Retracted {
            p { "Its author took this version back. Its files are not here any more, and nodes that follow the site remove them too. The other versions are as they were." }
        }
        ul {
            li { a href=(gateway.url_of(site)) { "The newest version" } }
            @if let Some(library) = gateway.framer() {
                li { a href={ (library) "/sites/" (site) "#history" } { "All versions of this site" } }
                li { a href={ (library) "/" } { "The library" } }
            }
        }
    };
    pages::page(status, title, &body.into_string())
}
