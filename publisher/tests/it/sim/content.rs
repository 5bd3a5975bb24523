//! The site's versions, and what of them is true.

use skep_publisher::swarm::proto::Tip;

/// A site that grows.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// The sizes of all pieces, those of earlier versions first.
    pub(super) sizes: Vec<u64>,
    /// How many of them each version needs.
    ends: Vec<u32>,
}

/// What the signed root of a version is in this world.
fn root(length: u64) -> [u8; 32] {
    let mut root = [0; 32];
    root[..8].copy_from_slice(&length.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    root
}

impl Content {
    /// The author signs a new version that needs so many more pieces of this size.
    pub(super) fn publish(&mut self, pieces: u32, size: u64) -> Tip {
        self.sizes.extend((0..pieces).map(|_| size));
        self.ends.push(self.sizes.len() as u32);
        self.newest().expect("one was just added")
    }

    pub(super) fn newest(&self) -> Option<Tip> {
        let length = self.ends.len() as u64;
        (length > 0).then(|| Tip {
            length,
            root: root(length),
        })
    }

    /// Whether the author signed it: what a driver finds by the signature.
    pub(super) fn is_signed(&self, tip: Tip) -> bool {
        (1..=self.ends.len() as u64).contains(&tip.length) && tip.root == root(tip.length)
    }

    /// How many pieces a version needs.
    pub(super) fn pieces(&self, tip: Tip) -> u32 {
        self.ends[tip.length as usize - 1]
    }

    /// How many bytes a version adds to the one before.
    pub(super) fn added(&self, tip: Tip) -> u64 {
        let end = self.pieces(tip) as usize;
        let start = match tip.length {
            0 | 1 => 0,
            length => self.ends[length as usize - 2] as usize,
        };
        self.sizes[start..end].iter().sum()
    }

    /// What a piece is, as the signed entries say: a driver finds by it whether bytes are right.
    pub(super) fn piece(&self, piece: u32) -> u64 {
        u64::from(piece).wrapping_mul(0xd134_2543_de82_ef95) | 1
    }
}

/// A head that nobody signed.
pub(super) fn forged(length: u64) -> Tip {
    let root = [0xee; 32];
    Tip { length, root }
}
