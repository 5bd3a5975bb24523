//! [`New`]: versions that came from elsewhere, before they are checked.

use crate::{
    archive::{
        entry::Entry,
        log::{History, Peaks},
    },
    error::{Error, Kind, Result},
};

/// The part of a log that is new here.
pub(crate) struct New {
    /// The entries as bytes, in order.
    pub(crate) bytes: Vec<Vec<u8>>,
    /// The same, decoded.
    pub(crate) entries: Vec<Entry>,
    /// The peaks of the whole log.
    pub(crate) peaks: Peaks,
    /// How long the log here was.
    pub(crate) before: u64,
    /// How many of its entries stay: all, unless the new log abandons it.
    pub(crate) keep: u64,
    /// The log with its branches, if there are new ones.
    pub(crate) history: Option<History>,
    /// The abandoned versions whose blobs came too.
    pub(crate) abandoned: Vec<Entry>,
}

/// The most entries that are taken at once: with 2 KiB each, 128 MiB of memory.
pub(crate) const MAX_NEW: u64 = 65_536;

impl New {
    /// Nothing yet, after a log with these peaks.
    pub(crate) fn after(peaks: Peaks) -> Self {
        Self {
            bytes: Vec::new(),
            entries: Vec::new(),
            before: peaks.length(),
            keep: peaks.length(),
            peaks,
            history: None,
            abandoned: Vec::new(),
        }
    }

    /// What the log of `history` has after the first `keep` entries of the log here, which has `before`.
    ///
    /// # Errors
    ///
    /// [`Kind::Hostile`] if one of its entries is none.
    pub(crate) fn onto(before: u64, keep: u64, history: History) -> Result<Self> {
        let bytes: Vec<_> = history.entries_from(keep + 1).map(<[u8]>::to_vec).collect();
        let entries = bytes.iter().map(|bytes| Entry::decode(bytes));
        let entries = entries.collect::<std::result::Result<_, _>>();
        Ok(Self {
            entries: entries.map_err(|e| Error::new(Kind::Hostile, e.to_string()))?,
            bytes,
            peaks: history.peaks(),
            before,
            keep,
            history: Some(history),
            abandoned: Vec::new(),
        })
    }

    /// Appends an entry that came from elsewhere.
    ///
    /// # Errors
    ///
    /// [`Kind::Hostile`] if it is not one, or not the next.
    pub(crate) fn push(&mut self, bytes: Vec<u8>) -> Result<()> {
        let refused = |why: String| Error::new(Kind::Hostile, why);
        let entry =
            Entry::decode(&bytes).map_err(|e| refused(format!("an entry is refused: {e}")))?;
        self.peaks.append(&bytes);
        if entry.number != self.peaks.length() {
            let place = self.peaks.length();
            return Err(refused(format!(
                "entry {} came as entry {place}",
                entry.number
            )));
        }
        self.bytes.push(bytes);
        self.entries.push(entry);
        Ok(())
    }
}
