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

/// A change to a site of 12,000 paths, of which 10,000 are there.
fn edits() -> impl Strategy<Value = BTreeMap<u32, Option<u32>>> {
    prop::collection::btree_map(0..12_000u32, prop::option::of(20_000..30_000u32), 1..20)
}

fn apply<'a>(files: &mut Files, edits: impl Iterator<Item = (&'a u32, &'a Option<u32>)>) {
    for (n, content) in edits {
        match content {
            Some(content) => files.insert(path(*n), file(*content)),
            None => files.remove(&path(*n)),
        };
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Nodes are written, and read by a diff, for what changed and not for what is there.
    #[test]
    fn a_change_costs_what_it_changes_and_leads_to_one_root_in_any_order(edits in edits()) {
        let mut nodes = Nodes::default();
        let before = site(10_000);
        let old = nodes.add(&before);
        let there = nodes.nodes.len();
        let mut after = before.clone();
        apply(&mut after, edits.iter());
        let new = nodes.add(&after);
        // A leaf and its parents; an inserted or removed boundary splits or joins one a level.
        let written = nodes.nodes.len() - there;
        prop_assert!(written <= 10 * edits.len() + 2, "{written} nodes for {} edits", edits.len());
        nodes.reads.set(0);
        let found = diff(&nodes, old, new).unwrap();
        prop_assert_eq!(found.changes, naive_diff(&before, &after));
        prop_assert_eq!(found.new_nodes.len(), written);
        let reads = nodes.reads.get();
        prop_assert!(reads <= 20 * edits.len() + 10, "{reads} reads for {} edits", edits.len());

        // The same files by another way: the edits backwards, from files that had more, and less.
        let mut other = site(11_000);
        (0..500).for_each(|n| drop(other.remove(&path(n))));
        apply(&mut other, edits.iter().rev());
        for n in (0..500).chain(10_000..11_000).filter(|n| !edits.contains_key(n)) {
            apply(&mut other, [(&n, &(n < 10_000).then_some(n))].into_iter());
        }
        prop_assert_eq!(&other, &after);
        prop_assert_eq!(nodes.add(&other), new);
    }

    #[test]
    fn every_node_is_bounded(names in prop::collection::btree_set("[a-z]{1,3}(/[a-z0-9]{1,200}){1,4}", 1..200)) {
        let paths = names.iter().map(|name| ArchivePath::new(name));
        let files = paths.filter_map(Result::ok).map(|path| (path, file(0)));
        let built = build(files.collect());
        for (_, bytes) in &built.nodes {
            prop_assert!(bytes.len() <= Node::MAX_ENCODED);
            // The decoder holds the bound on the number of items.
            prop_assert!(Node::decode(bytes).is_ok());
        }
    }
}

/// Names without a boundary among them, as somebody might search for: a node ends all the same.
#[test]
fn no_names_make_a_node_too_long() {
    let mut files = Files::new();
    let mut tried = 0..;
    while files.len() < 1_000 {
        let name = path(tried.next().unwrap());
        let pair = [(name.clone(), file(0)), (path(9_999_999), file(0))];
        let alone = [(path(0), file(0)), pair[0].clone(), pair[1].clone()];
        // One leaf of three: the name in the middle ends none.
        if name == path(0) || build(alone.into()).nodes.len() == 1 {
            files.insert(name, file(0));
        }
    }
    let mut nodes = Nodes::default();
    let root = nodes.add(&files);
    assert_eq!(read_all(&nodes, root), files);
    let leaves = nodes
        .nodes
        .values()
        .filter_map(|bytes| match Node::decode(bytes) {
            Ok(Node::Leaf(files)) => Some(files.len()),
            _ => None,
        });
    let lengths: Vec<usize> = leaves.collect();
    assert_eq!(lengths.iter().max(), Some(&Node::MAX_ITEMS));
    assert_eq!(lengths.len(), files.len().div_ceil(Node::MAX_ITEMS));
}

/// A tree of these leaves whose other nodes end where they should.
fn raise(nodes: &mut Nodes, leaves: Vec<Node>) -> NodeHash {
    let mut level = leaves;
    loop {
        let children: Vec<_> = level
            .iter()
            .map(|node| Child {
                last: node.last().unwrap().clone(),
                hash: NodeHash::of(&node.encode()),
            })
            .collect();
        for node in &level {
            nodes
                .nodes
                .insert(NodeHash::of(&node.encode()), node.encode());
        }
        if let [root] = &children[..] {
            return root.hash;
        }
        let height = level[0].level() + 1;
        let boundary = build::Boundary::of_level(height);
        let mut above: Vec<Vec<Child>> = vec![Vec::new()];
        for child in children {
            let current = above.last_mut().unwrap();
            let ends = !current.is_empty() && boundary.is_at(&child.last);
            current.push(child);
            if ends || current.len() == Node::MAX_ITEMS {
                above.push(Vec::new());
            }
        }
        above.retain(|children| !children.is_empty());
        let inner = above.into_iter().map(|children| Node::Inner {
            level: height,
            children,
        });
        level = inner.collect();
    }
}

/// The leaves of the tree of these files.
fn leaves(files: &Files) -> Vec<Node> {
    let built = build(files.clone().into_iter().collect());
    let nodes = built.nodes.iter().map(|(_, bytes)| Node::decode(bytes));
    let leaves = nodes.map(Result::unwrap);
    leaves.filter(|node| node.level() == 0).collect()
}

fn files_of(leaf: &Node) -> Vec<(ArchivePath, File)> {
    match leaf {
        Node::Leaf(files) => files.clone(),
        Node::Inner { .. } => unreachable!("a leaf has level 0"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// A split or a merged leaf, or none: seen if and only if it changes the root.
    #[test]
    fn another_shape_than_the_files_make_is_seen(
        old in any_files(),
        edits in prop::collection::btree_map(0..450u32, prop::option::of(5..9u32), 0..8),
        at in any::<prop::sample::Index>(),
        cut in 0..20usize,
    ) {
        let mut nodes = Nodes::default();
        let before = nodes.add(&old);
        let mut files = old.clone();
        apply(&mut files, edits.iter());
        prop_assume!(!files.is_empty());
        let mut leaves = leaves(&files);
        prop_assert_eq!(raise(&mut nodes, leaves.clone()), nodes.add(&files));
        let at = at.index(leaves.len());
        let mut items = files_of(&leaves[at]);
        if cut > 0 && cut < items.len() {
            let rest = items.split_off(cut);
            leaves.splice(at..=at, [Node::Leaf(items), Node::Leaf(rest)]);
        } else if cut > 16 && at + 1 < leaves.len() {
            items.extend(files_of(&leaves[at + 1]));
            if items.len() <= Node::MAX_ITEMS {
                leaves.splice(at..=at + 1, [Node::Leaf(items)]);
            }
        }
        let (right, after) = (nodes.add(&files), raise(&mut nodes, leaves));
        let found = diff(&nodes, before, after).unwrap();
        prop_assert_eq!(&found.changes, &naive_diff(&old, &files));
        let checked = check_shape(&nodes, before, after, &found);
        prop_assert_eq!(checked.is_ok(), after == right, "{:?}", checked);
    }
}

#[test]
fn a_look_at_the_shape_reads_few_nodes() {
    let mut nodes = Nodes::default();
    let mut files = site(10_000);
    let old = nodes.add(&files);
    // The last leaf may have to end before what is new.
    files.extend((20_000..20_003).map(|n| (path(n), file(n))));
    files.insert(path(5_000), file(99_999));
    let new = nodes.add(&files);
    let found = diff(&nodes, old, new).unwrap();
    nodes.reads.set(0);
    check_shape(&nodes, old, new, &found).unwrap();
    assert!(nodes.reads.get() <= 24, "{} nodes read", nodes.reads.get());
}

/// A parent that says something else of a node that the old tree has too.
#[test]
fn an_equal_node_in_another_place_is_not_passed_over() {
    let mut nodes = Nodes::default();
    let old = nodes.add(&site(2_000));
    let Node::Inner { level, children } = Node::decode(&nodes.nodes[&old]).unwrap() else {
        panic!("2,000 files are more than one leaf");
    };
    let mut false_end = children.clone();
    false_end[0].last = ArchivePath::new(&format!("{}x", children[0].last)).unwrap();
    let grown = Node::Inner {
        level: level + 1,
        children: children.clone(),
    };
    let false_end = Node::Inner {
        level,
        children: false_end,
    };
    for lie in [false_end, grown] {
        let new = NodeHash::of(&lie.encode());
        nodes.nodes.insert(new, lie.encode());
        let found = diff(&nodes, old, new);
        assert!(matches!(found, Err(TreeError::Structure(_))), "{found:?}");
    }
}

#[test]
fn a_root_with_one_child_is_seen() {
    let mut nodes = Nodes::default();
    let files = site(5);
    let old = nodes.add(&files);
    let root = Node::Inner {
        level: 1,
        children: vec![Child {
            last: path(4),
            hash: old,
        }],
    };
    let new = NodeHash::of(&root.encode());
    nodes.nodes.insert(new, root.encode());
    let found = diff(&nodes, old, new).unwrap();
    assert_eq!(found.changes, []);
    assert!(matches!(
        check_shape(&nodes, old, new, &found),
        Err(TreeError::Structure(hash)) if hash == new
    ));
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
