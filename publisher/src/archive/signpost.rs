//! [`Signpost`]: what the Mainline DHT says under a site's key: its newest head, and a few nodes that may have it.
//!
//! It is a mutable item of BEP 44, signed by the site key when the version is made, so that whoever holds the
//! site can put it again, unchanged, when the author is gone.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use super::{
    address::SiteId,
    codec::{DecodeError, Problem, Reader, put_bytes, put_uint},
    head::{Head, HeadError},
};

/// A site's head and some of its holders, signed as an item of the DHT.
///
/// As with [`Head`], a value of this type carries signatures that were verified or just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signpost {
    head: Head,
    holders: Vec<[u8; 32]>,
    signature: Signature,
}

const SIGNPOST: &str = "signpost";
const FORMAT_VERSION: u8 = 1;

impl Signpost {
    /// The salt that tells it from other items under the same key.
    pub const SALT: &[u8] = b"skep";
    /// The longest value that the DHT takes, in bytes.
    pub const MAX_VALUE: usize = 1000;
    /// The longest encoded signpost, in bytes.
    pub const MAX_ENCODED: usize = Self::MAX_VALUE + 64;
    /// The most nodes that it names.
    pub const MAX_HOLDERS: usize = 16;

    /// Signs what the DHT is to say of `head`; of `holders`, the best first, those that there is room for.
    /// `None` if the key is not that of the head's site, or its log is longer than the DHT can count.
    pub fn sign(key: &SigningKey, head: &Head, holders: &[[u8; 32]]) -> Option<Self> {
        if key.verifying_key().to_bytes() != head.site().0 {
            return None;
        }
        let mut kept: Vec<[u8; 32]> = Vec::new();
        for holder in holders {
            if kept.len() < Self::MAX_HOLDERS && !kept.contains(holder) {
                kept.push(*holder);
            }
        }
        let signed = signed_bytes(i64::try_from(head.length()).ok()?, &value_of(head, &kept));
        Some(Self {
            head: head.clone(),
            holders: kept,
            signature: key.sign(&signed),
        })
    }

    /// The head.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The nodes that may have the version of the head: what the author thought when it was made.
    pub fn holders(&self) -> &[[u8; 32]] {
        &self.holders
    }

    /// The item's value.
    pub fn value(&self) -> Vec<u8> {
        value_of(&self.head, &self.holders)
    }

    /// The item's sequence number: the length of the log, so that of two items the newer one is kept.
    pub fn sequence(&self) -> i64 {
        // No other can be made or read.
        i64::try_from(self.head.length()).unwrap_or(i64::MAX)
    }

    /// The item's signature by the site key.
    pub fn signature(&self) -> [u8; 64] {
        self.signature.to_bytes()
    }

    /// Its bytes between nodes and in a store: the value, then the signature.
    pub fn encode(&self) -> Vec<u8> {
        [&self.value()[..], &self.signature()].concat()
    }

    /// Reads one of `site` and verifies its signatures.
    ///
    /// # Errors
    ///
    /// If the bytes are none, or the site's key did not sign them.
    pub fn decode(site: SiteId, bytes: &[u8]) -> Result<Self, HeadError> {
        let Some((value, signature)) = bytes.split_last_chunk::<64>() else {
            return Err(Reader::new(SIGNPOST, bytes)
                .error(Problem::Truncated)
                .into());
        };
        Self::from_item(site, value, signature)
    }

    /// The same, of the value and signature of an item as the DHT gives it. Whoever has its sequence number
    /// compares that with [`sequence`](Self::sequence).
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn from_item(site: SiteId, value: &[u8], signature: &[u8; 64]) -> Result<Self, HeadError> {
        let mut reader = Reader::new(SIGNPOST, value);
        reader.ensure(
            value.len() <= Self::MAX_VALUE,
            "it is longer than an item of the DHT",
        )?;
        reader.version(FORMAT_VERSION)?;
        let head = Head::decode(site, reader.bytes("head", Head::MAX_ENCODED)?)?;
        let sequence = i64::try_from(head.length())
            .map_err(|_| DecodeError::invalid(SIGNPOST, "its log is too long for the DHT"))?;
        let count = reader.count("number of holders", Self::MAX_HOLDERS, 32)?;
        let mut holders = Vec::with_capacity(count);
        for _ in 0..count {
            let holder = reader.array()?;
            reader.ensure(!holders.contains(&holder), "it names a node twice")?;
            holders.push(holder);
        }
        reader.finish()?;
        let signature = Signature::from_bytes(signature);
        VerifyingKey::from_bytes(&site.0)
            .and_then(|key| key.verify_strict(&signed_bytes(sequence, value), &signature))
            .map_err(|_| HeadError::Forged { site })?;
        Ok(Self {
            head,
            holders,
            signature,
        })
    }
}

fn value_of(head: &Head, holders: &[[u8; 32]]) -> Vec<u8> {
    let mut out = vec![FORMAT_VERSION];
    put_bytes(&mut out, &head.encode());
    put_uint(&mut out, holders.len() as u64);
    out.extend(holders.iter().flatten());
    out
}

/// What BEP 44 has signed: salt, sequence number and value in bencode, without the dictionary around them.
fn signed_bytes(sequence: i64, value: &[u8]) -> Vec<u8> {
    let mut out = format!("4:salt{}:", Signpost::SALT.len()).into_bytes();
    out.extend_from_slice(Signpost::SALT);
    out.extend_from_slice(format!("3:seqi{sequence}e1:v{}:", value.len()).as_bytes());
    out.extend_from_slice(value);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::archive::hash::LogHash;

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[9; 32])
    }

    proptest! {
        #[test]
        fn a_signpost_survives_and_fits(
            length in 1..=i64::MAX as u64,
            holders in prop::collection::vec(any::<[u8; 32]>(), 0..40),
        ) {
            let head = Head::sign(&key(), length, LogHash([5; 32]));
            let signpost = Signpost::sign(&key(), &head, &holders).unwrap();
            prop_assert!(signpost.value().len() <= Signpost::MAX_VALUE);
            prop_assert_eq!(signpost.sequence() as u64, length);
            let bytes = signpost.encode();
            let read = Signpost::decode(head.site(), &bytes).unwrap();
            prop_assert_eq!(read.encode(), bytes);
            prop_assert_eq!(read, signpost);
        }
    }

    #[test]
    fn the_best_holders_are_named_each_once() {
        let head = Head::sign(&key(), 1, LogHash([5; 32]));
        let many: Vec<[u8; 32]> = (0..40).map(|n| [n / 2; 32]).collect();
        let signpost = Signpost::sign(&key(), &head, &many).unwrap();
        let named: Vec<u8> = signpost.holders().iter().map(|holder| holder[0]).collect();
        assert_eq!(named, (0..16).collect::<Vec<u8>>());
    }

    #[test]
    fn no_other_key_signs_it_and_no_log_is_longer_than_the_dht_counts() {
        let head = Head::sign(&key(), 1, LogHash([5; 32]));
        let other = SigningKey::from_bytes(&[8; 32]);
        assert!(Signpost::sign(&other, &head, &[]).is_none());
        let endless = Head::sign(&key(), u64::MAX, LogHash([5; 32]));
        assert!(Signpost::sign(&key(), &endless, &[]).is_none());
    }

    #[test]
    fn any_flipped_bit_another_site_and_an_item_of_other_parts_are_refused() {
        let head = Head::sign(&key(), 12, LogHash([5; 32]));
        let signpost = Signpost::sign(&key(), &head, &[[1; 32], [2; 32]]).unwrap();
        let bytes = signpost.encode();
        for bit in 0..bytes.len() * 8 {
            let mut other = bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(Signpost::decode(head.site(), &other).is_err(), "bit {bit}");
        }
        let site = SiteId(SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes());
        assert!(Signpost::decode(site, &bytes).is_err());
        // A head that the site signed, in an item that it did not.
        let foreign = SigningKey::from_bytes(&[8; 32]);
        let signed = foreign.sign(&signed_bytes(12, &signpost.value()));
        let forged = Signpost::from_item(head.site(), &signpost.value(), &signed.to_bytes());
        assert_eq!(forged, Err(HeadError::Forged { site: head.site() }));
        // The signature of an older item does not hold for a newer sequence number.
        let newer = Head::sign(&key(), 13, LogHash([5; 32]));
        let newer = value_of(&newer, signpost.holders());
        assert!(Signpost::from_item(head.site(), &newer, &signpost.signature()).is_err());
    }
}
