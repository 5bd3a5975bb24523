//! Addresses: `skep://<id>[+version[~hash]][/path][?via=<ticket>]`.

use std::{fmt, str::FromStr, sync::LazyLock};

use blake2::{Blake2b256, Digest};
use data_encoding::{Encoding, Specification};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use thiserror::Error;

use super::{
    hash::LogHash,
    path::{ArchivePath, PathError},
};

/// A site's identity: its Ed25519 public key.
///
/// As text it is z-base-32 of the key (32 bytes), a checksum (2) and the format version (1): 56
/// lower-case characters, which is a legal DNS label.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteId(pub [u8; 32]);

/// What a person gives another to read a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The site.
    pub site: SiteId,
    /// A version of it; the newest if there is none.
    pub version: Option<u64>,
    /// The beginning of that version's log hash: there may be several of one number, of which all but one
    /// were abandoned.
    pub leaf: Option<LeafPrefix>,
    /// A file of it.
    pub path: Option<ArchivePath>,
    /// A node that holds it, as a ticket.
    pub via: Option<String>,
}

/// The first 8 to 64 hexadecimal digits of the log hash of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafPrefix(String);

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressError {
    /// It does not begin with `skep://` or a site's id.
    #[error("an address begins with `skep://` and 56 letters and digits")]
    Form,
    /// The id has another length.
    #[error("the part after `skep://` has {0} characters; a site's id has 56: is a part missing?")]
    Length(usize),
    /// The id has a character outside the alphabet.
    #[error("`{0}` does not occur in a site's id (these do: {ALPHABET})")]
    Character(char),
    /// The checksum does not fit: something was mistyped.
    #[error("the checksum does not fit: a character is wrong or two are swapped")]
    Checksum,
    /// The id is of a later kind.
    #[error("this kind of address (version {0}) is newer than this skep")]
    UnknownVersion(u8),
    /// The version is not a number from 1.
    #[error("`+{0}` is not a version: versions are numbered from 1")]
    Version(String),
    /// The part after `~` is not the beginning of a hash.
    #[error(
        "`~{0}` is not the beginning of a version's hash: it has 8 to 64 digits of 0-9 and a-f"
    )]
    Leaf(String),
    /// The path can't be one.
    #[error(transparent)]
    Path(#[from] PathError),
}

const ALPHABET: &str = "ybndrfg8ejkmcpqxot1uwisza345h769";
const FORMAT_VERSION: u8 = 1;
const ID_CHARS: usize = 56;
const SCHEME: &str = "skep://";

/// What a URL's path may carry as it is.
const PATH_SET: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// z-base-32, most significant bit first:
/// <https://philzimmermann.com/docs/human-oriented-base-32-encoding.txt>.
static ZBASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut spec = Specification::new();
    spec.symbols.push_str(ALPHABET);
    #[expect(
        clippy::expect_used,
        reason = "the specification is a constant with 32 distinct symbols"
    )]
    spec.encoding().expect("32 distinct symbols")
});

impl SiteId {
    /// The first two bytes of a BLAKE2b-256 over everything else in the id.
    fn checksum(&self, version: u8) -> [u8; 2] {
        let mut hasher = Blake2b256::new();
        hasher.update(b"skep address checksum");
        hasher.update([version]);
        hasher.update(self.0);
        let hash = hasher.finalize();
        [hash[0], hash[1]]
    }
}

impl fmt::Display for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 35];
        bytes[..32].copy_from_slice(&self.0);
        bytes[32..34].copy_from_slice(&self.checksum(FORMAT_VERSION));
        bytes[34] = FORMAT_VERSION;
        f.write_str(&ZBASE32.encode(&bytes))
    }
}

impl fmt::Debug for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SiteId({})", &self.to_string()[..8])
    }
}

impl FromStr for SiteId {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        // A DNS label is case-insensitive, and some programs capitalise it.
        let text = text.to_ascii_lowercase();
        if let Some(stranger) = text.chars().find(|c| !ALPHABET.contains(*c)) {
            return Err(AddressError::Character(stranger));
        }
        if text.len() != ID_CHARS {
            return Err(AddressError::Length(text.len()));
        }
        let bytes = ZBASE32
            .decode(text.as_bytes())
            .map_err(|_| AddressError::Form)?;
        let (Some(key), &[a, b, version]) = (bytes.first_chunk::<32>(), &bytes[32..]) else {
            return Err(AddressError::Form);
        };
        let id = Self(*key);
        // First: a mistyped last character must not look like a later version.
        if id.checksum(version) != [a, b] {
            return Err(AddressError::Checksum);
        }
        if version != FORMAT_VERSION {
            return Err(AddressError::UnknownVersion(version));
        }
        Ok(id)
    }
}

impl Address {
    /// The address of the newest version of a whole site.
    pub fn of(site: SiteId) -> Self {
        Self {
            site,
            version: None,
            leaf: None,
            path: None,
            via: None,
        }
    }
}

impl LeafPrefix {
    /// As few digits as are told from others.
    const SHORT: usize = 8;

    /// A short form of `leaf`.
    pub fn of(leaf: LogHash) -> Self {
        let mut digits = leaf.to_string();
        digits.truncate(Self::SHORT);
        Self(digits)
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Result<Self, AddressError> {
        let digits = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        match (Self::SHORT..=64).contains(&text.len()) && text.chars().all(digits) {
            true => Ok(Self(text.to_owned())),
            false => Err(AddressError::Leaf(text.chars().take(80).collect())),
        }
    }
}

impl fmt::Display for LeafPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", self.site)?;
        if let Some(version) = self.version {
            write!(f, "+{version}")?;
            if let Some(leaf) = &self.leaf {
                write!(f, "~{leaf}")?;
            }
        }
        if let Some(path) = &self.path {
            write!(f, "/{}", utf8_percent_encode(path.as_str(), PATH_SET))?;
        }
        if let Some(via) = &self.via {
            write!(f, "?via={}", utf8_percent_encode(via, PATH_SET))?;
        }
        Ok(())
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// Reads an address, with or without its `skep://`; or as a link in a page has it, for which browsers
    /// want `web+skep://` or `web+skep:`.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let text = match text.strip_prefix("web+skep:") {
            Some(rest) => rest.strip_prefix("//").unwrap_or(rest),
            None => text,
        };
        let rest = match text.split_once("://") {
            Some(("skep", rest)) => rest,
            Some(_) => return Err(AddressError::Form),
            None => text,
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (site, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (id, version) = match site.split_once('+') {
            Some((id, version)) => (id, Some(version)),
            None => (site, None),
        };
        let (version, leaf) = match version.and_then(|version| version.split_once('~')) {
            Some((version, leaf)) => (Some(version), Some(LeafPrefix::parse(leaf)?)),
            None => (version, None),
        };
        let version = version.map(parse_version).transpose()?;
        let path = match decode(path).as_str() {
            "" => None,
            path => Some(ArchivePath::composed(path)?),
        };
        let via = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("via="))
            .map(decode);
        Ok(Self {
            site: id.parse()?,
            version,
            leaf,
            path,
            via,
        })
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn parse_version(text: &str) -> Result<u64, AddressError> {
    match text.parse() {
        Ok(version) if version > 0 => Ok(version),
        _ => Err(AddressError::Version(text.chars().take(40).collect())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn site() -> SiteId {
        SiteId([7; 32])
    }

    #[test]
    fn an_id_is_a_dns_label_of_56_characters() {
        let id = site().to_string();
        assert_eq!(
            id,
            "yhdoqba8yhdoqba8yhdoqba8yhdoqba8yhdoqba8yhdoqba8yhd4k8ob"
        );
        assert_eq!(id.parse::<SiteId>(), Ok(site()));
        assert_eq!(id.to_uppercase().parse::<SiteId>(), Ok(site()));
    }

    #[test]
    fn every_part_survives() {
        let address = Address {
            site: site(),
            version: Some(12),
            leaf: Some(LeafPrefix("ab12cd34".into())),
            path: Some(ArchivePath::new("a b/ü 100%?.html").unwrap()),
            via: Some("endpointabc".into()),
        };
        assert_eq!(address.to_string().parse(), Ok(address));
        assert_eq!(
            format!("{}/", Address::of(site())).parse(),
            Ok(Address::of(site()))
        );
        assert_eq!(site().to_string().parse(), Ok(Address::of(site())));
    }

    #[test]
    fn a_link_in_a_page_is_an_address() {
        let rest = format!("{}+3/a%20b.html?via=endpointabc", site());
        let address: Address = format!("skep://{rest}").parse().unwrap();
        for scheme in ["web+skep://", "web+skep:"] {
            assert_eq!(format!("{scheme}{rest}").parse(), Ok(address.clone()));
        }
        for wrong in ["web+skep://http://x", "web+other://", "web+skep://"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let id = site().to_string();
        let error = |text: &str| text.parse::<Address>().unwrap_err();
        assert_eq!(error("http://example.org"), AddressError::Form);
        assert_eq!(
            error(&format!("skep://{}", &id[1..])),
            AddressError::Length(55)
        );
        assert_eq!(error(&id.replace('b', "v")), AddressError::Character('v'));
        assert_eq!(error(&format!("{id}+0")), AddressError::Version("0".into()));
        for leaf in ["", "ab12cd3", "AB12CD34", "ab12cd3g", &"a".repeat(65)] {
            let text = format!("{id}+8~{leaf}");
            assert_eq!(error(&text), AddressError::Leaf(leaf.into()));
        }
        assert!(matches!(
            error(&format!("{id}/../x")),
            AddressError::Path(_)
        ));
    }

    #[test]
    fn a_later_kind_of_address_is_told_from_a_typing_error() {
        let mut bytes = [0; 35];
        bytes[..32].copy_from_slice(&site().0);
        bytes[32..34].copy_from_slice(&site().checksum(9));
        bytes[34] = 9;
        let later = ZBASE32.encode(&bytes).parse::<SiteId>();
        assert_eq!(later, Err(AddressError::UnknownVersion(9)));
        let mut typed = site().to_string();
        typed.replace_range(55.., "y");
        assert_eq!(typed.parse::<SiteId>(), Err(AddressError::Checksum));
    }

    proptest! {
        #[test]
        fn any_single_typing_error_is_recognised(key: [u8; 32], at in 0..56usize, other in 0..32usize) {
            let id = SiteId(key).to_string();
            let mut typed = id.clone().into_bytes();
            typed[at] = ALPHABET.as_bytes()[other];
            let typed = String::from_utf8(typed).unwrap();
            if typed != id {
                // Two bytes of checksum miss one error in 65,536: such a miss
                // may only ever yield another site, never this one.
                prop_assert_ne!(typed.parse::<SiteId>().ok(), Some(SiteId(key)));
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,80}") {
            let _ = text.parse::<Address>();
        }
    }
}
