//! [`Head`]: the signed statement that a site's log has a length and a root.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use thiserror::Error;

use super::{
    address::SiteId,
    codec::{DecodeError, Problem, Reader, put_uint},
    hash::LogHash,
};

/// The signed statement: this site's log has length n and root hash h.
///
/// A value of this type carries a signature that was verified, or was just made: there is no other way
/// to get one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    site: SiteId,
    length: u64,
    root: LogHash,
    signature: Signature,
}

/// Why bytes are not a head of a site.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HeadError {
    /// They are not a head at all.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The site's key did not sign this.
    #[error("the head is not signed by the key of {site}")]
    Forged {
        /// The site whose key should have signed.
        site: SiteId,
    },
}

const HEAD: &str = "head";
const FORMAT_VERSION: u8 = 1;
/// Who signed: the site key itself. Other values are kept for device keys under a cold root.
const SIGNER_SITE_KEY: u8 = 0;
const DOMAIN: &[u8] = b"skep head\0";

impl Head {
    /// The longest encoded head, in bytes.
    pub const MAX_ENCODED: usize = 256;

    /// Signs a head. Only for a log whose every entry and blob is durable.
    pub fn sign(key: &SigningKey, length: u64, root: LogHash) -> Self {
        let site = SiteId(key.verifying_key().to_bytes());
        let signature = key.sign(&signed_bytes(site, length, root));
        Self {
            site,
            length,
            root,
            signature,
        }
    }

    /// The site.
    pub fn site(&self) -> SiteId {
        self.site
    }

    /// How many entries the log has: the number of its newest version.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The log's root.
    pub fn root(&self) -> LogHash {
        self.root
    }

    /// The head's bytes. They do not name the site, which whoever asks knows.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![FORMAT_VERSION, SIGNER_SITE_KEY];
        put_uint(&mut out, self.length);
        out.extend_from_slice(&self.root.0);
        out.extend_from_slice(&self.signature.to_bytes());
        out
    }

    /// Reads a head of `site` and verifies its signature.
    ///
    /// # Errors
    ///
    /// If the bytes are not a head, or the site's key did not sign it.
    pub fn decode(site: SiteId, bytes: &[u8]) -> Result<Self, HeadError> {
        let mut reader = Reader::new(HEAD, bytes);
        reader.version(FORMAT_VERSION)?;
        let signer = reader.byte()?;
        reader.ensure(signer == SIGNER_SITE_KEY, "unknown kind of signer")?;
        let length = reader.uint()?;
        if length == 0 {
            return Err(reader
                .error(Problem::Invalid("it speaks of an empty log"))
                .into());
        }
        let root = LogHash(reader.array()?);
        let signature = Signature::from_bytes(&reader.array()?);
        reader.finish()?;
        VerifyingKey::from_bytes(&site.0)
            .and_then(|key| key.verify_strict(&signed_bytes(site, length, root), &signature))
            .map_err(|_| HeadError::Forged { site })?;
        Ok(Self {
            site,
            length,
            root,
            signature,
        })
    }
}

/// What is signed: domain, format version, key, length and root, all of fixed length.
fn signed_bytes(site: SiteId, length: u64, root: LogHash) -> Vec<u8> {
    let mut out = DOMAIN.to_vec();
    out.push(FORMAT_VERSION);
    out.extend_from_slice(&site.0);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&root.0);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[9; 32])
    }

    #[test]
    fn a_head_survives() {
        let head = Head::sign(&key(), 12, LogHash([5; 32]));
        assert_eq!(Head::decode(head.site(), &head.encode()), Ok(head));
    }

    #[test]
    fn any_flipped_bit_is_refused() {
        let head = Head::sign(&key(), 12, LogHash([5; 32]));
        let bytes = head.encode();
        for bit in 0..bytes.len() * 8 {
            let mut other = bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(Head::decode(head.site(), &other).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn another_key_is_refused() {
        let head = Head::sign(&key(), 12, LogHash([5; 32]));
        let site = SiteId(SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes());
        assert_eq!(
            Head::decode(site, &head.encode()),
            Err(HeadError::Forged { site })
        );
    }
}
