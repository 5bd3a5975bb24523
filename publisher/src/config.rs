//! `config.toml` in the home: what a person decides about the node of this machine.

use std::fs;

use serde::Deserialize;

use crate::{
    error::{Error, Kind, Result},
    home::Home,
    swarm::{Limits, Services, find::DhtSettings},
};

/// The name of the file.
pub const FILE: &str = "config.toml";

/// The longest such file, in bytes.
const MAX_SIZE: u64 = 64 << 10;

/// What a person decides. Without a file, everything is as it is by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whose services are used. A change takes effect when a node starts.
    pub network: Services,
    /// What the node gives and keeps at most. A change takes effect at once.
    pub limits: Limits,
    /// How the Mainline DHT is used. A change takes effect when a node starts.
    pub dht: DhtSettings,
}

impl Config {
    /// Reads the file of a home.
    ///
    /// # Errors
    ///
    /// [`Kind::Usage`] with the line, if it can't be understood; [`Kind::Io`] if it can't be read.
    pub fn read(home: &Home) -> Result<Self> {
        let path = home.root().join(FILE);
        let size = match fs::metadata(&path) {
            Ok(found) => found.len(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(Error::io("read", &path, &e)),
        };
        if size > MAX_SIZE {
            let message = format!("{} has {size} bytes, over {MAX_SIZE}", path.display());
            return Err(Error::new(Kind::Usage, message));
        }
        let text = fs::read_to_string(&path).map_err(|e| Error::io("read", &path, &e))?;
        Self::parse(&text).map_err(|(line, why)| {
            let message = format!("{}, line {line}: {why}", path.display());
            Error::new(Kind::Usage, message)
                .hint("mend that line, or delete it: what is not there is as it is by default")
        })
    }

    /// Reads such a file's text.
    ///
    /// # Errors
    ///
    /// In which line, from 1 on, is what can't be understood, and why.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        toml::from_str(text).map_err(|e| {
            let start = e.span().map_or(0, |span| span.start.min(text.len()));
            let line = text.as_bytes()[..start]
                .iter()
                .filter(|b| **b == b'\n')
                .count()
                + 1;
            (line, e.message().trim().replace('\n', " "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm::find::Addresses;

    #[test]
    fn no_file_is_the_default_and_every_setting_is_read() {
        assert_eq!(Config::parse(""), Ok(Config::default()));
        let text = r#"
            [network]
            relay = "https://relay.example.org"
            pkarr = "http://10.0.0.1:8080/pkarr"
            domain = "dns.example.org"
            lan = false
            [limits]
            upload = 500
            connections = 64
            disk = 2000
        "#;
        let Config {
            network, limits, ..
        } = Config::parse(text).unwrap();
        assert_eq!(
            limits.to_string(),
            "500 kB/s up, 64 connections, 2000 MB for sites of others"
        );
        assert_eq!(
            network.relay.unwrap().to_string(),
            "https://relay.example.org/"
        );
        assert_eq!(
            network.pkarr.unwrap().to_string(),
            "http://10.0.0.1:8080/pkarr"
        );
        assert_eq!(network.domain.unwrap().to_string(), "dns.example.org");
        assert!(!network.lan);
        let text = r#"
            [dht]
            enabled = false
            bootstrap = ["router.example.org:6881", "192.0.2.1:1"]
            addresses = "all"
        "#;
        let dht = Config::parse(text).unwrap().dht;
        assert!(!dht.enabled && Config::default().dht.enabled);
        let places: Vec<_> = dht.bootstrap.iter().map(ToString::to_string).collect();
        assert_eq!(places, ["router.example.org:6881", "192.0.2.1:1"]);
        assert_eq!(dht.addresses, Addresses::All);
        assert_eq!(Config::default().dht.addresses, Addresses::Relays);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, line, why) in [
            ("[network]\nrelays = 'x'\n", 2, "unknown field `relays`"),
            ("\n\n[nework]\n", 3, "unknown field `nework`"),
            (
                "[network]\nlan = false\nrelay = 'ftp://x'\n",
                3,
                "`ftp://x`",
            ),
            ("[network]\nrelay = 'relay.example'", 2, "https://"),
            ("[network]\ndomain = 'a b'", 2, "`a b`"),
            ("[network]\nlan = 1", 2, "invalid type"),
            ("[limits]\n\nupload = 15", 3, "at least 16"),
            ("[limits]\nupload = -1", 2, "invalid value"),
            ("[limits]\nconnections = 3", 2, "4 to 4096"),
            ("[limits]\ndisk = '1 GB'", 2, "invalid type"),
            ("[dht]\n\nbootstrap = ['a:1', 'b']", 3, "`b`"),
            ("[dht]\nbootstrap = ['a:0']", 2, "HOST:PORT"),
            ("[dht]\naddresses = 'some'", 2, "`relays` or `all`"),
            ("[network\n", 1, ""),
        ] {
            let (found, said) = Config::parse(text).unwrap_err();
            assert!(said.contains(why), "{text:?}: {said}");
            assert_eq!(found, line, "{text:?}: {said}");
        }
    }
}
