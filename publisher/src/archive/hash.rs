//! The kinds of hash that the archive uses. They are different types, so that one is never taken for another.

use std::fmt;

use blake2::{Blake2b256, Digest};

macro_rules! hash_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), &self.to_string()[..8])
            }
        }
    };
}

hash_type! {
    /// BLAKE3-256 of some bytes as they are: the name of a blob, and of a file's content.
    ///
    /// It is the one hash without domain separation, because iroh-blobs verifies blobs by it as they
    /// stream. A file that is a blob of its own has therefore one name, not two.
    ContentHash
}

hash_type! {
    /// The hash of an encoded tree node: BLAKE3 in `derive_key` mode with a context of its own.
    NodeHash
}

hash_type! {
    /// A hash of the log's Merkle tree: BLAKE2b-256 with a prefix for leaf, parent and root, as in Dat.
    LogHash
}

const NODE_CONTEXT: &str = "skep 2026 archive v1 tree node";

impl ContentHash {
    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The hash of a file's bytes, which may be too many to have at once.
    ///
    /// # Errors
    ///
    /// If they can't be read.
    pub fn read(bytes: impl std::io::Read) -> std::io::Result<Self> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(bytes)?;
        Ok(Self(*hasher.finalize().as_bytes()))
    }
}

impl NodeHash {
    /// The hash of an encoded node.
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::derive_key(NODE_CONTEXT, bytes))
    }
}

impl LogHash {
    /// The hash of a leaf: an encoded entry.
    pub fn leaf(entry: &[u8]) -> Self {
        Self::of(&[&[0], entry])
    }

    /// The hash of the parent of two subtrees.
    pub fn parent(left: Self, right: Self) -> Self {
        Self::of(&[&[1], &left.0, &right.0])
    }

    /// The hash that a head signs: the log's length with its Merkle tree hash.
    pub fn root(length: u64, tree: Self) -> Self {
        Self::of(&[&[2], &length.to_be_bytes(), &tree.0])
    }

    fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = Blake2b256::new();
        for part in parts {
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }
}
