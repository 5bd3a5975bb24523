//! Peers of peers: who else is connected for a site, told to whoever asks.

use iroh::{EndpointAddr, EndpointId};

use super::{node::Node, serve::shared, wire::Response};
use crate::{archive::address::SiteId, error::Result};

/// The most nodes in an answer.
const MAX_PEERS: usize = 8;

/// The most addresses of one node: a machine has a few in each of its networks, and a relay.
const MAX_ADDRESSES: usize = 32;

/// The longest that these may be together, in bytes: all of an answer must fit into a frame.
const MAX_BYTES: usize = 1 << 10;

/// Whether an address is one that may be kept and told to others.
pub(super) fn is_bounded(address: &EndpointAddr) -> bool {
    (1..=MAX_ADDRESSES).contains(&address.addrs.len())
        && postcard::to_stdvec(address).is_ok_and(|bytes| bytes.len() <= MAX_BYTES)
}

/// Where a node says that it is, if it speaks for itself.
pub(super) fn own(address: Option<EndpointAddr>, node: EndpointId) -> Option<EndpointAddr> {
    address.filter(|address| address.id == node && is_bounded(address))
}

/// The answer to who asks for the peers of a site.
pub(super) async fn answer(node: &Node, site: SiteId, asks: EndpointId) -> Result<Response> {
    if shared(node, site).await?.is_none() {
        return Ok(Response::NotShared);
    }
    let mut peers = node.presence.reachable(site);
    peers.retain(|peer| peer.id != asks);
    // Each time others, if there are many.
    if peers.len() > MAX_PEERS {
        let mut random = [0; 8];
        let _ = getrandom::fill(&mut random);
        let from = u64::from_le_bytes(random) as usize % peers.len();
        peers.rotate_left(from);
        peers.truncate(MAX_PEERS);
    }
    Ok(Response::Peers(peers))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use iroh::{SecretKey, TransportAddr};

    use super::*;

    #[test]
    fn a_node_speaks_for_itself_and_not_without_end() {
        let id = SecretKey::from_bytes(&[1; 32]).public();
        let other = SecretKey::from_bytes(&[2; 32]).public();
        let ports = |count: u16| {
            let ports =
                (1..=count).map(|port| TransportAddr::Ip((Ipv4Addr::LOCALHOST, port).into()));
            EndpointAddr::from_parts(id, ports)
        };
        assert!(own(Some(ports(32)), id).is_some());
        for (address, node) in [
            (Some(ports(1)), other),
            (Some(ports(0)), id),
            (Some(ports(33)), id),
            (None, id),
        ] {
            assert!(own(address, node).is_none());
        }
        let relay = format!("https://{}.example", "a".repeat(2000))
            .parse()
            .unwrap();
        let long = EndpointAddr::from_parts(id, [TransportAddr::Relay(relay)]);
        assert!(own(Some(long), id).is_none());
    }
}
