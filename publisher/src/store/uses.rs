//! How many objects of each blob a version uses. A blob of which none is used any more is not needed by the
//! next version; to find that out by counting again would cost every publish a walk through the whole site.
//!
//! An object is a file or a tree node; a file that has two paths counts twice. A file that is a blob of its
//! own is that blob's only object.

use std::{cell::RefCell, collections::BTreeMap};

use redb::{ReadTransaction, TableDefinition, WriteTransaction};

use super::{Reader, SiteState, Store};
use crate::{
    archive::{
        entry::Entry,
        hash::{ContentHash, NodeHash},
        tree::{self, NodeSource},
    },
    error::{Error, Result},
};

/// How many objects of each blob are used.
pub(crate) type Uses = BTreeMap<ContentHash, u64>;

/// The trees of a version: that of its files and that of its sources, which is all zero if it has none.
pub(crate) type Trees = (NodeHash, NodeHash);

/// A count, as far as it is to be recorded.
#[derive(Debug)]
pub(crate) struct Counted {
    /// The version's trees.
    pub(crate) of: Trees,
    /// By blob.
    pub(crate) uses: Uses,
    /// Whether these are all; else those that are other than before.
    pub(crate) is_whole: bool,
}

type Key = [u8; 32];

/// (site's number, blob) -> how many of its objects are used.
const USES: TableDefinition<(u32, Key), u64> = TableDefinition::new("uses");
/// Site's number -> the trees that this was counted for.
const USES_OF: TableDefinition<u32, (Key, Key)> = TableDefinition::new("uses-of");

/// The trees of a version.
pub(crate) fn trees(entry: &Entry) -> Trees {
    pair((entry.tree, entry.sources))
}

/// The same of their roots.
pub(crate) fn pair((tree, sources): (NodeHash, Option<NodeHash>)) -> Trees {
    (tree, sources.unwrap_or(NodeHash([0; 32])))
}

/// Counts the uses of a version that is here, by reading its trees.
///
/// # Errors
///
/// If they can't be read.
pub(crate) fn count(store: &Store, state: &SiteState, entry: &Entry) -> Result<Uses> {
    let reader = Reader::new(store, state);
    let mut uses = Uses::new();
    for root in [Some(entry.tree), entry.sources].into_iter().flatten() {
        let nodes = Listing {
            reader: &reader,
            nodes: RefCell::default(),
        };
        let mut files = Vec::new();
        tree::walk(&nodes, root, &mut |_, file| {
            files.push(file.hash);
            Ok::<_, Error>(())
        })?;
        let nodes = nodes.nodes.into_inner();
        let places = store.records.locate_all(state, nodes.iter().map(|n| n.0))?;
        for place in places.into_iter().flatten() {
            *uses.entry(place.pack).or_default() += 1;
        }
        let places = store.records.locate_all(state, files.iter().map(|f| f.0))?;
        for (file, place) in files.into_iter().zip(places) {
            let blob = place.map_or(file, |place| place.pack);
            *uses.entry(blob).or_default() += 1;
        }
    }
    Ok(uses)
}

/// Tree nodes, and which of them were read.
struct Listing<'a> {
    reader: &'a Reader,
    nodes: RefCell<Vec<NodeHash>>,
}

impl NodeSource for Listing<'_> {
    type Error = Error;

    fn node(&self, hash: NodeHash) -> Result<Vec<u8>> {
        self.nodes.borrow_mut().push(hash);
        self.reader.node(hash)
    }
}

/// Makes the tables.
pub(super) fn open(txn: &WriteTransaction) -> Result<(), redb::Error> {
    txn.open_table(USES)?;
    txn.open_table(USES_OF)?;
    Ok(())
}

/// The recorded uses of some blobs; `None` if those of other trees are recorded.
pub(super) fn get(
    txn: &ReadTransaction,
    site: u32,
    of: Trees,
    blobs: impl IntoIterator<Item = ContentHash>,
) -> Result<Option<Uses>, redb::Error> {
    let counted = txn.open_table(USES_OF)?.get(site)?;
    if counted.is_none_or(|trees| trees.value() != (of.0.0, of.1.0)) {
        return Ok(None);
    }
    let table = txn.open_table(USES)?;
    let mut uses = Uses::new();
    for blob in blobs {
        if let Some(count) = table.get((site, blob.0))? {
            uses.insert(blob, count.value());
        }
    }
    Ok(Some(uses))
}

/// Records a count.
pub(super) fn put(txn: &WriteTransaction, site: u32, counted: &Counted) -> Result<(), redb::Error> {
    let mut table = txn.open_table(USES)?;
    if counted.is_whole {
        table.retain_in((site, [0; 32])..=(site, [0xff; 32]), |_, _| false)?;
    }
    for (blob, count) in &counted.uses {
        match count {
            0 => table.remove((site, blob.0))?,
            _ => table.insert((site, blob.0), count)?,
        };
    }
    let (tree, sources) = counted.of;
    txn.open_table(USES_OF)?.insert(site, (tree.0, sources.0))?;
    Ok(())
}

/// Forgets all of a removed site.
pub(super) fn remove(txn: &WriteTransaction, site: u32) -> Result<(), redb::Error> {
    let mut table = txn.open_table(USES)?;
    table.retain_in((site, [0; 32])..=(site, [0xff; 32]), |_, _| false)?;
    forget(txn, site)
}

/// Forgets a site's count: where its objects lie has changed.
pub(super) fn forget(txn: &WriteTransaction, site: u32) -> Result<(), redb::Error> {
    txn.open_table(USES_OF)?.remove(site)?;
    Ok(())
}
