//! [`Mend`]: what a publish does about a forked log, and what is lost by it.

use std::collections::BTreeSet;

use super::{Review, part::Both};
use crate::{
    accept::{Wanted, retracted::Retracted},
    archive::{
        entry::{Branch, Entry},
        hash::{ContentHash, LogHash},
        log::{History, fork},
        path::ArchivePath,
        tree::{self, Change},
    },
    error::{Error, Kind, Result},
    store::{Reader, Rival, SiteState, Store},
};

/// How a publish mends a forked log: the new version follows on the longer branch, and abandons the other.
pub struct Mend {
    /// The branches that it abandons.
    pub abandons: Vec<Abandons>,
    /// The newest version of the branch that it is appended to.
    pub(super) base: Entry,
    /// The branch that it is appended to.
    onto: History,
    /// All branches, for their entries.
    logs: Vec<History>,
    /// How long the log here is.
    pub(crate) before: u64,
    /// How many of its entries are in the branch that is appended to.
    pub(crate) keep: u64,
}

/// A branch that a mend abandons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abandons {
    /// Its newest version.
    pub entry: Entry,
    /// The log hash of that, by which it can be addressed afterwards.
    pub leaf: LogHash,
    /// The last version that both branches have; 0 if there is none.
    pub fork_point: u64,
    /// Whether it is the branch that was followed here so far.
    pub own: bool,
    /// The versions that it retracts: by abandoning it that is undone.
    pub retracts: Vec<u64>,
    /// What it changed since the fork and the new version has not: from there to the new version.
    pub lost: Vec<Change>,
    branch: Branch,
}

/// What is to be done about the fork of a log.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) mend: Option<Mend>,
    /// Heads that contradict the log here and can't be mended, because their versions are not here.
    pub(super) unseen: Vec<Rival>,
}

/// Looks at the evidence that is here.
pub(super) fn of(store: &Store, state: Option<&SiteState>) -> Result<Plan> {
    let Some(state) = state.filter(|state| state.head.is_some()) else {
        return Ok(Plan::default());
    };
    let rivals = store.rivals(state)?;
    if rivals.is_empty() {
        return Ok(Plan::default());
    }
    let mut unseen = Vec::new();
    let ours = store.history(state)?;
    let mut logs = vec![ours];
    for rival in rivals {
        match readable(store, state, &logs[0], &rival)? {
            Some(history) => logs.push(history),
            None => unseen.push(rival),
        }
    }
    let Some(plan) = fork::mend(&logs.iter().collect::<Vec<_>>()) else {
        return Ok(Plan { mend: None, unseen });
    };
    let (ours, onto) = (&logs[0], &logs[plan.onto]);
    let mut abandons = Vec::new();
    for (n, branch) in plan.abandons {
        let (entry, leaf) = newest(&logs[n])?;
        abandons.push(Abandons {
            entry,
            leaf,
            fork_point: branch.fork_point,
            own: n == 0,
            retracts: retracted_by(&logs[n], branch.fork_point)?,
            lost: Vec::new(),
            branch,
        });
    }
    let mend = Mend {
        abandons,
        base: newest(onto)?.0,
        before: ours.tip().map_or(0, |tip| tip.length),
        keep: fork::fork_point(ours, onto),
        onto: onto.clone(),
        logs,
    };
    Ok(Plan {
        mend: Some(mend),
        unseen,
    })
}

/// The log of a rival whose newest version can be read here.
fn readable(
    store: &Store,
    state: &SiteState,
    ours: &History,
    rival: &Rival,
) -> Result<Option<History>> {
    let Some(history) = store.rival_history(state, ours, rival)? else {
        return Ok(None);
    };
    let (entry, _) = newest(&history)?;
    Ok(store.is_readable(state, &entry)?.then_some(history))
}

/// The versions that the entries of a branch retract.
fn retracted_by(history: &History, fork_point: u64) -> Result<Vec<u64>> {
    let mut versions = BTreeSet::new();
    for entry in history.entries_from(fork_point + 1) {
        let entry = Entry::decode(entry).map_err(Error::damaged)?;
        versions.extend(entry.retracts());
    }
    Ok(versions.into_iter().collect())
}

fn newest(history: &History) -> Result<(Entry, LogHash)> {
    let length = history.tip().map_or(0, |tip| tip.length);
    let bytes = history.entries_from(length).next();
    let bytes = bytes.ok_or_else(|| Error::damaged("a log is empty"))?;
    let entry = Entry::decode(bytes).map_err(Error::damaged)?;
    Ok((entry, LogHash::leaf(bytes)))
}

impl Mend {
    /// Whether the new version follows on the branch that was followed here so far.
    pub fn is_onto_own(&self) -> bool {
        self.keep == self.before
    }

    /// What the entry says of the branches.
    pub(crate) fn branches(&self) -> Vec<Branch> {
        self.abandons.iter().map(|a| a.branch).collect()
    }

    /// The log that is appended to.
    pub(crate) fn onto(&self) -> &History {
        &self.onto
    }

    /// Which of the entries that are new here retract versions, and the blobs that they drop; `entry` is the
    /// mending one.
    pub(crate) fn retracted(
        &self,
        store: &Store,
        state: &SiteState,
        entry: &Entry,
    ) -> Result<(Vec<u64>, Vec<ContentHash>)> {
        let new = self.onto.entries_from(self.keep + 1).map(Entry::decode);
        let mut new = new.collect::<Result<Vec<_>, _>>().map_err(Error::damaged)?;
        new.push(entry.clone());
        let retracted = Retracted::new(store, state, &new, Wanted::Whole)?;
        Ok((retracted.new, retracted.drops))
    }

    /// The new log, with all of its branches.
    ///
    /// # Errors
    ///
    /// [`Kind::Unpublishable`] if readers would refuse it.
    pub(crate) fn with(&self, entry: Vec<u8>) -> Result<History> {
        let refused = |e| {
            Error::new(
                Kind::Unpublishable,
                format!("the forked log can't be mended: {e}"),
            )
        };
        let before = self.onto.entries_from(1).map(<[u8]>::to_vec);
        // As a reader does it who has nothing yet: what that refuses must not be signed.
        let mut history = History::new(before.chain([entry])).map_err(refused)?;
        history
            .supply_from(&self.logs.iter().collect::<Vec<_>>())
            .map_err(refused)?;
        match history.missing() {
            None => Ok(history),
            Some(_) => Err(Error::damaged("a branch of the forked log is missing")),
        }
    }
}

/// The review with what is lost by a mend.
pub(super) fn show(store: &Store, plan: Plan, mut review: Review) -> Result<Review> {
    review.unseen = plan.unseen;
    let (Some(mut mend), Some(state)) = (plan.mend, &review.state) else {
        return Ok(review);
    };
    let reader = Reader::new(store, state);
    let nodes = review.output.nodes().iter();
    let new = Both {
        new: nodes.map(|(hash, bytes)| (*hash, bytes)).collect(),
        old: &reader,
    };
    let Some(root) = review.output.root() else {
        return Ok(review);
    };
    for abandons in &mut mend.abandons {
        let mut lost = tree::diff(&new, abandons.entry.tree, root)?.changes;
        let fork = match abandons.fork_point {
            0 => None,
            version => mend.onto.entries_from(version).next(),
        };
        let fork = fork.map(Entry::decode).transpose();
        // What it had from before the fork is not what would be lost by abandoning it.
        if let Some(fork) = fork.map_err(Error::damaged)?
            && store.is_readable(state, &fork)?
        {
            let own = new.old.diff(fork.tree, abandons.entry.tree)?;
            let own: BTreeSet<ArchivePath> = own.into_iter().map(|c| c.path).collect();
            lost.retain(|change| own.contains(&change.path));
        }
        abandons.lost = lost;
    }
    drop(new);
    review.mend = Some(mend);
    Ok(review)
}
