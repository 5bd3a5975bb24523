//! The encoding of one tree node.

use std::{borrow::Cow, fmt};

use crate::archive::{
    codec::{DecodeError, Problem, Reader, put_bytes, put_uint},
    hash::{ContentHash, NodeHash},
    path::ArchivePath,
};

/// What the tree says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The hash of its content.
    pub hash: ContentHash,
    /// Its length, in bytes.
    pub size: u64,
    /// What it is.
    pub media_type: MediaType,
}

/// A media type such as `text/html`: printable ASCII, at most [`MediaType::MAX_BYTES`] bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct MediaType(Cow<'static, str>);

/// What most files of most sites are: of these a tree in memory has no copy a file.
const USUAL: [&str; 8] = [
    "text/html",
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/svg+xml",
    "text/css",
    "text/javascript",
    "application/octet-stream",
];

impl MediaType {
    /// The longest media type, in bytes.
    pub const MAX_BYTES: usize = 127;

    /// Checks `text`; `None` if it could not stand in an HTTP header as it is.
    pub fn new(text: &str) -> Option<Self> {
        if let Some(usual) = USUAL.iter().find(|usual| **usual == text) {
            return Some(Self(Cow::Borrowed(usual)));
        }
        Self::is_legal(text).then(|| Self(text.to_owned().into()))
    }

    /// The same, of a text that is part of the program: most of ten thousand files share a few types.
    pub fn fixed(text: &'static str) -> Option<Self> {
        Self::is_legal(text).then_some(Self(Cow::Borrowed(text)))
    }

    /// The type of bytes of which nothing else is known.
    pub fn octet_stream() -> Self {
        Self(Cow::Borrowed("application/octet-stream"))
    }

    fn is_legal(text: &str) -> bool {
        let legal = |c: char| c.is_ascii_graphic() || c == ' ';
        (1..=Self::MAX_BYTES).contains(&text.len()) && text.chars().all(legal)
    }

    /// The media type as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One node of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Files in the order of their paths.
    Leaf(Vec<(ArchivePath, File)>),
    /// Nodes of the level below, in the order of their paths.
    Inner {
        /// How far above the leaves: from 1.
        level: u8,
        /// The children.
        children: Vec<Child>,
    },
}

/// What an inner node says of a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// The last path below the child.
    pub last: ArchivePath,
    /// The child.
    pub hash: NodeHash,
}

const NODE: &str = "tree node";
const FORMAT_VERSION: u8 = 1;

impl Node {
    /// The most files or children of a node.
    pub const MAX_ITEMS: usize = 64;
    /// The longest encoded node, in bytes.
    pub const MAX_ENCODED: usize =
        Self::MAX_ITEMS * (ArchivePath::MAX_BYTES + MediaType::MAX_BYTES + 48);
    /// The highest level. Each level has at most half as many nodes as the one below it.
    pub const MAX_LEVEL: u8 = 24;

    /// The node's bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Leaf(files) => encode_leaf(files.iter().map(|(path, file)| (path, file))),
            Self::Inner { level, children } => encode_inner(*level, children),
        }
    }

    /// Reads a node.
    ///
    /// # Errors
    ///
    /// If the bytes are not a node, or its paths are not in order.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(NODE, bytes);
        reader.version(FORMAT_VERSION)?;
        let level = reader.byte()?;
        reader.ensure(level <= Self::MAX_LEVEL, "its level is too high")?;
        let count = reader.count("items", Self::MAX_ITEMS, 34)?;
        let node = if level == 0 {
            let files = (0..count)
                .map(|_| {
                    let path = read_path(&mut reader)?;
                    let hash = ContentHash(reader.array()?);
                    let size =
                        reader.uint_at_most("file size", super::super::blobs::MAX_BLOB_SIZE)?;
                    let media_type = reader.text("media type", MediaType::MAX_BYTES)?;
                    let media_type = MediaType::new(media_type)
                        .ok_or_else(|| reader.error(Problem::Invalid("bad media type")))?;
                    let file = File {
                        hash,
                        size,
                        media_type,
                    };
                    Ok((path, file))
                })
                .collect::<Result<Vec<_>, DecodeError>>()?;
            let sorted = files.is_sorted_by(|(a, _), (b, _)| a < b);
            reader.ensure(sorted, "its paths are not in order")?;
            Self::Leaf(files)
        } else {
            let children = (0..count)
                .map(|_| {
                    Ok(Child {
                        last: read_path(&mut reader)?,
                        hash: NodeHash(reader.array()?),
                    })
                })
                .collect::<Result<Vec<_>, DecodeError>>()?;
            reader.ensure(!children.is_empty(), "it has no children")?;
            let sorted = children.is_sorted_by(|a, b| a.last < b.last);
            reader.ensure(sorted, "its paths are not in order")?;
            Self::Inner { level, children }
        };
        reader.finish()?;
        Ok(node)
    }

    /// How far above the leaves the node is.
    pub fn level(&self) -> u8 {
        match self {
            Self::Leaf(_) => 0,
            Self::Inner { level, .. } => *level,
        }
    }

    /// The last path in or below the node; `None` only in the tree without files.
    pub fn last(&self) -> Option<&ArchivePath> {
        match self {
            Self::Leaf(files) => files.last().map(|(path, _)| path),
            Self::Inner { children, .. } => children.last().map(|child| &child.last),
        }
    }
}

/// The bytes of a leaf with these files.
pub(super) fn encode_leaf<'a>(
    files: impl ExactSizeIterator<Item = (&'a ArchivePath, &'a File)>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + 96 * files.len());
    out.extend([FORMAT_VERSION, 0]);
    put_uint(&mut out, files.len() as u64);
    for (path, file) in files {
        put_bytes(&mut out, path.as_str().as_bytes());
        out.extend_from_slice(&file.hash.0);
        put_uint(&mut out, file.size);
        put_bytes(&mut out, file.media_type.as_str().as_bytes());
    }
    out
}

/// The bytes of an inner node with these children.
pub(super) fn encode_inner(level: u8, children: &[Child]) -> Vec<u8> {
    let mut out = vec![FORMAT_VERSION, level];
    put_uint(&mut out, children.len() as u64);
    for child in children {
        put_bytes(&mut out, child.last.as_str().as_bytes());
        out.extend_from_slice(&child.hash.0);
    }
    out
}

fn read_path(reader: &mut Reader<'_>) -> Result<ArchivePath, DecodeError> {
    let text = reader.text("path", ArchivePath::MAX_BYTES)?;
    ArchivePath::new(text).map_err(|_| reader.error(Problem::Invalid("it has an unsafe path")))
}
