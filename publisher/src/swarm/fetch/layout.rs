//! [`Layout`]: the pieces into which the blobs of a version are cut, in an order that all nodes find by themselves.

use std::{collections::BTreeMap, ops::Range};

use crate::archive::hash::ContentHash;

/// The most bytes of a piece.
pub(in crate::swarm) const PIECE: u64 = 1 << 20;

/// The most blobs of a piece.
const BLOBS: usize = 256;

/// Blobs and their pieces. A long blob is cut, short ones that follow each other are one piece together.
#[derive(Debug, Default)]
pub(in crate::swarm) struct Layout {
    /// In the order of their hashes, with their lengths.
    pub(in crate::swarm) blobs: Vec<(ContentHash, u64)>,
    pub(in crate::swarm) pieces: Vec<Vec<Part>>,
}

/// A part of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::swarm) struct Part {
    /// Its place in [`Layout::blobs`].
    pub(in crate::swarm) blob: usize,
    /// Which bytes.
    pub(in crate::swarm) range: Range<u64>,
}

impl Layout {
    pub(in crate::swarm) fn new(blobs: &BTreeMap<ContentHash, u64>) -> Self {
        let mut this = Self::default();
        this.extend(blobs.iter().map(|(hash, size)| (*hash, *size)));
        this
    }

    /// Adds blobs in pieces of their own.
    pub(super) fn extend(&mut self, blobs: impl IntoIterator<Item = (ContentHash, u64)>) {
        let (mut short, mut bytes) = (Vec::new(), 0);
        for (hash, size) in blobs {
            let blob = self.blobs.len();
            self.blobs.push((hash, size));
            if size > PIECE {
                self.flush(&mut short);
                let starts = (0..size).step_by(PIECE as usize);
                self.pieces.extend(starts.map(|start| {
                    let range = start..size.min(start + PIECE);
                    vec![Part { blob, range }]
                }));
                continue;
            }
            if short.len() == BLOBS || bytes + size > PIECE {
                self.flush(&mut short);
            }
            if short.is_empty() {
                bytes = 0;
            }
            bytes += size;
            short.push(Part {
                blob,
                range: 0..size,
            });
        }
        self.flush(&mut short);
    }

    fn flush(&mut self, short: &mut Vec<Part>) {
        if !short.is_empty() {
            self.pieces.push(std::mem::take(short));
        }
    }

    /// How many pieces there are.
    pub(in crate::swarm) fn length(&self) -> u32 {
        // A site has at most 2^20 blobs in 2^34 bytes.
        u32::try_from(self.pieces.len()).unwrap_or(u32::MAX)
    }

    /// How many bytes each piece has.
    pub(super) fn sizes(&self) -> Vec<u64> {
        let pieces = self.pieces.iter();
        pieces
            .map(|parts| {
                parts
                    .iter()
                    .map(|part| part.range.end - part.range.start)
                    .sum()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_byte_is_in_one_piece_and_no_piece_is_too_large(
            sizes in prop::collection::vec(prop_oneof![0u64..2000, 0u64..5_000_000], 0..600),
        ) {
            let blobs: BTreeMap<_, _> = sizes.iter().enumerate()
                .map(|(n, size)| (ContentHash::of(&n.to_le_bytes()), *size))
                .collect();
            let layout = Layout::new(&blobs);
            prop_assert_eq!(layout.blobs.len(), blobs.len());
            let mut ends = vec![0; blobs.len()];
            for parts in &layout.pieces {
                prop_assert!((1..=BLOBS).contains(&parts.len()));
                for part in parts {
                    prop_assert_eq!(part.range.start, ends[part.blob]);
                    ends[part.blob] = part.range.end;
                }
            }
            for ((_, size), end) in layout.blobs.iter().zip(ends) {
                prop_assert_eq!(*size, end);
            }
            let sizes = layout.sizes();
            prop_assert!(sizes.iter().all(|size| *size <= PIECE));
            let rest: u64 = blobs.values().sum();
            // What is cut or put together leaves no more small pieces than there must be.
            prop_assert!(sizes.len() as u64 <= rest / (PIECE / 2) + 2 + blobs.len() as u64 / 100
                + 2 * blobs.values().filter(|size| **size > PIECE).count() as u64);
        }
    }
}
