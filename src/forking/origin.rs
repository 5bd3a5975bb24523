//! [`Origin`]: the version that a fork was made of, as its `skep.toml` says it.

use std::{fmt, str::FromStr};

use skep_publisher::{
    archive::{
        address::{Address, SiteId},
        entry::Entry,
        hash::LogHash,
    },
    error::Error,
};

use crate::{error::Result, fork::exact};

/// A version of a site: `skep://ID+7~ab12cd34`, its number and the first digits of its entry's log hash, so that it is
/// this version also if the site's history was forked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    site: SiteId,
    version: u64,
    address: Address,
}

impl Origin {
    /// The version of `site` that has this entry.
    pub(crate) fn of(site: SiteId, entry: &Entry) -> Result<Self> {
        let encoded = entry.encode().map_err(Error::damaged)?;
        Ok(Self {
            site,
            version: entry.number,
            address: exact(site, entry, LogHash::leaf(&encoded)),
        })
    }

    /// The address of the version.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// The site of which this is a version.
    pub(crate) fn site(&self) -> SiteId {
        self.site
    }

    /// Its number.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The same as entries have it.
    pub(crate) fn record(&self) -> (SiteId, u64) {
        (self.site, self.version)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl FromStr for Origin {
    /// Why it is none, as the end of a sentence.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address: Address = text
            .parse()
            .map_err(|e| format!("is not an address: {e}"))?;
        let version = address.version.ok_or("names no version: `skep://…+7`")?;
        match address.path.is_some() || address.via.is_some() {
            true => Err("names more than a version".to_owned()),
            false => Ok(Self {
                site: address.site,
                version,
                address,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_version_and_nothing_else() {
        let site = Address::of(SiteId([3; 32])).to_string();
        for text in [format!("{site}+7~ab12cd34"), format!("{site}+1")] {
            let origin: Origin = text.parse().unwrap();
            assert_eq!(origin.to_string(), text);
            assert_eq!(Some(origin.record().1), origin.address.version);
        }
        for (text, why) in [
            (site.clone(), "no version"),
            (format!("{site}+0"), "not an address"),
            (format!("{site}+7/a.html"), "more than a version"),
            (format!("{site}+7?via=endpointabc"), "more than a version"),
            ("https://example.org".to_owned(), "not an address"),
            (String::new(), "not an address"),
        ] {
            let error = text.parse::<Origin>().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
