//! Which network an endpoint uses, and tickets: how to reach a node, as text.

use std::{fmt, net::Ipv4Addr, str::FromStr, time::Duration};

use ed25519_dalek::SigningKey;
use iroh::{
    Endpoint, EndpointAddr, RelayMode, SecretKey,
    endpoint::{PortmapperConfig, presets},
};
use iroh_tickets::endpoint::EndpointTicket;

use super::services::Services;
use super::transport;
use crate::error::{Error, Kind, Result};

/// Which network a node takes part in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// The internet, with the relays and the DNS service of number 0, who make iroh, or with [`Services`] of one's
    /// own; and the local network.
    Public,
    /// The local network: nodes find each other by multicast, and nothing beyond it is asked.
    Lan,
    /// This machine alone: nothing is looked up and nothing leaves it.
    Loopback,
}

/// How to reach a node.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket(pub(super) EndpointAddr);

impl Ticket {
    /// The node's public key.
    pub fn node(&self) -> [u8; 32] {
        *self.0.id.as_bytes()
    }
}

impl FromStr for Ticket {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let ticket: EndpointTicket = text.trim().parse().map_err(|_| {
            Error::new(Kind::Usage, "this is not a node's ticket")
                .hint("a ticket begins with `endpoint`; `skep host`, `skep node` and `skep browse` print theirs")
        })?;
        Ok(Self(ticket.into()))
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        EndpointTicket::new(self.0.clone()).fmt(f)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({})", self.0.id.fmt_short())
    }
}

impl Network {
    /// Opens an endpoint with the node's key.
    pub(super) async fn bind(self, services: &Services, key: &SigningKey) -> Result<Endpoint> {
        let builder = match self {
            Self::Public => services.endpoint(),
            Self::Lan => Endpoint::builder(presets::Minimal).relay_mode(RelayMode::Disabled),
            Self::Loopback => Endpoint::builder(presets::Minimal)
                .relay_mode(RelayMode::Disabled)
                .clear_ip_transports()
                .bind_addr((Ipv4Addr::LOCALHOST, 0))
                .map_err(|e| bind_error(&e))?,
        };
        builder
            // A port opened in the router is a change that nobody asked for.
            .portmapper_config(PortmapperConfig::Disabled)
            .transport_config(transport::accepting())
            .secret_key(SecretKey::from_bytes(key.as_bytes()))
            .bind()
            .await
            .map_err(|e| bind_error(&e))
    }

    /// How to reach the endpoint. On the public network it waits a little for a relay.
    pub(super) async fn ticket(self, endpoint: &Endpoint) -> Ticket {
        if self == Self::Public {
            // Offline, a ticket with the local addresses has to do.
            let _ = tokio::time::timeout(ONLINE_TIMEOUT, endpoint.online()).await;
        }
        Ticket(endpoint.addr())
    }

    /// Whether nodes that nobody named can be found in it.
    pub fn finds(self) -> bool {
        self != Self::Loopback
    }
}

const ONLINE_TIMEOUT: Duration = Duration::from_secs(5);

fn bind_error(error: &dyn fmt::Display) -> Error {
    Error::new(Kind::Io, format!("can't open a network port: {error}"))
        .hint("is the network up, and may this program use it?")
}
