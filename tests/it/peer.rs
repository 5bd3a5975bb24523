//! A peer that lies, on a bare endpoint.

use std::net::Ipv4Addr;

use iroh::{
    Endpoint, RelayMode,
    endpoint::{Connection, presets},
    protocol::{AcceptError, ProtocolHandler, Router},
};
use iroh_tickets::endpoint::EndpointTicket;
use skep_publisher::swarm::wire::{self, Request, Response};

/// Answers every question for a head with the same bytes.
#[derive(Debug, Clone)]
struct Liar {
    head: Vec<u8>,
}

/// A running peer that offers `head`, and its ticket.
pub(crate) struct LyingPeer {
    pub(crate) ticket: String,
    _router: Router,
    _runtime: tokio::runtime::Runtime,
}

impl LyingPeer {
    pub(crate) fn start(head: Vec<u8>) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (ticket, router) = runtime.block_on(async {
            let endpoint = Endpoint::builder(presets::Minimal)
                .relay_mode(RelayMode::Disabled)
                .clear_ip_transports()
                .bind_addr((Ipv4Addr::LOCALHOST, 0))
                .unwrap()
                .bind()
                .await
                .unwrap();
            let ticket = EndpointTicket::new(endpoint.addr()).to_string();
            let router = Router::builder(endpoint)
                .accept(wire::ALPN, Liar { head })
                .spawn();
            (ticket, router)
        });
        Self {
            ticket,
            _router: router,
            _runtime: runtime,
        }
    }
}

impl ProtocolHandler for Liar {
    async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
        while let Ok((mut send, mut receive)) = connection.accept_bi().await {
            let request: Result<Request, _> =
                wire::receive(&mut receive, wire::FRAME_TIMEOUT).await;
            let response = match request {
                Ok(Request::Head { .. }) => Response::Head(self.head.clone()),
                _ => Response::NotShared,
            };
            let _ = wire::send(&mut send, &response).await;
            let _ = send.finish();
        }
        Ok(())
    }
}
