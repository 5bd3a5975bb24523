//! What is here of a log that was forked: the branches that it abandons, and the heads that contradict it.

use super::{Retractions, Store, records::SiteState};
use crate::{
    archive::{
        address::{Address, LeafPrefix},
        blobs::BlobKind,
        entry::{Branch, Entry},
        hash::LogHash,
        head::Head,
        log::{History, Tip},
    },
    error::{Error, Kind, Result},
};

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

/// A version that is not in the log: one that the log abandons, or of a branch that contradicts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherVersion {
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
    pub fn abandoned(&self, state: &SiteState) -> Result<Vec<OtherVersion>> {
        // Most logs abandon nothing, and need not be read for that.
        if !self.records.has_branches(state)? {
            return Ok(Vec::new());
        }
        let history = self.history(state)?;
        let versions = history.abandoned().map(|other| decoded(other.entry));
        let mut versions = versions.collect::<Result<Vec<_>>>()?;
        versions.sort_by_key(|version| (version.entry.number, version.leaf));
        Ok(versions)
    }

    /// The versions of the branches that contradict the log, as far as they are here: at their author's.
    fn contradicting(&self, state: &SiteState) -> Result<Vec<OtherVersion>> {
        let rivals = self.rivals(state)?;
        let mut versions = Vec::new();
        if rivals.is_empty() {
            return Ok(versions);
        }
        let ours = self.history(state)?;
        for rival in rivals {
            let Some(history) = self.rival_history(state, &ours, &rival)? else {
                continue;
            };
            let first = rival.fork_point.map_or(1, |version| version + 1);
            for entry in history.entries_from(first) {
                versions.push(decoded(entry)?);
            }
        }
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
        let others = self.abandoned(state)?.into_iter();
        let others = others.chain(self.contradicting(state)?);
        found.extend(
            others
                .filter(|version| version.entry.number == number)
                .map(|version| (version.leaf, version.entry)),
        );
        found.retain(|(hash, _)| leaf.matches(*hash));
        found.sort_by_key(|(hash, _)| *hash);
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

fn decoded(entry: &[u8]) -> Result<OtherVersion> {
    Ok(OtherVersion {
        entry: Entry::decode(entry).map_err(Error::damaged)?,
        leaf: LogHash::leaf(entry),
    })
}

impl LeafPrefix {
    fn matches(&self, hash: LogHash) -> bool {
        hash.to_string().starts_with(self.as_str())
    }
}
