//! Authors with one key, readers who meet them in any order, and a model that compares whole lists.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::archive::{
    blobs::BlobSet,
    entry::{Entry, EntryKind},
    hash::{LogHash, NodeHash},
    log::{
        HistoryError,
        history::{MAX_BRANCH_ENTRIES, MAX_BRANCHES},
    },
};

type Log = Vec<Vec<u8>>;

fn entry(number: u64, message: &str, abandoned: &[Branch]) -> Vec<u8> {
    let entry = Entry {
        kind: EntryKind::Publish,
        number,
        time: 0,
        as_of: 0,
        tree: NodeHash([0; 32]),
        sources: None,
        files: 0,
        bytes: 0,
        message: message.into(),
        adds: BlobSet::default(),
        keeps: BlobSet::default(),
        drops: BlobSet::default(),
        origin: None,
        abandoned: abandoned.to_vec(),
    };
    entry.encode().unwrap()
}

/// A log as the format has it, and as a model has it: whole, with every prefix of every abandoned branch.
#[derive(Clone)]
struct Both {
    real: History,
    log: Log,
    abandoned: BTreeSet<Log>,
}

impl Both {
    fn empty() -> Self {
        Self {
            real: History::default(),
            log: Vec::new(),
            abandoned: BTreeSet::new(),
        }
    }

    fn push(&mut self, message: &str) {
        let entry = entry(self.log.len() as u64 + 1, message, &[]);
        self.real.push(entry.clone()).unwrap();
        self.log.push(entry);
    }

    /// As somebody has it who gets the log, and asks one who has it for each branch.
    fn received(&self) -> History {
        let mut history = History::new(self.log.clone()).unwrap();
        history.supply_from(&[&self.real]).unwrap();
        assert_eq!(history.missing(), None);
        history
    }

    /// The next version after these logs, the own one first, were seen to contradict each other.
    fn mend(logs: &[&Self], message: &str) -> Self {
        let real: Vec<_> = logs.iter().map(|log| &log.real).collect();
        let Some(mend) = mend(&real) else {
            // They are one: the longest of them goes on.
            let longest = logs.iter().max_by_key(|log| log.log.len());
            let mut next = (*longest.unwrap()).clone();
            next.push(message);
            return next;
        };
        let onto = logs[mend.onto];
        let branches: Vec<_> = mend.abandons.iter().map(|(_, branch)| *branch).collect();
        let mut log = onto.log.clone();
        log.push(entry(log.len() as u64 + 1, message, &branches));
        let mut abandoned = onto.abandoned.clone();
        for (n, branch) in &mend.abandons {
            let common = common(&onto.log, &logs[*n].log);
            assert_eq!(branch.fork_point, common as u64);
            abandoned.extend(logs[*n].abandoned.clone());
            abandoned
                .extend((common + 1..=logs[*n].log.len()).map(|end| logs[*n].log[..end].to_vec()));
        }
        abandoned.retain(|branch| !log.starts_with(branch));
        let mut history = History::new(log.clone()).unwrap();
        history.supply_from(&real).unwrap();
        assert_eq!(history.missing(), None, "who mends knows all branches");
        Self {
            real: history,
            log,
            abandoned,
        }
    }

    /// What a reader of `self` makes of `other`.
    fn expected(&self, other: &Self) -> Verdict {
        let fork_point = common(&self.log, &other.log) as u64;
        if self.log == other.log {
            Verdict::Same
        } else if other.log.starts_with(&self.log) {
            Verdict::Extends
        } else if self.log.starts_with(&other.log) || self.abandoned.contains(&other.log) {
            Verdict::Behind
        } else if other.abandoned.contains(&self.log) {
            Verdict::Explained { fork_point }
        } else {
            Verdict::Contradicts { fork_point }
        }
    }

    /// Moves if it may. Returns whether the two contradict each other.
    fn meet(&mut self, other: &Self) -> bool {
        let verdict = compare(&self.real, &other.received());
        assert_eq!(verdict, self.expected(other));
        match verdict {
            Verdict::Extends | Verdict::Explained { .. } => {
                assert!(self.log.len() < other.log.len(), "nobody goes back");
                // Nothing that was seen is lost: it is there still, or said to be abandoned.
                let seen = self.abandoned.iter().chain([&self.log]);
                for log in seen.filter(|log| !log.is_empty()) {
                    assert!(other.log.starts_with(log) || other.abandoned.contains(log));
                }
                *self = other.clone();
                false
            }
            Verdict::Same | Verdict::Behind => false,
            Verdict::Contradicts { .. } => true,
        }
    }
}

fn common(a: &Log, b: &Log) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[derive(Debug, Clone)]
enum Deed {
    /// An author publishes, and says one of a few things, so that two may say the same.
    Publish(usize, u8),
    /// An author publishes after a look at another's log.
    Look(usize, usize),
    /// A reader meets an author.
    Read(usize, usize),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        3 => (0..3usize, 0..3u8).prop_map(|(author, says)| Deed::Publish(author, says)),
        2 => (0..3usize, 0..3usize).prop_map(|(author, other)| Deed::Look(author, other)),
        3 => (0..4usize, 0..3usize).prop_map(|(reader, author)| Deed::Read(reader, author)),
    ];
    prop::collection::vec(deed, 0..40)
}

/// The next version of `authors[author]` after a look at another's.
fn look(authors: &mut [Both], author: usize, other: usize) {
    let seen = authors[other].clone();
    if authors[author].meet(&seen) {
        authors[author] = Both::mend(&[&authors[author], &seen], "mend");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn readers_follow_any_history_of_three_authors_and_converge(deeds in deeds()) {
        let mut authors = vec![Both::empty(); 3];
        let mut readers = vec![Both::empty(); 4];
        for deed in deeds {
            match deed {
                Deed::Publish(author, says) => authors[author].push(&says.to_string()),
                Deed::Look(author, other) => look(&mut authors, author, other),
                Deed::Read(reader, author) => {
                    readers[reader].meet(&authors[author]);
                }
            }
        }
        // Readers of branches that no author has any more: only their heads are known to the others.
        let all: Vec<&Both> = authors.iter().collect();
        let mended = Both::mend(&all, "the end");
        for mut holder in authors.iter().chain(&readers).cloned() {
            let expected = holder.expected(&mended);
            prop_assert_eq!(compare(&holder.real, &mended.received()), expected);
            prop_assert!(!holder.meet(&mended), "everyone was at some author's log");
            prop_assert_eq!(&holder.log, &mended.log);
        }
        let real: BTreeSet<_> = mended.real.abandoned().map(|a| a.tip.root).collect();
        prop_assert_eq!(real.len(), mended.abandoned.len());
    }
}

/// A common start, then two branches, and the mends that either author may make.
fn forked() -> (Both, Both, Both, Both) {
    let mut start = Both::empty();
    start.push("one");
    let (mut desk, mut laptop) = (start.clone(), start);
    desk.push("from the desk");
    laptop.push("from the laptop");
    laptop.push("and again");
    let by_desk = Both::mend(&[&desk, &laptop], "mended");
    let by_laptop = Both::mend(&[&laptop, &desk], "mended");
    (desk, laptop, by_desk, by_laptop)
}

#[test]
fn both_authors_mend_in_the_same_way() {
    let (desk, laptop, by_desk, by_laptop) = forked();
    assert_eq!(by_desk.log, by_laptop.log);
    assert!(by_desk.log.starts_with(&laptop.log), "the longer branch");
    let Verdict::Explained { fork_point } = compare(&desk.real, &by_desk.received()) else {
        panic!("the desk moves");
    };
    assert_eq!(fork_point, 1);
    // Equally long: the lower root, whoever asks.
    let mut desk = desk;
    desk.push("a second");
    let lower = desk.real.tip().unwrap().root < laptop.real.tip().unwrap().root;
    assert_eq!(
        mend(&[&desk.real, &laptop.real]).unwrap().onto,
        usize::from(!lower)
    );
    assert_eq!(
        mend(&[&laptop.real, &desk.real]).unwrap().onto,
        usize::from(lower)
    );
}

/// Three readers, each of whom meets four holders in every order.
#[test]
fn all_orders_of_meeting_end_at_the_mended_log() {
    let (desk, laptop, mended, _) = forked();
    // The twin goes on, not knowing of the mend; and is mended in turn.
    let mut further = desk.clone();
    for _ in 0..4 {
        further.push("further");
    }
    let end = Both::mend(&[&mended, &further], "mended again");
    assert!(
        end.log.starts_with(&further.log),
        "which is the longer one by now"
    );
    let holders = [&desk, &laptop, &mended, &further, &end];
    for first in holders {
        let mut orders = Vec::new();
        permutations(&mut vec![0, 1, 2, 3, 4], 0, &mut orders);
        assert_eq!(orders.len(), 120);
        for order in orders {
            let mut reader = first.clone();
            for holder in order {
                reader.meet(holders[holder]);
            }
            reader.meet(&end);
            assert_eq!(reader.log, end.log);
        }
    }
}

fn permutations(items: &mut Vec<usize>, from: usize, out: &mut Vec<Vec<usize>>) {
    if from == items.len() {
        out.push(items.clone());
    }
    for n in from..items.len() {
        items.swap(from, n);
        permutations(items, from + 1, out);
        items.swap(from, n);
    }
}

#[test]
fn a_branch_that_is_not_what_was_named_is_refused() {
    let (desk, laptop, ..) = forked();
    let named = mend(&[&laptop.real, &desk.real]).unwrap().abandons[0].1;
    let with = |branch: Branch| {
        let mut log = laptop.log.clone();
        log.push(entry(4, "mended", &[branch]));
        History::new(log)
    };
    let supplied = |branch: Branch, entries: &[Vec<u8>]| {
        let mut history = with(branch)?;
        assert_eq!(history.missing(), Some(branch));
        history.supply(entries.to_vec()).map(|()| history)
    };
    assert!(supplied(named, &desk.log[1..]).is_ok());
    // Other entries, fewer, more; another root.
    for entries in [
        &laptop.log[1..2],
        &[],
        &desk.log[..],
        &[b"no entry".to_vec()],
    ] {
        assert!(supplied(named, entries).is_err());
    }
    let root = LogHash([7; 32]);
    assert!(supplied(Branch { root, ..named }, &desk.log[1..]).is_err());
    // A fork point before the true one.
    let earlier = Branch {
        fork_point: 0,
        ..named
    };
    assert_eq!(
        supplied(earlier, &desk.log).unwrap_err(),
        HistoryError::ForkPoint
    );
    // A part of the log itself is no branch of it.
    let own = Branch {
        length: 2,
        root: laptop.real.root_at(2).unwrap(),
        fork_point: 1,
    };
    assert_eq!(with(own).unwrap_err(), HistoryError::ForkPoint);
}

#[test]
fn branches_without_end_are_refused() {
    // A branch that is named as longer than is ever supplied.
    let number = MAX_BRANCH_ENTRIES + 10;
    let branch = Branch {
        length: number - 1,
        root: LogHash([7; 32]),
        fork_point: 1,
    };
    let mut log = History::default();
    for n in 1..number {
        log.push(entry(n, "", &[])).unwrap();
    }
    assert_eq!(
        log.push(entry(number, "", &[branch])),
        Err(HistoryError::TooMany)
    );

    // And more of them than are ever looked at.
    let mut log = History::new([entry(1, "", &[]), entry(2, "", &[])]).unwrap();
    let mut refused = None;
    for n in 3..1000 {
        let branches = [0u8, 1, 2, 3].map(|b| Branch {
            length: 2,
            root: LogHash([b; 32]),
            fork_point: 1,
        });
        if let Err(e) = log.push(entry(n, "", &branches)) {
            refused = Some((n, e));
            break;
        }
    }
    let at = 3 + (MAX_BRANCHES / Entry::MAX_ABANDONED) as u64;
    assert_eq!(refused, Some((at, HistoryError::TooMany)));
}
