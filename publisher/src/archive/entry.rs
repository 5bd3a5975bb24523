//! [`Entry`]: the record of one version, and a leaf of the log.

use super::{
    address::SiteId,
    blobs::BlobSet,
    codec::{DecodeError, Problem, Reader, put_bytes, put_uint},
    hash::{LogHash, NodeHash},
};

/// The record of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What made it.
    pub kind: EntryKind,
    /// The version, counted from 1: its index in the log plus one.
    pub number: u64,
    /// When it was published, in seconds since 1970 by the author's clock.
    pub time: u64,
    /// The moment that the build took for the present, in seconds since 1970.
    pub as_of: u64,
    /// The root of its tree.
    pub tree: NodeHash,
    /// The root of the tree of its sources, if the author publishes them.
    pub sources: Option<NodeHash>,
    /// How many files the tree has.
    pub files: u64,
    /// How many bytes these files have together.
    pub bytes: u64,
    /// What the author says of it: at most [`Entry::MAX_MESSAGE`] bytes, without control characters but line feeds.
    pub message: String,
    /// The blobs that are new in this version.
    pub adds: BlobSet,
    /// The blobs of earlier versions that this version needs too.
    pub keeps: BlobSet,
    /// The blobs that the version before needed and this one does not; of a retraction, all that are to
    /// be deleted.
    pub drops: BlobSet,
    /// The site and version that this site was forked from.
    pub origin: Option<(SiteId, u64)>,
    /// Branches of the log that this one takes the place of. They are not longer than the log before it.
    pub abandoned: Vec<Branch>,
}

/// What made a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// Files were published.
    Publish,
    /// The files are those of the version before. Who holds the site is asked to drop what only these
    /// earlier versions need: from 1 to [`Entry::MAX_RETRACTED`], ascending, none of them the version
    /// before.
    Retract(Vec<u64>),
}

/// A branch of a log that was forked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Branch {
    /// How long the branch's log is.
    pub length: u64,
    /// Its root.
    pub root: LogHash,
    /// How many entries it has in common with the log that names it.
    pub fork_point: u64,
}

const ENTRY: &str = "entry";
const FORMAT_VERSION: u8 = 1;
const KIND_PUBLISH: u8 = 1;
const KIND_RETRACT: u8 = 2;
const FLAG_SOURCES: u8 = 1;
const FLAG_ORIGIN: u8 = 2;
/// 31 December 9999: later times are a mistake or an attack on whoever prints them.
const MAX_TIME: u64 = 253_402_300_799;

impl Entry {
    /// The longest encoded entry, in bytes.
    pub const MAX_ENCODED: usize = 2048;
    /// The longest message, in bytes.
    pub const MAX_MESSAGE: usize = 512;
    /// The most branches that one entry abandons.
    pub const MAX_ABANDONED: usize = 4;
    /// The most versions that one entry retracts.
    pub const MAX_RETRACTED: usize = 64;
    /// The most files in a tree.
    pub const MAX_FILES: u64 = 1 << 20;

    /// The entry's bytes.
    ///
    /// # Errors
    ///
    /// If a field is over its bound, which [`decode`](Self::decode) would refuse.
    pub fn encode(&self) -> Result<Vec<u8>, DecodeError> {
        let mut out = Vec::with_capacity(512);
        out.push(FORMAT_VERSION);
        out.push(match self.kind {
            EntryKind::Publish => KIND_PUBLISH,
            EntryKind::Retract(_) => KIND_RETRACT,
        });
        put_uint(&mut out, self.number);
        put_uint(&mut out, self.time);
        put_uint(&mut out, self.as_of);
        let flags = [
            (self.sources.is_some(), FLAG_SOURCES),
            (self.origin.is_some(), FLAG_ORIGIN),
        ];
        out.push(flags.iter().filter(|(set, _)| *set).map(|(_, f)| f).sum());
        out.extend_from_slice(&self.tree.0);
        if let Some(sources) = &self.sources {
            out.extend_from_slice(&sources.0);
        }
        put_uint(&mut out, self.files);
        put_uint(&mut out, self.bytes);
        put_bytes(&mut out, self.message.as_bytes());
        self.adds.encode(&mut out);
        self.keeps.encode(&mut out);
        self.drops.encode(&mut out);
        if let Some((site, version)) = &self.origin {
            out.extend_from_slice(&site.0);
            put_uint(&mut out, *version);
        }
        put_uint(&mut out, self.abandoned.len() as u64);
        for branch in &self.abandoned {
            put_uint(&mut out, branch.length);
            out.extend_from_slice(&branch.root.0);
            put_uint(&mut out, branch.fork_point);
        }
        if let EntryKind::Retract(versions) = &self.kind {
            put_uint(&mut out, versions.len() as u64);
            for version in versions {
                put_uint(&mut out, *version);
            }
        }
        // The decoder knows all bounds; to ask it is to have them once.
        Self::decode(&out)?;
        Ok(out)
    }

    /// Reads an entry.
    ///
    /// # Errors
    ///
    /// If the bytes are not an entry in its canonical form and within the format's bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(ENTRY, bytes);
        if bytes.len() > Self::MAX_ENCODED {
            return Err(reader.error(Problem::OverBound {
                field: "its length",
                value: bytes.len() as u64,
                bound: Self::MAX_ENCODED as u64,
            }));
        }
        reader.version(FORMAT_VERSION)?;
        let kind = reader.byte()?;
        let known = matches!(kind, KIND_PUBLISH | KIND_RETRACT);
        reader.ensure(known, "unknown kind of entry")?;
        let number = reader.uint()?;
        reader.ensure(number > 0, "versions are numbered from 1")?;
        let time = reader.uint_at_most("time", MAX_TIME)?;
        let as_of = reader.uint_at_most("as_of", MAX_TIME)?;
        let flags = reader.byte()?;
        reader.ensure(flags & !(FLAG_SOURCES | FLAG_ORIGIN) == 0, "unknown flag")?;
        let tree = NodeHash(reader.array()?);
        let sources = match flags & FLAG_SOURCES {
            0 => None,
            _ => Some(NodeHash(reader.array()?)),
        };
        let files = reader.uint_at_most("files", Self::MAX_FILES)?;
        let total = reader.uint()?;
        let message = reader.text("message", Self::MAX_MESSAGE)?;
        let plain = !message.chars().any(|c| c.is_control() && c != '\n');
        reader.ensure(plain, "the message has a control character")?;
        let adds = BlobSet::decode(&mut reader)?;
        let keeps = BlobSet::decode(&mut reader)?;
        let drops = BlobSet::decode(&mut reader)?;
        let origin = match flags & FLAG_ORIGIN {
            0 => None,
            _ => Some((SiteId(reader.array()?), reader.uint()?)),
        };
        let count = reader.count("abandoned branches", Self::MAX_ABANDONED, 34)?;
        let abandoned = (0..count)
            .map(|_| decode_branch(&mut reader, number))
            .collect::<Result<_, _>>()?;
        let kind = match kind {
            KIND_RETRACT => EntryKind::Retract(decode_retracted(&mut reader, number)?),
            _ => EntryKind::Publish,
        };
        reader.finish()?;
        Ok(Self {
            kind,
            number,
            time,
            as_of,
            tree,
            sources,
            files,
            bytes: total,
            message: message.to_owned(),
            adds,
            keeps,
            drops,
            origin,
            abandoned,
        })
    }

    /// The versions that it retracts, ascending.
    pub fn retracts(&self) -> &[u64] {
        match &self.kind {
            EntryKind::Publish => &[],
            EntryKind::Retract(versions) => versions,
        }
    }
}

/// The versions that entry `number` retracts.
fn decode_retracted(reader: &mut Reader<'_>, number: u64) -> Result<Vec<u64>, DecodeError> {
    let count = reader.count("retracted versions", Entry::MAX_RETRACTED, 1)?;
    reader.ensure(count > 0, "it retracts nothing")?;
    let versions = (0..count)
        .map(|_| reader.uint())
        .collect::<Result<Vec<_>, _>>()?;
    let ascend = versions[0] > 0 && versions.is_sorted_by(|a, b| a < b);
    reader.ensure(ascend, "retracted versions are not in order")?;
    // The version before is the newest as well: its files are this version's.
    let old = versions[count - 1] < number - 1;
    reader.ensure(old, "it retracts the newest version, or a later one")?;
    Ok(versions)
}

/// A branch that entry `number` abandons.
fn decode_branch(reader: &mut Reader<'_>, number: u64) -> Result<Branch, DecodeError> {
    let branch = Branch {
        length: reader.uint()?,
        root: LogHash(reader.array()?),
        fork_point: reader.uint()?,
    };
    // So a reader on it goes on to a longer log, and every chain of branches ends.
    let shorter = branch.fork_point < branch.length && branch.length < number;
    reader.ensure(
        shorter,
        "it abandons a branch that is not shorter than its log",
    )?;
    Ok(branch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{
        blobs::{BlobKind, BlobRef, ListRef},
        hash::ContentHash,
    };

    fn entry() -> Entry {
        let blob = |n| BlobRef {
            hash: ContentHash([n; 32]),
            kind: BlobKind::Pack,
            size: 1 << 30,
        };
        let list = |n| ListRef {
            hash: ContentHash([n; 32]),
            size: 1 << 20,
            count: 60_000,
        };
        Entry {
            kind: EntryKind::Publish,
            number: 12,
            time: 1_795_392_000,
            as_of: 1_795_391_000,
            tree: NodeHash([1; 32]),
            sources: Some(NodeHash([2; 32])),
            files: 10_020,
            bytes: 94_000_000,
            message: "m".repeat(Entry::MAX_MESSAGE),
            // The most that the writer's policy puts into an entry.
            adds: BlobSet {
                inline: (0..8).map(blob).collect(),
                lists: vec![],
            },
            keeps: BlobSet {
                inline: (10..18).map(blob).collect(),
                lists: (20..26).map(list).collect(),
            },
            drops: BlobSet {
                inline: vec![],
                lists: vec![list(1)],
            },
            origin: Some((SiteId([3; 32]), 7)),
            abandoned: vec![
                Branch {
                    length: 8,
                    root: LogHash([4; 32]),
                    fork_point: 5,
                };
                Entry::MAX_ABANDONED
            ],
        }
    }

    #[test]
    fn the_fullest_entry_survives() {
        let bytes = entry().encode().unwrap();
        assert_eq!(Entry::decode(&bytes).unwrap(), entry());
    }

    #[test]
    fn a_retraction_survives() {
        let mut retraction = entry();
        retraction.kind = EntryKind::Retract(vec![1, 3, 10]);
        let bytes = retraction.encode().unwrap();
        assert_eq!(Entry::decode(&bytes).unwrap(), retraction);
        // The longest that a log of a million versions can need.
        retraction.number = 1 << 20;
        retraction.kind = EntryKind::Retract((100_000..100_064).collect());
        let bytes = retraction.encode().unwrap();
        assert_eq!(Entry::decode(&bytes).unwrap(), retraction);
    }

    #[test]
    fn a_retraction_of_nothing_twice_or_the_newest_is_refused() {
        let of = |versions: Vec<u64>| {
            let mut retraction = entry();
            retraction.number = 100;
            retraction.kind = EntryKind::Retract(versions);
            retraction.encode()
        };
        assert!(of(vec![98]).is_ok());
        let wrong = [vec![], vec![0], vec![3, 3], vec![4, 3], vec![99], vec![100]];
        for versions in wrong.into_iter().chain([(1..=65).collect()]) {
            assert!(of(versions.clone()).is_err(), "{versions:?}");
        }
        // The first entry has none before it.
        let mut first = entry();
        first.number = 1;
        first.kind = EntryKind::Retract(vec![1]);
        assert!(first.encode().is_err());
    }

    #[test]
    fn every_cut_and_every_addition_is_refused() {
        let bytes = entry().encode().unwrap();
        for end in 0..bytes.len() {
            assert!(Entry::decode(&bytes[..end]).is_err());
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(
            Entry::decode(&longer).unwrap_err().problem,
            Problem::TrailingBytes
        );
    }

    #[test]
    fn what_a_decoder_would_refuse_is_not_encoded() {
        let with = |change: fn(&mut Entry)| {
            let mut entry = entry();
            change(&mut entry);
            entry.encode()
        };
        assert!(with(|e| e.message.push('m')).is_err());
        assert!(with(|e| e.message = "\x1b[2J".into()).is_err());
        assert!(with(|e| e.number = 0).is_err());
        assert!(with(|e| e.time = u64::MAX).is_err());
        assert!(with(|e| e.files = Entry::MAX_FILES + 1).is_err());
        assert!(with(|e| e.abandoned[0].length = 12).is_err());
        assert!(with(|e| e.abandoned[0].fork_point = 8).is_err());
        assert!(with(|e| e.abandoned.push(e.abandoned[0])).is_err());
    }
}
