//! Where nodes are, on the DHT: others are looked up there by their names, and this one says where it is while it
//! says that it holds something.

use std::{borrow::Cow, net::IpAddr, time::Duration};

use iroh::{
    Endpoint, EndpointId, SecretKey, TransportAddr,
    address_lookup::{AddrFilter, AddressLookup, EndpointData, Error as LookupError, Item},
    endpoint_info::EndpointInfo,
};
use iroh_mainline_address_lookup::DhtAddressLookup;
use n0_future::boxed::BoxStream;
use n0_mainline::{DhtBuilder, MutableItem};
use tokio::{sync::watch, task::JoinHandle};

use super::Addresses;
use crate::error::{Error, Kind, Result};

/// After how long the same is said again.
const AGAIN: Duration = Duration::from_secs(3600);
/// After how long it is tried again, if nobody took it.
const RETRY: Duration = Duration::from_secs(60);
/// How long an endpoint's addresses may change until they are said.
const SETTLE: Duration = Duration::from_millis(200);
/// How long others may keep what was said, in seconds: what iroh says.
const TTL: u32 = 30;

/// Says where this node is, as long as it exists and is told to.
#[derive(Debug)]
pub(super) struct Whereabouts {
    said: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What an endpoint asks and tells.
#[derive(Debug)]
struct Lookup {
    /// iroh's own. It has a client of the DHT for itself, which others can't use.
    resolver: DhtAddressLookup,
    /// Where the endpoint is, as it said last.
    data: watch::Sender<Option<EndpointData>>,
}

impl Whereabouts {
    /// Has an endpoint look others up by a client that `builder` makes. Nothing is said yet.
    pub(super) fn new(
        mainline: n0_mainline::Dht,
        builder: &DhtBuilder,
        addresses: Addresses,
        endpoint: &Endpoint,
    ) -> Result<Self> {
        let failed = |e: &dyn std::fmt::Display| {
            Error::new(Kind::Io, format!("can't look nodes up on the DHT: {e}"))
        };
        let resolver = DhtAddressLookup::builder()
            .dht_builder(builder.clone())
            .no_publish()
            .build();
        let (data, heard) = watch::channel(None);
        let lookup = Lookup {
            resolver: resolver.map_err(|e| failed(&e))?,
            data,
        };
        let services = endpoint.address_lookup().map_err(|e| failed(&e))?;
        services.add(lookup);
        let (said, says) = watch::channel(false);
        let task = tokio::spawn(say(
            mainline,
            endpoint.secret_key().clone(),
            addresses.filter(),
            heard,
            says,
        ));
        Ok(Self { said, task })
    }

    /// Whether it is said where this node is, from now on. What was said is forgotten within hours.
    pub(super) fn set_said(&self, said: bool) {
        self.said.send_if_modified(|now| {
            let changes = *now != said;
            *now = said;
            changes
        });
    }
}

impl Drop for Whereabouts {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl AddressLookup for Lookup {
    fn publish(&self, data: &EndpointData) {
        self.data.send_replace(Some(data.clone()));
    }

    fn resolve(&self, id: EndpointId) -> Option<BoxStream<Result<Item, LookupError>>> {
        self.resolver.resolve(id)
    }
}

impl Addresses {
    /// What is told of a node's addresses.
    fn filter(self) -> AddrFilter {
        match self {
            Self::Relays => AddrFilter::relay_only(),
            Self::All => AddrFilter::new(|all| {
                let useful = |address: &&TransportAddr| match address {
                    TransportAddr::Ip(address) => is_global(address.ip()),
                    _ => true,
                };
                let kept: Vec<_> = all.iter().filter(useful).cloned().collect();
                match kept.is_empty() {
                    false => Cow::Owned(kept),
                    // A network of its own, such as that of a test, has no others.
                    true => Cow::Borrowed(all),
                }
            }),
        }
    }
}

/// Whether an address means the same machine everywhere: those of one's own network help nobody elsewhere, and
/// are nobody's business.
fn is_global(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            // 100.64.0.0/10 is what providers share among their customers.
            let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_unspecified()
                || shared)
        }
        IpAddr::V6(ip) => {
            !(ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_unique_local()
                || ip.is_unicast_link_local())
        }
    }
}

/// Says where an endpoint is, whenever that changes and now and then, while `says`.
async fn say(
    mainline: n0_mainline::Dht,
    key: SecretKey,
    filter: AddrFilter,
    mut data: watch::Receiver<Option<EndpointData>>,
    mut says: watch::Receiver<bool>,
) {
    loop {
        if says.wait_for(|says| *says).await.is_err() {
            return;
        }
        let known = data.borrow_and_update().clone();
        let item = known.and_then(|data| item(&key, &data.apply_filter(&filter)));
        let wait = match item {
            Some(item) => match mainline.put_mutable(item, None).await {
                Ok(_) => AGAIN,
                Err(_) => RETRY,
            },
            None => AGAIN,
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = says.changed() => {}
            changed = data.changed() => match changed {
                Ok(()) => tokio::time::sleep(SETTLE).await,
                Err(_) => return,
            },
        }
    }
}

/// The item from which iroh reads where a node is.
fn item(key: &SecretKey, data: &EndpointData) -> Option<MutableItem> {
    if !data.has_addrs() {
        return None;
    }
    let info = EndpointInfo::from_parts(key.public(), data.clone());
    let packet = info.to_pkarr_signed_packet(key, TTL).ok()?;
    Some(MutableItem::new_signed_unchecked(
        *key.public().as_bytes(),
        packet.signature().to_bytes(),
        packet.encoded_packet(),
        i64::try_from(packet.timestamp().as_micros()).ok()?,
        None,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(addresses: Addresses, all: &[&str]) -> Vec<String> {
        let relay = "https://relay.example/".parse::<iroh::RelayUrl>().unwrap();
        let ips = all
            .iter()
            .map(|text| TransportAddr::Ip(text.parse().unwrap()));
        let mut data = EndpointData::new(ips.collect());
        if all.len() > 1 {
            data.add_relay_url(relay);
        }
        let told = data.apply_filter(&addresses.filter()).into_owned();
        let mut told: Vec<_> = told
            .addrs()
            .map(|address| match address {
                TransportAddr::Ip(address) => address.to_string(),
                _ => "relay".to_owned(),
            })
            .collect();
        told.sort();
        told
    }

    #[test]
    fn home_addresses_are_told_only_if_a_person_says_so_and_those_of_the_house_never() {
        let all = [
            "203.0.113.7:4000",
            "192.168.1.2:4000",
            "100.70.0.1:4000",
            "127.0.0.1:4000",
            "[2001:db8::1]:4000",
            "[fd00::1]:4000",
            "[fe80::1]:4000",
            "[::ffff:10.0.0.1]:4000",
        ];
        assert_eq!(told(Addresses::Relays, &all), ["relay"]);
        assert_eq!(
            told(Addresses::All, &all),
            ["203.0.113.7:4000", "[2001:db8::1]:4000", "relay"]
        );
        // Nothing but a network of its own.
        assert_eq!(told(Addresses::All, &all[1..2]), ["192.168.1.2:4000"]);
        assert!(told(Addresses::Relays, &all[1..2]).is_empty());
    }
}
