//! Some files of a site's newest version, with all that proves them: one answer from a peer, for a page that is
//! to be shown before the whole version is here.
//!
//! | module | what it does |
//! | --- | --- |
//! | `answer` | an answer, at the peer |
//! | `session` | a peer that is asked page by page, for one version |

mod answer;
mod session;

use std::{collections::HashMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, SeqAccess, Visitor},
};

pub(super) use answer::{Fronts, answer};
pub use session::Session;

use crate::{
    archive::{
        address::SiteId,
        entry::Entry,
        hash::{ContentHash, NodeHash},
        head::Head,
        log::Peaks,
        path::ArchivePath,
        tree::{self, File, NodeSource, node::Node},
    },
    error::{Error, Kind, Result},
};

/// The most paths of one request.
pub const MAX_PATHS: usize = 8;

/// The longest file that is sent so, in bytes. A longer one comes with the whole version.
pub const MAX_FILE: u64 = 256 << 10;

/// The longest answer, in bytes.
pub const MAX_ANSWER: usize = 4 << 20;

/// The most nodes of an answer: a way from the root to a leaf for each path.
const MAX_NODES: usize = MAX_PATHS * (Node::MAX_LEVEL as usize + 1);

/// What a peer answers to a request for paths, in postcard.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Page {
    /// The newest head.
    pub head: Vec<u8>,
    /// The last entry of its log, which has the tree.
    pub entry: Vec<u8>,
    /// The peaks of the log without that entry: the proof that the entry is the last one.
    pub before: Vec<u8>,
    /// The nodes of the tree on the way to each path, each once.
    #[serde(deserialize_with = "few::<_, MAX_NODES>")]
    pub nodes: Vec<Vec<u8>>,
    /// The files at these paths that have at most [`MAX_FILE`] bytes, in the order of the paths, each once.
    #[serde(deserialize_with = "few::<_, MAX_PATHS>")]
    pub files: Vec<Vec<u8>>,
}

/// What an answer has proved.
#[derive(Debug)]
pub struct Proven {
    /// The head.
    pub head: Head,
    /// Its last entry.
    pub entry: Entry,
    /// The nodes, by their hashes.
    pub nodes: Nodes,
    /// The files that came.
    pub files: Vec<(File, Vec<u8>)>,
}

/// Nodes of a tree.
#[derive(Debug, Default)]
pub struct Nodes(HashMap<NodeHash, Vec<u8>>);

impl Page {
    /// Reads an answer to a request for `paths` of `site`, and checks all of it.
    ///
    /// # Errors
    ///
    /// [`Kind::Hostile`] if it is not what the site's key signed, or lacks what is needed to tell.
    pub fn prove(site: SiteId, paths: &[ArchivePath], bytes: &[u8]) -> Result<Proven> {
        let page: Self = postcard::from_bytes(bytes).map_err(refused)?;
        let head = Head::decode(site, &page.head).map_err(refused)?;
        let mut log = Peaks::decode(&page.before).map_err(refused)?;
        // The length is compared first: to append counts it up.
        if log.length().checked_add(1) != Some(head.length()) {
            return Err(refused("its log has another length"));
        }
        log.append(&page.entry);
        if log.root() != Some(head.root()) {
            return Err(refused("the head does not sign its entry"));
        }
        let entry = Entry::decode(&page.entry).map_err(refused)?;
        if entry.number != head.length() {
            return Err(refused("its entry has the number of another version"));
        }
        let nodes = page.nodes.into_iter();
        let nodes = Nodes(nodes.map(|node| (NodeHash::of(&node), node)).collect());
        let wanted = files_at(&nodes, entry.tree, paths)?;
        if page.files.len() != wanted.len() {
            return Err(refused("it has more files or fewer than there are"));
        }
        let files: Vec<_> = wanted.into_iter().zip(page.files).collect();
        for (file, bytes) in &files {
            if bytes.len() as u64 != file.size || ContentHash::of(bytes) != file.hash {
                return Err(refused("a file is not the one that the tree names"));
            }
        }
        Ok(Proven {
            head,
            entry,
            nodes,
            files,
        })
    }
}

/// The files that an answer for these paths has, in its order.
fn files_at<S: NodeSource>(source: &S, root: NodeHash, paths: &[ArchivePath]) -> Result<Vec<File>>
where
    Error: From<tree::TreeError<S::Error>>,
{
    let mut files: Vec<File> = Vec::new();
    for path in paths {
        if let Some(file) = tree::find(source, root, path)?
            && file.size <= MAX_FILE
            && files.iter().all(|other| other.hash != file.hash)
        {
            files.push(file);
        }
    }
    Ok(files)
}

impl Nodes {
    /// The file at `path` in the tree `root`.
    ///
    /// # Errors
    ///
    /// [`Kind::Hostile`] if the nodes on the way are not those of a tree, or one is missing.
    pub fn find(&self, root: NodeHash, path: &ArchivePath) -> Result<Option<File>> {
        Ok(tree::find(self, root, path)?)
    }

    fn add(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    fn bytes(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}

/// A node is missing.
#[derive(Debug)]
pub struct Missing;

impl NodeSource for Nodes {
    type Error = Missing;

    fn node(&self, hash: NodeHash) -> std::result::Result<Vec<u8>, Missing> {
        self.0.get(&hash).cloned().ok_or(Missing)
    }
}

impl From<tree::TreeError<Missing>> for Error {
    fn from(error: tree::TreeError<Missing>) -> Self {
        match error {
            tree::TreeError::Source(Missing) => refused("a node of its tree is missing"),
            tree::TreeError::Tampered(hash) => refused(format!("the tree node {hash} is another")),
            tree::TreeError::Decode { hash, error } => {
                refused(format!("the tree node {hash}: {error}"))
            }
            tree::TreeError::Structure(_) | tree::TreeError::TooManyFiles => {
                refused("its nodes are not those of a tree")
            }
        }
    }
}

/// Reads a list of at most `MAX` items: short items take up more room in memory than in an answer.
fn few<'de, D: Deserializer<'de>, const MAX: usize>(from: D) -> Result<Vec<Vec<u8>>, D::Error> {
    struct Few<const MAX: usize>;

    impl<'de, const MAX: usize> Visitor<'de> for Few<MAX> {
        type Value = Vec<Vec<u8>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {MAX} items")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(item) = items.next_element()? {
                if all.len() == MAX {
                    return Err(de::Error::invalid_length(MAX + 1, &self));
                }
                all.push(item);
            }
            Ok(all)
        }
    }

    from.deserialize_seq(Few::<MAX>)
}

fn refused(why: impl fmt::Display) -> Error {
    Error::new(
        Kind::Hostile,
        format!("a peer sent a page that is refused: {why}"),
    )
}
