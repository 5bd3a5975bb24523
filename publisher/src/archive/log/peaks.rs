//! [`Peaks`]: what a follower keeps of a log.

use crate::archive::{
    codec::{DecodeError, Reader},
    hash::LogHash,
};

/// The roots of the full subtrees of a log, from the largest to the smallest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peaks {
    length: u64,
    peaks: Vec<LogHash>,
}

impl Peaks {
    /// How many entries the log has.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Appends an encoded entry.
    pub fn append(&mut self, entry: &[u8]) {
        let mut hash = LogHash::leaf(entry);
        // A carry through the set bits of the length, as in binary addition.
        for _ in 0..self.length.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = LogHash::parent(left, hash);
            }
        }
        self.peaks.push(hash);
        self.length += 1;
    }

    /// The hash of the log's tree: MTH of RFC 9162. `None` if the log is empty.
    pub fn tree(&self) -> Option<LogHash> {
        let peaks = self.peaks.iter().copied().rev();
        peaks.reduce(|right, left| LogHash::parent(left, right))
    }

    /// What a head of this log signs. `None` if the log is empty: there is no version to speak of.
    pub fn root(&self) -> Option<LogHash> {
        Some(LogHash::root(self.length, self.tree()?))
    }

    /// The peaks' bytes, for one's own records.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.length.to_be_bytes().to_vec();
        for peak in &self.peaks {
            out.extend_from_slice(&peak.0);
        }
        out
    }

    /// Reads peaks.
    ///
    /// # Errors
    ///
    /// If there are not as many as the length has bits.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("log's peaks", bytes);
        let length = u64::from_be_bytes(reader.array()?);
        let peaks = (0..length.count_ones())
            .map(|_| Ok(LogHash(reader.array()?)))
            .collect::<Result<_, _>>()?;
        reader.finish()?;
        Ok(Self { length, peaks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MTH of RFC 9162, section 2.1.1, word for word.
    fn tree_hash(leaves: &[Vec<u8>]) -> LogHash {
        match leaves {
            [leaf] => LogHash::leaf(leaf),
            _ => {
                let half = (leaves.len().next_power_of_two()) / 2;
                let (left, right) = leaves.split_at(half);
                LogHash::parent(tree_hash(left), tree_hash(right))
            }
        }
    }

    #[test]
    fn peaks_agree_with_the_rfc_for_every_length() {
        let leaves: Vec<Vec<u8>> = (0..600u32).map(|n| n.to_le_bytes().to_vec()).collect();
        let mut peaks = Peaks::default();
        assert_eq!(peaks.root(), None);
        for (n, leaf) in leaves.iter().enumerate() {
            peaks.append(leaf);
            let length = n as u64 + 1;
            let expected = LogHash::root(length, tree_hash(&leaves[..=n]));
            assert_eq!(peaks.root(), Some(expected), "length {length}");
            assert_eq!(Peaks::decode(&peaks.encode()), Ok(peaks.clone()));
        }
    }

    #[test]
    fn a_changed_entry_changes_every_later_root() {
        let mut honest = Peaks::default();
        let mut rewritten = Peaks::default();
        for n in 0..100u8 {
            honest.append(&[n]);
            rewritten.append(&[if n == 40 { 200 } else { n }]);
            assert_eq!(honest.root() == rewritten.root(), n < 40);
        }
    }

    #[test]
    fn peaks_of_a_wrong_count_are_refused() {
        let mut bytes = 3u64.to_be_bytes().to_vec();
        bytes.extend([0; 32]);
        assert!(Peaks::decode(&bytes).is_err());
    }
}
