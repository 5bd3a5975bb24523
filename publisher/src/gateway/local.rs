//! The gateway of one machine: `http://<id>.localhost:7537/` for each site, so that a script of one
//! can't read another, and the library page at `http://localhost:7537/`.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{Response, StatusCode, header, request::Parts},
};
use tokio::net::TcpListener;

use super::{
    control::{self, Control},
    hostname::{self, Target},
    pages,
    site::{self, Version, plain},
};
use crate::{
    archive::address::SiteId,
    error::{Error, Kind, Result},
    store::{Reader, Store},
    swarm::{Network, Node, Ticket, fetch, node::blocking},
};

/// The port that is part of the sites' origins.
pub const PORT: u16 = 7537;

/// What the gateway reads from.
pub struct Gateway {
    /// The node with the store.
    pub node: Arc<Node>,
    /// Who is asked for a site that is not here.
    pub peers: Vec<Ticket>,
    /// The port of the listener.
    pub port: u16,
    /// The control pages at `localhost`; without them the gateway is for reading alone.
    pub control: Option<Arc<Control>>,
}

impl Gateway {
    /// Brings the newest version of a site from the first peer that has it.
    ///
    /// # Errors
    ///
    /// What the last peer answered; [`Kind::NotFound`] if there are no peers.
    pub async fn fetch(&self, site: SiteId) -> Result<fetch::Fetched> {
        fetch_from(&self.node, site, &self.peers).await
    }

    /// Brings an older version from the first of the peers that has it; false if none has.
    async fn bring(&self, site: SiteId, version: u64) -> bool {
        for peer in &self.peers {
            if fetch::older(&self.node, site, peer, version).await.is_ok() {
                return true;
            }
        }
        false
    }

    /// The URL of a site's newest version.
    pub fn url_of(&self, site: SiteId) -> String {
        format!("http://{site}.localhost:{}/", self.port)
    }
}

/// Brings the newest version of a site from the first of `peers` that has it.
///
/// # Errors
///
/// What the last peer answered; [`Kind::NotFound`] if there are no peers.
pub async fn fetch_from(
    node: &Arc<Node>,
    site: SiteId,
    peers: &[Ticket],
) -> Result<fetch::Fetched> {
    let mut last = Error::new(
        Kind::NotFound,
        format!("skep://{site} is not on this machine, and no node that may have it is known"),
    )
    .hint("name one with `--peer TICKET`; whoever gave you the address can give you a ticket");
    for peer in peers {
        match fetch::newest(node, site, peer, fetch::Wanted::Latest).await {
            Ok(fetched) => return Ok(fetched),
            // That two histories are about must be said, whatever else went wrong.
            Err(e) if last.kind != Kind::Conflict => last = e,
            Err(_) => {}
        }
    }
    Err(last)
}

/// The port to listen on: fixed, because it is part of origins, except where nothing but tests looks.
///
/// # Errors
///
/// If it is taken.
pub async fn listen(port: Option<u16>, network: Network) -> Result<TcpListener> {
    match (port, network) {
        (Some(port), _) => super::listen(port).await,
        (None, Network::Public) => super::listen(PORT).await,
        (None, Network::Loopback) => match super::listen(PORT).await {
            Ok(listener) => Ok(listener),
            Err(_) => super::listen(0).await,
        },
    }
}

/// Serves the gateway until `shutdown`.
///
/// # Errors
///
/// If the listener breaks.
pub async fn serve(
    gateway: Arc<Gateway>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let router = Router::new().fallback(answer).with_state(gateway);
    super::serve(listener, router, shutdown).await
}

async fn answer(State(gateway): State<Arc<Gateway>>, request: Request) -> Response<Body> {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or("");
    match hostname::target(host, gateway.port) {
        Some(Target::Library) => match gateway.control.clone() {
            Some(control) => control::answer(gateway, control, request).await,
            None => plain(
                StatusCode::NOT_FOUND,
                "this gateway is for reading sites alone",
            ),
        },
        Some(Target::Site(site, version)) => {
            of_site(&gateway, site, version, request.into_parts().0).await
        }
        None => plain(
            StatusCode::MISDIRECTED_REQUEST,
            "this gateway serves localhost and the sites' own names below it only",
        ),
    }
}

async fn of_site(
    gateway: &Gateway,
    site: SiteId,
    version: Option<u64>,
    parts: Parts,
) -> Response<Body> {
    let store = gateway.node.store.clone();
    let known = blocking(move || Ok(store.known(site).is_ok())).await;
    if !known.unwrap_or(false)
        && let Err(e) = gateway.fetch(site).await
    {
        return absent(site, &e);
    }
    let parts = Arc::new(parts);
    let mut answer = respond(gateway, site, version, &parts).await;
    // A reader has the newest version alone.
    if let (Err(e), Some(version)) = (&answer, version)
        && e.kind == Kind::NotFound
        && gateway.bring(site, version).await
    {
        answer = respond(gateway, site, Some(version), &parts).await;
    }
    match answer {
        Ok(response) => response,
        Err(e) if e.kind == Kind::NotFound => {
            pages::message(StatusCode::NOT_FOUND, "Not on this machine", &e.message)
        }
        Err(e) if e.kind == Kind::Retracted => {
            pages::message(StatusCode::GONE, "Retracted", &e.message)
        }
        Err(e) => broken(&e),
    }
}

async fn respond(
    gateway: &Gateway,
    site: SiteId,
    version: Option<u64>,
    parts: &Arc<Parts>,
) -> Result<Response<Body>> {
    let (store, parts) = (gateway.node.store.clone(), parts.clone());
    blocking(move || {
        let version = open(&store, site, version)?;
        site::respond(&version, &parts.method, &parts.uri, &parts.headers)
    })
    .await
}

fn open(store: &Store, site: SiteId, version: Option<u64>) -> Result<Version> {
    let state = store.known(site)?;
    let entry = store.version(&state, version)?;
    Ok(Version {
        reader: Arc::new(Reader::new(store, &state)),
        tree: entry.tree,
    })
}

fn absent(site: SiteId, error: &Error) -> Response<Body> {
    let hint = error.hint.as_deref().unwrap_or("");
    pages::message(
        StatusCode::GATEWAY_TIMEOUT,
        "Nobody who has this site could be reached",
        &format!("skep://{site}: {}. {hint}", error.message),
    )
}

fn broken(error: &Error) -> Response<Body> {
    pages::message(
        StatusCode::INTERNAL_SERVER_ERROR,
        "The store can't be read",
        &error.message,
    )
}
