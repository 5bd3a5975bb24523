//! Open tabs that learn of a newer version: a stream of events for each site, and the script that listens to it.
//!
//! The script stands at the end of the pages that a tab shows, of sites that are kept up to date here. What is
//! no page in a tab is as its author signed it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Method, Response, StatusCode, header, request::Parts},
};
use tokio::sync::{broadcast, broadcast::error::RecvError, watch};

use super::{
    local::Gateway,
    site::{Tail, plain, wants_page},
    version::Version,
};
use crate::{
    archive::{address::SiteId, head::Head},
    store::Store,
    swarm::node::blocking,
};

/// Where the events are. No site has a file there, as below all that begins so: the path is reserved.
pub(super) const EVENTS_PATH: &str = "/.well-known/skep/live";
/// Where the script is.
pub(super) const SCRIPT_PATH: &str = "/.well-known/skep/live.js";

const SCRIPT: &str = include_str!("live.js");

/// How many streams there may be of one site. Its tabs share one, unless the browser is an old one.
const SITE_STREAMS: usize = 16;
/// How many there may be of all sites.
const ALL_STREAMS: usize = 256;
/// How soon a browser asks again when a stream has broken off, in milliseconds.
const RETRY: u64 = 3000;
/// After how long without an event a stream says that it lives. If nobody is there any more, it ends.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// The streams of events that are open.
pub(super) struct Live {
    open: Arc<Mutex<HashMap<SiteId, usize>>>,
    closing: watch::Sender<bool>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            open: Arc::default(),
            closing: watch::Sender::new(false),
        }
    }
}

impl Live {
    /// Ends all streams, and those that begin later.
    pub(super) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Turns true when the gateway ends.
    pub(super) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// Whether somebody waits for news of a site.
    pub(super) fn is_awaited(&self, site: SiteId) -> bool {
        lock(&self.open).contains_key(&site)
    }

    fn enter(&self, site: SiteId) -> Option<Place> {
        let mut open = lock(&self.open);
        let of_site = open.get(&site).copied().unwrap_or(0);
        if of_site >= SITE_STREAMS || open.values().sum::<usize>() >= ALL_STREAMS {
            return None;
        }
        open.insert(site, of_site + 1);
        Some(Place {
            open: self.open.clone(),
            site,
        })
    }
}

/// One of the streams that there may be.
struct Place {
    open: Arc<Mutex<HashMap<SiteId, usize>>>,
    site: SiteId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        match open.get_mut(&self.site) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.site)),
        }
    }
}

fn lock(open: &Mutex<HashMap<SiteId, usize>>) -> MutexGuard<'_, HashMap<SiteId, usize>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The answer to a request for one of the reserved paths of a site's newest version; `None` for any other path.
pub(super) fn answer(gateway: &Gateway, site: SiteId, parts: &Parts) -> Option<Response<Body>> {
    let is_get = parts.method == Method::GET;
    match parts.uri.path() {
        SCRIPT_PATH => Some(script()),
        EVENTS_PATH if is_get => Some(events(gateway, site)),
        EVENTS_PATH => Some(plain(StatusCode::METHOD_NOT_ALLOWED, "only GET")),
        _ => None,
    }
}

/// What is appended to a page of the newest version of a site that is kept up to date here, if a tab shows it.
pub(super) fn of(version: &Version, parts: &Parts) -> Option<Tail> {
    let dest = parts.headers.get("sec-fetch-dest");
    let is_tab = dest.is_some_and(|dest| dest == "document");
    if !version.relation.is_shared() || !is_tab || !wants_page(parts) {
        return None;
    }
    Some(Tail {
        html: Bytes::from(format!("\n{}\n", element(version.head.length()))),
        name: format!("live{}", version.head.length()),
    })
}

/// The element that brings the script to a page of a version; 0 if there is none yet.
pub(super) fn element(version: u64) -> String {
    format!("<script src=\"{SCRIPT_PATH}\" data-version=\"{version}\" async></script>")
}

fn script() -> Response<Body> {
    let mut response = plain(StatusCode::OK, SCRIPT);
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/javascript; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The version of a site that is here, 0 for none, at once and whenever it is another.
fn events(gateway: &Gateway, site: SiteId) -> Response<Body> {
    let Some(place) = gateway.live.enter(site) else {
        return plain(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many tabs wait for news already",
        );
    };
    // The news first, so that nothing comes between them and the look at what is here.
    let stream = Stream {
        news: gateway.node.news(),
        closing: gateway.live.closing(),
        store: gateway.node.store.clone(),
        site,
        said: None,
        _place: place,
    };
    let pieces = n0_future::stream::unfold(stream, |mut stream| async move {
        let piece = stream.next().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), stream))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What one stream goes by. It keeps no node alive: it may outlast the gateway by a moment.
struct Stream {
    news: broadcast::Receiver<SiteId>,
    closing: watch::Receiver<bool>,
    store: Store,
    site: SiteId,
    /// The version that was said last.
    said: Option<u64>,
    _place: Place,
}

impl Stream {
    /// The next piece; `None` if there will be none any more.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if *self.closing.borrow_and_update() {
                return None;
            }
            let (store, site) = (self.store.clone(), self.site);
            let state = blocking(move || store.site(site)).await.ok()?;
            let version = state
                .and_then(|state| state.head)
                .map_or(0, |head| Head::length(&head));
            if self.said != Some(version) {
                let retry = match self.said {
                    None => format!("retry: {RETRY}\n"),
                    Some(_) => String::new(),
                };
                self.said = Some(version);
                return Some(Bytes::from(format!("{retry}data: {version}\n\n")));
            }
            let is_quiet = tokio::select! {
                changed = self.closing.changed() => match changed {
                    Ok(()) => false,
                    Err(_) => return None,
                },
                heard = tokio::time::timeout(SIGN_OF_LIFE, of_site(&mut self.news, site)) => match heard {
                    Ok(true) => false,
                    Ok(false) => return None,
                    Err(_) => true,
                },
            };
            if is_quiet {
                return Some(Bytes::from_static(b":\n\n"));
            }
        }
    }
}

/// Waits for news of a site; false if there will be none any more.
pub(super) async fn of_site(news: &mut broadcast::Receiver<SiteId>, site: SiteId) -> bool {
    loop {
        match news.recv().await {
            Ok(other) if other != site => {}
            // It has missed some: this site may be among them.
            Ok(_) | Err(RecvError::Lagged(_)) => return true,
            Err(RecvError::Closed) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_bounded_for_each_site_and_together() {
        let live = Live::default();
        let site = |n: usize| SiteId([n as u8; 32]);
        let mut places: Vec<Place> = (0..SITE_STREAMS)
            .map(|_| live.enter(site(0)).unwrap())
            .collect();
        assert!(live.enter(site(0)).is_none());
        for n in SITE_STREAMS..ALL_STREAMS {
            places.push(live.enter(site(n / SITE_STREAMS)).unwrap());
        }
        assert!(live.enter(site(ALL_STREAMS)).is_none());
        places.remove(0);
        assert!(live.enter(site(0)).is_some());
        assert!(live.is_awaited(site(0)));
        places.clear();
        assert!(!live.is_awaited(site(0)));
    }
}
