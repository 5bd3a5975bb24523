//! Which blobs live on in a new version: those of which it still uses an object.

use std::collections::BTreeMap;

use crate::{
    archive::{
        blobs::{BlobKind, BlobRef},
        hash::ContentHash,
    },
    error::{Error, Result},
    review::Review,
    store::{
        Store,
        uses::{self, Counted, Uses},
    },
};

/// How the uses of blobs differ between a version and the one before.
#[derive(Default)]
pub(super) struct UseChange {
    by: BTreeMap<ContentHash, i64>,
    /// Blobs that may not have been needed before.
    new: BTreeMap<ContentHash, BlobRef>,
}

impl UseChange {
    /// An object of the blob is not used any more, or once less.
    pub(super) fn gone(&mut self, blob: ContentHash) {
        *self.by.entry(blob).or_default() -= 1;
    }

    /// An object of a blob that is known is used, or once more.
    pub(super) fn came(&mut self, blob: ContentHash) {
        *self.by.entry(blob).or_default() += 1;
    }

    /// An object of a blob is used, or once more.
    pub(super) fn came_as(&mut self, blob: BlobRef) {
        self.came(blob.hash);
        self.new.insert(blob.hash, blob);
    }

    /// So many further objects of a blob are used.
    pub(super) fn more(&mut self, blob: ContentHash, count: u64) {
        *self.by.entry(blob).or_default() += count.cast_signed();
    }
}

/// The uses in the new version, as far as they are other than before.
pub(super) fn counted(store: &Store, review: &Review, change: &UseChange) -> Result<Counted> {
    let of = uses::pair(review.roots()?);
    let (Some(state), Some(base)) = (&review.state, &review.base) else {
        return Ok(Counted {
            of,
            uses: add(Uses::new(), change)?,
            is_whole: true,
        });
    };
    let touched = change.by.keys().copied();
    // Equal trees of two branches may lie in other blobs.
    let before = match review.mend {
        Some(_) => None,
        None => store.records.uses(state, uses::trees(base), touched)?,
    };
    if let Some(before) = before {
        return Ok(Counted {
            of,
            uses: add(before, change)?,
            is_whole: false,
        });
    }
    Ok(Counted {
        of,
        uses: add(uses::count(store, state, base)?, change)?,
        is_whole: true,
    })
}

fn add(mut uses: Uses, change: &UseChange) -> Result<Uses> {
    for (blob, by) in &change.by {
        let count = uses.entry(*blob).or_default();
        *count = count.checked_add_signed(*by).ok_or_else(|| {
            Error::damaged(format!(
                "more objects of blob {blob} are gone than there were"
            ))
        })?;
    }
    Ok(uses)
}

/// The blobs that the new version needs: those that the base needs, but for what died, and the new ones.
pub(super) fn live(
    store: &Store,
    before: &BTreeMap<ContentHash, BlobRef>,
    counted: &Counted,
    change: &UseChange,
) -> Result<BTreeMap<ContentHash, BlobRef>> {
    let mut live = before.clone();
    if counted.is_whole {
        live.retain(|blob, _| counted.uses.contains_key(blob));
    }
    for (blob, count) in &counted.uses {
        if *count == 0 {
            live.remove(blob);
        } else if !live.contains_key(blob) {
            let found = match change.new.get(blob) {
                Some(blob) => *blob,
                None => earlier_pack(store, *blob)?,
            };
            live.insert(*blob, found);
        }
    }
    Ok(live)
}

/// A pack of an earlier version that is used again.
fn earlier_pack(store: &Store, pack: ContentHash) -> Result<BlobRef> {
    let size = store.blobs.size(pack);
    let size = size.map_err(|e| Error::unreadable(format!("pack {pack}"), &e))?;
    Ok(BlobRef {
        hash: pack,
        kind: BlobKind::Pack,
        size: size.ok_or_else(|| Error::damaged(format!("pack {pack} is gone")))?,
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        archive::address::SiteId,
        publish::{Outcome, Statement, needs, publish},
        review::{Sources, revert, review},
        snapshot::{Options, snapshot},
        store::memory,
    };

    /// A path gets a content, which others may have too, or none.
    fn edits() -> impl Strategy<Value = Vec<(u8, Option<u8>)>> {
        prop::collection::vec((0..40u8, prop::option::weighted(0.7, 0..6u8)), 0..12)
    }

    /// Even contents are small; odd ones are blobs of their own if they come as images, and not as pages.
    fn edit(root: &Path, (path, content): (u8, Option<u8>)) {
        let ending = if path % 2 == 0 { "png" } else { "html" };
        let path = root.join(format!("{:02}/{path}.{ending}", path % 5));
        match content {
            None => {
                let _ = fs::remove_file(path);
            }
            Some(n) => {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                let size = if n % 2 == 0 { 100 } else { 40_000 };
                fs::write(path, vec![n; size]).unwrap();
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn what_is_counted_along_the_way_is_what_a_count_of_all_gives(
            rounds in prop::collection::vec(
                (edits(), prop::option::weighted(0.2, 1..4u64), 0..4u8),
                1..10,
            ),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let folder = dir.path().join("out");
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("index.html"), "home").unwrap();
            let store = memory::store();
            let key = SigningKey::from_bytes(&[7; 32]);
            let site = SiteId(key.verifying_key().to_bytes());
            for (edits, back_to, sources) in rounds {
                for one in edits {
                    edit(&folder, one);
                }
                let files = || snapshot(&folder, &Options::default()).unwrap();
                let sources = match sources {
                    0 => Sources::None,
                    1 => Sources::AsPublished,
                    // The same files: both trees then have the same nodes.
                    _ => Sources::Files(files()),
                };
                let newest = store.site(site).unwrap().and_then(|s| s.head);
                let review = match back_to.filter(|to| newest.is_some_and(|head| *to <= head.length())) {
                    Some(version) => revert(&store, site, version).unwrap(),
                    None => review(&store, site, files(), sources).unwrap(),
                };
                let statement = Statement { message: String::new(), time: 1, as_of: 1, origin: None };
                let done = publish(&store, &key, &review, &statement, &dir.path().join("tmp"), |_| ());
                let Outcome::Published(done) = done.unwrap() else {
                    continue;
                };
                let state = store.known(site).unwrap();
                let needs = needs(&store, &done.entry).unwrap();
                let all = uses::count(&store, &state, &done.entry).unwrap();
                prop_assert!(all.keys().eq(needs.keys()), "just the blobs that are used are needed");
                let trees = uses::trees(&done.entry);
                let recorded = store.records.uses(&state, trees, needs.keys().copied()).unwrap();
                prop_assert_eq!(recorded, Some(all));
                crate::verify::verify(&store, &state).unwrap();
            }
        }
    }
}
