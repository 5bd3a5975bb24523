//! What the DHT is to say of sites, beside their heads.

use redb::{ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::{Records, SITES, SiteState, damaged};
use crate::{
    archive::{address::SiteId, signpost::Signpost},
    error::Result,
    store::Store,
};

/// Site's number -> the signpost of its head, or of an earlier one.
pub(super) const SIGNPOSTS: TableDefinition<u32, &[u8]> = TableDefinition::new("signposts");

/// Sets the signpost of a site.
pub(super) fn put(
    txn: &WriteTransaction,
    number: u32,
    signpost: Option<&Signpost>,
) -> Result<(), redb::Error> {
    let mut table = txn.open_table(SIGNPOSTS)?;
    match signpost {
        Some(signpost) => drop(table.insert(number, signpost.encode().as_slice())?),
        None => drop(table.remove(number)?),
    }
    Ok(())
}

impl Store {
    /// What the DHT is to say of the newest version of a site, if its author's words for it are here.
    ///
    /// # Errors
    ///
    /// If the records can't be read.
    pub fn signpost(&self, site: SiteId) -> Result<Option<Signpost>> {
        match self.records.site(site)? {
            Some(state) => self.records.signpost(&state),
            None => Ok(None),
        }
    }

    /// Keeps what the DHT is to say of a site. One of another version than the newest here is passed over.
    ///
    /// # Errors
    ///
    /// If the records can't be written.
    pub fn keep_signpost(&self, signpost: &Signpost) -> Result<()> {
        let site = signpost.head().site();
        let Some(state) = self.records.site(site)? else {
            return Ok(());
        };
        let is_newest = state.head.as_ref().map(|head| head.tip()) == Some(signpost.head().tip());
        match is_newest && self.records.signpost(&state)?.is_none() {
            true => self.records.put_signpost(&state, signpost),
            false => Ok(()),
        }
    }
}

impl Records {
    fn signpost(&self, state: &SiteState) -> Result<Option<Signpost>> {
        let txn = self.db.begin_read().map_err(damaged)?;
        let table = txn.open_table(SIGNPOSTS).map_err(damaged)?;
        let Some(bytes) = table.get(state.number).map_err(damaged)? else {
            return Ok(None);
        };
        // It is a hint, and can be had again: one that is damaged is as good as none.
        let signpost = Signpost::decode(state.site, bytes.value()).ok();
        let tip = state.head.as_ref().map(|head| head.tip());
        Ok(signpost.filter(|signpost| Some(signpost.head().tip()) == tip))
    }

    fn put_signpost(&self, state: &SiteState, signpost: &Signpost) -> Result<()> {
        self.write(state.site, |txn| {
            let sites = txn.open_table(SITES)?;
            let number = sites.get(state.site.0)?.map(|row| row.value().0);
            match number == Some(state.number) {
                true => put(txn, state.number, Some(signpost)),
                // It was removed meanwhile.
                false => Ok(()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;
    use crate::{
        archive::{hash::LogHash, head::Head, log::Peaks},
        store::{OwnSites, Relation, memory, records::Commit},
    };

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[9; 32])
    }

    /// Records a version, without blobs.
    fn commit(store: &Store, peaks: &mut Peaks, signed: bool) -> Head {
        let before = peaks.length();
        peaks.append(b"entry");
        let head = Head::sign(&key(), peaks.length(), peaks.root().unwrap());
        let signpost = Signpost::sign(&key(), &head, &[[1; 32]]).filter(|_| signed);
        store
            .records
            .commit(&Commit {
                site: head.site(),
                relation: Relation::Followed,
                entries: &[b"entry".to_vec()],
                head: &head,
                peaks,
                packs: &[],
                retractions: &[],
                drops: &[],
                uses: None,
                before,
                keep: before,
                history: None,
                signpost: signpost.as_ref(),
            })
            .unwrap();
        head
    }

    #[test]
    fn it_is_that_of_the_newest_version_or_none() {
        let (store, mut peaks) = (memory::store(), Peaks::default());
        let first = commit(&store, &mut peaks, true);
        let site = first.site();
        let one = store.signpost(site).unwrap().unwrap();
        assert_eq!(one.head(), &first);
        // The next version came without.
        let second = commit(&store, &mut peaks, false);
        assert_eq!(store.signpost(site).unwrap(), None);
        store.keep_signpost(&one).unwrap();
        assert_eq!(store.signpost(site).unwrap(), None, "an old one");
        let rival = Head::sign(&key(), 2, LogHash([3; 32]));
        let rival = Signpost::sign(&key(), &rival, &[]).unwrap();
        store.keep_signpost(&rival).unwrap();
        assert_eq!(store.signpost(site).unwrap(), None, "of another log");
        let two = Signpost::sign(&key(), &second, &[]).unwrap();
        store.keep_signpost(&two).unwrap();
        assert_eq!(store.signpost(site).unwrap(), Some(two.clone()));
        // Whatever is put is what was put first: all holders say the same.
        let other = Signpost::sign(&key(), &second, &[[4; 32]]).unwrap();
        store.keep_signpost(&other).unwrap();
        assert_eq!(store.signpost(site).unwrap(), Some(two.clone()));

        store.remove_site(site, OwnSites::Keep).unwrap();
        assert_eq!(store.signpost(site).unwrap(), None);
        store.keep_signpost(&two).unwrap();
        store.add_site(site, Relation::Followed).unwrap();
        assert_eq!(store.signpost(site).unwrap(), None);
    }
}
