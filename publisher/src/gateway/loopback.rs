//! Origins for browsers that do not resolve names below `localhost`: an address of this machine for each
//! site, opened when it is asked for.
//!
//! A browser keeps storage and service workers by origin, for years. So an address that one site has had
//! is never another's, and that is recorded before the first byte is served there.

use std::{
    collections::VecDeque,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{Response, StatusCode, header},
};
use tokio::{net::TcpListener, task::AbortHandle};

use super::{local::Gateway, reading, server, site::plain};
use crate::{
    archive::address::SiteId,
    error::{Error, Kind, Result},
    swarm::node::blocking,
};

/// How many sites are served so at a time. The one that was opened first is closed for the next; its address stays its own.
const MAX_OPEN: usize = 64;

/// How often another address is tried.
const TRIES: usize = 16;

/// Ports that systems do not give to programs that ask for any.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// What is served at addresses of its own.
#[derive(Default)]
pub(super) struct Loopback {
    open: Mutex<VecDeque<(SiteId, SocketAddr, AbortHandle)>>,
    /// One at a time: two would open two addresses.
    opening: tokio::sync::Mutex<()>,
}

impl Drop for Loopback {
    fn drop(&mut self) {
        let open = self.open.get_mut().unwrap_or_else(PoisonError::into_inner);
        open.iter().for_each(|(_, _, task)| task.abort());
    }
}

/// The address at which a site is served, opened if it is not.
///
/// # Errors
///
/// [`Kind::Io`] if no address can be had.
pub(super) async fn address_of(gateway: &Arc<Gateway>, site: SiteId) -> Result<SocketAddr> {
    let _one = gateway.loopback.opening.lock().await;
    if let Some(address) = gateway.loopback.find(site) {
        return Ok(address);
    }
    let (listener, address) = open(gateway, site).await?;
    let served = Served {
        gateway: Arc::downgrade(gateway),
        site,
        address,
    };
    let router = Router::new().fallback(answer).with_state(Arc::new(served));
    // It ends with the gateway, or when another site needs its place.
    let task = tokio::spawn(server::serve(listener, router, std::future::pending()));
    gateway.loopback.add(site, address, task.abort_handle());
    Ok(address)
}

impl Loopback {
    fn find(&self, site: SiteId) -> Option<SocketAddr> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let found = open.iter().find(|(known, ..)| *known == site);
        found.map(|(_, address, _)| *address)
    }

    fn add(&self, site: SiteId, address: SocketAddr, task: AbortHandle) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() == MAX_OPEN
            && let Some((_, _, first)) = open.pop_front()
        {
            first.abort();
        }
        open.push_back((site, address, task));
    }
}

/// Opens an address that is the site's, or becomes it.
async fn open(gateway: &Gateway, site: SiteId) -> Result<(TcpListener, SocketAddr)> {
    let store = gateway.node.store.clone();
    for address in blocking(move || store.addresses_of(site)).await? {
        // The port of the site's mirror stays free for that.
        if address.ip() == Ipv4Addr::LOCALHOST && !PORTS.contains(&address.port()) {
            continue;
        }
        if let Ok(listener) = TcpListener::bind(address).await {
            return Ok((listener, address));
        }
    }
    for _ in 0..TRIES {
        let address = candidate(gateway.port, false)?;
        let (listener, address) = match TcpListener::bind(address).await {
            Ok(listener) => (listener, address),
            // There, this machine has one address for itself, and sites share it.
            Err(_) => {
                let address = candidate(gateway.port, true)?;
                match TcpListener::bind(address).await {
                    Ok(listener) => (listener, address),
                    Err(_) => continue,
                }
            }
        };
        let store = gateway.node.store.clone();
        if blocking(move || store.claim_address(address, site)).await? {
            return Ok((listener, address));
        }
    }
    Err(Error::new(
        Kind::Io,
        "no address on this machine could be opened for the site",
    )
    .hint("use a browser that resolves names such as `x.localhost`: Firefox and Chromium do"))
}

/// An address of this machine's own, at random: one that was given to a site from another folder of skep
/// can't be known here. Cookies belong to an address whatever its port, so that each site has its own if possible.
fn candidate(port: u16, shared: bool) -> Result<SocketAddr> {
    let mut random = [0; 4];
    getrandom::fill(&mut random)
        .map_err(|e| Error::new(Kind::Io, format!("the system gives no randomness: {e}")))?;
    let [a, b, c, d] = random;
    Ok(match shared {
        // 127.0 is left to everybody else; an address that ends in 0 or 255 may mean a network.
        false => (Ipv4Addr::new(127, a.max(1), b, c.clamp(1, 254)), port).into(),
        true => {
            let port = PORTS.start + u16::from_be_bytes([c, d]) % (PORTS.end - PORTS.start);
            (Ipv4Addr::LOCALHOST, port).into()
        }
    })
}

/// One site at one address.
struct Served {
    // The gateway owns the task that has this.
    gateway: Weak<Gateway>,
    site: SiteId,
    address: SocketAddr,
}

async fn answer(State(served): State<Arc<Served>>, request: Request) -> Response<Body> {
    let host = request.headers().get(header::HOST);
    let is_ours = host.is_some_and(|host| host.as_bytes() == served.address.to_string().as_bytes());
    match served.gateway.upgrade() {
        Some(gateway) if is_ours => {
            let (parts, _) = request.into_parts();
            reading::answer(&gateway, served.site, None, parts).await
        }
        _ => plain(
            StatusCode::MISDIRECTED_REQUEST,
            "this address serves one site, under this address alone",
        ),
    }
}
