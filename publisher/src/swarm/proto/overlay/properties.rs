//! Whatever happens in whatever order, the bounds hold and nobody is told what he knows.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const CONFIG: Config = Config {
    active: 3,
    most: 8,
    known: 32,
    swap: Duration::from_secs(60),
};

fn id(number: u8) -> NodeId {
    [number; 32]
}

fn node() -> impl Strategy<Value = NodeId> {
    (0..40u8).prop_map(id)
}

fn tip() -> impl Strategy<Value = Tip> {
    (0..6u64, 0..2u8).prop_map(|(length, root)| Tip {
        length,
        root: [root; 32],
    })
}

fn peers() -> impl Strategy<Value = Vec<NodeId>> {
    prop::collection::vec(node(), 0..20)
}

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![
        Just(Source::Own),
        Just(Source::Lan),
        Just(Source::Dht),
        node().prop_map(Source::Peer)
    ]
}

fn input() -> impl Strategy<Value = Input> {
    let some = || prop::option::of(tip());
    prop_oneof![
        2 => (peers(), source()).prop_map(|(nodes, source)| Input::Known { nodes, source }),
        6 => (node(), some()).prop_map(|(node, tip)| Input::Asked { node, tip }),
        6 => (node(), some(), peers()).prop_map(|(node, tip, peers)| Input::Linked { node, tip, peers }),
        1 => (node(), peers()).prop_map(|(node, peers)| Input::Refused { node, peers }),
        2 => node().prop_map(|node| Input::Unreachable { node }),
        2 => (node(), peers()).prop_map(|(node, peers)| Input::Ended { node, peers }),
        1 => node().prop_map(|node| Input::Left { node }),
        1 => node().prop_map(|node| Input::Repeated { node }),
        6 => (node(), tip(), any::<bool>()).prop_map(|(node, tip, whole)| Input::Told { node, tip, whole }),
        2 => (node(), tip()).prop_map(|(node, tip)| Input::Given { node, tip }),
        2 => (node(), peers()).prop_map(|(node, peers)| Input::Peers { node, peers }),
        1 => tip().prop_map(|tip| Input::Getting { tip }),
        2 => tip().prop_map(|tip| Input::Has { tip }),
        1 => (node(), tip()).prop_map(|(node, tip)| Input::Failed { node, tip }),
        2 => (tip(), any::<bool>()).prop_map(|(tip, again)| Input::Missed { tip, again }),
        1 => node().prop_map(|node| Input::Lied { node }),
        4 => Just(Input::Tick),
    ]
}

/// What an observer of the inputs and outputs knows.
#[derive(Default)]
struct Observer {
    /// The linked nodes, with the longest that each told of, and was told of.
    links: BTreeMap<NodeId, (u64, u64)>,
    dialled: BTreeMap<NodeId, u64>,
    fetching: BTreeSet<Tip>,
    tip: u64,
}

fn length(tip: Option<Tip>) -> u64 {
    tip.map_or(0, |tip| tip.length)
}

impl Observer {
    /// Before the overlay has it.
    fn input(&mut self, input: &Input) {
        match input {
            Input::Linked { node, tip, .. } => {
                let said = self.dialled.remove(node).unwrap_or(0);
                self.links.insert(*node, (length(*tip), said));
            }
            Input::Ended { node, .. } | Input::Left { node } => {
                self.links.remove(node);
            }
            Input::Unreachable { node } | Input::Refused { node, .. } | Input::Lied { node } => {
                self.dialled.remove(node);
            }
            Input::Told { node, tip, .. } | Input::Given { node, tip } => {
                if let Some((heard, _)) = self.links.get_mut(node) {
                    *heard = (*heard).max(tip.length);
                }
            }
            Input::Missed { tip, .. } => {
                self.fetching.remove(tip);
            }
            Input::Has { tip } => {
                self.tip = self.tip.max(tip.length);
                self.fetching.retain(|other| other.length > tip.length);
            }
            _ => {}
        }
    }

    fn output(&mut self, me: NodeId, input: &Input, output: &Output) {
        match output {
            Output::Dial { node, tip } => {
                assert!(*node != me && !self.links.contains_key(node));
                let before = self.dialled.insert(*node, length(*tip));
                assert_eq!(before, None, "dialled twice at a time");
            }
            Output::Admit { node, tip, peers } => {
                let Input::Asked {
                    node: who,
                    tip: has,
                } = input
                else {
                    panic!("nobody asked");
                };
                assert!(who == node && peers.len() <= MAX_PEERS && !peers.contains(node));
                self.dialled.remove(node);
                self.links.insert(*node, (length(*has), length(*tip)));
            }
            Output::Refuse { node, peers } => {
                let asked = matches!(input, Input::Asked { node: who, .. } | Input::Linked { node: who, .. } if who == node);
                assert!(self.links.remove(node).is_some() || asked);
                assert!(peers.len() <= MAX_PEERS && !peers.contains(node));
            }
            Output::Tell { node, tip, .. } => {
                let (heard, said) = self.links.get_mut(node).expect("no link");
                assert!(tip.length > *heard, "it told us so itself");
                assert!(tip.length > *said, "it was told before");
                *said = tip.length;
            }
            Output::Peers { node, peers } => {
                assert!(self.links.contains_key(node) && peers.len() <= MAX_PEERS);
                assert!(!peers.contains(node) && !peers.contains(&me));
            }
            Output::Fetch { tip, from } => {
                assert!(self.fetching.is_empty(), "one at a time");
                assert!(tip.length > self.tip && !from.is_empty());
                assert!(from.iter().all(|node| self.links.contains_key(node)));
                self.fetching.insert(*tip);
            }
            Output::AlsoHas { node, .. } => assert!(self.links.contains_key(node)),
            Output::Seek | Output::Wake { .. } => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bounds_hold_and_nobody_is_told_what_he_knows(
        seed: u64,
        inputs in prop::collection::vec((0..30_000u64, input()), 0..200),
    ) {
        let me = id(20);
        let mut overlay = Overlay::new(me, CONFIG, seed);
        let mut same = Overlay::new(me, CONFIG, seed);
        let mut observer = Observer::default();
        let mut now = Duration::ZERO;
        for (later, input) in inputs {
            now += Duration::from_millis(later);
            observer.input(&input);
            let out = overlay.handle(now, input.clone());
            prop_assert_eq!(&out, &same.handle(now, input.clone()));
            for output in &out {
                observer.output(me, &input, output);
                if let Output::Wake { at } = output {
                    prop_assert!(*at > now);
                }
            }
            let links: Vec<_> = overlay.links().collect();
            prop_assert_eq!(&links, &observer.links.keys().copied().collect::<Vec<_>>());
            prop_assert!(links.len() <= CONFIG.most);
            prop_assert!(overlay.active() <= CONFIG.active);
            prop_assert!(overlay.dialling.len() <= 2 * CONFIG.active);
            prop_assert!(overlay.known.len() <= CONFIG.known);
            prop_assert!(!overlay.known.contains(&me));
        }
    }
}
