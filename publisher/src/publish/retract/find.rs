//! What a retraction would delete, and what it has to save from that.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{Elsewhere, Gone, Retraction, Saved};
use crate::{
    archive::{
        address::SiteId,
        blobs::BlobKind,
        entry::Entry,
        pack::{ObjectKind, read_index},
        path::ArchivePath,
        tree::Object,
    },
    error::{Error, Kind, Result},
    store::{
        Reader, Retractions, SiteState, Store,
        blobs::Blob,
        reader::pack_error,
        records::Location,
        retractions::{Blobs, MAX_RETRACTIONS},
    },
};

/// Finds out what a retraction of these versions of `site` would do. Nothing is changed. May block.
///
/// # Errors
///
/// [`Kind::NotFound`] if there is no such version, or if not all versions are on this machine;
/// [`Kind::Retracted`] if one is retracted already; [`Kind::Unpublishable`] if one is the newest, or
/// there are too many.
pub fn retraction(store: &Store, site: SiteId, versions: &[u64]) -> Result<Retraction> {
    let state = store.known(site)?;
    let newest = store.entry(&state, None)?;
    let retractions = store.retractions(&state)?;
    let versions: BTreeSet<u64> = versions.iter().copied().collect();
    check(store, &state, &newest, &retractions, &versions)?;

    let (mut taken, mut staying) = (Vec::new(), Vec::new());
    for entry in store.log(&state)? {
        if retractions.by(entry.number).is_some() {
            continue;
        }
        if !retractions.is_whole(store, &entry)? {
            return Err(Error::new(
                Kind::NotFound,
                format!(
                    "not all of version {} is on this machine, so that nobody can tell what it needs of the others",
                    entry.number
                ),
            )
            .hint("retract on the machine that published it, or `skep import` a whole archive into a fresh `--home`"));
        }
        match versions.contains(&entry.number) {
            true => taken.push(entry),
            false => staying.push(entry),
        }
    }
    let reader = Reader::new(store, &state);
    let objects = Objects::of(&reader, &taken, &staying)?;
    let mut blobs = BTreeMap::new();
    for entry in taken.iter().chain(&staying) {
        blobs.extend(retractions.needs(store, entry)?);
    }
    let (drops, saved) = split(store, &blobs, &objects)?;
    let sizes = saved.iter().map(|saved| saved.location.place.size);
    Ok(Retraction {
        site,
        versions: versions.into_iter().collect(),
        elsewhere: elsewhere(&reader, &taken, &staying, &objects)?,
        deleted: drops.values().map(|blob| blob.size).sum(),
        repacked: sizes.sum(),
        gone: objects.files,
        newest,
        state,
        drops,
        saved,
    })
}

fn check(
    store: &Store,
    state: &SiteState,
    newest: &Entry,
    retractions: &Retractions,
    versions: &BTreeSet<u64>,
) -> Result<()> {
    let refused = |why: String| Error::new(Kind::Unpublishable, why);
    if versions.is_empty() || versions.len() > Entry::MAX_RETRACTED {
        let most = Entry::MAX_RETRACTED;
        return Err(refused(format!("a retraction names 1 to {most} versions"))
            .hint("retract them in several steps"));
    }
    for version in versions {
        // Fails if there is none of that number, or it is retracted already.
        store.version(state, Some(*version))?;
        if *version == newest.number {
            return Err(refused(format!(
                "version {version} is the newest, and what is newest can't be retracted"
            ))
            .hint("publish without what should go, or `skep revert` to an older version; then retract it"));
        }
    }
    if retractions.steps().len() == MAX_RETRACTIONS {
        let message = format!("a site has at most {MAX_RETRACTIONS} retractions");
        return Err(refused(message));
    }
    Ok(())
}

/// The objects of all versions.
struct Objects {
    /// What versions that stay need, in the order of their paths, those of the newest first.
    kept: Vec<(ObjectKind, [u8; 32], bool)>,
    kept_set: HashSet<[u8; 32]>,
    /// What only the others need.
    gone: HashSet<[u8; 32]>,
    /// The files among that, by path.
    files: Vec<Gone>,
}

impl Objects {
    fn of(reader: &Reader, taken: &[Entry], staying: &[Entry]) -> Result<Self> {
        let mut this = Self {
            kept: Vec::new(),
            kept_set: HashSet::new(),
            gone: HashSet::new(),
            files: Vec::new(),
        };
        let mut seen = HashSet::new();
        for (n, entry) in staying.iter().rev().enumerate() {
            for root in roots(entry) {
                reader.objects(root, &mut seen, |object| {
                    let (kind, hash) = match object {
                        Object::Node(hash) => (ObjectKind::Node, hash.0),
                        Object::File(_, file) => (ObjectKind::File, file.hash.0),
                    };
                    if this.kept_set.insert(hash) {
                        this.kept.push((kind, hash, n == 0));
                    }
                    Ok(())
                })?;
            }
        }
        let mut files = BTreeSet::new();
        for root in taken.iter().flat_map(roots) {
            // A node that was seen is one of a version that stays.
            reader.objects(root, &mut seen, |object| {
                match object {
                    Object::Node(hash) => {
                        this.gone.insert(hash.0);
                    }
                    Object::File(path, file) if !this.kept_set.contains(&file.hash.0) => {
                        this.gone.insert(file.hash.0);
                        files.insert((path.clone(), file.hash.0, file.size));
                    }
                    Object::File(..) => {}
                }
                Ok(())
            })?;
        }
        let files = files.into_iter();
        this.files = files.map(|(path, _, size)| Gone { path, size }).collect();
        Ok(this)
    }
}

fn roots(entry: &Entry) -> impl Iterator<Item = crate::archive::hash::NodeHash> {
    [Some(entry.tree), entry.sources].into_iter().flatten()
}

/// The blobs with something that is to go, and what has to be saved from them.
fn split(store: &Store, blobs: &Blobs, objects: &Objects) -> Result<(Blobs, Vec<Saved>)> {
    let mut drops = Blobs::new();
    let mut in_danger = HashMap::new();
    let mut safe = HashSet::new();
    for blob in blobs.values() {
        if blob.kind == BlobKind::File {
            if objects.gone.contains(&blob.hash.0) {
                drops.insert(blob.hash, *blob);
            }
            continue;
        }
        let pack = Blob {
            blobs: &*store.blobs,
            hash: blob.hash,
        };
        let index = read_index(&pack, blob.size).map_err(|e| pack_error(blob.hash, &e))?;
        if !index.places().any(|(o, _)| objects.gone.contains(&o.hash)) {
            safe.extend(index.places().map(|(object, _)| object.hash));
            continue;
        }
        drops.insert(blob.hash, *blob);
        for (object, place) in index.places() {
            let pack = blob.hash;
            in_danger.insert(object.hash, Location { pack, place });
        }
    }
    let kept = objects.kept.iter();
    let saved = kept.filter(|(_, hash, _)| !safe.contains(hash));
    let saved = saved.filter_map(|(kind, hash, newest)| {
        Some(Saved {
            kind: *kind,
            hash: *hash,
            newest: *newest,
            location: *in_danger.get(hash)?,
        })
    });
    Ok((drops, saved.collect()))
}

/// The files that whoever retracts may think are gone, and are not: the newest version does not have them,
/// but another does.
fn elsewhere(
    reader: &Reader,
    taken: &[Entry],
    staying: &[Entry],
    objects: &Objects,
) -> Result<Vec<Elsewhere>> {
    let mut found: BTreeMap<ArchivePath, Elsewhere> = BTreeMap::new();
    let Some(newest) = staying.last() else {
        return Ok(Vec::new());
    };
    let mut in_newest = HashSet::new();
    reader.walk(newest.tree, |_, file| {
        in_newest.insert(file.hash);
        Ok(())
    })?;
    for entry in taken {
        for change in reader.diff(entry.tree, newest.tree)? {
            let Some(old) = change.old.filter(|old| {
                objects.kept_set.contains(&old.hash.0) && !in_newest.contains(&old.hash)
            }) else {
                continue;
            };
            if found.len() == Retraction::MAX_ELSEWHERE || found.contains_key(&change.path) {
                continue;
            }
            let mut versions = Vec::new();
            for other in staying {
                let file = reader.find(other.tree, &change.path)?;
                if file.is_some_and(|file| file.hash == old.hash) {
                    versions.push(other.number);
                }
            }
            let path = change.path;
            found.insert(path.clone(), Elsewhere { path, versions });
        }
    }
    Ok(found.into_values().collect())
}
