//! Which port the mirror of each site has. A port stays with its site: browsers keep what a site stores
//! by origin, and links and proxies lead to it.

use std::collections::BTreeMap;

use skep_publisher::{
    archive::address::{Address, SiteId},
    error::Error,
    gateway,
    store::Store,
};
use tokio::net::TcpListener;

use crate::error::{CliError, Result};

/// The first and the last port of those that are tried where nobody names one.
const DEFAULT: (u16, u16) = (8080, 8180);
/// How many ports above a named one are tried for further sites.
const NEXT: u16 = 100;
/// How often the system is asked for any free port until it gives one that is no other site's.
const TRIES: usize = 64;

/// Opens the port of the mirror of each of `sites`, and records which they are. `port` is what was
/// asked for; with `is_named`, for the first site, else for one that has none.
pub(super) async fn open(
    store: &Store,
    sites: &[SiteId],
    is_named: bool,
    port: Option<u16>,
) -> Result<Vec<TcpListener>> {
    let given = store.given_ports()?;
    let mut ports: Vec<Option<u16>> = Vec::with_capacity(sites.len());
    for site in sites {
        ports.push(store.mirror_of(*site)?);
    }
    if let Some(port) = port.filter(|port| *port != 0) {
        let place = place_of(port, sites, &ports, &given, is_named)?;
        ports[place] = Some(port);
    }
    // Those that are fixed come first: no other site gets them.
    let mut listeners = Vec::with_capacity(sites.len());
    for (site, fixed) in sites.iter().zip(&ports) {
        listeners.push(match fixed {
            None => None,
            Some(own) => match gateway::listen(*own).await {
                Ok(listener) => Some(listener),
                Err(_) if port == Some(0) => None,
                Err(e) if port == Some(*own) => return Err(e.into()),
                Err(e) => return Err(taken(*own, *site, &e)),
            },
        });
    }
    let mut opened = Vec::with_capacity(sites.len());
    for listener in listeners {
        opened.push(match listener {
            Some(listener) => listener,
            None => another(port, &given).await?,
        });
    }
    for (site, listener) in sites.iter().zip(&opened) {
        let port = gateway::port_of(listener)?;
        if !store.claim_mirror(port, *site)? {
            return Err(CliError::usage(format!(
                "port {port} was given to another site"
            )));
        }
    }
    Ok(opened)
}

/// For which of `sites` the port is that was asked for.
fn place_of(
    port: u16,
    sites: &[SiteId],
    ports: &[Option<u16>],
    given: &BTreeMap<u16, SiteId>,
    is_named: bool,
) -> Result<usize> {
    let owner = given.get(&port);
    let is_owner = |site: &SiteId| owner == Some(site);
    let place = match is_named {
        true => Some(0),
        false => sites
            .iter()
            .position(is_owner)
            .or_else(|| ports.iter().position(Option::is_none))
            .or_else(|| (sites.len() == 1).then_some(0)),
    };
    let Some(place) = place else {
        return Err(CliError::usage(format!(
            "each of the {} sites has a port already",
            sites.len()
        ))
        .hint(format!(
            "name the one that moves: `skep host --pin ADDRESS --port {port}`"
        )));
    };
    match owner.filter(|owner| **owner != sites[place]) {
        None => Ok(place),
        Some(owner) => Err(CliError::usage(format!(
            "port {port} belongs to the mirror of {}, and can't serve {}",
            Address::of(*owner),
            Address::of(sites[place]),
        ))
        .hint("choose another port, or leave out `--port`: each site has one of its own")),
    }
}

/// A port that was given to no site so far.
async fn another(port: Option<u16>, given: &BTreeMap<u16, SiteId>) -> Result<TcpListener> {
    let (first, last) = match port {
        Some(0) => (1, 0),
        Some(port) => (port, port.saturating_add(NEXT)),
        None => DEFAULT,
    };
    for port in (first..=last).filter(|port| !given.contains_key(port)) {
        if let Ok(listener) = gateway::listen(port).await {
            return Ok(listener);
        }
    }
    for _ in 0..TRIES {
        let listener = gateway::listen(0).await?;
        if !given.contains_key(&gateway::port_of(&listener)?) {
            return Ok(listener);
        }
    }
    Err(
        CliError::usage("no port is free that was not given to a site before")
            .hint("name one: `skep host --pin ADDRESS --port PORT`"),
    )
}

fn taken(port: u16, site: SiteId, error: &Error) -> CliError {
    let address = Address::of(site);
    CliError::usage(format!(
        "port {port}, which the mirror of {address} has, can't be used: {error}"
    ))
    .hint(format!(
        "end the program that uses it, or move the mirror: `skep host --pin {address} --port PORT`"
    ))
}
