//! [`Board`]: holders of a site in a plain item of the DHT, for those of its nodes that know no signed peers.
//!
//! The item lies under a key that follows from the site and the day, so that whoever knows the site can read it,
//! and each holder adds itself to what it finds there. Anybody can write anything on it: what it says are
//! candidates, no more. A new day is a new board, so that one that somebody has spoilt does not stay spoilt.

use ed25519_dalek::SigningKey;

use crate::archive::{
    address::SiteId,
    codec::{DecodeError, Reader, put_uint},
};

/// Who says of itself that it holds a site, the last first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Board {
    notes: Vec<Note>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Note {
    node: [u8; 32],
    /// When, in minutes since 1970.
    minute: u32,
}

const BOARD: &str = "board";
const FORMAT_VERSION: u8 = 1;
const DAY: u64 = 24 * 3600;

impl Board {
    /// The salt that tells it from other items under the same key.
    pub const SALT: &[u8] = b"skep holders";
    /// The most holders that there is room for.
    pub const MAX_NOTES: usize = 27;
    /// For how long a note counts, in seconds. Holders write theirs anew each hour.
    pub const LIFETIME: u64 = 9000;
    /// How far a clock may be ahead, in seconds.
    const AHEAD: u64 = 600;

    /// The keys of a site's boards at `now`, in seconds since 1970: today's, and yesterday's while what it says
    /// may still count.
    pub fn keys(site: SiteId, now: u64) -> Vec<SigningKey> {
        let day = now / DAY;
        let yesterday = day.checked_sub(1).filter(|_| now % DAY < Self::LIFETIME);
        [Some(day), yesterday]
            .into_iter()
            .flatten()
            .map(|day| {
                let mut hasher = blake3::Hasher::new_derive_key("skep 2026 dht board v1");
                hasher.update(&site.0);
                hasher.update(&day.to_be_bytes());
                SigningKey::from_bytes(hasher.finalize().as_bytes())
            })
            .collect()
    }

    /// The bytes of the item's value.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![FORMAT_VERSION];
        put_uint(&mut out, self.notes.len() as u64);
        for note in &self.notes {
            out.extend_from_slice(&note.node);
            out.extend_from_slice(&note.minute.to_be_bytes());
        }
        out
    }

    /// Reads a board.
    ///
    /// # Errors
    ///
    /// If the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(BOARD, bytes);
        reader.version(FORMAT_VERSION)?;
        let count = reader.count("number of notes", Self::MAX_NOTES, 36)?;
        let mut notes: Vec<Note> = Vec::with_capacity(count);
        for _ in 0..count {
            let (node, minute) = (reader.array()?, u32::from_be_bytes(reader.array()?));
            reader.ensure(
                notes.iter().all(|other| other.node != node),
                "it names a node twice",
            )?;
            notes.push(Note { node, minute });
        }
        reader.finish()?;
        Ok(Self { notes })
    }

    /// The nodes whose notes count at `now`, in seconds since 1970.
    pub fn holders(&self, now: u64) -> Vec<[u8; 32]> {
        self.fresh(now).map(|note| note.node).collect()
    }

    /// The board with a note of `node`, and without what does not count any more.
    pub fn with(&self, node: [u8; 32], now: u64) -> Self {
        let minute = u32::try_from(now / 60).unwrap_or(u32::MAX);
        let mut notes: Vec<Note> = self.fresh(now).filter(|note| note.node != node).collect();
        notes.sort_by_key(|note| std::cmp::Reverse(note.minute));
        notes.insert(0, Note { node, minute });
        notes.truncate(Self::MAX_NOTES);
        Self { notes }
    }

    fn fresh(&self, now: u64) -> impl Iterator<Item = Note> {
        let counts = now.saturating_sub(Self::LIFETIME)..=now.saturating_add(Self::AHEAD);
        let notes = self.notes.iter().copied();
        notes.filter(move |note| counts.contains(&(u64::from(note.minute) * 60)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_795_392_000;

    proptest! {
        #[test]
        fn holders_write_their_names_one_after_the_other(
            writers in prop::collection::vec((0..60u8, 0..20_000u64), 1..80),
        ) {
            let (mut board, mut now) = (Board::default(), NOW);
            for (node, later) in &writers {
                now += later / 60;
                board = Board::decode(&board.with([*node; 32], now).encode()).unwrap();
                prop_assert!(board.encode().len() <= 1000);
                prop_assert_eq!(board.holders(now)[0], [*node; 32]);
            }
            let mut holders = board.holders(now);
            holders.sort_unstable();
            let count = holders.len();
            holders.dedup();
            prop_assert!(holders.len() == count && count <= Board::MAX_NOTES);
        }
    }

    #[test]
    fn a_note_counts_for_a_while_and_none_is_from_the_future() {
        let board = Board::default().with([1; 32], NOW);
        assert_eq!(board.holders(NOW + Board::LIFETIME - 60), [[1; 32]]);
        assert!(board.holders(NOW + Board::LIFETIME + 60).is_empty());
        assert!(board.holders(NOW - 3600).is_empty());
        // What does not count makes room.
        let mut full = Board::default();
        for n in 0..40 {
            full = full.with([n; 32], NOW);
        }
        assert_eq!(full.holders(NOW).len(), Board::MAX_NOTES);
        let later = full.with([99; 32], NOW + 2 * Board::LIFETIME);
        assert_eq!(later.notes.len(), 1);
    }

    #[test]
    fn each_day_has_a_board_and_both_are_read_around_midnight() {
        let (site, midnight) = (SiteId([7; 32]), NOW / DAY * DAY);
        let before = Board::keys(site, midnight - 60);
        let after = Board::keys(site, midnight + 60);
        assert_eq!((before.len(), after.len()), (1, 2));
        assert_eq!(before[0], after[1]);
        assert_ne!(before[0], after[0]);
        assert_eq!(Board::keys(site, midnight + DAY / 2).len(), 1);
        assert_ne!(Board::keys(SiteId([8; 32]), midnight)[0], after[0]);
    }
}
