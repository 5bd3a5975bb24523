//! How the Mainline DHT is used: what a person decides.

use std::{fmt, net::IpAddr};

use serde::Deserialize;

use crate::swarm::network::Network;

/// How the Mainline DHT is used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DhtSettings {
    /// Whether it is used at all.
    pub enabled: bool,
    /// The nodes of it to begin from; if there are none, those that everybody begins from.
    pub bootstrap: Vec<Place>,
    /// What is said there of this machine.
    pub addresses: Addresses,
}

impl Default for DhtSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            bootstrap: Vec::new(),
            addresses: Addresses::default(),
        }
    }
}

/// What the DHT is told of where a node is, while it holds something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Addresses {
    /// Its relays: nobody reads there which home holds which site. Who dials the node learns its addresses when
    /// it lets them connect directly.
    #[default]
    Relays,
    /// Its own addresses too, so that it is reached when no relay is there.
    All,
}

impl DhtSettings {
    /// The settings, if the DHT is used on a network. A local network asks nothing beyond it, and a machine alone
    /// only a DHT of its own.
    pub(crate) fn on(&self, network: Network) -> Option<Self> {
        let is_here = !self.bootstrap.is_empty() && self.bootstrap.iter().all(Place::is_loopback);
        let used = match network {
            Network::Public => true,
            Network::Lan => false,
            Network::Loopback => is_here,
        };
        (used && self.enabled).then(|| self.clone())
    }

    /// Whether the DHT is used on a network.
    pub fn is_used_on(&self, network: Network) -> bool {
        self.on(network).is_some()
    }
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Place {
    host: String,
    port: u16,
}

impl Place {
    fn is_loopback(&self) -> bool {
        let ip = self.host.parse::<IpAddr>();
        ip.is_ok_and(|ip| ip.is_loopback())
    }
}

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let place = text.rsplit_once(':').and_then(|(host, port)| {
            let good = (1..254).contains(&host.len()) && host.chars().all(is_plain);
            let port = port.parse().ok().filter(|port| *port > 0)?;
            good.then(|| Self {
                host: host.to_owned(),
                port,
            })
        });
        place.ok_or_else(|| {
            format!("`{text}` is no node of the DHT: it is named as HOST:PORT, by a name or an IPv4 address")
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(places: &[&str]) -> DhtSettings {
        let place = |text: &&str| Place::try_from((*text).to_owned()).unwrap();
        DhtSettings {
            bootstrap: places.iter().map(place).collect(),
            ..DhtSettings::default()
        }
    }

    #[test]
    fn a_network_uses_no_dht_beyond_itself() {
        let [everybody, here, there, both] = [
            from(&[]),
            from(&["127.0.0.1:6881"]),
            from(&["router.example:6881"]),
            from(&["127.0.0.1:6881", "192.0.2.1:6881"]),
        ];
        for settings in [&everybody, &here, &there, &both] {
            assert!(settings.is_used_on(Network::Public));
            assert!(!settings.is_used_on(Network::Lan));
            let off = DhtSettings {
                enabled: false,
                ..settings.clone()
            };
            assert!(!off.is_used_on(Network::Public));
        }
        let alone = [everybody, here, there, both].map(|s| s.is_used_on(Network::Loopback));
        assert_eq!(alone, [false, true, false, false]);
    }
}
