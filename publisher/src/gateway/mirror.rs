//! One site, for everyone, as a host serves it.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Response, StatusCode, header},
};
use tokio::net::TcpListener;

use super::site::{self, Version, plain};
use crate::{
    archive::address::{Address, SiteId},
    error::{Kind, Result},
    store::{Reader, Store},
    swarm::{Node, node::blocking},
};

/// Leads from a mirror back to the address: `{"address": "skep://…", "version": 2}`.
const WELL_KNOWN: &str = "/.well-known/skep";

struct Mirror {
    node: Arc<Node>,
    site: SiteId,
}

/// Serves the newest version of `site` that `node` has, until `shutdown`.
///
/// # Errors
///
/// If the listener breaks.
pub async fn serve(
    node: Arc<Node>,
    site: SiteId,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let mirror = Arc::new(Mirror { node, site });
    let router = Router::new().fallback(answer).with_state(mirror);
    super::serve(listener, router, shutdown).await
}

async fn answer(State(mirror): State<Arc<Mirror>>, request: Request) -> Response<Body> {
    let (store, site) = (mirror.node.store.clone(), mirror.site);
    let (parts, _) = request.into_parts();
    let answer = blocking(move || {
        if parts.uri.path() == WELL_KNOWN {
            return well_known(&store, site);
        }
        let version = newest(&store, site)?;
        site::respond(&version, &parts.method, &parts.uri, &parts.headers)
    });
    match answer.await {
        Ok(response) => response,
        Err(e) if e.kind == Kind::NotFound => plain(
            StatusCode::SERVICE_UNAVAILABLE,
            "this host keeps the site, but nobody has sent it a version yet",
        ),
        Err(e) => plain(StatusCode::INTERNAL_SERVER_ERROR, &e.message),
    }
}

fn newest(store: &Store, site: SiteId) -> Result<Version> {
    let state = store.known(site)?;
    let entry = store.entry(&state, None)?;
    Ok(Version {
        reader: Arc::new(Reader::new(store, &state)),
        tree: entry.tree,
    })
}

fn well_known(store: &Store, site: SiteId) -> Result<Response<Body>> {
    let head = store.known(site)?.head;
    let version = head.map_or(0, |head| head.length());
    let address = Address::of(site);
    let body = format!("{{\"address\":\"{address}\",\"version\":{version}}}");
    let mut response = plain(StatusCode::OK, &body);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    Ok(response)
}
