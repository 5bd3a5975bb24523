//! The records of forks: the entries of branches, and the heads that contradict the log.

use redb::{ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::{Key, Records, SiteState, damaged};
use crate::{
    archive::{
        address::SiteId,
        entry::Branch,
        hash::LogHash,
        head::Head,
        log::{History, Tip, history::MAX_BRANCH_ENTRIES},
    },
    error::{Error, Result},
    store::Rival,
};

/// (site's number, root of a branch up to an entry) -> (root up to the entry before, the entry). Of
/// branches that the log abandons, and of those of rivals.
const BRANCHES: TableDefinition<(u32, Key), (Key, &[u8])> = TableDefinition::new("branches");
/// (site's number, root) -> (fork point + 1, or 0 if it is not known; a head that can't be true together
/// with the one that is kept).
const RIVALS: TableDefinition<(u32, Key), (u64, &[u8])> = TableDefinition::new("rivals");

/// Stands for the root of an empty log, which has none.
const NONE: Key = [0; 32];

/// The most heads that are kept as evidence against one site.
const MAX_RIVALS: usize = 16;

impl Records {
    pub(super) fn create_fork_tables(txn: &WriteTransaction) -> Result<(), redb::Error> {
        txn.open_table(BRANCHES)?;
        txn.open_table(RIVALS)?;
        Ok(())
    }

    /// The entries of a branch after its fork point, oldest first; `None` if it is not here.
    ///
    /// Where the branch meets the log it goes on there: whoever uses the entries checks their root.
    pub(crate) fn branch(&self, state: &SiteState, branch: Branch) -> Result<Option<Vec<Vec<u8>>>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(BRANCHES).map_err(damaged)?;
        let mut entries = Vec::new();
        let (mut at, mut length) = (branch.root.0, branch.length);
        while length > branch.fork_point {
            let Some(row) = table.get((state.number, at)).map_err(damaged)? else {
                break;
            };
            let (before, entry) = row.value();
            entries.push(entry.to_vec());
            (at, length) = (before, length - 1);
        }
        if entries.is_empty() {
            return Ok(None);
        }
        entries.reverse();
        let mut all = Vec::new();
        for version in branch.fork_point + 1..=length {
            let entry = self.entry_bytes(state, version)?;
            all.push(entry.ok_or_else(|| Error::damaged("a branch hangs in the air"))?);
        }
        all.extend(entries);
        Ok(Some(all))
    }

    pub(crate) fn has_branches(&self, state: &SiteState) -> Result<bool> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(BRANCHES).map_err(damaged)?;
        let mut all = table.range(all(state.number)).map_err(damaged)?;
        Ok(all.next().transpose().map_err(damaged)?.is_some())
    }

    pub(crate) fn rivals(&self, state: &SiteState) -> Result<Vec<Rival>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(RIVALS).map_err(damaged)?;
        let mut rivals = Vec::new();
        for row in table.range(all(state.number)).map_err(damaged)? {
            let row = row.map_err(damaged)?;
            let (fork_point, head) = row.1.value();
            rivals.push(Rival {
                head: Head::decode(state.site, head).map_err(Error::damaged)?,
                fork_point: fork_point.checked_sub(1),
            });
        }
        rivals.sort_by_key(|rival| (std::cmp::Reverse(rival.head.length()), rival.head.root()));
        Ok(rivals)
    }

    pub(crate) fn put_rival(
        &self,
        state: &SiteState,
        head: &Head,
        seen: Option<(&History, u64)>,
        whole: bool,
    ) -> Result<()> {
        // What the new one goes on from, or explains, says nothing more.
        let outdated: Vec<Key> = match seen {
            Some((history, _)) => self
                .rivals(state)?
                .iter()
                .map(|rival| rival.head.tip())
                .filter(|tip| *tip != head.tip() && (history.has(*tip) || history.abandons(*tip)))
                .map(|tip| tip.root.0)
                .collect(),
            None => Vec::new(),
        };
        self.write(state.site, |txn| {
            let mut rivals = txn.open_table(RIVALS)?;
            for root in outdated {
                rivals.remove((state.number, root))?;
            }
            let key = (state.number, head.root().0);
            let known = rivals.get(key)?.map(|row| row.value().0);
            // One is proof; whoever has the key could sign them without end.
            if known.is_none() && rivals.range(all(state.number))?.count() >= MAX_RIVALS {
                return Ok(());
            }
            let fork_point = seen.map_or(known.unwrap_or(0), |(_, fork_point)| fork_point + 1);
            rivals.insert(key, (fork_point, head.encode().as_slice()))?;
            if let Some((history, fork_point)) = seen.filter(|_| whole)
                && head.length() - fork_point <= MAX_BRANCH_ENTRIES
            {
                put_branches(txn, state.number, history, fork_point)?;
            }
            Ok(())
        })
    }
}

/// Forgets all of a site.
pub(super) fn remove(txn: &WriteTransaction, number: u32) -> Result<(), redb::Error> {
    let mut branches = txn.open_table(BRANCHES)?;
    branches.retain_in(all(number), |_, _| false)?;
    let mut rivals = txn.open_table(RIVALS)?;
    rivals
        .retain_in(all(number), |_, _| false)
        .map_err(redb::Error::from)
}

/// Records the entries of a history that are not among the first `fork_point` of its log.
fn put_branches(
    txn: &WriteTransaction,
    number: u32,
    history: &History,
    fork_point: u64,
) -> Result<(), redb::Error> {
    let mut branches = txn.open_table(BRANCHES)?;
    let key = |root: Option<LogHash>| root.map_or(NONE, |root| root.0);
    for (n, entry) in (fork_point + 1..).zip(history.entries_from(fork_point + 1)) {
        let (before, root) = (history.root_at(n - 1), history.root_at(n));
        branches.insert((number, key(root)), (key(before), entry))?;
    }
    for abandoned in history.abandoned() {
        let value = (key(abandoned.before), abandoned.entry);
        branches.insert((number, abandoned.tip.root.0), value)?;
    }
    Ok(())
}

/// Records what a log abandons from now on, in the transaction in which it becomes the site's; `keep`
/// entries of the log before are in it. The rivals which it explains are none any more.
pub(super) fn settle(
    txn: &WriteTransaction,
    (number, site): (u32, SiteId),
    history: &History,
    keep: u64,
) -> Result<(), redb::Error> {
    let newest = history.tip().map_or(0, |tip| tip.length);
    put_branches(txn, number, history, newest)?;
    let mut branches = txn.open_table(BRANCHES)?;
    for length in keep + 1..=newest {
        if let Some(root) = history.root_at(length) {
            branches.remove((number, root.0))?;
        }
    }
    let mut rivals = txn.open_table(RIVALS)?;
    let mut changed = Vec::new();
    for row in rivals.range(all(number))? {
        let (key, value) = row?;
        let (fork_point, head) = value.value();
        let tip = Head::decode(site, head).ok().map(|head| head.tip());
        let explained = tip.is_some_and(|tip| history.has(tip) || history.abandons(tip));
        let fork_point = match (tip, fork_point) {
            (Some(mut at), 1..) => loop {
                if at.length == 0 || history.has(at) {
                    break at.length + 1;
                }
                let Some(row) = branches.get((number, at.root.0))? else {
                    // Its entries are not here: where it parts from another log is not known.
                    break if fork_point <= keep { fork_point } else { 0 };
                };
                at = Tip {
                    length: at.length - 1,
                    root: LogHash(row.value().0),
                };
            },
            _ => 0,
        };
        let new = (!explained).then(|| (fork_point, head.to_vec()));
        changed.push((key.value(), new));
    }
    for (key, new) in changed {
        match new {
            Some((fork_point, head)) => rivals.insert(key, (fork_point, head.as_slice()))?,
            None => rivals.remove(key)?,
        };
    }
    Ok(())
}

fn all(number: u32) -> std::ops::RangeInclusive<(u32, Key)> {
    (number, [0; 32])..=(number, [0xff; 32])
}
