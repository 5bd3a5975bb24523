//! Who says that it keeps a version: receipts that came unasked, and what to say of all of them.

use super::Store;
use crate::{
    archive::receipt::{Mode, Receipt},
    error::Result,
};

/// The most receipts of one site, with those of nodes that a person named.
const MAX_RECEIPTS: usize = 64;

/// How many nodes say that they hold a version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holders {
    /// Those that a person named: a host, or whoever a version was handed to.
    pub named: usize,
    /// Those of them that have every version.
    pub whole: usize,
    /// All others. Anybody may say so.
    pub others: usize,
}

impl Holders {
    /// All of them.
    pub fn count(self) -> usize {
        self.named + self.others
    }
}

impl Store {
    /// Keeps the receipt of a node for the newest version of a site, in the place of an older one of that node. There
    /// are at most 64: those for older versions make room, and others do not. A receipt for another
    /// version is not kept.
    ///
    /// # Errors
    ///
    /// If the records can't be read or written.
    pub fn keep_receipt(&self, receipt: &Receipt) -> Result<()> {
        let Some(state) = self.site(receipt.site)? else {
            return Ok(());
        };
        let is_newest =
            |receipt: &Receipt| state.head.as_ref().is_some_and(|head| receipt.is_for(head));
        if !is_newest(receipt) {
            return Ok(());
        }
        let known = self.records.receipts(&state)?;
        let old = known.iter().find(|known| known.node == receipt.node);
        if old.is_some_and(|old| is_newest(old) && old.mode == receipt.mode) {
            return Ok(());
        }
        if old.is_none() && known.len() >= MAX_RECEIPTS {
            let named = self.records.peers(&state)?;
            let is_named = |node| named.iter().any(|peer| peer.named && peer.node == node);
            let older = known
                .iter()
                .find(|known| !is_newest(known) && !is_named(known.node));
            let Some(older) = older else {
                return Ok(());
            };
            self.records.forget_receipt(&state, older.node)?;
        }
        self.records.put_receipt(&state, receipt)
    }

    /// How many nodes say that they hold the newest version of a site.
    ///
    /// # Errors
    ///
    /// If the records can't be read.
    pub fn holders(&self, site: crate::archive::address::SiteId) -> Result<Holders> {
        let mut holders = Holders::default();
        let Some(state) = self.site(site)? else {
            return Ok(holders);
        };
        let Some(head) = &state.head else {
            return Ok(holders);
        };
        let named = self.records.peers(&state)?;
        for receipt in self.records.receipts(&state)? {
            if !receipt.is_for(head) {
                continue;
            }
            let is_named = |peer: &super::Peer| peer.named && peer.node == receipt.node;
            match named.iter().any(is_named) {
                true => {
                    holders.named += 1;
                    holders.whole += usize::from(receipt.mode == Mode::Whole);
                }
                false => holders.others += 1,
            }
        }
        Ok(holders)
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;
    use crate::{
        archive::{address::SiteId, head::Head, log::Peaks},
        store::{Peer, Relation, memory, records::Commit},
    };

    /// A site whose log has that many entries. What they say does not matter here.
    fn grow(store: &Store, key: &SigningKey, length: u64) -> Head {
        let mut peaks = Peaks::default();
        let entries: Vec<_> = (0..length).map(|n| vec![n as u8]).collect();
        entries.iter().for_each(|entry| peaks.append(entry));
        let head = Head::sign(key, length, peaks.root().unwrap());
        store
            .records
            .commit(&Commit {
                site: head.site(),
                relation: Relation::Own,
                entries: &entries[length as usize - 1..],
                head: &head,
                peaks: &peaks,
                packs: &[],
                retractions: &[],
                drops: &[],
                uses: None,
                signpost: None,
                before: length - 1,
                keep: length - 1,
                history: None,
            })
            .unwrap();
        head
    }

    fn receipt(head: &Head, node: u8, mode: Mode) -> Receipt {
        let key = SigningKey::from_bytes(&[node; 32]);
        let id = key.verifying_key().to_bytes();
        Receipt::sign(head, id, 7, mode, |bytes| key.sign(bytes).to_bytes())
    }

    #[test]
    fn only_the_newest_version_counts_and_older_receipts_make_room() {
        let store = memory::store();
        let key = SigningKey::from_bytes(&[200; 32]);
        let first = grow(&store, &key, 1);
        let site = first.site();
        for node in 1..=70 {
            store
                .keep_receipt(&receipt(&first, node, Mode::Latest))
                .unwrap();
        }
        let count = || store.holders(site).unwrap();
        assert_eq!(count().others, MAX_RECEIPTS);
        // Of another site, or of a version that is not here.
        let elsewhere = Head::sign(&SigningKey::from_bytes(&[201; 32]), 1, first.root());
        store
            .keep_receipt(&receipt(&elsewhere, 99, Mode::Whole))
            .unwrap();
        let unknown = Head::sign(&key, 9, first.root());
        store
            .keep_receipt(&receipt(&unknown, 99, Mode::Whole))
            .unwrap();
        assert_eq!(count().others, MAX_RECEIPTS);
        assert_eq!(store.holders(SiteId([1; 32])).unwrap(), Holders::default());

        let second = grow(&store, &key, 2);
        assert_eq!(count(), Holders::default());
        // A receipt that is replayed says nothing of the new version.
        store
            .keep_receipt(&receipt(&first, 1, Mode::Whole))
            .unwrap();
        assert_eq!(count(), Holders::default());
        store
            .keep_receipt(&receipt(&second, 100, Mode::Latest))
            .unwrap();
        store
            .keep_receipt(&receipt(&second, 1, Mode::Latest))
            .unwrap();
        assert_eq!(count().others, 2);
        assert_eq!(
            store.receipts(&store.known(site).unwrap()).unwrap().len(),
            MAX_RECEIPTS
        );
        // Who has all of it now says so in the same place.
        store
            .keep_receipt(&receipt(&second, 100, Mode::Whole))
            .unwrap();
        let peer = Peer {
            node: receipt(&second, 100, Mode::Whole).node,
            ticket: "ticket".into(),
            heard: 1,
            named: true,
        };
        store.remember_peer(site, &peer).unwrap();
        let expected = Holders {
            named: 1,
            whole: 1,
            others: 1,
        };
        assert_eq!(count(), expected);
    }
}
