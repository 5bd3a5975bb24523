//! [`Lan`]: the nodes on the local network, by multicast DNS. A node says there its key and its addresses, and
//! nothing of its sites.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use iroh::{
    Endpoint, EndpointAddr, EndpointId, TransportAddr, Watcher,
    address_lookup::{AddrFilter, AddressLookup, EndpointData},
};
use iroh_mdns_address_lookup::{DiscoveryEvent, MdnsAddressLookup};
use n0_future::StreamExt;
use tokio::{sync::broadcast, time::Instant};

use crate::error::{Error, Kind, Result};

/// The name of the service: other programs on iroh have other names, and are not asked for sites.
const SERVICE: &str = "skep1";
/// How often the others are asked who they are, by a node that has just come.
const QUICK: Duration = Duration::from_millis(700);
/// How long a node has just come.
const ARRIVAL: Duration = Duration::from_secs(12);
/// The same for one that has been there for a while: who comes asks by itself.
const SLOW: Duration = Duration::from_secs(60);
/// After how long a node has heard of all that are there, if there are not very many.
const SETTLED: Duration = Duration::from_secs(5);
/// The most nodes that are remembered. More may be there, or somebody invents them.
const MAX_NODES: usize = 128;
/// The most addresses of one node.
const MAX_ADDRESSES: usize = 16;
/// How often a node can appear: one that moves to and fro has nobody dial it without end.
const REAPPEAR: Duration = Duration::from_secs(30);

/// Who is on the local network.
#[derive(Clone)]
pub(in crate::swarm) struct Lan {
    nodes: Arc<Mutex<Nodes>>,
    arrivals: broadcast::Sender<EndpointAddr>,
    /// Until when others may still be heard of for the first time.
    settled: Instant,
}

#[derive(Debug, Default)]
struct Nodes {
    by_id: HashMap<EndpointId, Seen>,
    round: u64,
}

#[derive(Debug)]
struct Seen {
    addr: EndpointAddr,
    /// The round in which it was heard of last.
    round: u64,
    /// When others were told that it appeared.
    told: Instant,
}

impl Lan {
    /// Says on the local network that the endpoint is there, and hears who else is, until the endpoint closes.
    ///
    /// # Errors
    ///
    /// [`Kind::Io`] if this machine has no network with multicast.
    pub(in crate::swarm) fn join(endpoint: &Endpoint) -> Result<Self> {
        let lan = Self {
            nodes: Arc::default(),
            arrivals: broadcast::channel(MAX_NODES).0,
            settled: Instant::now() + SETTLED,
        };
        let first = listen(endpoint, QUICK)?;
        let (this, endpoint) = (lan.clone(), endpoint.clone());
        tokio::spawn(async move {
            let closed = endpoint.closed();
            tokio::select! {
                () = this.run(&endpoint, first) => {}
                () = closed => {}
            }
        });
        Ok(lan)
    }

    /// The nodes that are there.
    pub(super) fn nodes(&self) -> Vec<EndpointAddr> {
        let nodes = self.lock();
        nodes.by_id.values().map(|seen| seen.addr.clone()).collect()
    }

    /// The addresses of a node, if it is there.
    pub(in crate::swarm) fn addresses(&self, node: EndpointId) -> Vec<TransportAddr> {
        let nodes = self.lock();
        let seen = nodes.by_id.get(&node);
        seen.map_or(Vec::new(), |seen| seen.addr.addrs.iter().cloned().collect())
    }

    /// Whoever comes, or has other addresses than before, from now on.
    pub(super) fn arrivals(&self) -> broadcast::Receiver<EndpointAddr> {
        self.arrivals.subscribe()
    }

    /// Is there when most who are there have been heard of.
    pub(super) async fn settled(&self) {
        tokio::time::sleep_until(self.settled).await;
    }

    async fn run(&self, endpoint: &Endpoint, first: MdnsAddressLookup) {
        let mut addresses = endpoint.watch_addr();
        let mut mdns = Some(first);
        loop {
            // A moment of many questions, then few, until this machine is in another network.
            for (cadence, end) in [(QUICK, Some(ARRIVAL)), (SLOW, None)] {
                let listening = match mdns.take() {
                    Some(mdns) => Ok(mdns),
                    None => listen(endpoint, cadence),
                };
                let Ok(listening) = listening else {
                    // Without a network for now: the next address tells of another.
                    if addresses.updated().await.is_err() {
                        return;
                    }
                    break;
                };
                self.lock().round += 1;
                let end = end.map(|end| Instant::now() + end);
                self.hear(&listening, &mut addresses, cadence, end).await;
            }
        }
    }

    /// Hears of nodes until `end`, or without one, until this machine has other addresses.
    async fn hear(
        &self,
        mdns: &MdnsAddressLookup,
        addresses: &mut (impl Watcher<Value = EndpointAddr> + Unpin),
        cadence: Duration,
        end: Option<Instant>,
    ) {
        let mut here = addresses.get();
        publish(mdns, &here);
        let mut events = mdns.subscribe().await;
        let forget = tokio::time::sleep(cadence * 3);
        tokio::pin!(forget);
        let mut is_new = true;
        loop {
            let over = async {
                match end {
                    Some(end) => tokio::time::sleep_until(end).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = over => return,
                changed = addresses.updated() => {
                    // The end of the endpoint ends all of this.
                    let Ok(addr) = changed else { return };
                    // A relay that comes and goes is another matter.
                    if here.ip_addrs().ne(addr.ip_addrs()) {
                        publish(mdns, &addr);
                        here = addr;
                        if end.is_none() {
                            return;
                        }
                    }
                }
                () = &mut forget, if is_new => {
                    is_new = false;
                    self.lock().forget();
                }
                event = events.next() => match event {
                    Some(DiscoveryEvent::Discovered { endpoint_info, .. }) => {
                        self.heard(endpoint_info.into_endpoint_addr());
                    }
                    Some(DiscoveryEvent::Expired { endpoint_id }) => {
                        self.lock().by_id.remove(&endpoint_id);
                    }
                    Some(_) => {}
                    None => std::future::pending().await,
                },
            }
        }
    }

    fn heard(&self, addr: EndpointAddr) {
        if let Some(addr) = self.lock().heard(addr, Instant::now()) {
            // Nobody may be listening.
            let _ = self.arrivals.send(addr);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Nodes> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Nodes {
    /// Notes that a node is there, and returns where, if it appears now. Whoever is there already is not displaced
    /// by those who come when there are too many.
    fn heard(&mut self, addr: EndpointAddr, now: Instant) -> Option<EndpointAddr> {
        let id = addr.id;
        let ips = addr.addrs.into_iter().filter(|addr| !addr.is_relay());
        let addr = EndpointAddr::from_parts(id, ips.take(MAX_ADDRESSES));
        if addr.addrs.is_empty() || (self.by_id.len() >= MAX_NODES && !self.by_id.contains_key(&id))
        {
            return None;
        }
        let round = self.round;
        let Some(seen) = self.by_id.get_mut(&id) else {
            let told = now;
            self.by_id.insert(
                id,
                Seen {
                    addr: addr.clone(),
                    round,
                    told,
                },
            );
            return Some(addr);
        };
        seen.round = round;
        let appears = seen.addr != addr && now >= seen.told + REAPPEAR;
        if appears {
            seen.told = now;
        }
        seen.addr = addr;
        appears.then(|| seen.addr.clone())
    }

    /// Forgets those that were not heard of in this round.
    fn forget(&mut self) {
        let round = self.round;
        self.by_id.retain(|_, seen| seen.round == round);
    }
}

fn listen(endpoint: &Endpoint, cadence: Duration) -> Result<MdnsAddressLookup> {
    MdnsAddressLookup::builder()
        .service_name(SERVICE)
        .discovery_cadence(cadence)
        // A relay is of no use here, and tells where else the node is to be found.
        .addr_filter(AddrFilter::ip_only())
        .build(endpoint.id())
        .map_err(|e| {
            Error::new(Kind::Io, format!("can't hear of nodes on the local network: {e}"))
                .hint("is this machine in a network, and may this program use multicast (UDP port 5353)? `--network loopback` needs none")
        })
}

fn publish(mdns: &MdnsAddressLookup, addr: &EndpointAddr) {
    mdns.publish(&EndpointData::from_iter(addr.addrs.iter().cloned()));
}

impl fmt::Debug for Lan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lan({} nodes)", self.lock().by_id.len())
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use iroh::SecretKey;

    use super::*;

    fn id(n: u64) -> EndpointId {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&n.to_le_bytes());
        SecretKey::from_bytes(&key).public()
    }

    fn at(n: u64, ports: std::ops::Range<u16>) -> EndpointAddr {
        let addr = |port| TransportAddr::Ip(SocketAddr::from(([10, 0, 0, 1], port)));
        EndpointAddr::from_parts(id(n), ports.map(addr))
    }

    #[test]
    fn nodes_that_somebody_invents_displace_none_and_are_bounded() {
        let mut nodes = Nodes::default();
        let now = Instant::now();
        assert!(nodes.heard(at(0, 1..2), now).is_some());
        for n in 1..500 {
            nodes.heard(at(n, 1..1000), now);
        }
        assert_eq!(nodes.by_id.len(), MAX_NODES);
        assert_eq!(nodes.by_id[&id(0)].addr, at(0, 1..2));
        assert_eq!(nodes.by_id[&id(1)].addr.addrs.len(), MAX_ADDRESSES);
        assert_eq!(nodes.heard(at(999, 1..2), now), None);
        assert_eq!(Nodes::default().heard(at(1, 0..0), now), None, "nowhere");
    }

    #[test]
    fn who_moves_appears_again_but_not_all_the_time() {
        let mut nodes = Nodes::default();
        let now = Instant::now();
        nodes.heard(at(1, 1..2), now);
        assert_eq!(nodes.heard(at(1, 5..6), now), None);
        assert_eq!(nodes.by_id[&id(1)].addr, at(1, 5..6), "it is found there");
        let later = now + REAPPEAR;
        assert_eq!(nodes.heard(at(1, 5..6), later), None, "it has not moved");
        assert_eq!(nodes.heard(at(1, 7..8), later), Some(at(1, 7..8)));
    }

    #[test]
    fn who_is_not_heard_of_again_is_forgotten() {
        let mut nodes = Nodes::default();
        let now = Instant::now();
        nodes.heard(at(1, 1..2), now);
        nodes.heard(at(2, 1..2), now);
        nodes.round += 1;
        assert_eq!(nodes.heard(at(2, 1..2), now), None, "it is no arrival");
        nodes.forget();
        assert_eq!(nodes.by_id.keys().collect::<Vec<_>>(), [&id(2)]);
    }
}
