use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use proptest::prelude::*;

use super::{
    node::{Child, MediaType, Node},
    *,
};
use crate::archive::{
    hash::{ContentHash, NodeHash},
    path::ArchivePath,
};

type Files = BTreeMap<ArchivePath, File>;

/// Nodes of any number of trees, as a store holds them.
#[derive(Default)]
struct Nodes {
    nodes: HashMap<NodeHash, Vec<u8>>,
    reads: Cell<usize>,
}

impl Nodes {
    fn add(&mut self, files: &Files) -> NodeHash {
        let built = build(files.clone().into_iter().collect());
        self.nodes.extend(built.nodes);
        built.root
    }
}

impl NodeSource for Nodes {
    type Error = NodeHash;

    fn node(&self, hash: NodeHash) -> Result<Vec<u8>, NodeHash> {
        self.reads.set(self.reads.get() + 1);
        self.nodes.get(&hash).cloned().ok_or(hash)
    }
}

fn file(content: u32) -> File {
    File {
        hash: ContentHash::of(&content.to_le_bytes()),
        size: 4,
        media_type: MediaType::new("text/html").unwrap(),
    }
}

fn path(n: u32) -> ArchivePath {
    ArchivePath::new(&format!("posts/{n:06}/index.html")).unwrap()
}

fn site(count: u32) -> Files {
    (0..count).map(|n| (path(n), file(n))).collect()
}

fn read_all(nodes: &Nodes, root: NodeHash) -> Files {
    let mut files = Files::new();
    walk(nodes, root, &mut |path, file| {
        files.insert(path.clone(), file.clone());
        Ok::<_, TreeError<NodeHash>>(())
    })
    .unwrap();
    files
}

fn naive_diff(old: &Files, new: &Files) -> Vec<Change> {
    let paths: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    paths
        .into_iter()
        .filter(|path| old.get(*path) != new.get(*path))
        .map(|path| Change {
            path: path.clone(),
            old: old.get(path).cloned(),
            new: new.get(path).cloned(),
        })
        .collect()
}

fn any_files() -> impl Strategy<Value = Files> {
    prop::collection::btree_map((0..400u32).prop_map(path), (0..5u32).prop_map(file), 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_tree_holds_just_its_files(files in any_files()) {
        let mut nodes = Nodes::default();
        let root = nodes.add(&files);
        prop_assert_eq!(&read_all(&nodes, root), &files);
        for n in 0..400 {
            let found = find(&nodes, root, &path(n)).unwrap();
            prop_assert_eq!(found.as_ref(), files.get(&path(n)));
        }
    }

    #[test]
    fn a_diff_is_what_a_comparison_of_all_files_gives(old in any_files(), new in any_files()) {
        let mut nodes = Nodes::default();
        let (a, b) = (nodes.add(&old), nodes.add(&new));
        let found = diff(&nodes, a, b).unwrap();
        prop_assert_eq!(found.changes, naive_diff(&old, &new));
        let names = |files: &Files| -> BTreeSet<NodeHash> {
            let built = build(files.clone().into_iter().collect());
            built.nodes.into_iter().map(|(hash, _)| hash).collect()
        };
        let (in_old, in_new) = (names(&old), names(&new));
        prop_assert!(found.old_nodes.iter().eq(in_old.difference(&in_new)));
        prop_assert!(found.new_nodes.iter().eq(in_new.difference(&in_old)));
        prop_assert_eq!(a == b, old == new);
    }
}

#[test]
fn an_edit_touches_only_the_nodes_above_it() {
    let mut nodes = Nodes::default();
    let mut files = site(10_000);
    let old = nodes.add(&files);
    let before = nodes.nodes.len();
    files.insert(path(5_000), file(99_999));
    let new = nodes.add(&files);
    let added = nodes.nodes.len() - before;
    assert!((2..=6).contains(&added), "{added} new nodes for one edit");

    nodes.reads.set(0);
    assert_eq!(diff(&nodes, old, new).unwrap().changes.len(), 1);
    assert!(
        nodes.reads.get() <= 2 * 6,
        "{} nodes read",
        nodes.reads.get()
    );
}

#[test]
fn an_insertion_changes_few_nodes_and_its_diff_reads_few() {
    let mut nodes = Nodes::default();
    let mut files = site(10_000);
    let old = nodes.add(&files);
    let before = nodes.nodes.len();
    let extra = ArchivePath::new("posts/005000/more.html").unwrap();
    files.insert(extra, file(1));
    let new = nodes.add(&files);
    assert!(nodes.nodes.len() - before <= 12);
    nodes.reads.set(0);
    assert_eq!(diff(&nodes, old, new).unwrap().changes.len(), 1);
    assert!(nodes.reads.get() <= 32, "{} nodes read", nodes.reads.get());
}

#[test]
fn the_empty_tree_is_one_empty_leaf() {
    let built = build(Vec::new());
    assert_eq!(built.nodes.len(), 1);
    assert!(
        read_all(
            &Nodes {
                nodes: built.nodes.into_iter().collect(),
                ..Nodes::default()
            },
            built.root
        )
        .is_empty()
    );
}

#[test]
fn a_tampered_node_is_refused() {
    let mut nodes = Nodes::default();
    let root = nodes.add(&site(1_000));
    let victim = *nodes.nodes.keys().find(|hash| **hash != root).unwrap();
    let bytes = nodes.nodes.get_mut(&victim).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let result = walk(&nodes, root, &mut |_, _| Ok::<_, TreeError<NodeHash>>(()));
    assert!(matches!(result, Err(TreeError::Tampered(hash)) if hash == victim));
}

#[test]
fn a_node_that_lies_about_its_place_is_refused() {
    // A parent that names the children in another order, or a child twice.
    let mut nodes = Nodes::default();
    let root = nodes.add(&site(200));
    let node::Node::Inner { level, children } = node::Node::decode(&nodes.nodes[&root]).unwrap()
    else {
        panic!("200 files are more than one leaf");
    };
    let lie = node::Node::Inner {
        level,
        children: vec![
            children[0].clone(),
            node::Child {
                hash: children[0].hash,
                ..children[1].clone()
            },
        ],
    };
    let bytes = lie.encode();
    let root = NodeHash::of(&bytes);
    nodes.nodes.insert(root, bytes);
    let result = walk(&nodes, root, &mut |_, _| Ok::<_, TreeError<NodeHash>>(()));
    assert!(matches!(result, Err(TreeError::Structure(_))));
}

#[test]
fn nodes_that_name_each_other_again_and_again_are_not_followed() {
    let names: Vec<_> = (0..8).map(path).collect();
    let mut nodes = Nodes::default();
    let old = nodes.add(&site(1));
    let mut level: Vec<Node> = names
        .iter()
        .map(|name| Node::Leaf(vec![(name.clone(), file(9))]))
        .collect();
    for height in 1..=Node::MAX_LEVEL {
        let children: Vec<_> = names
            .iter()
            .zip(&level)
            .map(|(last, node)| Child {
                last: last.clone(),
                hash: NodeHash::of(&node.encode()),
            })
            .collect();
        let add = |node: &Node| (NodeHash::of(&node.encode()), node.encode());
        nodes.nodes.extend(level.iter().map(add));
        level = (1..=names.len())
            .map(|count| Node::Inner {
                level: height,
                children: children[..count].to_vec(),
            })
            .collect();
    }
    let root = level.pop().unwrap().encode();
    let new = NodeHash::of(&root);
    nodes.nodes.insert(new, root);
    assert!(matches!(
        diff(&nodes, old, new),
        Err(TreeError::Structure(_))
    ));
    assert!(nodes.reads.get() < 100, "{}", nodes.reads.get());
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic_and_what_decodes_is_canonical(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(node) = node::Node::decode(&bytes) {
            prop_assert_eq!(node.encode(), bytes);
        }
    }
}
