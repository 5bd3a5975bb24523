//! Trees that an evil author links as he likes.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use skep_publisher::archive::{
    hash::{ContentHash, NodeHash},
    path::ArchivePath,
    tree::{
        self, File, NodeSource, TreeError,
        node::{Child, MediaType, Node},
    },
};

/// Nodes, of which each may name those made before it, and any other by a wrong hash.
#[derive(Default)]
struct Nodes {
    nodes: HashMap<NodeHash, Vec<u8>>,
    reads: Cell<u64>,
}

impl NodeSource for Nodes {
    type Error = NodeHash;

    fn node(&self, hash: NodeHash) -> Result<Vec<u8>, NodeHash> {
        self.reads.set(self.reads.get() + 1);
        self.nodes.get(&hash).cloned().ok_or(hash)
    }
}

/// The bytes are instructions, each for one node: its level and how many items it has (1 byte each), and
/// for an item its name and which file or node it is (1 byte each). The last two nodes are the trees.
pub(super) fn tree(bytes: &[u8]) -> bool {
    let mut nodes = Nodes::default();
    let mut made = vec![NodeHash([0; 32])];
    let mut rest = bytes.iter().copied();
    while let (Some(level), Some(count)) = (rest.next(), rest.next()) {
        let items: Vec<(ArchivePath, u8)> = (0..count % 16)
            .map_while(|_| Some((name(rest.next()?), rest.next()?)))
            .collect();
        let node = match level % 26 {
            0 => Node::Leaf(items.into_iter().map(|(path, n)| (path, file(n))).collect()),
            level => Node::Inner {
                level,
                children: items
                    .into_iter()
                    .map(|(last, n)| Child {
                        last,
                        hash: made[usize::from(n) % made.len()],
                    })
                    .collect(),
            },
        };
        let encoded = node.encode();
        let hash = NodeHash::of(&encoded);
        nodes.nodes.insert(hash, encoded);
        made.push(hash);
    }
    let [.., old, new] = made[..] else {
        return false;
    };
    let files = walk(&nodes, new);
    let before = walk(&nodes, old);
    nodes.reads.set(0);
    if let Ok(found) = tree::diff(&nodes, old, new) {
        let changes = found.changes;
        assert!(changes.is_sorted_by(|a, b| a.path < b.path));
        if let (Some(before), Some(after)) = (&before, &files) {
            let changed = |path: &ArchivePath| before.get(path) != after.get(path);
            let paths = before.keys().chain(after.keys());
            let differ: BTreeSet<_> = paths.filter(|path| changed(path)).collect();
            assert!(changes.iter().map(|change| &change.path).eq(differ));
            let (a, b) = (reachable(&nodes, old), reachable(&nodes, new));
            assert!(found.old_nodes.iter().eq(a.difference(&b)));
            assert!(found.new_nodes.iter().eq(b.difference(&a)));
        }
    }
    bounded(&nodes, 2);
    files.is_some()
}

/// The files of a tree, if it is one.
fn walk(nodes: &Nodes, root: NodeHash) -> Option<BTreeMap<ArchivePath, File>> {
    let mut files = Vec::new();
    nodes.reads.set(0);
    let walked = tree::walk(nodes, root, &mut |path, file| {
        files.push((path.clone(), file.clone()));
        Ok::<_, TreeError<NodeHash>>(())
    });
    bounded(nodes, 1);
    assert!(files.is_sorted_by(|(a, _), (b, _)| a < b));
    walked.ok()?;
    for (path, file) in &files {
        assert_eq!(tree::find(nodes, root, path).unwrap().as_ref(), Some(file));
    }
    Some(files.into_iter().collect())
}

/// The nodes of a tree that was walked.
fn reachable(nodes: &Nodes, root: NodeHash) -> BTreeSet<NodeHash> {
    let mut all = BTreeSet::from([root]);
    if let Ok(Node::Inner { children, .. }) = Node::decode(&nodes.nodes[&root]) {
        for child in children {
            all.extend(reachable(nodes, child.hash));
        }
    }
    all
}

/// There are 256 names. No tree has one twice, and it has at most 24 levels: whoever reads more nodes than
/// that goes round in circles.
fn bounded(nodes: &Nodes, trees: u64) {
    let most = trees * (256 + 2) * (u64::from(Node::MAX_LEVEL) + 1);
    assert!(nodes.reads.get() <= most, "{} reads", nodes.reads.get());
}

fn name(n: u8) -> ArchivePath {
    ArchivePath::new(&format!("{n:03}")).unwrap()
}

fn file(n: u8) -> File {
    File {
        hash: ContentHash([n; 32]),
        size: u64::from(n),
        media_type: MediaType::octet_stream(),
    }
}
