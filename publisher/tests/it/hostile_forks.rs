//! Authors and peers that use forks to hold readers up, to fill their disks, or to take them back.

use skep_publisher::{
    archive::{
        entry::{Branch, Entry},
        hash::{LogHash, NodeHash},
        head::Head,
        log::Peaks,
    },
    error::Kind,
    swarm::fetch::{Wanted, newest},
};

use crate::{
    fixture::{Other, seen},
    hostile_author::{leaf, refused},
    liar::{Forge, Liar, Serves, frame, pack},
};

/// A site of `versions` versions that differ in their messages.
fn honest(versions: usize, says: &str) -> Forge {
    let mut forge = Forge::new(5);
    for _ in 0..versions {
        publish(&mut forge, says, Vec::new());
    }
    forge
}

fn publish(forge: &mut Forge, says: &str, abandoned: Vec<Branch>) {
    let leaf = leaf(&[("a", b"x")]);
    let pack = pack(std::slice::from_ref(&leaf), &[b"x"]);
    let mut entry = forge.entry(NodeHash::of(&leaf), 1, 1, &pack);
    entry.message = says.into();
    entry.abandoned = abandoned;
    forge.push(&entry, pack);
}

async fn reader_of(forge: &Forge) -> Other {
    let reader = Other::new().await;
    let peer = forge.serve().await;
    newest(&reader.node, forge.site(), &peer.ticket, Wanted::Latest)
        .await
        .unwrap();
    peer.close().await;
    reader
}

fn root(entries: &[Vec<u8>]) -> LogHash {
    let mut peaks = Peaks::default();
    entries.iter().for_each(|entry| peaks.append(entry));
    peaks.root().unwrap()
}

/// What one branch is for another that is longer.
fn branch_of(forge: &Forge) -> Branch {
    Branch {
        length: forge.entries.len() as u64,
        root: root(&forge.entries),
        fork_point: 0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_moves_for_a_branch_that_is_shown_and_for_no_other() {
    let ours = honest(2, "ours");
    let named = branch_of(&ours);
    let other = |branch: Branch, shown: &[Vec<u8>]| {
        let mut theirs = honest(3, "theirs");
        publish(&mut theirs, "mended", vec![branch]);
        theirs.branch = shown.to_vec();
        theirs
    };
    let reader = reader_of(&ours).await;
    // Another fork point, another length; for a reader who has the branch, nobody has to show it.
    for wrong in [
        Branch {
            fork_point: 1,
            ..named
        },
        Branch { length: 3, ..named },
    ] {
        let theirs = other(wrong, &ours.entries);
        let error = refused(&reader, &theirs, Wanted::Latest).await;
        assert_eq!(error.kind, Kind::Hostile, "{error}");
    }
    // A branch that the reader is not on explains nothing to it.
    let stranger = honest(2, "a third branch");
    let theirs = other(branch_of(&stranger), &stranger.entries);
    let error = refused(&reader, &theirs, Wanted::Latest).await;
    assert_eq!(error.kind, Kind::Conflict, "{error}");
    // Who has nothing yet takes no log whose branches are not shown, or are others.
    let newcomer = Other::new().await;
    for shown in [&[][..], &stranger.entries[..], &[b"garbage".to_vec()]] {
        let error = refused(&newcomer, &other(named, shown), Wanted::Latest).await;
        assert_eq!(error.kind, Kind::Hostile, "{error}");
    }
    // And the honest one passes, so that the rest was refused for what it is.
    let theirs = other(named, &ours.entries);
    for reader in [&reader, &newcomer] {
        let peer = theirs.serve().await;
        let fetched = newest(&reader.node, theirs.site(), &peer.ticket, Wanted::Latest).await;
        assert_eq!(fetched.unwrap().head, theirs.head());
        peer.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_without_end_are_not_fetched() {
    let mut forge = honest(1, "ours");
    let entry = Entry::decode(&forge.entries[0]).unwrap();
    // Branches that go on for ever: nobody has them, and a peer sends whatever it is asked for.
    let mut endless = |n: usize, length: u64| {
        while forge.entries.len() + 1 < n {
            let mut next = entry.clone();
            next.number = forge.entries.len() as u64 + 1;
            forge.entries.push(next.encode().unwrap());
        }
        let branch = Branch {
            length,
            root: LogHash([7; 32]),
            fork_point: 0,
        };
        publish(&mut forge, "mended", vec![branch; 4]);
        forge.branch = vec![forge.entries[0].clone()];
    };
    endless(16_500, 16_400);
    let reader = Other::new().await;
    let error = refused(&reader, &forge, Wanted::Latest).await;
    assert_eq!(error.kind, Kind::Hostile, "{error}");
    assert!(error.message.contains("more than"), "{error}");
}

/// The key has signed it: no log has to be shown for that. A reader stays, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_shorter_head_that_contradicts_is_evidence_by_itself() {
    let forge = honest(3, "ours");
    let reader = reader_of(&forge).await;
    let before = seen(&reader.node.store, forge.site());
    let mut heads = vec![forge.head_of(1, &honest(1, "other").entries)];
    heads.push(forge.head_of(3, &honest(3, "other").entries));
    for head in heads {
        let offered = head.encode();
        let script = move |request| match request {
            skep_publisher::swarm::wire::Request::Head { .. } => vec![frame(
                &skep_publisher::swarm::wire::Response::Head(offered.clone()),
            )],
            _ => Vec::new(),
        };
        let liar = Liar::new(script, Serves::Nothing).await;
        let error = newest(&reader.node, forge.site(), &liar.ticket, Wanted::Latest)
            .await
            .unwrap_err();
        assert_eq!(error.kind, Kind::Conflict, "{error}");
        assert_eq!(seen(&reader.node.store, forge.site()), before);
        liar.close().await;
    }
    let state = reader.node.store.known(forge.site()).unwrap();
    let rivals = reader.node.store.rivals(&state).unwrap();
    let kept: Vec<_> = rivals
        .iter()
        .map(|r| (r.head.length(), r.fork_point))
        .collect();
    assert_eq!(kept, [(3, None), (1, None)]);
}

/// However many contradictions are signed, a few are kept.
#[tokio::test(flavor = "multi_thread")]
async fn evidence_is_bounded() {
    let forge = honest(1, "ours");
    let reader = reader_of(&forge).await;
    for n in 0..20u8 {
        let head: Head = forge.head_of(1, &honest(1, &format!("other {n}")).entries);
        let head = head.encode();
        let script = move |request| match request {
            skep_publisher::swarm::wire::Request::Head { .. } => vec![frame(
                &skep_publisher::swarm::wire::Response::Head(head.clone()),
            )],
            _ => Vec::new(),
        };
        let liar = Liar::new(script, Serves::Nothing).await;
        let error = newest(&reader.node, forge.site(), &liar.ticket, Wanted::Latest).await;
        assert_eq!(error.unwrap_err().kind, Kind::Conflict);
        liar.close().await;
    }
    let state = reader.node.store.known(forge.site()).unwrap();
    assert_eq!(reader.node.store.rivals(&state).unwrap().len(), 16);
}
