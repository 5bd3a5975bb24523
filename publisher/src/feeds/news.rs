//! The items of the feeds of all followed sites, read and unread.

use std::{cmp::Reverse, collections::HashMap};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::{
    find::find,
    links::{Lead, lead},
    parse::{Feed, MAX_BYTES, parse},
};
use crate::{
    archive::{address::SiteId, entry::Entry, hash::NodeHash},
    error::{Kind, Result},
    store::{Reader, Relation, SiteState, Store},
};

/// An item of a followed site's feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewsItem {
    /// The site.
    pub site: SiteId,
    /// What tells it from others of the site: 32 hexadecimal digits.
    pub key: String,
    /// One line of text.
    pub title: String,
    /// Where it leads.
    pub lead: Lead,
    /// When it was published, in seconds since 1970: never in the future.
    pub time: u64,
    /// One line of text.
    pub summary: String,
    /// Whether it was read.
    pub read: bool,
}

type Key = [u8; 16];

/// What is kept of a site's feed. The front of it can be read alone.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    front: Front,
    items: Vec<KeptItem>,
}

#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
struct Front {
    /// The tree of the version of which it is the feed.
    tree: [u8; 32],
    unread: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct KeptItem {
    key: Key,
    title: String,
    lead: Lead,
    time: u64,
    summary: String,
    read: bool,
}

/// All news, the newest first. Feeds of versions that are new here are read; `now` is in seconds since 1970.
/// May block.
///
/// # Errors
///
/// If the records can't be read or written. A feed that can't be is passed over.
pub fn news(store: &Store, now: u64) -> Result<Vec<NewsItem>> {
    let mut all = Vec::new();
    for state in followed(store)? {
        bring_up_to_date(store, &state, now)?;
        let kept = store.records.news(state.site, decode)?;
        let items = kept.into_iter().flat_map(|kept| kept.items);
        all.extend(items.map(|item| NewsItem {
            site: state.site,
            key: HEXLOWER.encode(&item.key),
            title: item.title,
            lead: item.lead,
            time: item.time,
            summary: item.summary,
            read: item.read,
        }));
    }
    all.sort_by(|a, b| (Reverse(a.time), a.site, &a.key).cmp(&(Reverse(b.time), b.site, &b.key)));
    Ok(all)
}

/// How many news of some sites were not read; of each the tree of its newest version is given, so that no site
/// is looked at of which nothing is new. May block.
///
/// # Errors
///
/// As [`news`].
pub fn unread(
    store: &Store,
    sites: impl IntoIterator<Item = (SiteId, NodeHash)>,
    now: u64,
) -> Result<u64> {
    let mut sum = 0;
    for (site, tree) in sites {
        let mut known = store.records.news(site, front)?;
        if known.is_none_or(|known| known.tree != tree.0)
            && let Some(state) = store.site(site)?.filter(|state| state.head.is_some())
        {
            bring_up_to_date(store, &state, now)?;
            known = store.records.news(site, front)?;
        }
        sum += known.map_or(0, |known| known.unread);
    }
    Ok(sum)
}

/// Says of an item whether it was read. One that is not known is passed over.
///
/// # Errors
///
/// If the records can't be written.
pub fn mark(store: &Store, site: SiteId, key: &str, read: bool) -> Result<()> {
    let key: Option<Key> = HEXLOWER
        .decode(key.as_bytes())
        .ok()
        .and_then(|k| k.try_into().ok());
    let Some(key) = key else {
        return Ok(());
    };
    change(store, site, |item| item.key == key, read)
}

/// Says of all items that they were read.
///
/// # Errors
///
/// If the records can't be written.
pub fn mark_all(store: &Store) -> Result<()> {
    for state in followed(store)? {
        if store
            .records
            .news(state.site, front)?
            .is_some_and(|front| front.unread > 0)
        {
            change(store, state.site, |_| true, true)?;
        }
    }
    Ok(())
}

fn change(
    store: &Store,
    site: SiteId,
    which: impl Fn(&KeptItem) -> bool,
    read: bool,
) -> Result<()> {
    store.records.change_news(site, |bytes| {
        let mut kept = decode(bytes?)?;
        for item in kept.items.iter_mut().filter(|item| which(item)) {
            item.read = read;
        }
        encode(kept)
    })
}

fn followed(store: &Store) -> Result<Vec<SiteState>> {
    let mut sites = store.kept_up()?;
    sites.retain(|state| state.relation == Relation::Followed && state.head.is_some());
    Ok(sites)
}

/// Reads the feed of a site's newest version, unless that was done.
fn bring_up_to_date(store: &Store, state: &SiteState, now: u64) -> Result<()> {
    let entry = store.entry(state, None)?;
    let kept = store.records.news(state.site, front)?;
    if kept.is_some_and(|kept| kept.tree == entry.tree.0) {
        return Ok(());
    }
    let items = match items(store, state, &entry) {
        Ok(items) => items,
        // Not here, or damaged: who opens the site is told, and the next version may be better.
        Err(e) if matches!(e.kind, Kind::NotFound | Kind::Damaged | Kind::Io) => return Ok(()),
        Err(e) => return Err(e),
    };
    store.records.change_news(state.site, |bytes| {
        let before = bytes.and_then(decode).unwrap_or_default();
        let items = with_history(items, &before, entry.time.min(now), now);
        encode(Kept {
            front: Front {
                tree: entry.tree.0,
                unread: 0,
            },
            items,
        })
    })
}

/// An item as its feed has it, with where it leads.
type Found = (Key, super::Item, Lead);

fn items(store: &Store, state: &SiteState, entry: &Entry) -> Result<Vec<Found>> {
    let reader = Reader::new(store, state);
    let Some((path, file)) = find(&reader, entry.tree)? else {
        return Ok(Vec::new());
    };
    let bytes = reader.bytes(&file, MAX_BYTES)?;
    let Some(Feed { home, items }) = parse(&bytes) else {
        return Ok(Vec::new());
    };
    let has = |path: &_| {
        reader
            .find(entry.tree, path)
            .is_ok_and(|file| file.is_some())
    };
    let found = items.into_iter().map(|item| {
        let link = item.link.as_deref().unwrap_or("");
        let lead = lead(state.site, &path, home.as_deref(), link, has);
        (key_of(&item.id), item, lead)
    });
    Ok(found.collect())
}

/// The items with what is known of them from before: what was read stays read, and an item whose moment is not
/// told, or lies in the future, has the one at which it was seen first.
fn with_history(found: Vec<Found>, before: &Kept, published: u64, now: u64) -> Vec<KeptItem> {
    let known: HashMap<Key, &KeptItem> = before.items.iter().map(|old| (old.key, old)).collect();
    let items = found.into_iter().map(|(key, item, lead)| {
        let old = known.get(&key);
        let time = item.time.filter(|time| *time <= now);
        KeptItem {
            key,
            title: item.title,
            lead,
            time: time.unwrap_or_else(|| old.map_or(published, |old| old.time)),
            summary: item.summary,
            read: old.is_some_and(|old| old.read),
        }
    });
    items.collect()
}

fn key_of(id: &str) -> Key {
    let mut key = [0; 16];
    key.copy_from_slice(&blake3::hash(id.as_bytes()).as_bytes()[..16]);
    key
}

fn encode(mut kept: Kept) -> Option<Vec<u8>> {
    kept.front.unread = kept.items.iter().filter(|item| !item.read).count() as u64;
    postcard::to_stdvec(&kept).ok()
}

/// What another skep has written in another way is read out of the feed anew.
fn decode(bytes: &[u8]) -> Option<Kept> {
    postcard::from_bytes(bytes).ok()
}

fn front(bytes: &[u8]) -> Option<Front> {
    postcard::take_from_bytes(bytes)
        .ok()
        .map(|(front, _)| front)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::Item;

    fn found(id: &str, time: Option<u64>) -> Found {
        let item = Item {
            id: id.into(),
            title: id.into(),
            time,
            ..Item::default()
        };
        (key_of(id), item, Lead::Nowhere)
    }

    #[test]
    fn an_item_keeps_its_mark_and_can_not_stay_at_the_top() {
        let first = with_history(
            vec![
                found("a", Some(50)),
                found("b", None),
                found("c", Some(5000)),
            ],
            &Kept::default(),
            90,
            100,
        );
        let times = |items: &[KeptItem]| items.iter().map(|item| item.time).collect::<Vec<_>>();
        assert_eq!(times(&first), [50, 90, 90]);
        let mut before = Kept {
            items: first,
            ..Kept::default()
        };
        before.items[0].read = true;
        // The future is moved on, and an item is new.
        let then = with_history(
            vec![
                found("c", Some(6000)),
                found("a", Some(60)),
                found("d", None),
            ],
            &before,
            200,
            300,
        );
        assert_eq!(times(&then), [90, 60, 200]);
        let read: Vec<bool> = then.iter().map(|item| item.read).collect();
        assert_eq!(read, [false, true, false]);
    }

    #[test]
    fn the_front_is_read_alone() {
        let kept = Kept {
            items: with_history(vec![found("a", None)], &Kept::default(), 1, 2),
            ..Kept::default()
        };
        let bytes = encode(kept).unwrap();
        assert_eq!(front(&bytes).unwrap().unread, 1);
        assert_eq!(decode(&bytes).unwrap().items.len(), 1);
        assert!(decode(&[0xff; 8]).is_none());
    }
}
