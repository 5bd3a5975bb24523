//! [`Receipt`]: a node's signed statement that it keeps a version.

use ed25519_dalek::{Signature, VerifyingKey};

use super::{
    address::SiteId,
    codec::{DecodeError, Problem, Reader, put_uint},
    hash::LogHash,
    head::Head,
};

/// The signed statement: this node keeps version n of this site.
///
/// As with [`Head`], a value of this type carries a signature that was verified or just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The site.
    pub site: SiteId,
    /// The version: the log's length.
    pub length: u64,
    /// The log's root.
    pub root: LogHash,
    /// The node that keeps it: its Ed25519 public key.
    pub node: [u8; 32],
    /// When it said so, in seconds since 1970 by its own clock.
    pub time: u64,
    /// What it keeps.
    pub mode: Mode,
    signature: Signature,
}

/// How much of a site a node keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Every version.
    Whole,
    /// The newest version only.
    Latest,
}

impl Mode {
    /// Its name in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Latest => "latest",
        }
    }
}

const RECEIPT: &str = "receipt";
const FORMAT_VERSION: u8 = 1;
const DOMAIN: &[u8] = b"skep receipt\0";

impl Receipt {
    /// The longest encoded receipt, in bytes.
    pub const MAX_ENCODED: usize = 256;

    /// Makes a receipt for `head`; `sign` signs with the key of `node`.
    pub fn sign(
        head: &Head,
        node: [u8; 32],
        time: u64,
        mode: Mode,
        sign: impl FnOnce(&[u8]) -> [u8; 64],
    ) -> Self {
        let mut receipt = Self {
            site: head.site(),
            length: head.length(),
            root: head.root(),
            node,
            time,
            mode,
            signature: Signature::from_bytes(&[0; 64]),
        };
        receipt.signature = Signature::from_bytes(&sign(&receipt.signed_bytes()));
        receipt
    }

    /// The receipt's bytes. They name neither site nor node, which whoever asked knows.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![FORMAT_VERSION, self.mode_byte()];
        put_uint(&mut out, self.length);
        out.extend_from_slice(&self.root.0);
        put_uint(&mut out, self.time);
        out.extend_from_slice(&self.signature.to_bytes());
        out
    }

    /// Reads a receipt of `node` for `site` and verifies its signature.
    ///
    /// # Errors
    ///
    /// If the bytes are not a receipt, or that node did not sign it for that site.
    pub fn decode(site: SiteId, node: [u8; 32], bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(RECEIPT, bytes);
        reader.version(FORMAT_VERSION)?;
        let mode = match reader.byte()? {
            1 => Mode::Whole,
            2 => Mode::Latest,
            _ => return Err(reader.error(Problem::Invalid("unknown mode"))),
        };
        let receipt = Self {
            site,
            length: reader.uint()?,
            root: LogHash(reader.array()?),
            node,
            time: reader.uint()?,
            mode,
            signature: Signature::from_bytes(&reader.array()?),
        };
        reader.finish()?;
        VerifyingKey::from_bytes(&node)
            .and_then(|key| key.verify_strict(&receipt.signed_bytes(), &receipt.signature))
            .map_err(|_| DecodeError::invalid(RECEIPT, "its signature is not that node's"))?;
        Ok(receipt)
    }

    /// Whether it speaks of exactly the version of `head`.
    pub fn is_for(&self, head: &Head) -> bool {
        (self.site, self.length, self.root) == (head.site(), head.length(), head.root())
    }

    fn mode_byte(&self) -> u8 {
        match self.mode {
            Mode::Whole => 1,
            Mode::Latest => 2,
        }
    }

    /// What is signed: every field at a fixed length.
    fn signed_bytes(&self) -> Vec<u8> {
        let mut out = DOMAIN.to_vec();
        out.extend([FORMAT_VERSION, self.mode_byte()]);
        out.extend_from_slice(&self.site.0);
        out.extend_from_slice(&self.length.to_be_bytes());
        out.extend_from_slice(&self.root.0);
        out.extend_from_slice(&self.node);
        out.extend_from_slice(&self.time.to_be_bytes());
        out
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;

    fn receipt() -> Receipt {
        let head = Head::sign(&SigningKey::from_bytes(&[1; 32]), 3, LogHash([2; 32]));
        let node = SigningKey::from_bytes(&[3; 32]);
        Receipt::sign(
            &head,
            node.verifying_key().to_bytes(),
            1_000,
            Mode::Whole,
            |bytes| node.sign(bytes).to_bytes(),
        )
    }

    #[test]
    fn a_receipt_survives() {
        let receipt = receipt();
        let read = Receipt::decode(receipt.site, receipt.node, &receipt.encode());
        assert_eq!(read, Ok(receipt));
    }

    #[test]
    fn changed_foreign_and_borrowed_receipts_are_refused() {
        let receipt = receipt();
        let bytes = receipt.encode();
        for bit in 0..bytes.len() * 8 {
            let mut other = bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(Receipt::decode(receipt.site, receipt.node, &other).is_err());
        }
        let other_site = SiteId([7; 32]);
        assert!(Receipt::decode(other_site, receipt.node, &bytes).is_err());
        let other_node = SigningKey::from_bytes(&[4; 32]).verifying_key().to_bytes();
        assert!(Receipt::decode(receipt.site, other_node, &bytes).is_err());
    }
}
