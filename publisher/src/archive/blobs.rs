//! Which blobs a version consists of. Fetching, allow-lists and quotas read only this, never the tree.

use std::collections::BTreeMap;

use super::{
    codec::{DecodeError, Problem, Reader, put_uint},
    hash::ContentHash,
};

/// One blob of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobRef {
    /// Its name.
    pub hash: ContentHash,
    /// What it holds.
    pub kind: BlobKind,
    /// How long it is, in bytes.
    pub size: u64,
}

/// What a blob holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobKind {
    /// Many small files and tree nodes: see [`pack`](super::pack).
    Pack,
    /// One file as it is.
    File,
}

/// A blob that holds a list of blobs: what does not fit into an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListRef {
    /// The name of the list's blob.
    pub hash: ContentHash,
    /// How long that blob is, in bytes.
    pub size: u64,
    /// How many blobs it names.
    pub count: u64,
}

/// A set of blobs: a few in clear, the others by lists. No blob is in it twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlobSet {
    /// In clear, sorted by hash, at most [`BlobSet::MAX_INLINE`].
    pub inline: Vec<BlobRef>,
    /// By list, sorted by hash, at most [`BlobSet::MAX_LISTS`].
    pub lists: Vec<ListRef>,
}

/// The longest blob, in bytes: 1 TiB.
pub const MAX_BLOB_SIZE: u64 = 1 << 40;

impl BlobRef {
    const MIN_ENCODED: usize = 34;

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.hash.0);
        out.push(match self.kind {
            BlobKind::Pack => 1,
            BlobKind::File => 2,
        });
        put_uint(out, self.size);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            hash: ContentHash(reader.array()?),
            kind: match reader.byte()? {
                1 => BlobKind::Pack,
                2 => BlobKind::File,
                _ => return Err(reader.error(Problem::Invalid("unknown kind of blob"))),
            },
            size: reader.uint_at_most("blob size", MAX_BLOB_SIZE)?,
        })
    }
}

impl BlobSet {
    /// The most blobs in clear.
    pub const MAX_INLINE: usize = 16;
    /// The most lists.
    pub const MAX_LISTS: usize = 16;

    /// How many blobs the set has.
    pub fn count(&self) -> u64 {
        let listed: u64 = self.lists.iter().map(|list| list.count).sum();
        self.inline.len() as u64 + listed
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_uint(out, self.inline.len() as u64);
        for blob in &self.inline {
            blob.encode(out);
        }
        put_uint(out, self.lists.len() as u64);
        for list in &self.lists {
            out.extend_from_slice(&list.hash.0);
            put_uint(out, list.size);
            put_uint(out, list.count);
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = reader.count("inline blobs", Self::MAX_INLINE, BlobRef::MIN_ENCODED)?;
        let inline = (0..count)
            .map(|_| BlobRef::decode(reader))
            .collect::<Result<Vec<_>, _>>()?;
        let count = reader.count("blob lists", Self::MAX_LISTS, BlobRef::MIN_ENCODED)?;
        let lists = (0..count)
            .map(|_| {
                Ok(ListRef {
                    hash: ContentHash(reader.array()?),
                    size: reader.uint_at_most("list size", MAX_LIST_SIZE)?,
                    count: reader.uint_at_most("list count", MAX_LIST_COUNT as u64)?,
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let sorted = inline.is_sorted_by(|a, b| a.hash < b.hash)
            && lists.is_sorted_by(|a, b| a.hash < b.hash);
        reader.ensure(sorted, "blobs are not in order, or one is there twice")?;
        Ok(Self { inline, lists })
    }
}

/// The most blobs that one list names.
pub const MAX_LIST_COUNT: usize = 65_536;
/// The longest list blob, in bytes.
pub const MAX_LIST_SIZE: u64 = 4 << 20;

const LIST: &str = "blob list";
const LIST_VERSION: u8 = 1;

/// A list's blob: its bytes and how an entry refers to it. `blobs` are at most [`MAX_LIST_COUNT`].
pub fn encode_list(blobs: &BTreeMap<ContentHash, BlobRef>) -> (ListRef, Vec<u8>) {
    let mut out = vec![LIST_VERSION];
    put_uint(&mut out, blobs.len() as u64);
    for blob in blobs.values() {
        blob.encode(&mut out);
    }
    let list = ListRef {
        hash: ContentHash::of(&out),
        size: out.len() as u64,
        count: blobs.len() as u64,
    };
    (list, out)
}

/// Reads the blob that `list` refers to.
///
/// # Errors
///
/// If `bytes` are not that blob, or not a list.
pub fn decode_list(list: &ListRef, bytes: &[u8]) -> Result<Vec<BlobRef>, DecodeError> {
    let mut reader = Reader::new(LIST, bytes);
    reader.ensure(ContentHash::of(bytes) == list.hash, "it has another hash")?;
    reader.version(LIST_VERSION)?;
    let count = reader.count("blobs", MAX_LIST_COUNT, BlobRef::MIN_ENCODED)?;
    reader.ensure(count as u64 == list.count, "it has another count")?;
    let blobs = (0..count)
        .map(|_| BlobRef::decode(&mut reader))
        .collect::<Result<Vec<_>, _>>()?;
    let sorted = blobs.is_sorted_by(|a, b| a.hash < b.hash);
    reader.ensure(sorted, "blobs are not in order, or one is there twice")?;
    reader.finish()?;
    Ok(blobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(n: u8) -> BlobRef {
        BlobRef {
            hash: ContentHash([n; 32]),
            kind: BlobKind::File,
            size: u64::from(n) * 1000,
        }
    }

    #[test]
    fn a_list_survives_and_its_twin_does_not() {
        let blobs = (1..100).map(|n| (blob(n).hash, blob(n))).collect();
        let (list, bytes) = encode_list(&blobs);
        let read = decode_list(&list, &bytes).unwrap();
        assert_eq!(read, blobs.into_values().collect::<Vec<_>>());

        let mut other = bytes.clone();
        other[40] ^= 1;
        assert!(decode_list(&list, &other).is_err());
        let cut = &bytes[..bytes.len() - 1];
        let of_cut = ListRef {
            hash: ContentHash::of(cut),
            ..list
        };
        assert_eq!(
            decode_list(&of_cut, cut).unwrap_err().problem,
            Problem::Truncated
        );
    }

    #[test]
    fn a_set_in_disorder_is_refused() {
        let set = BlobSet {
            inline: vec![blob(2), blob(1)],
            lists: vec![],
        };
        let mut bytes = Vec::new();
        set.encode(&mut bytes);
        assert!(BlobSet::decode(&mut Reader::new("set", &bytes)).is_err());
    }
}
