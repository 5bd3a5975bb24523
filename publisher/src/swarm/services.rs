//! The services on the internet that help nodes to reach each other: whose they are.

use std::{fmt, str::FromStr};

use iroh::{
    Endpoint, RelayMode, RelayUrl,
    address_lookup::{DnsAddressLookup, PkarrPublisher},
    endpoint::{Builder, presets},
};
use serde::Deserialize;

/// Which services a node uses on the public network. If none is named they are those of number 0; if one is, no
/// other than the named ones are used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Services {
    /// The relay over which nodes talk that can't reach each other.
    pub relay: Option<ServiceUrl>,
    /// Where the node says over HTTP which relay it uses; not its addresses.
    pub pkarr: Option<ServiceUrl>,
    /// The domain below which DNS tells what others have said there.
    pub domain: Option<Domain>,
    /// Whether the node also says on the local network that it is there, and listens who else is.
    pub lan: bool,
}

impl Default for Services {
    fn default() -> Self {
        Self {
            relay: None,
            pkarr: None,
            domain: None,
            lan: true,
        }
    }
}

impl Services {
    /// Whether they are somebody's own, and number 0 learns nothing.
    pub fn are_own(&self) -> bool {
        self.relay.is_some() || self.pkarr.is_some() || self.domain.is_some()
    }

    /// An endpoint on the internet that uses them.
    pub(super) fn endpoint(&self) -> Builder {
        if !self.are_own() {
            return Endpoint::builder(presets::N0).proxy_from_env();
        }
        let relays = match &self.relay {
            Some(relay) => RelayMode::custom([relay.0.clone()]),
            None => RelayMode::Disabled,
        };
        let mut builder = Endpoint::builder(presets::Minimal)
            .proxy_from_env()
            .relay_mode(relays);
        if let Some(pkarr) = &self.pkarr {
            builder = builder.address_lookup(PkarrPublisher::builder((*pkarr.0).clone()));
        }
        if let Some(domain) = &self.domain {
            builder = builder.address_lookup(DnsAddressLookup::builder(domain.0.clone()));
        }
        builder
    }
}

/// The URL of a service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ServiceUrl(RelayUrl);

impl FromStr for ServiceUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = text.parse::<RelayUrl>().ok();
        let is_web = |url: &RelayUrl| matches!(url.scheme(), "http" | "https") && url.has_host();
        url.filter(is_web).map(Self).ok_or_else(|| {
            format!("`{text}` is no URL of a service: it begins with https:// or http://")
        })
    }
}

impl TryFrom<String> for ServiceUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Domain(String);

impl TryFrom<String> for Domain {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_label = |label: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            !label.is_empty() && label.len() < 64 && label.chars().all(is_plain)
        };
        let name = text.strip_suffix('.').unwrap_or(&text);
        match name.len() < 190 && name.split('.').all(is_label) {
            true => Ok(Self(text)),
            false => Err(format!("`{text}` is no name of a domain")),
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
