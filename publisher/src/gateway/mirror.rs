//! One site, for everyone, as a host serves it.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Response, StatusCode, header},
};
use tokio::net::TcpListener;

use super::{
    opened::Opened,
    server,
    site::{self, plain},
    version::{Contents, Version},
};
use crate::{
    archive::address::{Address, SiteId},
    error::{Kind, Result},
    store::Store,
    swarm::{Node, node::blocking},
};

/// Leads from a mirror back to the address: `{"address": "skep://…", "version": 2}`.
const WELL_KNOWN: &str = "/.well-known/skep";

struct Mirror {
    node: Arc<Node>,
    site: SiteId,
    opened: Opened,
    contents: Contents,
}

/// Serves the newest version of `site` that `node` has, until `shutdown`.
pub async fn serve(
    node: Arc<Node>,
    site: SiteId,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let mirror = Arc::new(Mirror {
        opened: Opened::new(node.store.clone()),
        contents: Contents::default(),
        node,
        site,
    });
    let router = Router::new().fallback(answer).with_state(mirror);
    server::serve(listener, router, shutdown).await;
}

async fn answer(State(mirror): State<Arc<Mirror>>, request: Request) -> Response<Body> {
    let (parts, _) = request.into_parts();
    if parts.uri.path() != WELL_KNOWN
        && let Some(version) = mirror.opened.at_once(mirror.site, None)
        && let Some(response) = site::at_once(&version, &mirror.contents, &parts, None)
    {
        return with_policy(response, &version);
    }
    let answer = blocking(move || {
        if parts.uri.path() == WELL_KNOWN {
            return well_known(&mirror.node.store, mirror.site);
        }
        let version = mirror.opened.get(mirror.site, None)?;
        let response = site::respond(&version, &mirror.contents, &parts, None)?;
        Ok(with_policy(response, &version))
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

/// Adds the policy that the site asks for. Here it is a website like any other, and needs no frame.
fn with_policy(mut response: Response<Body>, version: &Version) -> Response<Body> {
    if let Some(csp) = &version.manifest.csp {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, csp.clone());
    }
    response
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
