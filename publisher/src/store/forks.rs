//! What is here of a log that was forked: the branches that it abandons, and the heads that contradict it.

use redb::{ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::{
    Retractions, Store,
    records::{Key, Records, SiteState, damaged},
};
use crate::{
    archive::{
        address::{Address, LeafPrefix, SiteId},
        blobs::BlobKind,
        entry::{Branch, Entry},
        hash::LogHash,
        head::Head,
        log::{History, Tip, history::MAX_BRANCH_ENTRIES},
    },
    error::{Error, Kind, Result},
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

/// A head that can't be true together with the one that is kept: evidence that the log was forked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// The head.
    pub head: Head,
    /// How many entries its log has in common with the one here, if its log was seen.
    pub fork_point: Option<u64>,
}

/// Where a head's log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is the log here, up to some version.
    Log,
    /// It is a branch that the log here abandons.
    Abandoned,
    /// It goes on from the log here, or contradicts it.
    Unknown,
}

/// A version that the log abandons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbandonedVersion {
    /// Its entry.
    pub entry: Entry,
    /// The entry's log hash, by which the version is addressed.
    pub leaf: LogHash,
}

impl Head {
    /// The log that it signs.
    pub fn tip(&self) -> Tip {
        Tip {
            length: self.length(),
            root: self.root(),
        }
    }
}

impl Rival {
    fn branch(&self) -> Option<Branch> {
        Some(Branch {
            length: self.head.length(),
            root: self.head.root(),
            fork_point: self.fork_point?,
        })
    }
}

impl Store {
    /// The log of a site with the branches that it abandons.
    ///
    /// # Errors
    ///
    /// If they can't be read, or are not what the head signs.
    pub(crate) fn history(&self, state: &SiteState) -> Result<History> {
        let newest = state.head.as_ref().map_or(0, Head::length);
        let entries = (1..=newest).map(|version| {
            let entry = self.records.entry_bytes(state, version)?;
            entry.ok_or_else(|| Error::damaged(format!("entry {version} is missing")))
        });
        let entries = entries.collect::<Result<Vec<_>>>()?;
        let history = History::new(entries).map_err(Error::damaged)?;
        if history.tip() != state.head.as_ref().map(Head::tip) {
            // Only what is read again can tell whether it has changed since.
            let now = self.site(state.site)?;
            if now.and_then(|now| now.head) != state.head {
                return Err(super::overtaken());
            }
            return Err(Error::damaged("the log is not the one that its head signs"));
        }
        self.with_branches(state, history)
    }

    fn with_branches(&self, state: &SiteState, mut history: History) -> Result<History> {
        while let Some(branch) = history.missing() {
            let entries = self.records.branch(state, branch)?;
            let entries = entries.ok_or_else(|| {
                Error::damaged("the entries of a branch that the log abandons are missing")
            })?;
            history.supply(entries).map_err(Error::damaged)?;
        }
        Ok(history)
    }

    /// Where the log of `head` is here.
    ///
    /// # Errors
    ///
    /// If the log here can't be read.
    pub fn place_of(&self, head: &Head) -> Result<Place> {
        let state = self.site(head.site())?;
        let Some(state) = state.filter(|state| state.head.is_some()) else {
            return Ok(Place::Unknown);
        };
        if state.head.as_ref().map(Head::tip) == Some(head.tip()) {
            return Ok(Place::Log);
        }
        let history = self.history(&state)?;
        Ok(if history.has(head.tip()) {
            Place::Log
        } else if history.abandons(head.tip()) {
            Place::Abandoned
        } else {
            Place::Unknown
        })
    }

    /// The heads that contradict the log.
    ///
    /// # Errors
    ///
    /// If the records can't be read.
    pub fn rivals(&self, state: &SiteState) -> Result<Vec<Rival>> {
        self.records.rivals(state)
    }

    /// The log of a rival, if it is here; `ours` is the one that is followed.
    pub(crate) fn rival_history(
        &self,
        state: &SiteState,
        ours: &History,
        rival: &Rival,
    ) -> Result<Option<History>> {
        let Some(branch) = rival.branch() else {
            return Ok(None);
        };
        let Some(own) = self.records.branch(state, branch)? else {
            return Ok(None);
        };
        let common = ours.entries_from(1).map(<[u8]>::to_vec);
        let common = common.take(usize::try_from(branch.fork_point).unwrap_or(usize::MAX));
        let history = History::new(common.chain(own)).map_err(Error::damaged)?;
        self.with_branches(state, history).map(Some)
    }

    /// Keeps a head that contradicts the log as evidence, and its log if that was seen and `whole`.
    pub(crate) fn keep_rival(
        &self,
        state: &SiteState,
        head: &Head,
        seen: Option<(&History, u64)>,
        whole: bool,
    ) -> Result<()> {
        self.records.put_rival(state, head, seen, whole)
    }

    /// Whether every file of a version that may not be in the log can be read.
    pub(crate) fn is_readable(&self, state: &SiteState, entry: &Entry) -> Result<bool> {
        // What was abandoned has nothing to do with what the log retracts.
        if !Retractions::default().is_whole(self, entry)? {
            return Ok(false);
        }
        for blob in crate::publish::needs(self, entry)?.into_values() {
            if blob.kind == BlobKind::Pack && !self.records.has_pack(state, blob.hash)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The versions that the log abandons, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// If they can't be read.
    pub fn abandoned(&self, state: &SiteState) -> Result<Vec<AbandonedVersion>> {
        // Most logs abandon nothing, and need not be read for that.
        if !self.records.has_branches(state)? {
            return Ok(Vec::new());
        }
        let history = self.history(state)?;
        let mut versions = Vec::new();
        for abandoned in history.abandoned() {
            versions.push(AbandonedVersion {
                entry: Entry::decode(abandoned.entry).map_err(Error::damaged)?,
                leaf: LogHash::leaf(abandoned.entry),
            });
        }
        versions.sort_by_key(|version| (version.entry.number, version.leaf));
        Ok(versions)
    }

    /// The entry of the version that an address names: of the newest if it names none.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] if there is no such version, [`Kind::Usage`] if it may be several.
    pub fn entry_at(&self, state: &SiteState, address: &Address) -> Result<Entry> {
        let (Some(number), Some(leaf)) = (address.version, &address.leaf) else {
            return self.version(state, address.version);
        };
        if let Some(bytes) = self.records.entry_bytes(state, number)?
            && leaf.matches(LogHash::leaf(&bytes))
        {
            return self.version(state, Some(number));
        }
        let mut found: Vec<(LogHash, Entry)> = Vec::new();
        let abandoned = self.abandoned(state)?.into_iter();
        found.extend(
            abandoned
                .filter(|version| version.entry.number == number)
                .map(|version| (version.leaf, version.entry)),
        );
        found.retain(|(hash, _)| leaf.matches(*hash));
        found.dedup_by_key(|(hash, _)| *hash);
        match found.len() {
            1 => Ok(found.swap_remove(0).1),
            0 => Err(Error::new(
                Kind::NotFound,
                format!("there is no version {number} whose hash begins with {leaf}"),
            )
            .hint("`skep log` lists the versions, and those that were abandoned")),
            _ => Err(Error::new(
                Kind::Usage,
                format!("more than one version {number} has a hash that begins with {leaf}"),
            )
            .hint("give more of its digits")),
        }
    }
}

impl LeafPrefix {
    fn matches(&self, hash: LogHash) -> bool {
        hash.to_string().starts_with(self.as_str())
    }
}

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

    fn has_branches(&self, state: &SiteState) -> Result<bool> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(BRANCHES).map_err(damaged)?;
        let mut all = table.range(all(state.number)).map_err(damaged)?;
        Ok(all.next().transpose().map_err(damaged)?.is_some())
    }

    fn rivals(&self, state: &SiteState) -> Result<Vec<Rival>> {
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

    fn put_rival(
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
        self.write(|txn| {
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
