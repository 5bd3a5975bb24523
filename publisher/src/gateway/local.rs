//! The gateway of one machine: `http://<id>.localhost:7537/` for each site, so that a script of one
//! can't read another, and the library page at `http://localhost:7537/`.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, Response, StatusCode, header, request::Parts},
};
use tokio::net::TcpListener;

use super::{
    control::{self, Control},
    hostname::{self, Target},
    kept,
    live::Live,
    loopback::{self, Loopback},
    opened::Opened,
    reading,
    seek::{self, Seeking},
    server,
    site::plain,
    version::Contents,
};
use crate::{
    archive::address::SiteId,
    error::{Error, Kind, Result},
    swarm::{Network, Node, Ticket, fetch, find::Holders, node::blocking},
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
    pub(super) opened: Arc<Opened>,
    pub(super) contents: Arc<Contents>,
    pub(super) loopback: Loopback,
    pub(super) live: Live,
    pub(super) seeking: Seeking,
    pub(super) reloads: bool,
}

impl Gateway {
    /// A gateway to what `node` has, and to what it can get from `peers`, at `port`.
    pub fn new(node: Arc<Node>, peers: Vec<Ticket>, port: u16) -> Self {
        Self {
            opened: Arc::new(Opened::new(node.store.clone())),
            contents: Arc::default(),
            loopback: Loopback::default(),
            live: Live::default(),
            seeking: Seeking::default(),
            reloads: true,
            node,
            peers,
            port,
            control: None,
        }
    }

    /// The same gateway with control pages at `localhost`.
    pub fn with_control(self, control: Arc<Control>) -> Self {
        Self {
            control: Some(control),
            ..self
        }
    }

    /// The same gateway, whose open tabs stay as they are when a new version of their site arrives.
    pub fn without_reload(self) -> Self {
        Self {
            reloads: false,
            ..self
        }
    }

    /// The origin whose pages show sites in frames: that of the control pages, if there are any.
    pub(super) fn framer(&self) -> Option<String> {
        let control = self.control.as_ref();
        control.map(|_| format!("http://localhost:{}", self.port))
    }

    /// Brings the newest version of a site from the first peer that has it; of a site of which nothing is here
    /// only the first of it is waited for, so that pages can be shown.
    ///
    /// # Errors
    ///
    /// As [`fetch`](Self::fetch).
    pub async fn show(self: &Arc<Self>, site: SiteId) -> Result<()> {
        let store = self.node.store.clone();
        match blocking(move || Ok(store.known(site).is_ok())).await? {
            true => self.fetch(site).await.map(drop),
            false => seek::until_shown(self, site).await,
        }
    }

    /// Brings the newest version of a site from the first peer that has it.
    ///
    /// # Errors
    ///
    /// What the last peer answered; [`Kind::NotFound`] if there are no peers.
    pub async fn fetch(&self, site: SiteId) -> Result<fetch::Fetched> {
        fetch_from(&self.node, site, &self.peers).await
    }

    /// The nodes that may have a site: those that were named for all of them, then those that it was had from.
    pub(super) async fn who_may_have(&self, site: SiteId) -> Vec<Ticket> {
        let store = self.node.store.clone();
        let known = blocking(move || store.peers(site)).await;
        let known = known.unwrap_or_default();
        let mut tickets = self.peers.clone();
        for ticket in known.iter().filter_map(|peer| peer.ticket.parse().ok()) {
            let ticket: Ticket = ticket;
            if tickets.iter().all(|other| other.node() != ticket.node()) {
                tickets.push(ticket);
            }
        }
        tickets
    }

    /// Brings a version of which all or a part is not here from the first node that has it.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] if there is no such version, [`Kind::Retracted`] if its author took it back; else
    /// what the last node answered.
    pub(super) async fn bring(&self, site: SiteId, version: u64) -> Result<()> {
        let store = self.node.store.clone();
        let is_here = blocking(move || {
            let state = store.known(site)?;
            let entry = store.version(&state, Some(version))?;
            store.retractions(&state)?.is_whole(&store, &entry)
        });
        if is_here.await? {
            return Ok(());
        }
        let message = format!(
            "version {version} of skep://{site} is not on this machine with all its bytes, and no node that may have it is known"
        );
        let mut last = Error::new(Kind::NotFound, message)
            .hint("whoever gave you the address can give you a ticket of a node that has it");
        let mut holders = Holders::new(&self.node, site, self.who_may_have(site).await);
        while let Some(peer) = holders.next().await {
            match fetch::older(&self.node, site, &peer, version).await {
                Ok(_) => return Ok(()),
                Err(e) => last = e,
            }
        }
        Err(last)
    }

    /// The URL of a site's newest version.
    pub fn url_of(&self, site: SiteId) -> String {
        format!("http://{}:{}/", hostname::host_of(site, None), self.port)
    }

    /// The URL of a version of a site.
    ///
    /// # Errors
    ///
    /// [`Kind::Usage`] if its number is too long for the name of an origin.
    pub fn url_of_version(&self, site: SiteId, version: u64) -> Result<String> {
        if version > hostname::MAX_VERSION {
            return Err(Error::new(
                Kind::Usage,
                format!(
                    "version {version} can't be shown in a browser: names of origins have room for versions up to {}",
                    hostname::MAX_VERSION
                ),
            )
            .hint("`skep show` and `skep clone` read any version"));
        }
        let host = hostname::host_of(site, Some(version));
        Ok(format!("http://{host}:{}/", self.port))
    }

    /// The URL of a site's newest version for a browser that does not resolve names below `localhost`: an
    /// address of this machine that serves this site and never another. Whether a browser needs it, a page of
    /// this gateway finds out by a request to `http://probe.localhost:PORT/`.
    ///
    /// # Errors
    ///
    /// [`Kind::Io`] if no address can be had.
    pub async fn fallback_url(self: &Arc<Self>, site: SiteId) -> Result<String> {
        let address = loopback::address_of(self, site).await?;
        Ok(format!("http://{address}/"))
    }
}

/// Brings the newest version of a site from the first of `peers` that has it, or if none has, from the first node
/// that is found.
///
/// # Errors
///
/// What the last peer answered; [`Kind::NotFound`] if there are no peers and nobody is found.
pub async fn fetch_from(
    node: &Arc<Node>,
    site: SiteId,
    peers: &[Ticket],
) -> Result<fetch::Fetched> {
    let mut last = nobody(node, site);
    let mut holders = Holders::new(node, site, peers.to_vec());
    while let Some(peer) = holders.next().await {
        match fetch::newest(node, site, &peer, fetch::Wanted::Latest).await {
            Ok(fetched) => {
                holders.go_on(fetch::Wanted::Latest);
                return Ok(fetched);
            }
            // That two histories are about must be said, whatever else went wrong.
            Err(e) if last.kind != Kind::Conflict => last = e,
            Err(_) => {}
        }
    }
    Err(last)
}

/// No node is known that may have a site.
pub(super) fn nobody(node: &Node, site: SiteId) -> Error {
    let found = node.searched();
    let message = format!(
        "skep://{site} is not on this machine, and no node that may have it is known{found}"
    );
    Error::new(Kind::NotFound, message)
        .hint("name one with `--peer TICKET`; whoever gave you the address can give you a ticket")
}

/// The port to listen on: fixed, because it is part of origins, except where nothing but tests looks.
///
/// # Errors
///
/// If it is taken.
pub async fn listen(port: Option<u16>, network: Network) -> Result<TcpListener> {
    match (port, network) {
        (Some(port), _) => super::listen(port).await,
        (None, Network::Public | Network::Lan) => super::listen(PORT).await,
        (None, Network::Loopback) => match super::listen(PORT).await {
            Ok(listener) => Ok(listener),
            Err(_) => super::listen(0).await,
        },
    }
}

/// Serves the gateway until `shutdown`.
pub async fn serve(
    gateway: Arc<Gateway>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    if let Some(control) = gateway.control.clone() {
        tokio::task::spawn_blocking(move || control.look_ahead());
    }
    let router = Router::new().fallback(answer).with_state(gateway.clone());
    server::serve(listener, router, async move {
        shutdown.await;
        // Streams that wait for news would be waited for.
        gateway.live.close();
    })
    .await;
}

async fn answer(State(gateway): State<Arc<Gateway>>, request: Request) -> Response<Body> {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or("");
    match hostname::target(host, gateway.port) {
        Some(Target::Library) => match gateway.control.clone() {
            Some(control) => control::answer(gateway, control, request).await,
            None => kept::answer(&gateway, request.into_parts().0).await,
        },
        Some(Target::Site(site, version)) => {
            reading::answer(&gateway, site, version, request.into_parts().0).await
        }
        Some(Target::Probe) => probe(&gateway),
        Some(Target::Elsewhere(host)) => elsewhere(&host, &request.into_parts().0),
        None => plain(
            StatusCode::MISDIRECTED_REQUEST,
            "this gateway serves localhost and the sites' own names below it only",
        ),
    }
}

/// Tells the control pages, and nobody else, that the browser resolves names below `localhost`.
fn probe(gateway: &Gateway) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    if let Ok(origin) = HeaderValue::try_from(format!("http://localhost:{}", gateway.port)) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Leads to the same page under the name that it has. What changes something is not led anywhere.
fn elsewhere(host: &str, parts: &Parts) -> Response<Body> {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    match HeaderValue::try_from(format!("http://{host}{path}")) {
        Ok(target) if parts.method == Method::GET || parts.method == Method::HEAD => {
            let mut response = plain(StatusCode::PERMANENT_REDIRECT, "");
            response.headers_mut().insert(header::LOCATION, target);
            response
        }
        _ => plain(
            StatusCode::MISDIRECTED_REQUEST,
            "use the other name of this address",
        ),
    }
}
