use super::*;

fn id(number: u64) -> NodeId {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&number.to_be_bytes());
    id
}

fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<NodeId> {
    numbers.into_iter().map(id).collect()
}

fn tip(length: u64) -> Tip {
    let root = [length as u8; 32];
    Tip { length, root }
}

/// An overlay and its clock.
struct Node(Overlay, Duration);

impl Node {
    fn new() -> Self {
        Self(Overlay::new(id(1000), Config::default(), 1), Duration::ZERO)
    }

    fn give(&mut self, input: Input) -> Vec<Output> {
        let out = self.0.handle(self.1, input);
        out.into_iter()
            .filter(|output| !matches!(output, Output::Wake { .. }))
            .collect()
    }

    fn knows(&mut self, nodes: impl IntoIterator<Item = u64>) -> Vec<Output> {
        let (nodes, source) = (ids(nodes), Source::Own);
        self.give(Input::Known { nodes, source })
    }

    fn asked(&mut self, node: u64, tip: Option<Tip>) -> Vec<Output> {
        let node = id(node);
        self.give(Input::Asked { node, tip })
    }

    fn linked(&mut self, node: u64, tip: Option<Tip>) -> Vec<Output> {
        let (node, peers) = (id(node), Vec::new());
        self.give(Input::Linked { node, tip, peers })
    }

    fn told(&mut self, node: u64, tip: Tip) -> Vec<Output> {
        let node = id(node);
        self.give(Input::Told {
            node,
            tip,
            whole: true,
        })
    }

    fn has(&mut self, tip: Tip) -> Vec<Output> {
        self.give(Input::Has { tip })
    }

    fn tick(&mut self, later: u64) -> Vec<Output> {
        self.1 += Duration::from_millis(later);
        self.give(Input::Tick)
    }

    fn has_link(&self, node: u64) -> bool {
        self.0.links().any(|link| link == id(node))
    }
}

fn dialled(out: &[Output]) -> Vec<NodeId> {
    out.iter()
        .filter_map(|output| match output {
            Output::Dial { node, .. } => Some(*node),
            _ => None,
        })
        .collect()
}

fn told(out: &[Output]) -> Vec<(NodeId, Tip)> {
    out.iter()
        .filter_map(|output| match output {
            Output::Tell { node, tip, .. } => Some((*node, *tip)),
            _ => None,
        })
        .collect()
}

fn fetch(from: impl IntoIterator<Item = u64>, length: u64) -> Output {
    Output::Fetch {
        tip: tip(length),
        from: ids(from),
    }
}

#[test]
fn four_links_are_asked_for_and_a_lost_one_is_replaced_at_once() {
    let mut node = Node::new();
    let first = dialled(&node.knows(0..10));
    assert_eq!(first.len(), 4);
    for other in &first {
        let (peers, tip) = (Vec::new(), None);
        let out = node.give(Input::Linked {
            node: *other,
            tip,
            peers,
        });
        assert_eq!(out, []);
    }
    let out = node.give(Input::Ended {
        node: first[0],
        peers: Vec::new(),
    });
    let next = dialled(&out);
    assert_eq!(next.len(), 1);
    assert!(!first.contains(&next[0]));
}

#[test]
fn a_node_that_does_not_answer_keeps_nobody_waiting_and_is_tried_later() {
    let mut node = Node::new();
    let first = dialled(&node.knows(0..20));
    assert_eq!(node.tick(500), []);
    let second = dialled(&node.tick(501));
    assert_eq!(second.len(), 4);
    // No more than these at a time, whatever happens.
    assert_eq!(node.tick(5_000), []);
    let mut open = [first, second].concat();
    let mut tries = 0;
    for _ in 0..600 {
        while let Some(other) = open.pop() {
            tries += 1;
            open.extend(dialled(&node.give(Input::Unreachable { node: other })));
        }
        open = dialled(&node.tick(1_000));
    }
    // In ten minutes: some seven tries each, and not one a second.
    assert!((60..240).contains(&tries), "{tries}");
}

/// How often it dials in an hour, of nodes none of which answers.
fn dials_in_an_hour(node: &mut Node, first: Vec<Output>) -> usize {
    let mut open = dialled(&first);
    let mut tries = 0;
    for _ in 0..3600 {
        while let Some(other) = open.pop() {
            tries += 1;
            open.extend(dialled(&node.give(Input::Unreachable { node: other })));
        }
        open = dialled(&node.tick(1_000));
    }
    tries
}

#[test]
fn who_is_linked_rarely_calls_those_who_were_silent_and_who_is_alone_often() {
    let mut alone = Node::new();
    let first = alone.knows(0..20);
    let tries = dials_in_an_hour(&mut alone, first);
    assert!(tries > 200, "{tries}");

    let mut linked = Node::new();
    linked.knows([50]);
    linked.linked(50, None);
    let first = linked.knows(0..20);
    let tries = dials_in_an_hour(&mut linked, first);
    // Each once, some forty to see whether they are back, and one for each swap.
    assert!((50..100).contains(&tries), "{tries}");
    // Once the link is lost, there is no reason to wait.
    let (node, peers) = (id(50), Vec::new());
    let out = linked.give(Input::Ended { node, peers });
    assert!(!dialled(&out).is_empty());
}

#[test]
fn who_said_that_it_stops_is_left_alone_as_long_as_others_are_linked() {
    let mut node = Node::new();
    for other in [50, 51] {
        node.knows([other]);
        node.linked(other, None);
    }
    let out = node.give(Input::Left { node: id(51) });
    assert!(dialled(&out).is_empty());
    let in_minutes = |node: &mut Node, minutes: usize| -> usize {
        let outs = (0..minutes * 60).map(|_| node.tick(1_000));
        outs.filter(|out| !dialled(out).is_empty()).count()
    };
    assert_eq!(in_minutes(&mut node, 7), 0);
    // It may have forgotten this node, so that it is called all the same.
    assert_eq!(in_minutes(&mut node, 23), 1);
    node.give(Input::Unreachable { node: id(51) });
    // Whoever is alone has nobody else to call.
    let (lost, peers) = (id(50), Vec::new());
    node.give(Input::Ended { node: lost, peers });
    assert!(in_minutes(&mut node, 1) > 0);
}

#[test]
fn who_is_gone_for_good_is_called_no_more_but_for_a_swap_while_others_are_linked() {
    let mut node = Node::new();
    node.knows([50, 51]);
    for other in [50, 51] {
        node.linked(other, None);
    }
    let out = node.give(Input::Ended {
        node: id(51),
        peers: Vec::new(),
    });
    // The first calls, and one for each swap.
    let first = dials_in_an_hour(&mut node, out);
    assert!((5..20).contains(&first), "{first}");
    let later: usize = (0..5)
        .map(|_| dials_in_an_hour(&mut node, Vec::new()))
        .sum();
    assert!(later <= 5 * 14, "{later}");
}

#[test]
fn who_has_nobody_left_to_dial_seeks_less_often_each_time() {
    let mut node = Node::new();
    assert_eq!(node.tick(1), [Output::Seek]);
    let seeks: usize = (0..3600).map(|_| node.tick(1_000).len()).sum();
    assert!((4..12).contains(&seeks), "{seeks}");
}

#[test]
fn a_full_node_names_others_and_lets_a_newcomer_in_now_and_then() {
    let mut node = Node::new();
    for other in 0..28 {
        let out = node.asked(other, None);
        assert!(
            matches!(&out[..], [Output::Admit { peers, .. }, ..] if peers.len() == MAX_PEERS.min(other as usize))
        );
    }
    for newcomer in 100..200 {
        let out = node.asked(newcomer, None);
        let [Output::Refuse { node: to, peers }, ..] = &out[..] else {
            panic!("{out:?}");
        };
        assert_eq!((*to, peers.len()), (id(newcomer), MAX_PEERS));
        assert!(peers.iter().all(|peer| node.0.links.contains_key(peer)));
    }
    // Links that are old enough make room, one at a time.
    node.1 += Duration::from_secs(61);
    let out = node.asked(300, None);
    assert!(matches!(
        &out[..],
        [Output::Refuse { .. }, Output::Admit { .. }, ..]
    ));
    assert!(node.has_link(300));
    assert!(
        matches!(&node.asked(301, None)[..], [Output::Refuse { node, .. }, ..] if *node == id(301))
    );
    assert_eq!(node.0.links().count(), 28);
    // The room for this node's own links is still there: it asks those whom it had to refuse.
    assert!((4..=8).contains(&node.0.dialling.len()));
}

#[test]
fn of_two_that_dial_each_other_the_smaller_id_has_its_way() {
    let mut node = Node::new();
    node.knows([1, 2000]);
    assert!(matches!(
        &node.asked(2000, None)[..],
        [Output::Refuse { peers, .. }] if peers.is_empty()
    ));
    assert!(matches!(
        &node.asked(1, None)[..],
        [Output::Admit { .. }, ..]
    ));
    // What comes of its own try does no harm.
    node.give(Input::Refused {
        node: id(1),
        peers: Vec::new(),
    });
    assert!(node.has_link(1));
    node.linked(2000, None);
    assert!(node.has_link(2000));
}

#[test]
fn a_refusal_leads_to_others() {
    let mut node = Node::new();
    node.knows([1]);
    let out = node.give(Input::Refused {
        node: id(1),
        peers: ids([2, 3, 1000]),
    });
    let mut dials = dialled(&out);
    dials.sort_unstable();
    assert_eq!(dials, ids([2, 3]));
    // And it is not asked again at once.
    assert!(dialled(&node.tick(2_000)).is_empty());
    assert_eq!(dialled(&node.tick(60_000)), ids([1]));
}

#[test]
fn a_version_is_told_once_to_those_who_do_not_have_it() {
    let mut node = Node::new();
    node.asked(1, None);
    node.asked(2, Some(tip(7)));
    node.asked(3, Some(tip(8)));
    let out = node.has(tip(8));
    assert_eq!(told(&out), [(id(1), tip(8)), (id(2), tip(8))]);
    // Only to who has the one before can all of it be given.
    let gives = |wanted: u64| {
        out.iter()
            .any(|out| matches!(out, Output::Tell { node, give: true, .. } if *node == id(wanted)))
    };
    assert!(gives(2) && !gives(1));
    assert_eq!(node.has(tip(8)), []);
    // A node that links later hears of it in the first message, and no second time.
    let out = node.asked(4, None);
    assert!(matches!(&out[..], [Output::Admit { tip: Some(said), .. }] if *said == tip(8)));
    // And what came while it was dialled is told afterwards.
    node.knows([5]);
    assert_eq!(told(&node.has(tip(9))).len(), 4);
    assert_eq!(told(&node.linked(5, None)), [(id(5), tip(9))]);
}

#[test]
fn a_newer_version_is_fetched_once_from_all_who_told_of_it() {
    let mut node = Node::new();
    node.asked(1, None);
    node.asked(2, None);
    assert_eq!(node.told(1, tip(5)), [fetch([1], 5)]);
    let also = Output::AlsoHas {
        tip: tip(5),
        node: id(2),
    };
    assert_eq!(node.told(2, tip(5)), [also]);
    assert_eq!(node.told(2, tip(6)), []);
    // Then the next; and neither is told to those who told of it.
    assert_eq!(
        node.has(tip(5)),
        [fetch([2], 6)],
        "both know of 5 or of a later one"
    );
    let out = node.has(tip(6));
    assert_eq!(told(&out), [(id(1), tip(6))]);
    assert_eq!(node.told(2, tip(3)), []);
}

#[test]
fn what_begins_to_come_in_is_told_on_and_not_told_again_when_it_is_whole() {
    let mut node = Node::new();
    node.asked(1, None);
    node.asked(2, None);
    node.told(1, tip(5));
    let part = Output::Tell {
        node: id(2),
        tip: tip(5),
        whole: false,
        give: false,
    };
    assert_eq!(node.give(Input::Getting { tip: tip(5) }), [part]);
    assert_eq!(node.has(tip(5)), []);
}

#[test]
fn who_was_asked_while_it_fetched_itself_is_asked_again_later() {
    let mut node = Node::new();
    node.asked(1, None);
    let part = Input::Told {
        node: id(1),
        tip: tip(5),
        whole: false,
    };
    assert_eq!(node.give(part), [fetch([1], 5)]);
    let failed = Input::Failed {
        node: id(1),
        tip: tip(5),
    };
    node.give(failed);
    node.give(Input::Missed {
        tip: tip(5),
        again: true,
    });
    assert_eq!(node.tick(2_000), [fetch([1], 5)]);
}

#[test]
fn a_version_that_is_given_is_asked_of_nobody_and_told_to_the_others() {
    let mut node = Node::new();
    for other in 1..4 {
        node.asked(other, None);
    }
    node.has(tip(4));
    let given = Input::Given {
        node: id(1),
        tip: tip(5),
    };
    assert_eq!(node.give(given), []);
    let also = Output::AlsoHas {
        tip: tip(5),
        node: id(2),
    };
    assert_eq!(node.told(2, tip(5)), [also]);
    assert_eq!(told(&node.has(tip(5))), [(id(3), tip(5))]);
    // If it is not what it seemed, it is fetched from who has it.
    let given = Input::Given {
        node: id(1),
        tip: tip(6),
    };
    node.give(given);
    node.told(2, tip(6));
    assert_eq!(node.give(Input::Lied { node: id(1) }).len(), 1);
    node.give(Input::Missed {
        tip: tip(6),
        again: true,
    });
    assert_eq!(node.tick(2_000), [fetch([2], 6)]);
}

#[test]
fn who_does_not_deliver_is_asked_last_and_then_no_more() {
    let mut node = Node::new();
    for other in 1..4 {
        node.asked(other, None);
    }
    node.asked(4, None);
    for length in 5..13 {
        // While something else is being fetched, all three tell of the next.
        let other = tip(100 + length);
        node.told(4, other);
        for other in 1..4 {
            node.told(other, tip(length));
        }
        let out = node.give(Input::Missed {
            tip: other,
            again: false,
        });
        let [Output::Fetch { from, .. }] = &out[..] else {
            panic!("{out:?}");
        };
        assert!(length == 5 || from.len() == 3 && from[2] == id(1));
        node.give(Input::Failed {
            node: id(1),
            tip: tip(length),
        });
        node.has(tip(length));
    }
    assert!(!node.has_link(1));
    assert!(node.has_link(2) && node.has_link(3));
    assert!(matches!(&node.asked(1, None)[..], [Output::Refuse { peers, .. }] if peers.is_empty()));
    node.1 += Duration::from_secs(6 * 60);
    assert!(matches!(
        &node.asked(1, None)[..],
        [Output::Admit { .. }, ..]
    ));
}

#[test]
fn a_liar_is_dropped_with_whom_it_named_and_kept_out_for_an_hour() {
    let mut node = Node::new();
    node.asked(1, Some(tip(5)));
    let peers = ids(10..18);
    node.give(Input::Peers { node: id(1), peers });
    assert!(node.0.knows(&id(17)));
    let out = node.give(Input::Lied { node: id(1) });
    assert!(out.contains(&Output::Refuse {
        node: id(1),
        peers: Vec::new()
    }));
    assert!(!node.has_link(1) && !node.0.known.contains(&id(17)));
    node.1 += Duration::from_secs(50 * 60);
    assert!(matches!(node.asked(1, None)[0], Output::Refuse { .. }));
    assert!(dialled(&node.knows([1])).is_empty());
    node.1 += Duration::from_secs(11 * 60);
    assert!(matches!(node.asked(1, None)[0], Output::Admit { .. }));
}

#[test]
fn a_version_that_was_missed_is_tried_again_later_and_less_often_each_time() {
    let mut node = Node::new();
    node.asked(1, Some(tip(5)));
    let missed = |again| Input::Missed { tip: tip(5), again };
    let mut fetches = 0;
    node.give(missed(true));
    for _ in 0..1800 {
        if node.tick(1_000).contains(&fetch([1], 5)) {
            fetches += 1;
            node.give(missed(true));
        }
    }
    assert!((8..20).contains(&fetches), "{fetches}");
    // One that contradicts what is here never is, whoever tells of it.
    node.give(missed(false));
    node.asked(2, Some(tip(5)));
    for _ in 0..100 {
        let out = node.tick(60_000);
        assert!(!out.iter().any(|out| matches!(out, Output::Fetch { .. })));
    }
}

#[test]
fn of_heads_that_contradict_none_is_asked_for_again_and_again() {
    let mut node = Node::new();
    let (here, other) = (
        tip(5),
        Tip {
            root: [99; 32],
            ..tip(5)
        },
    );
    node.has(here);
    for number in 0..20 {
        let out = node.asked(number, Some(other));
        assert!(matches!(&out[..], [Output::Admit { .. }]), "{out:?}");
    }
    // Of two newer ones, that which more nodes have.
    node.asked(30, Some(tip(99)));
    let fork = Tip {
        root: [98; 32],
        ..tip(6)
    };
    for number in 0..5 {
        node.told(number, if number == 2 { fork } else { tip(6) });
    }
    let out = node.give(Input::Missed {
        tip: tip(99),
        again: false,
    });
    assert!(
        matches!(&out[..], [Output::Fetch { tip: chosen, from }] if *chosen == tip(6) && from.len() == 4)
    );
    let again = node.has(tip(6));
    assert!(!again.iter().any(|out| matches!(out, Output::Fetch { .. })));
}

#[test]
fn who_floods_a_link_loses_it() {
    let mut node = Node::new();
    for other in 1..4 {
        node.asked(other, Some(tip(5)));
    }
    for _ in 0..8 {
        node.told(1, tip(5));
        let peers = ids(10..12);
        node.give(Input::Peers { node: id(2), peers });
    }
    assert!(!node.has_link(1));
    assert!(node.has_link(2), "the first was no strike");
    let peers = Vec::new();
    node.give(Input::Peers { node: id(2), peers });
    assert!(!node.has_link(2) && node.has_link(3));
    // To link again and again is one, too.
    for _ in 0..8 {
        node.asked(3, None);
    }
    assert!(!node.has_link(3));
}

#[test]
fn now_and_then_a_link_is_given_up_for_another_and_names_are_exchanged() {
    let mut node = Node::new();
    for other in dialled(&node.knows(0..30)) {
        node.give(Input::Linked {
            node: other,
            tip: None,
            peers: Vec::new(),
        });
    }
    let mut seen: Vec<_> = node.0.links().collect();
    let mut named = 0;
    for _ in 0..600 {
        let out = node.tick(60_000);
        named += out
            .iter()
            .filter(|out| matches!(out, Output::Peers { .. }))
            .count();
        for other in dialled(&out) {
            assert_eq!(node.0.links().count(), 4, "the old one stays until then");
            let out = node.give(Input::Linked {
                node: other,
                tip: None,
                peers: Vec::new(),
            });
            assert!(matches!(&out[..], [Output::Refuse { peers, .. }] if peers.len() == 4));
            seen.push(other);
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert!(seen.len() > 20 && (60..240).contains(&named), "{named}");
    // Who is named others answers with some of its own, once.
    let node_id = node.0.links().next().unwrap();
    node.1 += Duration::from_secs(60);
    let peers = ids([50]);
    let out = node.give(Input::Peers {
        node: node_id,
        peers: peers.clone(),
    });
    assert!(matches!(&out[..], [Output::Peers { peers, .. }] if peers.len() == 3));
    node.1 += Duration::from_secs(21);
    let answer = node.give(Input::Peers {
        node: node_id,
        peers,
    });
    assert!(!answer.iter().any(|out| matches!(out, Output::Peers { .. })));
}

#[test]
fn an_idle_node_is_rarely_woken() {
    let mut overlay = Overlay::new(id(1000), Config::default(), 1);
    let (nodes, source) = (ids(0..30), Source::Own);
    let mut out = overlay.handle(Duration::ZERO, Input::Known { nodes, source });
    let (mut now, mut wakes, mut due) = (Duration::ZERO, 0, Duration::ZERO);
    while now < Duration::from_secs(3600) {
        let mut later = Vec::new();
        for output in out.drain(..) {
            match output {
                Output::Dial { node, tip } => {
                    let peers = Vec::new();
                    later.extend(overlay.handle(now, Input::Linked { node, tip, peers }));
                }
                Output::Wake { at } => due = at,
                _ => {}
            }
        }
        out = later;
        if out.is_empty() {
            assert!(due > now, "it always says when it wants to be woken");
            now = due;
            wakes += 1;
            out = overlay.handle(now, Input::Tick);
        }
    }
    assert!(wakes < 40, "{wakes}");
}
